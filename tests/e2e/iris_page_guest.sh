#!/bin/bash
# The page of examples/iris-service in headless Chromium, served from a machine of its own.
. "$(dirname "$0")/tap.sh"
. "$here/appliance/setup.sh"
check page.py guest
