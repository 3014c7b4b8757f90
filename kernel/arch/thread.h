/* The architecture's part of a thread. */
#pragma once

#include "kernel/arch/x86_64/thread.h"
#include "kernel/base/types.h"

struct thread;
struct user_regs;

/* The FPU state of a program thread (XSAVE format, standard form as signal frames carry it). */
size_t arch_fpu_size(void); /* bytes, for this CPU */
/* The state components in it, as XCR0 has them (0 without XSAVE); signal frames name them. */
uint64_t arch_fpu_features(void);
/* Gives t a fresh FPU state, or a copy of the current thread's. Returns 0 or -ENOMEM. */
MUST_CHECK int arch_fpu_init(struct thread *t);
MUST_CHECK int arch_fpu_copy(struct thread *t);
void arch_fpu_free(struct thread *t);
/* Resets the current thread's FPU state to the initial one (exec). */
void arch_fpu_reset(void);
/* Writes the current thread's live FPU state into memory and returns it, arch_fpu_size() bytes. */
void *arch_fpu_save(void);
/* Loads the current thread's FPU registers from its memory image, after the caller changed it
 * (sigreturn). Returns -EINVAL if the CPU would refuse it (bad header or reserved bits). */
MUST_CHECK int arch_fpu_load(void);

/* Thread pointer (FS base) and the other segment base. */
void arch_set_tls(struct thread *t, uint64_t fs_base);
uint64_t arch_get_tls(struct thread *t);
void arch_set_gs(struct thread *t, uint64_t gs_base);
uint64_t arch_get_gs(struct thread *t);

/* Makes t, when first scheduled, run as a program thread: it enters ring 3 with the registers at
 * arch_user_regs(t), after task_return_work(). */
void arch_thread_to_user(struct thread *t);
/* Leaves for ring 3 now, with the current thread's registers; exec of the first program. */
NORETURN void arch_enter_user(void);
