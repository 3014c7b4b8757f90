/* A pin is looked for by the name before its first blank. */
#include "host/pkg/pin.h"

#include <stdlib.h>
#include <string.h>

#define NAMED 6       /* so many packages are named in an error */
#define PRIORITY 1001 /* apt takes this version, were it older than another */

static const char *pin_find(const struct strlist *pins, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < pins->count; i++)
        if (strncmp(pins->items[i], name, length) == 0 && pins->items[i][length] == ' ')
            return pins->items[i];
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void pin_add(const struct deb_list *debs, struct strlist *lines)
{
    for (size_t i = 0; i < debs->count; i++) {
        const struct deb *deb = &debs->items[i];
        char *line = mem_printf("%s %s %s", deb->name, deb->version, deb->sha256);
        if (!pin_find(lines, deb->name))
            strlist_add(lines, line);
        free(line);
    }
    if (lines->count)
        qsort(lines->items, lines->count, sizeof(*lines->items), by_name);
}

/* Appends what is different about deb to said. Returns whether anything is. */
static bool differs(const struct deb *deb, const char *pin, struct buf *said, size_t count)
{
    char *line = mem_printf("%s %s %s", deb->name, deb->version, deb->sha256);
    bool other = !pin || strcmp(pin, line) != 0;
    const char *version = pin ? strchr(pin, ' ') + 1 : NULL;
    int length = version ? (int)strcspn(version, " ") : 0;
    if (other && count < NAMED && version && strncmp(version, deb->version, (size_t)length) != 0)
        buf_printf(said, "\n%s: locked %.*s, there is %s", deb->name, length, version,
                   deb->version);
    else if (other && count < NAMED)
        buf_printf(said, "\n%s %s: %s", deb->name, deb->version,
                   version ? "another file of the same version" : "not in the lock file");
    free(line);
    return other;
}

bool pin_check(const struct deb_list *debs, const struct strlist *pins, struct error *err)
{
    struct buf said = {0};
    size_t count = 0;
    for (size_t i = 0; pins && i < debs->count; i++)
        count += differs(&debs->items[i], pin_find(pins, debs->items[i].name), &said, count);
    if (count > NAMED)
        buf_printf(&said, "\nand %zu more", count - NAMED);
    if (count)
        error_set(err, "Debian packages are not those of the lock file (`orris pkg lock` writes it "
                       "anew):"),
            error_add_lines(err, said.data);
    buf_clear(&said);
    return count == 0;
}

void pin_preferences(const struct strlist *pins, struct buf *out)
{
    for (size_t i = 0; pins && i < pins->count; i++) {
        const char *version = strchr(pins->items[i], ' ');
        if (!version)
            continue;
        buf_printf(out, "Package: %.*s\nPin: version %.*s\nPin-Priority: %d\n\n",
                   (int)(version - pins->items[i]), pins->items[i], (int)strcspn(version + 1, " "),
                   version + 1, PRIORITY);
    }
}
