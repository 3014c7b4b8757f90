#!/bin/bash
# Memory taken by pipes and sockets: the calls fail, and the program lives.
. "$(dirname "$0")/tap.sh"
. "$here/memory/judge.sh"

ways_end pipes
finish
