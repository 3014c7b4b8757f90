/* Names of the kernel's functions, for panics: a table made at build time (tools/gen-symbols). */
#pragma once

#include "kernel/base/types.h"

/* The function that holds link address addr, and the offset in it; NULL if there is no table. */
const char *symbol_name(uint64_t addr, uint64_t *offset);
