/* Memory that is always there. */
#include "host/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEM_EXIT_STATUS 125

static void *mem_check(void *memory)
{
    if (!memory) {
        static const char text[] = "orris: out of memory\n";
        ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
        (void)ignored;
        _exit(MEM_EXIT_STATUS);
    }
    return memory;
}

void *mem_alloc(size_t size)
{
    return mem_check(calloc(1, size ? size : 1));
}

void *mem_realloc(void *old, size_t size)
{
    return mem_check(realloc(old, size ? size : 1));
}

char *mem_strdup(const char *string)
{
    return mem_check(strdup(string));
}

char *mem_strndup(const char *string, size_t size)
{
    return mem_check(strndup(string, size));
}

char *mem_printf(const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    return mem_check(length < 0 ? NULL : text);
}
