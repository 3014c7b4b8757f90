#!/bin/sh
# The article's first step: hello world, from a package.
. "$(dirname "$0")/tap.sh"
needs package:python

cp "$top/examples/hello/hello.py" .

try pkg load python_3.11.2 -a hello.py
ok "pkg load python_3.11.2 -a hello.py prints" is "$(cat out)" "Hello world!"
ok "its exit status is 0" is "$status" 0
ok "nothing else is said where there is no terminal" not matches err "exit status|booting"

for reference in python python_3.11 python3 python:3.11.2; do
    try pkg load $reference -q hello.py
    ok "$reference means the same, a trailing hello.py means -a" is "$(cat out)$status" "Hello world!0"
done

try pkg load python_3.6.7 -a hello.py
ok "a version that is not to be had is an error of the tool" is "$status" 125
ok "it names what is" has err "there is no python_3.6.7: Debian's archive has python_3.11.2"

echo 'import sys; print(sys.argv, sys.stdin.read().strip()); sys.exit(7)' > args.py
echo "from outside" > in
input=in try pkg load python args.py -v "a b"
ok "arguments and standard input reach the program" is "$(cat out)" "['args.py', '-v', 'a b'] from outside"
ok "the tool's status is the program's" is "$status" 7
ok "which it says" has err "orris: exit status 7"

echo 'print(6 * 7)' > in
input=in try pkg load python
ok "without arguments the script on standard input runs" is "$(cat out)$status" "420"

echo 'import sys; print(sys.executable, sys.prefix, sys.version_info[:3])' > where.py
try pkg load python where.py
ok "Python knows where it is" is "$(cat out)" "/usr/bin/python3 /usr (3, 11, 2)"
finish
