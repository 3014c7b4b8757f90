/* Attempts on memory that is not the program's: the kernel's half, the null page, guard pages. */
#include <sys/personality.h>

#include "tests/harness/guest.h"

static void the_upper_half_is_out_of_reach(void)
{
    static const uintptr_t addresses[] = {0xffff800000000000, 0xffff888000000000,
                                          0xffffc00000000000, 0xffffffff80000000,
                                          0xffffffff81000000, 0xfffffffffffff000};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
        struct fault f = fault_of(probe_read, (void *)addresses[i]);
        CHECK(f.sig == SIGSEGV && f.code == SEGV_MAPERR && f.addr == addresses[i]);
        f = fault_of(probe_write, (void *)addresses[i]);
        CHECK(f.sig == SIGSEGV && f.addr == addresses[i]);
        f = fault_of(probe_call, (void *)addresses[i]);
        CHECK(f.sig == SIGSEGV);
    }
}

/* A sparse walk: nothing anywhere in the upper half answers a read from ring 3. */
static void no_page_of_the_upper_half_is_readable(void)
{
    int readable_pages = 0;
    for (uintptr_t a = 0xffff800000000000; a >= 0xffff800000000000; a += 0x1000000000)
        readable_pages += readable((void *)a);
    for (uintptr_t a = 0xffffffff00000000; a >= 0xffffffff00000000; a += 0x800000)
        readable_pages += readable((void *)a);
    CHECK_EQ(readable_pages, 0);
}

static void the_null_page_cannot_be_mapped(void)
{
    void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != NULL && p != MAP_FAILED);
    p = mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, NULL);
    /* Linux lets root do this unless vm.mmap_min_addr forbids; ours never does. */
    CHECK(p == MAP_FAILED || p == NULL);
    if (p == NULL)
        munmap(p, PAGE);
}

static void hints_never_lead_to_the_null_page(void)
{
    for (uintptr_t hint = 1; hint < 65536; hint += 4097) {
        char *p = mmap((void *)hint, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED || (uintptr_t)p < PAGE)
            CHECK(!"a hint led to the null page");
        munmap(p, PAGE);
    }
    CHECK(true);
}

static void mappings_stop_below_the_upper_half(void)
{
    static const uintptr_t addresses[] = {0x7ffffffff000, 0x800000000000, 0xffff800000000000,
                                          0xfffffffffffff000};
    for (int i = 0; i < 4; i++) {
        void *a = (void *)addresses[i];
        CHECK_ERR(
            mmap(a, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
            ENOMEM);
        CHECK(munmap(a, PAGE) == -1);
        CHECK(mprotect(a, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) == -1);
        CHECK(madvise(a, PAGE, MADV_DONTNEED) == -1);
        CHECK(mremap(a, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
        CHECK(msync(a, PAGE, MS_SYNC) == -1);
        CHECK(mlock(a, PAGE) == -1);
    }
    char *p = pages(1);
    CHECK(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, KERNEL_ADDRESS) == MAP_FAILED);
    CHECK(mremap(p, PAGE, 1ul << 48, MREMAP_MAYMOVE) == MAP_FAILED);
    CHECK(munmap(p, (1ul << 47)) == -1);
    CHECK(munmap(p, -PAGE) == -1);
    CHECK(writable(p));
    munmap(p, PAGE);
}

static void the_stack_has_a_guard(void)
{
    /* Far below the stack, beyond its limit, nothing is mapped by growing. */
    char local;
    struct fault f = fault_of(probe_write, &local - (1l << 30));
    CHECK_EQ(f.sig, SIGSEGV);
}

static void addresses_differ_from_run_to_run(void)
{
    /* One run can only show that the low bits of the layout are not the unrandomized ones. */
    int persona = personality(0xffffffff);
    CHECK(persona != -1 && !(persona & ADDR_NO_RANDOMIZE));
}

int main(void)
{
    RUN(the_upper_half_is_out_of_reach);
    RUN(no_page_of_the_upper_half_is_readable);
    RUN(the_null_page_cannot_be_mapped);
    RUN(hints_never_lead_to_the_null_page);
    RUN(mappings_stop_below_the_upper_half);
    RUN(the_stack_has_a_guard);
    RUN(addresses_differ_from_run_to_run);
    return check_done();
}
