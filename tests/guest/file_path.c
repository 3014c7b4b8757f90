/* Path lookup: links, loops, lengths, trailing slashes, "." and "..", *at calls, getcwd. */
#include <linux/openat2.h>

#include "tests/harness/guest.h"

static int stat_of(const char *path)
{
    struct stat st;
    return stat(path, &st);
}

static int lstat_of(const char *path)
{
    struct stat st;
    return lstat(path, &st);
}

static void plain_lookup(void)
{
    CHECK_OK(mkdir("d", 0755));
    CHECK_OK(mkdir("d/e", 0755));
    CHECK(file_put("d/e/f", "deep"));
    CHECK_STR(file_get("d/e/f"), "deep");
    CHECK_STR(file_get("./d/./e/../e//f"), "deep");
    CHECK_STR(file_get("d/e/../../d/e/f"), "deep");
    CHECK_ERR(stat_of("d/x/f"), ENOENT);
    CHECK_ERR(stat_of("d/e/f/g"), ENOTDIR);
    CHECK_ERR(stat_of("d/e/f/.."), ENOTDIR);
    CHECK_ERR(stat_of("d/e/f/"), ENOTDIR);
    CHECK_ERR(stat_of(""), ENOENT);
    CHECK_OK(stat_of("d/e/"));
    CHECK_OK(stat_of("/.."));
    CHECK_OK(stat_of("/../../.."));
    CHECK_ERR(syscall(SYS_open, KERNEL_ADDRESS, O_RDONLY), EFAULT);
    CHECK_ERR(syscall(SYS_open, NULL, O_RDONLY), EFAULT);
}

static void symbolic_links(void)
{
    char text[64];
    struct stat st;
    CHECK_OK(symlink("d/e", "to-e"));
    CHECK_OK(symlink("f", "d/e/to-f"));
    CHECK_STR(file_get("to-e/f"), "deep");
    CHECK_STR(file_get("to-e/to-f"), "deep");
    CHECK_STR(file_get("to-e/../e/f"), "deep"); /* ".." of where the link leads */
    CHECK_EQ(readlink("to-e", text, sizeof(text)), 3);
    CHECK(memcmp(text, "d/e", 3) == 0);
    CHECK_EQ(readlink("to-e", text, 2), 2); /* cut, no error */
    CHECK_ERR(readlink("d", text, sizeof(text)), EINVAL);
    CHECK_ERR(readlink("nothing", text, sizeof(text)), ENOENT);
    CHECK_ERR(syscall(SYS_readlink, "to-e", text, 0), EINVAL);
    CHECK_ERR(syscall(SYS_readlink, "to-e", KERNEL_ADDRESS, 10), EFAULT);
    CHECK_OK(lstat("to-e", &st));
    CHECK(S_ISLNK(st.st_mode) && st.st_size == 3);
    CHECK_EQ(st.st_mode & 0777, 0777);
    CHECK_OK(stat("to-e", &st));
    CHECK(S_ISDIR(st.st_mode));
    CHECK_OK(lstat("to-e/", &st)); /* a trailing slash follows */
    CHECK(S_ISDIR(st.st_mode));
    CHECK_OK(symlink("nowhere", "dangling"));
    CHECK_ERR(stat_of("dangling"), ENOENT);
    CHECK_OK(lstat_of("dangling"));
    CHECK_ERR(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
    CHECK_ERR(open("to-e", O_RDONLY | O_NOFOLLOW), ELOOP);
    CHECK(file_put("dangling", "made")); /* O_CREAT makes what the link names */
    CHECK_STR(file_get("nowhere"), "made");
    CHECK_ERR(symlink("x", "to-e"), EEXIST);
    CHECK_ERR(symlink("", "empty"), ENOENT);
    CHECK_OK(unlink("dangling"));
    CHECK_OK(unlink("nowhere"));
}

static void loops_end(void)
{
    CHECK_OK(symlink("loop-b", "loop-a"));
    CHECK_OK(symlink("loop-a", "loop-b"));
    CHECK_ERR(stat_of("loop-a"), ELOOP);
    CHECK_ERR(open("loop-a", O_RDONLY), ELOOP);
    CHECK_OK(lstat_of("loop-a"));
    CHECK_OK(unlink("loop-a"));
    CHECK_OK(unlink("loop-b"));
    CHECK_OK(symlink("d", "chain0"));
    char from[32], to[32];
    int wrong = 0;
    for (int i = 1; i <= 41; i++) {
        snprintf(from, sizeof(from), "chain%d", i);
        snprintf(to, sizeof(to), "chain%d", i - 1);
        wrong += symlink(to, from) != 0;
    }
    CHECK_EQ(wrong, 0);
    CHECK_OK(stat_of("chain39")); /* forty links are followed */
    CHECK_ERR(stat_of("chain40"), ELOOP);
    for (int i = 0; i <= 41; i++) {
        snprintf(from, sizeof(from), "chain%d", i);
        wrong += unlink(from) != 0;
    }
    CHECK_EQ(wrong, 0);
}

static void names_and_paths_have_limits(void)
{
    char name[300], path[PATH_MAX + 10];
    memset(name, 'n', sizeof(name));
    name[255] = 0;
    CHECK(file_put(name, "long"));
    CHECK_OK(unlink(name));
    name[255] = 'n';
    name[256] = 0;
    CHECK_ERR(stat_of(name), ENAMETOOLONG);
    CHECK_ERR(open(name, O_CREAT | O_WRONLY, 0644), ENAMETOOLONG);
    CHECK_ERR(mkdir(name, 0755), ENAMETOOLONG);
    for (size_t i = 0; i < sizeof(path); i += 2)
        memcpy(path + i, "./", 2);
    path[PATH_MAX - 1] = 0;
    path[PATH_MAX - 2] = 'd';
    path[PATH_MAX - 3] = '/';
    CHECK_OK(stat_of(path)); /* 4095 bytes and the end */
    path[PATH_MAX - 1] = '/';
    path[PATH_MAX] = 0;
    CHECK_ERR(stat_of(path), ENAMETOOLONG);
}

static void at_calls_start_at_a_descriptor(void)
{
    struct stat st;
    int dir = open("d", O_RDONLY | O_DIRECTORY), file = open("d/e/f", O_RDONLY);
    CHECK(dir >= 0 && file >= 0);
    CHECK_OK(fstatat(dir, "e/f", &st, 0));
    CHECK_ERR(fstatat(dir, "d", &st, 0), ENOENT);
    CHECK_ERR(fstatat(file, "x", &st, 0), ENOTDIR);
    CHECK_ERR(fstatat(9999, "x", &st, 0), EBADF);
    CHECK_OK(fstatat(9999, "/tmp", &st, 0)); /* an absolute path needs no descriptor */
    CHECK_OK(fstatat(file, "", &st, AT_EMPTY_PATH));
    CHECK_EQ(st.st_size, 4);
    CHECK_ERR(fstatat(file, "", &st, 0), ENOENT);
    CHECK_ERR(fstatat(dir, "e", &st, 0x40000000), EINVAL);
    int in = openat(dir, "new", O_CREAT | O_RDWR | O_EXCL, 0600);
    CHECK(in >= 0);
    close(in);
    CHECK_OK(faccessat(dir, "new", R_OK, 0));
    CHECK_OK(mkdirat(dir, "sub", 0700));
    CHECK_OK(renameat(dir, "new", dir, "sub/moved"));
    CHECK_OK(linkat(dir, "sub/moved", AT_FDCWD, "linked", 0));
    CHECK_OK(symlinkat("moved", dir, "sub/sym"));
    char text[16];
    CHECK_EQ(readlinkat(dir, "sub/sym", text, sizeof(text)), 5);
    CHECK_OK(unlinkat(dir, "sub/sym", 0));
    CHECK_ERR(unlinkat(dir, "sub", 0), EISDIR);
    CHECK_ERR(unlinkat(dir, "sub/moved", AT_REMOVEDIR), ENOTDIR);
    CHECK_ERR(unlinkat(dir, "sub", AT_REMOVEDIR), ENOTEMPTY);
    CHECK_OK(unlinkat(dir, "sub/moved", 0));
    CHECK_OK(unlinkat(dir, "sub", AT_REMOVEDIR));
    CHECK_OK(unlink("linked"));
    close(dir);
    close(file);
}

static void working_directory(void)
{
    char cwd[PATH_MAX], want[PATH_MAX];
    CHECK_OK(chdir("to-e"));
    snprintf(want, sizeof(want), "%s/d/e", scratch_path);
    CHECK_STR(getcwd(cwd, sizeof(cwd)), want);
    CHECK_EQ(syscall(SYS_getcwd, cwd, sizeof(cwd)), strlen(want) + 1);
    CHECK_ERR(syscall(SYS_getcwd, cwd, 3), ERANGE);
    CHECK_ERR(syscall(SYS_getcwd, KERNEL_ADDRESS, 100), EFAULT);
    CHECK_STR(file_get("f"), "deep");
    CHECK_ERR(chdir("f"), ENOTDIR);
    CHECK_ERR(chdir("nowhere"), ENOENT);
    int back = open(scratch_path, O_RDONLY | O_DIRECTORY);
    CHECK_OK(fchdir(back));
    close(back);
    CHECK_ERR(fchdir(9999), EBADF);
    CHECK_OK(mkdir("gone", 0755));
    CHECK_OK(chdir("gone"));
    CHECK_OK(rmdir("../gone")); /* the working directory may go */
    CHECK_ERR(open("x", O_CREAT | O_WRONLY, 0644), ENOENT);
    CHECK_ERR(syscall(SYS_getcwd, cwd, sizeof(cwd)), ENOENT);
    CHECK_OK(chdir(scratch_path));
    char link[PATH_MAX] = "";
    CHECK(readlink("/proc/self/cwd", link, sizeof(link) - 1) > 0);
    CHECK_STR(link, scratch_path);
}

static void proc_links_lead_to_open_files(void)
{
    char path[64];
    int fd = open("d/e/f", O_RDONLY);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK_STR(file_get(path), "deep");
    snprintf(path, sizeof(path), "/dev/fd/%d", fd);
    CHECK_STR(file_get(path), "deep");
    int dir = open("d", O_PATH);
    snprintf(path, sizeof(path), "/proc/self/fd/%d/e/f", dir);
    CHECK_STR(file_get(path), "deep");
    close(fd);
    close(dir);
}

static int openat2_of(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = flags, .resolve = resolve};
    return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

static void openat2_limits_the_lookup(void)
{
    int dir = open("d", O_PATH | O_DIRECTORY);
    int fd = openat2_of(dir, "e/f", O_RDONLY, RESOLVE_BENEATH);
    CHECK(fd >= 0);
    close(fd);
    CHECK_ERR(openat2_of(dir, "../d/e/f", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    CHECK_ERR(openat2_of(dir, "/tmp", O_RDONLY, RESOLVE_BENEATH), EXDEV);
    CHECK_ERR(openat2_of(AT_FDCWD, "to-e/f", O_RDONLY, RESOLVE_NO_SYMLINKS), ELOOP);
    CHECK_ERR(openat2_of(AT_FDCWD, "d", O_RDONLY, 1ull << 40), EINVAL);
    CHECK_ERR(openat2_of(AT_FDCWD, "d", 1ull << 40, 0), EINVAL);
    CHECK_ERR(syscall(SYS_openat2, AT_FDCWD, "d", NULL_PAGE_ADDRESS, 24), EFAULT);
    CHECK_ERR(syscall(SYS_openat2, AT_FDCWD, "d", &(struct open_how){0}, 4), EINVAL);
    close(dir);
}

static void clean_up(void)
{
    CHECK_OK(unlink("to-e"));
    CHECK_OK(unlink("d/e/to-f"));
    CHECK_OK(unlink("d/e/f"));
    CHECK_OK(rmdir("d/e"));
    CHECK_OK(rmdir("d"));
}

int main(void)
{
    scratch_enter();
    RUN(plain_lookup);
    RUN(symbolic_links);
    RUN(loops_end);
    RUN(names_and_paths_have_limits);
    RUN(at_calls_start_at_a_descriptor);
    RUN(working_directory);
    RUN(proc_links_lead_to_open_files);
    RUN(openat2_limits_the_lookup);
    RUN(clean_up);
    CHECK(scratch_leave());
    return check_done();
}
