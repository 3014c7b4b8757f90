"""Stores for the training data: nginx serving a folder, and one that does what a store must not."""
import hashlib
import os
import socket
import subprocess
import threading
from collections import Counter
from pathlib import Path

CONFIGURATION = """
daemon off; master_process off; pid {0}/pid; error_log {0}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log {0}/access.log;
    types {{ text/csv csv; }}
    client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi;
    uwsgi_temp_path {0}/uwsgi; scgi_temp_path {0}/scgi;
    server {{ listen 127.0.0.1:{1}; root {0}/www; }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Nginx:
    """nginx on 127.0.0.1, not a line of ours in it."""

    def __init__(self, folder):
        self.folder, self.port, self.process = Path(folder), free_port(), None
        (self.folder / "www").mkdir(parents=True)
        configuration = CONFIGURATION.format(self.folder, self.port)
        (self.folder / "nginx.conf").write_text(configuration)

    def put(self, body, name="iris.csv"):
        """Puts the file in place at once, never half of it."""
        part = self.folder / "part"
        part.write_bytes(body)
        os.replace(part, self.folder / "www" / name)

    def start(self):
        program = os.environ.get("NGINX", "nginx")
        self.process = subprocess.Popen(
            [program, "-p", self.folder, "-c", self.folder / "nginx.conf"], stderr=subprocess.DEVNULL
        )

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def answers(self, status):
        """How many requests were answered so."""
        log = self.folder / "access.log"
        return log.read_text().count(f'" {status} ') if log.exists() else 0


class FaultyStore:
    """Answers each request as `mode` says; `body` is what it has when it is well."""

    def __init__(self, body):
        self.body, self.mode, self.asked, self.held = body, "good", 0, []
        self.port, self.ended = 0, threading.Event()
        self.did = Counter()  # requests by the mode they were answered in; "gone": how often it went away
        self.come()

    def come(self):
        self.listening = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, args=[self.listening], daemon=True).start()

    def go(self):
        """Nothing listens on its port until it comes again."""
        self.did["gone"] += 1
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()

    def accept(self, listening):
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        with connection:
            try:
                request = b""
                while b"\r\n\r\n" not in request:
                    part = connection.recv(65536)
                    if not part:
                        return
                    request += part
                mode = self.mode
                self.did[mode] += 1
                self.asked += 1
                getattr(self, mode)(connection, request)
            except OSError:
                pass  # the client had enough

    def head(self, length, etag=None, status="200 OK"):
        tag = f'ETag: "{etag}"\r\n' if etag else ""
        return f"HTTP/1.1 {status}\r\n{tag}Content-Length: {length}\r\nConnection: close\r\n\r\n".encode()

    def good(self, connection, request):
        etag = hashlib.sha256(self.body).hexdigest()[:16]
        if f'If-None-Match: "{etag}"'.encode() in request:
            connection.sendall(f'HTTP/1.1 304 Not Modified\r\nETag: "{etag}"\r\n\r\n'.encode())
        else:
            connection.sendall(self.head(len(self.body), etag) + self.body)

    def no_etag(self, connection, request):
        connection.sendall(self.head(len(self.body)) + self.body)

    def error(self, connection, request):
        connection.sendall(self.head(5, status="500 Internal Server Error") + b"oops\n")

    def elsewhere(self, connection, request):
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")

    def hang(self, connection, request):
        self.ended.wait()

    def hang_in_head(self, connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")
        self.ended.wait()

    def half(self, connection, request):
        connection.sendall(self.head(len(self.body)) + self.body[: len(self.body) // 2])

    def drip(self, connection, request):
        connection.sendall(self.head(len(self.body)))
        for at in range(len(self.body)):
            connection.sendall(self.body[at : at + 1])
            if self.ended.wait(0.1):
                return

    def reset(self, connection, request):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    def garbage(self, connection, request):
        connection.sendall(os.urandom(4096))

    def no_length(self, connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + self.body)

    def huge(self, connection, request, told=True):
        length = 10 << 30
        connection.sendall(self.head(length) if told else b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        block = b"5.1,3.5,1.4,0.2,setosa,train\n" * 4096
        for _ in range(0, length, len(block)):
            connection.sendall(block)

    def huge_no_length(self, connection, request):
        self.huge(connection, request, told=False)

    def endless_head(self, connection, request):
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        line = b"X-More: " + b"x" * 8000 + b"\r\n"
        for _ in range(0, 1 << 30, len(line)):
            connection.sendall(line)
