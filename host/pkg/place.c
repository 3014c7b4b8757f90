/* Modes are those of Debian's own files: 0755 and 0644. */
#include "host/pkg/place.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/path.h"

char *place_path(const char *tree, const char *guest)
{
    return mem_printf("%s%s", tree, guest);
}

static bool make_parent(const char *path, struct error *err)
{
    return path_make_dirs(path, false, 0755) ||
           error_errno(err, "can't make the folder of %s", path);
}

bool place_link(const char *tree, const char *guest, const char *target, struct error *err)
{
    char *path = place_path(tree, guest);
    bool ok = make_parent(path, err);
    if (ok) {
        unlink(path);
        ok = symlink(target, path) == 0 || error_errno(err, "can't make the link %s", path);
    }
    free(path);
    return ok;
}

bool place_folder(const char *tree, const char *guest, mode_t mode, struct error *err)
{
    char *path = place_path(tree, guest);
    bool ok = (path_make_dirs(path, true, 0755) && chmod(path, mode) == 0) ||
              error_errno(err, "can't make %s", path);
    free(path);
    return ok;
}

bool place_file(const char *tree, const char *guest, const void *data, size_t size,
                struct error *err)
{
    char *path = place_path(tree, guest);
    bool ok = make_parent(path, err) && io_write_file(path, data, size, 0644, err);
    free(path);
    return ok;
}
