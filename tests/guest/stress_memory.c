/*
 * Mappings change under threads on other processors. When a call has returned, no thread may use
 * what it took away: not read a page that belongs to somebody else now, not write where that is no
 * longer allowed.
 */
#include "tests/harness/stress.h"

/* A read or write that may fault: the fault is taken and counted. */
static __thread sigjmp_buf escape;
static __thread volatile int guarded;

static void on_fault(int sig)
{
    if (!guarded) {
        signal(sig, SIG_DFL);
        return;
    }
    siglongjmp(escape, 1);
}

static bool try_read(volatile unsigned long *at, unsigned long *value)
{
    bool done = false;
    if (sigsetjmp(escape, 0) == 0) {
        guarded = 1;
        *value = *at;
        done = true;
    }
    guarded = 0;
    return done;
}

static bool try_add(volatile unsigned long *at)
{
    bool done = false;
    if (sigsetjmp(escape, 0) == 0) {
        guarded = 1;
        ++*at;
        done = true;
    }
    guarded = 0;
    return done;
}

#define OWNERS 3
#define AREA_PAGES 24
static volatile unsigned long *volatile areas[OWNERS];

#define MARK(owner) (0x1111111111111111ul * ((unsigned long)(owner) + 1))

/* Maps, fills and unmaps pages of its own mark again and again; what it finds there is its own. */
static long own(int owner)
{
    long wrong = 0;
    while (!stress_stop) {
        volatile unsigned long *p = (void *)pages(AREA_PAGES);
        areas[owner] = p;
        for (int i = 0; i < AREA_PAGES; i++)
            p[i * (PAGE / 8)] = MARK(owner);
        for (int i = 0; i < AREA_PAGES; i++)
            wrong += p[i * (PAGE / 8)] != MARK(owner);
        munmap((void *)p, AREA_PAGES * PAGE);
    }
    return wrong;
}

/* Reads others' pages: what is there is zero or the owner's mark (the address may have changed
 * hands meanwhile: any owner's mark, then, but nothing else). */
static long look(unsigned seed)
{
    long wrong = 0;
    while (!stress_stop) {
        volatile unsigned long *p = areas[stress_random(&seed) % OWNERS];
        unsigned long value = 0;
        if (!p || !try_read(p + stress_random(&seed) % AREA_PAGES * (PAGE / 8), &value))
            continue;
        bool known = value == 0;
        for (int owner = 0; owner < OWNERS; owner++)
            known = known || value == MARK(owner);
        wrong += !known;
    }
    return wrong;
}

static void *own_or_look(void *arg)
{
    int number = (int)(intptr_t)arg;
    return (void *)(number < OWNERS ? own(number) : look((unsigned)number));
}

static void unmapped_pages_are_out_of_reach(void)
{
    CHECK_EQ(stress(OWNERS + 3, own_or_look, 4), 0);
}

static volatile unsigned long *shared_page;

static void *keep_adding(void *arg)
{
    (void)arg;
    while (!stress_stop)
        (void)try_add(shared_page);
    return NULL;
}

static void *keep_protecting(void *arg)
{
    long wrong = 0;
    (void)arg;
    while (*shared_page == 0 && !stress_stop)
        ; /* the others have begun */
    while (!stress_stop) {
        mprotect((void *)shared_page, PAGE, PROT_READ);
        unsigned long before = *shared_page;
        for (volatile int i = 0; i < 500; i++)
            ;
        wrong += *shared_page != before;
        mprotect((void *)shared_page, PAGE, PROT_READ | PROT_WRITE);
    }
    return (void *)wrong;
}

static void *protect_or_add(void *arg)
{
    return arg ? keep_adding(arg) : keep_protecting(arg);
}

static void a_protected_page_does_not_change(void)
{
    shared_page = (void *)pages(1);
    CHECK_EQ(stress(4, protect_or_add, 4), 0);
    CHECK(*shared_page > 0);
    munmap((void *)shared_page, PAGE);
}

/* One thread drops a page and says so; who knows that must not see what was in it. */
static volatile unsigned long dropped_at;

static void *drop_pages(void *arg)
{
    (void)arg;
    for (unsigned long i = 1; !stress_stop; i++) {
        *shared_page = i;
        madvise((void *)shared_page, PAGE, MADV_DONTNEED);
        __atomic_store_n(&dropped_at, i, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

static void *watch_dropped(void *arg)
{
    long wrong = 0;
    (void)arg;
    while (!stress_stop) {
        unsigned long dropped = __atomic_load_n(&dropped_at, __ATOMIC_SEQ_CST);
        unsigned long value = *shared_page;
        wrong += value != 0 && value <= dropped;
    }
    return (void *)wrong;
}

static void *drop_or_watch(void *arg)
{
    return arg ? watch_dropped(arg) : drop_pages(arg);
}

static void dropped_pages_are_gone_everywhere(void)
{
    shared_page = (void *)pages(1);
    CHECK_EQ(stress(4, drop_or_watch, 4), 0);
    munmap((void *)shared_page, PAGE);
}

/* Copy on write: who knows of a write sees it, though it had the file's page before. */
static volatile unsigned long written;
static int file;

static void *write_private(void *arg)
{
    (void)arg;
    for (unsigned long i = 1; !stress_stop; i++) {
        *shared_page = i; /* the first write to each copy makes it */
        __atomic_store_n(&written, i, __ATOMIC_SEQ_CST);
        if (i % 4 == 0) {
            __atomic_store_n(&written, 0, __ATOMIC_SEQ_CST);
            madvise((void *)shared_page, PAGE, MADV_DONTNEED);
        }
    }
    return NULL;
}

static void *read_private(void *arg)
{
    long wrong = 0;
    (void)arg;
    while (!stress_stop) {
        unsigned long before = __atomic_load_n(&written, __ATOMIC_SEQ_CST);
        unsigned long value = *shared_page;
        unsigned long after = __atomic_load_n(&written, __ATOMIC_SEQ_CST);
        wrong += before && before <= after && after - before < 3 && value < before;
    }
    return (void *)wrong;
}

static void *write_or_read(void *arg)
{
    return arg ? read_private(arg) : write_private(arg);
}

static void private_copies_are_seen_everywhere(void)
{
    CHECK(file_put("page", "x"));
    CHECK_OK(truncate("page", 0));
    CHECK_OK(truncate("page", (off_t)PAGE));
    file = open("page", O_RDWR);
    shared_page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    CHECK(shared_page != MAP_FAILED);
    CHECK_EQ(stress(4, write_or_read, 4), 0);
    munmap((void *)shared_page, PAGE);
    close(file);
    CHECK_OK(unlink("page"));
}

int main(int argc, char **argv)
{
    stress_begin(argc, argv);
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    scratch_enter();
    RUN(unmapped_pages_are_out_of_reach);
    RUN(a_protected_page_does_not_change);
    RUN(dropped_pages_are_gone_everywhere);
    RUN(private_copies_are_seen_everywhere);
    CHECK(scratch_leave());
    return check_done();
}
