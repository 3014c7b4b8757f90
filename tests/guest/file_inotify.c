/* inotify: events of files and folders, moves with their cookie, removal, the queue. */
#include <sys/inotify.h>

#include "tests/harness/guest.h"

static char events[8192] __attribute__((aligned(8)));
static ssize_t filled, taken;

/* The next event, or NULL if none is there. */
static struct inotify_event *next(int fd)
{
    if (taken >= filled) {
        taken = 0;
        filled = read(fd, events, sizeof(events));
        if (filled <= 0)
            return NULL;
    }
    struct inotify_event *e = (struct inotify_event *)(events + taken);
    taken += (ssize_t)(sizeof(*e) + e->len);
    return e;
}

static bool expect(int fd, int watch, uint32_t mask, const char *name)
{
    struct inotify_event *e = next(fd);
    bool good = e && e->wd == watch && e->mask == mask && strcmp(e->len ? e->name : "", name) == 0;
    if (!good)
        printf("# got %s, mask %#x, name %s\n", e ? "an event" : "none", e ? e->mask : 0,
               e && e->len ? e->name : "-");
    return good;
}

static void folders_report_their_children(void)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    CHECK(fd >= 0);
    CHECK_OK(mkdir("d", 0755));
    int watch = inotify_add_watch(fd, "d",
                                  IN_CREATE | IN_DELETE | IN_MODIFY | IN_MOVE | IN_CLOSE_WRITE |
                                      IN_OPEN | IN_ATTRIB);
    CHECK(watch > 0);
    char c;
    CHECK_ERR(read(fd, &c, 1), EAGAIN);
    CHECK(file_put("d/a", "x"));
    CHECK(expect(fd, watch, IN_CREATE, "a"));
    CHECK(expect(fd, watch, IN_OPEN, "a"));
    CHECK(expect(fd, watch, IN_MODIFY, "a"));
    CHECK(expect(fd, watch, IN_CLOSE_WRITE, "a"));
    CHECK_OK(chmod("d/a", 0600));
    CHECK(expect(fd, watch, IN_ATTRIB, "a"));
    CHECK_OK(mkdir("d/sub", 0755));
    CHECK(expect(fd, watch, IN_CREATE | IN_ISDIR, "sub"));
    CHECK_OK(rename("d/a", "d/b"));
    struct inotify_event *e = next(fd);
    uint32_t cookie = e ? e->cookie : 0;
    CHECK(e && e->mask == IN_MOVED_FROM && cookie != 0);
    e = next(fd);
    CHECK(e && e->mask == IN_MOVED_TO && e->cookie == cookie && strcmp(e->name, "b") == 0);
    CHECK_OK(rename("d/b", "outside"));
    CHECK(expect(fd, watch, IN_MOVED_FROM, "b"));
    CHECK_OK(rmdir("d/sub"));
    CHECK(expect(fd, watch, IN_DELETE | IN_ISDIR, "sub"));
    CHECK_ERR(read(fd, events, 4), EAGAIN);
    CHECK_OK(unlink("outside"));
    CHECK_OK(inotify_rm_watch(fd, watch));
    CHECK(expect(fd, watch, IN_IGNORED, ""));
    CHECK_ERR(inotify_rm_watch(fd, watch), EINVAL);
    CHECK_OK(rmdir("d"));
    close(fd);
}

static void files_report_themselves(void)
{
    int fd = inotify_init1(IN_NONBLOCK);
    CHECK(file_put("f", "x"));
    int watch = inotify_add_watch(fd, "f", IN_MODIFY | IN_DELETE_SELF | IN_ONESHOT);
    CHECK(watch > 0);
    CHECK(file_put("f", "y"));
    CHECK(expect(fd, watch, IN_MODIFY, ""));
    struct inotify_event *e = next(fd);
    CHECK(e && e->mask == IN_IGNORED); /* one shot */
    watch = inotify_add_watch(fd, "f", IN_DELETE_SELF);
    CHECK_EQ(inotify_add_watch(fd, "f", IN_MASK_ADD | IN_ATTRIB), watch);
    CHECK_OK(unlink("f"));
    CHECK(expect(fd, watch, IN_ATTRIB, "")); /* the number of links changed */
    CHECK(expect(fd, watch, IN_DELETE_SELF, ""));
    CHECK(expect(fd, watch, IN_IGNORED, ""));
    close(fd);
}

static void *touch_later(void *arg)
{
    sleep_ms(20);
    return (void *)(long)file_put(arg, "later");
}

static void readers_wait_for_events(void)
{
    int fd = inotify_init();
    int watch = inotify_add_watch(fd, ".", IN_CREATE);
    pthread_t thread = thread_start(touch_later, "late");
    CHECK(expect(fd, watch, IN_CREATE, "late"));
    thread_join(thread);
    CHECK_OK(unlink("late"));
    close(fd);
}

static void bad_requests(void)
{
    int fd = inotify_init1(IN_NONBLOCK);
    char small[4];
    CHECK_ERR(inotify_init1(0x7), EINVAL);
    CHECK_ERR(inotify_add_watch(fd, "nothing", IN_CREATE), ENOENT);
    CHECK_ERR(inotify_add_watch(fd, ".", 0), EINVAL);
    CHECK_ERR(inotify_add_watch(9999, ".", IN_CREATE), EBADF);
    CHECK_ERR(inotify_add_watch(0, ".", IN_CREATE), EINVAL);
    CHECK_ERR(syscall(SYS_inotify_add_watch, fd, KERNEL_ADDRESS, IN_CREATE), EFAULT);
    CHECK(inotify_add_watch(fd, ".", IN_CREATE) > 0);
    CHECK(file_put("x", ""));
    CHECK_ERR(read(fd, small, sizeof(small)), EINVAL);
    CHECK(file_put("y", ""));
    CHECK_ERR(inotify_add_watch(fd, "x", IN_CREATE | IN_ONLYDIR), ENOTDIR);
    CHECK_OK(unlink("x"));
    CHECK_OK(unlink("y"));
    close(fd);
}

int main(void)
{
    scratch_enter();
    RUN(folders_report_their_children);
    RUN(files_report_themselves);
    RUN(readers_wait_for_events);
    RUN(bad_requests);
    CHECK(scratch_leave());
    return check_done();
}
