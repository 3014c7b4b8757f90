#!/bin/bash
# Virtual environments as pip fills them: what a program sees of its Python is the same as on the
# host, however it is started. The wheels are built here.
. "$(dirname "$0")/tap.sh"
needs python
export HOME=$work/home PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INDEX=1
mkdir -p "$HOME" wheels pure/src/pureone compiled edit/src/editone

cat > pure/setup.py <<'P'
from setuptools import setup
setup(name="pureone", version="1.0", package_dir={"": "src"}, packages=["pureone"],
      package_data={"pureone": ["data.txt"]}, entry_points={"console_scripts": ["tool=pureone:main"]})
P
cat > pure/src/pureone/__init__.py <<'P'
import importlib.resources, sys
def text():
    return importlib.resources.files(__name__).joinpath("data.txt").read_text().strip()
def main():
    print("tool", text(), sys.argv[1:], sys.prefix)
    return 3
P
echo 'text of the package' > pure/src/pureone/data.txt
cat > compiled/setup.py <<'P'
from setuptools import setup, Extension
setup(name="fastone", version="2.0", ext_modules=[Extension("fastone", ["fast.c"])])
P
cat > compiled/fast.c <<'C'
#include <Python.h>
static PyObject *twice(PyObject *self, PyObject *arg) { (void)self; return PyLong_FromLong(2 * PyLong_AsLong(arg)); }
static PyMethodDef methods[] = {{"twice", twice, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fastone", NULL, -1, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_fastone(void) { return PyModule_Create(&module); }
C
cat > edit/setup.py <<'P'
from setuptools import setup
setup(name="editone", version="3.0", package_dir={"": "src"}, packages=["editone"])
P
echo 'where = "edited in place"' > edit/src/editone/__init__.py

for part in pure compiled; do
    (cd $part && "$python" setup.py -q bdist_wheel -d ../wheels > log 2>&1) || skip_all "no wheel of $part can be built here: $(tail -n 1 $part/log)"
done
"$python" -m venv .venv > log 2>&1 || skip_all "no virtual environments here: $(tail -n 1 log)"
.venv/bin/pip install -q --find-links wheels pureone fastone > log 2>&1 &&
    .venv/bin/pip install -q --no-build-isolation -e ./edit > log 2>&1
ok "pip fills the virtual environment" is $? 0

cat > app.py <<'P'
import importlib.metadata, sys, editone, fastone, pureone
print(sys.prefix, sys.base_prefix, sys.exec_prefix, sys.executable)
print(sys.path[1:])
print(pureone.text(), fastone.twice(21), editone.where)
print(pureone.__file__, fastone.__file__, editone.__file__)
print(sorted(d.metadata["Name"] for d in importlib.metadata.distributions()))
P

# Runs a command on the host and as `orris run`, and compares output and status.
same() { # NAME COMMAND…
    name=$1
    shift
    "$@" > host.out 2> host.err
    expected=$?
    try run -q -i e2e-venv $flags "$@"
    ok "$name" cmp out host.out
    ok "$name: status" is "$status" $expected
}

flags=
same ".venv/bin/python app.py" .venv/bin/python app.py
same ".venv/bin/tool" .venv/bin/tool a 'b c'
flags=--trim
same ".venv/bin/python app.py, trimmed" .venv/bin/python app.py
same ".venv/bin/tool, trimmed" .venv/bin/tool a 'b c'
flags=
PATH=$work/.venv/bin:$PATH
export VIRTUAL_ENV=$work/.venv
same "activated: python app.py" python app.py
same "activated: tool" tool x
same "activated: a module" python -m pureone.__init__

site=.venv/lib/python3.11/site-packages
mv $site/fastone.cpython-311-x86_64-linux-gnu.so $site/fastone.cpython-39-x86_64-linux-gnu.so
try run -i e2e-venv python app.py
ok "an extension for another Python is named" has err \
    "orris: $work/$site/fastone.cpython-39-x86_64-linux-gnu.so was built for Python 3.9; Python 3.11 can't import it"
ok "before the program runs" eval 'test "$(grep -n "built for Python 3.9" err | cut -d: -f1)" -lt "$(grep -n Traceback err | cut -d: -f1)"'
echo 'def twice(n): return 2 * n' > $site/fastone.py
try run -i e2e-venv python app.py
ok "unless the module is there in another form" eval 'is $status 0 && not has err "built for"'
finish
