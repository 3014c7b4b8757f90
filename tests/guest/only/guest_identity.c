/* In the guest alone: host name, environment, start folder, the files that programs expect. */
#include <sys/utsname.h>

#include "tests/harness/guest.h"

static void names(void)
{
    struct utsname name;
    char cwd[PATH_MAX];
    CHECK_OK(uname(&name));
    CHECK_STR(name.nodename, "orris");
    CHECK_STR(getcwd(cwd, sizeof(cwd)), "/");
    CHECK_STR(getenv("HOME"), "/");
    CHECK(getenv("PATH") != NULL);
    CHECK(getenv("USER") == NULL && getenv("SHELL") == NULL && getenv("PWD") == NULL);
}

static void expected_files(void)
{
    static const char *const files[] = {"/etc/passwd", "/etc/hosts", "/proc", "/dev", "/sys"};
    static const char *const folders[] = {"/tmp", "/run", "/dev/shm", "/var/tmp"};
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        CHECK_OK(access(files[i], F_OK));
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s/orris-test", folders[i]);
        CHECK(file_put(path, "x"));
        CHECK_OK(unlink(path));
    }
    CHECK(strstr(file_get("/etc/passwd"), "root:x:0:0") == file_get("/etc/passwd"));
    CHECK(strstr(file_get("/etc/hosts"), "localhost") != NULL);
}

static void files_can_be_made_anywhere(void)
{
    CHECK(file_put("/new-file", "x"));
    CHECK_OK(unlink("/new-file"));
    CHECK_OK(mkdir("/opt-new", 0755));
    CHECK(file_put("/opt-new/f", "y"));
    CHECK_OK(unlink("/opt-new/f"));
    CHECK_OK(rmdir("/opt-new"));
}

/* Removing what the image holds, and making something else in its place. */
static void files_of_the_image_can_go(void)
{
    CHECK(file_get("/etc/hosts")[0] != 0);
    CHECK_OK(rename("/etc/hosts", "/etc/hosts.old"));
    CHECK_ERR(open("/etc/hosts", O_RDONLY), ENOENT);
    CHECK(strstr(file_get("/etc/hosts.old"), "localhost") != NULL);
    CHECK_OK(unlink("/etc/hosts.old"));
    CHECK(file_put("/etc/hosts", "new"));
    CHECK_STR(file_get("/etc/hosts"), "new");
    CHECK_OK(unlink("/etc/hosts"));
    CHECK_ERR(open("/etc/hosts", O_RDONLY), ENOENT);
}

/* What the host reads can't be read back here, nor what it writes be written: as with a pipe of
 * somebody else. */
static void streams_go_one_way(void)
{
    CHECK_ERR(open("/proc/self/fd/0", O_WRONLY), EACCES);
    CHECK_ERR(open("/proc/self/fd/1", O_RDONLY), EACCES);
    CHECK_ERR(open("/dev/stderr", O_RDWR), EACCES);
}

int main(void)
{
    RUN(names);
    RUN(expected_files);
    RUN(files_can_be_made_anywhere);
    RUN(files_of_the_image_can_go);
    RUN(streams_go_one_way);
    return check_done();
}
