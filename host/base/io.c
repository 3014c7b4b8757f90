/*
 * Whole reads and writes.
 */
#include "host/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t io_pread(int fd, void *data, size_t size, off_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, (char *)data + done, size - done, offset + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

bool io_write(int fd, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, (const char *)data + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

bool io_pwrite(int fd, const void *data, size_t size, off_t offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(fd, (const char *)data + done, size - done, offset + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static bool io_read_rest(int fd, struct buf *out)
{
    for (;;) {
        buf_reserve(out, 65536);
        ssize_t n = read(fd, out->data + out->size, out->capacity - out->size - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        if (n == 0)
            return true;
        out->size += (size_t)n;
        out->data[out->size] = 0;
    }
}

bool io_read_file(const char *path, struct buf *out, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_errno(err, "%s", path);
    bool ok = io_read_rest(fd, out);
    if (!ok)
        error_errno(err, "%s", path);
    close(fd);
    return ok;
}

static bool io_write_fd(int fd, const void *data, size_t size, mode_t mode)
{
    bool ok = io_write(fd, data, size) && fchmod(fd, mode) == 0;
    return close(fd) == 0 && ok;
}

bool io_write_file(const char *path, const void *data, size_t size, mode_t mode, struct error *err)
{
    char *temporary = mem_printf("%s.tmp.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    bool made = fd >= 0;
    bool ok = made && io_write_fd(fd, data, size, mode) && rename(temporary, path) == 0;
    if (!ok)
        error_errno(err, "cannot write %s", path);
    if (!ok && made)
        unlink(temporary);
    free(temporary);
    return ok;
}
