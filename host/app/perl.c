/* What Perl searches: the folders of @INC. */
#include "host/app/launch.h"
#include "host/app/runtime.h"

bool perl_add(struct closure *closure, const char *interpreter, struct error *err)
{
    struct strlist variables = {0}, folders = {0};
    size_t first = closure->spec->entry_count;
    runtime_environment(closure, &variables);
    bool good =
        runtime_ask(interpreter, "-e", "print \"$_\\n\" for @INC", &variables, &folders, err);
    for (size_t i = 0; good && i < folders.count; i++)
        good = *folders.items[i] != '/' || runtime_add(closure, folders.items[i], err);
    strlist_clear(&variables);
    strlist_clear(&folders);
    return good && runtime_add_link_targets(closure, first, err);
}
