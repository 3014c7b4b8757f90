#!/bin/bash
# The page of examples/iris-service in headless Chromium.
. "$(dirname "$0")/tap.sh"
. "$here/appliance/setup.sh"
check page.py host
