#!/bin/sh
# examples/sqlite: the same in the guest as on Linux.
. "$(dirname "$0")/language.sh"
language sqlite
finish
