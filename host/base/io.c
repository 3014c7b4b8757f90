/*
 * Whole reads and writes.
 */
#include "host/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/fresh.h"

#define HOLE_SIZE 65536u

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

/* Whether the bytes are all zero: the first is, and each is like the one before it. */
static bool is_zero(const char *data, size_t size)
{
    return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

bool io_write_sparse(int fd, const void *data, size_t size)
{
    const char *at = data;
    for (size_t done = 0; done < size;) {
        size_t start = done, hole = 0;
        while (done < size && hole == 0) {
            size_t part = size - done < HOLE_SIZE ? size - done : HOLE_SIZE;
            if (part == HOLE_SIZE && is_zero(at + done, part))
                hole = part;
            else
                done += part;
        }
        if (!io_write(fd, at + start, done - start) ||
            (hole > 0 && lseek(fd, (off_t)hole, SEEK_CUR) < 0))
            return false;
        done += hole;
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

bool io_read_all(int fd, struct buf *out)
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
    bool ok = io_read_all(fd, out);
    if (!ok)
        error_errno(err, "%s", path);
    close(fd);
    return ok;
}

bool io_can_read(const char *path)
{
    struct stat it;
    return stat(path, &it) == 0 && !S_ISDIR(it.st_mode) && access(path, R_OK) == 0;
}

/* The folder of path, owned by the caller. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mem_string(".");
    return slash == path ? mem_string("/") : mem_printf("%.*s", (int)(slash - path), path);
}

bool io_write_file(const char *path, const void *data, size_t size, mode_t mode, struct error *err)
{
    struct fresh_file file;
    char *folder = folder_of(path);
    bool ok = fresh_open(&file, folder, err);
    free(folder);
    if (!ok)
        return false;
    ok = io_write(file.fd, data, size) && (mode == 0666 || fchmod(file.fd, mode) == 0);
    if (!ok)
        error_errno(err, "cannot write %s", path);
    ok = ok && fresh_keep(&file, path, err);
    if (!ok)
        fresh_drop(&file);
    return ok;
}
