#include "kernel/fs/resolver.h"

#include <linux/fcntl.h>

#include "kernel/base/errno.h"
#include "kernel/base/format.h"
#include "kernel/fd/file.h"
#include "kernel/vfs/mode.h"
#include "kernel/vfs/vfs.h"

#define PATH "/etc/resolv.conf"
#define LINE_MAX 32u /* "nameserver 255.255.255.255\n" */
#define SERVERS_MAX 8u

int resolver_write(const uint32_t *servers, unsigned count)
{
    char text[LINE_MAX * SERVERS_MAX];
    size_t size = 0;
    struct file *f;
    struct iter it;
    uint64_t pos = 0;
    for (unsigned i = 0; i < count && i < SERVERS_MAX; i++) {
        const uint8_t *a = (const uint8_t *)&servers[i];
        size += format(text + size, sizeof(text) - size, "nameserver %u.%u.%u.%u\n", a[0], a[1],
                       a[2], a[3]);
    }
    int err = vfs_open(NULL, PATH, O_WRONLY | O_CREAT | O_TRUNC, 0644, &f);
    if (err)
        return err;
    iter_kernel(&it, text, size);
    int64_t n = f->ops->write(f, &it, &pos);
    file_put(f);
    return n < 0 ? (int)n : (uint64_t)n < size ? -ENOSPC : 0;
}
