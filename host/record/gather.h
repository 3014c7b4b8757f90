/*
 * What the paths that a command names lead to: each is looked at as the kernel would, just before
 * the command's own call goes on, and becomes entries of a lock file. What the command made itself
 * is none of its needs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "host/base/error.h"
#include "host/record/lock.h"

/* How a call names a path. */
enum use {
    USE_LOOK,     /* follows a last link */
    USE_LINK,     /* doesn't */
    USE_OPEN,     /* flags: open(2)'s */
    USE_OPEN_HOW, /* the same, in memory: a struct open_how */
    USE_CREATE,   /* creat(2) */
    USE_EXEC,
    USE_CHANGE,  /* the file's content changes */
    USE_REMOVE,  /* the name goes */
    USE_REPLACE, /* the name becomes another file's */
    USE_MAKE,    /* the name comes into being, unless it is there */
};

struct gather; /* what was seen so far */

/* folder: where the command starts; its files are named relative to it. */
struct gather *gather_create(const char *folder);
void gather_destroy(struct gather *gather);

/* One path of one call: base is the folder (without links) that a relative path is relative to. who
 * is the name of the program that calls. */
struct gather_call {
    const char *base, *path, *who;
    enum use use;
    int flags;          /* OPEN */
    bool nofollow;      /* LOOK: as LINK */
    bool by_whole_path; /* the entry is to have the absolute name */
};
void gather_call(struct gather *gather, const struct gather_call *call);

/* The file at path (without links) is in the memory of who: says so in its reason. */
void gather_mapped(struct gather *gather, const char *path, const char *who);

/* Adds what a pattern of names matches, folders with all below them; relative to the folder the
 * command starts in. False with err set if nothing does. */
bool gather_keep(struct gather *gather, const char *pattern, struct error *err);

/* Reads the files' content and moves all entries to lock. Says what can't be read. */
void gather_finish(struct gather *gather, struct lock *lock);
