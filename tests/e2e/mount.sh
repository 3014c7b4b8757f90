#!/bin/sh
# Folders of the host in the guest.
. "$(dirname "$0")/tap.sh"
needs python

mkdir -p data/sub
echo one > data/a.txt
ln -s a.txt data/link
echo "what lies outside" > outside
ln -s "$work/outside" data/outside
printf 'x' > 'data/with space,comma'

cat > use.py <<'P'
import os, sys
d = "/data"
print(sorted(os.listdir(d)))
print(open(d + "/a.txt").read().strip(), os.readlink(d + "/link"), open(d + "/link").read().strip())
os.makedirs(d + "/new/deep")
with open(d + "/new/deep/f", "w") as f:
    f.write("guest\n")
    f.flush()
    os.fsync(f.fileno())
os.chmod(d + "/new/deep/f", 0o640)
os.utime(d + "/new/deep/f", (1000000000, 1000000001))
os.rename(d + "/sub", d + "/renamed")
os.symlink("deep", d + "/new/l")
os.link(d + "/a.txt", d + "/hard")
with open(d + "/a.txt", "a") as f:
    f.write("two\n")
os.mkdir(d + "/gone"); os.rmdir(d + "/gone")
P
try run -i mount-e2e --mount data:/data $python use.py
ok "a program uses the folder" is "$status" 0
ok "it sees what is there" is "$(sed -n 1p out)" \
    "['a.txt', 'link', 'outside', 'sub', 'with space,comma']"
ok "and reads it, through links, too" is "$(sed -n 2p out)" "one a.txt one"
ok "what it writes is the host's" is "$(cat data/new/deep/f)" guest
ok "with its mode and time" is "$(stat -c '%a %Y' data/new/deep/f)" "640 1000000001"
ok "a renamed folder" test -d data/renamed -a ! -e data/sub -a ! -e data/gone
ok "a symbolic link" is "$(readlink data/new/l)" deep
ok "a hard link, and appending" is "$(cat data/hard)" "one
two"
ok "nothing is called lost" not has err "lost with it"

cat > ro.py <<'P'
import errno
print(open("/data/a.txt").read().split())
try:
    open("/data/a.txt", "w")
except OSError as e:
    print(errno.errorcode[e.errno])
try:
    print(open("/data/outside").read())
except OSError as e:
    print(errno.errorcode[e.errno])
P
try run -i mount-e2e --mount data:/data:ro $python ro.py
ok "read only is EROFS" is "$(sed -n 2p out)" EROFS
ok "a link never leads out of the guest" not has out "what lies outside"

# Both sides see each other while the program runs.
cat > talk.py <<'P'
import os, sys, time
open("/data/ready", "w").close()
def wait(test):
    for _ in range(3000):
        if test():
            return True
        time.sleep(0.01)
    return False
print(wait(lambda: os.path.exists("/data/answer")))
print(open("/data/answer").read().strip())
f = open("/data/log")
print(f.readline().strip())
open("/data/more", "w").close()
line = ""
def next_line():
    global line
    line = line or f.readline().strip()
    return line
print(wait(next_line), line)
P
echo first > data/log
orris run -i mount-e2e --mount data:/data $python talk.py > out 2> err &
pid=$!
while [ ! -e data/ready ] && kill -0 $pid 2> /dev/null; do sleep 0.05; done
echo hello > data/answer.new && mv data/answer.new data/answer
while [ ! -e data/more ] && kill -0 $pid 2> /dev/null; do sleep 0.05; done
echo second >> data/log
wait $pid
status=$?
ok "the host's changes are seen while it runs" is "$(cat out)" "True
hello
first
True second"

# A model trained in the guest is used on the host, and the other way round.
mkdir models
cat > train.py <<'P'
import pickle
points = [(x, 3 * x + 2) for x in range(50)]
n = len(points)
mx = sum(x for x, _ in points) / n
my = sum(y for _, y in points) / n
slope = sum((x - mx) * (y - my) for x, y in points) / sum((x - mx) ** 2 for x, _ in points)
with open("/models/model.pkl", "wb") as f:
    pickle.dump({"slope": slope, "intercept": my - slope * mx, "points": points}, f)
P
cat > predict.py <<'P'
import pickle, sys
with open(sys.argv[1], "rb") as f:
    model = pickle.load(f)
print(round(model["slope"] * 10 + model["intercept"], 6), len(model["points"]))
P
try run -i mount-e2e --mount models:/models $python train.py
ok "a model trained in the guest is used on the host" is \
    "$($python predict.py models/model.pkl)" "32.0 50"
mv models/model.pkl models/from-host.pkl
try run -i mount-e2e --mount models:/models:ro $python predict.py /models/from-host.pkl
ok "and the other way round" is "$(cat out)" "32.0 50"

# The same with a real library: iris, trained here and there.
if /usr/bin/python3 -c 'import sklearn' 2> /dev/null; then
    cat > iris.py <<'P'
import pickle, sys
from sklearn.datasets import load_iris
from sklearn.neighbors import KNeighborsClassifier
iris = load_iris()
if sys.argv[1] == "train":
    with open(sys.argv[2], "wb") as f:
        pickle.dump(KNeighborsClassifier(3).fit(iris.data, iris.target), f)
else:
    with open(sys.argv[2], "rb") as f:
        print(pickle.load(f).predict(iris.data).tolist())
P
    $python iris.py train models/host.pkl
    $python iris.py predict models/host.pkl > want
    TIME_LIMIT=400
    try run -i mount-e2e --mount models:/models --copy-out /models/guest.pkl=copied.pkl $python iris.py train /models/guest.pkl
    ok "iris trained in the guest" is "$status" 0
    ok "predicts on the host what one trained there does" is \
        "$($python iris.py predict models/guest.pkl)" "$(cat want)"
    ok "a file of a mounted folder is copied out, too" cmp -s copied.pkl models/guest.pkl
    try run -i mount-e2e --mount models:/models:ro $python iris.py predict /models/host.pkl
    ok "and one trained on the host predicts in the guest" cmp -s out want
else
    skip "iris, trained here and there" "$python has no scikit-learn"
fi

# The configuration's key.
cat > config.json <<J
{"Mounts": {"$work/models": "/m:ro", "\$SUB_FOLDER": "/data"}, "Args": ["/m/from-host.pkl"]}
J
mkdir elsewhere
SUB_FOLDER=data
export SUB_FOLDER
(cd elsewhere && try run -i mount-e2e -c ../config.json $python ../predict.py && cp out err ..)
ok "Mounts of a configuration" is "$(cat out)" "32.0 50"
cat > where.py <<'P'
import os
print(os.path.exists("/data/model.pkl"), os.path.exists("/data/from-host.pkl"))
P
try run -i mount-e2e -c config.json --mount models:/data $python where.py
ok "a flag wins over the configuration" is "$(cat out)" "False True"

try run -i mount-e2e --mount none:/data $python where.py
ok "a folder that isn't there is named" has err "orris: can't mount ./none at /data: No such file"
ok "before the start" is "$status" 125
try run -i mount-e2e --mount data:/proc $python where.py
ok "places of the kernel are refused" has err "nothing can be mounted at /proc"
try run -i mount-e2e --mount data $python where.py
ok "wrong usage says what is right" has err "must be DIR:/path or DIR:/path:ro"
try run -i mount-e2e --mount "data:/d" --machine q35 $python -c 'import os; print(len(os.listdir("/d")) > 3)'
ok "on the other machine, too" is "$(cat out)" True
try run -i mount-e2e --mount data:/w --workdir /w $python -c 'print(open("a.txt").readline().strip())'
ok "the program may start there" is "$(cat out)" one

# A host that has no room answers so.
if can_mount; then
    cat > full.py <<'P'
import errno, mmap, os
try:
    with open("/full/f", "wb") as f:
        for _ in range(64):
            f.write(b"x" * 65536)
            f.flush()
except OSError as e:
    print(errno.errorcode[e.errno])
P
    export ORRIS python accel="${ORRIS_ACCEL:-tcg}"
    with_small 1m 'timeout 120 "$ORRIS" run -i mount-e2e --accel $accel --mount small:/full $python full.py'
    ok "a full disk of the host is ENOSPC" is "$(cat out)" ENOSPC
else
    skip "a full disk of the host is ENOSPC" "$no_mount"
fi
orris image delete mount-e2e
finish
