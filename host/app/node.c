/* What node loads by name: node_modules, in the script's folder or above it, and the files beside.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/app/launch.h"
#include "host/base/path.h"

static bool beside_take(const struct spec_filter *filter, const char *path, bool is_folder,
                        size_t depth)
{
    static const char *const endings[] = {".js", ".mjs", ".cjs", ".json", ".node", ".wasm"};
    (void)filter;
    const char *name = path_base(path);
    if (is_folder)
        return depth > 1 || !strcmp(name, "node_modules") || !strcmp(name, "lib");
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof(endings) / sizeof(*endings); i++)
        if (!strcmp(dot, endings[i]))
            return true;
    return depth > 1;
}

bool node_add_beside(struct image_spec *spec, const char *host, const char *guest,
                     struct error *err)
{
    static const struct spec_filter filter = {.take = beside_take};
    return spec_add_filtered(spec, guest, host, &filter, "beside the script", err);
}
