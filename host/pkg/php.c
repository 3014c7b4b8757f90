/* As `phpenmod` does: /etc/php/X.Y/cli/conf.d/NN-NAME.ini, and PHP reads them in this order. */
#include "host/pkg/php.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/buf.h"
#include "host/base/path.h"
#include "host/pkg/place.h"

#define PRIORITY "priority="
#define PRIORITY_DEFAULT 20

static int priority_of(const char *text)
{
    const char *found = text ? strstr(text, PRIORITY) : NULL;
    return found ? atoi(found + strlen(PRIORITY)) : PRIORITY_DEFAULT;
}

/* guest: "/usr/share/php8.2-common/common/ctype.ini" */
static bool extension_enable(const char *tree, const char *guest, struct error *err)
{
    const char *version = guest + strlen("/usr/share/php");
    int length = (int)strcspn(version, "-/");
    struct buf text = {0};
    bool ok = place_read(tree, guest, &text, err);
    char *link = mem_printf("/etc/php/%.*s/cli/conf.d/%d-%s", length, version,
                            priority_of(text.data), path_base(guest));
    ok = ok && place_link(tree, link, guest, err);
    free(link);
    buf_clear(&text);
    return ok;
}

bool php_extensions(const char *tree, struct error *err)
{
    char *pattern = mem_printf("%s/usr/share/php[0-9]*-*/*/*.ini", tree);
    glob_t found = {0};
    bool ok = true;
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; ok && i < found.gl_pathc; i++)
            ok = extension_enable(tree, found.gl_pathv[i] + strlen(tree), err);
    globfree(&found);
    free(pattern);
    return ok;
}
