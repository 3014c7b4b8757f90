#!/bin/bash
# examples/torch: the same numbers in the guest as on Linux with the very same files, and networks that
# one side saves are loaded by the other.
. "$(dirname "$0")/python_root.sh"
needs archive

# The files of the package and its addition as a root for Linux.
cp "$top/examples/torch/app.py" "$top/examples/torch/config.json" .
try pkg load -c config.json --copy-out /tmp/model.pt=guest.pt --copy-out /tmp/traced.pt=guest-traced.pt python
cp out guest.out
program_err > guest.err
guest_status=$status
python_root '"python3-torch"'
cp app.py root
linux
linux_status=$?
cp linux.out out
ok "Linux runs the example" matches linux.out '^loaded: True traced: True$'
ok "the guest trains and infers the same numbers" cmp linux.out guest.out
ok "and ends as Linux does" is "$guest_status $(cat guest.err)" "$linux_status $(cat linux.err)"

# From Linux to the guest …
cp root/tmp/model.pt given.pt
cp root/tmp/traced.pt given-traced.pt
cp given.pt given-traced.pt root
linux
sed -i 's/"Args"/"Files": ["given.pt", "given-traced.pt"],\n    "Args"/' config.json
try pkg load -c config.json python
ok "networks that Linux saved are loaded in the guest" matches out '^given, traced: '
ok "and say the same" cmp linux.out out
# … and back.
rm root/given*
cp guest.pt root/given.pt
cp guest-traced.pt root/given-traced.pt
linux
ok "networks that the guest saved are loaded on Linux, and say the same" cmp linux.out out
finish
