"""What larger operations take, one line each: NAME NANOSECONDS. `tests/bench/bench programs` runs it
here and under Debian's kernel."""
import gzip, os, sqlite3, time


def tell(name, start):
    print(name, f'{(time.perf_counter() - start) * 1e9:.1f}', flush=True)


def transactions(path, count):
    db = sqlite3.connect(path, isolation_level=None)
    db.execute('create table t (i integer primary key, s text)')
    for i in range(count):
        db.execute('begin')
        db.execute('insert into t values (?, ?)', (i, f'row {i}' * 10))
        db.execute('commit')
    assert db.execute('select count(*) from t').fetchone() == (count,)
    db.close()
    os.unlink(path)


start = time.perf_counter()
import sklearn
tell('import-sklearn', start)

text = b''.join(b'%d lines of %d words, %x\n' % (i, i * i, i * 2654435761 % 4294967296) for i in range(1400000))[:50000000]
start = time.perf_counter()
packed = gzip.compress(text, 6)
tell('gzip', start)
assert gzip.decompress(packed) == text

start = time.perf_counter()
transactions('/tmp/bench.sqlite', 1000)
tell('sqlite', start)
