#!/bin/bash
# The program's streams are the tool's own: pipes, files, closed descriptors, a broken pipe, much data.
. "$(dirname "$0")/tap.sh"
needs python

cat=/bin/cat
bytes() { wc -c < "$1" | tr -d ' '; }

printf 'one\ntwo\n' > in
input=in try run $cat
ok "standard input reaches standard output" cmp -s in out
ok "status 0" is "$status" 0
ok "nothing is said" is "$(cat err)" ""

head -c 3000000 /dev/urandom > in
input=in try run $cat
ok "three million bytes from a file" cmp -s in out
cat in | orris run $cat > out 2> err
ok "three million bytes through pipes" cmp -s in out
ok "a program that reads a file argument" is "$(printf 'x\n' > small; orris run $cat small 2> err)" x

orris run /bin/ls /nowhere > out 2> err
ok "standard output and error are separate" is "$(cat out)" ""
ok "standard error arrives" has err "cannot access '/nowhere'"

cat > both.py << 'PY'
import os, sys
for i in range(200):
    os.write(1 + i % 2, b"%d\n" % i)
PY
orris run -q "$python" both.py > both 2>&1
ok "2>&1 keeps the order of the two" is "$(cat both)" "$(seq 0 199)"

orris run $cat < /dev/null > out 2> err
ok "/dev/null as standard input is an end of file" is "$?$(cat out)" 0
orris run $cat <&- > out 2> err
ok "a closed standard input is an error to the program" has err "Bad file descriptor"
orris run /bin/echo x >&- 2> err
ok "a closed standard output is, too" has err "Bad file descriptor"
orris run /bin/echo x > out 2>&-
ok "a closed standard error hurts nobody" is "$?$(cat out)" 0x

ok "a pipe to head -1" is "$(orris run /usr/bin/seq 1000000 2> err | head -1)" 1
orris run /usr/bin/yes 2> err | head -2 > out
ok "an endless writer ends with its reader" is "${PIPESTATUS[0]} $(cat out | tr '\n' ' ')" "141 y y "
ok "it is killed by SIGPIPE, as on the host" has err "exit status 141"

orris run /usr/bin/seq 5 > /dev/full 2> err
full_status=$?
ok "a full disk for the output is an error" is "$full_status" 125
ok "which says so" has err "cannot write standard output: No space left on device"

cat > tty.py << 'PY'
import os, stat
kinds = {stat.S_IFREG: "file", stat.S_IFIFO: "pipe", stat.S_IFCHR: "char", stat.S_IFSOCK: "socket"}
print([(os.isatty(fd), kinds.get(stat.S_IFMT(os.fstat(fd).st_mode))) for fd in range(3)])
PY
host=$("$python" tty.py < in 2> err | cat)
ok "the program sees what the descriptors are" is "$(orris run "$python" tty.py < in 2> err | cat)" "$host"

giga=1000000000
ok "a gigabyte out of the machine" is "$(orris run /usr/bin/head -c $giga /dev/zero 2> err | wc -c)" $giga
ok "a gigabyte into the machine" is "$(head -c $giga /dev/zero | orris run /usr/bin/wc -c 2> err)" $giga
finish
