#!/bin/bash
# Bad images, a missing QEMU, KVM where it exists.
. "$(dirname "$0")/tap.sh"

image=$(orris build /bin/echo hello 2> err)
ok "build prints the image's path" test -s "$image"
try boot "$image"
ok "a whole image boots" is "$(cat out)" hello

damage() { # OFFSET: a copy with one byte changed there
    cp "$image" bad.img
    old=$(od -An -tu1 -j "$1" -N 1 bad.img | tr -d ' ')
    printf "\\$(printf %o $((old ^ 1)))" | dd of=bad.img bs=1 seek="$1" conv=notrunc 2> /dev/null
}

for place in 5000:kernel 1048592:header 1048650:records 2098180:superblock; do
    damage "${place%%:*}"
    try boot bad.img
    ok "a damaged ${place##*:} is seen before the boot" is "$status" 125
    ok "${place##*:}: the error says so" matches err "corrupt|damaged"
done
head -c 2000000 "$image" > bad.img
try boot bad.img
ok "a cut-off image is refused" is "$status" 125
try boot /etc/passwd
ok "a file that is no image is refused" has err "is not an image of orris"
try boot nowhere.img
ok "a missing image is named" has err "nowhere.img: No such file or directory"

mkdir bin
PATH=$work/bin /bin/sh -c "exec '$ORRIS' boot '$image'" > out 2> err
ok "a missing QEMU is an error of the tool" is "$?" 125
ok "it names the package to install" has err "apt install qemu-system-x86"

printf '#!/bin/sh\necho "qemu: no such machine" >&2\nexit 1\n' > bin/qemu
chmod +x bin/qemu
ORRIS_QEMU=$work/bin/qemu try boot "$image"
ok "a QEMU that fails is an error of the tool" is "$status" 125
ok "its own words are shown" has err "qemu: no such machine"

setarch i686 "$ORRIS" run /bin/true > out 2> err
ok "another machine is refused" is "$?" 125
ok "by name" has err "this is Linux on i686"

if [ -c /dev/kvm ] && (: <> /dev/kvm) 2> log; then
    timeout 60 "$ORRIS" boot --accel kvm "$image" > out 2> err
    ok "KVM, asked for, runs the program" is "$?$(cat out)" "0hello"
else
    skip "KVM, asked for, runs the program" "there is no /dev/kvm, or not for us"
fi
finish
