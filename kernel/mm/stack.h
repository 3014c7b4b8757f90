/* Kernel stacks: 16 KiB each, in an address range of their own with a guard page under each. */
#pragma once

#include "kernel/base/types.h"

#define STACK_SIZE 16384ul

/* The stack's top, or NULL. */
void *stack_alloc(void);
void stack_free(void *top);
/* Whether addr lies in a guard page. */
bool stack_is_guard(uint64_t addr);
