/* lwIP's view of the compiler and of this kernel. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/base/log.h"
#include "kernel/base/panic.h"
#include "kernel/base/random.h"

typedef ptrdiff_t ssize_t;

#define INT_MAX __INT_MAX__
#define SSIZE_MAX __PTRDIFF_MAX__
#define LWIP_NO_LIMITS_H 1
#define LWIP_NO_UNISTD_H 1
#define LWIP_NO_CTYPE_H 1
#define LWIP_ERRNO_STDINCLUDE 0
#define LWIP_PLATFORM_DIAG(x) log_info x
#define LWIP_PLATFORM_ASSERT(text) panic("lwip: %s", text)
#define LWIP_RAND() ((uint32_t)random_u64())

/* Not a call for each field of a header. */
static inline uint16_t swap_u16(uint16_t value)
{
    return __builtin_bswap16(value);
}

static inline uint32_t swap_u32(uint32_t value)
{
    return __builtin_bswap32(value);
}

#define lwip_htons swap_u16
#define lwip_htonl swap_u32
