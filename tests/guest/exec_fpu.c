/* Floating point and vector registers survive system calls, other threads, faults and signals. */
#include <cpuid.h>
#include <sched.h>

#include "tests/harness/guest.h"

static bool have_avx(void)
{
    return __builtin_cpu_supports("avx");
}

static void fill_sse(uint64_t seed, void (*between)(void), uint64_t out[32])
{
    uint64_t in[32];
    for (int i = 0; i < 32; i++)
        in[i] = seed * 1000 + (uint64_t)i;
    __asm__ volatile("movups (%0), %%xmm8\n movups 16(%0), %%xmm9\n movups 32(%0), %%xmm14\n"
                     "movups 48(%0), %%xmm15\n call *%2\n movups %%xmm8, (%1)\n"
                     "movups %%xmm9, 16(%1)\n movups %%xmm14, 32(%1)\n movups %%xmm15, 48(%1)\n"
                     :
                     : "b"(in), "r"(out), "r"(between)
                     : "memory", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",
                       "xmm8", "xmm9", "xmm14", "xmm15");
}

static void yield_often(void)
{
    for (int i = 0; i < 20; i++)
        syscall(SYS_sched_yield);
}

static void *vector_thread(void *arg)
{
    uint64_t seed = (uint64_t)arg, wrong = 0;
    for (int round = 0; round < 200; round++) {
        uint64_t out[32] = {0};
        fill_sse(seed + (uint64_t)round, yield_often, out);
        for (int i = 0; i < 8; i++)
            wrong += out[i] != (seed + (uint64_t)round) * 1000 + (uint64_t)i;
    }
    return (void *)wrong;
}

static void sse_registers_belong_to_the_thread(void)
{
    pthread_t thread[4];
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < 4; i++)
        thread[i] = thread_start(vector_thread, (void *)(i * 77777));
    for (int i = 0; i < 4; i++)
        wrong += (uint64_t)thread_join(thread[i]);
    CHECK_EQ(wrong, 0);
}

__attribute__((target("avx"))) static uint64_t avx_spin(uint64_t seed, volatile int *stop)
{
    uint64_t in[4] = {seed, seed + 1, seed + 2, seed + 3}, out[4], wrong = 0;
    for (long i = 0; i < 300 && !*stop; i++) {
        __asm__ volatile("vmovups (%0), %%ymm7\n mov $20000, %%ecx\n 1: dec %%ecx\n jnz 1b\n"
                         "vmovups %%ymm7, (%1)\n"
                         :
                         : "r"(in), "r"(out)
                         : "memory", "ecx");
        wrong += memcmp(in, out, sizeof(in)) != 0;
    }
    return wrong;
}

static volatile int never;

static void *avx_thread(void *arg)
{
    return (void *)avx_spin((uint64_t)arg, &never);
}

/* Threads that make no system call are switched by the timer, with their upper halves kept. */
static void avx_upper_halves_survive_preemption(void)
{
    if (!have_avx())
        return;
    pthread_t thread[3];
    uint64_t wrong = 0;
    for (uint64_t i = 0; i < 3; i++)
        thread[i] = thread_start(avx_thread, (void *)(0x1111111111111111ull * (i + 1)));
    for (int i = 0; i < 3; i++)
        wrong += (uint64_t)thread_join(thread[i]);
    CHECK_EQ(wrong, 0);
}

static volatile int handled;

static void clobber(int sig)
{
    (void)sig;
    __asm__ volatile("pxor %%xmm0, %%xmm0\n pxor %%xmm8, %%xmm8\n pxor %%xmm15, %%xmm15\n fninit\n"
                     :
                     :
                     : "xmm0", "xmm8", "xmm15", "memory");
    if (have_avx())
        __asm__ volatile("vzeroall" ::: "memory");
    unsigned mxcsr = 0x1f80 | 0x8000;
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    handled++;
}

static void raise_usr1(void)
{
    syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1);
}

static void handlers_do_not_disturb_vector_state(void)
{
    struct sigaction action = {.sa_handler = clobber};
    CHECK_OK(sigaction(SIGUSR1, &action, NULL));
    unsigned before, after, set = 0x5f80; /* round up */
    uint64_t out[32] = {0};
    __asm__ volatile("stmxcsr %0" : "=m"(before));
    __asm__ volatile("ldmxcsr %0" : : "m"(set));
    fill_sse(5, raise_usr1, out);
    __asm__ volatile("stmxcsr %0" : "=m"(after));
    __asm__ volatile("ldmxcsr %0" : : "m"(before));
    CHECK_EQ(handled, 1);
    CHECK_EQ(after & 0xffc0u, set);
    int wrong = 0;
    for (int i = 0; i < 8; i++)
        wrong += out[i] != 5000 + (uint64_t)i;
    CHECK_EQ(wrong, 0);
    uint64_t in4[4] = {1, 2, 3, 4}, out4[4] = {0};
    if (have_avx()) {
        __asm__ volatile("vmovups (%0), %%ymm5" : : "r"(in4) : "memory");
        raise_usr1();
        __asm__ volatile("vmovups %%ymm5, (%0)" : : "r"(out4) : "memory");
        /* A call may clobber ymm5 by the ABI, but syscall() here does not. */
        CHECK(memcmp(in4, out4, sizeof(in4)) == 0);
    }
}

static void control_words_start_as_the_abi_says(void)
{
    uint16_t x87;
    unsigned mxcsr;
    __asm__ volatile("fnstcw %0" : "=m"(x87));
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    CHECK_EQ(x87, 0x37f);
    CHECK_EQ(mxcsr & 0xffc0u, 0x1f80);
}

static void divide(void *arg)
{
    (void)arg;
    __asm__ volatile("xor %%edx, %%edx\n mov $1, %%eax\n divl %%edx" ::: "eax", "edx", "cc");
}

static void divide_float(void *arg)
{
    unsigned mxcsr = 0x1f80u & ~0x200u; /* trap division by zero */
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    volatile double zero = 0, *out = arg;
    *out = 1 / zero;
}

static void arithmetic_errors_are_sigfpe(void)
{
    double out;
    struct fault f = fault_of(divide, &out);
    CHECK_EQ(f.sig, SIGFPE);
    CHECK_EQ(f.code, FPE_INTDIV);
    f = fault_of(divide_float, &out);
    unsigned mxcsr = 0x1f80;
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    if (f.sig) { /* QEMU's TCG does not raise SSE exceptions */
        CHECK_EQ(f.sig, SIGFPE);
        CHECK_EQ(f.code, FPE_FLTDIV);
    }
}

#define GATHER(index)                                                                              \
    __asm__ volatile("vmovdqu (%1), %%ymm" index "\n vpcmpeqd %%ymm1, %%ymm1, %%ymm1\n"            \
                     "vpgatherdd %%ymm1, (%1, %%ymm" index ", 4), %%ymm2\n"                        \
                     "vmovdqu %%ymm2, (%0)\n vzeroupper\n"                                         \
                     :                                                                             \
                     : "r"(out), "r"(in)                                                           \
                     : "memory", "xmm1", "xmm2", "xmm" index)

__attribute__((target("avx2"))) static void gather_anyway(void *in)
{
    uint32_t out[8];
    GATHER("3");
}

/* A processor that says it has AVX2 has it right: QEMU before 9.0.3 took xmm4 for no register. */
__attribute__((target("avx2"))) static void gathers_by_any_register(void)
{
    uint32_t in[8] = {7, 6, 5, 4, 3, 2, 1, 0};
    for (int i = 0; i < 4 && __builtin_cpu_supports("avx2"); i++) {
        uint32_t out[8] = {0}, wrong = 0;
        if (i == 0)
            GATHER("3");
        else if (i == 1)
            GATHER("4");
        else if (i == 2)
            GATHER("5");
        else
            GATHER("12");
        for (uint32_t n = 0; n < 8; n++)
            wrong += out[n] != n;
        CHECK_EQ(wrong, 0);
    }
    if (!__builtin_cpu_supports("avx2")) /* then it refuses, as a processor without it does */
        CHECK_EQ(fault_of(gather_anyway, in).sig, SIGILL);
}

static void xgetbv_agrees_with_cpuid(void)
{
    unsigned a, b, c, d;
    __cpuid(1, a, b, c, d);
    if (!(c & (1u << 27)))
        return; /* no OSXSAVE */
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    CHECK_EQ(low & 3, 3);
    if (c & (1u << 28))
        CHECK_EQ(low & 4, 4);
}

int main(void)
{
    RUN(control_words_start_as_the_abi_says);
    RUN(sse_registers_belong_to_the_thread);
    RUN(avx_upper_halves_survive_preemption);
    RUN(handlers_do_not_disturb_vector_state);
    RUN(arithmetic_errors_are_sigfpe);
    RUN(gathers_by_any_register);
    RUN(xgetbv_agrees_with_cpuid);
    return check_done();
}
