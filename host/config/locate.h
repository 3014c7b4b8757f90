/* Where things stand in a JSON text: jansson tells positions of syntax errors only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct json_place {
    unsigned line, column; /* from 1 */
};

/* One step down: a member by its name, or (name NULL) an element by its index. */
struct json_step {
    const char *name;
    size_t index;
};

/* Finds the member's name or the element that the steps lead to in a text that jansson has
 * accepted. False if there is none. */
bool json_locate(const char *text, const struct json_step *steps, size_t count,
                 struct json_place *place);
