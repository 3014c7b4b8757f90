/* Scripts: the first line "#!INTERPRETER [ARGUMENT]". Portable. */
#pragma once

#include "kernel/base/types.h"

#define SCRIPT_LINE_MAX 256

struct script {
    const char *interpreter;
    const char *argument; /* the rest of the line as one argument, or NULL */
};

/* Takes apart the first line, in place; head holds the first size bytes of the file. Returns 0, or
 * -ENOEXEC if it is no script or the line is unusable. */
MUST_CHECK int script_parse(char *head, size_t size, struct script *script);
