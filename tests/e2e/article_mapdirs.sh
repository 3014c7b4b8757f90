#!/bin/sh
# The article's third step: packages that pip put into ~/.local, and libraries copied by hand.
. "$(dirname "$0")/tap.sh"
needs python gcc package:python

# A wheel with a pure and one with a compiled module, and pip, without an index.
mkdir -p pure/ashwood native/elmwood home
cat > pure/ashwood/__init__.py <<'P'
"""A pure module."""
import os
def place():
    return os.path.dirname(__file__)
P
cat > native/elmwood/core.c <<'P'
#include <Python.h>
static PyObject *twice(PyObject *self, PyObject *number)
{
    (void)self;
    return PyLong_FromLong(2 * PyLong_AsLong(number));
}
static PyMethodDef methods[] = {{"twice", twice, METH_O, NULL}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "core", NULL, -1, methods};
PyMODINIT_FUNC PyInit_core(void);
PyMODINIT_FUNC PyInit_core(void)
{
    return PyModule_Create(&module);
}
P
echo 'from elmwood.core import twice' > native/elmwood/__init__.py
gcc -shared -fPIC -O1 $($python -c 'import sysconfig as s; print("-I" + s.get_path("include"))') \
    native/elmwood/core.c -o "native/elmwood/core$($python -c 'import sysconfig as s; print(s.get_config_var("EXT_SUFFIX"))')" ||
    skip_all "Python's headers are not here (python3-dev)"
rm native/elmwood/core.c

# wheel FOLDER NAME TAG: NAME-1.0-TAG.whl of what is in FOLDER.
wheel() {
    mkdir "$1/$2-1.0.dist-info"
    printf 'Metadata-Version: 2.1\nName: %s\nVersion: 1.0\n' "$2" > "$1/$2-1.0.dist-info/METADATA"
    printf 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: %s\n' "$3" \
        > "$1/$2-1.0.dist-info/WHEEL"
    (cd "$1" && find . -type f | sed 's|^\./||; s|$|,,|' > list && mv list "$2-1.0.dist-info/RECORD" &&
        echo "$2-1.0.dist-info/RECORD,," >> "$2-1.0.dist-info/RECORD" &&
        $python -m zipfile -c "../$2-1.0-$3.whl" ./*)
}
wheel pure ashwood py3-none-any
wheel native elmwood cp311-cp311-linux_x86_64
HOME=$work/home $python -m pip install --quiet --user --no-index --no-warn-script-location \
    --break-system-packages ./*.whl > pip.log 2>&1 || { cat pip.log; skip_all "pip does not work here"; }

# A library that is not in the package, in two folders as the article has them.
echo 'int answer(void) { return 42; } int more(void);' > answer.c
echo 'int more(void) { return 1; }' > more.c
mkdir -p usr/lib/x86_64-linux-gnu lib/x86_64-linux-gnu
gcc -shared -fPIC more.c -Wl,-soname,libmorewood.so.1 -o lib/x86_64-linux-gnu/libmorewood.so.1
gcc -shared -fPIC answer.c -Wl,-soname,libanswerwood.so.1 -Wl,--no-as-needed -Llib/x86_64-linux-gnu \
    -l:libmorewood.so.1 -o usr/lib/x86_64-linux-gnu/libanswerwood.so.1

cat > script.py <<'P'
import ctypes, os, sys
import ashwood, elmwood
print(ashwood.place(), elmwood.twice(21))
print(ctypes.CDLL("libanswerwood.so.1").answer())
print(os.path.islink("/lib"), os.readlink("/lib"), os.path.exists("/usr/lib/python3.11/os.py"))
print(os.path.exists("/lib/x86_64-linux-gnu/libc.so.6"),
      os.path.exists("/usr/lib/x86_64-linux-gnu/libmorewood.so.1"))
P
cat > config.json <<'P'
{
    "MapDirs": {"$HOME/.local/*": "/.local"},
    "Dirs": ["usr", "lib"],
    "Args": ["script.py"]
}
P
HOME=$work/home try pkg load python_3.11.2 -c config.json
ok "it runs" is "$status" 0
ok "modules of ~/.local are found, pure and compiled" \
    is "$(sed -n 1p out)" "/.local/lib/python3.11/site-packages/ashwood 42"
ok "libraries copied by hand are found" is "$(sed -n 2p out)" 42
ok "folders merge with the package's, links stay links" is "$(sed -n 3p out)" "True usr/lib True"
ok "what was for /lib lies in /usr/lib, beside what was there" is "$(sed -n 4p out)" "True True"

echo 'def place(): return "changed"' > home/.local/lib/python3.11/site-packages/ashwood/__init__.py
HOME=$work/home try pkg load python_3.11.2 -c config.json
ok "a change in a mapped module is seen" is "$(sed -n 1p out)" "changed 42"

cat > glob.json <<'P'
{"MapDirs": {"home/.local/*.nothing": "/x"}, "Args": ["script.py"]}
P
HOME=$work/home try pkg load python_3.11.2 -c glob.json
ok "a glob without a match is an error" is "$status" 125
ok "with its place" matches err '^orris: glob\.json:1:[0-9]+: '
cat > dirs.json <<'P'
{"Dirs": ["nowhere"], "Args": ["script.py"]}
P
try pkg load python_3.11.2 -c dirs.json
ok "so is a missing folder" matches err '^orris: dirs\.json:1:[0-9]+: .*nowhere'
finish
