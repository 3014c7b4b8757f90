#!/bin/sh
# examples/guile: the same in the guest as on Linux.
. "$(dirname "$0")/language.sh"
language guile
finish
