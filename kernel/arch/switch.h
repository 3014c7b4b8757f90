/* Changing threads. */
#pragma once

struct thread;

/* Saves what runs now in from and continues to, on to's kernel stack. Returns when from runs
 * again. */
void arch_switch(struct thread *from, struct thread *to);
/* Makes t what runs now on this CPU: boot. */
void arch_thread_begin(struct thread *t);
/* Prepares t so that its first switch calls thread_started(). */
void arch_thread_init(struct thread *t);
/* Defined by the scheduler: a new kernel thread's first code, and what a new program thread calls
 * before it leaves for ring 3. */
void thread_started(void);
void thread_switched_in(void);
