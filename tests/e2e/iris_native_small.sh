#!/bin/bash
# How small examples/iris-native is.
. "$(dirname "$0")/tap.sh"
. "$here/appliance/setup.sh"
needs_native
check small.py
