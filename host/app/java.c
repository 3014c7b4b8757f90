/* A Java machine finds its parts beside the real file of its launcher, HOME/bin/java. */
#include <stdlib.h>

#include "host/app/launch.h"
#include "host/app/runtime.h"
#include "host/base/path.h"

bool java_add(struct closure *closure, const char *launcher, struct error *err)
{
    static const char *const folders[] = {"lib", "conf", "jre"}; /* jre: Java 8's */
    size_t first = closure->spec->entry_count;
    struct stat info;
    char *real = NULL;
    bool good = true;
    if (!watch_follow(&closure->spec->watch, launcher, &info, &real))
        return true;
    char *bin = path_parent(real), *home = path_parent(bin);
    for (size_t i = 0; good && i < sizeof(folders) / sizeof(*folders); i++) {
        char *folder = path_join(home, folders[i]);
        good = runtime_add(closure, folder, err);
        free(folder);
    }
    free(real);
    free(bin);
    free(home);
    return good && runtime_add_link_targets(closure, first, err);
}
