#!/bin/sh
# examples/ruby: the same in the guest as on Linux.
. "$(dirname "$0")/language.sh"
language ruby
finish
