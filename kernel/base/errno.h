/* Linux error numbers; always used negated. Those of <asm/errno.h> plus the kernel's own, which
 * never reach the program. */
#pragma once

#include <asm/errno.h>

#define ERESTARTSYS 512    /* interrupted: restart if the handler has SA_RESTART, else EINTR */
#define ERESTARTNOINTR 513 /* interrupted: always restart */
#define ERESTARTNOHAND 514 /* interrupted: restart only if no handler runs, else EINTR */
#define ERESTART_RESTARTBLOCK 516 /* interrupted: go on by restart_syscall(2), else EINTR */
