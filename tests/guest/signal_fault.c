/* Faults as signals, the alternate stack, and the context a handler may read and change. */
#include <sys/ucontext.h>
#include <ucontext.h>

#include "tests/harness/guest.h"

static void illegal(void *arg)
{
    (void)arg;
    __asm__ volatile("ud2");
}

static void breakpoint(void *arg)
{
    (void)arg;
    __asm__ volatile("int3");
}

static void privileged(void *arg)
{
    (void)arg;
    __asm__ volatile("hlt");
}

static void port_access(void *arg)
{
    (void)arg;
    __asm__ volatile("outb %%al, %%dx" : : "a"(0), "d"(0x80));
}

static void faults_have_their_signal_and_code(void)
{
    struct fault f = fault_of(illegal, NULL);
    CHECK_EQ(f.sig, SIGILL);
    CHECK_EQ(f.code, ILL_ILLOPN);
    CHECK(f.addr != 0);
    f = fault_of(breakpoint, NULL);
    CHECK_EQ(f.sig, SIGTRAP);
    CHECK_EQ(f.code, SI_KERNEL);
    f = fault_of(privileged, NULL);
    CHECK_EQ(f.sig, SIGSEGV);
    CHECK_EQ(f.code, SI_KERNEL);
    CHECK_EQ(f.addr, 0);
    f = fault_of(port_access, NULL);
    CHECK_EQ(f.sig, SIGSEGV);
    CHECK_EQ(f.code, SI_KERNEL);
    f = fault_of(probe_read, NONCANONICAL_ADDRESS);
    CHECK_EQ(f.sig, SIGSEGV);
    CHECK_EQ(f.code, SI_KERNEL);
    f = fault_of(probe_read, KERNEL_ADDRESS);
    CHECK_EQ(f.sig, SIGSEGV);
    CHECK_EQ(f.code, SEGV_MAPERR);
    CHECK_EQ(f.addr, (uintptr_t)KERNEL_ADDRESS);
}

static uintptr_t context_rip, context_fault_address;
static unsigned long context_error, context_trap;

static void skip_instruction(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)sig;
    context_rip = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
    context_fault_address = (uintptr_t)uc->uc_mcontext.gregs[REG_CR2];
    context_error = (unsigned long)uc->uc_mcontext.gregs[REG_ERR];
    context_trap = (unsigned long)uc->uc_mcontext.gregs[REG_TRAPNO];
    uc->uc_mcontext.gregs[REG_RAX] = 777;
    uc->uc_mcontext.gregs[REG_RIP] += 3; /* "mov (%rcx),%rax" is three bytes */
    (void)info;
}

static void handlers_may_change_registers(void)
{
    struct sigaction action = {.sa_sigaction = skip_instruction, .sa_flags = SA_SIGINFO};
    unsigned long result, rip;
    sigaction(SIGSEGV, &action, NULL);
    __asm__ volatile("lea 1f(%%rip), %1\n 1: movq (%%rcx), %%rax\n"
                     : "=a"(result), "=&r"(rip)
                     : "c"(0x18)
                     : "memory");
    signal(SIGSEGV, SIG_DFL);
    CHECK_EQ(result, 777);
    CHECK_EQ(context_rip, rip);
    CHECK_EQ(context_fault_address, 0x18);
    CHECK_EQ(context_trap, 14);
    CHECK_EQ(context_error & 6, 4); /* a read by user code */
}

static volatile uint64_t regs_ok;

static void clobber_all(int sig)
{
    (void)sig;
    __asm__ volatile("xor %%r12, %%r12\n xor %%r13, %%r13\n xor %%r8, %%r8\n xor %%rbx, %%rbx\n"
                     "std\n cld\n"
                     :
                     :
                     : "r12", "r13", "r8", "rbx", "cc");
}

static void all_registers_come_back(void)
{
    struct sigaction action = {.sa_handler = clobber_all};
    sigaction(SIGUSR1, &action, NULL);
    uint64_t r8, r9, r12, r15, rbp_ok, flags;
    long pid = getpid(), tid = gettid();
    __asm__ volatile("mov $11, %%r8\n mov $22, %%r9\n mov $33, %%r12\n mov $44, %%r15\n"
                     "stc\n syscall\n mov %%r8, %0\n mov %%r9, %1\n mov %%r12, %2\n mov %%r15, %3\n"
                     "pushf\n pop %5\n mov %%rax, %4\n"
                     : "=m"(r8), "=m"(r9), "=m"(r12), "=m"(r15), "=m"(rbp_ok), "=r"(flags)
                     : "a"(SYS_tgkill), "D"(pid), "S"(tid), "d"(SIGUSR1)
                     : "rcx", "r11", "r8", "r9", "r12", "r15", "memory", "cc");
    CHECK_EQ(r8, 11);
    CHECK_EQ(r9, 22);
    CHECK_EQ(r12, 33);
    CHECK_EQ(r15, 44);
    CHECK_EQ(rbp_ok, 0);
    CHECK_EQ(flags & 1, 1); /* the carry flag survived system call and handler */
}

static volatile uintptr_t handler_stack;
static stack_t handler_view;

static void note_stack(int sig)
{
    (void)sig;
    int local;
    handler_stack = (uintptr_t)&local;
    sigaltstack(NULL, &handler_view);
}

static void alternate_stack_is_used_when_asked(void)
{
    size_t size = 64 * 1024;
    char *memory = malloc(size);
    stack_t stack = {.ss_sp = memory, .ss_size = size}, old;
    CHECK_OK(sigaltstack(&stack, &old));
    CHECK_EQ(old.ss_flags, SS_DISABLE);
    struct sigaction action = {.sa_handler = note_stack, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    CHECK(handler_stack >= (uintptr_t)memory && handler_stack < (uintptr_t)memory + size);
    CHECK_EQ(handler_view.ss_flags, SS_ONSTACK);
    action.sa_flags = 0;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    CHECK(handler_stack < (uintptr_t)memory || handler_stack >= (uintptr_t)memory + size);
    CHECK_OK(sigaltstack(NULL, &old));
    CHECK(old.ss_sp == memory && old.ss_size == size && old.ss_flags == 0);
    stack.ss_size = 100;
    CHECK_ERR(sigaltstack(&stack, NULL), ENOMEM);
    stack.ss_flags = 99;
    CHECK_ERR(sigaltstack(&stack, NULL), EINVAL);
    CHECK_ERR(syscall(SYS_sigaltstack, KERNEL_ADDRESS, NULL), EFAULT);
    stack.ss_flags = SS_DISABLE;
    CHECK_OK(sigaltstack(&stack, NULL));
    free(memory);
}

static sigjmp_buf overflow_jump;
static volatile uintptr_t overflow_address;

static void on_overflow(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    overflow_address = (uintptr_t)info->si_addr;
    siglongjmp(overflow_jump, 1);
}

static volatile int recurse_for_ever = 1;

static int recurse(volatile char *above)
{
    volatile char block[4096];
    block[0] = above ? above[0] : 1;
    return (recurse_for_ever ? recurse(block) : 0) + block[0];
}

static void *overflow_stack(void *arg)
{
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    struct sigaction action = {.sa_sigaction = on_overflow, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaltstack(&stack, NULL);
    sigaction(SIGSEGV, &action, NULL);
    if (sigsetjmp(overflow_jump, 1) == 0)
        return (void *)(long)recurse(arg);
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, NULL);
    free(stack.ss_sp);
    return (void *)1;
}

static void stack_overflow_is_caught_on_the_alternate_stack(void)
{
    CHECK(overflow_stack(NULL) == (void *)1);
    CHECK(overflow_address != 0);
    CHECK(thread_join(thread_start(overflow_stack, NULL)) == (void *)1);
    signal(SIGSEGV, SIG_DFL);
}

static void *fault_in_thread(void *address)
{
    sigset_t usr1;
    sigemptyset(&usr1);
    return (void *)(long)fault_of(probe_write, address).sig;
}

static void faults_stay_with_their_thread(void)
{
    CHECK(thread_join(thread_start(fault_in_thread, NULL_PAGE_ADDRESS)) == (void *)SIGSEGV);
}

static volatile int arrived;
static ucontext_t saved;

static void note_arrival(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)info;
    ucontext_t *uc = context;
    sigaddset(&uc->uc_sigmask, SIGUSR2);
    arrived++;
}

static void mask_in_the_context_is_taken_over(void)
{
    struct sigaction action = {.sa_sigaction = note_arrival, .sa_flags = SA_SIGINFO};
    sigset_t now;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    sigprocmask(SIG_SETMASK, NULL, &now);
    CHECK_EQ(arrived, 1);
    CHECK_EQ(sigismember(&now, SIGUSR2), 1);
    CHECK_EQ(sigismember(&now, SIGUSR1), 0);
    sigemptyset(&now);
    sigprocmask(SIG_SETMASK, &now, NULL);
}

static void ucontext_functions_work(void)
{
    volatile int round = 0;
    getcontext(&saved);
    if (round++ < 3)
        setcontext(&saved);
    CHECK_EQ(round, 4);
}

static void single_step(void *arg)
{
    (void)arg;
    __asm__ volatile("pushf\n orl $0x100, (%%rsp)\n popf\n nop\n nop\n" ::: "memory", "cc");
}

static void trap_flag_is_sigtrap(void)
{
    struct fault f = fault_of(single_step, NULL);
    __asm__ volatile("pushf\n andl $~0x100, (%%rsp)\n popf\n" ::: "memory", "cc");
    CHECK_EQ(f.sig, SIGTRAP);
    CHECK_EQ(f.code, TRAP_TRACE);
}

int main(void)
{
    RUN(faults_have_their_signal_and_code);
    RUN(handlers_may_change_registers);
    RUN(all_registers_come_back);
    RUN(alternate_stack_is_used_when_asked);
    RUN(stack_overflow_is_caught_on_the_alternate_stack);
    RUN(faults_stay_with_their_thread);
    RUN(mask_in_the_context_is_taken_over);
    RUN(ucontext_functions_work);
    RUN(trap_flag_is_sigtrap);
    return check_done();
}
