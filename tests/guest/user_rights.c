/*
 * What another user than root may: files by owner, group and mode, sticky folders, capabilities.
 * Each check runs in a thread that becomes that user by itself: credentials are a thread's, and the
 * main thread stays root.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/xattr.h>

#include "tests/harness/guest.h"

#define ALICE 1001u
#define BOB 1002u
#define STAFF 50u

static char base[PATH_MAX];

/* The calls themselves: the C library's would tell all threads. */
static void become(uid_t uid, gid_t gid, gid_t extra)
{
    CHECK_OK(syscall(SYS_setgroups, extra ? 1 : 0, &extra));
    CHECK_OK(syscall(SYS_setresgid, gid, gid, gid));
    CHECK_OK(syscall(SYS_setresuid, uid, uid, uid));
}

struct as {
    uid_t uid;
    gid_t gid, extra;
    void (*run)(void);
};

static void *as_thread(void *arg)
{
    const struct as *as = arg;
    become(as->uid, as->gid, as->extra);
    as->run();
    return NULL;
}

/* Runs the checks as a user with a group and, unless 0, one more. */
static void as(uid_t uid, gid_t gid, gid_t extra, void (*run)(void))
{
    struct as it = {uid, gid, extra, run};
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, as_thread, &it), 0);
    pthread_join(thread, NULL);
}

/* A file or folder of root's, then uid's and gid's with this mode. */
static void make(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
    if (S_ISDIR(mode))
        CHECK_OK(mkdir(name, 0700));
    else
        CHECK(file_put(name, "text"));
    CHECK_OK(chown(name, uid, gid));
    CHECK_OK(chmod(name, mode & 07777));
}

static int opens(const char *name, int flags)
{
    int fd = open(name, flags, 0644);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

/* The three classes: the first that fits counts alone. */
static void reads_her_own(void)
{
    CHECK_EQ(opens("own-r", O_RDONLY), 0);
    CHECK_EQ(opens("own-r", O_RDWR), EACCES);
    CHECK_EQ(opens("own-none", O_RDONLY), EACCES);
    CHECK_EQ(opens("group-w", O_WRONLY), 0);
    CHECK_EQ(opens("group-w", O_RDONLY), EACCES);
    CHECK_EQ(opens("extra-w", O_WRONLY), 0);
    CHECK_EQ(opens("other-r", O_RDONLY), 0);
    CHECK_EQ(opens("other-r", O_WRONLY), EACCES);
    CHECK_EQ(opens("other-r", O_RDONLY | O_TRUNC), EACCES);
    CHECK_EQ(opens("other-r", O_PATH), 0);
    CHECK_EQ(opens("own-none", O_PATH), 0);
    CHECK_ERR(truncate("other-r", 0), EACCES);
    CHECK_OK(access("own-r", R_OK));
    CHECK_ERR(access("own-r", W_OK), EACCES);
    CHECK_ERR(access("other-r", X_OK), EACCES);
    CHECK_EQ(opens("other-r", O_RDONLY | O_NOATIME), EPERM);
    CHECK_EQ(opens("own-r", O_RDONLY | O_NOATIME), 0);
}

static void the_first_class_that_fits_counts(void)
{
    make("own-r", ALICE, STAFF, S_IFREG | 0466);
    make("own-none", ALICE, 0, S_IFREG | 0077);
    make("group-w", 0, ALICE, S_IFREG | 0727);
    make("extra-w", 0, STAFF, S_IFREG | 0020);
    make("other-r", BOB, BOB, S_IFREG | 0774);
    as(ALICE, ALICE, STAFF, reads_her_own);
    CHECK_EQ(opens("own-none", O_RDWR), 0);   /* root may all */
    CHECK_ERR(access("own-r", X_OK), EACCES); /* but execute what nobody may */
}

static void goes_through(void)
{
    CHECK_EQ(opens("x-only/file", O_RDONLY), 0);
    CHECK_EQ(opens("x-only", O_RDONLY | O_DIRECTORY), EACCES);
    CHECK_EQ(opens("r-only", O_RDONLY | O_DIRECTORY), 0);
    CHECK_EQ(opens("r-only/file", O_RDONLY), EACCES);
    CHECK_EQ(opens("r-only/none", O_RDONLY), EACCES);
    CHECK_EQ(opens("r-only/deep/file", O_RDONLY), EACCES);
    CHECK_EQ(opens("r-only/../x-only/file", O_RDONLY), EACCES);
    CHECK_EQ(opens("link/file", O_RDONLY), EACCES);
    CHECK_EQ(opens("x-only/file/", O_RDONLY), ENOTDIR);
    CHECK_EQ(opens("x-only/socket", O_RDONLY), ENXIO);
    CHECK_EQ(opens("x-only/socket", O_RDWR), EACCES);
    CHECK_ERR(chdir("r-only"), EACCES);
    struct stat st;
    CHECK_ERR(stat("r-only/.", &st), EACCES);
    CHECK_ERR(mkdir("x-only/new", 0755), EACCES);
    CHECK_EQ(opens("x-only/new", O_WRONLY | O_CREAT), EACCES);
    CHECK_ERR(symlink("a", "x-only/new"), EACCES);
    CHECK_ERR(mknod("x-only/new", S_IFIFO | 0644, 0), EACCES);
    CHECK_ERR(unlink("x-only/file"), EACCES);
    CHECK_ERR(rename("x-only/file", "x-only/other"), EACCES);
    CHECK_ERR(link("x-only/file", "x-only/other"), EPERM);
    CHECK_ERR(mkdir("x-only/file", 0755), EEXIST);
    CHECK_ERR(unlink("x-only/none"), ENOENT);
    CHECK_ERR(inotify_add_watch(inotify_init(), "x-only", IN_CREATE), EACCES);
    char whole[PATH_MAX + 16];
    for (int i = 0; i < 3; i++) { /* what root's lookups remembered isn't hers */
        snprintf(whole, sizeof(whole), "%s/r-only/file", base);
        CHECK_EQ(opens(whole, O_RDONLY), EACCES);
    }
}

/* The folder that one is in needs no right to search when nothing in it is named. */
static void looks_at_where_she_is(void)
{
    struct stat st;
    CHECK_OK(syscall(SYS_faccessat2, AT_FDCWD, "", R_OK, AT_EMPTY_PATH));
    CHECK_ERR(syscall(SYS_faccessat2, AT_FDCWD, "", X_OK, AT_EMPTY_PATH), EACCES);
    CHECK_OK(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
    CHECK_ERR(fstatat(AT_FDCWD, ".", &st, 0), EACCES);
}

static void folders_are_searched_and_written_by_permission(void)
{
    char whole[PATH_MAX + 16];
    make("x-only", BOB, BOB, S_IFDIR | 0711);
    make("r-only", BOB, BOB, S_IFDIR | 0744);
    make("x-only/file", BOB, BOB, S_IFREG | 0644);
    CHECK_OK(mknod("x-only/socket", S_IFSOCK | 0644, 0));
    CHECK_OK(chmod("x-only/socket", 0644));
    make("r-only/file", BOB, BOB, S_IFREG | 0666);
    make("r-only/deep", BOB, BOB, S_IFDIR | 0777);
    make("r-only/deep/file", BOB, BOB, S_IFREG | 0666);
    CHECK_OK(symlink("r-only", "link"));
    snprintf(whole, sizeof(whole), "%s/r-only/file", base);
    CHECK_EQ(opens(whole, O_RDONLY), 0);
    as(ALICE, ALICE, 0, goes_through);
    CHECK_OK(chdir("r-only"));
    as(ALICE, ALICE, 0, looks_at_where_she_is);
    CHECK_OK(chdir(".."));
    CHECK_EQ(opens(whole, O_RDONLY), 0);
}

static void works_in_shared_folder(void)
{
    struct stat st;
    CHECK_ERR(unlink("shared/bobs"), EPERM);
    CHECK_ERR(rename("shared/bobs", "shared/mine"), EPERM);
    CHECK_ERR(rmdir("shared/bobs-folder"), EPERM);
    CHECK_EQ(opens("shared/mine", O_WRONLY | O_CREAT | O_EXCL), 0);
    CHECK_OK(stat("shared/mine", &st));
    CHECK_EQ(st.st_uid, ALICE);
    CHECK_EQ(st.st_gid, ALICE);
    CHECK_ERR(rename("shared/mine", "shared/bobs"), EPERM);
    CHECK_ERR(syscall(SYS_renameat2, AT_FDCWD, "shared/mine", AT_FDCWD, "shared/bobs", 2), EPERM);
    CHECK_OK(rename("shared/mine", "shared/moved"));
    CHECK_OK(unlink("shared/moved"));
    CHECK_OK(mkdir("open/mine", 0755));
    CHECK_ERR(rename("open/bobs-folder", "open/mine/in"), EACCES); /* its ".." would change */
    CHECK_OK(rename("open/bobs-folder", "open/renamed"));
    CHECK_OK(rmdir("open/renamed"));
    CHECK_OK(unlink("open/bobs"));
}

static void in_sticky_folders_only_owners_remove(void)
{
    make("shared", 0, 0, S_IFDIR | 01777);
    make("shared/bobs", BOB, BOB, S_IFREG | 0666);
    make("shared/bobs-folder", BOB, BOB, S_IFDIR | 0777);
    make("open", 0, 0, S_IFDIR | 0777);
    make("open/bobs", BOB, BOB, S_IFREG | 0600);
    make("open/bobs-folder", BOB, BOB, S_IFDIR | 0755);
    as(ALICE, ALICE, 0, works_in_shared_folder);
    CHECK_OK(unlink("shared/bobs"));
}

static void makes_in_group_folder(void)
{
    struct stat st;
    CHECK_EQ(opens("team/file", O_WRONLY | O_CREAT), 0);
    CHECK_OK(stat("team/file", &st));
    CHECK_EQ(st.st_gid, STAFF);
    CHECK_OK(mkdir("team/folder", 0755));
    CHECK_OK(stat("team/folder", &st));
    CHECK_EQ(st.st_gid, STAFF);
    CHECK(st.st_mode & S_ISGID);
}

static void set_group_folders_give_their_group(void)
{
    make("team", 0, STAFF, S_IFDIR | 02777);
    as(ALICE, ALICE, 0, makes_in_group_folder);
}

static void changes_attributes(void)
{
    struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}}, then[2] = {{1, 0}, {1, 0}};
    struct timespec one[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
    struct stat st;
    CHECK_ERR(chmod("bobs", 0644), EPERM);
    CHECK_ERR(chown("bobs", ALICE, -1), EPERM);
    CHECK_ERR(chown("mine", BOB, -1), EPERM);
    CHECK_ERR(chown("mine", -1, BOB), EPERM);
    CHECK_OK(chown("mine", -1, STAFF));
    CHECK_OK(chown("mine", ALICE, ALICE));
    CHECK_OK(chmod("mine", 02755)); /* of her group */
    CHECK_OK(stat("mine", &st));
    CHECK_EQ(st.st_mode & 07777, 02755);
    CHECK_OK(chmod("of-bobs-group", 02755)); /* not of hers: the bit goes */
    CHECK_OK(stat("of-bobs-group", &st));
    CHECK_EQ(st.st_mode & 07777, 0755);
    CHECK_ERR(utimensat(AT_FDCWD, "bobs", then, 0), EPERM);
    CHECK_ERR(utimensat(AT_FDCWD, "bobs", now, 0), EACCES);
    CHECK_OK(utimensat(AT_FDCWD, "bobs-w", now, 0));
    CHECK_OK(utimensat(AT_FDCWD, "bobs-w", NULL, 0));
    CHECK_ERR(utimensat(AT_FDCWD, "bobs-w", one, 0), EPERM);
    CHECK_ERR(utimensat(AT_FDCWD, "bobs-w", then, 0), EPERM);
    CHECK_OK(utimensat(AT_FDCWD, "mine", then, 0));
}

static void attributes_belong_to_the_owner(void)
{
    make("mine", ALICE, ALICE, S_IFREG | 0644);
    make("of-bobs-group", ALICE, BOB, S_IFREG | 0644);
    make("bobs", BOB, BOB, S_IFREG | 0644);
    make("bobs-w", BOB, BOB, S_IFREG | 0666);
    as(ALICE, ALICE, STAFF, changes_attributes);
}

static void writes_and_owns(void)
{
    struct stat st;
    int fd = open("set-ids", O_WRONLY);
    CHECK_EQ(write(fd, "x", 1), 1);
    close(fd);
    CHECK_OK(stat("set-ids", &st));
    CHECK_EQ(st.st_mode & 07777, 0777);
    CHECK_OK(truncate("set-ids-2", 0));
    CHECK_OK(stat("set-ids-2", &st));
    CHECK_EQ(st.st_mode & 07777, 0777);
}

static void writing_takes_the_set_id_bits(void)
{
    make("set-ids", BOB, BOB, S_IFREG | 06777);
    make("set-ids-2", BOB, BOB, S_IFREG | 06777);
    as(ALICE, ALICE, 0, writes_and_owns);
}

static void uses_attributes(void)
{
    char value[8];
    CHECK_ERR(setxattr("read", "user.a", "1", 1, 0), EACCES);
    CHECK_ERR(getxattr("none", "user.a", value, 8), EACCES);
    CHECK_EQ(getxattr("read", "user.a", value, 8), 1);
    CHECK_ERR(setxattr("read", "trusted.a", "1", 1, 0), EPERM);
    CHECK_ERR(getxattr("read", "trusted.a", value, 8), ENODATA);
}

static void extended_attributes_go_by_permission(void)
{
    make("read", BOB, BOB, S_IFREG | 0644);
    make("none", BOB, BOB, S_IFREG | 0600);
    if (setxattr("read", "user.a", "1", 1, 0) < 0)
        return; /* this file system has none */
    CHECK_OK(setxattr("none", "user.a", "1", 1, 0));
    CHECK_OK(setxattr("read", "trusted.a", "1", 1, 0));
    as(ALICE, ALICE, 0, uses_attributes);
}

static void connects(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_ERR(connect(s, (void *)&to, sizeof(to)), EACCES);
    close(s);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    strcpy(to.sun_path, "no-write/socket");
    CHECK_ERR(bind(s, (void *)&to, sizeof(to)), EACCES);
    close(s);
}

static void sockets_have_permissions(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_OK(bind(s, (void *)&at, sizeof(at)));
    CHECK_OK(listen(s, 1));
    CHECK_OK(chmod("socket", 0755));
    make("no-write", 0, 0, S_IFDIR | 0755);
    as(ALICE, ALICE, 0, connects);
    close(s);
}

static void links_others_files(void)
{
    CHECK_ERR(link("bobs-secret", "open-folder/l"), EPERM);
    CHECK_ERR(linkat(AT_FDCWD, "bobs-set", AT_FDCWD, "open-folder/l", 0), EPERM);
    CHECK_OK(link("alices", "open-folder/l"));
    CHECK_OK(link("bobs-open", "open-folder/m"));
}

/* fs.protected_hardlinks, as Debian and most others set it. */
static void links_to_others_files_are_refused(void)
{
    if (strcmp(file_get("/proc/sys/fs/protected_hardlinks"), "1\n") != 0)
        return;
    make("open-folder", 0, 0, S_IFDIR | 0777);
    make("bobs-secret", BOB, BOB, S_IFREG | 0644);
    make("bobs-set", BOB, BOB, S_IFREG | 04777);
    make("bobs-open", BOB, BOB, S_IFREG | 0666);
    make("alices", ALICE, BOB, S_IFREG | 0000);
    as(ALICE, ALICE, 0, links_others_files);
}

static void asks_for_more(void)
{
    struct timespec ts = {1, 0};
    struct timeval tv = {1, 0};
    struct rlimit limit;
    struct sched_param one = {.sched_priority = 1};
    CHECK_ERR(clock_settime(CLOCK_REALTIME, &ts), EPERM);
    CHECK_ERR(settimeofday(&tv, NULL), EPERM);
    CHECK_ERR(sethostname("x", 1), EPERM);
    CHECK_ERR(socket(AF_INET, SOCK_RAW, 1), EPERM);
    CHECK_ERR(mknod("device", S_IFCHR | 0644, 0x103), EPERM);
    CHECK_ERR(chroot("/"), EPERM);
    CHECK_OK(getrlimit(RLIMIT_NOFILE, &limit));
    limit.rlim_max++;
    CHECK_ERR(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
    CHECK_ERR(timerfd_create(CLOCK_REALTIME_ALARM, 0), EPERM);
    limit.rlim_cur = limit.rlim_max = 0;
    CHECK_OK(setrlimit(RLIMIT_RTPRIO, &limit));
    CHECK_OK(setrlimit(RLIMIT_NICE, &limit));
    CHECK_ERR(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &one), EPERM);
    CHECK_OK(setpriority(PRIO_PROCESS, 0, 5));
    CHECK_ERR(setpriority(PRIO_PROCESS, 0, 0), EACCES);
    CHECK_ERR(syscall(SYS_setresuid, 0, 0, 0), EPERM);
    CHECK_ERR(syscall(SYS_setgroups, 0, NULL), EPERM);
    CHECK_ERR(prctl(PR_CAPBSET_DROP, CAP_CHOWN), EPERM);
}

static void what_takes_a_capability_is_refused(void)
{
    as(ALICE, ALICE, 0, asks_for_more);
}

static struct __user_cap_data_struct *caps(void)
{
    static struct __user_cap_data_struct data[2];
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    CHECK_OK(syscall(SYS_capget, &head, data));
    return data;
}

static void caps_set(uint32_t effective, uint32_t permitted)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{effective, permitted, 0}, {0, 0, 0}};
    CHECK_OK(syscall(SYS_capset, &head, data));
}

static void *keeps_one(void *unused)
{
    (void)unused;
    CHECK_OK(prctl(PR_SET_KEEPCAPS, 1));
    CHECK_OK(syscall(SYS_setresuid, ALICE, ALICE, ALICE));
    CHECK_EQ(caps()[0].effective, 0);
    CHECK(caps()[0].permitted & 1u << CAP_CHOWN);
    CHECK_ERR(chown("kept", BOB, BOB), EPERM);
    caps_set(1u << CAP_CHOWN, 1u << CAP_CHOWN);
    CHECK_OK(chown("kept", BOB, BOB));
    CHECK_EQ(opens("kept", O_RDONLY), EACCES);
    CHECK_ERR(chmod("kept", 0644), EPERM);
    caps_set(0, 0);
    CHECK_ERR(chown("kept", ALICE, ALICE), EPERM);
    return NULL;
}

static void *gives_override_up(void *unused)
{
    (void)unused;
    uint32_t all = caps()[0].permitted;
    uint32_t files = 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH;
    caps_set(all & ~files, all);
    CHECK_EQ(opens("kept", O_RDONLY), EACCES); /* though the user is root */
    caps_set((all & ~files) | 1u << CAP_DAC_READ_SEARCH, all);
    CHECK_EQ(opens("kept", O_RDONLY), 0);
    CHECK_EQ(opens("kept", O_WRONLY), EACCES);
    caps_set(all, all);
    CHECK_EQ(opens("kept", O_WRONLY), 0);
    return NULL;
}

static void *changes_effective_user(void *unused)
{
    (void)unused;
    CHECK_OK(syscall(SYS_setresuid, -1, ALICE, -1));
    CHECK_EQ(caps()[0].effective, 0);
    CHECK(caps()[0].permitted != 0);
    CHECK_EQ(opens("kept", O_RDONLY), EACCES);
    CHECK_OK(access("kept", R_OK)); /* by the real user */
    CHECK_ERR(faccessat(AT_FDCWD, "kept", R_OK, AT_EACCESS), EACCES);
    CHECK_OK(syscall(SYS_setresuid, -1, 0, -1));
    CHECK(caps()[0].effective != 0);
    CHECK_EQ(syscall(SYS_setfsuid, ALICE), 0);
    CHECK_EQ(opens("kept", O_RDONLY), EACCES);
    CHECK_OK(sethostname("host", 4)); /* that isn't a file's */
    CHECK_EQ(syscall(SYS_setfsuid, 0), ALICE);
    CHECK_EQ(opens("kept", O_RDONLY), 0);
    CHECK_OK(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP));
    CHECK_OK(syscall(SYS_setresuid, ALICE, ALICE, ALICE));
    CHECK(caps()[0].effective != 0);
    return NULL;
}

static void capabilities_follow_the_user(void)
{
    struct utsname before;
    pthread_t thread;
    void *(*const all[])(void *) = {keeps_one, gives_override_up, changes_effective_user};
    uname(&before);
    make("kept", BOB, BOB, S_IFREG | 0600);
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        CHECK_EQ(pthread_create(&thread, NULL, all[i], NULL), 0);
        pthread_join(thread, NULL);
    }
    CHECK_OK(sethostname(before.nodename, strlen(before.nodename)));
    CHECK_EQ(getuid(), 0); /* each thread has its own */
    CHECK_EQ(opens("kept", O_RDWR), 0);
}

static void *drops_bounding(void *unused)
{
    (void)unused;
    CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_SYS_TIME), 1);
    CHECK_OK(prctl(PR_CAPBSET_DROP, CAP_SYS_TIME));
    CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_SYS_TIME), 0);
    CHECK_ERR(prctl(PR_CAPBSET_READ, 4711), EINVAL);
    CHECK_ERR(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0), EPERM);
    CHECK_EQ(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0), 0);
    CHECK_ERR(prctl(PR_CAP_AMBIENT, 4711, 0, 0, 0), EINVAL);
    CHECK_ERR(prctl(PR_SET_SECUREBITS, 1 << 20), EPERM);
    CHECK_OK(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED));
    CHECK_ERR(prctl(PR_SET_KEEPCAPS, 1), EPERM);
    CHECK_ERR(prctl(PR_SET_SECUREBITS, 0), EPERM);
    return NULL;
}

static void sets_of_capabilities_shrink(void)
{
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, drops_bounding, NULL), 0);
    pthread_join(thread, NULL);
    CHECK_EQ(prctl(PR_CAPBSET_READ, CAP_SYS_TIME), 1);
}

int main(void)
{
    umask(022);
    scratch_enter();
    CHECK(getcwd(base, sizeof(base)) != NULL);
    CHECK_OK(chmod(".", 0777));
    RUN(the_first_class_that_fits_counts);
    RUN(folders_are_searched_and_written_by_permission);
    RUN(in_sticky_folders_only_owners_remove);
    RUN(set_group_folders_give_their_group);
    RUN(attributes_belong_to_the_owner);
    RUN(writing_takes_the_set_id_bits);
    RUN(extended_attributes_go_by_permission);
    RUN(sockets_have_permissions);
    RUN(links_to_others_files_are_refused);
    RUN(what_takes_a_capability_is_refused);
    RUN(capabilities_follow_the_user);
    RUN(sets_of_capabilities_shrink);
    return check_done();
}
