#!/bin/bash
# Packages of strangers: whatever their links, paths and names say, nothing of the host outside the
# package is read or written. Each check also where openat2() is refused, as in containers.
. "$(dirname "$0")/tap.sh"
needs python gcc
export ORRIS_HOME=$work/store

cat > app.c <<'C'
#include <stdio.h>
int main(void)
{
    puts("app runs");
    return 0;
}
C
gcc -O1 -static -o app app.c || exit 1
echo TOPSECRET > secret
mkdir outside
echo TOPSECRET > outside/file
cp app outside/app

# Runs a program with openat2() answered by EPERM.
cat > refuse.c <<'C'
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {4, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
        return 1;
    execv(argv[1], argv + 1);
    return argc;
}
C
gcc -O1 -o refuse refuse.c || exit 1
cat > orris-refused <<S
#!/bin/sh
exec "$work/refuse" "$ORRIS" "\$@"
S
chmod +x orris-refused

# Makes the package p: a manifest with the given program (and more keys), and the program beside it.
make_package() {
    rm -rf p
    mkdir p
    cp app p/app
    printf '{"Program": "%s"%s}\n' "$1" "${2:-}" > p/package.manifest
}
packages() { ls store/packages 2> /dev/null | grep -vx apt; }
quiet_about_secret() { ! grep -q TOPSECRET out err; }
# `pkg add p` (by itself or as an archive) is refused, with these words in the message.
refused() {
    what=$1
    shift
    try pkg add "$@"
    ok "$title: $what is refused" is "$status" 1
    ok "and nothing is told of the host's file" quiet_about_secret
    ok "and no package is there" is "$(packages)" ''
}

all() {
    title=$1
    make_package app
    ln -s "$work/secret" p/README.md
    try pkg add p --name readme
    ok "$title: a README that is a link is not shown" is "$status" 0
    ok "and said so" has err "README.md is a link"
    try pkg describe readme
    ok "and describe has nothing of it" quiet_about_secret
    try pkg load readme
    ok "the package runs" has out "app runs"
    orris pkg delete readme > log 2>&1

    make_package app
    rm p/package.manifest
    ln -s "$work/secret" p/package.manifest
    refused "a manifest that is a link" p --name x
    ok "by name" has err "package.manifest is a link"
    tar cf p.tar p
    refused "the same in an archive" p.tar --name x
    make_package app
    mkdir q
    ln -s "$work/p" q/p
    refused "a package by a link" q --name x
    rm -r q

    make_package app
    ln -s "$work/outside" p/sysroot
    refused "a sysroot that is a link" p --name x
    make_package app
    rm p/app
    ln -s "$work/secret" p/app
    refused "a program that is a link out of the package" p --name x
    for program in .. . ../outside/app "$work/outside/app" ../../../../../../bin/sh; do
        make_package "$program"
        [ "$program" != ../outside/app ] || rm p/app
        [ "$program" != ../../../../../../bin/sh ] || rm p/app
        refused "the program $program" p --name x
    done
    make_package /bin/app
    mkdir p/sysroot
    ln -s "$work/outside" p/sysroot/bin
    refused "a program behind a link out of the package" p --name x

    make_package /bin/app
    mkdir -p p/sysroot/usr/bin
    cp app p/sysroot/usr/bin/app
    ln -s /usr/bin p/sysroot/bin
    ln -s /usr/bin/app p/sysroot/app
    try pkg add p --name links
    ok "$title: the package's own absolute links lead where they do in the machine" is "$status" 0
    try pkg load links
    ok "and the program runs" has out "app runs"
    orris pkg delete links > log 2>&1
    make_package app
    mv p/app p/real
    ln -s real p/app
    try pkg add p --name beside
    ok "$title: a link beside the manifest to a file beside it" is "$status" 0
    orris pkg delete beside > log 2>&1

    make_package app
    rm p/app
    mkfifo p/app
    refused "a pipe as program" p --name x
    make_package app
    rm p/package.manifest
    mkfifo p/package.manifest
    refused "a pipe as manifest" p --name x

    make_package app
    rm p/package.manifest
    truncate -s 1T p/package.manifest
    refused "a manifest of a terabyte" p --name x
    ok "and that is said" has err "File too large"

    for version in ../../x / . .. '' 'a b' 'a\u001b[31m' 'a\nb'; do
        make_package app ", \"Version\": \"$version\""
        refused "the version \"$version\"" p --name x
    done
    ok "$title: what is beside the package is as it was" is "$(cat outside/file secret)" "TOPSECRET
TOPSECRET"
}
all "with openat2"
ORRIS_TRUE=$ORRIS
ORRIS=$work/orris-refused
all "without openat2"
ORRIS=$ORRIS_TRUE

# ---- archives that reach out while they are unpacked ----
cat > tars.py <<'P'
import io, sys, tarfile
work = sys.argv[1]
def make(name, *members):
    with tarfile.open(name, "w") as tar:
        for path, kind, value in (("p/package.manifest", "f", '{"Program": "app"}'), ("p/app", "f", "#!x")) + members:
            info = tarfile.TarInfo(path)
            info.mode = 0o755
            data = value.encode() if kind in "fx" else b""
            if kind == "l":
                info.type, info.linkname = tarfile.SYMTYPE, value
            elif kind == "h":
                info.type, info.linkname = tarfile.LNKTYPE, value
            elif kind == "c":
                info.type, info.devmajor, info.devminor = tarfile.CHRTYPE, 1, 3
            elif kind == "d":
                info.type = tarfile.DIRTYPE
            else:
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
make("through-link.tar", ("p/sysroot/l", "l", work + "/outside"), ("p/sysroot/l/pwned", "f", "x"))
make("through-up.tar", ("p/sysroot/l", "l", "../../../../outside"), ("p/sysroot/l/pwned", "f", "x"))
make("over-link.tar", ("p/sysroot/l", "l", work + "/outside/file"), ("p/sysroot/l", "f", "x"))
make("hard-out.tar", ("p/sysroot/h", "h", "../../../../secret"))
make("hard-absolute.tar", ("p/sysroot/h", "h", work + "/secret"))
make("hard-link.tar", ("p/sysroot/l", "l", work + "/outside"), ("p/sysroot/h", "h", "p/sysroot/l/file"))
make("hard-to-link.tar", ("p/sysroot/l", "l", work + "/outside/file"), ("p/sysroot/h", "h", "p/sysroot/l"),
     ("p/sysroot/h", "f", "overwritten"))
make("up.tar", ("p/../../pwned", "f", "x"))
make("absolute.tar", (work + "/outside/pwned", "f", "x"))
make("device.tar", ("p/sysroot/null", "c", ""))
make("two.tar", ("p/sysroot/a/b", "f", "x"), ("p/sysroot/a", "f", "x"))
make("deep.tar", ("p/sysroot/" + "a/" * 3000 + "f", "f", "x"))
make("long.tar", ("p/sysroot/" + "n" * 300, "f", "x"))
def sparse(name, size): # GNU's format for files with holes, as a pax header says them
    with tarfile.open(name, "w") as tar:
        for path, data, pax in (("p/package.manifest", b'{"Program": "app"}', {}), ("p/app", b"#!x", {}),
                ("p/sysroot/x", b"1\n%d\n1\n".ljust(512, b"\0") % (size - 1) + b"x".ljust(512, b"\0"),
                 {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "p/sysroot/sparse",
                  "GNU.sparse.realsize": str(size)})):
            info = tarfile.TarInfo(path)
            info.mode, info.size, info.pax_headers = 0o755, len(data), pax
            tar.addfile(info, io.BytesIO(data))
sparse("terabytes.tar", 15 << 40)
sparse("megabytes.tar", 64 << 20)
make("newline.tar", ("p/sysroot/a\norris: forged", "f", "x"))
make("newline-folder.tar", ("p/sysroot/a\nb", "d", ""))
make("newline-link.tar", ("p/sysroot/a", "l", "b\nc"))
make("arrow.tar", ("p/sysroot/a -> b", "l", "c"))
make("arrow-file.tar", ("p/sysroot/a -> b", "f", "kept"))
P
$python tars.py "$work"
for archive in hard-out hard-absolute hard-link up absolute; do
    try pkg add $archive.tar --name x
    ok "$archive: refused" is "$status" 1
    ok "and nothing is told or left" is "$(grep -c TOPSECRET out err | tr '\n' ' ')$(packages)" "out:0 err:0 "
done
for archive in through-link through-up over-link hard-to-link; do
    orris pkg add $archive.tar --name x > out 2> err
    ok "$archive: the host's files stay" is "$(ls outside | tr '\n' ' ')$(cat outside/file)" "app file TOPSECRET"
    orris pkg delete x > log 2>&1
done
try pkg add device.tar --name x
ok "a device is left out" is "$status$(orris pkg contents x | grep -c null)" 00
ok "nothing was written outside" is "$(ls outside)" "app
file"
ok "nor beside it" is "$(ls "$work" store/packages | grep -c pwned)" 0
orris pkg delete x > log 2>&1
try pkg add two.tar --name x
ok "what can't be unpacked is named" is "$status$(cat err)" "1orris: can't unpack two.tar: p/sysroot/a: Could not unlink: Directory not empty"
try pkg add long.tar --name x
ok "and why" has err ": File name too long"
ok "without the tool's own folders" not has err "$work"
try pkg add deep.tar --name x
ok "a path longer than any is refused" is "$status$(grep -c 'deep.tar holds a path that is too long: p/sysroot/a/' err)" 11
try pkg add terabytes.tar --name x
ok "so is a file of many terabytes of nothing" is "$status$(grep -c ': No space left on device\|: File too large' err)" 11
ok "and nothing of them is left" is "$(packages)" ''
try pkg add megabytes.tar --name x
ok "one with holes that has room is kept" test "$status" = 0 -a "$(stat -c %s store/packages/x_0/layer.erofs)" -gt 67108864
orris pkg delete x > log 2>&1
make_package /
mkdir p/sysroot
try pkg add p --name x
ok "a folder is no program" has err "the program / is no regular file"
for archive in newline newline-folder newline-link; do
    try pkg add $archive.tar --name x
    ok "$archive: refused when it is added" is "$status" 1
    ok "with a message that says what and where" has err "holds a newline, which a package can't have"
    ok "of the tool's lines alone" is "$(grep -vc '^orris: ' err)$(grep -c '^orris: forged' err)" 00
    try pkg load x
    ok "and no package is there" is "$(packages)" ''
done
try pkg add arrow.tar --name x
ok "a link's name that its listing couldn't hold is refused" has err 'holds " -> "'
try pkg add arrow-file.tar --name x
ok "a file's may" is "$status$(orris pkg contents x | grep -cx '/a -> b')" 01

# ---- what an image holds, copied to the host ----
mkdir -p two/d
echo x > two/d/pwned
echo '{"Program": "app", "Dirs": ["d"]}' > two/config.json
cp app two
image=$(cd two && orris build -c config.json -i foreign-two 2> log)
mkdir dest
ln -s "$work/outside" dest/d
try image cp "$image" /d dest
ok "image cp doesn't go into a folder by a link that lies there" is "$status$(ls outside)" "1app
file"
ok "and says so" has err "is no folder; remove it first"
rm dest/d
try image cp "$image" /d dest
ok "a folder is gone into" is "$status$(cat dest/d/pwned)" 0x
ln -s dest by-link
try image cp "$image" /d by-link
ok "the place that the user names may be a link" is "$status" 0

finish
