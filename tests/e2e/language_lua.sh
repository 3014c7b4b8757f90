#!/bin/sh
# examples/lua: the same in the guest as on Linux.
. "$(dirname "$0")/language.sh"
language lua
finish
