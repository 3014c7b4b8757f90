#!/bin/bash
# Memory taken by names and files' data: ENOSPC, and the program lives.
. "$(dirname "$0")/tap.sh"
. "$here/memory/judge.sh"

ways_end names
finish
