/* How a user is written. */
#include "host/image/userid.h"

#include <ctype.h>
#include <string.h>

bool user_id_parse(const char *text, size_t length, uint32_t *id)
{
    uint64_t value = 0;
    if (!length || length > 10)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *id = (uint32_t)value;
    return value < UINT32_MAX;
}

bool user_split(const char *text, size_t *length, const char **group, struct error *err)
{
    const char *colon = strchr(text, ':');
    *length = colon ? (size_t)(colon - text) : strlen(text);
    *group = colon ? colon + 1 : NULL;
    return (*length && (!colon || (colon[1] && !strchr(colon + 1, ':')))) ||
           error_set(err, "\"%s\": must be UID[:GID], each a number or a name", text);
}

/* A name can't be made of digits alone: what is, and is no id, is too large. */
static bool check_part(const char *text, size_t length, struct error *err)
{
    uint32_t id;
    return strspn(text, "0123456789") < length || user_id_parse(text, length, &id) ||
           error_set(err, "\"%.*s\" is too large: ids go to 4294967294", (int)length, text);
}

bool user_check(const char *text, struct error *err)
{
    size_t length;
    const char *group;
    return user_split(text, &length, &group, err) && check_part(text, length, err) &&
           (!group || check_part(group, strlen(group), err));
}
