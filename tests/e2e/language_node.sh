#!/bin/sh
# examples/node: the same in the guest as on Linux.
. "$(dirname "$0")/language.sh"
language node
finish
