/*
 * Attempts on the processor's privileges: forged signal frames with other segments and flags,
 * return addresses that are not canonical, privileged instructions, system calls by old doors,
 * debug registers, segment tricks.
 */
#include <sys/ucontext.h>
#include <ucontext.h>

#include "tests/harness/guest.h"

enum forgery {
    NONE,
    CS_KERNEL,
    CS_NULL,
    SS_KERNEL,
    RIP_KERNEL,
    RIP_NONCANONICAL,
    RSP_NONCANONICAL,
    IOPL,
    VM86,
    NESTED_TASK,
    FPU_POINTER,
    MXCSR_RESERVED
};

static volatile enum forgery forgery;
static sigjmp_buf back;
static volatile int segv_count;

static void on_segv(int sig)
{
    (void)sig;
    segv_count++;
    siglongjmp(back, 1);
}

static void forge(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    ucontext_t *uc = context;
    greg_t *r = uc->uc_mcontext.gregs;
    unsigned short *segments = (unsigned short *)&r[REG_CSGSFS]; /* cs, gs, fs, ss */
    switch (forgery) {
    case CS_KERNEL:
        segments[0] = 0x08;
        break;
    case CS_NULL:
        segments[0] = 0;
        break;
    case SS_KERNEL:
        segments[3] = 0x10;
        break;
    case RIP_KERNEL:
        r[REG_RIP] = (greg_t)0xffffffff80000000;
        break;
    case RIP_NONCANONICAL:
        r[REG_RIP] = (greg_t)0x0000800000000000;
        break;
    case RSP_NONCANONICAL:
        r[REG_RSP] = (greg_t)0x8000000000000000;
        break;
    case IOPL:
        r[REG_EFL] |= 0x3000;
        break;
    case VM86:
        r[REG_EFL] |= 1 << 17;
        break;
    case NESTED_TASK:
        r[REG_EFL] |= 1 << 14;
        break;
    case FPU_POINTER:
        uc->uc_mcontext.fpregs = (fpregset_t)0xffffffff80000000;
        break;
    case MXCSR_RESERVED:
        if (uc->uc_mcontext.fpregs)
            uc->uc_mcontext.fpregs->mxcsr = 0xffffffff;
        break;
    case NONE:
        break;
    }
}

static char alternate[65536];

/* Raises a signal whose handler forges its frame; true if the program got SIGSEGV or went on. */
static bool survive(enum forgery what)
{
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
    struct sigaction forger = {.sa_sigaction = forge, .sa_flags = SA_SIGINFO};
    struct sigaction segv = {.sa_handler = on_segv, .sa_flags = SA_ONSTACK | SA_NODEFER};
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &forger, NULL);
    sigaction(SIGSEGV, &segv, NULL);
    sigaction(SIGBUS, &segv, NULL);
    sigaction(SIGILL, &segv, NULL);
    forgery = what;
    segv_count = 0;
    if (sigsetjmp(back, 1) == 0)
        raise(SIGUSR1);
    signal(SIGSEGV, SIG_DFL);
    return true;
}

static void try_out(void *arg)
{
    (void)arg;
    __asm__ volatile("outb %%al, %%dx" : : "a"(0), "d"(0x80));
}

static void forged_frames_give_no_privilege(void)
{
    CHECK(survive(NONE) && segv_count == 0);
    CHECK(survive(CS_KERNEL));
    unsigned short cs;
    __asm__ volatile("mov %%cs, %0" : "=r"(cs));
    CHECK_EQ(cs & 3, 3);
    CHECK(survive(CS_NULL));
    CHECK(survive(SS_KERNEL));
    __asm__ volatile("mov %%cs, %0" : "=r"(cs));
    CHECK_EQ(cs & 3, 3);
    CHECK(survive(RIP_KERNEL) && segv_count == 1);
    CHECK(survive(RIP_NONCANONICAL) && segv_count == 1);
    CHECK(survive(RSP_NONCANONICAL));
    CHECK(survive(IOPL));
    CHECK_EQ(fault_of(try_out, NULL).sig, SIGSEGV); /* the I/O privilege did not rise */
    CHECK(survive(VM86));
    CHECK(survive(NESTED_TASK));
    unsigned long flags;
    __asm__ volatile("pushf\n pop %0" : "=r"(flags));
    CHECK_EQ(flags & 0x27000, 0);
    CHECK(survive(FPU_POINTER));
    CHECK(survive(MXCSR_RESERVED));
}

static void sigreturn_without_a_frame(void *arg)
{
    __asm__ volatile("mov %0, %%rsp\n mov $15, %%eax\n syscall" : : "r"(arg) : "memory");
}

static void sigreturn_with_a_bad_stack_is_sigsegv(void)
{
    static void *const stacks[] = {KERNEL_ADDRESS, NONCANONICAL_ADDRESS, NULL_PAGE_ADDRESS};
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
    sigaltstack(&stack, NULL);
    struct sigaction segv = {.sa_handler = on_segv, .sa_flags = SA_ONSTACK | SA_NODEFER};
    sigaction(SIGSEGV, &segv, NULL);
    for (int i = 0; i < 3; i++) {
        segv_count = 0;
        if (sigsetjmp(back, 1) == 0)
            sigreturn_without_a_frame(stacks[i]);
        CHECK_EQ(segv_count, 1);
    }
    signal(SIGSEGV, SIG_DFL);
}

/* system call with the stack pointer anywhere: the kernel must not use it. */
static void system_calls_do_not_use_the_user_stack(void)
{
    long pid;
    __asm__ volatile("mov %%rsp, %%r12\n mov %1, %%rsp\n mov $39, %%eax\n syscall\n"
                     "mov %%r12, %%rsp\n"
                     : "=a"(pid)
                     : "r"(0x8000000000000000ul)
                     : "rcx", "r11", "r12", "memory");
    CHECK_EQ(pid, getpid());
    __asm__ volatile("mov %%rsp, %%r12\n mov %1, %%rsp\n mov $39, %%eax\n syscall\n"
                     "mov %%r12, %%rsp\n"
                     : "=a"(pid)
                     : "r"(0xffffffff80000000ul)
                     : "rcx", "r11", "r12", "memory");
    CHECK_EQ(pid, getpid());
}

/* "syscall" as the last two bytes of user space would return to a non-canonical address. */
static void system_call_at_the_end_of_user_space(void)
{
    char *top = (char *)0x7ffffffff000 - PAGE;
    char *p = mmap(top, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (p == MAP_FAILED) { /* the stack is there today */
        CHECK(errno == EEXIST || errno == ENOMEM || errno == EPERM);
        return;
    }
    memcpy(p + PAGE - 2, "\x0f\x05", 2);
    struct fault f = fault_of(probe_call, p + PAGE - 2);
    CHECK_EQ(f.sig, SIGSEGV);
    munmap(p, PAGE);
}

static void read_control_register(void *arg)
{
    (void)arg;
    __asm__ volatile("mov %%cr0, %%rax" ::: "rax");
}

static void write_control_register(void *arg)
{
    (void)arg;
    __asm__ volatile("mov %%rax, %%cr3" ::: "rax");
}

static void read_model_register(void *arg)
{
    (void)arg;
    __asm__ volatile("rdmsr" : : "c"(0xc0000080) : "rax", "rdx");
}

static void write_model_register(void *arg)
{
    (void)arg;
    __asm__ volatile("wrmsr" : : "c"(0xc0000082), "a"(0), "d"(0));
}

static void load_descriptor_table(void *arg)
{
    __asm__ volatile("lidt (%0)" : : "r"(arg));
}

static void swap_gs(void *arg)
{
    (void)arg;
    __asm__ volatile("swapgs");
}

static void disable_interrupts(void *arg)
{
    (void)arg;
    __asm__ volatile("cli");
}

static void return_from_system_call(void *arg)
{
    (void)arg;
    __asm__ volatile("sysretq" ::: "rcx", "r11");
}

static void write_debug_register(void *arg)
{
    (void)arg;
    __asm__ volatile("mov %%rax, %%dr7" : : "a"(0x401));
}

static void invalidate_caches(void *arg)
{
    (void)arg;
    __asm__ volatile("invd");
}

static void load_kernel_segment(void *arg)
{
    (void)arg;
    __asm__ volatile("mov %%ax, %%ds" : : "a"(0x10));
}

static void call_gate_of_old(void *arg)
{
    (void)arg;
    __asm__ volatile("int $0x0e"); /* a page fault by hand */
}

static void double_fault_by_hand(void *arg)
{
    (void)arg;
    __asm__ volatile("int $0x08");
}

static void timer_interrupt_by_hand(void *arg)
{
    (void)arg;
    __asm__ volatile("int $0x20");
}

static void privileged_instructions_are_refused(void)
{
    static void (*const attempts[])(void *) = {
        read_control_register, write_control_register,  read_model_register,
        write_model_register,  load_descriptor_table,   swap_gs,
        disable_interrupts,    return_from_system_call, write_debug_register,
        invalidate_caches,     load_kernel_segment,     call_gate_of_old,
        double_fault_by_hand,  timer_interrupt_by_hand};
    static char table[16];
    for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++) {
        struct fault f = fault_of(attempts[i], table);
        if (f.sig != SIGSEGV)
            printf("# attempt %zu: signal %d\n", i, f.sig);
        CHECK_EQ(f.sig, SIGSEGV);
    }
}

static void flags_do_not_leak_into_the_kernel(void)
{
    /* The direction and alignment flags set during a system call. */
    long pid;
    char text[] = "direction";
    int fd[2];
    CHECK_OK(pipe(fd));
    __asm__ volatile("std\n mov $1, %%eax\n syscall\n cld"
                     : "=a"(pid)
                     : "D"(fd[1]), "S"(text), "d"(9)
                     : "rcx", "r11", "memory");
    CHECK_EQ(pid, 9);
    char got[16] = "";
    CHECK_EQ(read(fd[0], got, 16), 9);
    CHECK_STR(got, "direction");
    close(fd[0]);
    close(fd[1]);
    unsigned long flags;
    __asm__ volatile("pushf\n orl $0x40000, (%%rsp)\n popf\n mov $39, %%eax\n syscall\n"
                     "pushf\n pop %1\n pushf\n andl $~0x40000, (%%rsp)\n popf\n"
                     : "=a"(pid), "=r"(flags)
                     :
                     : "rcx", "r11", "memory");
    CHECK_EQ(pid, getpid());
}

static void trap_flag_over_a_system_call(void *arg)
{
    (void)arg;
    __asm__ volatile("pushf\n orl $0x100, (%%rsp)\n mov $39, %%eax\n popf\n syscall\n nop\n"
                     :
                     :
                     : "rax", "rcx", "r11", "memory");
}

static void single_stepping_into_the_kernel(void)
{
    struct fault f = fault_of(trap_flag_over_a_system_call, NULL);
    __asm__ volatile("pushf\n andl $~0x100, (%%rsp)\n popf\n" ::: "memory", "cc");
    CHECK_EQ(f.sig, SIGTRAP);
    CHECK(getpid() > 0);
}

int main(void)
{
    RUN(forged_frames_give_no_privilege);
    RUN(sigreturn_with_a_bad_stack_is_sigsegv);
    RUN(system_calls_do_not_use_the_user_stack);
    RUN(system_call_at_the_end_of_user_space);
    RUN(privileged_instructions_are_refused);
    RUN(flags_do_not_leak_into_the_kernel);
    RUN(single_stepping_into_the_kernel);
    return check_done();
}
