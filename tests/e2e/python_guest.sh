#!/bin/bash
# What Python programs lean on: threads, asyncio, memory maps, signals, time, locales, temporary
# files. Each script prints the same on the host.
. "$(dirname "$0")/tap.sh"
needs python

same() { # NAME: NAME.py prints the same in the guest
    $python "$1.py" > expected 2> expected.err
    host=$?
    try run -q $python "$1.py"
    ok "$1: the same output as on the host" cmp -s out expected
    ok "$1: the same status" is "$status" $host
}

cat > threads.py <<'P'
import queue, threading, concurrent.futures, time
results = queue.Queue()
lock = threading.Lock()
total = 0
def work(n):
    global total
    for i in range(1000):
        with lock:
            total += i % n
    results.put(n)
threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 9)]
[t.start() for t in threads]
[t.join(60) for t in threads]
print(total, sorted(results.get() for _ in threads))
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    print(list(pool.map(lambda x: x * x, range(20))))
event = threading.Event()
threading.Timer(0.05, event.set).start()
print(event.wait(10), threading.active_count() <= 2)
try:
    queue.Queue().get(timeout=0.05)
except queue.Empty:
    print("empty")
P
same threads

cat > loop.py <<'P'
import asyncio, socket, signal, os
async def echo(reader, writer):
    writer.write((await reader.readline()).upper())
    await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_unix_server(echo, "/tmp/orris-e2e.sock")
    reader, writer = await asyncio.open_unix_connection("/tmp/orris-e2e.sock")
    writer.write(b"hello loop\n")
    print(await reader.readline())
    server.close()
    print(await asyncio.gather(*(asyncio.sleep(0.01 * i, i) for i in range(10))))
    loop = asyncio.get_running_loop()
    got = loop.create_future()
    loop.add_signal_handler(signal.SIGUSR1, got.set_result, "signal")
    os.kill(os.getpid(), signal.SIGUSR1)
    print(await asyncio.wait_for(got, 10))
    print(await loop.run_in_executor(None, sum, range(100)))
    try:
        await asyncio.wait_for(asyncio.sleep(60), 0.05)
    except asyncio.TimeoutError:
        print("time-out")
asyncio.run(main())
os.unlink("/tmp/orris-e2e.sock")
P
same loop

cat > files.py <<'P'
import mmap, os, shutil, sqlite3, stat, tempfile, pathlib, json, zipfile, gzip, select
with tempfile.TemporaryDirectory() as d:
    p = pathlib.Path(d)
    (p / "a" / "b").mkdir(parents=True)
    (p / "a" / "f").write_text("text")
    os.symlink("f", p / "a" / "l")
    shutil.copytree(p / "a", p / "copy", symlinks=True)
    print(sorted(str(x.relative_to(p)) for x in p.rglob("*")))
    with open(p / "m", "w+b") as f:
        f.truncate(8192)
        with mmap.mmap(f.fileno(), 0) as m:
            m[4096:4101] = b"hello"
            m.flush()
            print(m.find(b"hello"), m.size())
        f.seek(4096)
        print(f.read(5))
    db = sqlite3.connect(p / "db")
    db.execute("create table t (a, b)")
    db.executemany("insert into t values (?, ?)", [(i, i * i) for i in range(1000)])
    db.commit()
    print(db.execute("select count(*), sum(b) from t").fetchone())
    db.close()
    with zipfile.ZipFile(p / "z", "w") as z:
        z.write(p / "m", "m", zipfile.ZIP_DEFLATED)
    print(zipfile.ZipFile(p / "z").namelist(), oct(stat.S_IMODE(os.stat(p / "z").st_mode)))
    with gzip.open(p / "g", "wt") as g:
        json.dump({"k": [1, 2, 3]}, g)
    print(gzip.open(p / "g", "rt").read())
    r, w = os.pipe()
    print(select.select([r], [w], [], 0.01)[1] == [w])
    shutil.rmtree(p / "copy")
    print(sorted(os.listdir(p)))
P
same files

cat > misc.py <<'P'
import decimal, hashlib, locale, math, os, platform, random, signal, sys, time, uuid, zlib, ctypes
print(platform.system(), platform.machine(), sys.platform, os.name)
print(hashlib.sha256(b"x" * 100000).hexdigest(), zlib.crc32(b"abc"))
print(len({uuid.uuid4() for _ in range(100)}), len(os.urandom(33)))
print(ctypes.CDLL(None).abs(-5), math.fsum([0.1] * 10), decimal.Decimal(2).sqrt())
hits = []
signal.signal(signal.SIGALRM, lambda *a: hits.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.02)
signal.pause()
print(hits, signal.SIGALRM in signal.valid_signals())
before = time.monotonic()
time.sleep(0.05)
print(time.monotonic() - before >= 0.05, abs(time.time() - time.time_ns() / 1e9) < 1)
print(sys.getrecursionlimit(), sys.getfilesystemencoding(), os.path.exists("/proc/self/maps"))
sys.exit(5)
P
same misc
finish
