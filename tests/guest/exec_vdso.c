/* The vDSO: found by its ELF headers as a libc does it, and telling what the system calls tell. */
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/time.h>

#include "tests/harness/guest.h"

/* Looks up a dynamic symbol of the vDSO; NULL if there is none. */
static void *vdso_symbol(const char *name)
{
    char *base = (char *)getauxval(AT_SYSINFO_EHDR);
    const ElfW(Ehdr) *elf = (const ElfW(Ehdr) *)base;
    if (!base)
        return NULL;
    const ElfW(Phdr) *ph = (const ElfW(Phdr) *)(base + elf->e_phoff);
    const ElfW(Dyn) *dynamic = NULL;
    uintptr_t bias = 0;
    for (int i = 0; i < elf->e_phnum; i++) {
        if (ph[i].p_type == PT_LOAD)
            bias = (uintptr_t)base + ph[i].p_offset - ph[i].p_vaddr;
        if (ph[i].p_type == PT_DYNAMIC)
            dynamic = (const ElfW(Dyn) *)(base + ph[i].p_offset);
    }
    const char *strings = NULL;
    const ElfW(Sym) *symbols = NULL;
    const uint32_t *hash = NULL;
    for (; dynamic && dynamic->d_tag; dynamic++) {
        uintptr_t at = bias + dynamic->d_un.d_ptr;
        if (dynamic->d_tag == DT_STRTAB)
            strings = (const char *)at;
        if (dynamic->d_tag == DT_SYMTAB)
            symbols = (const ElfW(Sym) *)at;
        if (dynamic->d_tag == DT_HASH)
            hash = (const uint32_t *)at;
    }
    /* Without DT_HASH (newer Linux has DT_GNU_HASH only) the table ends where the strings start. */
    size_t count = hash ? hash[1] : (size_t)((const ElfW(Sym) *)strings - symbols);
    for (size_t i = 1; i < count && symbols; i++)
        if (symbols[i].st_shndx && strcmp(strings + symbols[i].st_name, name) == 0)
            return (void *)(bias + symbols[i].st_value);
    return NULL;
}

static void symbols_are_there(void)
{
    CHECK(vdso_symbol("__vdso_clock_gettime") != NULL);
    CHECK(vdso_symbol("__vdso_gettimeofday") != NULL);
    CHECK(vdso_symbol("__vdso_time") != NULL);
    CHECK(vdso_symbol("__vdso_getcpu") != NULL);
    CHECK(vdso_symbol("__vdso_no_such_call") == NULL);
}

static void clocks_agree_with_the_system_call(void)
{
    int (*get)(clockid_t, struct timespec *) =
        (int (*)(clockid_t, struct timespec *))vdso_symbol("__vdso_clock_gettime");
    static const clockid_t clocks[] = {
        CLOCK_REALTIME,      CLOCK_MONOTONIC, CLOCK_REALTIME_COARSE,    CLOCK_MONOTONIC_COARSE,
        CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME,  CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
    for (size_t i = 0; get && i < sizeof(clocks) / sizeof(*clocks); i++) {
        struct timespec before, middle, after;
        int wrong = syscall(SYS_clock_gettime, clocks[i], &before) != 0;
        wrong += get(clocks[i], &middle) != 0;
        wrong += syscall(SYS_clock_gettime, clocks[i], &after) != 0;
        int64_t b = before.tv_sec * 1000000000ll + before.tv_nsec;
        int64_t m = middle.tv_sec * 1000000000ll + middle.tv_nsec;
        int64_t a = after.tv_sec * 1000000000ll + after.tv_nsec;
        if (wrong || b > m || m > a)
            printf("# clock %d: %lld %lld %lld\n", clocks[i], (long long)b, (long long)m,
                   (long long)a);
        CHECK(!wrong && b <= m && m <= a);
    }
    CHECK(!get || get(4711, &(struct timespec){0}) != 0);
}

static void time_never_runs_backwards(void)
{
    int64_t last = now_ns(CLOCK_MONOTONIC);
    int backwards = 0;
    for (int i = 0; i < 100000; i++) {
        int64_t now = now_ns(CLOCK_MONOTONIC);
        backwards += now < last;
        last = now;
    }
    CHECK_EQ(backwards, 0);
}

static void gettimeofday_and_time_agree(void)
{
    struct timeval tv;
    time_t before = (time_t)syscall(SYS_time, NULL), other = 0;
    CHECK_OK(gettimeofday(&tv, NULL));
    time_t after = time(&other);
    CHECK(before <= tv.tv_sec && tv.tv_sec <= after + 1);
    CHECK_EQ(other, after);
    CHECK(tv.tv_usec >= 0 && tv.tv_usec < 1000000);
    CHECK(tv.tv_sec > 1700000000); /* the host's date came along */
}

static void getcpu_names_a_processor_there_is(void)
{
    unsigned cpu = 99999, node = 99999;
    CHECK_OK(getcpu(&cpu, &node));
    CHECK(cpu < (unsigned)sysconf(_SC_NPROCESSORS_CONF));
    CHECK(node < 64);
    CHECK(sched_getcpu() >= 0);
}

static void clock_resolution(void)
{
    struct timespec ts = {9, 9};
    CHECK_OK(clock_getres(CLOCK_MONOTONIC, &ts));
    CHECK(ts.tv_sec == 0 && ts.tv_nsec == 1);
    CHECK_OK(clock_getres(CLOCK_REALTIME, &ts));
    CHECK(ts.tv_sec == 0 && ts.tv_nsec == 1);
}

static void vdso_is_not_writable(void)
{
    CHECK_EQ(fault_of(probe_write, (void *)getauxval(AT_SYSINFO_EHDR)).code, SEGV_ACCERR);
}

/* The page of calls at a fixed address, which programs from before 2012 use. */
#define VSYSCALL 0xffffffffff600000ul

static void bad_gettimeofday(void *entry)
{
    ((int (*)(void *, void *))entry)(KERNEL_ADDRESS, NULL);
}

static void the_page_of_old_calls(void)
{
    if (!strstr(file_get("/proc/self/maps"), "--xp 00000000 00:00 0                  [vsyscall]\n"))
        return; /* a Linux that was told to have none */
    int (*get_time)(struct timeval *, void *) = (int (*)(struct timeval *, void *))VSYSCALL;
    time_t (*seconds)(time_t *) = (time_t(*)(time_t *))(VSYSCALL + 0x400);
    long (*cpu_of)(unsigned *, unsigned *, void *) =
        (long (*)(unsigned *, unsigned *, void *))(VSYSCALL + 0x800);
    struct timeval tv = {0};
    time_t stored = 0;
    unsigned cpu = 99999, node = 99999;
    CHECK_EQ(get_time(&tv, NULL), 0);
    CHECK(tv.tv_sec - time(NULL) <= 1 && time(NULL) - tv.tv_sec <= 10);
    time_t now = seconds(&stored);
    CHECK(now == stored && now - tv.tv_sec >= 0 && now - tv.tv_sec <= 10);
    CHECK(seconds(NULL) >= now);
    CHECK_EQ(cpu_of(&cpu, &node, NULL), 0);
    CHECK(cpu < 4096);
    CHECK(node < 4096);
    CHECK_EQ(fault_of(probe_call, (void *)(VSYSCALL + 8)).sig, SIGSEGV);
    CHECK_EQ(fault_of(probe_call, (void *)(VSYSCALL + 0xc00)).sig, SIGSEGV);
    CHECK_EQ(fault_of(bad_gettimeofday, (void *)VSYSCALL).sig, SIGSEGV);
    struct fault f = fault_of(probe_read, (void *)VSYSCALL);
    CHECK_EQ(f.sig, SIGSEGV);
    CHECK_EQ(f.addr, VSYSCALL);
}

int main(void)
{
    RUN(symbols_are_there);
    RUN(clocks_agree_with_the_system_call);
    RUN(time_never_runs_backwards);
    RUN(gettimeofday_and_time_agree);
    RUN(getcpu_names_a_processor_there_is);
    RUN(clock_resolution);
    RUN(vdso_is_not_writable);
    RUN(the_page_of_old_calls);
    return check_done();
}
