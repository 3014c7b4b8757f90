#!/bin/bash
# Packages that don't come from Debian: `pkg add` and `pkg from-run`.
. "$(dirname "$0")/tap.sh"
needs python gcc
export ORRIS_HOME=$work/store

# A package in the article's tool's format: program beside the sysroot, a file in it.
cat > app.c <<'C'
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    char line[64] = "";
    FILE *file = fopen("/etc/greeting", "r");
    if (!file || !fgets(line, sizeof(line), file))
        return 1;
    printf("%s says %s %s", argv[0], getenv("WHO"), line);
    for (int i = 1; i < argc; i++)
        printf("%s\n", argv[i]);
    return argc;
}
C
mkdir -p greet_1.2.3/sysroot/etc greet_1.2.3/sysroot/data
gcc -O1 -static -o greet_1.2.3/greet app.c || exit 1
echo hello > greet_1.2.3/sysroot/etc/greeting
touch -d '2001-02-03 04:05:06' greet_1.2.3/sysroot/etc/greeting
ln -s ../etc/greeting greet_1.2.3/sysroot/data/link
echo 'Greets, in two lines.
Really.' > greet_1.2.3/README.md
cat > greet_1.2.3/package.manifest <<'J'
{"Program": "greet_1.2.3/greet", "Args": ["greeter", "first"], "Version": "1.2.3", "Language": "c",
 "Env": {"WHO": "a=b"}, "RunConfig": {"Memory": "64M"}}
J
try pkg add greet_1.2.3
ok "pkg add prints the name" is "$status$(cat out)" 0greet_1.2.3
ok "and says what it does not use" has err "RunConfig in package.manifest is not used"
try pkg load greet second
ok "its arguments come before the user's, its variables whole" is "$(cat out)" "greeter says a=b hello
first
second"
ok "the program's status is told" is "$status" 3
try pkg load greet -e WHO=user
ok "-e overrides the package's variable" matches out '^greeter says user hello'
ok "links and times are kept" is "$(orris pkg contents greet | grep -c 'link -> ../etc/greeting')$(TZ=UTC orris image ls greet /etc/greeting | grep -c '2001-02-03')" 11
try pkg describe greet
ok "describe shows the README" has out "Greets, in two lines."
ok "and where it comes from" has out "added from greet_1.2.3"
try pkg list
ok "pkg list has it" matches out '^greet_1\.2\.3 '

tar czf greet.tar.gz greet_1.2.3
try pkg add greet.tar.gz --name other
ok "an archive, and another name" is "$(cat out)" other_1.2.3
try pkg add --name other_7 greet.tar.gz
ok "and another version" is "$(cat out)" other_7
try pkg add greet.tar.gz
ok "an archive is called as its folder" is "$(cat out)" greet_1.2.3
ok "that it takes another's place is said" has err "greet_1.2.3 takes the place"
try pkg load other_7
ok "it runs" matches out '^greeter says a=b'
try prune --all
ok "what can't be fetched again is not pruned" is "$(orris pkg list | grep -cE '^(greet|other)_')" 3
try pkg delete other_7
ok "but deleted" is "$status$(orris pkg list | grep -cE '^other_7')" 00

# Whom it runs as.
cat > who.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void) { return printf("%d:%d %s\n", getuid(), getgid(), getenv("HOME")) < 0; }
C
mkdir -p who_1/sysroot/etc && gcc -O1 -static -o who_1/who who.c || exit 1
echo 'eve:x:7001:7002::/home/eve:' > who_1/sysroot/etc/passwd
for user in 7001 '"eve"' '"7001:7002"'; do
    echo "{\"Program\": \"who\", \"User\": $user, \"Version\": \"1\"}" > who_1/package.manifest
    orris pkg add who_1 > log 2>&1
    try pkg load who
    ok "the manifest's User $user" is "$(cat out)" "7001:7002 /home/eve"
done
try pkg load who --user 5:6
ok "--user comes before it" is "$(cat out)" "5:6 /"
echo '{"User": 8}' > user.json
try pkg load who -c user.json
ok "and so does config.json" is "$(cat out)" "8:0 /"
orris pkg delete who

# Python's tarfile writes names that are not ASCII into pax headers, GNU's tar as they are.
mkdir -p names_1/sysroot/data && cp greet_1.2.3/greet names_1/sysroot/app
echo '{"Program": "/app", "Version": "1"}' > names_1/package.manifest
touch names_1/sysroot/data/{é,日本}
ln -s é names_1/sysroot/data/link
for format in pax gnu; do
    tar -c -z -f names.tar.gz --format=$format names_1
    for locale in C C.UTF-8; do
        LC_ALL=$locale try pkg add names.tar.gz
        ok "a $format archive's names come as they are (LC_ALL=$locale)" is \
            "$status$(orris pkg contents names | grep -c -e '/é$' -e '/日本$' -e '/link -> é$')" 03
    done
    touch names_1/sysroot/data/$'a\xe9b' # the second archive's names need not be UTF-8
done
ok "nor need they be UTF-8" is "$(orris pkg contents names | grep -c 'a\\xe9b')" 1
orris pkg delete names

# What is wrong is said, and leaves nothing.
bad() { # NAME MANIFEST TEXT
    rm -rf bad_1 && cp -r greet_1.2.3 bad_1 && printf '%s' "$2" > bad_1/package.manifest
    try pkg add bad_1
    ok "$1" is "$status$(grep -cF -- "$3" err)" 11
}
bad "a manifest that is no JSON" '{"Program": ' 'bad_1/package.manifest:1:'
bad "no program" '{"Args": ["x"]}' 'no "Program"'
bad "a program that isn't there" '{"Program": "x/none"}' 'the program x/none is not in the package'
bad "nor in the sysroot" '{"Program": "/usr/bin/none"}' 'the program /usr/bin/none is not in its sysroot'
bad "an unknown key" '{"Program": "greet", "Progarm": "x"}' 'unknown key "Progarm"'
bad "a key of another type" '{"Program": ["greet"]}' '"Program" is not a string'
bad "arguments that are none" '{"Program": "greet", "Args": "x"}' '"Args" is not a list of strings'
bad "files from elsewhere" '{"Program": "greet", "MapDirs": {"x/*": "/x"}}' 'put them into its sysroot'
bad "a user that can be none" '{"Program": "greet", "User": "5:"}' '"User": "5:": must be UID[:GID]'
bad "nor one below 0" '{"Program": "greet", "User": -5}' '"User" is neither a string nor an id'
mkdir empty
try pkg add empty
ok "a folder without a manifest" has err "empty holds no package.manifest"
try pkg add nowhere
ok "no folder at all" has err "nowhere: No such file or directory"
head -c 300 greet.tar.gz > cut.tar.gz
try pkg add cut.tar.gz
ok "an archive that is cut short" is "$status$(grep -c "can't unpack cut.tar.gz" err)" 11
$python - <<'P'
import io, tarfile
with tarfile.open('out.tar', 'w') as tar:
    member = tarfile.TarInfo('x/../../escaped'); member.size = 1
    tar.addfile(member, io.BytesIO(b'x'))
with tarfile.open('link.tar', 'w') as tar:
    link = tarfile.TarInfo('x/link'); link.type = tarfile.SYMTYPE; link.linkname = '/tmp'
    tar.addfile(link)
    member = tarfile.TarInfo('x/link/orris-escaped'); member.size = 1
    tar.addfile(member, io.BytesIO(b'x'))
P
try pkg add out.tar
ok "a path that leads out of an archive" is "$status$(grep -c 'leads out of it' err)" 11
try pkg add link.tar
ok "a link that leads out of it" is "$status$(ls /tmp/orris-escaped 2> log | wc -l)" 10
ok "nothing half is left" is "$(ls "$ORRIS_HOME/packages" | tr '\n' ' ')" "apt greet_1.2.3 other_1.2.3 "
try pkg add greet_1.2.3 --name 'no such'
ok "a name that is none" is "$status" 1

# What a run needed.
mkdir project && cd project || exit 1
printf 'import json, helper\nprint(json.dumps(helper.read()))\nimport sys; print(sys.argv[1:])\n' > main.py
printf 'def read():\n    return open("data.txt").read().split()\n' > helper.py
echo "one two" > data.txt
echo unused > unused.txt
try pkg from-run tool_0.5 -- "$python" main.py fixed
ok "from-run prints the package's name" is "$status$(cat out)" 0tool_0.5
ok "the program's output goes to standard error" has err '["one", "two"]'
ok "no lock file is left" is "$(ls | tr '\n' ' ')" "__pycache__ data.txt err helper.py main.py out unused.txt "
try pkg contents tool
ok "what was used is in it" is "$(grep -cxE '/(main.py|helper.py|data.txt)' out)" 3
ok "what wasn't is not" not has out unused.txt
cd "$work" || exit 1
rm -rf project
try pkg load tool more
ok "it runs without the sources, with more arguments" is "$(cat out)" '["one", "two"]
['"'fixed', 'more'"']'
try pkg from-run none -- ./nowhere
ok "a program that isn't there" is "$status$(orris pkg list | grep -c '^none')" 10
try pkg from-run
ok "wrong usage" is "$status" 2

# What a stranger's package lacks or has too much of is said with its cause.
mkdir -p bare_1.0/sysroot deep_1.0/sysroot my_tool_1.0/sysroot
gcc -O1 -o bare_1.0/bare app.c || exit 1
cp greet_1.2.3/greet deep_1.0/deep 2> /dev/null || gcc -O1 -static -o deep_1.0/deep app.c || exit 1
cp deep_1.0/deep my_tool_1.0/tool
echo '{"Program": "bare_1.0/bare", "Args": ["bare"]}' > bare_1.0/package.manifest
echo '{"Program": "deep_1.0/deep", "Args": ["deep"]}' > deep_1.0/package.manifest
echo '{"Program": "my_tool_1.0/tool", "Args": ["tool"]}' > my_tool_1.0/package.manifest
mkdir -p "deep_1.0/sysroot/$(printf 'd/%.0s' $(seq 210))"
orris pkg add bare_1.0 > out 2>&1
try pkg load bare
ok "without the dynamic loader" has err "cannot start /bare: ENOENT, for its interpreter"
try pkg add deep_1.0
ok "folders that nest too deeply" has err "deep_1.0: folders nest too deeply; 200 in each other are the limit"
orris pkg add my_tool_1.0 > out 2>&1
try pkg contents my_tool
ok "a name with an underscore finds it" has out /tool
finish
