/*
 * Random operations on a tree of files, the same for the same seed; prints every result that is
 * determined. tests/differ/files.sh has it on Linux and in the guest and compares.
 *
 *     files tree DIR                  make the tree that an image is to have
 *     files run DIR FIRST COUNT OPS [EVERY]   in DIR, or if there is none from scratch in DIR.SEED
 *     files xattrs FILE               the end says whether it can have extended attributes
 *
 * What filesystems may choose is not printed: inode numbers (told as "the same as number N seen
 * before"), values of times, sizes and blocks of directories, blocks, the order of names, which
 * parts of a file are holes. tmpfs has no FALLOC_FL_ZERO_RANGE: it is made of other calls there. A
 * device's open is EACCES in a user namespace and ENXIO elsewhere. Each operation draws its numbers
 * from its own number alone, so that what one answers does not change the next.
 */
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
    PADDING = 24, /* folders above the one to work in: nothing leads out of them */
    SLOTS = 12,
    MAPS = 4,
    MAP_BYTES = 16 * 4096,
    BUFFER = 24 * 1024,
    IDS_MAX = 1 << 16,
    OLD_TIME = 1000000000
};

static uint64_t state;
static char top[PATH_MAX], work[PATH_MAX]; /* DIR, and the folder below its padding */
static int slots[SLOTS];
static unsigned char buffer[BUFFER];
static bool with_xattrs = true;
static uint64_t walk_every = 250; /* operations the whole tree is shown */
static volatile sig_atomic_t limit_signals;
static sigjmp_buf bus_jump;
static int watcher = -1;

static struct map {
    char *at;
    int fd;
    bool shared, writable;
} maps[MAPS];

static void seed(uint64_t a, uint64_t b)
{
    state = (a * 0x9e3779b97f4a7c15ull) ^ ((b + 1) * 0xd1b54a32d192ed03ull);
    state = (state ^ (state >> 31)) * 0xbf58476d1ce4e5b9ull | 1;
}

static uint32_t below(uint32_t n)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)((state * 0x2545f4914f6cdd1dull) >> 33) % n;
}

static bool chance(unsigned percent)
{
    return below(100) < percent;
}

static void result(long long n)
{
    if (n == -1)
        printf(" = %s\n", strerrorname_np(errno));
    else
        printf(" = %lld\n", n);
}

/* -------- names */

static const char *one_name(void)
{
    static char text[300];
    static const char *const names[] = {"a",
                                        "b",
                                        "c",
                                        "d",
                                        "e",
                                        "f",
                                        "a-name-that-is-somewhat-longer",
                                        "another-name-that-is-longer-still-than-that"};
    uint32_t kind = below(200);
    if (kind < 10)
        return "..";
    if (kind < 14)
        return ".";
    if (kind < 17) {
        size_t length = kind < 16 ? 255 : 256;
        memset(text, 'n', length);
        text[length] = 0;
        return text;
    }
    return names[below(chance(80) ? 6 : 8)];
}

struct path {
    char text[PATH_MAX];
    int base, slot; /* slot -1: the current folder */
};

static void path_draw(struct path *p, bool absolute_allowed)
{
    unsigned count = chance(45) ? 1 : chance(60) ? 2 : 1 + below(4);
    p->text[0] = 0;
    if (chance(1))
        count = 0;
    if (absolute_allowed && count && chance(10))
        strcpy(p->text, work), strcat(p->text, "/");
    for (unsigned i = 0; i < count; i++) {
        strcat(p->text, i == 0 ? "" : chance(4) ? "//" : "/");
        strcat(p->text, one_name());
    }
    if (count && chance(5))
        strcat(p->text, "/");
    p->slot = chance(25) ? (int)below(SLOTS) : -1;
    p->base = p->slot < 0 ? AT_FDCWD : slots[p->slot];
}

/* A path as it is printed: from the work folder on, and without names of 255 letters. */
static const char *shown(const char *text)
{
    static char out[2][PATH_MAX + 8];
    static int turn;
    char *start = out[turn ^= 1], *to = start;
    size_t length = strlen(work), same;
    if (strncmp(text, work, length) == 0) {
        *to++ = 'W';
        text += length;
    }
    while (*text) {
        same = strspn(text, "n");
        if (same > 20) {
            to += sprintf(to, "(%zu)", same);
            text += same;
        } else {
            *to++ = *text++;
        }
    }
    *to = 0;
    return start;
}

static void path_show(const struct path *p)
{
    if (p->slot >= 0)
        printf(" [%d]", p->slot);
    printf(" \"%s\"", shown(p->text));
}

/* -------- what is told of files */

static uint64_t hash_bytes(const unsigned char *at, size_t size, uint64_t hash)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * 0x100000001b3ull;
    return hash;
}

/* The number under which a file was seen first. */
static unsigned id_of(const struct stat *st)
{
    static struct {
        uint64_t ino;
        unsigned id;
    } table[IDS_MAX];
    static unsigned count;
    uint64_t i = (st->st_ino * 0x9e3779b97f4a7c15ull) >> 48;
    while (table[i % IDS_MAX].id && table[i % IDS_MAX].ino != st->st_ino)
        i++;
    if (!table[i % IDS_MAX].id) {
        table[i % IDS_MAX].ino = st->st_ino;
        table[i % IDS_MAX].id = ++count;
    }
    return table[i % IDS_MAX].id;
}

static void stat_show(const struct stat *st)
{
    printf(" %o links %lu id %u", st->st_mode, (unsigned long)st->st_nlink, id_of(st));
    if (!S_ISDIR(st->st_mode))
        printf(" size %lld", (long long)st->st_size);
    if (S_ISCHR(st->st_mode))
        printf(" dev %u:%u", major(st->st_rdev), minor(st->st_rdev));
    if (st->st_mtim.tv_sec <= OLD_TIME)
        printf(" modified %lld.%ld", (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

/* The beginning and the end of what an open file holds. */
static uint64_t contents(int fd)
{
    unsigned char part[4096];
    uint64_t hash = 0xcbf29ce484222325ull;
    struct stat st;
    if (fstat(fd, &st))
        return 0;
    off_t from = 0;
    for (ssize_t n; from < 128 * 1024 && (n = pread(fd, part, sizeof(part), from)) > 0; from += n)
        hash = hash_bytes(part, (size_t)n, hash);
    if (st.st_size > from) {
        ssize_t n = pread(fd, part, sizeof(part), st.st_size - 4000);
        hash = hash_bytes(part, n > 0 ? (size_t)n : 0, hash);
    }
    return hash;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void xattrs_show(int fd)
{
    char list[1024], value[64], *names[32];
    unsigned count = 0;
    ssize_t size = with_xattrs ? flistxattr(fd, list, sizeof(list)) : 0;
    for (char *at = list; size > 0 && at < list + size && count < 32; at += strlen(at) + 1)
        names[count++] = at;
    qsort(names, count, sizeof(names[0]), compare_text);
    for (unsigned i = 0; i < count; i++) {
        ssize_t n = fgetxattr(fd, names[i], value, sizeof(value));
        printf(" %s=%.*s", names[i], (int)(n > 0 ? n : 0), value);
    }
}

static unsigned names_of(int fd, char **names, unsigned max)
{
    unsigned count = 0;
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL && count < max;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            char text[300];
            snprintf(text, sizeof(text), "%s/%d", e->d_name, e->d_type);
            names[count++] = strdup(text);
        }
    if (dir)
        closedir(dir);
    qsort(names, count, sizeof(names[0]), compare_text);
    return count;
}

static void walk(int dir, unsigned depth);

static void walk_one(int dir, char *name, unsigned depth)
{
    char target[PATH_MAX];
    struct stat st;
    char *type = strrchr(name, '/');
    *type = 0;
    printf("%*s%s type %s", (int)depth, "", shown(name), type + 1);
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
        result(-1);
        return;
    }
    stat_show(&st);
    int fd =
        S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ? openat(dir, name, O_RDONLY | O_NOFOLLOW) : -1;
    if (S_ISREG(st.st_mode))
        printf(" hash %016llx", (unsigned long long)contents(fd));
    if (S_ISLNK(st.st_mode)) {
        ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = 0;
        printf(" -> %s", shown(target));
    }
    if (fd >= 0)
        xattrs_show(fd);
    printf("\n");
    if (S_ISDIR(st.st_mode))
        walk(fd, depth + 1);
    if (fd >= 0)
        close(fd);
}

static void walk(int dir, unsigned depth)
{
    char *names[512];
    unsigned count = names_of(dir, names, 512);
    for (unsigned i = 0; i < count; i++) {
        walk_one(dir, names[i], depth);
        free(names[i]);
    }
}

static void events_show(bool quiet)
{
    char buf[8192] __attribute__((aligned(8)));
    ssize_t n;
    while ((n = read(watcher, buf, sizeof(buf))) > 0)
        for (char *at = buf; at < buf + n && !quiet;) {
            struct inotify_event *e = (struct inotify_event *)(void *)at;
            printf("  event %d %x %s%s\n", e->wd, e->mask,
                   !e->len             ? ""
                   : e->name[0] == '#' ? "#"
                                       : shown(e->name),
                   e->cookie ? " cookie" : "");
            at += sizeof(*e) + e->len;
        }
}

static void walk_all(void)
{
    int fd = open(top, O_RDONLY | O_DIRECTORY);
    walk(fd, 0);
    close(fd);
    for (int i = 0; i < SLOTS; i++) {
        struct stat st;
        if (slots[i] < 0 || fstat(slots[i], &st))
            continue;
        printf("[%d] flags %x", i, fcntl(slots[i], F_GETFL));
        stat_show(&st);
        if (S_ISREG(st.st_mode))
            printf(" at %lld hash %016llx", (long long)lseek(slots[i], 0, SEEK_CUR),
                   (unsigned long long)contents(slots[i]));
        printf("\n");
    }
    events_show(true);
}

/* -------- operations on names */

static void slot_set(unsigned slot, int fd)
{
    if (slots[slot] >= 0)
        close(slots[slot]);
    slots[slot] = fd;
}

static void open_result(unsigned slot, int fd)
{
    slot_set(slot, fd);
    if (fd >= 0)
        printf(" = open\n");
    else if (errno == EACCES || errno == ENXIO)
        printf(" = no device\n");
    else
        result(-1);
}

static int open_flags(void)
{
    static const int access[] = {O_RDONLY, O_RDWR, O_RDWR, O_WRONLY};
    int flags = access[below(4)] | O_NONBLOCK | O_CLOEXEC;
    flags |= chance(55) ? O_CREAT : chance(15) ? O_DIRECTORY : 0;
    flags |= chance(12) ? O_EXCL : 0;
    flags |= chance(12) ? O_TRUNC : 0;
    flags |= chance(20) ? O_APPEND : 0;
    flags |= chance(12) ? O_NOFOLLOW : 0;
    if (!(flags & O_CREAT) && chance(35)) /* a folder, for paths to start from */
        flags = O_RDONLY | O_DIRECTORY | (chance(50) ? O_PATH : 0);
    if (chance(5))
        flags = O_PATH | (chance(50) ? O_NOFOLLOW : 0);
    return flags;
}

static void op_open(void)
{
    struct path p;
    path_draw(&p, true);
    int flags = open_flags();
    unsigned slot = below(SLOTS), mode = chance(80) ? 0644 : below(0777);
    printf("open");
    path_show(&p);
    printf(" %x %o -> [%u]", flags, mode, slot);
    open_result(slot, openat(p.base, p.text, flags, mode));
}

static void op_openat2(void)
{
    static const uint64_t resolve[] = {RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS,
                                       RESOLVE_NO_MAGICLINKS}; /* the root is another mount here */
    struct path p;
    path_draw(&p, false);
    struct open_how how = {.flags = (uint64_t)open_flags() & ~(uint64_t)O_EXCL,
                           .resolve = resolve[below(4)] | (chance(30) ? resolve[below(4)] : 0)};
    how.mode = how.flags & O_CREAT ? 0640 : 0;
    unsigned slot = below(SLOTS);
    printf("openat2");
    path_show(&p);
    printf(" %llx %llx -> [%u]", (unsigned long long)how.flags, (unsigned long long)how.resolve,
           slot);
    open_result(slot, (int)syscall(SYS_openat2, p.base, p.text, &how, sizeof(how)));
}

static void op_tmpfile(void)
{
    struct path p;
    path_draw(&p, true);
    unsigned slot = below(SLOTS);
    int flags = O_TMPFILE | (chance(80) ? O_RDWR : O_WRONLY) | (chance(20) ? O_EXCL : 0);
    printf("tmpfile");
    path_show(&p);
    printf(" %x -> [%u]", flags, slot);
    open_result(slot, openat(p.base, p.text, flags, 0600));
}

static void op_link_open(void)
{
    char from[64];
    struct path p;
    unsigned slot = below(SLOTS);
    path_draw(&p, true);
    snprintf(from, sizeof(from), "/proc/self/fd/%d", slots[slot]);
    printf("link of [%u]", slot);
    path_show(&p);
    result(slots[slot] < 0 ? 0 : linkat(AT_FDCWD, from, p.base, p.text, AT_SYMLINK_FOLLOW));
}

static void op_reopen(void)
{
    char from[64];
    unsigned slot = below(SLOTS), to = below(SLOTS);
    int flags = (chance(50) ? O_RDWR : O_RDONLY) | O_NONBLOCK | (chance(20) ? O_TRUNC : 0);
    snprintf(from, sizeof(from), "/proc/self/fd/%d", slots[slot]);
    printf("reopen [%u] %x -> [%u]", slot, flags, to);
    if (slots[slot] < 0)
        printf("\n");
    else
        open_result(to, open(from, flags));
}

static void op_dup(void)
{
    unsigned from = below(SLOTS), to = below(SLOTS);
    printf("dup [%u] -> [%u]\n", from, to);
    if (slots[from] >= 0 && from != to)
        slot_set(to, dup(slots[from]));
}

static void op_close(void)
{
    unsigned slot = below(SLOTS);
    printf("close [%u]\n", slot);
    slot_set(slot, -1);
}

static void op_mkdir(void)
{
    struct path p;
    path_draw(&p, true);
    unsigned mode = chance(80) ? 0755 : below(01777);
    printf("mkdir");
    path_show(&p);
    printf(" %o", mode);
    result(mkdirat(p.base, p.text, mode));
}

static void op_mknod(void)
{
    static const mode_t types[] = {S_IFREG, S_IFIFO, S_IFSOCK};
    struct path p;
    path_draw(&p, true);
    mode_t mode = types[below(3)] | 0600;
    printf("mknod");
    path_show(&p);
    printf(" %o", mode);
    result(mknodat(p.base, p.text, mode, 0));
}

static void op_symlink(void)
{
    struct path p, target;
    path_draw(&p, true);
    path_draw(&target, true);
    printf("symlink \"%s\"", shown(target.text));
    path_show(&p);
    result(symlinkat(target.text, p.base, p.text));
}

static void op_link(void)
{
    struct path from, to;
    path_draw(&from, true);
    path_draw(&to, true);
    int flags = chance(20) ? AT_SYMLINK_FOLLOW : 0;
    printf("link");
    path_show(&from);
    path_show(&to);
    printf(" %x", flags);
    result(linkat(from.base, from.text, to.base, to.text, flags));
}

static void op_unlink(void)
{
    struct path p;
    path_draw(&p, true);
    int flags = chance(30) ? AT_REMOVEDIR : 0;
    printf("unlink");
    path_show(&p);
    printf(" %x", flags);
    result(unlinkat(p.base, p.text, flags));
}

static void op_rmdir(void)
{
    struct path p;
    path_draw(&p, true);
    printf("rmdir");
    path_show(&p);
    result(unlinkat(p.base, p.text, AT_REMOVEDIR));
}

static void op_rename(void)
{
    static const unsigned flags[] = {0,
                                     0,
                                     0,
                                     RENAME_NOREPLACE,
                                     RENAME_EXCHANGE,
                                     RENAME_EXCHANGE,
                                     RENAME_EXCHANGE,
                                     RENAME_WHITEOUT,
                                     RENAME_WHITEOUT | RENAME_NOREPLACE,
                                     RENAME_WHITEOUT | RENAME_EXCHANGE,
                                     RENAME_EXCHANGE | RENAME_NOREPLACE,
                                     8};
    struct path from, to;
    path_draw(&from, true);
    path_draw(&to, true);
    unsigned how = flags[below(chance(85) ? 8 : 12)];
    printf("rename");
    path_show(&from);
    path_show(&to);
    printf(" %x", how);
    result(renameat2(from.base, from.text, to.base, to.text, how));
}

static void op_stat(void)
{
    struct path p;
    struct stat st;
    path_draw(&p, true);
    int flags = chance(50) ? AT_SYMLINK_NOFOLLOW : 0;
    printf("stat");
    path_show(&p);
    int err = fstatat(p.base, p.text, &st, flags);
    if (!err)
        stat_show(&st);
    result(err);
}

static void op_readlink(void)
{
    struct path p;
    char text[PATH_MAX];
    path_draw(&p, true);
    printf("readlink");
    path_show(&p);
    ssize_t n = readlinkat(p.base, p.text, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    printf(" \"%s\"", shown(text));
    result(n < 0 ? n : 0);
}

static void op_list(void)
{
    struct path p;
    char *names[512];
    path_draw(&p, true);
    printf("list");
    path_show(&p);
    int fd = openat(p.base, p.text, O_RDONLY | O_DIRECTORY);
    unsigned count = fd < 0 ? 0 : names_of(fd, names, 512);
    for (unsigned i = 0; i < count; i++) {
        printf(" %s", shown(names[i]));
        free(names[i]);
    }
    result(fd < 0 ? -1 : (long long)count);
    if (fd >= 0)
        close(fd);
}

static void op_chmod(void)
{
    struct path p;
    path_draw(&p, true);
    unsigned mode = below(01777);
    printf("chmod");
    path_show(&p);
    printf(" %o", mode);
    result(fchmodat(p.base, p.text, mode, 0));
}

static void op_chown(void)
{
    struct path p;
    path_draw(&p, true);
    int flags = chance(30) ? AT_SYMLINK_NOFOLLOW : 0;
    printf("chown");
    path_show(&p);
    result(fchownat(p.base, p.text, 0, chance(50) ? 0 : (gid_t)-1, flags));
}

static void op_utimens(void)
{
    struct path p;
    path_draw(&p, true);
    struct timespec times[2] = {{0, UTIME_OMIT}, {(time_t)below(OLD_TIME), below(1000)}};
    printf("utimens");
    path_show(&p);
    result(utimensat(p.base, p.text, times, chance(30) ? AT_SYMLINK_NOFOLLOW : 0));
}

static void op_access(void)
{
    struct path p;
    path_draw(&p, true);
    printf("access");
    path_show(&p);
    result(faccessat(p.base, p.text, F_OK, 0));
}

static void op_chdir(void)
{
    struct path p;
    char text[PATH_MAX] = "";
    path_draw(&p, true);
    int fd = chance(50) ? openat(p.base, p.text, O_PATH | O_DIRECTORY) : -1;
    printf("chdir");
    path_show(&p);
    int err = fd >= 0 ? fchdir(fd) : chdir(p.text);
    int saved = errno;
    if (fd >= 0)
        close(fd);
    printf(" %d", err);
    errno = saved;
    if (!err)
        err = getcwd(text, sizeof(text)) ? 0 : -1;
    printf(" %s", shown(text));
    result(err);
}

static void op_home(void)
{
    printf("home");
    result(chdir(work));
}

/* -------- operations on data */

static size_t fill(size_t max)
{
    size_t size = chance(50) ? below(64) : chance(50) ? 4096u * below(4) : below((uint32_t)max);
    unsigned char byte = (unsigned char)below(256);
    for (size_t i = 0; i < size; i++)
        buffer[i] = (unsigned char)(byte + i / 7);
    return size;
}

static off_t place(void)
{
    return chance(30) ? 4096 * (off_t)below(24) : (off_t)below(chance(50) ? 5000 : 100000);
}

static void op_write(void)
{
    unsigned slot = below(SLOTS), kind = below(4);
    off_t at = place();
    size_t size = fill(BUFFER);
    struct iovec parts[2] = {{buffer, size / 3}, {buffer + size / 3, size - size / 3}};
    printf("write %u [%u] %zu at %lld", kind, slot, size, (long long)at);
    long long n = kind == 0   ? write(slots[slot], buffer, size)
                  : kind == 1 ? pwrite(slots[slot], buffer, size, at)
                  : kind == 2 ? writev(slots[slot], parts, 2)
                              : pwritev2(slots[slot], parts, 2, chance(50) ? -1 : at, RWF_APPEND);
    int saved = errno;
    printf(" signals %d", (int)limit_signals);
    errno = saved;
    result(n);
}

static void op_read(void)
{
    unsigned slot = below(SLOTS), own = below(2);
    off_t at = place();
    size_t size = below(BUFFER);
    memset(buffer, 0xee, sizeof(buffer));
    printf("read [%u] %zu at %lld", slot, size, own ? -1ll : (long long)at);
    ssize_t n = own ? read(slots[slot], buffer, size) : pread(slots[slot], buffer, size, at);
    int saved = errno;
    printf(" hash %016llx", (unsigned long long)hash_bytes(buffer, sizeof(buffer), 1));
    errno = saved;
    result(n);
}

static void op_seek(void)
{
    unsigned slot = below(SLOTS);
    int whence = (int)below(3);
    off_t at = place() - (chance(50) ? 3000 : 0);
    struct stat st;
    printf("seek [%u] %lld %d", slot, (long long)at, whence);
    if (slots[slot] >= 0 && fstat(slots[slot], &st) == 0 && S_ISDIR(st.st_mode))
        printf("\n");
    else
        result(lseek(slots[slot], at, whence));
}

/* Holes are the filesystem's choice, but what it calls one must be zeros. */
static void op_holes(void)
{
    unsigned slot = below(SLOTS);
    off_t at = place();
    struct stat st;
    printf("holes [%u] %lld", slot, (long long)at);
    if (slots[slot] < 0 || fstat(slots[slot], &st) || !S_ISREG(st.st_mode) ||
        fcntl(slots[slot], F_GETFL) & O_PATH) {
        printf("\n");
        return;
    }
    off_t before = lseek(slots[slot], 0, SEEK_CUR);
    off_t data = lseek(slots[slot], at, SEEK_DATA), hole = lseek(slots[slot], at, SEEK_HOLE);
    (void)!lseek(slots[slot], before, SEEK_SET);
    off_t end = data < 0 ? st.st_size : data;
    bool zeros = true;
    for (off_t i = at; i < end && i < at + 100000; i++) {
        char c = 0;
        if (pread(slots[slot], &c, 1, i) != 1)
            break;
        zeros = zeros && c == 0;
        i += i % 61; /* a sample */
    }
    printf(" %s %s\n", (hole < 0) == (at >= st.st_size) && hole <= st.st_size ? "" : "bad hole",
           zeros ? "" : "data in a hole");
    events_show(true);
}

static void op_truncate(void)
{
    struct path p;
    unsigned slot = below(SLOTS);
    off_t size = chance(3) ? (off_t)1 << (30 + below(12)) : place();
    path_draw(&p, true);
    bool by_name = chance(40);
    printf("truncate [%u]", slot);
    if (by_name)
        path_show(&p);
    printf(" %lld", (long long)size);
    int err = by_name ? truncate(p.text, size) : ftruncate(slots[slot], size);
    int saved = errno;
    printf(" signals %d", (int)limit_signals);
    errno = saved;
    result(err);
}

/* tmpfs can't zero a range: the same by other calls. */
static int zero_range(int fd, bool keep, off_t at, off_t size)
{
    static const char zeros[100000];
    char name[64];
    struct stat st;
    struct rlimit limit, none;
    int err = fallocate(fd, FALLOC_FL_ZERO_RANGE | (keep ? FALLOC_FL_KEEP_SIZE : 0), at, size);
    if (!err || errno != EOPNOTSUPP)
        return err;
    if (fallocate(fd, keep ? FALLOC_FL_KEEP_SIZE : 0, at, size) || fstat(fd, &st))
        return -1;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    int again = open(name, O_WRONLY);
    getrlimit(RLIMIT_FSIZE, &limit);
    none = (struct rlimit){RLIM_INFINITY, limit.rlim_max}; /* it holds for what becomes longer */
    setrlimit(RLIMIT_FSIZE, &none);
    size_t inside =
        st.st_size <= at ? 0 : (size_t)(st.st_size - at < size ? st.st_size - at : size);
    err = pwrite(again, zeros, inside, at) == (ssize_t)inside ? 0 : -1;
    setrlimit(RLIMIT_FSIZE, &limit);
    close(again);
    return err;
}

static void op_fallocate(void)
{
    static const int modes[] = {0,
                                FALLOC_FL_KEEP_SIZE,
                                FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                                FALLOC_FL_PUNCH_HOLE,
                                FALLOC_FL_COLLAPSE_RANGE,
                                FALLOC_FL_INSERT_RANGE,
                                FALLOC_FL_ZERO_RANGE,
                                FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE};
    unsigned slot = below(SLOTS);
    int mode = modes[below(9)];
    off_t at = place(), size = chance(30) ? 4096 * (off_t)(1 + below(8)) : (off_t)below(40000);
    printf("fallocate [%u] %x %lld %lld", slot, mode, (long long)at, (long long)size);
    int err = mode & FALLOC_FL_ZERO_RANGE
                  ? zero_range(slots[slot], mode & FALLOC_FL_KEEP_SIZE, at, size)
                  : fallocate(slots[slot], mode, at, size);
    int saved = errno;
    if (mode & FALLOC_FL_ZERO_RANGE)
        events_show(true); /* of the other calls */
    printf(" signals %d", (int)limit_signals);
    errno = saved;
    result(err);
}

static void op_copy(void)
{
    unsigned from = below(SLOTS), to = below(SLOTS), kind = below(4);
    loff_t in = place(), out = place();
    size_t size = below(chance(80) ? 20000 : 100000);
    struct stat a, b;
    printf("copy %u [%u] %lld [%u] %lld %zu", kind, from, (long long)in, to, (long long)out, size);
    /* Within one file sendfile's parts may overlap: what then is copied depends on their sizes. */
    if (kind >= 2 && !fstat(slots[from], &a) && !fstat(slots[to], &b) && a.st_ino == b.st_ino) {
        printf("\n");
        return;
    }
    ssize_t n = kind == 0   ? copy_file_range(slots[from], &in, slots[to], &out, size, 0)
                : kind == 1 ? copy_file_range(slots[from], NULL, slots[to], NULL, size, 0)
                : kind == 2 ? sendfile(slots[to], slots[from], &in, size)
                            : sendfile(slots[to], slots[from], NULL, size);
    int saved = errno;
    printf(" %lld %lld signals %d", (long long)in, (long long)out, (int)limit_signals);
    errno = saved;
    result(n);
}

static void op_fstat(void)
{
    struct stat st;
    unsigned slot = below(SLOTS);
    printf("fstat [%u]", slot);
    int err = fstat(slots[slot], &st);
    if (!err)
        stat_show(&st);
    if (!err && S_ISREG(st.st_mode))
        printf(" at %lld", (long long)lseek(slots[slot], 0, SEEK_CUR));
    result(err);
}

static void op_flags(void)
{
    unsigned slot = below(SLOTS);
    int flags = O_NONBLOCK | (chance(50) ? O_APPEND : 0);
    printf("flags [%u] %x", slot, flags);
    result(fcntl(slots[slot], F_SETFL, flags));
}

static void op_fchange(void)
{
    unsigned slot = below(SLOTS), kind = below(3);
    struct timespec times[2] = {{0, UTIME_OMIT}, {(time_t)below(OLD_TIME), 7}};
    printf("change %u [%u]", kind, slot);
    result(kind == 0   ? fchmod(slots[slot], below(01777))
           : kind == 1 ? futimens(slots[slot], times)
                       : fsync(slots[slot]));
}

static void op_path_of(void)
{
    char name[64], text[PATH_MAX];
    unsigned slot = below(SLOTS);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", slots[slot]);
    ssize_t n = slots[slot] < 0 ? 0 : readlink(name, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    char *hash = strstr(text, "/#"); /* of O_TMPFILE */
    if (hash)
        *hash = 0;
    printf("path of [%u] \"%s\"\n", slot, shown(text));
}

static void op_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = chance(40) ? 30000 : RLIM_INFINITY;
    printf("limit %lld", (long long)limit.rlim_cur);
    result(setrlimit(RLIMIT_FSIZE, &limit));
}

/* -------- mappings */

static void map_drop(struct map *m)
{
    if (m->at) {
        munmap(m->at, MAP_BYTES);
        close(m->fd);
    }
    m->at = NULL;
}

static void op_map(void)
{
    struct map *m = &maps[below(MAPS)];
    unsigned slot = below(SLOTS);
    map_drop(m);
    m->shared = chance(70);
    m->writable = chance(80);
    m->fd = dup(slots[slot]);
    m->at = mmap(NULL, MAP_BYTES, PROT_READ | (m->writable ? PROT_WRITE : 0),
                 m->shared ? MAP_SHARED : MAP_PRIVATE, m->fd, 0);
    printf("map [%u] %d %d", slot, m->shared, m->writable);
    result(m->at == MAP_FAILED ? -1 : 0);
    if (m->at == MAP_FAILED) {
        m->at = NULL;
        if (m->fd >= 0)
            close(m->fd);
    }
}

static void op_unmap(void)
{
    unsigned which = below(MAPS);
    printf("unmap %u\n", which);
    map_drop(&maps[which]);
}

/* A few bytes inside the file are written, or any page is read. */
static void op_touch(void)
{
    unsigned which = below(MAPS), at = below(MAP_BYTES - 64);
    bool writing = chance(60);
    unsigned char byte = (unsigned char)below(256);
    static const struct timespec fixed[2] = {{0, UTIME_OMIT}, {OLD_TIME, 1}};
    struct map *m = &maps[which];
    struct stat st;
    printf("touch %u %u %d", which, at, writing);
    if (!m->at || fstat(m->fd, &st)) {
        printf("\n");
        return;
    }
    bool inside = (off_t)at + 64 <= st.st_size;
    if (sigsetjmp(bus_jump, 1)) {
        printf(" = SIGBUS\n");
    } else if (writing && m->writable && inside) {
        memset(m->at + at, byte, 64);
        futimens(m->fd, fixed); /* which fault changes times is the filesystem's choice */
        printf(" written\n");
    } else {
        unsigned char copy[64];
        memcpy(copy, m->at + at, inside ? 64 : 1);
        printf(" hash %llx\n", inside ? (unsigned long long)hash_bytes(copy, 64, 1) : 0ull);
    }
}

/* -------- extended attributes, watches */

static void op_xattr(void)
{
    static const char *const names[] = {"user.a", "user.b", "user.longer-name", "user."};
    struct path p;
    unsigned slot = below(SLOTS), kind = below(6);
    const char *name = names[below(chance(95) ? 3 : 4)];
    char value[32];
    path_draw(&p, true);
    size_t size = below(16);
    memset(value, 'v' - (int)below(10), sizeof(value));
    int flags = chance(70) ? 0 : chance(50) ? XATTR_CREATE : XATTR_REPLACE;
    printf("xattr %u [%u] %s %s %zu %x", kind, slot, shown(p.text), name, size, flags);
    if (!with_xattrs) {
        printf("\n");
        return;
    }
    result(kind == 0   ? setxattr(p.text, name, value, size, flags)
           : kind == 1 ? lsetxattr(p.text, name, value, size, flags)
           : kind == 2 ? fsetxattr(slots[slot], name, value, size, flags)
           : kind == 3 ? removexattr(p.text, name)
           : kind == 4 ? fremovexattr(slots[slot], name)
                       : getxattr(p.text, name, value, size));
}

static void op_watch(void)
{
    struct path p;
    path_draw(&p, true);
    uint32_t mask = IN_ALL_EVENTS & ~(chance(50) ? IN_ACCESS | IN_OPEN : 0u);
    if (chance(20))
        mask &= (1u << below(12)) | (1u << below(12));
    mask |= (chance(20) ? IN_ONLYDIR : 0) | (chance(10) ? IN_ONESHOT : 0) |
            (chance(10) ? IN_EXCL_UNLINK : 0) | (chance(20) ? IN_DONT_FOLLOW : 0);
    printf("watch \"%s\" %x", shown(p.text), mask);
    result(chance(80) ? inotify_add_watch(watcher, p.text, mask)
                      : inotify_rm_watch(watcher, 1 + (int)below(20)));
}

static const struct {
    void (*run)(void);
    unsigned weight;
} operations[] = {
    {op_open, 100},   {op_openat2, 12}, {op_tmpfile, 15},  {op_link_open, 20}, {op_reopen, 10},
    {op_dup, 8},      {op_close, 20},   {op_mkdir, 70},    {op_mknod, 8},      {op_symlink, 25},
    {op_link, 35},    {op_unlink, 50},  {op_rmdir, 25},    {op_rename, 90},    {op_stat, 25},
    {op_readlink, 5}, {op_list, 20},    {op_chmod, 8},     {op_chown, 5},      {op_utimens, 15},
    {op_access, 5},   {op_chdir, 12},   {op_home, 12},     {op_write, 70},     {op_read, 30},
    {op_seek, 12},    {op_holes, 6},    {op_truncate, 20}, {op_fallocate, 25}, {op_copy, 40},
    {op_fstat, 15},   {op_flags, 6},    {op_fchange, 10},  {op_path_of, 8},    {op_limit, 4},
    {op_map, 15},     {op_unmap, 6},    {op_touch, 40},    {op_xattr, 20},     {op_watch, 6},
};
enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

static void one(uint64_t run_seed, uint64_t number)
{
    unsigned total = 0, which = 0;
    for (unsigned i = 0; i < OPERATIONS; i++)
        total += operations[i].weight;
    seed(run_seed, number);
    unsigned drawn = below(total);
    while (drawn >= operations[which].weight)
        drawn -= operations[which++].weight;
    printf("%llu.%llu ", (unsigned long long)run_seed, (unsigned long long)number);
    errno = 0;
    operations[which].run();
    events_show(false);
}

/* -------- the tree, and a run */

static void padding_make(void)
{
    (void)!mkdir(top, 0755);
    if (!realpath(top, work))
        exit(2);
    strcpy(top, work);
    for (int i = 0; i < PADDING; i++) {
        strcat(work, "/p");
        (void)!mkdir(work, 0755);
    }
    if (chdir(work)) {
        perror(work);
        exit(2);
    }
}

static void tree_file(const char *name, size_t size)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    for (size_t i = 0; i < size; i += BUFFER) {
        for (size_t k = 0; k < BUFFER; k++)
            buffer[k] = (unsigned char)((i + k) / 97 + size);
        (void)!write(fd, buffer, size - i < BUFFER ? size - i : BUFFER);
    }
    close(fd);
}

/* All that names have in common: the same below several folders, files of many sizes, links. */
static void tree_level(unsigned depth)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 5000, 70000, 100};
    tree_file("a", sizes[depth * 3 % 7]);
    tree_file("another-name-that-is-longer-still-than-that", sizes[(depth * 3 + 1) % 7]);
    (void)!link("a", "f");
    (void)!symlink(depth % 2 ? "../b" : "c/a", "e");
    for (const char *name = "bcd"; *name && depth < 3; name++) {
        char text[2] = {*name, 0};
        (void)!mkdir(text, 0755);
        if (chdir(text))
            exit(2);
        tree_level(depth + 1 + (*name == 'd'));
        if (chdir(".."))
            exit(2);
    }
}

static void times_set(int dir)
{
    static const struct timespec old[2] = {{OLD_TIME, 0}, {OLD_TIME, 0}}, zero[2]; /* of links */
    char *names[512];
    unsigned count = names_of(dir, names, 512);
    for (unsigned i = 0; i < count; i++) {
        char *type = strrchr(names[i], '/');
        *type = 0;
        int fd = openat(dir, names[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (fd >= 0) {
            times_set(fd);
            close(fd);
        }
        utimensat(dir, names[i], atoi(type + 1) == DT_LNK ? zero : old, AT_SYMLINK_NOFOLLOW);
        free(names[i]);
    }
}

static void tree_make(void)
{
    padding_make();
    tree_level(0);
    int fd = open(top, O_RDONLY | O_DIRECTORY);
    times_set(fd);
    close(fd);
}

static void on_signal(int signal)
{
    if (signal == SIGBUS)
        siglongjmp(bus_jump, 1);
    limit_signals++;
}

static void run(uint64_t run_seed, uint64_t count)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    limit_signals = 0;
    watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    for (int i = 0; i < SLOTS; i++)
        slots[i] = -1;
    for (uint64_t i = 1; i <= count; i++) {
        one(run_seed, i);
        if (i % walk_every == 0 || i == count)
            walk_all();
    }
    setrlimit(RLIMIT_FSIZE, &limit);
    for (int i = 0; i < SLOTS; i++)
        slot_set((unsigned)i, -1);
    for (int i = 0; i < MAPS; i++)
        map_drop(&maps[i]);
    close(watcher);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "xattrs") == 0)
        return setxattr(argv[2], "user.x", "y", 1, 0) != 0;
    if (argc < 3 || (strcmp(argv[1], "run") == 0 && argc < 6))
        return 2;
    umask(022);
    signal(SIGXFSZ, on_signal);
    signal(SIGBUS, on_signal);
    signal(SIGPIPE, SIG_IGN);
    snprintf(top, sizeof(top), "%s", argv[2]);
    if (strcmp(argv[1], "tree") == 0) {
        tree_make();
        return 0;
    }
    with_xattrs = !getenv("NO_XATTRS");
    if (argc > 6)
        walk_every = strtoull(argv[6], NULL, 10);
    uint64_t first = strtoull(argv[3], NULL, 10), count = strtoull(argv[4], NULL, 10);
    bool tree = access(argv[2], F_OK) == 0;
    for (uint64_t s = first; s < first + count; s++) {
        if (!tree)
            snprintf(top, sizeof(top), "%s.%llu", argv[2], (unsigned long long)s);
        padding_make();
        run(s, strtoull(argv[5], NULL, 10));
    }
    return 0;
}
