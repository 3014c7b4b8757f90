#!/bin/bash
# The store keeps a limit by itself: what was not used for the longest time goes first, what is new or in use stays; nor
# does a prune take a layer from under who builds.
. "$(dirname "$0")/tap.sh"
needs gcc
ORRIS_HOME=$work/store

for name in one two three four; do
    head -c 3000000 /dev/urandom > data
    cp data "$name.data"
    gcc -static -x c -o "$name" - <<< 'int main(void) { return 0; }'
    echo "{ \"Files\": [\"$name.data\"] }" > "$name.json"
done
make_image() { orris build -c "$1.json" "./$1" > out 2> err; }
images() { (cd store/images && echo *.img); }

make_image one && make_image two && make_image three
ok "below the limit everything stays" is "$(images)" "one.img three.img two.img"
find store -name '*.erofs' -exec touch -d '5 hours ago' {} +
touch -d '4 hours ago' store/images/one.img
touch -d '2 hours ago' store/images/two.img
touch -d '3 hours ago' store/images/three.img
export ORRIS_STORE_MAX=19M
make_image four
ok "beyond it layers go, then the longest unused image" is "$(images)" "four.img three.img two.img"
ok "which is told" matches err '^orris: the store held .* removed, unused for the longest time .ORRIS_STORE_MAX sets the limit'
ORRIS_STORE_MAX=1M make_image one
ok "what was used just now stays" is "$(images)" "four.img one.img"
orris run -q ./two && orris run -q ./three
ok "what is gone is made again" is $? 0
echo changed >> two.data
ORRIS_STORE_MAX=much make_image two
ok "a limit that is none is told" has err 'ORRIS_STORE_MAX is not a size such as 5G: "much"'
find store -exec touch -d '5 hours ago' {} +
echo changed >> two.data
ORRIS_STORE_MAX=0 make_image two
ok "0 is no limit" is "$(images)" "four.img one.img three.img two.img"
unset ORRIS_STORE_MAX

# Builds and prunes at the same time.
for _ in $(seq 40); do orris prune -q > log || echo failed; done > prunes &
pruner=$!
wrong=0
for i in $(seq 20); do
    echo "$i" >> one.data
    make_image one || { wrong=$i; break; }
done
wait $pruner
ok "a prune at the same time harms no build" is "$wrong$(cat prunes)" 0
finish
