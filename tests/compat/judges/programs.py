"""Programs that measure a system, each a check that it works and what it found, and a figure to show."""
import json
import re
import subprocess

import places

LIMIT = 300
SQLITE = "sqlite3=3.40.1-2+deb12u2"
FIO = ["fio", "--name=j", "--directory=/tmp", "--size=4M", "--bs=16k", "--rw=randrw", "--iodepth=4", "--thread", "--numjobs=2",
       "--verify=crc32c", "--group_reporting", "--output-format=json"]
FILEIO = ["sysbench", "--threads=2", "--time=0", "--events=500", "--file-num=4", "--file-total-size=8M", "--validate", "fileio"]
CYCLES = 500
CYCLIC = ["cyclictest", "-q", "-t", "2", "-l", str(CYCLES), "-i", "1000", "-h", "4000"]


def found(pattern, output):
    match = re.search(pattern, output)
    return match.group(1) if match else "?"


# Each says what became of it (equal on the host and in the guest), and a figure (which isn't).
def judge_sysbench(output):
    total = found(r"(?:total number of events|Total operations): +(\d+)", output)
    return f"{total} events", found(r"total time: +(\S+)", output)


def judge_fio(output):
    job = json.loads(output[output.index("{"):])["jobs"][0]
    read, written = job["read"], job["write"]
    return f"error {job['error']}, {written['io_bytes']} bytes written, {read['io_bytes']} read", f"{read['iops']:.0f} reads/s"


def judge_cyclictest(output):
    counts = [[int(word) for word in line.split()[1:]] for line in output.splitlines() if re.match(r"\d{6}\s", line)]
    beyond = [int(word) for word in found(r"# Histogram Overflows: ([\d ]+)", output).split() if word != "?"]
    totals = [sum(thread) + over for thread, over in zip(zip(*counts), beyond)]
    figures = [found(rf"# {name} Latencies: ([\d ]+)", output).strip() for name in ("Min", "Avg", "Max")]
    # The first thread ends them all; the others' intervals are longer.
    return f"{totals[0]} cycles, the others' {'in order' if 0 < min(totals) <= max(totals) <= CYCLES else totals}", "µs, smallest {}, mean {}, largest {}".format(*figures)


def judge_speedtest(output):
    return found(r"(Verification Hash: .*)", output), found(r"TOTAL\D+([\d.]+s)", output)


def programs():
    """name: (argv, judge, user in the guest)"""
    table = {}
    for name, more in {"cpu": ["--events=200"], "memory": ["--memory-total-size=64M"], "threads": ["--events=100"],
                       "mutex": ["--mutex-num=64", "--mutex-locks=1000", "--mutex-loops=100"]}.items():
        table[f"sysbench {name}"] = (["sysbench", "--threads=2", "--time=0", *more, name, "run"], judge_sysbench, places.UID)
    for mode in "seqwr", "rndrw":
        table[f"sysbench fileio {mode}"] = ([*FILEIO, f"--file-test-mode={mode}", "run"], judge_sysbench, places.UID)
    for engine in "psync", "pvsync2", "libaio", "mmap", "posixaio":
        table[f"fio {engine}"] = ([*FIO, f"--ioengine={engine}"], judge_fio, places.UID)
    table["cyclictest"] = ([*CYCLIC, "-p", "80"], judge_cyclictest, 0)
    for where, more in {"memory": ["--memdb"], "a file": ["/tmp/speed.db"]}.items():
        table[f"speedtest1 in {where}"] = (["speedtest1", "--size", "5", "--verify", *more], judge_speedtest, places.UID)
    return table


def files():
    """The folder that is /tmp/judge: SQLite's own measure, and the files that sysbench writes and reads."""
    folder = places.KEPT / "programs"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "speedtest1").exists():
        source = fetched(SQLITE)
        subprocess.run(["gcc", "-O2", "-o", str(folder / "speedtest1"), f"{source}/test/speedtest1.c", "-lsqlite3"], check=True)
    subprocess.run([*FILEIO, "prepare"], check=True, cwd=folder, stdout=subprocess.DEVNULL)
    return folder


def fetched(package, *flags):
    return subprocess.run([str(places.TOP / "tests/compat/source"), *flags, package], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def run(name, where):
    """(outcome, figure)"""
    argv, judge, user = programs()[name]
    # sysbench's files were made by another run of it.
    workdir = "/tmp/judge" if name.startswith("sysbench fileio") else "/tmp"
    if argv[0] == "speedtest1":
        argv = [("/tmp/judge" if where == "host" else str(files())) + "/speedtest1", *argv[1:]]
    if where == "host":
        command, given = places.confined(argv, files(), workdir=workdir, realtime=user == 0)
        ended, output = places.finish(command, LIMIT, given)
    else:
        ended, output = places.finish(places.machine(argv, files(), user=user, workdir=workdir), LIMIT)
    if ended != 0:
        return {124: "panic"}.get(ended, f"ended with {ended}"), output.strip()[-300:]
    try:
        return judge(output)
    except (ValueError, KeyError, IndexError) as error:
        return f"unreadable: {error}", output[-300:]
