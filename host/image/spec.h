/*
 * What an image is to hold and how its program is to run: filled in by the configuration, the
 * finder of dependencies (host/app) and packages (host/pkg), turned into an image by host/image.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "abi/record.h"
#include "host/base/error.h"
#include "host/base/stamp.h"
#include "host/base/watch.h"
#include "host/image/ignore.h"

/* A growing list of strings; each owned. items[count] is NULL. */
struct strlist {
    char **items;
    size_t count;
};
void strlist_add(struct strlist *list, const char *string);
void strlist_clear(struct strlist *list);

/* One layer that exists already in the store (a package's). */
struct spec_layer {
    char *path;    /* the EROFS file in the store */
    char *listing; /* text file beside it: "TYPE MODE SIZE MTIME PATH[ -> TARGET]" per line */
};

/* The application's own layers, bottom first: what changes seldom lies below what changes often, so
 * that a changed script makes a layer of one file. */
enum spec_tier {
    TIER_SYSTEM,  /* interpreter, libraries, their data */
    TIER_FOLDERS, /* Dirs, MapDirs */
    TIER_APP,     /* the program's own files */
    TIER_COUNT,
};

enum entry_kind { ENTRY_FILE, ENTRY_DIR, ENTRY_LINK, ENTRY_DATA };

/* One path of the application's own layers. */
struct spec_entry {
    enum entry_kind kind;
    char *guest;  /* absolute path in the image, without "." and ".." */
    char *source; /* FILE, DIR: host path; LINK: the link's target; DATA: the bytes */
    size_t size;  /* DATA: bytes */
    mode_t mode;  /* 0: as the host's */
    char *why;    /* who asked for it: "Files", "needed by /usr/bin/python3.11", "argument", … */
    enum spec_tier tier;
    struct stamp stamp; /* FILE, DIR, LINK from the host: as it was when added */
    bool scanned;       /* the finder of libraries has looked at it */
};

struct image_spec {
    char *name;                /* of the image: NAME.img */
    struct spec_layer *layers; /* packages, bottom first */
    size_t layer_count;
    struct spec_entry *entries; /* in the order they were asked for; a later one replaces */
    size_t entry_count;
    struct spec_tree *tree;   /* layers and entries by path; spec_init() makes it */
    struct ignore ignore;     /* what folders that go in leave behind */
    struct watch watch;       /* what else of the host the result depends on */
    struct strlist variables; /* names of the host's variables that it depends on */
    enum spec_tier tier;      /* of the entries added next */
    char *program;            /* path in the image of what to exec */
    struct strlist args;      /* argv, argv[0] first */
    struct strlist env;       /* "NAME=VALUE" */
    char *workdir;            /* NULL: "/" */
    struct orris_user user;   /* whom the program runs as */
    uint64_t memory_bytes;    /* 0: the default */
    unsigned cpus;            /* 0: the default */
};

void spec_init(struct image_spec *spec);
void spec_clear(struct image_spec *spec);

/* Puts a package's layer (copies the strings) on top of those there are. */
bool spec_add_layer(struct image_spec *spec, const char *path, const char *listing,
                    struct error *err);

/* What is at a path of the image so far; links in the middle are followed, and the last one if
 * follow. Valid until the next addition. */
struct spec_found {
    enum entry_kind kind;           /* DATA counts as FILE */
    const struct spec_entry *entry; /* NULL: from a package's layer, or a parent made on the way */
    char *guest;                    /* the path without links; owned by the caller */
};
bool spec_find(struct image_spec *spec, const char *guest, bool follow, struct spec_found *found);

/* Adds an entry; copies the strings. Parent directories come by themselves, with the host's mode
 * where the host has the same path, else 0755. A path that leads through a symbolic link of a
 * lower layer or an earlier entry is followed, so that /lib/x lands in /usr/lib/x where /lib is
 * a link: folders merge, links are never replaced by folders. */
bool spec_add_file(struct image_spec *spec, const char *guest, const char *host, const char *why,
                   struct error *err);
/* A file with this mode and time in place of the host's. */
struct spec_look {
    mode_t mode; /* permissions */
    int64_t mtime_ns;
};
bool spec_add_file_as(struct image_spec *spec, const char *guest, const char *host,
                      const struct spec_look *look, const char *why, struct error *err);
bool spec_add_link(struct image_spec *spec, const char *guest, const char *target, const char *why,
                   struct error *err);
bool spec_add_dir(struct image_spec *spec, const char *guest, const char *host, const char *why,
                  struct error *err);
bool spec_add_data(struct image_spec *spec, const char *guest, const void *data, size_t size,
                   mode_t mode, const char *why, struct error *err);

/* Adds a host folder with all below it but what spec->ignore keeps out (links stay links, dangling
 * or not). Sockets, devices and
 * unreadable files are left out with a note. */
bool spec_add_tree(struct image_spec *spec, const char *guest, const char *host, const char *why,
                   struct error *err);

/* The same for what the filter takes: path is on the host, depth is 1 for what lies right in host.
 */
struct spec_filter {
    bool (*take)(const struct spec_filter *filter, const char *path, bool is_folder, size_t depth);
    bool files_only; /* folders only where a file below them is taken */
    bool modules;    /* host itself is no entry; only the names of its modules are watched */
};
bool spec_add_filtered(struct image_spec *spec, const char *guest, const char *host,
                       const struct spec_filter *filter, const char *why, struct error *err);

/* Adds an empty folder unless there is one already. */
bool spec_add_empty_dir(struct image_spec *spec, const char *guest, mode_t mode, const char *why,
                        struct error *err);

/* Adds every file of the entries to spec->watch. A file that was scanned for what it needs counts
 * for the whole result, any other for its layer only. */
void spec_watch_entries(struct image_spec *spec);
