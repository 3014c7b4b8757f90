#!/bin/bash
# examples/iris-service as a program of this host: what it answers, refuses and survives.
. "$(dirname "$0")/tap.sh"
. "$here/appliance/setup.sh"
needs python:sklearn # on the host
nginx_unpack
check checks.py service host
