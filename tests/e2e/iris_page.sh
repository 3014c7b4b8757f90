#!/bin/bash
# The page of examples/iris-service in headless Chromium.
. "$(dirname "$0")/tap.sh"
. "$here/appliance/setup.sh"
needs python:sklearn # on the host
needs chromium chromedriver
check page.py host
