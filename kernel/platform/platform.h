/*
 * The machine we were given: boot information, console, end, entropy. The only interface between
 * the kernel and what kind of machine it runs on.
 */
#pragma once

#include "kernel/base/types.h"

/* Writes to the machine's early console (serial), unbuffered; also used in a panic. */
void platform_console_write(const char *text, size_t len);
/* Ends the machine. status is the program's, as far as the machine can carry one. */
NORETURN void platform_power_off(int status);
/* Some entropy of the machine's (CPU instruction, counter jitter); returns bytes filled. */
size_t platform_entropy(void *buf, size_t len);
