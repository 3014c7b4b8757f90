/* Alternate signal stacks, sigaltstack(2). */
#include "kernel/base/errno.h"
#include "kernel/proc/signal.h"

static bool in_use(const struct user_regs *regs, const struct task *task)
{
    return !(task->altstack_flags & SS_AUTODISARM) && task->altstack_size != 0 &&
           regs_stack_in(regs, task->altstack_base, task->altstack_size);
}

void altstack_get(const struct user_regs *regs, struct altstack_kernel *out)
{
    const struct task *task = task_current();
    uint32_t flags = task->altstack_flags & SS_AUTODISARM;
    if (task->altstack_size == 0)
        flags |= SS_DISABLE;
    else if (in_use(regs, task))
        flags |= SS_ONSTACK;
    *out = (struct altstack_kernel){
        .sp = task->altstack_base,
        .flags = (int32_t)flags,
        .size = task->altstack_size,
    };
}

int altstack_set(const struct user_regs *regs, const struct altstack_kernel *stack)
{
    struct task *task = task_current();
    if (in_use(regs, task))
        return -EPERM;
    uint32_t mode = (uint32_t)stack->flags & ~SS_AUTODISARM;
    if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
        return -EINVAL;
    if (mode == SS_DISABLE) {
        task->altstack_base = task->altstack_size = 0;
        task->altstack_flags = SS_DISABLE;
        return 0;
    }
    if (stack->size < MINSIGSTKSZ)
        return -ENOMEM;
    task->altstack_base = stack->sp;
    task->altstack_size = stack->size;
    task->altstack_flags = (uint32_t)stack->flags & SS_AUTODISARM;
    return 0;
}
