#!/bin/bash
# How small examples/iris-native is.
. "$(dirname "$0")/tap.sh"
. "$here/appliance/setup.sh"
check small.py
