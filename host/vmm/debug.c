/* What a debugger needs from us. The script itself is gdb.py. */
#include "host/vmm/debug.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/crc32c.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/base/store.h"
#include "host/image/kernel.h"
#include "host/pkg/shelf.h"

#define SCRIPT_NAME "start.py"

extern const char gdb_script[], gdb_script_end[];

/* Symbols of another kernel than the image's would lie. */
static bool check_kernel(const char *path, const struct image_info *image, struct error *err)
{
    struct buf kernel = {0};
    bool ok = kernel_read(path, &kernel, err);
    bool same = ok && kernel.size == image->header.kernel_size &&
                crc32c(0, kernel.data, kernel.size) == image->header.kernel_crc;
    buf_clear(&kernel);
    if (ok && !same)
        error_set(err, "the image holds another kernel than %s: build it again", path);
    return same;
}

static void add_setting(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "%s = '", name);
    for (; *value; value++)
        buf_printf(out, *value == '\'' || *value == '\\' ? "\\%c" : "%c", *value);
    buf_string(out, "'\n");
}

static bool write_script(const struct debug *debug, const char *image_path, const char *kernel,
                         const char *target, struct error *err)
{
    struct buf text = {0};
    char *tool = path_read_link("/proc/self/exe");
    char *image = path_absolute(image_path);
    char *path = path_join(debug->folder, SCRIPT_NAME);
    add_setting(&text, "KERNEL", kernel);
    add_setting(&text, "IMAGE", image);
    add_setting(&text, "ORRIS", tool ? tool : "orris");
    add_setting(&text, "FOLDER", debug->folder);
    add_setting(&text, "TARGET", target);
    buf_add(&text, gdb_script, (size_t)(gdb_script_end - gdb_script));
    bool ok = io_write_file(path, text.data, text.size, 0600, err);
    buf_clear(&text);
    free(path);
    free(image);
    free(tool);
    return ok;
}

static char *make_folder(struct error *err)
{
    const char *temporary = getenv("TMPDIR");
    char *folder = mem_printf("%s/orris-gdb-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (mkdtemp(folder))
        return folder;
    error_errno(err, "--gdb: can't make the folder %s", folder);
    free(folder);
    return NULL;
}

bool debug_begin(struct debug *debug, const char *image_path, const struct image_info *image,
                 unsigned port, struct error *err)
{
    char *kernel = store_kernel_path(err);
    if (!kernel || !check_kernel(kernel, image, err) || !(debug->folder = make_folder(err))) {
        free(kernel);
        return false;
    }
    char *target;
    if (port) {
        target = mem_printf("127.0.0.1:%u", port);
        debug->server = mem_printf("tcp:%s", target);
    } else {
        target = mem_printf("%s/socket", debug->folder);
        debug->server = mem_printf("unix:%s,server=on,wait=off", target);
    }
    bool ok = write_script(debug, image_path, kernel, target, err);
    free(target);
    free(kernel);
    return ok;
}

void debug_say(const struct debug *debug)
{
    say_error("the machine waits for a debugger; in another terminal:");
    say_error("gdb -q -x %s/" SCRIPT_NAME, debug->folder);
}

void debug_end(struct debug *debug)
{
    struct error err;
    if (debug->folder && !shelf_remove_tree(debug->folder, &err))
        say_lines(SAY_NORMAL, err.text);
    free(debug->folder);
    free(debug->server);
    *debug = (struct debug){0};
}
