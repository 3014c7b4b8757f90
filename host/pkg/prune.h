/* Making the store smaller. What a running machine holds is never touched. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/base/error.h"

struct prune_request {
    bool all;         /* images and packages, too; else what comes back by itself */
    bool limited;     /* only until limit is kept, what was not used for the longest time first */
    uint64_t limit;   /* bytes */
    const char *keep; /* this file, too; or NULL */
    int64_t unused_since; /* what was used after that stays; seconds since 1970, 0: nothing */
    bool dry;             /* remove nothing */
    bool background;      /* wait for nobody, tell nothing, leave packages alone */
};

struct prune_result {
    uint64_t freed, left; /* bytes */
};

bool prune_store(const struct prune_request *request, struct prune_result *result,
                 struct error *err);
