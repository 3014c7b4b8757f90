"""A proxy for apt on the loopback interface that does to answers what the file MODE says:
pass, cut (a .deb ends early), spoil (a .deb has other bytes), forge (the signed list has other text).
Usage: archive_proxy.py MODE LOG PORT. Writes its port to PORT, a line for each request to LOG."""
import http.client
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

mode_file, log_file, port_file = sys.argv[1:]
CUT = 40000


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        with open(mode_file) as file:
            mode = file.read().strip()
        with open(log_file, "a") as log:
            log.write(f"{self.path} {self.headers.get('Range', '-')}\n")
        url = urlsplit(self.path)
        headers = {k: v for k, v in self.headers.items() if not k.lower().startswith("proxy")}
        headers["Connection"] = "close"
        upstream = http.client.HTTPConnection(url.hostname, url.port or 80, timeout=60)
        upstream.request("GET", url.path, headers=headers)
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        is_deb = url.path.endswith(".deb")
        if mode == "spoil" and is_deb and len(body) > 1000:
            body = body[:500] + bytes([body[500] ^ 1]) + body[501:]
        if mode == "forge" and url.path.endswith("InRelease"):
            body = body.replace(b"Origin: Debian", b"Origin: Dabian")
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if mode == "cut" and is_deb and len(body) > CUT:
            body = body[:CUT]
            self.close_connection = True
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
with open(port_file, "w") as file:
    file.write(str(server.server_port))
threading.Timer(550, server.shutdown).start()
server.serve_forever()
