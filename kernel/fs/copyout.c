/* Files that the tool wants at the end: each is sent in pieces, then its end with what went wrong.
 */
#include <linux/fcntl.h>

#include "abi/control.h"
#include "kernel/base/errno.h"
#include "kernel/base/string.h"
#include "kernel/fd/file.h"
#include "kernel/fs/memfs.h"
#include "kernel/mm/heap.h"
#include "kernel/platform/run.h"
#include "kernel/platform/streams.h"
#include "kernel/proc/cred.h"
#include "kernel/vfs/mode.h"

#define PERMISSION_BITS 0777u

/* A COPY_DATA message: as much as one may hold. */
struct piece {
    uint32_t index;
    char data[ORRIS_MESSAGE_MAX - sizeof(uint32_t)];
};

static int send_data(struct file *f, struct piece *piece, uint64_t *sent)
{
    for (;;) {
        int64_t n = vfs_read_kernel(f, piece->data, sizeof(piece->data), *sent);
        if (n <= 0)
            return (int)n;
        control_send(ORRIS_MSG_COPY_DATA, piece, sizeof(piece->index) + (size_t)n, true);
        *sent += (uint64_t)n;
    }
}

static int send_file(const char *path, struct piece *piece, struct orris_copy_end *end)
{
    struct file *f;
    int err = vfs_open(NULL, path, O_RDONLY | O_NONBLOCK, 0, &f);
    if (err)
        return err;
    end->mode = f->inode ? f->inode->mode & PERMISSION_BITS : 0;
    if (f->inode && inode_is_dir(f->inode))
        err = -EISDIR;
    else if (!f->inode || !inode_is_regular(f->inode))
        err = -EINVAL;
    else
        err = send_data(f, piece, &end->size);
    file_put(f);
    return err;
}

void copy_out_send(void)
{
    cred_become_kernel();
    struct piece *piece = the_run.copy_out_count ? heap_alloc(sizeof(*piece)) : NULL;
    for (unsigned i = 0; i < the_run.copy_out_count; i++) {
        struct orris_copy_end end = {.index = i};
        int err = -ENOMEM;
        if (piece) {
            piece->index = i;
            err = send_file(the_run.copy_out[i], piece, &end);
        }
        end.error = (uint32_t)-err;
        control_send(ORRIS_MSG_COPY_END, &end, sizeof(end), true);
    }
    heap_free(piece);
}
