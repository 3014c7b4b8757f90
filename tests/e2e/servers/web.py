"""What clients of web servers share: each prints what it sees, to be compared between two runs."""
import concurrent.futures
import hashlib
import http.client
import re
import sys

TOLD = ("Server", "Content-Type", "Content-Length", "Content-Encoding", "Content-Range", "Transfer-Encoding",
        "ETag", "Last-Modified", "Location", "Allow", "Connection")  # fmt: skip
PORT = int(sys.argv[1])


def connect():
    return http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)


def digest(body):
    return f"{len(body)} bytes, {hashlib.sha256(body).hexdigest()[:16]}"


def show(method, path, body=None, headers=None, connection=None):
    """One request and all that came back, but for dates and ports."""
    one = connection or connect()
    one.request(method, path, body, headers or {})
    answer = one.getresponse()
    got = answer.read()
    print(f"{method} {path[:60]} {headers or ''}: {answer.status} {answer.reason}")
    if "Allow" in answer.headers:  # a set, in no order
        answer.headers.replace_header("Allow", " ".join(sorted(answer.headers["Allow"].split(", "))))
    for name in TOLD:
        if name in answer.headers:
            print(f"    {name}:", re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", answer.headers[name]))
    print("   ", digest(got))
    if not connection:
        one.close()
    return got


def together(count, method, path, body=None):
    """Many at once: the answers must be all the same."""

    def one(_):
        connection = connect()
        seen = set()
        for _ in range(5):
            connection.request(method, path, body)
            answer = connection.getresponse()
            seen.add((answer.status, digest(answer.read())))
        connection.close()
        return seen

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        seen = set().union(*pool.map(one, range(count)))
    print(f"{count} connections, {method} {path}: {sorted(seen)}")
