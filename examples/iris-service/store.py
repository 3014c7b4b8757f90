"""The store: one GET, with nothing left to the store's good will. It may be away, hang, drip, break
off, or send without end; all of that ends in Failed, after `patience` seconds at most."""
import http.client
import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

LARGEST = 1 << 20


class Failed(Exception):
    """No answer that can be used: reason is one word for counting, the message for people."""

    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason


def give_up(sock):
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # of the connection below TLS, too


class Store:
    def __init__(self, url, patience):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f'"{url}" is not an http:// or https:// URL')
        self.url, self.patience, self.etag = url, patience, None
        self.place = (parts.hostname, parts.port)
        self.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        https = parts.scheme == "https"
        self.connection = http.client.HTTPSConnection if https else http.client.HTTPConnection

    def fetch(self):
        """The data, or None if it is what it was the last time."""
        connection = self.connection(*self.place, timeout=self.patience)
        limit = None
        try:
            connection.connect()
            # The time-out of a socket is for one read; this is the one for all of them.
            limit = threading.Timer(self.patience, give_up, [connection.sock])
            limit.daemon = True
            limit.start()
            return self.ask(connection)
        except (OSError, http.client.HTTPException) as error:
            raise Failed("unreachable", f"{type(error).__name__}: {error}") from None
        finally:
            if limit:
                limit.cancel()
            connection.close()

    def ask(self, connection):
        headers = {"Connection": "close", "Accept": "text/csv, */*"}
        if self.etag:
            headers["If-None-Match"] = self.etag
        connection.request("GET", self.path, headers=headers)
        answer = connection.getresponse()
        if answer.status == 304:
            return None
        if answer.status != 200:
            raise Failed("status", f"the store answered {answer.status} {answer.reason}")
        body = self.read(answer)
        self.etag = answer.getheader("ETag")
        return body

    @staticmethod
    def read(answer):
        length = answer.length
        if length is None:
            raise Failed("incomplete", "the store does not say how long its answer is")
        if length > LARGEST:
            raise Failed("too_large", f"{length} bytes, and {LARGEST} are the most")
        body = bytearray()
        while len(body) < length:
            part = answer.read1(min(length - len(body), 1 << 16))
            if not part:
                raise Failed("incomplete", f"{len(body)} of {length} bytes came")
            body += part
        return bytes(body)
