/*
 * orris.lock: what a command used, as a text that a person can read, edit and commit.
 *
 *   orris.lock 1
 *   # a comment
 *   [command]
 *   folder .                      # where it ran, relative to this file's folder
 *   argument python3
 *   [environment]
 *   PYTHONPATH=lib
 *   [files]
 *   file MODE SIZE TIME SHA256 PATH       # why
 *   link PATH -> TARGET                   # why
 *   folder MODE PATH                      # why
 *   none PATH                             # looked for in vain
 *
 * A PATH that begins with "./" or "../" is relative to the folder the command ran in, one with "~/"
 * to the home folder. Words with blanks, control characters or bytes that aren't UTF-8 stand in
 * double quotes, with \n, \t, \", \\ and \xHH. Sections that this reader doesn't know are kept.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "host/base/buf.h"
#include "host/base/error.h"
#include "host/base/sha256.h"
#include "host/image/spec.h"

enum lock_kind { LOCK_FILE, LOCK_LINK, LOCK_FOLDER, LOCK_NONE };

struct lock_entry {
    enum lock_kind kind;
    char *name;    /* the path as it stands in the file */
    char *target;  /* LINK */
    mode_t mode;   /* FILE, FOLDER: permissions */
    uint64_t size; /* FILE: bytes */
    int64_t mtime_ns;
    uint8_t sha256[SHA256_SIZE];
    char *why;
};

/* A section of another part of the tool: its lines, without comments and empty ones. */
struct lock_section {
    char *name;
    struct strlist lines;
};

struct lock {
    char *folder; /* absolute: where the command ran */
    struct strlist command, env;
    struct lock_entry *entries; /* sorted by name, each name once */
    size_t count;
    struct lock_section *sections; /* those that aren't named above, in their order */
    size_t section_count;
};

/* Reads a file. Errors begin with "PATH:LINE: ". */
bool lock_load(const char *path, struct lock *lock, struct error *err);
bool lock_parse(const char *path, const char *text, size_t size, struct lock *lock,
                struct error *err);
bool lock_save(const char *path, struct lock *lock, struct error *err);
void lock_clear(struct lock *lock);

/* Adds an entry, whose strings become the lock's. Of two with one name the newer counts. */
void lock_add(struct lock *lock, struct lock_entry entry);

/* Sorts entries and drops older ones of the same name; what lock_load() gives is sorted. */
void lock_sort(struct lock *lock);

/* Adds what older has and lock has not: entries, sections, variables. */
void lock_merge(struct lock *lock, const struct lock *older);

/* The section of that name, made if it isn't there. */
struct lock_section *lock_section(struct lock *lock, const char *name);

/* The entry's absolute path on this host; owned by the caller. */
char *lock_host_path(const struct lock *lock, const struct lock_entry *entry);

/* How a path of the host stands in the file: relative, if it is below folder or inside says so,
 * with "~/" if it is below the home folder. folder is NULL if no name is to be relative. Owned by
 * the caller. */
char *lock_name(const char *folder, const char *path, bool inside);

/* Whether the name is relative to the command's folder, and so moves with it. */
bool lock_is_inside(const char *name);
