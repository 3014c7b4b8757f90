/* From a request to a filled image_spec: everything that has to be looked for. */
#pragma once

#include "host/app/app.h"
#include "host/app/launch.h"
#include "host/config/config.h"

struct resolved {
    struct image_spec spec;
    struct strlist more_args; /* the configuration's Args (empty if they are in spec.args) */
    struct strlist mounts;    /* the configuration's, by twos: host's folder, "/path[:ro]" */
    struct strlist ports;     /* as of -p */
    struct strlist network;   /* by twos: link_set()'s key and value */
    struct strlist notes;     /* for the user, each time this is run */
    enum runtime runtime;
    char *script; /* whose first line matters, or NULL */
    uint64_t memory_bytes;
    unsigned cpus;
    bool emulate; /* the configuration says: no hardware virtualization */
};

/* The lock file that a request means. */
const char *resolve_lock_path(const struct app_request *request);

/* What the request's program is on the host: the file to execute, its whole argv and environment.
 * All three are owned by the caller. */
bool resolve_command(const struct app_request *request, char **path, struct strlist *argv,
                     struct strlist *env, struct error *err);

bool resolve(const struct app_request *request, struct resolved *out, struct error *err);
void resolved_clear(struct resolved *resolved);
