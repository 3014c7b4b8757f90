/* Files that are a stream of the machine's which isn't a terminal. */
#pragma once

#include "kernel/fd/file.h"
#include "kernel/platform/streams.h"

/* The open file of standard stream s, whose end at the host has st_mode mode. NULL: no memory. */
struct file *port_open(enum stream s, uint32_t mode);
