#!/bin/bash
# examples/iris-service in a machine of its own: the same checks as on the host.
. "$(dirname "$0")/tap.sh"
. "$here/appliance/setup.sh"
needs python:sklearn archive # what it must say
nginx_unpack
check checks.py service guest
