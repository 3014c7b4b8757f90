/* Moving memory in words, for kernel/base/string.c: what the architecture does in one instruction
 * for any number of them. */
#pragma once

#include "kernel/arch/x86_64/words.h"
