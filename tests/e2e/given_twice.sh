#!/bin/bash
# Ports given twice, names that no variable can have: one clear line of the tool, with the place.
. "$(dirname "$0")/tap.sh"
needs gcc python

cat > env.c <<'C'
#include <stdio.h>
extern char **environ;
int main(void)
{
    for (char **item = environ; *item; item++)
        puts(*item);
    return 0;
}
C
gcc -O1 -static -o env env.c || exit 1
# The first of eleven ports that are free, by TCP and UDP, with the one before it.
base=$($python - << 'PY'
import random, socket
def free(port):
    try:
        for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
            with socket.socket(socket.AF_INET, kind) as s:
                s.bind(("0.0.0.0", port))
    except OSError:
        return False
    return True
base = random.randrange(20000, 30000)
while not all(map(free, range(base, base + 12))):
    base = random.randrange(20000, 30000)
print(base + 1)
PY
)

# ports CONFIG-PORTS FLAGS…
ports() {
    echo "{\"RunConfig\": {\"Ports\": [$1]}}" > config.json
    shift
    try run -c config.json "$@" ./env
}
merged() { ok "$1" is "$status$(grep -c QEMU err)" 00; }
one_line() {
    ok "$1: refused" is "$(test "$status" = 125 -o "$status" = 2 && echo refused)" refused
    ok "in one line of the tool" is "$(grep -c '^orris: .*given twice' err)$(grep -c '' err)" 11
}

ports "\"$base:80\"" -p $base:80
merged "the same port in the configuration and by -p is one"
ports "\"$base:80\"" -p $base:80 -p $base:80/tcp -p 127.0.0.1:$base:80
merged "however it is written"
ports "\"$base-$((base + 3)):80-83\"" -p $((base + 2)):82 -p $((base + 2))-$((base + 5)):82-85
merged "ranges that go together are one"
ports "\"$base:80\"" -p $base:80/udp
merged "TCP and UDP are apart"
ports "\"$base:80\"" -p $((base + 1)):80
merged "two ports of the host may lead to one of the guest"
ports "\"0.0.0.0:$base:80\"" -p $base:80
merged "all addresses hold the one"
ports "\"$base:80\"" -p $base:81
one_line "one port to two"
ok "both are named, with where they stand" has err "RunConfig.Ports has 127.0.0.1:$base:80"
ok "and -p" has err "-p has 127.0.0.1:$base:81"
ports "" -p $base:80 -p $base:81
one_line "by -p alone"
ports "\"$base:80\", \"$base:81\""
one_line "in the configuration alone"
ports "\"$base-$((base + 9)):80-89\"" -p $((base + 9)):90
one_line "at the end of a range"
ports "\"0.0.0.0:$base:80\"" -p $((base - 1)) -p $base-$((base + 2)):80-82
merged "also in the midst of a range"
ports "\"127.0.0.1:$base:80\"" -p 0.0.0.0:$base:81
one_line "one address and all"

# The names of variables.
for name in '' 'T_A=B' '=' '$NAME'; do
    NAME="x=y"
    export NAME
    printf '{\n  "Env": {"GOOD": "1",\n    "%s": "v"}\n}\n' "$name" > config.json
    try run -c config.json ./env
    ok "Env: \"$name\" is refused" is "$status" 125
    ok "with its place" has err "orris: config.json:3:5: \"${name/\$NAME/x=y}\" can't be the name of a variable"
done
for flag in =v =; do
    try run -e "$flag" ./env
    ok "-e $flag is refused" is "$status" 2
    ok "by name" has err "-e $flag: must be NAME=VALUE or NAME"
done
try run -e '' ./env
ok "-e without a name, too" is "$status" 2
try run -e 'T_A=B=C' ./env
ok "a value may hold \"=\"" has out "T_A=B=C"
printf 'GOOD=1\n=v\n' > file
try run --env-file file ./env
ok "a file of variables, with the line" has err "file:2: must be NAME=VALUE or NAME"
finish
