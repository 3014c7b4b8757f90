/*
 * The run record, taken in once at boot: what to run and how. Strings are NUL-terminated copies
 * in kernel memory.
 */
#pragma once

#include "abi/record.h"
#include "kernel/base/types.h"

/* A file for this run, in kernel memory. */
struct run_secret {
    char *name;
    const uint8_t *data;
    uint32_t size;
};

struct run_config {
    struct orris_layer layers[ORRIS_IMAGE_LAYERS_MAX];
    unsigned layer_count;
    const char *program, *workdir, *hostname, *trace_filter; /* trace_filter NULL: none */
    char **argv, **envp;                                     /* NULL-terminated */
    char **copy_out;                                         /* NULL-terminated */
    char **mounts;                                           /* the same: ORRIS_RECORD_MOUNT */
    unsigned argc, envc, copy_out_count, mount_count;
    struct orris_streams streams;
    struct orris_time time;
    uint8_t entropy[256];
    unsigned entropy_size;
    struct orris_options options;
    struct run_secret secrets[ORRIS_SECRETS_MAX];
    unsigned secret_count;
    struct orris_limit limits[16];
    unsigned limit_count;
    struct orris_interface interfaces[ORRIS_INTERFACES_MAX];
    unsigned interface_count;
    struct orris_forward forwards[ORRIS_FORWARDS_MAX];
    unsigned forward_count;
    struct orris_user user;
    struct orris_signals signals;
};

extern struct run_config the_run;

/* Parses a run record. Returns 0, or -EINVAL with *why a static text. */
MUST_CHECK int run_begin(const void *record, size_t size, const char **why);
