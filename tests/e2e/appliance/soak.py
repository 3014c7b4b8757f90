#!/usr/bin/python3
"""The services under load for a minute or as told, while their models are swapped.

soak.py service|native host|guest [SECONDS], in an empty folder."""
import re
import sys
from pathlib import Path

from checks import DATA, check_load
from stores import FaultyStore
from subject import Subject
from tap import finish, ok, wait_until


def resident(subject):
    """The service's resident memory in bytes; None where nothing tells it."""
    if subject.kind == "service":
        text = subject.ask("GET", "/metrics")[1]
        return float(re.search(r"^process_resident_memory_bytes (\S+)$", text, re.M)[1])
    if subject.guest:
        return None
    status = Path(f"/proc/{subject.process.pid}/status").read_text()
    return 1024 * int(re.search(r"^VmRSS:\s+(\d+)", status, re.M)[1])


def main():
    kind, where, seconds = [*sys.argv[1:3], *(sys.argv[3:] or ["60"])]
    subject, store = Subject(kind, where == "guest"), FaultyStore(DATA)
    try:
        subject.start(store.port)
        wait_until("a model", lambda: subject.health()["model"])
        check_load(subject, store, 5)  # what a first load takes stays
        before = resident(subject)
        check_load(subject, store, float(seconds))
        after = resident(subject)
        if before:
            print(f"# resident: {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after")
            ok("memory after the load is within 5 % of before", after < 1.05 * before, (before, after))
        ok("SIGTERM: status 0", subject.stop() == 0)
    finally:
        if subject.process and subject.process.poll() is None:
            subject.process.kill()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
