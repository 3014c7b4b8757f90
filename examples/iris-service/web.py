"""HTTP: a thread a connection, and a limit on how many there are and how long each may take."""
import json
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import metrics
from data import FEATURES

PAGE = Path(__file__).with_name("page.html").read_bytes()
LARGEST_BODY = 64 << 10
MOST_SAMPLES = 1000
MOST_CONNECTIONS = 512
GRACE = 5  # seconds for requests under way when the service ends


class Bad(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def not_json(name):
    raise ValueError(f"{name} is no JSON")


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


def samples_of(body):
    """[1, 2, 3, 4] is one sample, [[…], […]] are many."""
    try:
        given = json.loads(body, parse_constant=not_json)
    except (ValueError, RecursionError):
        raise Bad(400, "the body is not JSON: send [5.1, 3.5, 1.4, 0.2], or a list of such") from None
    if not isinstance(given, list) or not given:
        raise Bad(400, "the body is no list: send [5.1, 3.5, 1.4, 0.2], or a list of such")
    samples = given if isinstance(given[0], list) else [given]
    if len(samples) > MOST_SAMPLES:
        raise Bad(413, f"{len(samples)} samples, and {MOST_SAMPLES} are the most")
    for place, sample in enumerate(samples):
        if not isinstance(sample, list) or not all(map(is_number, sample)):
            raise Bad(400, f"sample {place} is not a list of numbers")
        if len(sample) != len(FEATURES):
            raise Bad(400, f"sample {place} has {len(sample)} numbers, not {len(FEATURES)}")
    return samples


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "iris-service", ""
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer leaves in one piece

    def handle_one_request(self):
        super().handle_one_request()
        self.server.completed(self.connection)

    def route(self):
        began = time.perf_counter()
        path, code = self.path.partition("?")[0], 500
        with self.server.under_way():
            try:
                code, body, kind = self.answer(path)
            except Bad as error:
                code, body, kind = error.code, as_json({"error": str(error)}), "application/json"
            finally:
                name = path if path in self.GET or path in self.POST else "other"
                self.server.service.counts.request(name, code, time.perf_counter() - began)
            self.reply(code, body, kind)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = route

    def answer(self, path):
        body = self.read_body()
        posts = self.command == "POST"
        found = (self.POST if posts else self.GET).get(path)
        if found and self.command in ("GET", "HEAD", "POST"):
            return found(self, body)
        if path in self.GET or path in self.POST:
            raise Bad(405, f"{self.command} is not for {path}")
        raise Bad(404, f"there is no {path}: see /, /predict, /model, /samples, /health, /metrics")

    def read_body(self):
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True
            raise Bad(411, "send the length of the body (Content-Length)")
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            self.close_connection = True
            raise Bad(413 if length.isdecimal() else 400, f"a body of up to {LARGEST_BODY} bytes, please")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            raise Bad(400, "the body ended early")
        return body

    def reply(self, code, body, kind):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if code == 405:
            path = self.path.partition("?")[0]
            self.send_header("Allow", "POST" if path in self.POST else "GET, HEAD")
        if self.server.ending or self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def model(self):
        if self.server.service.model is None:
            raise Bad(503, "there is no model yet: " + self.server.service.last)
        return self.server.service.model

    def get_page(self, _):
        return 200, PAGE, "text/html; charset=utf-8"

    def get_model(self, _):
        return 200, as_json(self.model().describe()), "application/json"

    def get_samples(self, _):
        return 200, as_json(self.model().samples()), "application/json"

    def get_health(self, _):
        state = self.server.service.health()
        return 200 if state["model"] else 503, as_json(state), "application/json"

    def get_metrics(self, _):
        return 200, self.server.metrics().encode(), "text/plain; version=0.0.4; charset=utf-8"

    def post_predict(self, body):
        model = self.model()
        found = model.predict(samples_of(body))
        self.server.service.counts.predicted(one["class"] for one in found)
        return 200, as_json({"model": model.version, "predictions": found}), "application/json"

    GET = {
        "/": get_page,
        "/model": get_model,
        "/samples": get_samples,
        "/health": get_health,
        "/metrics": get_metrics,
    }
    POST = {"/predict": post_predict}

    def log_message(self, *_):
        """Requests are counted, not logged."""


def as_json(value):
    return json.dumps(value, allow_nan=False).encode() + b"\n"


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, address, service, patience):
        self.service, self.patience = service, patience
        self.since, self.ending, self.working = {}, False, 0
        self.idle = threading.Condition()
        super().__init__(address, Handler)

    def process_request(self, request, client_address):
        if len(self.since) >= MOST_CONNECTIONS:
            self.shutdown_request(request)
            return
        self.since[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.since.pop(request, None)
        super().shutdown_request(request)

    def completed(self, request):
        self.since[request] = time.monotonic()

    def service_actions(self):
        """Twice a second: ends connections that complete no request, be they idle, slow or deaf."""
        oldest = time.monotonic() - self.patience
        for request, since in list(self.since.items()):
            if since < oldest:
                with suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request, client_address):
        """A client that went away is its own affair; the thread ends, and the connection with it."""

    def under_way(self):
        return UnderWay(self)

    def metrics(self):
        model = self.service.model
        return (
            self.service.counts.text()
            + (metrics.of_model(model) if model else "")
            + metrics.of_process(len(self.since))
        )

    def drain(self):
        """Accepts nothing more and waits until what was begun is answered."""
        self.ending = True
        self.shutdown()
        self.server_close()
        with self.idle:
            self.idle.wait_for(lambda: self.working == 0, GRACE)


class UnderWay:
    def __init__(self, server):
        self.server = server

    def __enter__(self):
        with self.server.idle:
            self.server.working += 1

    def __exit__(self, *_):
        with self.server.idle:
            self.server.working -= 1
            self.server.idle.notify_all()
