#!/bin/bash
# Standard input that is a file is a file to the program: the same as on the host, here and after it.
. "$(dirname "$0")/tap.sh"
needs python

seq 1 20000 > lines
head -c 300000 /dev/urandom > bytes

# same NAME FILE COMMAND…: what the command says of its standard input, and what is left of that for the next.
same() {
    same_name=$1 same_file=$2
    shift 2
    { "$@"; echo "status $?"; cat | cksum; } < "$same_file" > expected 2> expected_err
    { orris run -q "$@"; echo "status $?"; cat | cksum; } < "$same_file" > out 2> err
    status=$?
    ok "$same_name" cmp -s expected out
}

same "head leaves the rest to the next" lines /usr/bin/head -n 3
same "what reads nothing leaves all" lines /bin/true
same "cat leaves nothing" bytes /bin/cat
same "the size is known: wc -c" bytes /usr/bin/wc -c
same "tail seeks" bytes /usr/bin/tail -c 1000
same "dd skips, and stops in the midst" bytes /usr/bin/dd bs=1000 skip=7 count=3 status=none
same "sort" lines /usr/bin/sort -r
same "a shell reads lines, and goes back to their ends" lines "$(command -v bash)" -c 'for i in 1 2 3 4; do read -r line; done; echo "$line"'
same "test -f /dev/stdin" lines /usr/bin/test -f /dev/stdin -a -s /dev/stdin
same "stat" lines /usr/bin/stat -L -c '%s %b %B %i %h %a %F %Y %Z' /dev/stdin
if command -v git > /dev/null; then
    same "git hash-object --stdin" bytes "$(command -v git)" hash-object --stdin
else
    skip "git hash-object --stdin" "there is no git here"
fi
cp lines other && sed -i 5d other
same "diff reads - where it is" lines /usr/bin/diff - other

{ read -r _ && orris run -q /usr/bin/head -n 1 && cat; } < lines > out 2> err
ok "the program begins where the shell has left it" is "$(cksum < out)" "$(tail -n +2 lines | cksum)"
while read -r line && [ "$line" -lt 3 ]; do
    orris run -q /bin/echo "$line" 2> err
done < lines > out
ok "a loop over lines keeps its input" is "$(cat out)" $'1\n2'
orris run -q /bin/cat < /proc/version > out 2> err
ok "a file whose size isn't told is read to its end" is "$(cat out)" "$(cat /proc/version)"
cp lines gone && exec 5< gone && rm gone
orris run -q /bin/cat <&5 > out 2> err
ok "a file that was removed" cmp -s out lines
exec 5<&-

# All that can be asked of an open file.
cat > ask.py << 'PY'
import array, ctypes, errno, fcntl, mmap, os, select, stat, sys, termios

def tell(name, call):
    try:
        print(name, call())
    except OSError as e:
        print(name, errno.errorcode[e.errno])

def available():
    number = array.array("i", [0])
    fcntl.ioctl(0, termios.FIONREAD, number)
    return number[0]

def buffers(offset):
    parts = [bytearray(10), bytearray(5000), bytearray(7)]
    return os.preadv(0, parts, offset), parts[0], parts[2]

def sent(offset, count):
    out = os.open("/tmp/stdin_file.%d" % os.getpid(), os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.unlink("/tmp/stdin_file.%d" % os.getpid())
    n = os.sendfile(out, 0, offset, count)
    return n, os.pread(out, 20, 0), os.lseek(0, 0, os.SEEK_CUR)

def mapped(flags, prot, write):
    m = mmap.mmap(0, 0, flags=flags, prot=prot)
    if write:
        m[4000:4200] = b"x" * 200
    return len(m), hash_of(m[:]), os.pread(0, 4, 4000)

def hash_of(data):
    return len(data), sum(data), sum(data[::7])

def again():
    fd = os.open("/dev/stdin", os.O_RDONLY)
    text = os.read(fd, 5), os.lseek(fd, 0, os.SEEK_CUR), os.lseek(0, 0, os.SEEK_CUR)
    os.close(fd)
    return text

def watched():
    e = select.epoll()
    e.register(0)

def polled():
    p = select.poll()
    p.register(0)
    return p.poll(0)

size = os.fstat(0).st_size
tell("flags", lambda: oct(fcntl.fcntl(0, fcntl.F_GETFL)))
tell("kind", lambda: stat.S_ISREG(os.fstat(0).st_mode))
tell("tty", lambda: os.isatty(0))
tell("size", lambda: size)
tell("read", lambda: os.read(0, 10))
tell("where", lambda: os.lseek(0, 0, os.SEEK_CUR))
tell("available", available)
tell("pread", lambda: hash_of(os.pread(0, 70000, 123)))
tell("pread at the end", lambda: os.pread(0, 100, size - 5))
tell("pread behind it", lambda: os.pread(0, 100, size + 5))
tell("preadv", lambda: buffers(4090))
tell("where", lambda: os.lseek(0, 0, os.SEEK_CUR))
tell("end", lambda: os.lseek(0, -20, os.SEEK_END))
tell("read", lambda: os.read(0, 1000))
tell("read at the end", lambda: os.read(0, 1000))
tell("before the start", lambda: os.lseek(0, -1, os.SEEK_SET))
tell("far behind the end", lambda: (os.lseek(0, size + 10000, os.SEEK_SET), os.read(0, 5)))
tell("available", available)
tell("data", lambda: os.lseek(0, 17, os.SEEK_DATA))
tell("hole", lambda: os.lseek(0, 17, os.SEEK_HOLE))
tell("no data", lambda: os.lseek(0, size, os.SEEK_DATA))
for at in (299000, 5, 150000, 149990, 150100, 0):
    tell("seek and read", lambda: (os.lseek(0, at, os.SEEK_SET), hash_of(os.read(0, 65000))))
tell("write", lambda: os.write(0, b"x"))
tell("ftruncate", lambda: os.ftruncate(0, 5))
tell("sendfile", lambda: sent(20, 9000))
tell("private", lambda: mapped(mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE, True))
tell("shared", lambda: mapped(mmap.MAP_SHARED, mmap.PROT_READ, False))
tell("shared to write", lambda: mapped(mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, True))
libc = ctypes.CDLL(None, use_errno=True)
tell("readahead", lambda: libc.readahead(0, ctypes.c_int64(0), ctypes.c_size_t(10000)))
tell("advice", lambda: os.posix_fadvise(0, 0, 0, os.POSIX_FADV_SEQUENTIAL))
tell("poll", polled)
tell("epoll", watched)
tell("opened again", again)
tell("duplicated", lambda: (os.lseek(os.dup(0), 77, os.SEEK_SET), os.lseek(0, 0, os.SEEK_CUR)))
os.close(0)
PY
same "all calls, and the position when it was closed" bytes "$python" ask.py
orris run -q --user 1000 "$python" ask.py < bytes > out 2> err
"$python" ask.py < bytes > expected
ok "as another user" cmp -s expected out

cat > many.py << 'PY'
import os, threading
size = os.fstat(0).st_size
whole = os.pread(0, size, 0)
wrong = []

def look(start):
    at = start
    for i in range(150):
        at = (at * 7919 + 13) % size
        n = (at * 31) % 9000
        if os.pread(0, n, at) != whole[at:at + n]:
            wrong.append((at, n))

threads = [threading.Thread(target=look, args=(i,)) for i in range(4)]
for t in threads: t.start()
parts = []
while part := os.read(0, 4096):
    parts.append(part)
for t in threads: t.join()
print(len(whole), b"".join(parts) == whole, wrong)
PY
orris run -q --cpus 2 "$python" many.py < bytes > out 2> err
ok "threads that read in different places" is "$(cat out)" "300000 True []"

# What the host does to the file meanwhile: the program says what it waits for by its output.
wait_for() { for _ in $(seq 300); do grep -qs "$1" out && return; sleep 0.1; done; }
cat > grow.py << 'PY'
import os, time
print(os.read(0, 100), os.read(0, 100), flush=True)
for _ in range(600):
    if data := os.read(0, 100):
        break
    time.sleep(0.05)
print(data, os.fstat(0).st_size)
PY
printf 'first\n' > growing
orris run -q "$python" grow.py < growing > out 2> err &
wait_for first
printf 'second\n' >> growing
wait $!
ok "a file that grows is read on" is "$(cat out)" "b'first\\n' b''
b'second\\n' 13"

cat > change.py << 'PY'
import mmap, os, time
m = mmap.mmap(0, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
old = os.fstat(0)
print(os.read(0, 1), m[0:1], flush=True)
for _ in range(600):
    if os.fstat(0).st_mtime_ns != old.st_mtime_ns and os.fstat(0).st_size == 3:
        break
    time.sleep(0.05)
print(os.read(0, 100), os.read(0, 100), m[0:1], os.fstat(0).st_size, os.lseek(0, 0, os.SEEK_END))
PY
cp lines changing
orris run -q "$python" change.py < changing > out 2> err &
wait_for "b'1'"
printf 'abc' | dd of=changing status=none
wait $!
ok "a file that is cut off and written anew" is "$(cat out)" "b'1' b'1'
b'bc' b'' b'a' 3 3"

truncate -s 5G sparse && printf 'the end' >> sparse
same "the end of five gigabytes" sparse /usr/bin/tail -c 10
same "a block far within" sparse /usr/bin/dd bs=1M skip=5119 count=2 status=none
rm sparse

# Open for writing, too: it is read, and not written to by this descriptor.
cp lines both
orris run -q "$python" -c 'import os
print(os.read(0, 4), os.fstat(0).st_size)
try: os.write(0, b"x")
except OSError as e: print(e.strerror)' <> both > out 2> err
ok "<> is read" is "$(cat out)" "b'1\\n2\\n' $(stat -c %s lines)
Bad file descriptor"
ok "and not written to" cmp -s lines both
cat > kind.py << 'PY'
import os, stat, sys
print(stat.S_ISFIFO(os.fstat(0).st_mode), os.read(0, 4), file=sys.stderr)
PY
orris run -q "$python" kind.py <> both >&0 2> err
ok "the same open file as the output's is a stream" is "$(cat err)" "True b'1\\n2\\n'"
head -c 100000 bytes > small
orris run -q /bin/cat < small >> small.out 2> err
ok "input from one file, output to another" cmp -s small small.out
kill_self='import os; os.read(0, 8); os.kill(os.getpid(), 9)'
{ orris run -q "$python" -c "$kill_self"; cat; } < lines > out 2> err
ok "a program that is killed has read what it has" is "$(cksum < out)" "$(tail -c +9 lines | cksum)"
finish
