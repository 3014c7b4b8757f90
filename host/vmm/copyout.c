/*
 * Files brought out of the machine at its end. What the kernel says is not believed: an index must
 * be one of ours, sizes must agree.
 */
#include "host/vmm/copyout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/control.h"
#include "host/base/buf.h"
#include "host/base/io.h"
#include "host/base/path.h"
#include "host/base/say.h"

bool copy_list_add(struct copy_list *list, const char *text, struct error *err)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    if (!length || (equals && !equals[1]))
        return error_set(err, "--copy-out %s: must be FILE=HOSTFILE, as in /model.pkl=./model.pkl",
                         text);
    list->items = mem_resize(list->items, (list->count + 1) * sizeof(*list->items));
    struct copy_out *it = &list->items[list->count++];
    *it = (struct copy_out){.file.fd = -1, .guest = mem_printf("%.*s", (int)length, text)};
    it->host = mem_string(equals ? equals + 1 : path_base(it->guest));
    return true;
}

void copy_list_clear(struct copy_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        fresh_drop(&list->items[i].file);
        free(list->items[i].guest);
        free(list->items[i].host);
    }
    free(list->items);
    *list = (struct copy_list){0};
}

static void set_path(char **field, char *path)
{
    free(*field);
    *field = path;
}

/* A folder gets the file into it; a link stays, what it leads to is replaced. */
static bool find_place(struct copy_out *it, struct error *err)
{
    struct stat info;
    if (stat(it->host, &info) != 0)
        return true;
    if (S_ISDIR(info.st_mode))
        set_path(&it->host, path_join(it->host, path_base(it->guest)));
    if (stat(it->host, &info) == 0 && !S_ISREG(info.st_mode))
        return error_set(err, "--copy-out: %s is there and is no regular file", it->host);
    char *real = realpath(it->host, NULL);
    if (real)
        set_path(&it->host, real);
    return true;
}

bool copy_list_begin(struct copy_list *list, const char *workdir, struct error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        struct copy_out *it = &list->items[i];
        char *whole = path_join(workdir ? workdir : "/", it->guest);
        set_path(&it->guest, path_clean(whole));
        free(whole);
        if (!find_place(it, err))
            return false;
        char *folder = path_parent(it->host);
        bool open = fresh_open(&it->file, folder, err);
        free(folder);
        if (!open)
            return error_prefix(err, "--copy-out");
    }
    return true;
}

void copy_list_data(struct copy_list *list, const char *data, size_t size)
{
    uint32_t index;
    if (!list || size < sizeof(index))
        return;
    memcpy(&index, data, sizeof(index));
    if (index >= list->count)
        return;
    struct copy_out *it = &list->items[index];
    if (it->file.fd < 0 || it->failed.text[0])
        return;
    if (!io_write(it->file.fd, data + sizeof(index), size - sizeof(index)))
        error_errno(&it->failed, "can't write %s", it->host);
    it->bytes += size - sizeof(index);
}

/* All of it came: gives it its name. */
static void keep(struct copy_out *it, mode_t mode)
{
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(it->file.fd, mode & 0777 & ~mask) != 0 || fsync(it->file.fd) != 0)
        error_errno(&it->failed, "can't write %s", it->host);
    else
        it->kept = fresh_keep(&it->file, it->host, &it->failed);
}

static const char *reason(const struct orris_copy_end *end)
{
    switch (end->error) {
    case EISDIR:
        return "it is a folder; name files in it, or use --mount";
    case EINVAL:
        return "it is no regular file";
    case ENOENT:
        return "the program left no such file";
    default:
        return strerror((int)end->error);
    }
}

void copy_list_end(struct copy_list *list, const char *data, size_t size)
{
    struct orris_copy_end end;
    if (!list || size < sizeof(end))
        return;
    memcpy(&end, data, sizeof(end));
    if (end.index >= list->count)
        return;
    struct copy_out *it = &list->items[end.index];
    if (it->file.fd < 0 || it->failed.text[0])
        return;
    if (end.error)
        error_set(&it->failed, "%s", reason(&end));
    else if (end.size != it->bytes)
        error_set(&it->failed, "only %llu of %llu bytes came", (unsigned long long)it->bytes,
                  (unsigned long long)end.size);
    else
        keep(it, end.mode);
}

bool copy_list_finish(struct copy_list *list)
{
    bool all = true;
    for (size_t i = 0; list && i < list->count; i++) {
        const struct copy_out *it = &list->items[i];
        all &= it->kept;
        if (!it->kept)
            say_error("%s was not copied out: %s", it->guest,
                      it->failed.text[0] ? it->failed.text : "the machine ended before that");
    }
    return all;
}

bool copy_list_has(const struct copy_list *list, const char *guest)
{
    for (size_t i = 0; list && i < list->count; i++)
        if (list->items[i].kept && strcmp(list->items[i].guest, guest) == 0)
            return true;
    return false;
}
