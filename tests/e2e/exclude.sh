#!/bin/bash
# Exclude and .orrisignore: what stays out of folders that go in.
. "$(dirname "$0")/tap.sh"
needs python

mkdir -p app/.git app/data/raw/deep app/tests app/old/bin app/.cache pkg/tests
cd app || exit 1
echo 'SECRET=1' > .env
echo '[core]' > .git/config
echo x > .cache/x
echo a > data/a.csv
echo b > data/b.tmp
echo c > data/raw/deep/c.tif
echo t > tests/t.txt
touch old/pyvenv.cfg old/bin/python
echo 'print("ran")' > main.py
echo 'import json' > ../pkg/tests/big.py
cat > config.json <<'C'
{ "Dirs": ["."], "MapDirs": {"../pkg": "/pkg"}, "Exclude": ["data/raw/**/*.tif", "*.tmp"] }
C
there() { "$ORRIS" image ls "$image" "$1" > ../listing 2>&1; }
build() { image=$(orris build -i e2e-exclude -c config.json "$@" "$python" main.py 2> ../err); cp ../err err; }

build -v
ok "what isn't kept out is in" eval 'there /data/a.csv && there /tests/t.txt && there /pkg/tests/big.py'
ok "Exclude: a name" not there /data/b.tmp
ok "Exclude: a path with **" eval 'there /data/raw/deep && not there /data/raw/deep/c.tif'
ok "by default: .git, .env, caches" eval 'not there /.git && not there /.env && not there /.cache'
ok "by default: a virtual environment that isn't used" not there /old
ok "-v says what and why" matches err '/app/.env is left out: \.env \(by default\)'

printf '# comment\ntests/\n!.env\n' > .orrisignore
build
ok ".orrisignore counts below its folder" eval 'not there /tests && there /pkg/tests/big.py'
ok "and takes back" there /.env
ok "it is no part of the image itself" not there /.orrisignore

sed -i 's/"Dirs": \["."\]/"Dirs": [".git", "tests"], "Files": [".env"]/' config.json
build
ok "what is named itself is in" eval 'there /.git/config && there /tests/t.txt && there /.env'

echo '{ "Exclude": ["lib2to3", "/usr/lib/python3.11/json/tool.py"] }' > config.json
build
ok "below the interpreter's folders" eval 'there /usr/lib/python3.11/json/__init__.py && not there /usr/lib/python3.11/lib2to3'
ok "an absolute path" not there /usr/lib/python3.11/json/tool.py
try run -q -i e2e-exclude -c config.json "$python" main.py
ok "and it runs" is "$(cat out)" ran
printf 'a\0b' > .orrisignore
build
ok "an .orrisignore that is no text" has err ".orrisignore: is no text"
finish
