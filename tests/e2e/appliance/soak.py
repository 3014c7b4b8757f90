#!/usr/bin/python3
"""The services under load for a minute or as told, while their models are swapped; then with a store that fails in every
way there is, ROUNDS times.

soak.py service|native host|guest [SECONDS [ROUNDS]], in an empty folder."""
import re
import sys
import threading
from collections import Counter
from pathlib import Path

from checks import DATA, FAULTS, SETOSA, check_faulty_store, check_load
from stores import FaultyStore
from subject import Subject
from tap import finish, ok, wait_until


def touched(subject):
    """Bytes of the machine's memory that were ever used, as the host sees it."""
    tool = subject.process.pid
    qemu = Path(f"/proc/{tool}/task/{tool}/children").read_text().split()[0]
    memory = subject.memory_mib() << 10
    for part in Path(f"/proc/{qemu}/smaps").read_text().split("\nVmFlags:"):
        sizes = dict(re.findall(r"^(Size|Rss): +(\d+) kB$", part, re.M))
        if int(sizes.get("Size", 0)) == memory:
            return 1024 * int(sizes["Rss"])
    raise LookupError(f"QEMU maps nothing of {memory} KiB")


def resident(subject):
    """The service's resident memory in bytes; that of its machine where it doesn't tell."""
    if subject.kind == "service":
        text = subject.ask("GET", "/metrics")[1]
        return float(re.search(r"^process_resident_memory_bytes (\S+)$", text, re.M)[1])
    if subject.guest:
        return touched(subject)
    status = Path(f"/proc/{subject.process.pid}/status").read_text()
    return 1024 * int(re.search(r"^VmRSS:\s+(\d+)", status, re.M)[1])


def check_store(subject, store, rounds):
    """Somebody asks all the time, whatever becomes of the store."""
    answers, stop = Counter(), threading.Event()

    def client():
        while not stop.is_set():
            answers[subject.predict(SETOSA)[0]] += 1

    asking = threading.Thread(target=client)
    asking.start()
    try:
        for _ in range(rounds):
            check_faulty_store(subject, store)
            store.go()
            subject.wait_for("unreachable", subject.refreshes("unreachable"))
            store.come()
            subject.wait_for("unchanged", subject.refreshes("unchanged"))
    finally:
        stop.set()
        asking.join()
    counts = subject.health()["refreshes"]
    print("# refreshes: " + ", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    did = {what: store.did[what] for what in [*FAULTS, "gone"]}
    print("# the store: " + ", ".join(f"{count} {what}" for what, count in did.items()))
    print(f"# {rounds} rounds of a store that fails or goes away: {answers[200]} of {answers.total()} predictions answered")
    ok("it failed in every way in every round", min(did.values()) >= rounds, did)
    ok("whatever the store does, every prediction is answered", set(answers) == {200}, answers)


def main():
    kind, where = sys.argv[1:3]
    seconds, rounds = [*sys.argv[3:], *["60", "3"][len(sys.argv) - 3 :]]
    subject, store = Subject(kind, where == "guest"), FaultyStore(DATA)
    try:
        subject.start(store.port)
        wait_until("a model", lambda: subject.health()["model"])
        check_load(subject, store, 5)  # what a first load takes stays
        before = resident(subject)
        check_load(subject, store, float(seconds))
        after = resident(subject)
        print(f"# resident: {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB after")
        ok("memory after the load is within 5 % of before", after < 1.05 * before, (before, after))
        check_store(subject, store, int(rounds))
        ok("SIGTERM: status 0", subject.stop() == 0)
    finally:
        if subject.process and subject.process.poll() is None:
            subject.process.kill()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
