/* The page of numbers that the vDSO reads: the clock's, then ours. */
#pragma once

#include <stdint.h>

#include "kernel/time/clock.h"

#define VDSO_DATA_OFFSET 1024 /* of struct vdso_data in the clock's page */

struct vdso_data {
    uint32_t one_cpu; /* getcpu needs no system call: it is CPU 0 */
    uint32_t reserved;
};
_Static_assert(sizeof(struct clock_params) <= VDSO_DATA_OFFSET, "the page's parts overlap");
