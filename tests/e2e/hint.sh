#!/bin/bash
# After a failure, the one line that names what the image lacks and the host has, and what adds it.
. "$(dirname "$0")/tap.sh"
needs python package:python
export HOME=$work/home
package=python_3.11.2
mkdir -p "$HOME" plug-ins
echo 'x = 1' > plug-ins/odd.py

cat > relative.py <<'P'
import sys
sys.path.insert(0, "plug-ins")
import odd
P
try run -i e2e-hint "$python" relative.py
ok "a folder of modules that isn't beside the script" has err '"Dirs": ["plug-ins"] in config.json (with -c) adds it'
echo '{ "Dirs": ["plug-ins"] }' > config.json
try run -q -i e2e-hint -c config.json "$python" relative.py
ok "and that line does it" is "$status" 0

mkdir -p lib && echo 'y = 1' > lib/inpath.py
echo 'import inpath' > path.py
PYTHONPATH=lib orris run -i e2e-hint "$python" path.py > out 2> err
ok "a module of PYTHONPATH" has err 'the image lacks the module inpath; lib/inpath.py lies on the host: -e PYTHONPATH takes it along'

cat > quiet.py <<'P'
try:
    open("config.json")
except OSError:
    pass
P
try run -i e2e-hint "$python" quiet.py
ok "nothing of it after status 0" not has err "lies on the host"
try run -v -i e2e-hint "$python" quiet.py
ok "but with -v" has err '"Files": ["config.json"]'

echo 'import ctypes; ctypes.CDLL("libarchive.so" + ".13")' > load.py
try run -i e2e-hint "$python" load.py
library=$(/sbin/ldconfig -p | sed -n 's/.*libarchive\.so\.13 .*=> //p' | head -n 1)
ok "a library loaded by name" has err "the image lacks the library libarchive.so.13; $library lies on the host: \"Files\": [\"$library\"]"
echo "{ \"Files\": [\"$library\"] }" > library.json
try run -q -i e2e-hint -c library.json "$python" load.py
ok "and that line does it, with the libraries that it needs" is "$status" 0

if quiet "$ORRIS" pkg list 2> err && grep -q "$package" out; then
    site=$HOME/.local/lib/python3.11/site-packages
    mkdir -p "$site/mine"
    touch "$site/mine/__init__.py"
    echo 'import mine' > own.py
    try pkg load $package -a own.py
    ok "a package of one's own" has err "\"MapDirs\": {\"\$HOME/.local/*\": \"/.local\"} in config.json"
    echo 'import numpy' > debian.py
    try pkg load $package -a debian.py
    ok "a module of a Debian package" has err '"Packages": ["python3-numpy"] in config.json'
else
    skip "modules of a package" "$package is not in the store"
fi

echo 'import sys; "late" in sys.argv and __import__("colorsys")' > late.py
try record -q -- "$python" late.py
try run --locked -i e2e-hint "$python" late.py late
ok "what a recording didn't see" matches err 'module colorsys; /usr/lib/python3\.11/colorsys\.py lies on the host: `orris record --keep '
finish
