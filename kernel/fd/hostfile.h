/* Standard input that is a file of the host. */
#pragma once

#include "kernel/fd/file.h"

/* The open file, at the position that the run record names; NULL: no memory. Once. */
struct file *hostfile_open_stdin(void);
/* At the end: tells the tool where the program has left it, if it has moved. */
void hostfile_tell_position(void);
