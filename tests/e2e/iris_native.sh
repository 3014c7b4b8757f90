#!/bin/bash
# examples/iris-native as a program of this host: what it answers, refuses and survives.
. "$(dirname "$0")/tap.sh"
. "$here/appliance/setup.sh"
needs_native
nginx_unpack
check checks.py native host
