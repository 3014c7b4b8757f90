/*
 * The tree is walked in the order of its names, so that equal trees give equal files.
 */
#include "host/pkg/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/image/erofs.h"
#include "host/image/spec.h"
#include "host/pkg/command.h"

#define NS_PER_SECOND 1000000000ll

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static FTS *walk_open(const char *tree, struct error *err)
{
    char *const roots[] = {(char *)(uintptr_t)tree, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    if (!walk)
        error_errno(err, "can't read %s", tree);
    return walk;
}

static int64_t stat_mtime_ns(const struct stat *info)
{
    return info->st_mtim.tv_sec * NS_PER_SECOND + info->st_mtim.tv_nsec;
}

int64_t pack_newest(const char *tree)
{
    int64_t newest = 0;
    FTS *walk = walk_open(tree, NULL);
    for (FTSENT *entry; walk && (entry = fts_read(walk));)
        if ((entry->fts_info == FTS_F || entry->fts_info == FTS_SL) &&
            entry->fts_statp->st_mtime > newest)
            newest = entry->fts_statp->st_mtime;
    if (walk)
        fts_close(walk);
    return newest;
}

bool pack_clamp_times(const char *tree, int64_t newest, struct error *err)
{
    FTS *walk = walk_open(tree, err);
    bool ok = walk;
    for (FTSENT *entry; ok && (entry = fts_read(walk));) {
        if (entry->fts_info == FTS_D || entry->fts_statp->st_mtime <= newest)
            continue;
        struct timespec times[2] = {{.tv_sec = newest}, {.tv_sec = newest}};
        if (utimensat(AT_FDCWD, entry->fts_path, times, AT_SYMLINK_NOFOLLOW) != 0)
            ok = error_errno(err, "can't set the time of %s", entry->fts_path);
    }
    if (walk)
        fts_close(walk);
    return ok;
}

/* What the nodes point to lives here until the file is written. */
struct making {
    size_t root_length; /* of the tree's own path */
    struct strlist strings;
    struct buf listing;
};

static char *making_keep(struct making *making, const char *string)
{
    strlist_add(&making->strings, string);
    return making->strings.items[making->strings.count - 1];
}

/* A layer's listing has one path a line, and " -> " before a link's target. */
static bool check_name(const char *guest, const char *target, struct error *err)
{
    const char *bad = strchr(guest, '\n') || (target && strchr(target, '\n')) ? "a newline"
                      : target && strstr(guest, " -> ")                       ? "\" -> \""
                                                                              : NULL;
    return !bad || error_set(err,
                             "%s: its name%s holds %s, which a package can't have; rename it "
                             "first",
                             guest, target ? " or its target" : "", bad);
}

static bool making_add(struct making *making, struct erofs_node *parent, FTSENT *entry,
                       struct error *err)
{
    const struct stat *info = entry->fts_statp;
    const char *path = entry->fts_path, *guest = path + making->root_length;
    char type = S_ISDIR(info->st_mode) ? 'd' : S_ISLNK(info->st_mode) ? 'l' : 'f';
    if (!S_ISDIR(info->st_mode) && !S_ISLNK(info->st_mode) && !S_ISREG(info->st_mode))
        return true;
    if (type != 'l' && !check_name(guest, NULL, err))
        return false;
    struct erofs_node *node =
        erofs_add(parent, making_keep(making, entry->fts_name), info->st_mode, stat_mtime_ns(info));
    buf_printf(&making->listing, "%c %04o %lld %lld %s", type, (unsigned)info->st_mode & 07777,
               (long long)info->st_size, (long long)info->st_mtime, guest);
    if (type == 'l') {
        char *target = path_read_link(path);
        if (!target)
            return error_errno(err, "can't read the link %s", path);
        if (!check_name(guest, target, err)) {
            free(target);
            return false;
        }
        node->source = making_keep(making, target);
        buf_printf(&making->listing, " -> %s", target);
        free(target);
    } else {
        node->origin = making_keep(making, path);
    }
    if (type == 'f') {
        node->source = node->origin;
        node->size = (uint64_t)info->st_size;
        if (info->st_nlink > 1) {
            node->dev = info->st_dev;
            node->ino = info->st_ino;
        }
    }
    buf_string(&making->listing, "\n");
    entry->fts_pointer = node;
    return true;
}

static bool making_walk(struct making *making, const char *tree, struct erofs_node *root,
                        struct error *err)
{
    FTS *walk = walk_open(tree, err);
    bool ok = walk;
    errno = 0;
    for (FTSENT *entry; ok && (entry = fts_read(walk));) {
        if (entry->fts_info == FTS_DP)
            continue;
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
            ok = error_set(err, "can't read %s: %s", entry->fts_path, strerror(entry->fts_errno));
        else if (entry->fts_level == 0)
            entry->fts_pointer = root;
        else
            ok = making_add(making, entry->fts_parent->fts_pointer, entry, err);
    }
    if (walk)
        fts_close(walk);
    return ok;
}

static bool making_write(const struct making *making, struct erofs_node *root,
                         const struct bill_origin *origin, const char *image, const char *listing,
                         struct error *err)
{
    uint8_t digest[DIGEST_SIZE];
    int fd = open(image, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_errno(err, "can't make %s", image);
    bool ok = erofs_write(root, fd, digest, err) && bill_append(fd, origin, err);
    if (close(fd) != 0 && ok)
        ok = error_errno(err, "can't write %s", image);
    return ok && io_write_file(listing, making->listing.data ? making->listing.data : "",
                               making->listing.size, 0644, err);
}

bool pack_write(const char *tree, const struct bill_origin *origin, const char *image,
                const char *listing, struct error *err)
{
    struct making making = {.root_length = strlen(tree)};
    struct stat info;
    if (lstat(tree, &info) != 0)
        return error_errno(err, "can't read %s", tree);
    struct erofs_node *root = erofs_create(0755, stat_mtime_ns(&info));
    bool ok = making_walk(&making, tree, root, err) &&
              making_write(&making, root, origin, image, listing, err);
    erofs_destroy(root);
    strlist_clear(&making.strings);
    buf_clear(&making.listing);
    return ok;
}

bool pack_extract(const char *image, const char *tree, struct error *err)
{
    char *extract = mem_printf("--extract=%s", tree);
    const char *const argv[] = {"fsck.erofs",  extract, "--preserve-perms",
                                "--overwrite", image,   NULL};
    struct command command = {.argv = argv};
    bool ok = command_must(&command, err) ||
              error_prefix(err, "can't unpack %s (fsck.erofs is in Debian's erofs-utils)", image);
    free(extract);
    return ok;
}
