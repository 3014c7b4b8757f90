/* Printing JSON. */
#include "host/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/base/escape.h"

json_t *json_foreign(const char *text)
{
    json_t *value = text ? json_string(text) : json_null();
    if (value)
        return value;
    char *shown = escape(text);
    value = json_string(shown);
    free(shown);
    return value;
}

void json_put(const json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    struct buf out = {0};
    buf_string(&out, "");
    escape_in_json(&out, text ? text : "");
    buf_string(&out, "\n");
    fwrite(out.data, 1, out.size, stdout);
    buf_clear(&out);
    free(text);
}
