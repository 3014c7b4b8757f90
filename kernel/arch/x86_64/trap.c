/* Traps and interrupts: program faults become page-ins or signals, the kernel's own are bugs unless
 * they happened in a user copy. */
#include <asm/siginfo.h>
#include <asm/signal.h>

#include "kernel/arch/cpu.h"
#include "kernel/arch/exec.h"
#include "kernel/arch/regs.h"
#include "kernel/arch/uaccess.h"
#include "kernel/arch/x86_64/apic.h"
#include "kernel/arch/x86_64/cpu.h"
#include "kernel/arch/x86_64/io.h"
#include "kernel/arch/x86_64/smp.h"
#include "kernel/arch/x86_64/stages.h"
#include "kernel/base/log.h"
#include "kernel/base/panic.h"
#include "kernel/mm/stack.h"
#include "kernel/proc/task.h"
#include "kernel/sched/thread.h"
#include "kernel/syscall/syscall.h"
#include "kernel/vm/vm.h"

#define VECTOR_NMI 2
#define VSYSCALL_GETTIMEOFDAY 0x0u
#define VSYSCALL_TIME 0x400u
#define VSYSCALL_GETCPU 0x800u
#define VSYSCALLS_END 0xc00u
#define OPCODE_HLT 0xf4
#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_DEBUG 1
#define VECTOR_PROTECTION 13
#define VECTOR_PAGE_FAULT 14
#define PF_WRITE 0x2u
#define PF_USER 0x4u
#define PF_RESERVED 0x8u
#define PF_FETCH 0x10u
#define RFLAGS_AC (1ul << 18)

struct extable_entry {
    int32_t from, to; /* each relative to itself */
};
extern const char syscall_enter[];
extern const struct extable_entry extable_start[], extable_end[];

bool trap_from_user(struct user_regs *regs, uint32_t vector);
void trap_in_kernel(struct user_regs *regs, uint32_t vector);
void return_to_user_check(struct user_regs *regs);

static bool fixup(struct user_regs *regs)
{
    for (const struct extable_entry *e = extable_start; e < extable_end; e++) {
        if ((uint64_t)&e->from + (uint64_t)(int64_t)e->from == regs->rip) {
            regs->rip = (uint64_t)&e->to + (uint64_t)(int64_t)e->to;
            return true;
        }
    }
    return false;
}

static uint32_t fault_access(uint64_t error)
{
    if (error & PF_WRITE) {
        return VM_WRITE;
    }
    return error & PF_FETCH ? VM_EXEC : VM_READ;
}

/* A call of the page of vsyscalls, as programs from before 2012 make them: there is no such page,
 * what was called is done here. False: it was no such call, or its addresses are bad. */
static bool vsyscall(struct user_regs *regs, uint64_t addr)
{
    uint64_t back;
    int64_t result;
    struct uptr first = {regs->rdi}, second = {regs->rsi};
    if (LIKELY(addr - ARCH_VSYSCALL >= VSYSCALLS_END) || addr != regs->rip ||
        copy_from_user(&back, (struct uptr){regs->rsp}, sizeof(back))) {
        return false;
    }
    switch (addr - ARCH_VSYSCALL) {
    case VSYSCALL_GETTIMEOFDAY:
        result = sys_gettimeofday(first, second);
        break;
    case VSYSCALL_TIME:
        result = sys_time(first);
        break;
    case VSYSCALL_GETCPU:
        result = sys_getcpu(first, second, (struct uptr){regs->rdx});
        break;
    default:
        return false;
    }
    if (result == -EFAULT) {
        return false;
    }
    regs->rax = (uint64_t)result;
    regs->rip = back;
    regs->rsp += sizeof(back);
    return true;
}

static void user_page_fault(struct user_regs *regs, uint64_t addr)
{
    if (UNLIKELY(addr >= USER_END_ASM) && vsyscall(regs, addr)) {
        return;
    }
    uint64_t error = regs->orig_rax;
    enum vm_fault_result result =
        addr >= USER_END_ASM ? VM_FAULT_SEGV_MAPERR : vm_fault(addr, fault_access(error));
    switch (result) {
    case VM_FAULT_OK:
        break;
    case VM_FAULT_BUS_ADRERR:
        signal_force_fault(SIGBUS, BUS_ADRERR, addr, VECTOR_PAGE_FAULT, error);
        break;
    case VM_FAULT_OOM:
        proc_out_of_memory();
        break;
    case VM_FAULT_SEGV_ACCERR:
        signal_force_fault(SIGSEGV, SEGV_ACCERR, addr, VECTOR_PAGE_FAULT, error);
        break;
    default:
        signal_force_fault(SIGSEGV, SEGV_MAPERR, addr, VECTOR_PAGE_FAULT, error);
        break;
    }
}

struct trap_signal {
    int signo, code;
    bool address; /* si_addr is the instruction's */
};

static const struct trap_signal trap_signals[32] = {
    [0] = {SIGFPE, FPE_INTDIV, true},   [1] = {SIGTRAP, TRAP_TRACE, true},
    [3] = {SIGTRAP, SI_KERNEL, false},  [4] = {SIGSEGV, SI_KERNEL, false},
    [5] = {SIGSEGV, SI_KERNEL, false},  [6] = {SIGILL, ILL_ILLOPN, true},
    [10] = {SIGSEGV, SI_KERNEL, false}, [11] = {SIGBUS, SI_KERNEL, false},
    [12] = {SIGBUS, SI_KERNEL, false},  [13] = {SIGSEGV, SI_KERNEL, false},
    [16] = {SIGFPE, FPE_FLTINV, true},  [17] = {SIGBUS, BUS_ADRALN, false},
    [19] = {SIGFPE, FPE_FLTINV, true},
};

/* The cause of a floating-point trap, from the status bits that are set and not masked. */
static int fpu_error_code(uint32_t vector)
{
    char *area = arch_fpu_save();
    uint32_t mxcsr = *(uint32_t *)(area + 24);
    uint32_t pending = vector == 19 ? mxcsr & ~(mxcsr >> 7)
                                    : *(uint16_t *)(area + 2) & ~(uint32_t) * (uint16_t *)area;
    if (pending & 0x01) {
        return FPE_FLTINV;
    }
    if (pending & 0x04) {
        return FPE_FLTDIV;
    }
    if (pending & 0x08) {
        return FPE_FLTOVF;
    }
    if (pending & 0x12) {
        return FPE_FLTUND;
    }
    return pending & 0x20 ? FPE_FLTRES : FPE_FLTINV;
}

static void user_trap(struct user_regs *regs, uint32_t vector)
{
    if (vector == VECTOR_DEBUG && stage_entry_trap(regs->rip)) {
        return;
    }
    const struct trap_signal *s = &trap_signals[vector];
    if (!s->signo) {
        panic("unexpected trap %u from the program at %#lx", vector, regs->rip);
    }
    int code = vector == 16 || vector == 19 ? fpu_error_code(vector) : s->code;
    signal_force_fault(s->signo, code, s->address ? regs->rip : 0, (int)vector, regs->orig_rax);
}

/* A KVM that interprets ring 0 may do SYSCALL's jump without leaving ring 3: then the jump faults,
 * and the call is still to be made. */
static bool syscall_jump_faulted(const struct user_regs *regs, uint64_t addr)
{
    return UNLIKELY(addr == (uint64_t)syscall_enter) && regs->rip == addr;
}

static void syscall_after_all(struct user_regs *regs)
{
    regs->rip = regs->rcx;
    regs->rflags = regs->r11;
    regs->orig_rax = regs->rax;
    syscall_run(regs);
}

/* An interrupt from another CPU. It is handled without the kernel lock, which that one may hold,
 * and told to the controller at once: who waits for the lock then is woken by another one. */
static void serve_others(uint32_t vector)
{
    if (vector == VECTOR_STOP) {
        arch_halt();
    }
    if (vector == VECTOR_SERVE) {
        smp_serve();
    }
    apic_served(vector);
}

static void user_trap_or_interrupt(struct user_regs *regs, uint32_t vector)
{
    kernel_enter();
    if (vector == VECTOR_PAGE_FAULT) {
        uint64_t addr = cpu_read_cr2();
        if (syscall_jump_faulted(regs, addr)) {
            syscall_after_all(regs);
            return;
        }
        user_page_fault(regs, addr);
    } else if (vector >= 32) {
        interrupt_handle(vector);
    } else {
        user_trap(regs, vector);
    }
    regs->orig_rax = ~0ul; /* not a system call: nothing to restart */
}

/* Whether the way back leads through return_to_user_check(). */
/* QEMU's emulation delivers an interrupt that has gone meanwhile as vector -1, which is beyond the
 * table of vectors: a #GP with an error code that no processor gives. There is nothing to do. */
static inline bool interrupt_has_gone(const struct user_regs *regs, uint32_t vector)
{
    return vector == VECTOR_PROTECTION && (int64_t)regs->orig_rax < 0;
}

bool trap_from_user(struct user_regs *regs, uint32_t vector)
{
    if (vector == VECTOR_NMI || interrupt_has_gone(regs, vector)) { /* concerns nobody */
        return false;
    }
    if (vector >= VECTOR_IPI) {
        serve_others(vector);
        const struct thread *t = thread_current();
        if (vector == VECTOR_SERVE && !t->resched && !t->interrupted) {
            return false;
        }
        kernel_enter();
        regs->orig_rax = ~0ul;
        return true;
    }
    user_trap_or_interrupt(regs, vector);
    return true;
}

/* A fault at an address of the program's: in a copy function, it may just need a page. */
static bool kernel_page_fault(struct user_regs *regs)
{
    uint64_t addr = cpu_read_cr2();
    if (addr >= USER_END_ASM || regs->orig_rax & (PF_FETCH | PF_RESERVED)) {
        return fixup(regs);
    }
    struct user_regs probe = *regs;
    if (!fixup(&probe)) {
        return false;
    }
    /* The copy may sleep here: SMAP's override must not leak into another thread. */
    cpu_user_access_end();
    enum vm_fault_result result = vm_fault(addr, fault_access(regs->orig_rax));
    if (result == VM_FAULT_OK) {
        return true;
    }
    if (result == VM_FAULT_OOM) {
        proc_out_of_memory();
    }
    regs->rip = probe.rip;
    return true;
}

/* In the idle loop the lock is nobody's, or another CPU's. */
static void kernel_interrupt(uint32_t vector)
{
    if (vector >= VECTOR_IPI) {
        serve_others(vector);
        return;
    }
    bool idle = arch_many_cpus && !kernel_lock_held();
    if (idle) {
        kernel_lock_take();
    }
    interrupt_handle(vector);
    if (idle) {
        kernel_lock_give_idle();
    }
}

/* After STI the processor lets HLT begin before it takes an interrupt. Where a hypervisor takes one
 * before, what it was about would be waited for after it came: it returns behind HLT. (A kernel
 * gone astray may stand in the program's memory: it is told where it faults there, not here.) */
static void skip_halt(struct user_regs *regs)
{
    regs->rip += regs->rip > USER_END_ASM && *(const uint8_t *)regs->rip == OPCODE_HLT;
}

void trap_in_kernel(struct user_regs *regs, uint32_t vector)
{
    if (vector >= 32) {
        skip_halt(regs);
        kernel_interrupt(vector);
        return;
    }
    if (vector == VECTOR_PAGE_FAULT && kernel_page_fault(regs)) {
        return;
    }
    if (vector == VECTOR_NMI || interrupt_has_gone(regs, vector)) {
        return; /* a stray one */
    }
    if (vector == VECTOR_PROTECTION && fixup(regs)) {
        return;
    }
    if (vector == VECTOR_DOUBLE_FAULT && stack_is_guard(cpu_read_cr2())) {
        panic("a kernel stack overflowed at %#lx (orris.elf %#lx)", regs->rip,
              arch_link_address(regs->rip));
    }
    panic("trap %u in the kernel at %#lx (orris.elf %#lx), error %#lx, address %#lx, stack %#lx",
          vector, regs->rip, arch_link_address(regs->rip), regs->orig_rax, cpu_read_cr2(),
          regs->rsp);
}

static bool canonical(uint64_t addr)
{
    return (uint64_t)((int64_t)(addr << 16) >> 16) == addr;
}

void return_to_user_check(struct user_regs *regs)
{
    struct thread *t = thread_current();
    for (;;) {
        while (UNLIKELY(t->interrupted || t->resched || t->moved)) {
            task_return_work(regs);
        }
        if (LIKELY(canonical(regs->rip))) {
            kernel_leave();
            return;
        }
        /* IRET would fault on it with half the way done. */
        signal_force_fault(SIGSEGV, SI_KERNEL, 0, 13, 0);
        task_return_work(regs);
    }
}
