/* Variables of the host in a configuration's strings. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "host/config/config.h"

static size_t name_length(const char *text)
{
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '_')
        length++;
    return length && !isdigit((unsigned char)*text) ? length : 0;
}

/* Takes a reference at text, behind its dollar, into out. Returns how much of text it was; 0 with
 * err set. */
static size_t take(const char *text, struct buf *out, struct strlist *variables, struct error *err)
{
    bool braces = *text == '{';
    size_t length = name_length(text + braces);
    if (!length || (braces && text[1 + length] != '}')) {
        error_set(err, "a name must follow \"$\", as in $HOME or ${HOME}; \"$$\" is a dollar");
        return 0;
    }
    char *name = mem_printf("%.*s", (int)length, text + braces);
    const char *value = getenv(name);
    strlist_add(variables, name);
    if (value)
        buf_string(out, value);
    else
        error_set(err, "the variable $%s is not set (\"$$\" is a dollar)", name);
    free(name);
    return value ? length + 2u * braces : 0;
}

char *config_expand(const char *text, struct strlist *variables, struct error *err)
{
    struct buf out = {0};
    buf_string(&out, "");
    while (*text) {
        size_t plain = strcspn(text, "$");
        buf_add(&out, text, plain);
        text += plain;
        if (!*text)
            break;
        text++;
        if (*text == '$') {
            buf_add(&out, text++, 1);
            continue;
        }
        size_t taken = take(text, &out, variables, err);
        if (!taken) {
            buf_clear(&out);
            return NULL;
        }
        text += taken;
    }
    return out.data;
}
