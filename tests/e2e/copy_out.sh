#!/bin/sh
# Files brought out of the machine at its end.
. "$(dirname "$0")/tap.sh"
needs python

cat > make.py <<'P'
import os, sys
os.makedirs("/out", exist_ok=True)
with open("/out/small", "w") as f:
    f.write("small\n")
with open("/out/big", "wb") as f:
    for i in range(3000):
        f.write(bytes([i & 255]) * 1024)
os.chmod("/out/small", 0o640)
if len(sys.argv) > 1 and sys.argv[1] == "fail":
    sys.exit(7)
if len(sys.argv) > 1 and sys.argv[1] == "crash":
    os.kill(os.getpid(), 11)
P

umask 022
try run -i copy_out-e2e --copy-out /out/big=./big --copy-out /out/small $python make.py
ok "the program's own status" is "$status" 0
ok "a small file has its bytes" is "$(cat small)" small
ok "and its mode" is "$(stat -c %a small)" 640
$python -c 'import sys
for i in range(3000): sys.stdout.buffer.write(bytes([i & 255]) * 1024)' > want
ok "a big file has its bytes" cmp -s big want
ok "what was brought out is not called lost" not has err "lost with it"

try run -i copy_out-e2e --copy-out out/small=s1 $python make.py fail
ok "after a failure: its status" is "$status" 7
ok "after a failure: the file" is "$(cat s1)" small
ok "what was not brought out is, with its size and a remedy" has err \
    "/out/big (3000 KiB); --copy-out /out/big=./big brings it out"
try run -i copy_out-e2e --copy-out /out/small=s2 $python make.py crash
ok "after a crash: its status" is "$status" 139
ok "after a crash: the file" is "$(cat s2)" small

try run -i copy_out-e2e -q $python make.py
ok "-q silences the note about lost files" is "$(cat err)" ""

echo old > kept
try run -i copy_out-e2e --copy-out /nothing=kept $python make.py
ok "a file that isn't there fails" is "$status" 125
ok "and says so" has err "/nothing was not copied out: the program left no such file"
ok "and leaves what was there" is "$(cat kept)" old
try run -i copy_out-e2e --copy-out /out=kept $python make.py
ok "a folder is refused with what to do" has err "/out was not copied out: it is a folder"
try run -i copy_out-e2e --copy-out /out/small=none/x $python make.py
ok "a place that isn't there ends it before the start" is "$status" 125
ok "and is named" has err "orris: --copy-out: can't make a file in none"
mkdir folder
try run -i copy_out-e2e --copy-out /out/small=folder $python make.py fail
ok "a folder gets the file into it" is "$(cat folder/small)" small
try run -i copy_out-e2e --copy-out =x $python make.py
ok "no file named is wrong usage" is "$status" 2
ok "nothing else is left behind" is "$(ls -A | tr '\n' ' ')" \
    "big err folder kept make.py out s1 s2 small want "
orris image delete copy_out-e2e
finish
