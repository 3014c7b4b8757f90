/* The filters of --trace: a word that selects nothing is a mistake. The kernel knows what they
 * mean. */
#include "host/cmd/trace.h"

#include <stdlib.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/base/nearest.h"

static const char *const words[] = {"file",    "desc", "memory", "process", "signal",
                                    "network", "ipc",  "all",    "failed",
#include "host/gen/calls.h" /* each call's name, of kernel/syscall/table.def */
                                    NULL};

static bool is_known(const char *word)
{
    for (size_t i = 0; words[i]; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

bool trace_filter_check(const char *filter, struct error *err)
{
    char *list = mem_string(filter + (*filter == '!'));
    char *next = list;
    bool good = true;
    for (char *word; good && (word = strsep(&next, ","));) {
        if (!*word || is_known(word))
            continue;
        const char *near = nearest(word, words);
        good = error_set(err,
                         "--trace: there is no call or class \"%s\"%s%s%s: classes are file, desc, "
                         "memory, process, signal, network, ipc and all, then there is \"failed\"; "
                         "docs/syscalls.md has the calls",
                         word, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
    }
    free(list);
    return good;
}
