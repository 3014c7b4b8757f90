#!/bin/bash
# Interpreters as the host has them: what a script sees of its Python is the same inside and outside.
. "$(dirname "$0")/tap.sh"
needs python
export HOME=$work/home
mkdir -p "$HOME"

# Runs a command on the host and as `orris run`, and compares standard output. All share one image,
# of which only the last layers change.
same() { # NAME COMMAND…
    name=$1
    shift
    "$@" > host.out 2> host.err
    try run -q -i e2e "$@"
    ok "$name" cmp out host.out
    ok "$name: status" is "$status" 0
}

cat > show.py <<'P'
import sys
print(sys.prefix, sys.base_prefix, sys.executable, sys.version)
print(sys.path[1:])
P
same "Debian's Python" "$python" show.py

if $python -m venv --without-pip venv 2> log; then
    mkdir -p venv/lib/python3.11/site-packages/inside
    echo 'x = 1' > venv/lib/python3.11/site-packages/inside/__init__.py
    cat > venv.py <<'P'
import sys, inside
print(sys.prefix != sys.base_prefix, inside.x, inside.__file__.endswith("site-packages/inside/__init__.py"))
print([p.rsplit("/", 4)[1:] for p in sys.path[1:]])
P
    same "a virtual environment by its path" "$work/venv/bin/python" venv.py
    same "a virtual environment by a relative path" venv/bin/python venv.py
    { echo "#!$work/venv/bin/python"; cat venv.py; } > script
    chmod +x script
    same "a script whose first line names it" ./script
else
    skip "virtual environments" "no venv can be made: $(tail -n 1 log)"
fi

mkdir -p "$HOME/.local/lib/python3.11/site-packages/mine"
echo 'print("mine", __file__.split("home")[1])' > "$HOME/.local/lib/python3.11/site-packages/mine/__init__.py"
echo 'import mine' > mine.py
same "your own packages" "$python" mine.py

if python3 -c 'import sys' 2> log && [ "$(command -v python3)" != "$python" ]; then
    same "python3 as PATH has it" python3 show.py
fi

rm -r "$HOME/.local"

mkdir -p app/pkg app/data
echo 'y = 2' > app/pkg/__init__.py
echo 'text' > app/pkg/data.txt
echo 'z = 3' > app/mod.py
touch app/data/unnamed
cat > app/main.py <<'P'
import os, mod, pkg
print(mod.z, pkg.y, open(os.path.join(os.path.dirname(pkg.__file__), "data.txt")).read().strip())
print(os.path.exists("app/data"))
P
try run -q -i e2e "$python" app/main.py
ok "modules and packages beside the script, and no other folder" is "$(xargs < out)" "3 2 text False"

echo 'import sys; print(sys.argv[1:], open(sys.argv[1]).read().strip())' > args.py
mkdir -p data && echo content > data/x.csv
try run -i e2e "$python" args.py data/x.csv
ok "an argument's file is where the program looks" is "$(cat out)" "['data/x.csv'] content"

echo 'import os; print(sorted(k for k in os.environ if k not in ("LANG", "LANGUAGE", "TERM", "TZ") and not k.startswith("LC_")), os.environ.get("A"))' > env.py
A=host OMP_NUM_THREADS=2 orris run -i e2e -e A "$python" env.py > out 2> err
ok "the environment is the small default and -e" is "$(cat out)" "['A', 'HOME', 'PATH'] host"
ok "a variable left behind is named" has err "OMP_NUM_THREADS is set here but stays outside"

try run -i e2e --workdir /some/where "$python" -c 'import os; print(os.getcwd())'
ok "--workdir" is "$(cat out)" "/some/where"
finish
