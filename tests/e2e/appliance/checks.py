#!/usr/bin/python3
"""The checks of iris-service and iris-native, the same for both, on the host and in the guest.

checks.py service|native host|guest, in an empty folder. $ORRIS: the tool; $NGINX: nginx."""
import json
import socket
import sys
import threading
from pathlib import Path

import load
from stores import FaultyStore, Nginx
from subject import TOP, Subject
from tap import equal, finish, ok, wait_until

sys.path.insert(0, str(TOP / "examples/iris-service"))
from data import parse  # noqa: E402
from model import Model  # noqa: E402

DATA = (TOP / "examples/iris-service/store/iris.csv").read_bytes()
HEADER = DATA.split(b"\n")[0] + b"\n"
ROWS = DATA.splitlines(keepends=True)[1:]
SETOSA = [5.1, 3.5, 1.4, 0.2]


def without(*places):
    """The data without some samples: good data, another model."""
    return HEADER + b"".join(row for at, row in enumerate(ROWS) if at not in places)


def expected(body):
    return Model(parse(body), body)


def near(got, want):
    """Equal but for the last digit told of numbers."""
    if isinstance(want, dict):
        return isinstance(got, dict) and got.keys() == want.keys() and all(near(got[k], want[k]) for k in want)
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(map(near, got, want))
    if isinstance(want, float):
        return abs(got - want) < 2e-4
    return got == want


def check_without_store(subject):
    status, told, _ = subject.ask("GET", "/health")
    equal("without a store, health is 503", (status, told["model"]), (503, None))
    equal("and so is model", subject.ask("GET", "/model")[0], 503)
    equal("and predict", subject.predict(SETOSA)[0], 503)


def check_answers(subject):
    want = expected(DATA)
    _, told, _ = subject.ask("GET", "/model")
    told.pop("trained")
    wanted = want.describe()
    wanted.pop("trained")
    ok("the model is scikit-learn's", near(told, wanted), f"{told}\n{wanted}")
    equal("its report is scikit-learn's, letter for letter", told["report"], want.report)
    x = want.data.test.x
    article = want.data.classes[want.data.test.y[42]]
    status, told, _ = subject.predict(x[42])
    equal("sample 42 of the test set is what it is", (status, told["predictions"][0]["class"]), (200, article))
    _, told, _ = subject.predict(x)
    ok("many samples in one request", near(told["predictions"], want.predict(x)), told)
    equal("an answer names its model", told["model"], want.version)


def check_bad_requests(subject):
    bad = {
        "no JSON": b"5.1, 3.5",
        "an object": b'{"a": 1}',
        "nothing": b"",
        "an empty list": b"[]",
        "a sample too short": b"[1, 2, 3]",
        "a sample too long": b"[[1, 2, 3, 4, 5]]",
        "words": b'["a", "b", "c", "d"]',
        "truth values": b"[true, false, true, false]",
        "no number": b"[NaN, 1, 2, 3]",
        "a number beyond all": b"[1e999, 1, 2, 3]",
        "deep lists": b"[" * 20000,
        "broken text": b"[\xff\xfe, 1, 2, 3]",
    }
    for name, body in bad.items():
        status, told, _ = subject.ask("POST", "/predict", body)
        ok(f"400 for {name}", status == 400 and told.get("error"), (status, told))
    equal("413 for more samples than allowed", subject.predict([[1, 2, 3, 4]] * 1001)[0], 413)
    equal("404 for another path", subject.ask("GET", "/nothing")[0], 404)
    status, _, headers = subject.ask("GET", "/predict")
    equal("405 for another method", (status, headers["Allow"]), (405, "POST"))
    equal("HEAD has no body", subject.ask("HEAD", "/model")[:2], (200, ""))
    connection = subject.connect()
    connection.putrequest("POST", "/predict")
    connection.putheader("Content-Length", str(10 << 30))
    connection.endheaders()
    equal("413 for a body of 10 GiB, before it comes", connection.getresponse().status, 413)
    connection.close()


def check_refresh(subject, nginx):
    before = subject.refreshes("unchanged")
    subject.wait_for("unchanged", before)
    ok("data that is the same is not sent again", nginx.answers(304) > 0)
    changed = without(0, 1, 2)
    nginx.put(changed)
    wait_until("the new model", lambda: subject.health()["model"] == expected(changed).version)
    ok("changed data makes a new model", near(subject.predict(SETOSA)[1]["predictions"], expected(changed).predict([SETOSA])))
    nginx.put(DATA)
    wait_until("the first model", lambda: subject.health()["model"] == expected(DATA).version)


def wrong_species():
    """Every other sample is of the next species: data that makes a bad model."""
    names = [b"setosa", b"versicolor", b"virginica"]
    rows = []
    for at, row in enumerate(ROWS):
        *fields, species, which = row.split(b",")
        species = names[(names.index(species) + at % 3) % 3]
        rows.append(b",".join([*fields, species, which]))
    return HEADER + b"".join(rows)


def check_refused_data(subject, store):
    refused = [
        ("malformed", "a word for a number", DATA.replace(b"1.3", b"wide", 1)),
        ("malformed", "a line cut short", DATA[:-40]),
        ("malformed", "a zero byte", DATA.replace(b"setosa", b"set\0sa", 1)),
        ("malformed", "hexadecimal numbers", DATA.replace(b"1.3", b"0x1", 1)),
        ("malformed", "a set that is neither", DATA.replace(b"train", b"trial", 1)),
        ("empty", "nothing", b""),
        ("empty", "a header alone", HEADER),
        ("shape", "other columns", DATA.replace(b"petal", b"stem")),
        ("shape", "not the page it should be", b"<html><body>It works!</body></html>\n"),
        ("shape", "one species alone", HEADER + b"".join(row for row in ROWS if b"setosa" in row)),
        ("shape", "a species lost", HEADER + b"".join(row for row in ROWS if b"setosa" not in row)),
        ("shape", "nothing to test with", DATA.replace(b",test", b",train")),
        ("worse", "wrong species", wrong_species()),
    ]
    for reason, name, body in refused:
        before, model = subject.refreshes(reason), subject.health()["model"]
        store.body = body
        subject.wait_for(reason, before)
        status, told, _ = subject.predict(SETOSA)
        ok(f"{name}: refused as {reason}, the old model serves", (status, told["model"]) == (200, model), told)
    before = subject.refreshes("worse")
    unchanged = subject.refreshes("unchanged")
    subject.wait_for("unchanged", unchanged + 1)
    equal("what was refused is not judged again", subject.refreshes("worse"), before)
    ok("the log names the reason", "worse: accuracy" in subject.log.read_text())
    good(subject, store, without(5))


def good(subject, store, body):
    store.mode, store.body = "good", body
    wait_until("the good model", lambda: subject.health()["model"] == expected(body).version)


FAULTS = {  # what a store does, and how the service calls it, if it is one word for both services
    "error": "status",
    "elsewhere": "status",
    "reset": "unreachable",
    "garbage": None,
    "half": "incomplete",
    "no_length": "incomplete",
    "huge": "too_large",
    "huge_no_length": "incomplete",
    "endless_head": None,
    "hang": "unreachable",
    "hang_in_head": None,
    "drip": "incomplete",
}


def check_faulty_store(subject, store):
    for at, (mode, reason) in enumerate(FAULTS.items()):
        asked, before = store.asked, subject.failures(reason)
        model = subject.health()["model"]
        store.mode = mode
        wait_until("the store to be asked", lambda: store.asked > asked)
        told = subject.predict(SETOSA)
        ok(f"store: {mode}: the service answers meanwhile", (told[0], told[1]["model"]) == (200, model), told)
        wait_until(f"{mode} to be noticed", lambda: subject.failures(reason) > before)
        good(subject, store, without(at + 10))
    ok("store: each of them is survived", True)
    store.mode, store.body = "no_etag", without(30)
    wait_until("the model", lambda: subject.health()["model"] == expected(store.body).version)
    before = subject.refreshes("unchanged")
    subject.wait_for("unchanged", before)
    ok("store: one without ETag: the same data is not trained on again", True)
    good(subject, store, DATA)


def raw(subject, text=b""):
    connection = socket.create_connection(("127.0.0.1", subject.port), timeout=60)
    connection.sendall(text)
    return connection


def check_bad_clients(subject):
    """Among them clients that hold their connections until the service has had enough."""
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n"
    for _ in range(50):
        gone = raw(subject, head + b"[5.1")
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        gone.close()
    ok("clients that reset within a request", subject.predict(SETOSA)[0] == 200)
    held = [raw(subject), raw(subject, b"GET /mod"), raw(subject, head), raw(subject, head + b"[5.1")]
    ok("clients that say nothing more", subject.predict(SETOSA)[0] == 200)
    deaf = raw(subject)
    deaf.settimeout(1)
    try:
        for _ in range(5000):
            deaf.sendall(b"GET /model HTTP/1.1\r\nHost: x\r\n\r\n")
    except OSError:
        pass
    ok("a client that asks and never reads", subject.predict(SETOSA)[0] == 200)
    refused = raw(subject, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n" * 20)
    refused.settimeout(60)
    while refused.recv(65536):
        pass
    ok("a client that speaks TLS is sent away", subject.predict(SETOSA)[0] == 200)
    closed = 0
    for connection in held:
        try:
            while connection.recv(65536):
                pass
        except ConnectionError:
            pass
        closed += 1
        connection.close()
    equal("those that complete no request are closed", closed, len(held))
    deaf.close()


def check_load(subject, store, seconds=3):
    bodies = [without(n, n + 1) for n in range(0, 40, 2)]
    models = [expected(body) for body in bodies]
    store.body = bodies[0]
    wait_until("the first of the models", lambda: subject.health()["model"] == models[0].version)
    stop = threading.Event()

    def swap():
        at = 0
        while not stop.wait(0.05):
            if subject.health()["model"] == models[at % len(bodies)].version:
                at += 1
                store.body = bodies[at % len(bodies)]

    before = subject.refreshes("swapped")
    swapping = threading.Thread(target=swap)
    swapping.start()
    result = load.run(subject.port, 64, seconds, models)
    stop.set()
    swapping.join()
    last = expected(store.body).version
    wait_until("the last of the models", lambda: subject.health()["model"] == last)
    swaps = subject.refreshes("swapped") - before
    print(f"# {result.done} requests, {swaps} swaps, {len(result.models)} models seen")
    equal(f"64 keep-alive connections for {seconds} s: no request failed", result.failures[:5], [])
    ok("every connection got its answers", result.least > 0, result.least)
    ok("models were swapped meanwhile", swaps > 1 and len(result.models) > 1, (swaps, result.models))


def check_end(subject):
    """SIGTERM within a request: that is answered, and nobody else is."""
    body = json.dumps(SETOSA).encode()
    pending = raw(subject, b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:3])
    subject.ask("GET", "/health")  # so the request before this one has been seen
    subject.signal()
    wait_until("the end of listening", lambda: not listens(subject))
    pending.sendall(body[3:])
    answer = b""
    while part := pending.recv(65536):
        answer += part
    ok("SIGTERM: a request that was begun is answered", answer.startswith(b"HTTP/1.1 200") and b"setosa" in answer, answer)
    equal("SIGTERM: status 0", subject.process.wait(60), 0)


def listens(subject):
    """Whether a new connection is answered; that one is made means nothing where ports are forwarded."""
    try:
        return subject.ask("GET", "/health")
    except OSError:
        return False


def check_metrics(subject):
    status, text, headers = subject.ask("GET", "/metrics")
    equal("metrics: Prometheus's text format", (status, headers["Content-Type"].split(";")[0]), (200, "text/plain"))
    values = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            values[name] = float(value)
    health = subject.health()
    equal("metrics: refreshes", values['iris_refreshes_total{result="worse"}'], health["refreshes"]["worse"])
    equal("metrics: the model", values[f'iris_model_info{{version="{health["model"]}"}}'], 1)
    requests = sum(v for k, v in values.items() if k.startswith("iris_requests_total"))
    equal("metrics: the histogram counts all requests", values['iris_request_seconds_bucket{le="+Inf"}'], requests)
    for name in {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}:
        ok(f"metrics: {name} has values", any(k.startswith(name) for k in values))


def main():
    kind, where = sys.argv[1:3]
    subject = Subject(kind, where == "guest")
    nginx = Nginx(Path("nginx").absolute())
    try:
        subject.start(nginx.port, IRIS_IDLE="10")
        check_without_store(subject)
        nginx.put(DATA)
        nginx.start()
        wait_until("a model", lambda: subject.health()["model"])
        check_answers(subject)
        check_bad_requests(subject)
        check_refresh(subject, nginx)
        check_bad_clients(subject)
        nginx.stop()
        subject.wait_for("unreachable", subject.refreshes("unreachable"))
        equal("the store is gone: the service goes on", subject.predict(SETOSA)[0], 200)
        nginx.start()
        subject.wait_for("unchanged", subject.refreshes("unchanged"))
        ok("the store is back", True)
        equal("SIGTERM: status 0 while idle", subject.stop(), 0)

        store = FaultyStore(DATA)
        subject.start(store.port)
        wait_until("a model", lambda: subject.health()["model"])
        check_refused_data(subject, store)
        check_faulty_store(subject, store)
        check_load(subject, store)
        if kind == "service":
            check_metrics(subject)
        check_end(subject)
    except Exception as error:
        ok(f"{type(error).__name__}: {error}", False, subject.log.read_text()[-3000:])
        raise
    finally:
        nginx.stop()
        if subject.process and subject.process.poll() is None:
            subject.process.kill()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
