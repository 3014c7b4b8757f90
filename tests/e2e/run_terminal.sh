#!/bin/bash
# The program on a terminal: line editing, Ctrl-C, Ctrl-D, Ctrl-Z, window size, modes given back.
. "$(dirname "$0")/tap.sh"
needs python pty
exec "$python" "$here/terminal.py" "$ORRIS" "$python"
