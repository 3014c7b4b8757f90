#!/bin/bash
# examples/learning: the same numbers in the guest as on Linux with the very same files, and models
# that one side saves are read by the other.
. "$(dirname "$0")/python_root.sh"
needs archive

# The files of the package and its additions as a root for Linux.
try pkg load --pkg python3-sklearn --pkg python3-pandas --pkg python3-joblib python -- -c pass
python_root '"python3-joblib, python3-pandas, python3-sklearn"'
cp "$top/examples/learning/app.py" .
cp app.py root
linux
ok "Linux runs the example" matches linux.out '^pickle: '

# From Linux to the guest …
cp root/tmp/model.pkl given.pkl
cp root/tmp/model.joblib given.joblib
cp given.pkl given.joblib root
linux
sed 's/"Args"/"Files": ["given.pkl", "given.joblib"],\n    "Args"/' "$top/examples/learning/config.json" > config.json
try pkg load -c config.json --copy-out /tmp/model.pkl=guest.pkl --copy-out /tmp/model.joblib=guest.joblib python
ok "models that Linux saved are read in the guest" matches out '^given joblib: '
ok "all numbers are the same" cmp linux.out out
ok "several processes are refused with a reason" has err "processes: Function not implemented"
# … and back.
rm root/given*
cp guest.pkl root/given.pkl
cp guest.joblib root/given.joblib
linux
ok "models that the guest saved are read on Linux, and say the same" cmp linux.out out
finish
