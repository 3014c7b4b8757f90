/*
 * The shared libraries that programs need, found as ld.so finds them: DT_NEEDED, RPATH and RUNPATH
 * with $ORIGIN, LD_LIBRARY_PATH, /etc/ld.so.cache, the standard folders.
 */
#pragma once

#include <stdbool.h>

#include "host/app/hostcache.h"
#include "host/base/error.h"
#include "host/image/spec.h"

struct closure_known; /* libraries that were looked for in the standard places */

struct closure {
    struct image_spec *spec;
    struct strlist env; /* what the program's environment will hold, -e included */
    struct hostcache cache;
    char *library_path;  /* LD_LIBRARY_PATH as the program will have it; NULL: none */
    char *program_rpath; /* the program's DT_RPATH: counts for what it loads later, too */
    char *program_origin;
    bool musl; /* the program's linker is musl's */
    struct strlist musl_folders;
    struct closure_known *known;
    size_t known_count;
    bool converts, names, zones; /* as in struct elf, of any of them */
    struct strlist translators;  /* host paths of those that translate */
    size_t scanned;              /* entries of spec looked at so far */
    struct strlist links;        /* names that libraries are loaded by and that are links */
    size_t scanned_links;
    struct strlist sonames; /* of everything scanned */
};

/* Copies env: the whole environment that the program will have. */
void closure_init(struct closure *closure, struct image_spec *spec, const struct strlist *env);
void closure_clear(struct closure *closure);

/* Puts a host file into the image at its own path, together with every link on the way to it. Does
 * nothing if the image has something there already. */
bool closure_add_path(struct closure *closure, const char *path, const char *why,
                      struct error *err);

/* Puts the links on the way to a host folder into the image, not the folder. */
bool closure_add_folder_links(struct closure *closure, const char *path, const char *why,
                              struct error *err);

/* Adds an x86-64 program with its interpreter and libraries, at its own path (with every link on
 * the way) or, if guest isn't NULL, there. A missing library is an error that names it and who
 * needs it. */
bool closure_add_program(struct closure *closure, const char *path, const char *guest,
                         struct error *err);

/* Adds the libraries of all ELF files among the entries added since the last time. A missing
 * library is only noted: the file may never be loaded. */
bool closure_add_entries(struct closure *closure, struct error *err);

/* Adds the library that ld.so finds for a name in its standard places, if there is one. */
bool closure_add_library(struct closure *closure, const char *name, const char *why,
                         struct error *err);

/* Puts an /etc/ld.so.cache for the libraries in the image into it, if it has none. */
bool closure_add_cache(struct closure *closure, struct error *err);
