#!/bin/bash
# Memory from little to much: 64 GiB that the host doesn't reserve, a page cache that is given back,
# and an end without a hang when there is none left.
. "$(dirname "$0")/tap.sh"
needs python

guest=$top/build/tests/guest
TIME_LIMIT=60

cat > total.py <<'P'
import os
print(round(os.sysconf("SC_PHYS_PAGES") * 4096 / 2**30))
P
try run -q -m 64G $python total.py
ok "64 GiB are there" is "$(cat out)$status" "640"
try run -q -m 64G "$guest/mem_map"
ok "and can be mapped" is "$status" 0

head -c 80000000 /dev/urandom > big
cat > sums.py <<'P'
import hashlib
for turn in range(2):
    with open("big", "rb") as f:
        print(hashlib.file_digest(f, "sha256").hexdigest())
P
$python sums.py > expected
cat > config.json <<'P'
{"Files": ["big"]}
P
try run -q -c config.json -m 48M $python sums.py
ok "a file larger than memory is read twice" cmp -s out expected
ok "status 0" is "$status" 0
ended=0
for turn in 1 2 3 4 5 6 7 8; do
    try run -q -c config.json -m 48M $python sums.py
    [ "$status" != 0 ] || ended=$((ended + 1))
done
ok "and again: the last messages go out without free memory" is "$ended" 8

cat > eat.py <<'P'
import sys
blocks = []
try:
    while True:
        blocks.append(bytearray(b"x" * (1 << 20)))
except MemoryError:
    blocks.clear()
    print("MemoryError")
    sys.exit(3)
P
start=$SECONDS
try run -m 64M $python eat.py
ok "without memory the program ends" test "$status" -ne 0
ok "soon" test $((SECONDS - start)) -lt 60
ok "by MemoryError or by a signal, with a word why" sh -c '[ "$1" = 3 ] || grep -qi memory err' sh "$status"
finish
