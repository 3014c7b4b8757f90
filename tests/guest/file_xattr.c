/* Extended attributes: of files, folders and links, by path and by descriptor; their sizes and
 * flags.
 */
#include <sys/xattr.h>

#include "tests/harness/guest.h"

static char value[70000], list[256];

static bool listed(const char *name, ssize_t size)
{
    for (char *p = list; p < list + size; p += strlen(p) + 1)
        if (strcmp(p, name) == 0)
            return true;
    return false;
}

static void values_come_back(void)
{
    CHECK_OK(setxattr("f", "user.a", "value", 5, 0));
    CHECK_EQ(getxattr("f", "user.a", value, sizeof(value)), 5);
    CHECK(memcmp(value, "value", 5) == 0);
    CHECK_OK(setxattr("f", "user.a", "longer value", 12, 0));
    CHECK_EQ(getxattr("f", "user.a", value, sizeof(value)), 12);
    CHECK_OK(setxattr("f", "user.a", "", 0, 0));
    CHECK_EQ(getxattr("f", "user.a", value, sizeof(value)), 0);
    CHECK_OK(removexattr("f", "user.a"));
    CHECK_ERR(getxattr("f", "user.a", value, sizeof(value)), ENODATA);
}

static void values_may_hold_any_byte(void)
{
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    CHECK_OK(setxattr("f", "user.bytes", bytes, sizeof(bytes), 0));
    CHECK_EQ(getxattr("f", "user.bytes", value, sizeof(value)), 256);
    CHECK(memcmp(value, bytes, sizeof(bytes)) == 0);
    CHECK_OK(removexattr("f", "user.bytes"));
}

static void sizes_can_be_asked_for(void)
{
    CHECK_OK(setxattr("f", "user.size", "0123456789", 10, 0));
    CHECK_EQ(getxattr("f", "user.size", NULL, 0), 10);
    CHECK_ERR(getxattr("f", "user.size", value, 9), ERANGE);
    CHECK(listxattr("f", NULL, 0) >= (ssize_t)sizeof("user.size"));
    CHECK_ERR(listxattr("f", list, 1), ERANGE);
    CHECK_OK(removexattr("f", "user.size"));
}

static void creating_and_replacing(void)
{
    CHECK_ERR(setxattr("f", "user.new", "x", 1, XATTR_REPLACE), ENODATA);
    CHECK_OK(setxattr("f", "user.new", "x", 1, XATTR_CREATE));
    CHECK_ERR(setxattr("f", "user.new", "y", 1, XATTR_CREATE), EEXIST);
    CHECK_OK(setxattr("f", "user.new", "z", 1, XATTR_REPLACE));
    CHECK_EQ(getxattr("f", "user.new", value, 1), 1);
    CHECK_EQ(value[0], 'z');
    CHECK_ERR(setxattr("f", "user.new", "x", 1, 4), EINVAL);
    CHECK_OK(removexattr("f", "user.new"));
}

static void names_are_listed(void)
{
    CHECK_OK(setxattr("f", "user.one", "1", 1, 0));
    CHECK_OK(setxattr("f", "user.two", "2", 1, 0));
    ssize_t size = listxattr("f", list, sizeof(list));
    CHECK(listed("user.one", size) && listed("user.two", size));
    CHECK_OK(removexattr("f", "user.one"));
    size = listxattr("f", list, sizeof(list));
    CHECK(!listed("user.one", size) && listed("user.two", size));
    CHECK_OK(removexattr("f", "user.two"));
}

static void descriptors_reach_the_same_attributes(void)
{
    int fd = open("f", O_RDONLY);
    CHECK_OK(fsetxattr(fd, "user.fd", "by fd", 5, 0));
    CHECK_EQ(getxattr("f", "user.fd", value, sizeof(value)), 5);
    CHECK_EQ(fgetxattr(fd, "user.fd", value, sizeof(value)), 5);
    CHECK(listed("user.fd", flistxattr(fd, list, sizeof(list))));
    CHECK_OK(fremovexattr(fd, "user.fd"));
    CHECK_ERR(fremovexattr(fd, "user.fd"), ENODATA);
    close(fd);
    CHECK_ERR(fsetxattr(fd, "user.fd", "x", 1, 0), EBADF);
    CHECK_ERR(fgetxattr(fd, "user.fd", value, 1), EBADF);
    CHECK_ERR(flistxattr(fd, list, 1), EBADF);
    CHECK_ERR(fremovexattr(fd, "user.fd"), EBADF);
}

static void path_descriptors_are_refused(void)
{
    int fd = open("f", O_PATH);
    CHECK_ERR(fsetxattr(fd, "user.fd", "x", 1, 0), EBADF);
    CHECK_ERR(fgetxattr(fd, "user.fd", value, 1), EBADF);
    CHECK_ERR(flistxattr(fd, list, 1), EBADF);
    close(fd);
}

static void links_are_followed_or_not(void)
{
    CHECK_OK(symlink("f", "l"));
    CHECK_OK(setxattr("l", "user.through", "x", 1, 0));
    CHECK_EQ(getxattr("f", "user.through", value, 1), 1);
    CHECK_ERR(lsetxattr("l", "user.own", "x", 1, 0), EPERM);
    CHECK_ERR(lgetxattr("l", "user.through", value, 1), ENODATA);
    CHECK_OK(lsetxattr("l", "trusted.own", "t", 1, 0));
    CHECK_EQ(lgetxattr("l", "trusted.own", value, 1), 1);
    CHECK(listed("trusted.own", llistxattr("l", list, sizeof(list))));
    CHECK_ERR(getxattr("f", "trusted.own", value, 1), ENODATA);
    CHECK_OK(lremovexattr("l", "trusted.own"));
    CHECK_OK(removexattr("l", "user.through"));
    CHECK_OK(unlink("l"));
}

static void folders_have_attributes(void)
{
    CHECK_OK(mkdir("d", 0755));
    CHECK_OK(setxattr("d", "user.folder", "d", 1, 0));
    CHECK_EQ(getxattr("d", "user.folder", value, 1), 1);
    CHECK_OK(rmdir("d"));
}

static void names_are_checked(void)
{
    char name[XATTR_NAME_MAX + 2];
    memset(name, 'x', sizeof(name));
    memcpy(name, "user.", 5);
    name[XATTR_NAME_MAX + 1] = 0;
    CHECK_ERR(setxattr("f", name, "x", 1, 0), ERANGE);
    CHECK_ERR(getxattr("f", name, value, 1), ERANGE);
    CHECK_ERR(removexattr("f", name), ERANGE);
    CHECK_ERR(setxattr("f", "", "x", 1, 0), ERANGE);
    CHECK_ERR(setxattr("f", "nothing.known", "x", 1, 0), EOPNOTSUPP);
    CHECK_ERR(getxattr("f", "plain", value, 1), EOPNOTSUPP);
    CHECK_ERR(setxattr("f", "user.", "x", 1, 0), EINVAL);
    CHECK_ERR(setxattr("f", "trusted.", "x", 1, 0), EINVAL);
}

/* Attributes of users are for files and directories, whatever the filesystem knows. */
static void other_kinds_have_none_of_users(void)
{
    static const char *const others[] = {"/dev/null", "/proc/self"};
    char byte;
    for (size_t i = 0; i < 2; i++) {
        CHECK_ERR(lsetxattr(others[i], "user.a", "1", 1, 0), EPERM);
        CHECK_ERR(lgetxattr(others[i], "user.a", &byte, 1), ENODATA);
        CHECK_ERR(lremovexattr(others[i], "user.a"), EPERM);
        CHECK_ERR(lsetxattr(others[i], "bogus.a", "1", 1, 0), EOPNOTSUPP);
    }
    CHECK_ERR(setxattr("/proc/self/status", "user.a", "1", 1, 0), EOPNOTSUPP);
}

static void values_have_a_limit(void)
{
    CHECK_ERR(setxattr("f", "user.big", value, XATTR_SIZE_MAX + 1, 0), E2BIG);
    CHECK_ERR(syscall(SYS_setxattr, "f", "user.big", value, SIZE_MAX, 0), E2BIG);
}

static void missing_files_and_bad_pointers(void)
{
    CHECK_ERR(setxattr("nothing", "user.a", "x", 1, 0), ENOENT);
    CHECK_ERR(getxattr("nothing", "user.a", value, 1), ENOENT);
    CHECK_ERR(listxattr("nothing", list, 1), ENOENT);
    CHECK_ERR(removexattr("nothing", "user.a"), ENOENT);
    CHECK_ERR(setxattr("f/x", "user.a", "x", 1, 0), ENOTDIR);
    CHECK_ERR(setxattr("f", KERNEL_ADDRESS, "x", 1, 0), EFAULT);
    CHECK_ERR(setxattr("f", "user.a", KERNEL_ADDRESS, 1, 0), EFAULT);
    CHECK_OK(setxattr("f", "user.a", "x", 1, 0));
    CHECK_ERR(getxattr("f", "user.a", KERNEL_ADDRESS, 1), EFAULT);
    CHECK_ERR(listxattr("f", KERNEL_ADDRESS, 100), EFAULT);
    CHECK_ERR(removexattr(KERNEL_ADDRESS, "user.a"), EFAULT);
    CHECK_OK(removexattr("f", "user.a"));
}

static void attributes_belong_to_the_file_not_the_name(void)
{
    CHECK_OK(setxattr("f", "user.kept", "k", 1, 0));
    CHECK_OK(link("f", "g"));
    CHECK_EQ(getxattr("g", "user.kept", value, 1), 1);
    CHECK_OK(rename("g", "h"));
    CHECK_EQ(getxattr("h", "user.kept", value, 1), 1);
    CHECK_OK(unlink("h"));
    CHECK_OK(truncate("f", 0));
    CHECK_EQ(getxattr("f", "user.kept", value, 1), 1);
    CHECK_OK(removexattr("f", "user.kept"));
}

static void changing_one_moves_the_change_time(void)
{
    struct stat before, after;
    CHECK_OK(stat("f", &before));
    sleep_ms(20);
    CHECK_OK(setxattr("f", "user.time", "t", 1, 0));
    CHECK_OK(stat("f", &after));
    CHECK(after.st_ctim.tv_sec > before.st_ctim.tv_sec ||
          after.st_ctim.tv_nsec != before.st_ctim.tv_nsec);
    CHECK_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    CHECK_OK(removexattr("f", "user.time"));
}

int main(void)
{
    scratch_enter();
    if (!CHECK(file_put("f", "text")))
        return check_done();
    RUN(values_come_back);
    RUN(values_may_hold_any_byte);
    RUN(sizes_can_be_asked_for);
    RUN(creating_and_replacing);
    RUN(names_are_listed);
    RUN(descriptors_reach_the_same_attributes);
    RUN(path_descriptors_are_refused);
    RUN(links_are_followed_or_not);
    RUN(folders_have_attributes);
    RUN(names_are_checked);
    RUN(other_kinds_have_none_of_users);
    RUN(values_have_a_limit);
    RUN(missing_files_and_bad_pointers);
    RUN(attributes_belong_to_the_file_not_the_name);
    RUN(changing_one_moves_the_change_time);
    CHECK_OK(unlink("f"));
    CHECK(scratch_leave());
    return check_done();
}
