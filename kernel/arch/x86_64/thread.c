/* Threads' saved contexts: stacks, FPU state, segment bases, the switch. */
#include "kernel/arch/thread.h"

#include "kernel/arch/regs.h"
#include "kernel/arch/switch.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/io.h"
#include "kernel/arch/x86_64/smp.h"
#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/mm/page.h"
#include "kernel/sched/thread.h"

#define MSR_FS_BASE 0xc0000100u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define XSAVE_HEADER 512 /* offset of XSTATE_BV in the area */
#define MXCSR_INITIAL 0x1f80u

void arch_switch_stacks(uint64_t *save, uint64_t next);
NORETURN void arch_leave_to_user(struct user_regs *regs);
extern char thread_user_start[];

struct thread *thread_current(void)
{
    struct thread *t;
    __asm__ volatile("mov %%gs:%c1, %0" : "=r"(t) : "i"(CPU_THREAD));
    return t;
}

void arch_thread_begin(struct thread *t)
{
    cpu_current()->thread = t;
}

struct user_regs *arch_user_regs(struct thread *t)
{
    return (struct user_regs *)t->stack_top - 1;
}

/* A stack as arch_switch_stacks leaves it: six callee-saved registers and where to return to. */
static void stack_prepare(struct thread *t, uint64_t *top, uint64_t start)
{
    uint64_t *sp = top;
    *--sp = start;
    sp -= 6;
    memset(sp, 0, 6 * sizeof(*sp));
    t->arch.rsp = (uint64_t)sp;
}

void arch_thread_init(struct thread *t)
{
    /* It may become a program thread: the place of its registers is left free. */
    stack_prepare(t, (uint64_t *)arch_user_regs(t), (uint64_t)thread_started);
}

void arch_thread_to_user(struct thread *t)
{
    stack_prepare(t, (uint64_t *)arch_user_regs(t), (uint64_t)thread_user_start);
}

void arch_enter_user(void)
{
    kernel_leave();
    arch_leave_to_user(arch_user_regs(thread_current()));
}

static void fpu_store(void *area)
{
    if (cpu_features.xsave) {
        __asm__ volatile("xsave64 (%0)"
                         :
                         : "r"(area), "a"((uint32_t)cpu_features.xcr0), "d"(0)
                         : "memory");
    } else {
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
    }
}

static void fpu_restore(const void *area)
{
    if (cpu_features.xsave) {
        __asm__ volatile("xrstor64 (%0)"
                         :
                         : "r"(area), "a"((uint32_t)cpu_features.xcr0), "d"(0)
                         : "memory");
    } else {
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
    }
}

size_t arch_fpu_size(void)
{
    return cpu_features.xsave_size;
}

static void fpu_set_initial(void *area)
{
    memset(area, 0, cpu_features.xsave_size);
    *(uint16_t *)area = 0x37f;
    *(uint32_t *)((char *)area + 24) = MXCSR_INITIAL;
}

/* The registers of this CPU hold t's state now, and no other CPU's do any more. */
static void fpu_take(struct thread *t)
{
    struct cpu *c = cpu_current();
    c->fpu_owner = t;
    t->arch.fpu_cpu = c;
}

/* Whether this CPU's registers hold t's state: it may have run elsewhere since it was their owner.
 */
static bool fpu_is_here(const struct thread *t)
{
    const struct cpu *c = cpu_current();
    return c->fpu_owner == t && t->arch.fpu_cpu == c;
}

static unsigned fpu_order(void)
{
    return cpu_features.xsave_size > PAGE_SIZE ? 1 : 0;
}

int arch_fpu_init(struct thread *t)
{
    struct page *p = page_alloc(fpu_order(), ALLOC_OBJECT);
    if (!p) {
        return -ENOMEM;
    }
    t->arch.fpu = page_virt(p);
    t->arch.fpu_cpu = NULL;
    fpu_set_initial(t->arch.fpu);
    return 0;
}

int arch_fpu_copy(struct thread *t)
{
    int err = arch_fpu_init(t);
    if (!err && thread_current()->arch.fpu) {
        memcpy(t->arch.fpu, arch_fpu_save(), cpu_features.xsave_size);
    }
    return err;
}

void arch_fpu_free(struct thread *t)
{
    if (cpu_current()->fpu_owner == t) {
        cpu_current()->fpu_owner = NULL;
    }
    if (t->arch.fpu) {
        page_put(page_of_virt(t->arch.fpu));
        t->arch.fpu = NULL;
    }
}

void *arch_fpu_save(void)
{
    struct thread *t = thread_current();
    if (fpu_is_here(t)) {
        fpu_store(t->arch.fpu);
    }
    return t->arch.fpu;
}

/* Whether XRSTOR would take the area: it faults on reserved bits. */
static bool fpu_area_valid(const void *area)
{
    const uint64_t *header = (const uint64_t *)((const char *)area + XSAVE_HEADER);
    uint32_t mxcsr = *(const uint32_t *)((const char *)area + 24);
    if (mxcsr & ~0xffffu) {
        return false;
    }
    if (!cpu_features.xsave) {
        return true;
    }
    bool clean = !(header[0] & ~cpu_features.xcr0) && !header[1] && !header[2];
    for (int i = 3; i < 8; i++) {
        clean = clean && !header[i];
    }
    return clean;
}

int arch_fpu_load(void)
{
    struct thread *t = thread_current();
    if (!fpu_area_valid(t->arch.fpu)) {
        return -EINVAL;
    }
    fpu_restore(t->arch.fpu);
    fpu_take(t);
    return 0;
}

void arch_fpu_reset(void)
{
    struct cpu *c = cpu_current();
    struct thread *t = thread_current();
    fpu_set_initial(t->arch.fpu);
    if (c->fpu_fresh != t) {
        fpu_restore(t->arch.fpu);
    }
    c->fpu_fresh = NULL; /* the first exec; ring 3 comes next */
    fpu_take(t);
}

void fpu_settle(void)
{
    const struct thread *owner = cpu_current()->fpu_owner;
    if (owner) {
        fpu_store(owner->arch.fpu);
    }
}

/* The registers keep their last owner's state until another program thread needs them. With several
 * CPUs, where it may go on elsewhere, its state is in memory, too, whenever it does not run. */
static void fpu_switch(struct thread *to)
{
    struct cpu *c = cpu_current();
    if (!to->arch.fpu || fpu_is_here(to)) {
        return;
    }
    if (c->fpu_owner && !arch_many_cpus) {
        fpu_store(c->fpu_owner->arch.fpu);
    }
    if (c->fpu_used) {
        fpu_restore(to->arch.fpu);
    } else { /* the first program finds the registers as they were after the CPU's reset: no XRSTOR,
                which hypervisors that interpret ring 0 lack */
        __asm__ volatile("fninit");
        c->fpu_fresh = to;
    }
    c->fpu_used = true;
    fpu_take(to);
}

static uint64_t read_fs_base(void)
{
    uint64_t base;
    if (!cpu_features.fsgsbase) {
        return cpu_read_msr(MSR_FS_BASE);
    }
    __asm__ volatile("rdfsbase %0" : "=r"(base));
    return base;
}

static void write_fs_base(uint64_t base)
{
    if (!cpu_features.fsgsbase) {
        cpu_write_msr(MSR_FS_BASE, base);
        return;
    }
    __asm__ volatile("wrfsbase %0" : : "r"(base));
}

/* The program's GS base lies in the swapped-out MSR while the kernel runs. */
void arch_switch(struct thread *from, struct thread *to)
{
    if (from->task) {
        from->arch.fs_base = read_fs_base();
        from->arch.gs_base = cpu_read_msr(MSR_KERNEL_GS_BASE);
        if (UNLIKELY(arch_many_cpus)) {
            (void)arch_fpu_save();
        }
    }
    if (to->task) {
        write_fs_base(to->arch.fs_base);
        cpu_write_msr(MSR_KERNEL_GS_BASE, to->arch.gs_base);
        fpu_switch(to);
    }
    cpu_current()->thread = to;
    cpu_set_kernel_stack((uint64_t)to->stack_top);
    arch_switch_stacks(&from->arch.rsp, to->arch.rsp);
}

void arch_set_tls(struct thread *t, uint64_t fs_base)
{
    t->arch.fs_base = fs_base;
    if (t == thread_current()) {
        write_fs_base(fs_base);
    }
}

uint64_t arch_get_tls(struct thread *t)
{
    return t == thread_current() ? read_fs_base() : t->arch.fs_base;
}

void arch_set_gs(struct thread *t, uint64_t gs_base)
{
    t->arch.gs_base = gs_base;
    if (t == thread_current()) {
        cpu_write_msr(MSR_KERNEL_GS_BASE, gs_base);
    }
}

uint64_t arch_get_gs(struct thread *t)
{
    return t == thread_current() ? cpu_read_msr(MSR_KERNEL_GS_BASE) : t->arch.gs_base;
}
