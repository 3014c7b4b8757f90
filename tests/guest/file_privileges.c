/* What takes a file's set-id bits and its capabilities away: each way of changing it, by root and
 * by a user; the bits also where group or others may not execute it. */
#include <grp.h>
#include <linux/capability.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include "tests/harness/guest.h"

#define USER 1000
#define OTHERS 4711
#define CAPS "security.capability"

static const char name[] = "privileged";

static int spare_pipe(void)
{
    int ends[2];
    if (pipe(ends) != 0 || write(ends[1], "data", 4) != 4)
        return -1;
    close(ends[1]);
    return ends[0];
}

static int source(void)
{
    return open("source", O_RDONLY);
}

static bool do_write(int fd)
{
    return write(fd, "x", 1) == 1;
}

static bool write_nothing(int fd)
{
    return write(fd, "x", 0) == 0;
}

static bool do_pwritev(int fd)
{
    struct iovec range = {"x", 1};
    return pwritev(fd, &range, 1, 1) == 1;
}

static bool do_splice(int fd)
{
    int from = spare_pipe();
    ssize_t n = splice(from, NULL, fd, NULL, 4, 0);
    close(from);
    return n == 4;
}

static bool do_sendfile(int fd)
{
    int from = source();
    ssize_t n = sendfile(fd, from, NULL, 4);
    close(from);
    return n == 4;
}

static bool do_copy(int fd)
{
    int from = source();
    ssize_t n = copy_file_range(from, NULL, fd, NULL, 4, 0);
    close(from);
    return n == 4;
}

static bool truncate_shorter(int fd)
{
    return ftruncate(fd, 1) == 0;
}

static bool truncate_as_it_is(int fd)
{
    return ftruncate(fd, 4) == 0;
}

static bool truncate_by_path(int fd)
{
    (void)fd;
    return truncate(name, 2) == 0;
}

static bool open_and_truncate(int fd)
{
    (void)fd;
    return close(open(name, O_WRONLY | O_TRUNC)) == 0;
}

static bool allocate(int fd)
{
    return fallocate(fd, 0, 0, 100) == 0;
}

static bool punch(int fd)
{
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4) == 0;
}

static bool write_mapped(int fd)
{
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return false;
    p[0] = 'y';
    return msync(p, PAGE, MS_SYNC) == 0 && munmap(p, PAGE) == 0;
}

static bool give_to_itself(int fd)
{
    return fchown(fd, USER, (gid_t)-1) == 0;
}

static bool give_to_nobody(int fd)
{
    return fchown(fd, (uid_t)-1, (gid_t)-1) == 0;
}

static bool change_times(int fd)
{
    return futimens(fd, NULL) == 0;
}

static bool name_anew(int fd)
{
    (void)fd;
    return rename(name, "other") == 0 && rename("other", name) == 0;
}

static bool set_attribute(int fd)
{
    return fsetxattr(fd, "user.a", "v", 1, 0) == 0;
}

static bool do_read(int fd)
{
    char byte;
    return read(fd, &byte, 1) == 1;
}

/* What remains: of mode 06777; of 06767 with a group that the user isn't in; of 06666; and whether
 * the capabilities do. */
struct left {
    int executable, of_others, data;
    bool capabilities;
};

static const struct {
    const char *what;
    bool (*run)(int fd);
    struct left root, user;
} ways[] = {
    {"do_write", do_write, {06777, 06767, 06666, false}, {0777, 0767, 02666, false}},
    {"write_nothing", write_nothing, {06777, 06767, 06666, true}, {06777, 06767, 06666, true}},
    {"do_pwritev", do_pwritev, {06777, 06767, 06666, false}, {0777, 0767, 02666, false}},
    {"do_splice", do_splice, {06777, 06767, 06666, false}, {0777, 0767, 02666, false}},
    {"do_sendfile", do_sendfile, {06777, 06767, 06666, false}, {0777, 0767, 02666, false}},
    {"do_copy", do_copy, {06777, 06767, 06666, false}, {0777, 0767, 02666, false}},
    {"truncate_shorter",
     truncate_shorter,
     {06777, 06767, 06666, false},
     {0777, 0767, 02666, false}},
    {"truncate_as_it_is",
     truncate_as_it_is,
     {06777, 06767, 06666, false},
     {0777, 0767, 02666, false}},
    {"truncate_by_path",
     truncate_by_path,
     {06777, 06767, 06666, false},
     {0777, 0767, 02666, false}},
    {"open_and_truncate",
     open_and_truncate,
     {06777, 06767, 06666, false},
     {0777, 0767, 02666, false}},
    {"allocate", allocate, {06777, 06767, 06666, false}, {0777, 0767, 02666, false}},
    {"punch", punch, {06777, 06767, 06666, false}, {0777, 0767, 02666, false}},
    {"write_mapped", write_mapped, {06777, 06767, 06666, true}, {06777, 06767, 06666, true}},
    {"give_to_itself", give_to_itself, {0777, 02767, 02666, false}, {0777, 0767, 02666, false}},
    {"give_to_nobody", give_to_nobody, {0777, 02767, 02666, false}, {0777, 0767, 02666, false}},
    {"change_times", change_times, {06777, 06767, 06666, true}, {06777, 06767, 06666, true}},
    {"name_anew", name_anew, {06777, 06767, 06666, true}, {06777, 06767, 06666, true}},
    {"set_attribute", set_attribute, {06777, 06767, 06666, true}, {06777, 06767, 06666, true}},
    {"do_read", do_read, {06777, 06767, 06666, true}, {06777, 06767, 06666, true}},
};

/* The file anew, with these bits and with capabilities, open. */
static int make(mode_t mode)
{
    struct vfs_cap_data caps = {.magic_etc = VFS_CAP_REVISION_2,
                                .data = {{.permitted = 1u << CAP_NET_RAW}}};
    CHECK(file_put(name, "data"));
    CHECK_OK(chown(name, USER, mode == 06767 ? OTHERS : USER));
    CHECK_OK(chmod(name, mode));
    CHECK_OK(setxattr(name, CAPS, &caps, sizeof(caps), 0));
    return open(name, O_RDWR);
}

static int mode_left(mode_t before, bool (*run)(int fd), bool user, bool capabilities)
{
    struct stat st;
    int fd = make(before);
    CHECK_OK(seteuid(user ? USER : 0));
    CHECK(run(fd));
    CHECK_OK(seteuid(0));
    CHECK_OK(fstat(fd, &st));
    CHECK_EQ(fgetxattr(fd, CAPS, NULL, 0) > 0, capabilities);
    close(fd);
    unlink(name);
    return st.st_mode & 07777;
}

static void privileges_end(bool user)
{
    for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        const struct left *left = user ? &ways[i].user : &ways[i].root;
        printf("# %s\n", ways[i].what);
        CHECK_EQ(mode_left(06777, ways[i].run, user, left->capabilities), left->executable);
        CHECK_EQ(mode_left(06767, ways[i].run, user, left->capabilities), left->of_others);
        CHECK_EQ(mode_left(06666, ways[i].run, user, left->capabilities), left->data);
    }
}

static void root_loses_capabilities_alone(void)
{
    privileges_end(false);
}

static void a_user_loses_all(void)
{
    privileges_end(true);
}

/* Needs the right to give files away and capabilities to them, and a filesystem that has those. */
static bool can_be_tried(void)
{
    struct vfs_cap_data caps = {.magic_etc = VFS_CAP_REVISION_2};
    return setegid(USER) == 0 && setgroups(0, NULL) == 0 &&
           setxattr("source", CAPS, &caps, sizeof(caps), 0) == 0;
}

int main(void)
{
    scratch_enter();
    CHECK_OK(chmod(".", 0777));
    CHECK(file_put("source", "data"));
    if (can_be_tried()) {
        RUN(root_loses_capabilities_alone);
        RUN(a_user_loses_all);
    }
    unlink("source");
    CHECK(scratch_leave());
    return check_done();
}
