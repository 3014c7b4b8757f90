// Looking up inside a tree, by the kernel and by hand: both give the same.
// UNIT: host/base/inroot.c host/base/io.c host/base/fresh.c host/base/path.c host/base/error.c
// UNIT: host/base/escape.c host/base/buf.c
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/inroot.h"
#include "tests/harness/check.h"

static char above[] = "/tmp/inroot-XXXXXX"; /* holds the tree, and what must not be reached */
static int root;

static void put(const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", above, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    free(path);
}

static void put_folder(const char *name)
{
    char *path = mem_printf("%s/%s", above, name);
    CHECK_OK(mkdir(path, 0755));
    free(path);
}

static void put_link(const char *target, const char *name)
{
    char *path = mem_printf("%s/%s", above, name);
    CHECK_OK(symlink(target, path));
    free(path);
}

/* The file's text, or the error's number as text. */
static void reads(const char *path, enum inroot_links links, const char *want)
{
    struct buf text = {0};
    buf_string(&text, "");
    if (!inroot_read(root, path, links, &text))
        buf_printf(&text, "errno %d", errno);
    if (strcmp(text.data, want) != 0)
        printf("# %s:\n", path);
    CHECK_STR(text.data, want);
    buf_clear(&text);
}

static void fails(const char *path, enum inroot_links links, int number)
{
    char want[32];
    snprintf(want, sizeof(want), "errno %d", number);
    reads(path, links, want);
}

static void make_tree(void)
{
    CHECK(mkdtemp(above) != NULL);
    put("secret", "SECRET");
    put_folder("tree");
    put_folder("tree/etc");
    put_folder("tree/usr");
    put_folder("tree/usr/lib");
    put("tree/etc/file", "tree's");
    put("tree/secret", "tree's secret");
    put("tree/usr/lib/x", "x");
    put_link("/etc/file", "tree/absolute");
    put_link("../../../../../../../../secret", "tree/up");
    put_link("etc", "tree/folder");
    put_link("usr/lib/", "tree/lib");
    put_link("/", "tree/top");
    put_link("/secret/", "tree/slash");
    put_link("loop", "tree/loop");
    put_link("/proc/self/root/etc/passwd", "tree/magic");
    put_link("/missing/below", "tree/dangling");
    char *outside = mem_printf("%s/secret", above);
    put_link(outside, "tree/outside");
    free(outside);
    char *fifo = mem_printf("%s/tree/fifo", above);
    CHECK_OK(mkfifo(fifo, 0644));
    free(fifo);
    put("tree/huge", "");
    char *huge = mem_printf("%s/tree/huge", above);
    CHECK_OK(truncate(huge, 1ll << 40));
    free(huge);
    char chain[64];
    for (int i = 0; i < 50; i++) {
        char name[64];
        snprintf(name, sizeof(name), "tree/chain%d", i);
        snprintf(chain, sizeof(chain), i ? "chain%d" : "etc/file", i - 1);
        put_link(chain, name);
    }
    char *tree = mem_printf("%s/tree", above);
    root = inroot_folder(tree);
    CHECK(root >= 0);
    free(tree);
}

static void links_are_the_trees_own(void)
{
    reads("etc/file", INROOT_LINKS, "tree's");
    reads("/etc/file", INROOT_LINKS, "tree's");
    reads("//etc//./file", INROOT_LINKS, "tree's");
    reads("absolute", INROOT_LINKS, "tree's");
    reads("folder/file", INROOT_LINKS, "tree's");
    reads("folder/../secret", INROOT_LINKS, "tree's secret");
    reads("lib/x", INROOT_LINKS, "x");
    reads("lib/../../absolute", INROOT_LINKS, "tree's");
    reads("top/top/top/etc/file", INROOT_LINKS, "tree's");
    reads("chain20", INROOT_LINKS, "tree's");
}

static void nothing_leads_out(void)
{
    reads("../secret", INROOT_LINKS, "tree's secret");
    reads("../../../../secret", INROOT_LINKS, "tree's secret");
    reads("up", INROOT_LINKS, "tree's secret");
    fails("outside", INROOT_LINKS, ENOENT);
    fails("magic", INROOT_LINKS, ENOENT);
    fails("dangling", INROOT_LINKS, ENOENT);
}

static void what_is_no_file(void)
{
    fails("loop", INROOT_LINKS, ELOOP);
    fails("chain49", INROOT_LINKS, ELOOP);
    fails("etc", INROOT_LINKS, EINVAL);
    fails("fifo", INROOT_LINKS, EINVAL);
    fails("etc/file/", INROOT_LINKS, ENOTDIR);
    fails("slash", INROOT_LINKS, ENOTDIR);
    fails("etc/file/x", INROOT_LINKS, ENOTDIR);
    fails("etc/file/..", INROOT_LINKS, ENOTDIR);
    fails("etc/file/.", INROOT_LINKS, ENOTDIR);
    fails("missing", INROOT_LINKS, ENOENT);
    fails("huge", INROOT_LINKS, EFBIG);
}

static void without_links(void)
{
    reads("etc/file", INROOT_NO_LINKS, "tree's");
    reads("etc/../secret", INROOT_NO_LINKS, "tree's secret");
    fails("absolute", INROOT_NO_LINKS, ELOOP);
    fails("folder/file", INROOT_NO_LINKS, ELOOP);
    fails("outside", INROOT_NO_LINKS, ELOOP);
    fails("up", INROOT_NO_LINKS, ELOOP);
}

static void stat_and_scan(void)
{
    struct stat info;
    struct dirent **files = NULL;
    CHECK(inroot_stat(root, "absolute", true, &info) && S_ISREG(info.st_mode));
    CHECK(inroot_stat(root, "absolute", false, &info) && S_ISLNK(info.st_mode));
    CHECK(inroot_stat(root, "folder/", false, &info) && S_ISDIR(info.st_mode));
    CHECK(inroot_stat(root, "outside", false, &info) && S_ISLNK(info.st_mode));
    CHECK(!inroot_stat(root, "outside", true, &info));
    CHECK(inroot_stat(root, "/", true, &info) && S_ISDIR(info.st_mode));
    CHECK_EQ(inroot_scan(root, "/folder", &files, NULL), 3);
    CHECK_STR(files[2]->d_name, "file");
    for (int i = 0; i < 3; i++)
        free(files[i]);
    free(files);
    CHECK_EQ(inroot_scan(root, "outside", &files, NULL), -1);
}

static void makes_folders_inside(void)
{
    struct stat info;
    char *name;
    int fd = inroot_parent(root, "/dangling/a/b", 0755, &name);
    CHECK(fd >= 0);
    CHECK_STR(name, "b");
    CHECK(fd >= 0 && mkdirat(fd, name, 0755) == 0);
    CHECK(inroot_stat(root, "missing/below/a/b", true, &info) && S_ISDIR(info.st_mode));
    free(name);
    close(fd);
    fd = inroot_parent(root, "top/../../new/x", 0755, &name);
    CHECK(fd >= 0 && inroot_stat(root, "/new", true, &info));
    free(name);
    close(fd);
    CHECK_EQ(inroot_parent(root, "etc/file/x", 0755, &name), -1);
    CHECK_EQ(inroot_parent(root, "etc/..", 0755, &name), -1);
    CHECK_EQ(inroot_parent(root, "/", 0755, &name), -1);
    /* for the next round */
    CHECK_OK(unlinkat(root, "new", AT_REMOVEDIR));
    CHECK_OK(unlinkat(root, "missing/below/a/b", AT_REMOVEDIR));
    CHECK_OK(unlinkat(root, "missing/below/a", AT_REMOVEDIR));
    CHECK_OK(unlinkat(root, "missing/below", AT_REMOVEDIR));
    CHECK_OK(unlinkat(root, "missing", AT_REMOVEDIR));
}

static void a_link_is_no_tree(void)
{
    char *path = mem_printf("%s/tree/folder", above);
    CHECK_EQ(inroot_folder(path), -1);
    free(path);
}

static void all(void)
{
    RUN(links_are_the_trees_own);
    RUN(nothing_leads_out);
    RUN(what_is_no_file);
    RUN(without_links);
    RUN(stat_and_scan);
    RUN(makes_folders_inside);
    RUN(a_link_is_no_tree);
}

/* From here on openat2() fails with this error, as in a container. */
static void refuse_openat2(unsigned number)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | number),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof(code) / sizeof(*code), code};
    CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    CHECK_OK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter));
    CHECK_EQ(syscall(SYS_openat2, root, ".", NULL, 0), -1);
    CHECK_EQ(errno, (int)number);
}

/* In a process of its own: the answer is remembered. */
static void on_an_old_kernel(void)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        CHECK(freopen("/dev/null", "w", stdout) != NULL);
        refuse_openat2(ENOSYS);
        all();
        fflush(stdout);
        _exit(check_failed != 0);
    }
    CHECK_OK(waitpid(pid, &status, 0));
    CHECK_EQ(status, 0);
}

int main(void)
{
    make_tree();
    RUN(on_an_old_kernel);
    all();
    refuse_openat2(EPERM);
    all();
    char *remove = mem_printf("rm -rf %s", above);
    CHECK_EQ(system(remove), 0);
    free(remove);
    return check_done();
}
