/* Descriptors 0 to 2, and the messages about them on the control channel. */
#pragma once

#include "kernel/base/types.h"

/* Boot: installs the standard streams as the run record says; /dev is mounted. Returns 0 or
 * -ENOMEM. */
MUST_CHECK int streams_open_std(void);

/* What a kernel thread runs: says HELLO on the control channel, then takes in what the tool
 * sends. */
void control_receive(void *unused);
