#!/bin/bash
# examples/iris-native in a machine of its own: the same checks as on the host.
. "$(dirname "$0")/tap.sh"
. "$here/appliance/setup.sh"
needs_native
nginx_unpack
check checks.py native guest
