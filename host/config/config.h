/*
 * config.json: what goes into an image besides what the tool finds, and how the program runs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <stdio.h>

#include "host/base/buf.h"
#include "host/base/error.h"
#include "host/image/spec.h"

/* The members of a JSON object whose values are strings, in their order. */
struct pairs {
    struct strlist names, values;
    struct strlist written; /* the names as they stand in the file */
};

enum config_switch { SWITCH_UNSET, SWITCH_OFF, SWITCH_ON };

struct config {
    char *path;      /* as the user gave it, for messages */
    char *folder;    /* absolute: what host paths are relative to */
    struct buf text; /* the file */
    char *program, *workdir, *user, *image_name;
    char *tap, *bridge, *address, *address6, *netmask, *gateway, *gateway6;
    char *parent;                           /* LocalFilesParentDirectory */
    char *version, *language, *description; /* for people */
    struct strlist args, files, dirs, exclude, packages, ports, udp_ports;
    struct strlist nics; /* each as --nic has it: "tap=NAME,ip=ADDRESS" */
    struct pairs env, map_dirs, mounts;
    struct strlist variables; /* names of the host's variables that were replaced */
    enum config_switch no_args_copy, accel, bridged;
    uint64_t keys_set;     /* bit per key, in the order of keys.def */
    uint64_t memory_bytes; /* 0: not set */
    uint64_t cpus;         /* 0: not set */
};

/* Reads and checks the file. Errors begin with path:line:column. */
bool config_load(const char *path, struct config *config, struct error *err);
void config_clear(struct config *config);

/* Takes what config doesn't set from the user's defaults ($ORRIS_DEFAULT_CONFIG, else ~/.orrisrc),
 * if there are any. */
bool config_add_defaults(struct config *config, struct error *err);
/* The path of that file, whether or not it exists; owned by the caller. NULL: there is no home. */
char *config_defaults_path(void);

/* Where the item (a member's name, or NULL) or the index-th element of a key stands, as
 * "path:line:column"; owned by the caller. */
char *config_where(const struct config *config, const char *key, const char *member, size_t index);

/* Whether the file itself, not the defaults, has a key that belongs to no section. */
bool config_sets(const struct config *config, const char *key);

/* Puts Files, Dirs and MapDirs into spec. */
bool config_apply(const struct config *config, struct image_spec *spec, struct error *err);

/* text with $NAME and ${NAME} replaced by the host's variables, and "$$" by a dollar; owned by the
 * caller. Their names are added to variables. NULL with err set if one isn't set. */
char *config_expand(const char *text, struct strlist *variables, struct error *err);

/* "2G", "512M", "1024K", or bytes. False if it is none of these. */
bool config_parse_size(const char *text, uint64_t *bytes);

/* The keys with their texts, for help (markdown: as docs/config.md has them). */
void config_print_keys(FILE *out, bool markdown);
