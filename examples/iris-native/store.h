/* The store: one GET, with nothing left to the store's good will. It may be away, hang, drip, break
 * off, or send without end; all of that is an error within twice `patience` seconds. */
#pragma once

#include "data.h"

#define LARGEST_DATA (1 << 20)
#define LARGEST_ANSWER (LARGEST_DATA + 16384)

struct store {
    char *host, *port, *path;
    double patience;
    char etag[256]; /* of what it sent last; empty: none */
    char answer[LARGEST_ANSWER + 1];
};

/* NULL: not an http:// URL. */
struct store *store_create(const char *url, double patience);

enum fetched { FETCH_FAILED, FETCH_UNCHANGED, FETCH_DATA };
/* FETCH_DATA: *body, which ends with a zero byte and stays until the next call. FETCH_FAILED: *why.
 */
enum fetched store_fetch(struct store *store, char **body, struct refusal *why);
