/* All of physical memory, mapped in one piece. */
#pragma once

#include "kernel/base/types.h"

void *direct_map(paddr_t phys);
paddr_t direct_map_phys(const void *virt);
