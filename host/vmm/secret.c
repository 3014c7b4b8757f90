/* Files for one run. */
#include "host/vmm/secret.h"

#include <stdlib.h>
#include <string.h>

#include "abi/record.h"
#include "host/base/io.h"

static bool check(const struct secret_list *list, const char *name, struct error *err)
{
    if (!*name || *name == '.' || strchr(name, '/') || strlen(name) > ORRIS_SECRET_NAME_MAX)
        return error_set(err, "--secret %s: the name must be that of a file in /run/secrets", name);
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0)
            return error_set(err, "--secret %s: is given twice", name);
    return list->count < ORRIS_SECRETS_MAX ||
           error_set(err, "--secret: at most %u of them", ORRIS_SECRETS_MAX);
}

bool secret_list_add(struct secret_list *list, const char *text, struct error *err)
{
    const char *equals = strchr(text, '=');
    if (!equals || !equals[1])
        return error_set(err, "--secret must be NAME=FILE: the file becomes /run/secrets/NAME");
    struct secret it = {.name = mem_printf("%.*s", (int)(equals - text), text)};
    bool good = check(list, it.name, err);
    if (good && !io_read_file(equals + 1, &it.data, err))
        good = error_prefix(err, "--secret %s", it.name);
    if (good && it.data.size > ORRIS_SECRET_MAX)
        good = error_set(err, "--secret %s: %s has more than %u bytes", it.name, equals + 1,
                         ORRIS_SECRET_MAX);
    list->items = mem_resize(list->items, (list->count + 1) * sizeof(*list->items));
    list->items[list->count++] = it; /* also if it is no good: the end overwrites it */
    return good;
}

void secret_list_clear(struct secret_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct secret *it = &list->items[i];
        if (it->data.data)
            explicit_bzero(it->data.data, it->data.size);
        buf_clear(&it->data);
        free(it->name);
    }
    free(list->items);
    *list = (struct secret_list){0};
}
