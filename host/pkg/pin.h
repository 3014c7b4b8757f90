/*
 * Versions of Debian packages written down: the lines "NAME VERSION SHA256" of the section
 * "packages" of a lock file (host/record/lock.h). Packages made under pins have exactly these.
 */
#pragma once

#include <stdbool.h>

#include "host/base/buf.h"
#include "host/base/error.h"
#include "host/image/spec.h"
#include "host/pkg/apt.h"

#define PIN_SECTION "packages"

/* Adds a line for each of debs that lines has none for. */
void pin_add(const struct deb_list *debs, struct strlist *lines);

/* Whether debs are what the pins say, every one; NULL: no pins, all are. False with err naming
 * those that aren't. */
bool pin_check(const struct deb_list *debs, const struct strlist *pins, struct error *err);

/* Appends apt's preferences for the pins. */
void pin_preferences(const struct strlist *pins, struct buf *out);
