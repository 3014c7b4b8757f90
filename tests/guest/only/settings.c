/*
 * In the guest alone: what can be written below /proc/sys and /sys has what was written afterwards,
 * and acts; all else can't be opened for writing. On Linux it would change the host. The same for
 * the modes and owners of devices.
 */
#include <ftw.h>
#include <sys/fsuid.h>

#include "tests/harness/guest.h"

static int writable_count;

/* Whether path, which has a number, takes another one (then it has it), or none. */
static bool acts_or_refuses(const char *path, int fd)
{
    char before[64], other[64];
    snprintf(before, sizeof(before), "%.60s", file_get(path));
    char *end;
    long number = strtol(before, &end, 10);
    if (end == before || *end != '\n')
        return true; /* names: below */
    long tries[] = {number + 1, number - 1, number / 2};
    bool taken = false;
    for (size_t i = 0; i < 3 && !taken; i++) {
        snprintf(other, sizeof(other), "%ld\n", tries[i]);
        taken = pwrite(fd, other, strlen(other), 0) == (ssize_t)strlen(other);
    }
    bool there = taken && strcmp(file_get(path), other) == 0;
    return file_put(path, before) && there;
}

static int look(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)walk;
    int fd = type == FTW_F ? open(path, O_WRONLY) : -1;
    if (fd < 0)
        return 0;
    writable_count++;
    if (!strstr(path, "pipe-max-size") &&
        !strstr(path, "kernel/sem") && /* that are rounded, four */
        !CHECK(strstr(path, "drop_caches") || acts_or_refuses(path, fd)))
        printf("# %s\n", path);
    close(fd);
    return 0;
}

static void what_is_taken_is_kept(void)
{
    CHECK_OK(nftw("/proc/sys", look, 20, FTW_PHYS));
    CHECK(writable_count > 10);
    CHECK_OK(nftw("/sys", look, 20, FTW_PHYS));
    CHECK_ERR(open("/proc/sys/vm/swappiness", O_WRONLY), EACCES);
    CHECK_ERR(open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDWR), EACCES);
    CHECK_ERR(open("/proc/self/loginuid", O_WRONLY), EACCES);
    CHECK_ERR(open("/proc/self/coredump_filter", O_WRONLY), EACCES);
}

static int link_as_other(void)
{
    setfsuid(1000);
    int result = link("roots", "another"), error = errno;
    setfsuid(0);
    errno = error;
    return result;
}

static void protected_hardlinks(void)
{
    CHECK_OK(chmod(".", 0777));
    CHECK(file_put("roots", "text"));
    CHECK_ERR(link_as_other(), EPERM);
    CHECK(file_put("/proc/sys/fs/protected_hardlinks", "0"));
    CHECK_OK(link_as_other());
    CHECK(file_put("/proc/sys/fs/protected_hardlinks", "1"));
    CHECK(!file_put("/proc/sys/fs/protected_hardlinks", "2"));
    unlink("another");
    unlink("roots");
}

static void caches_are_dropped(void)
{
    CHECK(strlen(file_get("/proc/self/exe")) > 0);
    CHECK(file_put("/proc/sys/vm/drop_caches", "3\n"));
    CHECK(!file_put("/proc/sys/vm/drop_caches", "0"));
    CHECK(!file_put("/proc/sys/vm/drop_caches", "x"));
}

/* They outlast the cache. */
static void devices_have_modes_and_owners(void)
{
    struct stat st;
    int fd = open("/dev/null", O_RDWR);
    CHECK_OK(fchmod(fd, 0640));
    CHECK_OK(fchown(fd, 1000, 1001));
    CHECK_OK(chmod("/dev/full", 0600));
    CHECK(file_put("/proc/sys/vm/drop_caches", "3\n"));
    CHECK_OK(stat("/dev/null", &st));
    CHECK_EQ(st.st_mode, S_IFCHR | 0640);
    CHECK(st.st_uid == 1000 && st.st_gid == 1001);
    CHECK_OK(stat("/dev/full", &st));
    CHECK_EQ(st.st_mode, S_IFCHR | 0600);
    CHECK_ERR(chmod("/proc/self/status", 0600), EPERM);
    close(fd);
}

int main(void)
{
    scratch_enter();
    RUN(what_is_taken_is_kept);
    RUN(protected_hardlinks);
    RUN(caches_are_dropped);
    RUN(devices_have_modes_and_owners);
    CHECK(scratch_leave());
    return check_done();
}
