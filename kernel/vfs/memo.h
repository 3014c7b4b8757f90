/*
 * Where absolute paths led lately: the folder that all but the last name of a path stands for.
 * Programs look for many names in few folders. All under dentry_lock.
 */
#pragma once

#include "kernel/vfs/vfs.h"

/* The folder of *path, which then is moved on to its last name; NULL: not known. */
struct dentry *memo_find(const char **path);
/* Remembers that path up to last leads to dir, by nothing but cached directories and links. */
void memo_store(const char *path, const char *last, struct dentry *dir);
/* A directory, link or mount changed or goes: nothing that is remembered counts any more. */
void memo_forget(void);
