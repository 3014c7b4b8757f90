#!/usr/bin/python3
"""How small iris-native is: its image, its memory, and the instructions from power-on to its first answer.

small.py, in an empty folder. $ORRIS: the tool."""
import json
import os
import struct
import sys
from pathlib import Path

from checks import DATA, SETOSA
from stores import FaultyStore
from subject import TOP, Subject
from tap import equal, finish, ok, wait_until

MIB = 1 << 20


def instructions(path):
    """What tests/bench/count.c has counted so far, in both halves of the address space."""
    return sum(struct.unpack("2Q", path.read_bytes()[:16]))


def answered(subject):
    try:
        return subject.predict(SETOSA)[0] == 200
    except OSError:
        return False


def main():
    subject, store, counts = Subject("native", True), FaultyStore(DATA), Path("counts")
    os.symlink(TOP / "build/tests/bench/count.so", "count.so")  # whose own path may have blanks
    subject.flags = ["--qemu-args", "-plugin ./count.so,out=counts"]
    try:
        subject.start(store.port, IRIS_REFRESH="3600")
        wait_until("the first answer", lambda: answered(subject))
        count = instructions(counts)
        print(f"# {count / 1e6:.1f} million instructions from power-on to the first answer")
        ok("it answers within 60 million instructions of power-on", 0 < count < 60_000_000, count)
        memory = json.loads(Path("example/config.json").read_text())["RunConfig"]["Memory"]
        equal("it works in 16 MiB", memory, "16M")
        image = Path(os.environ["ORRIS_HOME"]) / "images/e2e-iris-native.img"
        size = image.stat().st_blocks * 512
        print(f"# {size / MIB:.1f} MiB of image on the disk")
        ok("its image takes at most 4 MiB", 0 < size <= 4 * MIB, size)
        equal("SIGTERM: status 0", subject.stop(), 0)
    except Exception as error:
        ok(f"{type(error).__name__}: {error}", False, subject.log.read_text()[-3000:])
        raise
    finally:
        if subject.process and subject.process.poll() is None:
            subject.process.kill()
    return finish()


if __name__ == "__main__":
    sys.exit(main())
