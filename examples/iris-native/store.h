/* The store: one GET, with nothing left to the store's good will. It may be away, hang, drip, break
 * off, or send without end; all of that is an error within twice `patience` seconds. */
#pragma once

#include "data.h"

#define LARGEST_DATA (1 << 20)

struct store {
    char *host, *port, *path;
    double patience;
    char etag[256]; /* of what it sent last; empty: none */
};

/* NULL: not an http:// URL. */
struct store *store_create(const char *url, double patience);

enum fetched { FETCH_FAILED, FETCH_UNCHANGED, FETCH_DATA };
/* FETCH_DATA: *answer, to be freed, holds *body, which ends with a zero byte. FETCH_FAILED: *why.
 */
enum fetched store_fetch(struct store *store, char **answer, char **body, struct refusal *why);
