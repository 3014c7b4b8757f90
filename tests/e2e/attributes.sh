#!/bin/bash
# Extended attributes of the host's files are there in the machine, as are modes with their set-id
# bits. The program that lists them runs on the host first.
. "$(dirname "$0")/tap.sh"
needs python gcc
export ORRIS_HOME=$work/store

cat > list.c <<'C'
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}
static char names[65536], value[65536];
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat info;
        char *list[1000];
        int count = 0;
        ssize_t size = llistxattr(argv[i], names, sizeof(names));
        for (ssize_t at = 0; at < size; at += (ssize_t)strlen(names + at) + 1)
            list[count++] = names + at;
        qsort(list, (size_t)count, sizeof(*list), by_name);
        lstat(argv[i], &info);
        printf("%s %o: %d\n", strrchr(argv[i], '/') + 1, info.st_mode, count);
        for (int k = 0; k < count; k++) {
            ssize_t got = lgetxattr(argv[i], list[k], value, sizeof(value));
            unsigned sum = 0;
            for (ssize_t b = 0; b < got; b++)
                sum = sum * 31 + (unsigned char)value[b];
            printf("  %s %zd %u\n", list[k], got, sum);
        }
    }
    return 0;
}
C
gcc -O1 -static -o list list.c || exit 1
mkdir -p data/dir/inner
echo text > data/file
echo plain > data/plain
echo run > data/setuid
echo long > data/long
chmod 6755 data/setuid
chmod 3775 data/dir
ln -s file data/link
cat > set.py <<'P'
import os, struct, sys
try:
    os.setxattr("data/file", "user.one", b"1")
except OSError:
    sys.exit(1)
os.setxattr("data/file", "user.empty", b"")
os.setxattr("data/file", "user.bytes", bytes(range(256)))
os.setxattr("data/dir", "user.folder", b"of a folder")
os.setxattr("data/dir/inner", "user.inner", b"x" * 100)
os.setxattr("data/long", "user.long", b"l" * 3000)
for i in range(20):
    os.setxattr("data/plain", "user.number%d" % i, b"%d" % i)
if os.geteuid() == 0:
    for name, value in (("security.capability", struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)), ("trusted.t", b"t")):
        try:
            os.setxattr("data/setuid", name, value)
        except OSError as why:
            print("#", name, why)
P
$python set.py || skip_all "no attributes of users on this file system"
files="data/file data/plain data/setuid data/long data/link data/dir data/dir/inner"
echo '{"Dirs": ["data"]}' > config.json
guest=$(echo "$files" | sed 's|data/|/data/|g')
# shellcheck disable=SC2086
./list $files > want
# shellcheck disable=SC2086
try run -c config.json ./list $guest
ok "the program sees what it sees on the host" diff want out
$python -c 'import os; os.setxattr("data/file", "user.one", b"2"); os.setxattr("data/dir", "user.folder", b"changed"); os.setxattr("data/dir/inner", "user.new", b"")'
# shellcheck disable=SC2086
./list $files > want
# shellcheck disable=SC2086
try run -c config.json ./list $guest
ok "a change of attributes alone makes the image anew" diff want out

# More than a block of them, where the file system lets that be.
big=$(mktemp -d /dev/shm/orris-test.XXXXXX 2> /dev/null) || big=
if [ -n "$big" ] && mkdir "$big/data" && echo big > "$big/data/big" &&
    $python - "$big/data" <<'P' 2> /dev/null; then
import os, sys
for path in (sys.argv[1], sys.argv[1] + "/big"):
    for i in range(9):
        os.setxattr(path, "user.big%d" % i, bytes([65 + i]) * (3900 + i))
P
    echo "{\"MapDirs\": {\"$big/data/*\": \"/data\"}}" > big.json
    ./list "$big/data/big" > want
    try run -c big.json ./list /data/big
    ok "35 KB of them" diff want out
fi
[ -z "$big" ] || rm -r "$big"

# In packages, of folders and of archives; an archive gives no rights.
mkdir -p p/sysroot/data
cp list p/list
cp -a data/file p/sysroot/data/
echo '{"Program": "list"}' > p/package.manifest
try pkg add p --name p
orris pkg load p /data/file > out 2> err
ok "in a package of a folder" matches out '^  user.bytes 256 '
if tar --xattrs --xattrs-include='*' -cf p.tar p 2> log; then
    try pkg add p.tar --name t
    orris pkg load t /data/file > out 2> err
    ok "in a package of an archive" matches out '^  user.bytes 256 '
fi
image=$(orris build -c config.json -i attributes ./list 2> err)
try image verify "$image"
ok "the image is good" is "$status" 0
if command -v fsck.erofs > log; then
    for layer in store/layers/*.erofs; do
        fsck.erofs "$layer" > log 2>&1 || { cat log; break; }
    done
    ok "fsck.erofs accepts every layer" is "$?" 0
fi
finish
