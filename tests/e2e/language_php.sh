#!/bin/sh
# examples/php: the same in the guest as on Linux.
. "$(dirname "$0")/language.sh"
language php
finish
