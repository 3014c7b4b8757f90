/* What stat, statx, statfs, access and the calls that change modes, owners and times tell. */
#include <linux/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <utime.h>

#include "tests/harness/guest.h"

static void stat_fills_everything(void)
{
    struct stat st, other;
    CHECK(file_put("f", "12345"));
    CHECK_OK(stat("f", &st));
    CHECK_EQ(st.st_mode, S_IFREG | 0644);
    CHECK_EQ(st.st_size, 5);
    CHECK_EQ(st.st_nlink, 1);
    CHECK_EQ(st.st_uid + st.st_gid, 0);
    CHECK(st.st_ino != 0 && st.st_dev != 0);
    CHECK(st.st_blksize >= 512);
    CHECK(st.st_blocks >= 1 && st.st_blocks <= 64);
    int64_t age = now_ns(CLOCK_REALTIME) / 1000000000 - st.st_mtime;
    CHECK(age >= 0 && age < 100);
    CHECK(st.st_mtim.tv_nsec >= 0 && st.st_mtim.tv_nsec < 1000000000);
    int fd = open("f", O_RDONLY);
    CHECK_OK(fstat(fd, &other));
    CHECK_EQ(memcmp(&st, &other, sizeof(st)), 0);
    close(fd);
    CHECK_ERR(fstat(9999, &st), EBADF);
    CHECK_ERR(syscall(SYS_stat, "f", KERNEL_ADDRESS), EFAULT);
    CHECK_ERR(syscall(SYS_lstat, "f", NULL_PAGE_ADDRESS), EFAULT);
    CHECK_OK(stat("/dev/null", &st));
    CHECK(S_ISCHR(st.st_mode));
    CHECK_EQ(st.st_rdev, makedev(1, 3));
    CHECK_OK(stat("/", &st));
    CHECK(S_ISDIR(st.st_mode));
}

static void statx_tells_the_same_and_more(void)
{
    struct stat st;
    struct statx sx;
    memset(&sx, 0xff, sizeof(sx));
    CHECK_OK(stat("f", &st));
    CHECK_OK(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS | STATX_BTIME, &sx));
    CHECK_EQ(sx.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
    CHECK_EQ(sx.stx_mode, st.st_mode);
    CHECK_EQ(sx.stx_size, st.st_size);
    CHECK_EQ(sx.stx_ino, st.st_ino);
    CHECK_EQ(sx.stx_mtime.tv_nsec, st.st_mtim.tv_nsec);
    CHECK_EQ(makedev(sx.stx_dev_major, sx.stx_dev_minor), st.st_dev);
    int fd = open("f", O_RDONLY);
    CHECK_OK(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &sx));
    CHECK_EQ(sx.stx_size, 5);
    close(fd);
    CHECK_ERR(statx(AT_FDCWD, "nothing", 0, STATX_ALL, &sx), ENOENT);
    CHECK_ERR(statx(AT_FDCWD, "f", 0x40000000, STATX_ALL, &sx), EINVAL);
    CHECK_ERR(statx(AT_FDCWD, "f", 0, 0x80000000u, &sx), EINVAL);
    CHECK_ERR(syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_ALL, KERNEL_ADDRESS), EFAULT);
}

static void times_move_as_they_should(void)
{
    struct stat before, after;
    CHECK_OK(stat("f", &before));
    sleep_ms(20);
    int fd = open("f", O_RDWR);
    CHECK_EQ(write(fd, "X", 1), 1);
    close(fd);
    CHECK_OK(stat("f", &after));
    CHECK(after.st_mtim.tv_sec > before.st_mtim.tv_sec ||
          after.st_mtim.tv_nsec > before.st_mtim.tv_nsec);
    before = after;
    sleep_ms(20);
    CHECK_OK(chmod("f", 0600));
    CHECK_OK(stat("f", &after));
    CHECK_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    CHECK(after.st_ctim.tv_sec > before.st_ctim.tv_sec ||
          after.st_ctim.tv_nsec > before.st_ctim.tv_nsec);
    CHECK_OK(mkdir("d", 0755));
    CHECK_OK(stat("d", &before));
    sleep_ms(20);
    CHECK(file_put("d/new", ""));
    CHECK_OK(stat("d", &after));
    CHECK(after.st_mtim.tv_sec > before.st_mtim.tv_sec ||
          after.st_mtim.tv_nsec > before.st_mtim.tv_nsec);
    CHECK_OK(unlink("d/new"));
    CHECK_OK(rmdir("d"));
}

static void times_can_be_set(void)
{
    struct stat st;
    struct timespec ts[2] = {{1000000000, 123456789}, {1500000000, 987654321}};
    CHECK_OK(utimensat(AT_FDCWD, "f", ts, 0));
    CHECK_OK(stat("f", &st));
    CHECK_EQ(st.st_atim.tv_sec, 1000000000);
    CHECK_EQ(st.st_atim.tv_nsec, 123456789);
    CHECK_EQ(st.st_mtim.tv_sec, 1500000000);
    CHECK_EQ(st.st_mtim.tv_nsec, 987654321);
    ts[0].tv_nsec = UTIME_OMIT;
    ts[1].tv_nsec = UTIME_NOW;
    CHECK_OK(utimensat(AT_FDCWD, "f", ts, 0));
    CHECK_OK(stat("f", &st));
    CHECK_EQ(st.st_atim.tv_sec, 1000000000);
    CHECK(st.st_mtim.tv_sec > 1700000000);
    ts[0].tv_nsec = 1000000000;
    CHECK_ERR(utimensat(AT_FDCWD, "f", ts, 0), EINVAL);
    CHECK_ERR(utimensat(AT_FDCWD, "nothing", NULL, 0), ENOENT);
    int fd = open("f", O_RDONLY);
    CHECK_OK(futimens(fd, NULL));
    close(fd);
    struct timeval tv[2] = {{5, 6}, {7, 8}};
    CHECK_OK(utimes("f", tv));
    CHECK_OK(stat("f", &st));
    CHECK(st.st_atim.tv_sec == 5 && st.st_mtim.tv_nsec == 8000);
    CHECK_OK(utime("f", &(struct utimbuf){11, 12}));
    CHECK_OK(stat("f", &st));
    CHECK(st.st_atime == 11 && st.st_mtime == 12);
    CHECK_OK(symlink("f", "s"));
    ts[0] = ts[1] = (struct timespec){99, 0};
    CHECK_OK(utimensat(AT_FDCWD, "s", ts, AT_SYMLINK_NOFOLLOW));
    CHECK_OK(lstat("s", &st));
    CHECK_EQ(st.st_mtime, 99);
    CHECK_OK(stat("s", &st));
    CHECK_EQ(st.st_mtime, 12);
    CHECK_OK(unlink("s"));
    CHECK_ERR(syscall(SYS_utimensat, AT_FDCWD, "f", KERNEL_ADDRESS, 0), EFAULT);
}

static void modes_and_owners(void)
{
    struct stat st;
    CHECK_OK(chmod("f", 04751));
    CHECK_OK(stat("f", &st));
    CHECK_EQ(st.st_mode & 07777, 04751);
    CHECK_OK(chown("f", 1000, 1001));
    CHECK_OK(stat("f", &st));
    CHECK_EQ(st.st_uid, 1000);
    CHECK_EQ(st.st_gid, 1001);
    CHECK_EQ(st.st_mode & 07777, 0751); /* set-user-id goes */
    CHECK_OK(chown("f", (uid_t)-1, 5));
    CHECK_OK(stat("f", &st));
    CHECK_EQ(st.st_uid, 1000);
    CHECK_EQ(st.st_gid, 5);
    int fd = open("f", O_RDONLY);
    CHECK_OK(fchmod(fd, 0640));
    CHECK_OK(fchown(fd, 0, 0));
    CHECK_OK(fstat(fd, &st));
    CHECK_EQ(st.st_mode & 07777, 0640);
    CHECK_EQ(st.st_uid, 0);
    close(fd);
    CHECK_OK(fchmodat(AT_FDCWD, "f", 0644, 0));
    CHECK_OK(fchownat(AT_FDCWD, "f", 0, 0, AT_SYMLINK_NOFOLLOW));
    CHECK_ERR(chmod("nothing", 0644), ENOENT);
    CHECK_ERR(lchown("nothing", 0, 0), ENOENT);
    CHECK_ERR(fchmod(9999, 0), EBADF);
}

static void umask_applies_and_tells(void)
{
    struct stat st;
    CHECK_EQ(umask(077), 022);
    int fd = open("u", O_CREAT | O_WRONLY, 0666);
    CHECK_OK(fstat(fd, &st));
    CHECK_EQ(st.st_mode & 0777, 0600);
    close(fd);
    CHECK_OK(mkdir("ud", 0777));
    CHECK_OK(stat("ud", &st));
    CHECK_EQ(st.st_mode & 0777, 0700);
    CHECK_EQ(umask(022), 077);
    CHECK_OK(unlink("u"));
    CHECK_OK(rmdir("ud"));
}

static void access_asks_for_rights(void)
{
    CHECK_OK(chmod("f", 0));
    CHECK_OK(access("f", F_OK));
    CHECK_OK(access("f", R_OK | W_OK));   /* root may */
    CHECK_ERR(access("f", X_OK), EACCES); /* but not execute what nobody may */
    CHECK_OK(chmod("f", 0100));
    CHECK_OK(access("f", X_OK));
    CHECK_ERR(access("nothing", F_OK), ENOENT);
    CHECK_ERR(access("f", 99), EINVAL);
    CHECK_OK(chmod("f", 0644));
    CHECK_OK(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS));
    CHECK_ERR(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, 0x4000), EINVAL);
}

static void file_systems_describe_themselves(void)
{
    struct statfs fs;
    struct statvfs vfs;
    CHECK_OK(statfs(".", &fs));
    CHECK(fs.f_bsize >= 512 && fs.f_blocks > 0 && fs.f_namelen >= 255);
    CHECK(fs.f_bfree <= fs.f_blocks);
    CHECK_OK(statfs("/proc", &fs));
    CHECK_EQ(fs.f_type, 0x9fa0);
    CHECK_OK(statfs("/dev/shm", &fs));
    CHECK_EQ(fs.f_type, 0x01021994);
    int fd = open("f", O_RDONLY);
    CHECK_OK(fstatfs(fd, &fs));
    close(fd);
    CHECK_OK(statvfs("/", &vfs));
    CHECK(vfs.f_blocks > vfs.f_bfree); /* the program lies there */
    CHECK_ERR(statfs("/nothing", &fs), ENOENT);
    CHECK_ERR(syscall(SYS_statfs, ".", KERNEL_ADDRESS), EFAULT);
}

int main(void)
{
    scratch_enter();
    RUN(stat_fills_everything);
    RUN(statx_tells_the_same_and_more);
    RUN(times_move_as_they_should);
    RUN(times_can_be_set);
    RUN(modes_and_owners);
    RUN(umask_applies_and_tells);
    RUN(access_asks_for_rights);
    RUN(file_systems_describe_themselves);
    CHECK_OK(unlink("f"));
    CHECK(scratch_leave());
    return check_done();
}
