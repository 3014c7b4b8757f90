#!/bin/sh
# The Debian package: installed into a root of its own, it works; removed, it leaves nothing.
. "$(dirname "$0")/tap.sh"
needs python

for tool in dpkg dpkg-deb objdump; do
    command -v $tool > /dev/null || skip_all "there is no $tool"
done
version=$(cat "$top/VERSION")
make_deb() { SOURCE_DATE_EPOCH=1700000000 "$top/tools/make-deb" "$version" "$work/$1"; }
make_deb a > out 2>&1
status=$?
package=a/orris_${version}_amd64.deb
ok "a package is made" test -f "$package"
make_deb b > out 2>&1
ok "the same bytes each time" cmp -s "$package" "b/orris_${version}_amd64.deb"
ok "nothing else is left there" is "$(ls -A a)" "orris_${version}_amd64.deb"
dpkg-deb -f "$package" Depends > out
ok "it needs QEMU and the libraries that the tool is linked with" matches out "libjansson4.*qemu-system-x86"

mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates
: > root/var/lib/dpkg/status
dpkg_root() { dpkg --root="$work/root" --log=/dev/null --force-not-root --force-depends --force-bad-path "$@"; }
dpkg_root -i "$package" > out 2>&1
status=$?
ok "it can be installed" is "$status" 0
root/usr/bin/orris version > out 2>&1
ok "the tool finds its kernel" has out "kernel $version"
cat > hello.py <<'P'
print("hello from a package")
P
timeout 120 root/usr/bin/orris run -q --accel "${ORRIS_ACCEL:-tcg}" $python hello.py > out 2> err
ok "and runs a program" is "$(cat out)" "hello from a package"
ok "with manual pages" test -f root/usr/share/man/man1/orris-instance-create.1.gz
ok "and completions" test -f root/usr/share/bash-completion/completions/orris
dpkg_root -P orris > out 2>&1
status=$?
ok "it can be removed" is "$status" 0
ok "nothing is left" is "$(find root -path root/var/lib/dpkg -prune -o -type f -print)" ""
finish
