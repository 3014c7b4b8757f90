/* Whom the program runs as. See user.h. */
#include "host/image/user.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/io.h"
#include "host/image/erofs_read.h"
#include "host/image/userid.h"

#define PASSWD "/etc/passwd"
#define GROUP "/etc/group"
#define FIELDS 7u
#define FILE_SIZE_MAX (8u << 20)

/* A line of either file: its fields, none longer than the line. */
struct line {
    const char *field[FIELDS];
    size_t length[FIELDS];
    unsigned count;
};

/* Takes the line at *at apart and moves *at behind it. False at the end. */
static bool next_line(const struct buf *file, size_t *at, struct line *line)
{
    *line = (struct line){0};
    if (*at >= file->size)
        return false;
    const char *start = file->data + *at, *end = memchr(start, '\n', file->size - *at);
    end = end ? end : file->data + file->size;
    *at = (size_t)(end - file->data) + 1;
    while (line->count < FIELDS) {
        const char *colon = memchr(start, ':', (size_t)(end - start));
        const char *stop = colon ? colon : end;
        line->field[line->count] = start;
        line->length[line->count++] = (size_t)(stop - start);
        if (!colon)
            break;
        start = colon + 1;
    }
    return true;
}

static bool is_text(const struct line *line, unsigned field, const char *text, size_t length)
{
    return field < line->count && line->length[field] == length &&
           !memcmp(line->field[field], text, length);
}

static bool has_id(const struct line *line, uint32_t id)
{
    uint32_t found;
    return line->count > 2 && user_id_parse(line->field[2], line->length[2], &found) && found == id;
}

/* The line of that name or, where the text is a number, of that id. */
static bool find_line(const struct buf *file, const char *text, size_t length, struct line *line)
{
    uint32_t id;
    bool number = user_id_parse(text, length, &id);
    for (size_t at = 0; next_line(file, &at, line);)
        if (line->count > 2 && (number ? has_id(line, id) : is_text(line, 0, text, length)))
            return true;
    return false;
}

static bool is_member(const struct line *line, const char *name)
{
    const char *list = line->count > 3 ? line->field[3] : "", *end = list + line->length[3];
    size_t length = strlen(name);
    while (list < end) {
        const char *comma = memchr(list, ',', (size_t)(end - list));
        const char *stop = comma ? comma : end;
        if ((size_t)(stop - list) == length && !memcmp(list, name, length))
            return true;
        list = stop + 1;
    }
    return false;
}

static void add_groups(const struct buf *group, struct user *user)
{
    struct line line;
    for (size_t at = 0; user->name && next_line(group, &at, &line);) {
        uint32_t gid, count = user->ids.group_count;
        if (is_member(&line, user->name) && count < ORRIS_USER_GROUPS_MAX &&
            user_id_parse(line.field[2], line.length[2], &gid)) {
            user->ids.groups[count] = gid;
            user->ids.group_count = count + 1;
        }
    }
}

static bool fail_unknown(const char *text, size_t length, const char *what, struct error *err)
{
    return error_set(err,
                     "the image's %s \"%.*s\": give a number, or put such a file in that has it",
                     what, (int)length, text);
}

static bool set_user(const char *text, size_t length, const struct buf *passwd, struct user *user,
                     struct error *err)
{
    struct line line;
    bool number = user_id_parse(text, length, &user->ids.uid);
    if (find_line(passwd, text, length, &line) && line.count > 3) {
        user->name = mem_printf("%.*s", (int)line.length[0], line.field[0]);
        if (line.count > 5 && line.length[5])
            user->home = mem_printf("%.*s", (int)line.length[5], line.field[5]);
        return (user_id_parse(line.field[2], line.length[2], &user->ids.uid) &&
                user_id_parse(line.field[3], line.length[3], &user->ids.gid)) ||
               error_set(err, "the image's " PASSWD " has no numbers for \"%.*s\"", (int)length,
                         text);
    }
    return number || fail_unknown(text, length, PASSWD " has no user", err);
}

static bool set_group(const char *text, const struct buf *group, struct user *user,
                      struct error *err)
{
    struct line line;
    size_t length = strlen(text);
    if (user_id_parse(text, length, &user->ids.gid))
        return true;
    return (find_line(group, text, length, &line) &&
            user_id_parse(line.field[2], line.length[2], &user->ids.gid)) ||
           fail_unknown(text, length, GROUP " has no group", err);
}

bool user_parse(const char *text, const struct buf *passwd, const struct buf *group,
                struct user *out, struct error *err)
{
    *out = (struct user){0};
    size_t length;
    const char *of_group;
    bool good = user_check(text, err) && user_split(text, &length, &of_group, err) &&
                set_user(text, length, passwd, out, err) &&
                (!of_group || set_group(of_group, group, out, err));
    if (good && !of_group)
        add_groups(group, out);
    out->ids.host_uid = out->ids.uid;
    out->ids.host_gid = out->ids.gid;
    return good;
}

/* The file of a package's layer. */
static bool read_from_layer(const char *layer, const char *path, struct buf *out)
{
    struct erofs_volume volume;
    struct erofs_file file;
    struct error err;
    struct stat info;
    int fd = open(layer, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && fstat(fd, &info) == 0 &&
                erofs_open(&volume, fd, 0, (uint64_t)info.st_size, &err) &&
                erofs_find(&volume, path, &file) && S_ISREG(file.mode) &&
                file.size <= FILE_SIZE_MAX;
    if (good) {
        buf_reserve(out, file.size);
        good = erofs_read(&volume, &file, out->data, file.size, 0) == (ssize_t)file.size;
        out->size = good ? file.size : 0;
        out->data[out->size] = 0;
    }
    if (fd >= 0)
        close(fd);
    return good;
}

static void read_from_spec(struct image_spec *spec, const char *path, struct buf *out)
{
    struct spec_found found;
    if (!spec_find(spec, path, true, &found))
        return;
    const struct spec_entry *entry = found.entry;
    if (entry && entry->kind == ENTRY_DATA)
        buf_add(out, entry->source, entry->size);
    else if (entry && entry->kind == ENTRY_FILE)
        (void)io_read_file(entry->source, out, NULL);
    for (size_t i = spec->layer_count; !entry && i-- > 0;)
        if (read_from_layer(spec->layers[i].path, found.guest, out))
            break;
    free(found.guest);
}

bool user_of_spec(const char *text, struct image_spec *spec, struct user *out, struct error *err)
{
    struct buf passwd = {0}, group = {0};
    read_from_spec(spec, PASSWD, &passwd);
    read_from_spec(spec, GROUP, &group);
    bool good = user_parse(text, &passwd, &group, out, err);
    buf_clear(&passwd);
    buf_clear(&group);
    return good;
}

void user_clear(struct user *user)
{
    free(user->name);
    free(user->home);
    *user = (struct user){0};
}
