#!/bin/bash
# What `orris doctor` finds, with pieces of the host hidden from it.
. "$(dirname "$0")/tap.sh"
needs python

try doctor
ok "a host that runs these tests has what is needed" is "$status" 0
for name in QEMU kernel store recipes apt; do
    ok "$name is told to be there" matches out "^ok +$name +[^ ]"
done
ok "QEMU's version is told" has out "$(qemu-system-x86_64 --version | sed -n 's/.*version \([0-9.]*\).*/\1/p')"
ok "the acceleration was measured" matches out 'acceleration +(KVM|emulation), [1-9][0-9]* million instructions a second'
ok "the store's room is told with its folder" matches out "GB free in $ORRIS_HOME$"

shared=$ORRIS_HOME
export ORRIS_HOME=$work/measured
try run --verbose --accel tcg /bin/true
right=$(sed -n 's/.*"emulated_avx2_right": \(true\|false\).*/\1/p' "$ORRIS_HOME/host.json")
ok "whether QEMU's AVX2 is right was tried" matches <(echo "$right") '^(true|false)$'
ok "without it there is none" is "$(grep -o -- '-cpu [^ ]*' err)" "-cpu max$([ "$right" = true ] || echo ,-avx2)"
sed -i 's/"emulated_avx2_right": [a-z]*/"emulated_avx2_right": true/' "$ORRIS_HOME/host.json"
try run --verbose --accel tcg /bin/true
ok "that is remembered" has err "-cpu max "
export ORRIS_HOME=$shared

try doctor --json
ok "--json tells the same" "$python" - <<'P'
import json
rows = {row["check"]: row for row in json.load(open("out"))}
assert rows["QEMU"]["state"] == "ok" and "qemu-system-x86_64" in rows["QEMU"]["found"], rows
assert list(rows) == ["QEMU", "acceleration", "kernel", "store", "recipes", "apt", "erofs-utils", "gdb"]
P

# Only what is named: without NAME… nothing else of the host is in PATH.
only() {
    rm -rf bin && mkdir bin
    for name in "$@"; do
        ln -s "$(command -v "$name")" bin/
    done
}
hidden() {
    PATH=$work/bin "$ORRIS" doctor > out 2> err
    status=$?
}

only apt-get apt-cache fsck.erofs
hidden
ok "without QEMU the status is 1" is "$status" 1
ok "it is told missing" matches out '^MISSING +QEMU'
ok "with the command that gets it" has out 'sudo apt install qemu-system-x86'
ok "what is there is still told" matches out '^ok +apt'
only qemu-system-x86_64 fsck.erofs
hidden
ok "without apt the status is 1" is "$status" 1
ok "it is told missing, too" matches out '^MISSING +apt'
only qemu-system-x86_64 apt-get apt-cache
hidden
ok "erofs-utils are not needed" is "$status" 0
ok "but told" matches out '^could be +erofs-utils'
ok "with their package" has out 'sudo apt install erofs-utils'
ok "and so is gdb" matches out '^could be +gdb'
only qemu-system-x86_64 apt-get apt-cache fsck.erofs
ORRIS_KERNEL=$work/none hidden
ok "without a kernel the status is 1" is "$status" 1
ok "and the path is told" has out "$work/none"
ORRIS_PACKAGES=$work/none hidden
ok "without recipes, too" is "$status$(grep -c '^MISSING' out)" 11
try doctor now
ok "an argument is wrong usage" is "$status" 2
finish
