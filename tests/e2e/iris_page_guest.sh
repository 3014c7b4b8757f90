#!/bin/bash
# The page of examples/iris-service in headless Chromium, served from a machine of its own.
. "$(dirname "$0")/tap.sh"
. "$here/appliance/setup.sh"
needs python:sklearn archive # what it must say
needs chromium chromedriver
check page.py guest
