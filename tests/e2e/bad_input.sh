#!/bin/sh
# What nobody should have to give a tool: it says what is wrong, and goes on the next time.
. "$(dirname "$0")/tap.sh"
needs python gcc

printf 'int main(int c, char **v) { return c > 1 ? v[1][0] & 7 : 0; }\n' > t.c
gcc -static -o t t.c || skip_all "no compiler"

# Configurations.
$python -c 'print("{\"Args\": " + "[" * 10000)' > deep.json
try run -c deep.json ./t
ok "ten thousand brackets: a place and a reason" matches err "^orris: deep.json:1:[0-9]+: "
ok "and no crash" is "$status" 125
$python -c '
import json
json.dump({"// padding": "x" * (10 << 20), "Args": ["3"]}, open("large.json", "w"))'
try run -c large.json ./t
ok "ten megabytes are read" is "$status" 3
printf '{"Args": ["\377"]}' > bytes.json
try run -c bytes.json ./t
ok "bytes that are no UTF-8 are named" matches err "bytes.json:1:[0-9]+: unable to decode byte 0xff"
mkdir config.d
try run -c config.d ./t
ok "a folder is no configuration" has err "config.d"

# Folders with what is no file, and names as they come.
mkdir odd
mkfifo odd/fifo
$python -c '
import os, socket
socket.socket(socket.AF_UNIX).bind("odd/socket")
for name in (b"a b", b"new\nline", b"\xff\xfe", b"-x", b"*", b"\xc3\xa9"):
    open(b"odd/" + name, "w").close()
os.symlink("loop2", "odd/loop1"); os.symlink("loop1", "odd/loop2")'
cat > names.py <<'P'
import os
print(sorted(os.listdir(b"/odd")))
P
echo '{"Dirs": ["odd"]}' > odd.json
try run -c odd.json $python names.py
ok "names are as on the host" is "$(cat out)" \
    "[b'*', b'-x', b'a b', b'loop1', b'loop2', b'new\\nline', b'\\xc3\\xa9', b'\\xff\\xfe']"
ok "what is no file is left out, with a note" has err "odd/fifo"

# A script of an interpreter that isn't there.
printf '#!/no/such/interpreter -x\n' > script && chmod +x script
try run ./script
ok "a missing interpreter is named" has err "/no/such/interpreter"

# A store of an older version, and a damaged one.
ORRIS_HOME=$work/store
export ORRIS_HOME
try run ./t 4
ok "a fresh store" is "$status" 4
for memo in store/cache/runs/*; do printf 'orris memo 1\nrubbish' > "$memo"; done
echo 'rubbish' > store/host.json
try run ./t 5
ok "what an older version remembered is made anew" is "$status" 5
image=store/images/t.img
printf '\377\377\377\377' | dd of=$image bs=1 seek=$((1048576 + 8)) conv=notrunc 2> /dev/null
try boot $image
ok "an image of another version is refused" has err version
ok "not run" is "$status" 125
try run ./t 6
ok "and made anew by run" is "$status" 6
mkdir -p store/instances/old && echo '{"name": 5}' > store/instances/old/state.json
try instance list --json
ok "an instance whose state can't be read is listed" matches out '"status": "lost"'
try instance delete old
ok "and can be removed" test ! -e store/instances/old

# A disk that fills up.
if can_mount; then
    export ORRIS accel="${ORRIS_ACCEL:-tcg}"
    with_small 600k 'ORRIS_HOME=$PWD/small timeout 120 "$ORRIS" run --accel $accel ./t 1
        echo "status $?"
        find small -type f -size +100k'
    ok "a full disk is told" has err "No space left on device"
    ok "with the tool's status, and no piece left" is "$(cat out)" "status 125"
else
    skip "a full disk is told" "$no_mount"
fi
finish
