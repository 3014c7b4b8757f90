/*
 * What came of a request the last time, and what it depended on: when none of that has changed, the
 * image is as good as new, and when only the application's own files have, one layer is made again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/app/app.h"
#include "host/base/buf.h"
#include "host/image/image.h"
#include "host/image/spec.h"

/* Numbers of a memo, as they are saved. */
struct memo_numbers {
    uint64_t image_stamp; /* stamp_hash() of the image */
    uint64_t memory_bytes;
    uint64_t line_hash; /* of the script's first line; 0: it doesn't matter */
    uint32_t cpus;
    uint32_t runtime;   /* enum runtime */
    uint32_t app_layer; /* index in content.layers of TIER_APP's, or MEMO_NO_LAYER */
    uint32_t emulate;
    uint32_t numeric; /* libraries are in that read OMP_NUM_THREADS and the like */
};
#define MEMO_NO_LAYER 0xffffffffu

struct memo {
    struct memo_numbers numbers;
    char *name; /* of the image */
    char *image_path;
    char *workdir; /* "": "/" */
    char *script;  /* whose first line matters, or "" */
    struct image_content content;
    struct strlist args;      /* PROGRAM's part of argv: before what follows PROGRAM */
    struct strlist more_args; /* the configuration's: between that and -a */
    struct strlist env;       /* what -e adds to */
    struct strlist notes;
    struct strlist mounts;    /* as struct resolved has them */
    struct strlist variables; /* "NAME=HASH" of the value, or "NAME" if it wasn't set */
    struct strlist ports;     /* the configuration's, as of -p */
    struct strlist network;   /* as struct resolved has it */
    struct buf recipe;        /* of TIER_APP's layer */
    struct buf watch;         /* watch_save() */
};

/* Where the memo of a request is kept; owned by the caller. */
char *memo_path(const struct app_request *request, struct error *err);

bool memo_load(const char *path, struct memo *memo); /* false: there is none that can be used */
bool memo_save(const char *path, const struct memo *memo, struct error *err);
void memo_clear(struct memo *memo);

/* Whether the host's variables are as they were. */
bool memo_variables_hold(const struct memo *memo);

/* Adds a variable with its present value. */
void memo_add_variable(struct memo *memo, const char *name);

/* A hash of a script's first line; never 0. 1 if it can't be read. */
uint64_t memo_line_hash(const char *script);
