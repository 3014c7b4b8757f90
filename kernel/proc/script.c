/* The first line of a script, as execve(2) describes it. */
#include "kernel/proc/script.h"

#include "kernel/base/errno.h"
#include "kernel/base/string.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char *skip_blanks(char *p)
{
    while (is_blank(*p))
        p++;
    return p;
}

int script_parse(char *head, size_t size, struct script *script)
{
    if (size < 3 || head[0] != '#' || head[1] != '!')
        return -ENOEXEC;
    if (size > SCRIPT_LINE_MAX)
        size = SCRIPT_LINE_MAX;
    char *newline = memchr(head, '\n', size);
    char *end = newline ? newline : head + size - 1;
    while (end > head + 2 && is_blank(end[-1]))
        end--;
    *end = '\0';
    char *name = skip_blanks(head + 2);
    if (!*name)
        return -ENOEXEC;
    char *p = name;
    while (*p && !is_blank(*p))
        p++;
    bool cut_off = !newline && !*p && size == SCRIPT_LINE_MAX;
    if (cut_off)
        return -ENOEXEC; /* the interpreter's own name may be cut off */
    script->interpreter = name;
    script->argument = NULL;
    if (*p) {
        *p = '\0';
        p = skip_blanks(p + 1);
        script->argument = *p ? p : NULL;
    }
    return 0;
}
