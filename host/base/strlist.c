/* Growing lists of strings. Running out of memory ends the tool: nothing could be said better. */
#include <stdlib.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/image/spec.h"

void strlist_add(struct strlist *list, const char *string)
{
    if (!list->items || (list->count & (list->count + 1)) == 0)
        list->items = mem_resize(list->items, (2 * list->count + 2) * sizeof(char *));
    list->items[list->count++] = mem_string(string);
    list->items[list->count] = NULL;
}

void strlist_clear(struct strlist *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct strlist){0};
}
