"""TAP for tests in Python: ok() judges, wait_until() waits for what must come."""
import time

LIMIT = 120  # seconds: only to end what hangs
count = failed = 0


def ok(name, passed, detail=""):
    global count, failed
    count += 1
    failed += not passed
    print(f"{'ok' if passed else 'not ok'} {count} - {name}", flush=True)
    if not passed:
        print("".join(f"# {line}\n" for line in str(detail).splitlines()), end="", flush=True)
    return passed


def equal(name, got, want):
    return ok(name, got == want, f"got  {got!r}\nwant {want!r}")


def wait_until(what, condition, limit=LIMIT):
    """The condition's value as soon as it is true."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise TimeoutError(f"waited {limit} s for {what}")


def finish():
    print(f"1..{count}", flush=True)
    return 1 if failed or not count else 0
