#!/bin/sh
# The verbs around running, and what people expect of a command line.
. "$(dirname "$0")/tap.sh"
needs python

# Images.
echo 'print("hello", __import__("sys").argv[1:])' > hello.py
mkdir data && echo x > data/x
image=cli-$$
echo '{"Dirs": ["data"], "Args": ["one"]}' > config.json
try image create -i $image -c config.json $python hello.py
ok "image create is build" test -f "$(cat out)"
try image list --json
ok "image list as JSON" $python -c "
import json
row, = [r for r in json.load(open('out')) if r['name'] == '$image']
assert row['size'] > 1e6 and row['created'].endswith('Z'), row"
try image list
ok "image list for people has a head" is "$(head -n 1 out | tr -s ' ')" "NAME SIZE CREATED PATH"
try image cp $image /data copy
ok "image cp of a folder" is "$(cat copy/x)" x
try image cp $image /hello.py /data/x copy
ok "image cp of several files into a folder" cmp -s copy/hello.py hello.py
try image cp $image /none copy
ok "image cp of nothing" has err "/none: not in the image"
try image ls --json $image /data
ok "image ls as JSON" $python -c "
import json
row, = json.load(open('out'))
assert (row['name'], row['type'], row['size']) == ('x', 'file', 2), row"
try pkg list --json
ok "pkg list as JSON" $python -c "
import json
rows = json.load(open('out'))
assert any(r['package'].startswith('python_') for r in rows), rows"
try image list --jsno
ok "an unknown flag, with the nearest" has err "did you mean --json?"
try image delete $image

# init writes what works.
mkdir project && cd project || exit 1
mkdir data && echo "the data" > data/file
cat > main.py <<'P'
import sys
print(open("/data/file").read().strip(), sys.argv[1:])
P
try init
ok "init finds the program" has err "wrote config.json for main.py"
ok "the file explains itself" has config.json '"// Mounts"'
try run -i cli-e2e -c config.json
ok "and works" is "$(cat out)" "the data []"
try init
ok "init replaces nothing" has err "config.json is there already"
cd .. && mkdir empty && cd empty || exit 1
try init
ok "init in an empty folder says what it needs" has err "orris init FILE"
cd .. || exit 1

# What other tools get wrong.
cat > show.py <<'P'
import os, sys
print(sys.argv[1:], os.environ.get("A"), os.environ.get("B"))
P
cat > config.json <<'J'
{"args": ["first"], "ENV": {"A": "file", "B": "file"}, "RunConfig": {"memory": "300M"}}
J
try run -i cli-e2e -c config.json -a second -e A=x=y=z $python show.py third
ok "arguments are added, values keep their =, flags win over the file" is "$(cat out)" \
    "['third', 'first', 'second'] x=y=z file"
try run -i cli-e2e -c config.json -e = $python show.py
ok "a variable without a name is wrong usage" is "$status" 2
try run -i cli-e2e $python -c 'raise SystemExit(9)'
ok "the status is the program's" is "$status" 9
mkdir sub
echo 'print(open("/b.txt").read().strip())' > sub/s.py
echo beside > sub/b.txt
echo '{"Program": "/usr/bin/python3", "Args": ["s.py"], "Files": ["b.txt"]}' > sub/c.json
try run -i cli-e2e -c sub/c.json
ok "paths are relative to the configuration" is "$(cat out)" beside
echo '{"RunConfig": {"GPUs": 1}}' > gpu.json
try run -i cli-e2e -c gpu.json $python show.py
ok "what can't be is refused with what to do" has err 'gpu.json:1:16: "GPUs" can'"'"'t be used'
echo '{"Env": {"A": "$NOT_SET_AT_ALL"}}' > unset.json
try run -i cli-e2e -c unset.json $python show.py
ok "an unset variable is an error" has err "the variable \$NOT_SET_AT_ALL is not set"
for verb in deploy network volume compose cron env update; do
    try $verb
    ok "$verb is refused with what to do instead" matches err "orris: .*$verb.*:"
    ok "$verb: wrong usage" is "$status" 2
done

# Defaults.
echo '{"Env": {"A": "default"}, "RunConfig": {"Memory": "310M"}}' > rc
ORRIS_DEFAULT_CONFIG=$work/rc
export ORRIS_DEFAULT_CONFIG
try run -i cli-e2e $python show.py
ok "defaults count without a configuration" is "$(cat out)" "[] default None"
try run -i cli-e2e -c config.json $python show.py
ok "a configuration wins over them" is "$(cat out)" "['first'] file file"
echo '{"Env": {"A": "changed"}}' > rc
try run -i cli-e2e $python show.py
ok "and a change shows at once" is "$(cat out)" "[] changed None"
unset ORRIS_DEFAULT_CONFIG

# Completion, manual pages, profile.
try completion bash
ok "completion for bash" bash -n out
bash -c 'source ./out; COMP_WORDS=(orris instance st); COMP_CWORD=2; _orris; echo "${COMPREPLY[@]}"
         COMP_WORDS=(orris run --copy); COMP_CWORD=2; _orris; echo "${COMPREPLY[@]}"' > words
ok "it knows verbs and flags" is "$(tr '\n' ' ' < words)" "stats stop --copy-out "
for shell in zsh fish; do
    try completion $shell
    ok "completion for $shell" test -s out
    command -v $shell > /dev/null || continue
    ok "which $shell reads" $shell -n out
done
try completion tcsh
ok "another shell is named" has err "tcsh"
"$ORRIS" help --verbs > verbs
bad=
while read -r verb; do
    # shellcheck disable=SC2086
    "$ORRIS" help --man $verb > page.1
    grep -q '^\.SH SYNOPSIS' page.1 || bad="$bad $verb"
    command -v man > /dev/null || continue
    [ -z "$(LC_ALL=C.UTF-8 man --warnings -l page.1 2>&1 > /dev/null | grep -v 'cannot open')" ] || bad="$bad $verb"
done < verbs
ok "every verb has a manual page" is "$bad" ""
{ "$ORRIS" help --man && cat "$top/docs/orris.1.end"; } > page.1
bad=
while read -r verb; do
    grep -qx "\.B $verb" page.1 || bad="$bad $verb"
done < verbs
for flag in $("$ORRIS" run -h | grep -o -- '^ *\(-., \)\?--[a-z-]*' | grep -o -- '--.*'); do
    grep -q -- "$(echo "$flag" | sed 's/-/\\\\-/g')" page.1 || bad="$bad $flag"
done
ok "orris(1) has every verb, and every flag of run" is "$bad" ""
try profile
ok "profile" matches out "^QEMU +QEMU emulator version"
try profile --json
ok "profile as JSON" $python -c "import json; json.load(open('out'))"
NO_COLOR=1
export NO_COLOR
try run -i cli-e2e -h
ok "no colours" not grep -q "$(printf '\033')" out
orris image delete cli-e2e
finish
