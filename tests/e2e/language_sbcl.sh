#!/bin/sh
# examples/sbcl: the same in the guest as on Linux.
. "$(dirname "$0")/language.sh"
language sbcl
finish
