#!/bin/bash
# Why a file is in an image, and what takes the room there.
. "$(dirname "$0")/tap.sh"
needs python

mkdir -p data 'odd "<name>"'
head -c 5000000 /dev/urandom > data/large.bin
head -c 300000 /dev/urandom > data/small.bin
ln data/large.bin data/twin.bin
echo x > 'odd "<name>"/<script>.txt'
printf y > "$(printf 'odd "<name>"/\xff\n')"
echo 'print(1)' > main.py
echo 'x = 1' > beside.py
cat > config.json <<'C'
{ "Dirs": ["data", "odd \"<name>\""] }
C
image=$(orris build -q -i e2e-why -c config.json "$python" main.py)
real=$(readlink -f "$python")

orris why e2e-why "$real" > out 2> err
owner=$(dpkg -S "$real" | cut -d : -f 1)
debian="; of Debian's $owner $(dpkg-query -W -f '${Version}' "$owner")"
ok "the program, and Debian's package that it is of" is "$(tail -n 1 out)" "  the program$debian"
library=$(ldd "$real" | sed -n 's/.*libz\.so.*=> \([^ ]*\) .*/\1/p')
orris why e2e-why "$library" > out 2> err
ok "a library: who needs it, and by which rule it was found" \
    has out "needed by $real, found by /etc/ld.so.cache"
ok "and who needs that" is "$(tail -n 1 out)" "    the program$debian"
orris why --json e2e-why "$library" > out 2> err
ok "--json has the chain" "$python" - "$library" "$real" "the program$debian" <<'P'
import json, sys
library, real, reason = sys.argv[1:]
steps = json.load(open("out"))
assert {step["asked"] for step in steps} == {library}
assert steps[-1]["path"] == real and steps[-1]["why"] == reason, steps
P
orris why "$image" /main.py /beside.py /data/large.bin /etc/passwd > out 2> err
status=$?
ok "the script" is "$(sed -n 2p out)" "  the script"
ok "a module beside it" is "$(sed -n 4p out)" "  beside the script"
ok "what a key of config.json names" is "$(sed -n 6p out)" "  Dirs"
ok "what every program finds" is "$(sed -n 8p out)" "  what programs take for granted"
ok "several paths at once" is $status 0
orris why e2e-why /usr/lib/python3.11/os.py > out 2> err
ok "a module of the interpreter" has out "in /usr/lib/python3.11, which the interpreter searches"
orris why e2e-why "$python" > out 2> err
ok "a link is shown with where it leads" has out "/usr/bin/python3 -> python3."
orris why e2e-why /nowhere > out 2> err
status=$?
ok "what isn't there" eval 'is $status 1 && has err "/nowhere: not in the image"'
orris why e2e-why > out 2> err
ok "without a path" is $? 2

orris size e2e-why > out 2> err
ok "a file with two names counts once" eval 'matches out " 5.30 MB +[0-9.]+ % .*─ data/$"'
ok "largest first" eval 'is "$(sed -n 2p out | grep -o "[^ ]*$")" usr/'
total=$(sed -n '1s/.*: \([0-9.]*\) MB in.*/\1/p' out)
ok "the sum is all there is" $python - "$total" "$image" <<'P'
import os, subprocess, sys
assert 5 < float(sys.argv[1]) * 1e6 <= os.stat(sys.argv[2]).st_size
P
ok "small things are summed up" matches out '└─ \([0-9]+ smaller\)$'
orris image size e2e-why > same 2> err
ok "image size is the same" cmp out same
orris size --depth 1 e2e-why > out 2> err
ok "--depth" eval 'not matches out "  [├└]─ lib/"'
orris size --all --depth 9 e2e-why > out 2> err
ok "--all" has out "main.py"

orris size --json --depth 2 e2e-why > out 2> err
ok "--json has exact sizes" "$python" - <<'P'
import json
rows = {row["path"]: row for row in json.load(open("out"))}
assert rows["/data"]["bytes"] == 5300000 and rows["/data"]["files"] == 3, rows["/data"]
assert "/data/large.bin" in rows and rows["/"]["bytes"] > 5300000
P

orris size --html page.html e2e-why > out 2> err
cat > page.py <<'P'
import json, re
text = open("page.html", encoding="utf-8").read()
assert not re.search(r"https?://|<link|src=", text), "not self-contained"
data = json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.S).group(1))
def total(node):
    return sum(total(p) for p in node[4]) if node[4] else node[1]
root = data["root"]
assert root[1] == total(root), (root[1], total(root))
parts = {p[0]: p for p in root[4]}
print(sorted(p[0] for p in parts['odd "<name>"'][4]))
print(parts["data"][3], [p[1] for p in parts["data"][4]], parts["data"][4][0][1] >= parts["data"][4][1][1])
P
$python page.py > out 2> err
ok "a page that stands alone, whatever the names" is "$(sed -n 1p out)" "['<script>.txt', '\\\\xff']"
ok "with sizes and reasons" is "$(sed -n 2p out)" "Dirs [5000000, 300000, 0] True"

# Damage in the annex is no more than a missing answer.
cp "$image" damaged.img
$python - <<'P'
import struct
with open("damaged.img", "r+b") as f:
    f.seek(0x100000 + 48)
    offset, size = struct.unpack("<QQ", f.read(16))
    f.seek(offset + 1024)
    f.write(b"\xff" * 128)
P
"$ORRIS" why ./damaged.img /main.py > out 2> err
status=$?
ok "a damaged annex" eval 'is $status 1 && matches err "^orris: "'
finish
