#!/bin/bash
# A damaged image says so at boot, also where no tool looks: with the command line that -v prints.
. "$(dirname "$0")/tap.sh"
needs python gcc

cat > three.c << 'END'
#include <stdio.h>
int main(void) { puts("fine"); return 3; }
END
gcc -static -o three three.c
orris run -v --accel tcg ./three > out 2> err
line=$(sed -n 's/^orris: \(.*qemu-system.*\)/\1/p' err)
image=$(orris build ./three)
plain() { timeout 60 bash -c "$1" < /dev/null > out 2>&1; }

plain "$line"
ok "the printed line runs the program" has out fine
ok "and says its status" has out "exit status 3"
plain "$(sed "s/-initrd '[^']*'//; s/-initrd [^ ']*//" <<< "$line")"
ok "the image alone does, too" has out fine

for place in 300000:kernel 1048592:header 1048650:records; do
    "$python" - "$image" "${place%%:*}" << 'END'
import sys
image, place = bytearray(open(sys.argv[1], "rb").read()), int(sys.argv[2])
image[place] ^= 0xff
open("bad.img", "wb").write(image)
END
    plain "${line//$image/$PWD/bad.img}"
    ok "damage to the ${place#*:} is told" has out "the image is corrupt"
    ok "and nothing runs" not has out fine
done
finish
