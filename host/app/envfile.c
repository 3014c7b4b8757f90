/* Files of variables. */
#include "host/app/envfile.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/base/io.h"

#define FILE_MAX (1u << 20) /* bytes: more is no environment */

static bool take_line(char *line, struct strlist *list)
{
    line += strspn(line, " \t");
    size_t size = strlen(line);
    if (size && line[size - 1] == '\r')
        line[size - 1] = 0;
    if (!*line || *line == '#')
        return true;
    size_t name = strcspn(line, "=");
    if (!name || strcspn(line, " \t") < name || isdigit((unsigned char)*line))
        return false;
    strlist_add(list, line);
    return true;
}

/* An error never shows the line: it may hold a secret. */
bool envfile_read(const char *path, struct strlist *list, struct error *err)
{
    struct buf text = {0};
    if (!io_read_file(path, &text, err))
        return error_prefix(err, "--env-file");
    bool good = text.size <= FILE_MAX && (!text.size || !memchr(text.data, 0, text.size));
    if (!good)
        error_set(err, "--env-file %s: is no file of NAME=VALUE lines", path);
    char *rest = text.size ? text.data : NULL;
    unsigned number = 0;
    for (char *line; good && (line = strsep(&rest, "\n"));) {
        number++;
        good = take_line(line, list) ||
               error_set(err, "--env-file %s:%u: must be NAME=VALUE or NAME", path, number);
    }
    if (text.data)
        explicit_bzero(text.data, text.size);
    buf_clear(&text);
    return good;
}
