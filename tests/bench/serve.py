"""What `python3 -m http.server --protocol HTTP/1.1 8080` is, but for the line that it writes per request: the consoles
of the machines compared are not alike."""
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Handler(SimpleHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass


ThreadingHTTPServer(('', 8080), Handler).serve_forever()
