#!/bin/sh
# examples/perl: the same in the guest as on Linux.
. "$(dirname "$0")/language.sh"
language perl
finish
