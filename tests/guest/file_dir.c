/* Folders: mkdir, rmdir, reading them, rename with all its cases, hard links, unlinking while open.
 */
#include <dirent.h>
#include <linux/fs.h>

#include "tests/harness/guest.h"

static void making_and_removing(void)
{
    struct stat st;
    CHECK_OK(mkdir("d", 0777));
    CHECK_OK(stat("d", &st));
    CHECK_EQ(st.st_mode, S_IFDIR | 0755);
    CHECK(st.st_nlink >= 1);
    CHECK_ERR(mkdir("d", 0777), EEXIST);
    CHECK_ERR(mkdir("x/y", 0777), ENOENT);
    CHECK(file_put("f", "text"));
    CHECK_ERR(mkdir("f/y", 0777), ENOTDIR);
    CHECK_ERR(rmdir("f"), ENOTDIR);
    CHECK_ERR(rmdir("d/."), EINVAL);
    CHECK_ERR(rmdir("nothing"), ENOENT);
    CHECK(file_put("d/f", "x"));
    CHECK_ERR(rmdir("d"), ENOTEMPTY);
    CHECK_ERR(rmdir("d/.."), ENOTEMPTY);
    CHECK_ERR(unlink("d"), EISDIR);
    CHECK_OK(unlink("d/f"));
    CHECK_OK(mkdir("d/e/", 0700)); /* a trailing slash is fine for a folder */
    CHECK_OK(rmdir("d/e/"));
    CHECK_OK(rmdir("d"));
    CHECK_ERR(unlink("nothing"), ENOENT);
    CHECK_ERR(unlink("f/"), ENOTDIR);
    CHECK_OK(unlink("f"));
    CHECK_ERR(mkdir("/", 0755), EEXIST);
    CHECK(rmdir("/") == -1);
}

static void reading(void)
{
    enum { COUNT = 300 };
    char name[64], seen[COUNT] = {0};
    int wrong = 0, dots = 0;
    CHECK_OK(mkdir("many", 0755));
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "many/a-rather-long-name-%d", i);
        wrong += !file_put(name, "");
    }
    CHECK_EQ(wrong, 0);
    DIR *dir = opendir("many");
    CHECK(dir != NULL);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        int i;
        if (sscanf(e->d_name, "a-rather-long-name-%d", &i) == 1) {
            seen[i]++;
            wrong += e->d_type != DT_REG && e->d_type != DT_UNKNOWN;
            wrong += e->d_ino == 0;
        } else {
            dots += strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
        }
    }
    for (int i = 0; i < COUNT; i++)
        wrong += seen[i] != 1;
    CHECK_EQ(wrong, 0);
    CHECK_EQ(dots, 2);
    rewinddir(dir);
    CHECK(readdir(dir) != NULL);
    long position = telldir(dir);
    struct dirent *e = readdir(dir);
    char next[256];
    snprintf(next, sizeof(next), "%s", e ? e->d_name : "");
    readdir(dir);
    seekdir(dir, position);
    e = readdir(dir);
    CHECK_STR(e ? e->d_name : NULL, next);
    closedir(dir);
    char small[4], big[1024];
    int fd = open("many", O_RDONLY | O_DIRECTORY);
    CHECK_ERR(syscall(SYS_getdents64, fd, small, sizeof(small)), EINVAL);
    CHECK_ERR(syscall(SYS_getdents64, fd, KERNEL_ADDRESS, 1000), EFAULT);
    CHECK(syscall(SYS_getdents64, fd, big, sizeof(big)) > 0);
    close(fd);
    fd = open("many/a-rather-long-name-0", O_RDONLY);
    CHECK_ERR(syscall(SYS_getdents64, fd, big, sizeof(big)), ENOTDIR);
    close(fd);
}

/* Removing while reading is what rm -r does: every entry still comes once. */
static void removing_while_reading(void)
{
    char name[300];
    int removed = 0;
    DIR *dir = opendir("many");
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (e->d_name[0] != '.') {
            snprintf(name, sizeof(name), "many/%s", e->d_name);
            removed += unlink(name) == 0;
        }
    closedir(dir);
    CHECK_EQ(removed, 300);
    CHECK_OK(rmdir("many"));
}

static void renaming_files(void)
{
    CHECK(file_put("a", "A") && file_put("b", "B"));
    CHECK_OK(rename("a", "c"));
    CHECK_ERR(open("a", O_RDONLY), ENOENT);
    CHECK_STR(file_get("c"), "A");
    CHECK_OK(rename("c", "b")); /* replaces */
    CHECK_STR(file_get("b"), "A");
    CHECK_OK(rename("b", "b"));
    CHECK_ERR(rename("nothing", "x"), ENOENT);
    CHECK_ERR(rename("b", "no/where"), ENOENT);
    CHECK_OK(link("b", "hard"));
    CHECK_OK(rename("b", "hard")); /* the same file: nothing happens */
    CHECK_STR(file_get("b"), "A");
    CHECK_OK(unlink("hard"));
    CHECK_OK(unlink("b"));
}

static void renaming_folders(void)
{
    CHECK_OK(mkdir("d", 0755));
    CHECK_OK(mkdir("d/sub", 0755));
    CHECK_OK(mkdir("empty", 0755));
    CHECK(file_put("d/sub/f", "F") && file_put("file", "x"));
    CHECK_ERR(rename("d", "d/sub/d"), EINVAL);
    CHECK_ERR(rename("d", "file"), ENOTDIR);
    CHECK_ERR(rename("file", "d"), EISDIR);
    CHECK_ERR(rename("empty", "d"), ENOTEMPTY);
    CHECK_OK(rename("d", "empty")); /* onto an empty folder */
    CHECK_STR(file_get("empty/sub/f"), "F");
    CHECK_OK(rename("empty/sub", "up"));
    CHECK_STR(file_get("up/f"), "F");
    CHECK_STR(file_get("up/../up/f"), "F"); /* ".." is the new parent */
    CHECK_ERR(rename("empty/.", "x"), EBUSY);
    CHECK_OK(rmdir("empty"));
    CHECK_OK(unlink("up/f"));
    CHECK_OK(rmdir("up"));
    CHECK_OK(unlink("file"));
}

static int rename2(const char *from, const char *to, unsigned flags)
{
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void renaming_with_flags(void)
{
    CHECK(file_put("a", "A") && file_put("b", "B"));
    CHECK_ERR(rename2("a", "b", RENAME_NOREPLACE), EEXIST);
    CHECK_OK(rename2("a", "c", RENAME_NOREPLACE));
    CHECK_OK(rename2("c", "b", RENAME_EXCHANGE));
    CHECK_STR(file_get("c"), "B");
    CHECK_STR(file_get("b"), "A");
    CHECK_ERR(rename2("c", "nothing", RENAME_EXCHANGE), ENOENT);
    CHECK_ERR(rename2("c", "b", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
    CHECK_ERR(rename2("c", "b", 0x100), EINVAL);
    CHECK_OK(mkdir("d", 0755));
    CHECK_OK(rename2("d", "b", RENAME_EXCHANGE)); /* a folder for a file */
    CHECK_STR(file_get("d"), "A");
    CHECK_OK(rmdir("b"));
    CHECK_OK(unlink("d"));
    CHECK_OK(unlink("c"));
}

static void hard_links(void)
{
    struct stat st, other;
    CHECK(file_put("a", "one"));
    CHECK_OK(link("a", "b"));
    CHECK_OK(stat("a", &st));
    CHECK_OK(stat("b", &other));
    CHECK_EQ(st.st_ino, other.st_ino);
    CHECK_EQ(st.st_nlink, 2);
    CHECK_ERR(link("a", "b"), EEXIST);
    CHECK_ERR(link("nothing", "c"), ENOENT);
    CHECK_ERR(link(".", "c"), EPERM);
    CHECK_OK(symlink("a", "s"));
    CHECK_OK(link("s", "s2")); /* the link itself, not its target */
    CHECK_OK(lstat("s2", &st));
    CHECK(S_ISLNK(st.st_mode));
    CHECK_OK(linkat(AT_FDCWD, "s", AT_FDCWD, "real", AT_SYMLINK_FOLLOW));
    CHECK_OK(lstat("real", &st));
    CHECK(S_ISREG(st.st_mode) && st.st_nlink == 3);
    CHECK_OK(unlink("a"));
    CHECK_STR(file_get("b"), "one");
    CHECK_OK(unlink("b"));
    CHECK_OK(unlink("real"));
    CHECK_OK(unlink("s"));
    CHECK_OK(unlink("s2"));
}

static void unlinked_files_live_while_open(void)
{
    struct stat st;
    char text[16] = "";
    CHECK(file_put("gone", "still here"));
    int fd = open("gone", O_RDWR);
    CHECK_OK(unlink("gone"));
    CHECK_OK(fstat(fd, &st));
    CHECK_EQ(st.st_nlink, 0);
    CHECK_EQ(pread(fd, text, 15, 0), 10);
    CHECK_STR(text, "still here");
    CHECK_EQ(write(fd, "S", 1), 1);
    CHECK(file_put("gone", "new"));
    CHECK_EQ(pread(fd, text, 1, 0), 1);
    CHECK_EQ(text[0], 'S');
    close(fd);
    CHECK_STR(file_get("gone"), "new");
    CHECK_OK(unlink("gone"));
}

static void special_files(void)
{
    struct stat st;
    CHECK_OK(mkfifo("fifo", 0644));
    CHECK_OK(stat("fifo", &st));
    CHECK(S_ISFIFO(st.st_mode));
    int reader = open("fifo", O_RDONLY | O_NONBLOCK);
    CHECK(reader >= 0);
    int writer = open("fifo", O_WRONLY);
    char c = 0;
    CHECK_EQ(write(writer, "x", 1), 1);
    CHECK_EQ(read(reader, &c, 1), 1);
    close(reader);
    CHECK_ERR(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
    close(writer);
    CHECK_OK(unlink("fifo"));
    CHECK_OK(mknod("plain", S_IFREG | 0600, 0));
    CHECK_ERR(mknod("plain", S_IFREG | 0600, 0), EEXIST);
    CHECK_OK(unlink("plain"));
}

static void *make_and_remove(void *arg)
{
    long wrong = 0;
    char name[32], other[32];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "race/%ld-%d", (long)arg, i);
        snprintf(other, sizeof(other), "race/shared-%d", i % 5);
        wrong += !file_put(name, "x");
        wrong += rename(name, other) != 0;
        int fd = open(other, O_RDONLY); /* another thread may have taken it */
        if (fd >= 0)
            close(fd);
        mkdir("race/d", 0755);
        rmdir("race/d");
    }
    return (void *)wrong;
}

static void threads_change_one_folder(void)
{
    pthread_t thread[4];
    long wrong = 0;
    char name[32];
    CHECK_OK(mkdir("race", 0755));
    for (long i = 0; i < 4; i++)
        thread[i] = thread_start(make_and_remove, (void *)i);
    for (int i = 0; i < 4; i++)
        wrong += (long)thread_join(thread[i]);
    CHECK_EQ(wrong, 0);
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof(name), "race/shared-%d", i);
        CHECK_OK(unlink(name));
    }
    CHECK_OK(rmdir("race"));
}

int main(void)
{
    scratch_enter();
    RUN(making_and_removing);
    RUN(reading);
    RUN(removing_while_reading);
    RUN(renaming_files);
    RUN(renaming_folders);
    if (!scratch_is_mounted()) /* RENAME_EXCHANGE */
        RUN(renaming_with_flags);
    RUN(hard_links);
    RUN(unlinked_files_live_while_open);
    if (!scratch_is_mounted()) /* FIFOs */
        RUN(special_files);
    RUN(threads_change_one_folder);
    CHECK(scratch_leave());
    return check_done();
}
