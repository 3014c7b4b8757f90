#!/bin/bash
# Memory taken by descriptors of all kinds, timers, signals and locks: the calls fail, and the program lives.
. "$(dirname "$0")/tap.sh"
. "$here/memory/judge.sh"

ways_end objects
finish
