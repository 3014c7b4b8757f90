/* mprotect, and the faults that broken protection brings: signal, si_code and address. */
#include "tests/harness/guest.h"

static const unsigned char return_42[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */

static void read_only_pages_refuse_writes(void)
{
    char *p = pages(2);
    p[3] = 'a';
    CHECK_OK(mprotect(p, PAGE, PROT_READ));
    struct fault f = fault_of(probe_write, p + 3);
    CHECK_EQ(f.sig, SIGSEGV);
    CHECK_EQ(f.code, SEGV_ACCERR);
    CHECK_EQ(f.addr, (uintptr_t)p + 3);
    CHECK_EQ(p[3], 'a');
    CHECK(writable(p + PAGE));
    CHECK_OK(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    CHECK(writable(p));
    munmap(p, 2 * PAGE);
}

static void pages_without_access_refuse_reads(void)
{
    char *p = pages(1);
    p[0] = 'z';
    CHECK_OK(mprotect(p, PAGE, PROT_NONE));
    struct fault f = fault_of(probe_read, p);
    CHECK_EQ(f.sig, SIGSEGV);
    CHECK_EQ(f.code, SEGV_ACCERR);
    CHECK_EQ(f.addr, (uintptr_t)p);
    CHECK_OK(mprotect(p, PAGE, PROT_READ));
    CHECK_EQ(p[0], 'z'); /* contents survive */
    munmap(p, PAGE);
}

static void unmapped_addresses_are_maperr(void)
{
    char *p = pages(1);
    munmap(p, PAGE);
    struct fault f = fault_of(probe_read, p + 100);
    CHECK_EQ(f.sig, SIGSEGV);
    CHECK_EQ(f.code, SEGV_MAPERR);
    CHECK_EQ(f.addr, (uintptr_t)p + 100);
    f = fault_of(probe_write, NULL_PAGE_ADDRESS);
    CHECK_EQ(f.sig, SIGSEGV);
    CHECK_EQ(f.code, SEGV_MAPERR);
    CHECK_EQ(f.addr, 8);
    f = fault_of(probe_call, NULL);
    CHECK_EQ(f.sig, SIGSEGV);
    CHECK_EQ(f.code, SEGV_MAPERR);
    CHECK_EQ(f.addr, 0);
}

static void memory_is_not_executable_unless_asked(void)
{
    unsigned char *p = (unsigned char *)pages(1);
    memcpy(p, return_42, sizeof(return_42));
    struct fault f = fault_of(probe_call, p);
    CHECK_EQ(f.sig, SIGSEGV);
    CHECK_EQ(f.code, SEGV_ACCERR);
    CHECK_EQ(f.addr, (uintptr_t)p);
    CHECK_OK(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
    CHECK_EQ(((int (*)(void))p)(), 42);
    CHECK(!writable(p));
    CHECK_OK(mprotect(p, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC)); /* what a JIT needs */
    p[1] = 43;
    CHECK_EQ(((int (*)(void))p)(), 43);
    munmap(p, PAGE);
}

static void stack_and_data_are_not_executable(void)
{
    unsigned char stack[64];
    static unsigned char data[64];
    unsigned char *heap = malloc(64);
    memcpy(stack, return_42, sizeof(return_42));
    memcpy(data, return_42, sizeof(return_42));
    memcpy(heap, return_42, sizeof(return_42));
    __asm__ volatile("" : : "r"(stack), "r"(data), "r"(heap) : "memory");
    CHECK_EQ(fault_of(probe_call, stack).code, SEGV_ACCERR);
    CHECK_EQ(fault_of(probe_call, data).code, SEGV_ACCERR);
    CHECK_EQ(fault_of(probe_call, heap).code, SEGV_ACCERR);
    free(heap);
}

static void program_text_is_not_writable(void)
{
    struct fault f = fault_of(probe_write, (void *)(uintptr_t)program_text_is_not_writable);
    CHECK_EQ(f.sig, SIGSEGV);
    CHECK_EQ(f.code, SEGV_ACCERR);
    static const char constant[] = "constant";
    CHECK_EQ(fault_of(probe_write, (void *)(uintptr_t)constant).code, SEGV_ACCERR);
}

static void bad_ranges_are_refused(void)
{
    char *p = pages(4);
    CHECK_ERR(mprotect(p + 1, PAGE, PROT_READ), EINVAL);
    CHECK_ERR(mprotect(p, PAGE, 0x100), EINVAL);
    CHECK_ERR(mprotect(p, SIZE_MAX - PAGE * 2, PROT_READ), ENOMEM);
    CHECK_OK(mprotect(p, 0, PROT_NONE));
    CHECK(writable(p));
    CHECK_OK(munmap(p + 2 * PAGE, PAGE));
    CHECK_ERR(mprotect(p, 4 * PAGE, PROT_READ), ENOMEM); /* a hole: what lies before is changed */
    CHECK(!writable(p));
    munmap(p, 4 * PAGE);
    CHECK_ERR(mprotect(p, PAGE, PROT_READ), ENOMEM);
    CHECK(mprotect(KERNEL_ADDRESS, PAGE, PROT_READ | PROT_WRITE) == -1);
}

static void protection_applies_to_parts(void)
{
    char *p = pages(9);
    memset(p, 1, 9 * PAGE);
    for (size_t i = 0; i < 9; i++)
        if (i % 3)
            mprotect(p + i * PAGE, PAGE, i % 3 == 1 ? PROT_READ : PROT_NONE);
    int wrong = 0;
    for (size_t i = 0; i < 9; i++) {
        wrong += readable(p + i * PAGE) != (i % 3 != 2);
        wrong += writable(p + i * PAGE) != (i % 3 == 0);
    }
    CHECK_EQ(wrong, 0);
    CHECK_OK(mprotect(p, 9 * PAGE, PROT_READ | PROT_WRITE));
    for (size_t i = 0; i < 9; i++)
        wrong += !writable(p + i * PAGE) || p[i * PAGE + 1] != 1;
    CHECK_EQ(wrong, 0);
    munmap(p, 9 * PAGE);
}

static void system_calls_respect_protection(void)
{
    char *p = pages(2);
    int fd[2];
    CHECK_OK(pipe(fd));
    CHECK_OK(mprotect(p, PAGE, PROT_READ));
    CHECK_EQ(write(fd[1], p, 10), 10);
    CHECK_ERR(read(fd[0], p, 10), EFAULT);
    CHECK_OK(mprotect(p, PAGE, PROT_NONE));
    CHECK_ERR(write(fd[1], p, 10), EFAULT);
    close(fd[0]);
    close(fd[1]);
    munmap(p, 2 * PAGE);
}

static void *write_forever(void *arg)
{
    volatile int *stop = ((void **)arg)[1];
    volatile char *p = ((void **)arg)[0];
    while (!*stop)
        p[64]++;
    return NULL;
}

/* A thread keeps writing one page while its neighbours change: the TLB must stay right. */
static void neighbours_change_under_a_running_thread(void)
{
    char *p = pages(3);
    volatile int stop = 0;
    void *arg[2] = {p + PAGE, (void *)&stop};
    pthread_t thread = thread_start(write_forever, arg);
    int wrong = 0;
    for (int i = 0; i < 500; i++) {
        wrong += mprotect(p, PAGE, PROT_READ) != 0;
        wrong += mprotect(p + 2 * PAGE, PAGE, PROT_NONE) != 0;
        wrong += mprotect(p, 3 * PAGE, PROT_READ | PROT_WRITE) != 0;
        p[0] = p[2 * PAGE] = 1;
    }
    stop = 1;
    thread_join(thread);
    CHECK_EQ(wrong, 0);
    munmap(p, 3 * PAGE);
}

int main(void)
{
    RUN(read_only_pages_refuse_writes);
    RUN(pages_without_access_refuse_reads);
    RUN(unmapped_addresses_are_maperr);
    RUN(memory_is_not_executable_unless_asked);
    RUN(stack_and_data_are_not_executable);
    RUN(program_text_is_not_writable);
    RUN(bad_ranges_are_refused);
    RUN(protection_applies_to_parts);
    RUN(system_calls_respect_protection);
    RUN(neighbours_change_under_a_running_thread);
    return check_done();
}
