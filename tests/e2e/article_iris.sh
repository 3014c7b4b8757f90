#!/bin/sh
# The article's classifier: three ways to the same output, byte for byte.
. "$(dirname "$0")/tap.sh"
needs python archive

cp "$top"/examples/iris/* .
data=$top/tests/e2e/data
TIME_LIMIT=300

try pkg load python_3.11.2 -c config.json
program_err > shown
ok "Packages: standard output is as expected" cmp -s out "$data/iris.out"
ok "Packages: standard error is as expected" cmp -s shown "$data/iris.err"
ok "Packages: status 0" is "$status" 0

$python -c 'import sklearn' 2> /dev/null || {
    skip "run and MapDirs" "$python has no scikit-learn"
    finish
}
$python iris.py > host.out 2> host.err
ok "the host prints the same" cmp -s host.out "$data/iris.out"
ok "and the same warning" cmp -s host.err "$data/iris.err"

try run $python iris.py
program_err > shown
ok "run: standard output is as expected" cmp -s out "$data/iris.out"
ok "run: standard error is as expected" cmp -s shown "$data/iris.err"
ok "run: status 0" is "$status" 0

cat > mapped.json <<'P'
{
    "MapDirs": {"/usr/lib/python3/dist-packages/*": "/usr/lib/python3/dist-packages"},
    "Args": ["iris.py"]
}
P
try pkg load python_3.11.2 -c mapped.json
program_err > shown
ok "MapDirs: standard output is as expected" cmp -s out "$data/iris.out"
ok "MapDirs: standard error is as expected" cmp -s shown "$data/iris.err"
ok "MapDirs: the libraries that modules need came along" is "$status" 0
finish
