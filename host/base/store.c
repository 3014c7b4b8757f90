/*
 * Where the tool keeps things. Directories come into being when first asked for; a lock is an
 * flock() on a file of its own, so that it goes with the process however that ends.
 */
#include "host/base/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/path.h"
#include "host/base/say.h"

/* The home folder: $HOME, else the user's entry in passwd. NULL if neither is there. */
static const char *store_home(void)
{
    const char *home = getenv("HOME");
    if (home && *home)
        return home;
    const struct passwd *user = getpwuid(getuid());
    return user ? user->pw_dir : NULL;
}

static char *store_root(struct error *err)
{
    const char *root = getenv("ORRIS_HOME");
    if (root && *root)
        return path_absolute(root);
    const char *home = store_home();
    if (!home) {
        error_set(err, "no home folder to keep things in: set ORRIS_HOME or HOME");
        return NULL;
    }
    char *own = mem_printf("%s/.orris", home);
    char *path = path_absolute(own);
    free(own);
    return path;
}

char *store_path(const char *sub, bool dir, struct error *err)
{
    char *root = store_root(err);
    if (!root)
        return NULL;
    char *path = *sub ? mem_printf("%s/%s", root, sub) : mem_string(root);
    free(root);
    if (path_make_dirs(path, dir, 0777))
        return path;
    error_errno(err, "can't make the folder of %s (ORRIS_HOME chooses another place)", path);
    free(path);
    return NULL;
}

/* Waits for the lock on fd, with a note if that takes a while. */
static bool store_lock_wait(int fd, int kind, const char *name)
{
    for (int tries = 0; tries < 20; tries++) {
        if (flock(fd, kind | LOCK_NB) == 0)
            return true;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
    }
    say("waiting for another orris that works on %s ...", name);
    int result;
    do
        result = flock(fd, kind);
    while (result && errno == EINTR);
    return result == 0;
}

static int lock_take(const char *name, int kind, struct error *err)
{
    char *sub = mem_printf("locks/%s", name);
    char *path = store_path(sub, false, err);
    free(sub);
    if (!path)
        return -1;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    bool locked =
        fd >= 0 && (kind & LOCK_NB ? flock(fd, kind) == 0 : store_lock_wait(fd, kind, name));
    if (!locked) {
        error_errno(err, "can't lock %s", path);
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    free(path);
    return fd;
}

int store_lock(const char *name, struct error *err)
{
    return lock_take(name, LOCK_EX, err);
}

int store_lock_now(const char *name, struct error *err)
{
    return lock_take(name, LOCK_EX | LOCK_NB, err);
}

int store_lock_shared(const char *name, struct error *err)
{
    return lock_take(name, LOCK_SH, err);
}

char *store_kernel_path(struct error *err)
{
    const char *chosen = getenv("ORRIS_KERNEL");
    if (chosen && *chosen)
        return path_absolute(chosen);
    static const char *const places[] = {"../kernel/orris.elf", "../lib/orris/orris.elf"};
    char *tool = path_read_link("/proc/self/exe");
    char *folder = tool ? path_parent(tool) : NULL;
    free(tool);
    for (size_t i = 0; folder && i < sizeof(places) / sizeof(*places); i++) {
        char *joined = path_join(folder, places[i]);
        char *path = path_clean(joined);
        free(joined);
        if (access(path, R_OK) == 0) {
            free(folder);
            return path;
        }
        free(path);
    }
    free(folder);
    error_set(err, "the kernel orris.elf is not beside the tool: run `make`, or set ORRIS_KERNEL");
    return NULL;
}
