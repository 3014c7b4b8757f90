/* Files that come into being whole. */
#include "host/base/fresh.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/buf.h"

bool fresh_open(struct fresh_file *file, const char *folder, struct error *err)
{
    *file = (struct fresh_file){.fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0666)};
    if (file->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        file->path = mem_printf("%s/.new-%d", folder, (int)getpid());
        file->fd = open(file->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    }
    if (file->fd >= 0)
        return true;
    error_errno(err, "can't make a file in %s", folder);
    free(file->path);
    file->path = NULL;
    return false;
}

/* Gives a file without a name one beside path, to be renamed. Its name is made of path alone: one
 * left behind by a tool that died right here is replaced by the next. */
static bool fresh_name(struct fresh_file *file, const char *path)
{
    if (file->path)
        return true;
    char own[64];
    snprintf(own, sizeof(own), "/proc/self/fd/%d", file->fd);
    if (linkat(AT_FDCWD, own, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
        return true;
    if (errno != EEXIST)
        return false;
    char *beside = mem_printf("%s.new", path);
    unlink(beside);
    bool done = linkat(AT_FDCWD, own, AT_FDCWD, beside, AT_SYMLINK_FOLLOW) == 0;
    if (done)
        file->path = beside;
    else
        free(beside);
    return done;
}

bool fresh_keep_open(struct fresh_file *file, const char *path, int *fd, struct error *err)
{
    if (!fresh_name(file, path) || (file->path && rename(file->path, path)))
        return error_errno(err, "can't make %s", path);
    *fd = file->fd;
    free(file->path);
    *file = (struct fresh_file){.fd = -1};
    return true;
}

bool fresh_keep(struct fresh_file *file, const char *path, struct error *err)
{
    int fd = -1;
    if (!fresh_keep_open(file, path, &fd, err))
        return false;
    close(fd);
    return true;
}

void fresh_drop(struct fresh_file *file)
{
    if (file->path)
        unlink(file->path);
    if (file->fd >= 0)
        close(file->fd);
    free(file->path);
    *file = (struct fresh_file){.fd = -1};
}
