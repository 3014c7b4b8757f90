/*
 * Random operations on memory mappings, the same for the same seed; prints every result that is
 * determined. tests/differ/maps.sh has it on Linux and in the guest and compares.
 *
 *     maps SEED OPERATIONS [UID]      UID: become that user first
 *
 * All happens in a window of addresses that is nobody else's, and in what brk() gives. What a
 * kernel may choose is not printed: addresses outside the window, where areas are split (alike
 * neighbours are shown as one), what mincore() says of memory, what MADV_FREE leaves. A mapping
 * that landed outside is told and taken away. Execute-only memory is left out: some processors can
 * have it unreadable. Each operation draws its numbers from its own number alone, so that what one
 * answers does not change the next.
 */
#include <stdbool.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096ul
#define WINDOW 0x200000000000ul
#define PAGES 256ul
#define RANGE_PAGES 24ul
#define FILE_PAGES 40ul
#define LOOK_EVERY 25
#define BUFFER (RANGE_PAGES * PAGE)
#define MEMLOCK (96 * PAGE)

enum { FIRST, SECOND, READ_ONLY, WRITE_ONLY, ZERO, PIPE_IN, PIPE_OUT, NONE, FILES };

static uint64_t state;
static unsigned long number; /* of the operation */
static int files[FILES];
static char *brk_start;
static sigjmp_buf jump;
static volatile int fault_signal, fault_code;
static volatile uint64_t fault_address;
static unsigned char buffer[BUFFER];

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t below(uint64_t limit)
{
    return (draw() >> 20) % limit;
}

static bool one_in(uint64_t n)
{
    return below(n) == 0;
}

static void draw_for(uint64_t seed, uint64_t operation)
{
    state = seed * 0x9e3779b97f4a7c15ul ^ (operation + 1) * 0xd1b54a32d192ed03ul;
    state += !state;
    for (int i = 0; i < 8; i++)
        draw();
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
    (void)context;
    fault_signal = sig;
    fault_code = info->si_code;
    fault_address = (uint64_t)info->si_addr;
    siglongjmp(jump, 1);
}

/* Where the addresses of operations come from: mostly whole pages of the window. */
static uint64_t some_address(void)
{
    uint64_t at = WINDOW + below(PAGES) * PAGE;
    if (one_in(60))
        at += 1 + below(PAGE - 1);
    if (one_in(200))
        at = one_in(2) ? 0 : 0x7ffffffff000ul - below(3) * PAGE;
    return at;
}

static uint64_t some_size(void)
{
    if (one_in(80))
        return 0;
    if (one_in(300))
        return one_in(2) ? ~0ul - below(3) * PAGE : 1ul << 47;
    uint64_t size = (1 + below(RANGE_PAGES)) * PAGE;
    return one_in(12) ? size - below(PAGE) : size;
}

/* Never beyond the window: what is done there must not touch the program's own. */
static uint64_t size_inside(uint64_t at, uint64_t size)
{
    uint64_t end = WINDOW + PAGES * PAGE;
    bool inside = at >= WINDOW && at < end;
    return inside && size > end - at && size < 1ul << 40 ? end - at : size;
}

static int some_prot(void)
{
    static const int prots[] = {PROT_READ | PROT_WRITE,
                                PROT_READ | PROT_WRITE,
                                PROT_READ,
                                PROT_NONE,
                                PROT_WRITE,
                                PROT_READ | PROT_EXEC,
                                PROT_READ | PROT_WRITE | PROT_EXEC};
    return prots[below(sizeof(prots) / sizeof(prots[0]))];
}

static bool in_window(uint64_t at)
{
    return at >= WINDOW && at < WINDOW + PAGES * PAGE;
}

/* What an operation was asked: shown with its result. */
static const char *asked(uint64_t at, uint64_t size, uint64_t a, uint64_t b, uint64_t c)
{
    static char text[128];
    char where[32];
    if (in_window(at))
        snprintf(where, sizeof(where), "%lu+%lu", (at - WINDOW) / PAGE, at % PAGE);
    else
        snprintf(where, sizeof(where), "%#lx", at);
    snprintf(text, sizeof(text), "(%s, %#lx, %#lx, %#lx, %#lx)", where, size, a, b, c);
    return text;
}

/* An address as a result: where in the window it is. */
static void tell_address(const char *name, const char *what, uint64_t result, uint64_t size)
{
    int error = errno;
    printf("%lu %s%s ", number, name, what);
    if (result == (uint64_t)MAP_FAILED)
        printf("errno %d\n", error);
    else if (in_window(result))
        printf("at %lu\n", (result - WINDOW) / PAGE);
    else if (result < WINDOW)
        printf("at %#lx\n", result);
    else {
        printf("outside\n");
        munmap((void *)result, size);
    }
}

static void tell_of(const char *name, const char *what, int64_t result)
{
    if (result == -1)
        printf("%lu %s%s errno %d\n", number, name, what, errno);
    else
        printf("%lu %s%s %ld\n", number, name, what, (long)result);
}

static void tell(const char *name, int64_t result)
{
    tell_of(name, "", result);
}

static void tell_range(const char *name, uint64_t at, uint64_t size, int flags, int result)
{
    int error = errno;
    const char *what = asked(at, size, (uint64_t)flags, 0, 0);
    errno = error;
    tell_of(name, what, result);
}

static void do_mmap(void)
{
    uint64_t at = some_address(), size = size_inside(at, some_size());
    int prot = some_prot(), fd = -1, flags = 0;
    uint64_t offset = 0;
    uint64_t kind = below(10);
    flags |= kind < 5 ? MAP_PRIVATE : kind < 9 ? MAP_SHARED : MAP_SHARED_VALIDATE;
    if (one_in(100))
        flags = (int)below(8);
    if (one_in(2)) {
        flags |= MAP_ANONYMOUS;
    } else {
        fd = files[below(one_in(6) ? FILES : READ_ONLY + 1)];
        if (fd == files[ZERO]) /* a private one tells the offsets of where it lies */
            flags |= MAP_SHARED;
        offset = below(FILE_PAGES) * PAGE + (one_in(100) ? 512 : 0);
    }
    uint64_t place = below(10);
    flags |= place < 6 ? MAP_FIXED : place < 8 ? MAP_FIXED_NOREPLACE : 0;
    flags |= one_in(6) ? MAP_POPULATE : 0;
    flags |= one_in(20) ? MAP_NONBLOCK : 0;
    flags |= one_in(10) ? MAP_LOCKED : 0;
    flags |= one_in(8) ? MAP_GROWSDOWN : 0;
    flags |= one_in(8) ? MAP_NORESERVE : 0;
    flags |= one_in(20) ? MAP_STACK : 0;
    if (!in_window(at)) /* the ends of the address space: not over the program */
        flags = (flags & ~MAP_FIXED) | MAP_FIXED_NOREPLACE;
    uint64_t got = (uint64_t)mmap((void *)at, size, prot, flags, fd, (off_t)offset);
    tell_address("mmap", asked(at, size, (uint64_t)prot, (uint64_t)flags, offset), got, size);
}

static void do_munmap(void)
{
    uint64_t at = some_address(), size = size_inside(at, some_size());
    if (size >= 1ul << 40 && at < WINDOW)
        at = WINDOW + 1;
    tell_range("munmap", at, size, 0, munmap((void *)at, size));
}

struct shown {
    uint64_t start, end, offset, inode;
    char perms[5], flags[32];
};

static bool alike(const struct shown *a, const struct shown *b)
{
    return a->end == b->start && !strcmp(a->perms, b->perms) && !strcmp(a->flags, b->flags) &&
           a->inode == b->inode && (!a->inode || a->offset + (a->end - a->start) == b->offset);
}

/* What the kernel says of the window. */
static unsigned areas_read(struct shown *areas, unsigned max)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[512];
    unsigned count = 0;
    struct shown *s = NULL;
    while (f && fgets(line, sizeof(line), f)) {
        struct shown now = {0};
        if (sscanf(line, "%lx-%lx %4s %lx %*s %lu", &now.start, &now.end, now.perms, &now.offset,
                   &now.inode) == 5) {
            s = in_window(now.start) && count < max ? &areas[count++] : NULL;
            if (s)
                *s = now;
        } else if (s && strncmp(line, "VmFlags:", 8) == 0) {
            for (char *word = strtok(line + 8, " \n"); word; word = strtok(NULL, " \n"))
                if (strstr("mw gd lo lf", word))
                    snprintf(s->flags + strlen(s->flags), 8, " %s", word);
        }
    }
    if (f)
        fclose(f);
    return count;
}

/* Where the areas begin that are alike down from at: the one begins there that PROT_GROWSDOWN goes
 * down to. */
static uint64_t begin_of(uint64_t at)
{
    static struct shown areas[PAGES];
    unsigned count = areas_read(areas, PAGES), i = count;
    while (i > 0 && areas[i - 1].start > at)
        i--;
    if (i == 0 || areas[i - 1].end <= at)
        return 0;
    for (i--; i > 0 && alike(&areas[i - 1], &areas[i]); i--)
        ;
    return areas[i].start;
}

static void do_mprotect(void)
{
    uint64_t at = some_address(), size = size_inside(at, some_size());
    int prot = some_prot() | (one_in(10) ? PROT_GROWSDOWN : 0) | (one_in(100) ? PROT_GROWSUP : 0) |
               (one_in(100) ? 0x10000 : 0);
    if (!in_window(at))
        size = 0;
    if (prot & PROT_GROWSDOWN && begin_of(at))
        at = begin_of(at);
    tell_range("mprotect", at, size, prot, mprotect((void *)at, size, prot));
}

static void do_mremap(void)
{
    uint64_t at = some_address(), to = some_address();
    uint64_t old = size_inside(at, some_size()), new = size_inside(to, some_size());
    int flags = one_in(4) ? 0 : MREMAP_MAYMOVE;
    flags |= one_in(2) ? MREMAP_FIXED : 0;
    flags |= one_in(6) ? MREMAP_DONTUNMAP : 0;
    flags |= one_in(100) ? 8 : 0;
    if (one_in(2))
        new = old;
    /* How far one area goes is each kernel's affair: what must lie in one is a page of it. */
    bool each = flags & MREMAP_FIXED && old == new, shrinks = !(flags & 6) && new < old;
    if (!each && !shrinks && (new < old || flags &MREMAP_DONTUNMAP))
        new = PAGE;
    if (!each && !shrinks && (new >= old || flags &MREMAP_DONTUNMAP))
        old = PAGE;
    new = size_inside(at, size_inside(to, new)); /* grown where it stands, too */
    old = each ? new : old;
    if (one_in(8))
        old = 0;
    if (!in_window(at) || (!in_window(to) && flags & MREMAP_FIXED))
        at = WINDOW + 1;
    for (uint64_t p = WINDOW; flags & MREMAP_DONTUNMAP && p < WINDOW + PAGES * PAGE; p += PAGE)
        munlock((void *)p, PAGE); /* it unlocks all of the area it takes from */
    uint64_t got = (uint64_t)mremap((void *)at, old, new, flags, (void *)to);
    tell_address("mremap", asked(at, old, new, (uint64_t)flags, (to - WINDOW) / PAGE), got, new);
}

static void do_madvise(void)
{
    static const int advices[] = {MADV_DONTNEED,
                                  MADV_DONTNEED,
                                  MADV_FREE,
                                  MADV_REMOVE,
                                  MADV_REMOVE,
                                  MADV_POPULATE_READ,
                                  MADV_POPULATE_WRITE,
                                  MADV_NORMAL,
                                  MADV_RANDOM,
                                  MADV_SEQUENTIAL,
                                  MADV_WILLNEED,
                                  MADV_DONTFORK,
                                  MADV_DOFORK,
                                  MADV_DONTDUMP,
                                  MADV_DODUMP,
                                  MADV_WIPEONFORK,
                                  MADV_KEEPONFORK,
                                  MADV_COLD,
                                  MADV_PAGEOUT,
                                  24 /* MADV_DONTNEED_LOCKED */,
                                  99,
                                  -1};
    uint64_t at = some_address(), size = size_inside(at, some_size());
    int advice = advices[below(sizeof(advices) / sizeof(advices[0]))];
    if (!in_window(at))
        size = 0;
    if (size >= 1ul << 40) /* not for the program's own memory */
        at = WINDOW + 1;
    tell_range("madvise", at, size, advice, madvise((void *)at, size, advice));
    if (advice == MADV_FREE)
        for (uint64_t p = at & ~(PAGE - 1); p < at + size && size < 1ul << 40; p += PAGE)
            madvise((void *)p, PAGE, MADV_DONTNEED);
}

static void do_lock(void)
{
    uint64_t at = some_address(), size = size_inside(at, some_size());
    int flags;
    if (!in_window(at))
        size = 0;
    switch (below(5)) {
    case 0:
    case 1:
        tell_range("mlock", at, size, 0, mlock((void *)at, size));
        break;
    case 2:
        flags = (int)below(3);
        tell_range("mlock2", at, size, flags, (int)syscall(SYS_mlock2, at, size, flags));
        break;
    default:
        tell_range("munlock", at, size, 0, munlock((void *)at, size));
    }
}

/* MCL_CURRENT would lock the program itself, whose size is each system's own. */
static void do_lock_all(void)
{
    if (one_in(3))
        tell("mlockall", mlockall(one_in(2) ? MCL_FUTURE : MCL_FUTURE | MCL_ONFAULT));
    else if (one_in(8))
        tell("mlockall", mlockall((int)below(16) & ~MCL_CURRENT));
    else
        tell("munlockall", munlockall());
}

static void do_msync(void)
{
    uint64_t at = some_address(), size = size_inside(at, some_size());
    static const int all[] = {MS_SYNC,
                              MS_ASYNC,
                              MS_INVALIDATE,
                              MS_SYNC | MS_INVALIDATE,
                              MS_ASYNC | MS_INVALIDATE,
                              0,
                              MS_SYNC | MS_ASYNC,
                              8};
    int flags = all[below(8)];
    tell_range("msync", at, size, flags, msync((void *)at, size, flags));
}

static void do_mincore(void)
{
    uint64_t at = some_address(), size = size_inside(at, some_size());
    int result = mincore((void *)at, size, size > BUFFER ? (void *)WINDOW : buffer);
    tell_range("mincore", at, size, 0, result);
}

static void do_brk(void)
{
    static char *end;
    end = end ? end : brk_start;
    char *wanted = one_in(20) ? brk_start - 1 - below(9) : brk_start + below(40) * PAGE / 2;
    char *got = (char *)syscall(SYS_brk, wanted);
    printf("%lu brk %ld\n", number, (long)(got - brk_start));
    if (got > end)
        memset(end, (int)number, (size_t)(got - end)); /* new memory: shows that it is there */
    uint64_t sum = 0;
    for (char *p = brk_start; p < got; p += PAGE / 2)
        sum = sum * 31 + (unsigned char)*p;
    printf("heap %lx\n", sum);
    end = got;
}

static void do_probe(void)
{
    volatile unsigned char *at = (unsigned char *)(WINDOW + below(PAGES) * PAGE + below(2) * 2048);
    uint64_t kind = below(3);
    fault_signal = 0;
    int value = -1;
    if (sigsetjmp(jump, 1) == 0) {
        if (kind == 1)
            *at = (unsigned char)number;
        else
            value = *at;
        if (kind == 2 && value == 0xc3)
            ((void (*)(void))at)();
    }
    if (fault_signal)
        printf("%lu probe %lu signal %d code %d at %ld\n", number, kind, fault_signal, fault_code,
               (long)(fault_address - WINDOW));
    else
        printf("%lu probe %lu value %d\n", number, kind, value);
}

/* Each page gets its own number; the first byte is an instruction that returns. */
static void do_fill(void)
{
    volatile uint64_t page = WINDOW / PAGE + below(PAGES);
    volatile uint64_t end = page + 1 + below(RANGE_PAGES);
    volatile unsigned written = 0;
    for (; page < end && in_window(page * PAGE); page++) {
        fault_signal = 0;
        if (sigsetjmp(jump, 1) == 0) {
            volatile unsigned char *p = (unsigned char *)(page * PAGE);
            p[0] = 0xc3;
            p[8] = (unsigned char)number;
            p[2048] = (unsigned char)(number >> 8);
            p[4095] = (unsigned char)page;
            written++;
        }
    }
    printf("%lu fill %u\n", number, written);
}

static void do_file(void)
{
    int fd = files[below(READ_ONLY + 1)];
    uint64_t offset = below(FILE_PAGES * PAGE), size = 1 + below(BUFFER);
    if (one_in(2)) {
        offset &= ~(PAGE - 1);
        size = (size + PAGE - 1) & ~(PAGE - 1);
    }
    memset(buffer, (int)number, sizeof(buffer));
    switch (below(5)) {
    case 0:
        tell("ftruncate", ftruncate(fd, (off_t)offset));
        break;
    case 1:
        tell("punch",
             fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size));
        break;
    case 2:
        tell("fallocate", fallocate(fd, 0, (off_t)offset, (off_t)(size / 4 + 1)));
        break;
    default:
        tell("pwrite", pwrite(fd, buffer, size / 3 + 1, (off_t)offset));
    }
}

static off_t size_of(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 ? info.st_size : 0;
}

/* The kernel's own accesses. A write that fails may lengthen a file of tmpfs up to where it began,
 * so none begins behind the end. */
static void do_transfer(void)
{
    int fd = files[below(2)];
    uint64_t at = some_address() + (one_in(3) ? below(PAGE) : 0), size = 1 + below(6 * PAGE);
    off_t offset = (off_t)below(FILE_PAGES * PAGE);
    if (!in_window(at) || !in_window(at + size))
        return;
    if (offset > size_of(fd))
        offset = size_of(fd);
    if (one_in(2))
        tell("pread", pread(fd, (void *)at, size, offset));
    else
        tell("pwrite from", pwrite(fd, (void *)at, size, offset));
}

static void do_process_vm(void)
{
    struct iovec local = {buffer, 1 + below(5 * PAGE)}, remote[3];
    unsigned count = 1 + (unsigned)below(3);
    for (unsigned i = 0; i < count; i++)
        remote[i] = (struct iovec){(void *)(WINDOW + below((PAGES - 8) * PAGE)), below(3 * PAGE)};
    memset(buffer, (int)number, sizeof(buffer));
    if (one_in(2)) { /* Linux makes copies of all the pages it could need, so it needs all */
        local.iov_len = BUFFER;
        tell("process_vm_writev", process_vm_writev(getpid(), &local, 1, remote, count, 0));
    } else {
        ssize_t n = process_vm_readv(getpid(), &local, 1, remote, count, 0);
        tell("process_vm_readv", n);
        uint64_t sum = 0;
        for (ssize_t i = 0; i < n; i++)
            sum = sum * 31 + buffer[i];
        printf("read %lx\n", sum);
    }
}

static void do_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_STACK, &limit);
    limit.rlim_cur = one_in(2) ? 8ul << 20 : (64 + below(64)) * PAGE;
    tell("limit", setrlimit(RLIMIT_STACK, &limit));
}

static void operation(void)
{
    uint64_t kind = below(100);
    if (kind < 22)
        do_mmap();
    else if (kind < 30)
        do_munmap();
    else if (kind < 40)
        do_mprotect();
    else if (kind < 52)
        do_mremap();
    else if (kind < 62)
        do_madvise();
    else if (kind < 66)
        do_lock();
    else if (kind < 67)
        do_lock_all();
    else if (kind < 69)
        do_msync();
    else if (kind < 71)
        do_mincore();
    else if (kind < 73)
        do_brk();
    else if (kind < 80)
        do_probe();
    else if (kind < 86)
        do_fill();
    else if (kind < 91)
        do_file();
    else if (kind < 95)
        do_transfer();
    else if (kind < 99)
        do_process_vm();
    else
        do_limit();
}

/* A sum of each page's contents; "-" if it can't be read. */
static void contents(uint64_t start, uint64_t end)
{
    static volatile uint64_t at;
    for (at = start; at < end; at += PAGE) {
        if (sigsetjmp(jump, 1) == 0) {
            const uint64_t *words = (const uint64_t *)at;
            uint64_t sum = 0;
            for (unsigned i = 0; i < PAGE / 8; i++)
                sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15ul;
            printf(sum ? " %04lx" : " 0", sum >> 48);
        } else {
            printf(" -");
        }
    }
}

/* Inodes are told by the order in which they were first seen. */
static unsigned name_of(uint64_t inode)
{
    static uint64_t seen[4096];
    static unsigned count;
    for (unsigned i = 0; i < count; i++)
        if (seen[i] == inode)
            return i + 1;
    if (inode && count < 4096)
        seen[count++] = inode;
    return inode ? count : 0;
}

static void show(const struct shown *s)
{
    if (!s->end)
        return;
    printf("  %lu-%lu %s %lu:%lu%s", (s->start - WINDOW) / PAGE, (s->end - WINDOW) / PAGE, s->perms,
           (unsigned long)name_of(s->inode), s->offset / PAGE, s->flags);
    if (s->perms[0] == 'r')
        contents(s->start, s->end);
    printf("\n");
}

static void look(void)
{
    static struct shown areas[PAGES];
    struct shown last = {0};
    unsigned count = areas_read(areas, PAGES);
    printf("%lu:\n", number);
    for (unsigned i = 0; i < count; i++) {
        if (last.end && alike(&last, &areas[i])) {
            last.end = areas[i].end;
        } else {
            show(&last);
            last = areas[i];
        }
    }
    show(&last);
}

static void tell_locked(void)
{
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, "VmLck:", 6) == 0)
            printf("%s", line);
    if (f)
        fclose(f);
}

static void tell_sizes(void)
{
    printf("sizes %ld %ld\n", (long)size_of(files[FIRST]), (long)size_of(files[SECOND]));
}

static int again(int fd, int flags)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, flags);
}

static void set_up(void)
{
    static char stack[65536];
    int ends[2];
    stack_t alt = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaltstack(&alt, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    struct rlimit limit = {MEMLOCK, MEMLOCK};
    setrlimit(RLIMIT_MEMLOCK, &limit);
    files[FIRST] = memfd_create("first", 0);
    files[SECOND] = memfd_create("second", 0);
    ftruncate(files[FIRST], 20 * PAGE);
    ftruncate(files[SECOND], 7 * PAGE + 100);
    files[READ_ONLY] = again(files[FIRST], O_RDONLY);
    files[WRITE_ONLY] = again(files[FIRST], O_WRONLY);
    files[ZERO] = open("/dev/zero", O_RDWR);
    pipe(ends);
    files[PIPE_IN] = ends[0];
    files[PIPE_OUT] = ends[1];
    files[NONE] = 999;
    brk_start = (char *)(((uint64_t)sbrk(0) + PAGE - 1) & ~(PAGE - 1));
    brk(brk_start);
}

int main(int argc, char **argv)
{
    static char output[1 << 16];
    if (argc < 3)
        return 2;
    uint64_t seed = strtoul(argv[1], NULL, 10), count = strtoul(argv[2], NULL, 10);
    /* Before the heap is ours: what stdio wants it takes from here, and fopen() from mmap. */
    setvbuf(stdout, output, _IOFBF, sizeof(output));
    set_up();
    if (argc > 3 &&
        setresuid((uid_t)atoi(argv[3]), (uid_t)atoi(argv[3]), (uid_t)atoi(argv[3])) != 0)
        return 2;
    for (number = 0; number < count; number++) {
        draw_for(seed, number);
        operation();
        if (number % LOOK_EVERY == LOOK_EVERY - 1) {
            look();
            tell_locked();
            tell_sizes();
        }
    }
    fflush(stdout);
    _exit(0);
}
