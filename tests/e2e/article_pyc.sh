#!/bin/sh
# Files keep their times, links and modes; so Python uses the .pyc files beside the sources.
. "$(dirname "$0")/tap.sh"
needs python package:python

mkdir -p tree/mod
echo 'VALUE = "from the source"' > tree/mod/fresh.py
echo 'VALUE = "from the source"' > tree/mod/stale.py
touch -d '2020-02-02 02:02:02' tree/mod/fresh.py tree/mod/stale.py
$python -m compileall -q tree/mod
# The byte code says something else than the source: which one is used shows.
for name in fresh stale; do
    $python - $name <<'P'
import importlib.util, marshal, pathlib, sys
name = sys.argv[1]
pyc = pathlib.Path(importlib.util.cache_from_source(f"tree/mod/{name}.py"))
data = pyc.read_bytes()
code = compile('VALUE = "from the byte code"', f"/tree/mod/{name}.py", "exec")
pyc.write_bytes(data[:16] + marshal.dumps(code))
P
done
touch -d '2021-01-01' tree/mod/stale.py
ln -s fresh.py tree/mod/link.py
chmod 640 tree/mod/fresh.py
cat > script.py <<'P'
import os, stat, sys
sys.path.insert(0, "/tree/mod")
import fresh, stale
print(fresh.VALUE, "/", stale.VALUE)
info = os.stat("/tree/mod/fresh.py")
print(int(info.st_mtime), oct(stat.S_IMODE(info.st_mode)), os.readlink("/tree/mod/link.py"))
print(sum(1 for m in sys.modules.values() if getattr(m, "__cached__", None)
          and not os.path.exists(m.__cached__)), "without byte code")
P
echo '{"Dirs": ["tree"], "Args": ["script.py"]}' > config.json
try pkg load python -c config.json
ok "a .pyc of its source's time is used, a stale one isn't" \
    is "$(sed -n 1p out)" "from the byte code / from the source"
ok "times, modes and links stay" is "$(sed -n 2p out)" "$(stat -c %Y tree/mod/fresh.py) 0o640 fresh.py"
ok "every module of the package has its byte code" is "$(sed -n 3p out)" "0 without byte code"

echo 'print("hello")' > hello.py
try pkg load python -- -v hello.py
ok "none of it is stale" not matches err "bytecode is stale|wrote '|could not create"
finish
