#!/bin/sh
# examples/java: the same in the guest as on Linux.
. "$(dirname "$0")/language.sh"
language java
finish
