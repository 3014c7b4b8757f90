#!/bin/bash
# examples/learning: the same numbers in the guest as on Linux with the very same files, and models
# that one side saves are read by the other.
. "$(dirname "$0")/tap.sh"
TIME_LIMIT=400

cp "$top/examples/learning"/* .
cat > config.json <<'J'
{
    "Packages": ["python3-sklearn", "python3-pandas", "python3-joblib"],
    "Args": ["app.py"]
}
J
try pkg load python -c config.json
mv out guest.first

# The files of the package and its additions as a root for Linux.
layers=$($python - "$ORRIS_HOME/packages" <<'P'
import glob, json, sys
wanted = ['python3-joblib', 'python3-pandas', 'python3-sklearn']
for path in glob.glob(sys.argv[1] + '/python_*@*/package.json'):
    if json.load(open(path))['Requested'][:3] == wanted:
        print(path.replace('package.json', 'layer.erofs'))
        break
P
)
mkdir root
for layer in "$ORRIS_HOME"/packages/python_*[0-9]/layer.erofs $layers; do
    fsck.erofs --extract=root --overwrite "$layer" > log 2>&1 || cat log
done
mkdir -p root/tmp root/dev root/proc
linux() {
    unshare -r -m sh -c 'mount --rbind /dev "$1/dev" && mount --rbind /proc "$1/proc" || exit 77
        cd / && exec env -i HOME=/ PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$1" /usr/bin/python3 /app.py' sh root \
        > linux.out 2> linux.err < /dev/null
}
cp app.py root
linux
[ $? != 77 ] || skip_all "no mounting here"
ok "Linux runs the example" matches linux.out '^pickle: '
ok "the same numbers in the guest" cmp linux.out guest.first
ok "several processes are refused with a reason" has err "processes: Function not implemented"

# From Linux to the guest …
cp root/tmp/model.pkl given.pkl
cp root/tmp/model.joblib given.joblib
sed -i 's/"Args"/"Files": ["given.pkl", "given.joblib"],\n    "Args"/' config.json
cp given.pkl given.joblib root
linux
try pkg load python -c config.json --copy-out /tmp/model.pkl=guest.pkl --copy-out /tmp/model.joblib=guest.joblib
ok "models that Linux saved are read in the guest" matches out '^given joblib: '
ok "and say the same" cmp linux.out out
# … and back.
cp guest.pkl root/given.pkl
cp guest.joblib root/given.joblib
linux
ok "models that the guest saved are read on Linux, and say the same" cmp linux.out out
finish
