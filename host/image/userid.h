/* How whom the program runs as is written: "UID[:GID]", each a number or a name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/error.h"

/* A decimal id that a file can have: 4294967295 means "unchanged". */
bool user_id_parse(const char *text, size_t length, uint32_t *id);

/* The two parts: *length is the first one's, *group NULL or the second. False with err set. */
bool user_split(const char *text, size_t *length, const char **group, struct error *err);

/* Whether text can be such a user, whatever the image has: its shape, and the size of numbers. */
bool user_check(const char *text, struct error *err);
