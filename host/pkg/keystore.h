/* Java's key store of the authorities that TLS trusts. */
#pragma once

#include <stdbool.h>

#include "host/base/buf.h"

/* Appends to out a store in Java's own format (JKS 2, password "changeit") that holds the
 * certificates of pem, a text; the same text gives the same bytes. Returns how many there are. */
size_t keystore_make(const char *pem, struct buf *out);
