/* The end of the program, as the host's tool sees it. */
#pragma once

#include <stdint.h>

#include "kernel/base/attr.h"

/* Sends what is left of the output, what the tool's last lines need, and the EXIT message, then
 * waits for the tool to end the machine. kind: enum orris_exit_kind. */
NORETURN void exit_machine(uint32_t kind, uint32_t code);
