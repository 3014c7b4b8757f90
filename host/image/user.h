/*
 * Whom the program runs as: "UID[:GID]", where each may also be a name of the image's /etc/passwd
 * and /etc/group.
 */
#pragma once

#include <stdbool.h>

#include "abi/record.h"
#include "host/base/buf.h"
#include "host/base/error.h"
#include "host/image/spec.h"

struct user {
    struct orris_user ids; /* host_uid, host_gid: the same as uid, gid */
    char *name, *home;     /* as /etc/passwd has them, or NULL: it doesn't have the user */
};

/* passwd, group: these files' texts. Without ":GID" the user has the group and the supplementary
 * groups that the files say, or group 0. False with err set: no such user or group. */
bool user_parse(const char *text, const struct buf *passwd, const struct buf *group,
                struct user *out, struct error *err);
/* The same with the files of what is to become an image. */
bool user_of_spec(const char *text, struct image_spec *spec, struct user *out, struct error *err);
void user_clear(struct user *user);
