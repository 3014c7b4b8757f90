/* Packages stay, for they take a network to come back. */
#include "host/app/limit.h"

#include <stdlib.h>
#include <time.h>

#include "host/base/say.h"
#include "host/config/config.h"
#include "host/pkg/prune.h"

#define DEFAULT_LIMIT 20000000000u
#define IN_USE_SECONDS 600 /* another orris may be about to use it */

void limit_keep(const char *image)
{
    const char *text = getenv("ORRIS_STORE_MAX");
    struct prune_request request = {.limited = true,
                                    .limit = DEFAULT_LIMIT,
                                    .keep = image,
                                    .unused_since = time(NULL) - IN_USE_SECONDS,
                                    .background = true};
    if (text && *text && !config_parse_size(text, &request.limit)) {
        say("ORRIS_STORE_MAX is not a size such as 5G: \"%s\"", text);
        return;
    }
    struct prune_result result;
    struct error err = {0};
    if (text && *text && request.limit == 0)
        return;
    if (!prune_store(&request, &result, &err))
        say_verbose("the store was not made smaller: %s", err.text);
    else if (result.freed)
        say("the store held %.1f MB: %.1f MB of it removed, unused for the longest time "
            "(ORRIS_STORE_MAX sets the limit)",
            (double)(result.freed + result.left) / 1e6, (double)result.freed / 1e6);
}
