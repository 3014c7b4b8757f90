/*
 * The program's environment: a small default, what comes from the host at run time, what the user
 * says.
 */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"
#include "host/config/config.h"
#include "host/image/spec.h"

extern const char guestenv_path[]; /* the value of PATH */

/* Sets NAME=VALUE in list, in place of an earlier value. */
void guestenv_set(struct strlist *list, const char *assignment);

/* The value of name in list, or NULL. */
const char *guestenv_get(const struct strlist *list, const char *name);

/* Adds the configuration's Env and the flags' -e ("K=V", or "K" for the host's value; an unset one
 * is an error). */
bool guestenv_add(struct strlist *list, const struct pairs *config, const struct strlist *flags,
                  struct error *err);

/* PATH and HOME, where list doesn't set them. */
/* The user's HOME and USER, unless they are set. NULL: not known. */
void guestenv_add_user(struct strlist *list, const char *name, const char *home);
void guestenv_add_default(struct strlist *list);

/* LANG, LC_*, TZ and TERM of the host, where list doesn't set them. */
void guestenv_add_host(struct strlist *list);

/* Who in the image reads variables of its own. */
struct guestenv_readers {
    bool python, node;
    bool numeric; /* libraries for OpenMP, linear algebra and the like */
};
/* Says which variables that these and the C library read are set on the host but not in list. */
void guestenv_note_left(const struct strlist *list, const struct guestenv_readers *by);
