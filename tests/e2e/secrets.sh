#!/bin/sh
# Values given at run time: the program gets them, and they stay nowhere.
. "$(dirname "$0")/tap.sh"
needs python
export ORRIS_HOME=$work/store # all of it is looked through

canary=canary-$$-$(date +%N)
printf '%s-file' "$canary" > token
printf '# the service\n\nexport_me=no\nFROM_FILE=%s-env-file = "x"\nBOTH=file\n' "$canary" > vars
MY_TOKEN=$canary-host
export MY_TOKEN

cat > use.py <<'P'
import os, sys
print(os.environ["MY_TOKEN"], os.environ["FROM_FILE"], os.environ["BOTH"])
print(open("/run/secrets/token").read(), oct(os.stat("/run/secrets/token").st_mode))
print(sys.argv[1:], os.listdir("/run/secrets"))
sys.stdout.flush()
sys.stdin.readline()
if len(sys.argv) > 1:
    os.kill(os.getpid(), 11)
P
mkfifo gate
flags="-e MY_TOKEN -e BOTH=flag --env-file vars --secret token=token"
orris run -i secrets-e2e -v $flags $python use.py < gate > out 2> err &
pid=$!
exec 9> gate
while ! has out token && kill -0 $pid 2> /dev/null; do sleep 0.05; done
cat /proc/[0-9]*/cmdline 2> /dev/null | tr '\0' '\n' > args
trap "" PIPE
echo >&9
wait $pid
status=$?
exec 9>&-
ok "the program runs" is "$status" 0
ok "it has the variables, as they stand in the file; -e overrides" is "$(sed -n 1p out)" \
    "$canary-host $canary-env-file = \"x\" flag"
ok "and the file, which only it can read" is "$(sed -n 2p out)" "$canary-file 0o100400"
ok "and nothing else there" is "$(sed -n 3p out)" "[] ['token']"
ok "QEMU ran meanwhile" has args qemu-system
ok "no process has them among its arguments" not has args "$canary"
ok "-v does not show them" not has err "$canary"
ok "-v says that its command line lacks them" has err "without -e, --env-file and --secret"

try run -i secrets-e2e $flags $python use.py crash
ok "a crash" is "$status" 139
ok "its report does not show them" not has err "$canary"
try run -i secrets-e2e --trim --lock the.lock $flags $python -c 'print(1)'
ok "a lock file is made" test -s the.lock
ok "it does not have them" not has the.lock "$canary"
try image list
ok "no list shows them" not has out "$canary"
ok "nothing in the store has them" is "$(grep -rlaF "$canary" "$ORRIS_HOME")" ""

# What is wrong is told without what it holds.
printf 'A=1\n%s\n=%s\n' '# comment' "$canary" > wrong
try run -i secrets-e2e --env-file wrong $python use.py
ok "a wrong line is named by its number" has err "--env-file wrong:3: must be NAME=VALUE or NAME"
ok "not by what stands there" not has err "$canary"
try run -i secrets-e2e --env-file none $python use.py
ok "a file that isn't there" has err "none: No such file"
try run -i secrets-e2e --secret ../x=token $python use.py
ok "a name that is a path" has err "must be that of a file in /run/secrets"
try run -i secrets-e2e --secret token $python use.py
ok "no file" is "$status" 2
try run -i secrets-e2e --secret a=token --secret a=token $python use.py
ok "the same name twice" has err "is given twice"

# What would go into an image and looks like a secret.
mkdir conf
echo "PASSWORD=x" > conf/.env
printf -- '-----BEGIN OPENSSH PRIVATE KEY-----\n' > conf/id_ed25519
printf -- '-----BEGIN PRIVATE KEY-----\n' > conf/server.pem
printf -- '-----BEGIN CERTIFICATE-----\n' > conf/ca.pem
echo '{}' > conf/id_mapping.json
cat > config.json <<J
{"Files": ["conf/.env", "conf/id_ed25519", "conf/server.pem", "conf/ca.pem", "conf/id_mapping.json"],
 "Env": {"DB_PASSWORD": "$canary-a", "URL": "postgres://u:$canary-b@db", "MODE": "fast"}}
J
try build -i secrets-test -c config.json $python use.py
for name in .env id_ed25519 server.pem; do
    ok "$name is named" has err "conf/$name looks like a secret"
done
ok "a certificate and a file of another kind are not" not matches err "ca.pem|mapping"
ok "a variable is named by its name" has err "variable DB_PASSWORD looks like a secret"
ok "or by its value" has err "variable URL looks like a secret"
ok "others are not" not has err MODE
ok "no value is shown" not has err "$canary"
try image delete secrets-test
try prune
orris image delete secrets-e2e
finish
