/*
 * Signal frames, laid out exactly as Linux lays them out on x86-64: return address, ucontext,
 * siginfo; above them the FPU state in XSAVE format with Linux's marks around it. Unwinders,
 * sigreturn trampolines and garbage collectors depend on every byte.
 */
#include <asm/sigcontext.h>
#include <linux/signal.h>

#include "kernel/arch/regs.h"
#include "kernel/arch/thread.h"
#include "kernel/arch/uaccess.h"
#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/base/types.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/signal.h"

#define RED_ZONE 128 /* bytes below rsp that belong to the interrupted function */
#define FXSAVE_SIZE 512
#define SW_RESERVED_OFFSET 464 /* of struct _fpx_sw_bytes in the FXSAVE area */
#define XSTATE_BV_OFFSET 512   /* the XSAVE header */
#define XSAVE_HEADER_SIZE 64
#define XSTATE_LEGACY 3ul /* x87 and SSE */
#define FPU_ALIGNMENT 64
#define SYSCALL_INSTRUCTION_SIZE 2
#define USER_END 0x7ffffffff000ul

/* uc_flags, of <asm/ucontext.h> */
#define CONTEXT_FP_XSTATE 0x1ul
#define CONTEXT_SIGCONTEXT_SS 0x2ul
#define CONTEXT_STRICT_RESTORE_SS 0x4ul

#define FLAG_TF 0x100u
#define FLAG_DF 0x400u
#define FLAG_RF 0x10000u
/* What sigreturn may change: AC OF DF TF SF ZF AF PF CF RF. */
#define FLAGS_RESTORABLE 0x50dd5ul

struct kernel_ucontext { /* struct ucontext of <asm/ucontext.h> */
    uint64_t flags, link;
    struct altstack_kernel stack;
    struct sigcontext_64 mcontext;
    uint64_t mask;
};
_Static_assert(sizeof(struct kernel_ucontext) == 304, "ucontext layout");

struct rt_sigframe {
    uint64_t restorer;
    struct kernel_ucontext context;
    siginfo_t info;
};
_Static_assert(sizeof(struct rt_sigframe) == 440, "signal frame layout");

void regs_restart_syscall(struct user_regs *regs, uint64_t nr)
{
    regs->rax = nr;
    regs->rip -= SYSCALL_INSTRUCTION_SIZE;
    regs->orig_rax = ~0ul;
}

bool regs_stack_in(const struct user_regs *regs, uint64_t base, uint64_t size)
{
    return regs->rsp > base && regs->rsp - base <= size;
}

static bool fpu_has_xsave(void)
{
    return arch_fpu_size() > FXSAVE_SIZE;
}

static size_t fpu_frame_size(void)
{
    return arch_fpu_size() + (fpu_has_xsave() ? FP_XSTATE_MAGIC2_SIZE : 0);
}

static int push_fpu(struct uptr at)
{
    uint8_t *state = arch_fpu_save();
    size_t size = arch_fpu_size();
    if (!fpu_has_xsave())
        return copy_to_user(at, state, size);
    struct _fpx_sw_bytes marks = {
        .magic1 = FP_XSTATE_MAGIC1,
        .extended_size = (uint32_t)fpu_frame_size(),
        .xfeatures = arch_fpu_features(),
        .xstate_size = (uint32_t)size,
    };
    uint32_t end_mark = FP_XSTATE_MAGIC2;
    /* x87 and SSE count as used even if they are in their initial state: old programs look. */
    uint64_t used;
    memcpy(&used, state + XSTATE_BV_OFFSET, sizeof(used));
    used |= XSTATE_LEGACY;
    int err = copy_to_user(at, state, size);
    if (!err)
        err = copy_to_user(uptr_add(at, SW_RESERVED_OFFSET), &marks, sizeof(marks));
    if (!err)
        err = copy_to_user(uptr_add(at, XSTATE_BV_OFFSET), &used, sizeof(used));
    if (!err)
        err = copy_to_user(uptr_add(at, size), &end_mark, sizeof(end_mark));
    return err;
}

/* Where the frame's top may be: the alternate stack's end if it is asked for and not in use. */
static uint64_t frame_top(const struct user_regs *regs, uint64_t sa_flags)
{
    const struct task *task = task_current();
    bool usable = (sa_flags & SA_ONSTACK) && task->altstack_size != 0;
    bool in_use = !(task->altstack_flags & SS_AUTODISARM) &&
                  regs_stack_in(regs, task->altstack_base, task->altstack_size);
    if (usable && !in_use)
        return task->altstack_base + task->altstack_size;
    return regs->rsp - RED_ZONE;
}

static void fill_context(struct sigcontext_64 *sc, const struct user_regs *r, uint64_t mask)
{
    const struct task *task = task_current();
    *sc = (struct sigcontext_64){
        .r8 = r->r8,
        .r9 = r->r9,
        .r10 = r->r10,
        .r11 = r->r11,
        .r12 = r->r12,
        .r13 = r->r13,
        .r14 = r->r14,
        .r15 = r->r15,
        .di = r->rdi,
        .si = r->rsi,
        .bp = r->rbp,
        .bx = r->rbx,
        .dx = r->rdx,
        .ax = r->rax,
        .cx = r->rcx,
        .sp = r->rsp,
        .ip = r->rip,
        .flags = r->rflags,
        .cs = (uint16_t)r->cs,
        .ss = (uint16_t)r->ss,
        .err = task->fault_error,
        .trapno = task->fault_trapno,
        .oldmask = mask,
        .cr2 = task->fault_addr,
    };
}

static int push_frame(uint64_t at, uint64_t fpu_at, const struct user_regs *regs,
                      const struct sigaction_kernel *action, const siginfo_t *info, sigmask_t mask)
{
    struct rt_sigframe frame;
    memset(&frame, 0, sizeof(frame));
    frame.restorer = action->restorer;
    frame.context.flags = CONTEXT_SIGCONTEXT_SS | CONTEXT_STRICT_RESTORE_SS;
    if (fpu_has_xsave())
        frame.context.flags |= CONTEXT_FP_XSTATE;
    altstack_get(regs, &frame.context.stack);
    fill_context(&frame.context.mcontext, regs, mask);
    frame.context.mcontext.fpstate = fpu_at;
    frame.context.mask = mask;
    frame.info = *info;
    return copy_to_user((struct uptr){at}, &frame, sizeof(frame));
}

int sigframe_push(struct user_regs *regs, const struct sigaction_kernel *action, int signo,
                  const siginfo_t *info, sigmask_t mask)
{
    uint64_t top = frame_top(regs, action->flags);
    uint64_t fpu_at = align_down(top - fpu_frame_size(), FPU_ALIGNMENT);
    uint64_t at = align_down(fpu_at - sizeof(struct rt_sigframe), 16) - 8;
    struct task *task = task_current();
    bool on_altstack =
        task->altstack_size != 0 && (top == task->altstack_base + task->altstack_size ||
                                     regs_stack_in(regs, task->altstack_base, task->altstack_size));
    if ((on_altstack && at < task->altstack_base) || !(action->flags & SA_RESTORER))
        return -EFAULT;
    if (push_fpu((struct uptr){fpu_at}) || push_frame(at, fpu_at, regs, action, info, mask))
        return -EFAULT;
    if (task->altstack_flags & SS_AUTODISARM) {
        task->altstack_base = task->altstack_size = 0;
        task->altstack_flags = SS_DISABLE;
    }
    regs->rdi = (uint64_t)signo;
    regs->rsi = at + offsetof(struct rt_sigframe, info);
    regs->rdx = at + offsetof(struct rt_sigframe, context);
    regs->rax = 0;
    regs->rip = action->handler;
    regs->rsp = at;
    regs->cs = USER_CS;
    regs->ss = USER_SS;
    regs->rflags &= ~(uint64_t)(FLAG_DF | FLAG_RF | FLAG_TF);
    return 0;
}

/* Whether the program's frame at fpu_at carries full XSAVE state of our size. */
static bool has_xstate(struct uptr at)
{
    struct _fpx_sw_bytes marks;
    uint32_t end_mark;
    if (!fpu_has_xsave() ||
        copy_from_user(&marks, uptr_add(at, SW_RESERVED_OFFSET), sizeof(marks)) ||
        marks.magic1 != FP_XSTATE_MAGIC1 || marks.xstate_size != arch_fpu_size())
        return false;
    return !copy_from_user(&end_mark, uptr_add(at, marks.xstate_size), sizeof(end_mark)) &&
           end_mark == FP_XSTATE_MAGIC2;
}

/* Takes over a state that the program wrote, after what could be wrong with its header is right. */
static int take_fpu(uint8_t *from, bool full)
{
    if (fpu_has_xsave()) {
        uint64_t header[XSAVE_HEADER_SIZE / 8] = {0};
        if (full)
            memcpy(header, from + XSTATE_BV_OFFSET, sizeof(header[0]));
        else
            header[0] = XSTATE_LEGACY;
        header[0] &= arch_fpu_features();
        memcpy(from + XSTATE_BV_OFFSET, header, sizeof(header));
        memset(from + SW_RESERVED_OFFSET, 0, sizeof(struct _fpx_sw_bytes));
    }
    size_t size = FXSAVE_SIZE + XSAVE_HEADER_SIZE;
    memcpy(arch_fpu_save(), from, full || !fpu_has_xsave() ? arch_fpu_size() : size);
    if (arch_fpu_load() == 0)
        return 0;
    arch_fpu_reset();
    return -EFAULT;
}

static int pop_fpu(struct uptr at)
{
    if (uptr_is_null(at)) {
        arch_fpu_reset();
        return 0;
    }
    /* Not straight into the thread's area: the copy may sleep, and the area be written then. */
    uint8_t *state = heap_zalloc(arch_fpu_size() + XSAVE_HEADER_SIZE);
    if (!state)
        return -EFAULT;
    bool full = has_xstate(at);
    int err = copy_from_user(state, at, full ? arch_fpu_size() : FXSAVE_SIZE);
    if (!err)
        err = take_fpu(state, full);
    heap_free(state);
    return err;
}

static void restore_context(struct user_regs *r, const struct sigcontext_64 *sc)
{
    r->r8 = sc->r8;
    r->r9 = sc->r9;
    r->r10 = sc->r10;
    r->r11 = sc->r11;
    r->r12 = sc->r12;
    r->r13 = sc->r13;
    r->r14 = sc->r14;
    r->r15 = sc->r15;
    r->rdi = sc->di;
    r->rsi = sc->si;
    r->rbp = sc->bp;
    r->rbx = sc->bx;
    r->rdx = sc->dx;
    r->rax = sc->ax;
    r->rcx = sc->cx;
    r->rsp = sc->sp;
    r->rip = sc->ip;
    r->cs = USER_CS;
    r->ss = USER_SS;
    r->rflags = (r->rflags & ~FLAGS_RESTORABLE) | (sc->flags & FLAGS_RESTORABLE);
    r->orig_rax = ~0ul;
}

int sigframe_pop(struct user_regs *regs)
{
    struct uptr at = {regs->rsp - sizeof(uint64_t)}; /* the handler's ret took the address */
    struct kernel_ucontext context;
    int err = copy_from_user(&context, uptr_add(at, offsetof(struct rt_sigframe, context)),
                             sizeof(context));
    if (err || context.mcontext.ip >= USER_END)
        return -EFAULT;
    signal_set_blocked(context.mask);
    restore_context(regs, &context.mcontext);
    err = pop_fpu((struct uptr){context.mcontext.fpstate});
    if (err)
        return err;
    int ignored = altstack_set(regs, &context.stack); /* as Linux: a bad one is not an error */
    (void)ignored;
    return 0;
}
