/*
 * From what the user typed to an image that is ready to boot, and to how it is to run.
 *
 * A verb fills a struct app_request (app_take_flag() does that for the flags that all verbs share)
 * and calls app_prepare(). That is the one door: configuration, packages, the search for what the
 * program needs, the image and the memory of the last time lie behind it. When nothing changed
 * since then, only the files' stamps are looked at.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/base/error.h"
#include "host/image/spec.h"

/* What the user asked for. Strings and lists are owned; start from app_request_init(). */
struct app_request {
    char *package;               /* `pkg load`: the package to run; NULL for `run` */
    struct strlist packages;     /* --pkg: further packages, added to the configuration's */
    char *config_path;           /* -c, or NULL */
    char *program;               /* as typed; NULL: the configuration's or the package's */
    struct strlist program_args; /* what follows PROGRAM, untouched */
    struct strlist args;         /* -a: added to the configuration's Args */
    struct strlist env;          /* -e: "K=V", or "K" for the host's value; first those of files */
    size_t env_from_files;       /* so many are --env-file's */
    char *workdir;               /* --workdir, or NULL */
    char *user;                  /* --user, or NULL */
    char *image_name;            /* -i, or NULL */
    uint64_t memory_bytes;       /* -m; 0: the configuration's, else the default */
    unsigned cpus;               /* 0: the configuration's, else the default */
    bool trim;                   /* --trim: record the program first, unless that was done */
    bool locked;                 /* --locked (or trim): from the lock file, nothing is looked for */
    char *lock_path;             /* --lock; NULL: "orris.lock" */
    struct strlist keep;         /* --keep: patterns of what goes in besides what is recorded */
    bool bake;                   /* build: arguments and environment go into the image, too */
};

/* What came of it. */
struct app {
    char *image_path;
    int image_fd; /* the image, open for reading and locked (LOCK_SH) against changes in place; it
                     is of the same file even when another orris has replaced the name. Keep it
                     open while the machine runs. Close-on-exec. */
    bool fresh;   /* something had to be built */
    struct strlist args;        /* argv, argv[0] first */
    struct strlist env;         /* the program's whole environment, "NAME=VALUE" */
    struct strlist env_private; /* names of those that -e and --env-file gave */
    struct strlist mounts;      /* by twos: a folder of the host, "/path[:ro]" */
    char *workdir;              /* NULL: "/" */
    uint64_t memory_bytes;      /* 0: the default */
    unsigned cpus;              /* 0: the default */
    bool emulate;               /* the configuration says: no hardware virtualization */
    struct strlist ports;       /* the configuration's, as of -p */
    struct strlist network;     /* the configuration's, as struct resolved has it */
};

#define APP_DEFAULT_MEMORY_BYTES (2048ull << 20)

void app_request_init(struct app_request *request);
void app_request_clear(struct app_request *request);

/* If argv[*index] is one of the flags of app_flags_help (values as the next argument, as "-mVALUE"
 * or as "--long=VALUE"), stores it, moves *index to the last
 * argument used, and returns 1. Returns 0 if it is none of these, -1 with err set if it is one but
 * wrong, APP_FLAG_FAILED with err set if a file that it names can't be read. */
#define APP_FLAG_FAILED (-2)
int app_take_flag(struct app_request *request, int argc, char **argv, int *index,
                  struct error *err);

/* The lines about these flags for a verb's help. */
extern const char app_flags_help[];

/* Builds the image if need be and fills in *app, which the caller clears. Says notes on standard
 * error. Returns false with err set. */
bool app_prepare(const struct app_request *request, struct app *app, struct error *err);
void app_clear(struct app *app);
