/* For the boot. */
#pragma once

/* Makes the empty address space. */
void vm_init(void);
