#!/bin/sh
# The article's second step: a script that reads a file, without and with a configuration.
. "$(dirname "$0")/tap.sh"
needs package:python

cp "$top"/examples/hello/* .

try pkg load python_3.11.2 -a hello_file.py
ok "without the configuration it fails with status 1" is "$status" 1
program_err > shown
printf '%s\n' "Traceback (most recent call last):" '  File "//hello_file.py", line 1, in <module>' \
    > expected
ok "with Python's own traceback" has shown "FileNotFoundError: [Errno 2] No such file or directory: 'hello.txt'"
ok "the last line says that the file lies on the host" matches err 'hello\.txt.*lies on the host'
ok "and which entry adds it" is "$(tail -n 1 err | grep -cF '"Files": ["hello.txt"]')" 1

try pkg load python_3.11.2 -c config.json
ok "with Files it prints the file" is "$(cat out)$status" "Hello world from txt file!0"
ok "the file that Args name is brought along" not has err "hello_file.py'"

echo 'print("a new line")' >> hello_file.py
try pkg load python_3.11.2 -c config.json
ok "an edited script's new lines run" is "$(tail -n 1 out)" "a new line"

printf 'Other words.\n' > hello.txt
try pkg load python_3.11.2 -c config.json
ok "a changed file is seen" is "$(head -n 1 out)" "Other words."

stamp=$(stat -c %y hello.txt)
printf 'Same length!\n' > hello.txt
touch -d "$stamp" hello.txt
try pkg load python_3.11.2 -c config.json
ok "even with the same size and time" is "$(head -n 1 out)" "Same length!"

rm hello.txt
try pkg load python_3.11.2 -c config.json
ok "a missing file in Files is an error of the tool" is "$status" 125
ok "with its place" matches err '^orris: config\.json:2:[0-9]+: .*hello\.txt'
finish
