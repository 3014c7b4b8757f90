/* Paths as text, and the few questions about them that several parts ask. Results are owned by
 * the caller. */
#pragma once

#include <stdbool.h>

#include <sys/types.h>

char *path_join(const char *folder, const char *name); /* name alone if it is absolute */
char *path_clean(const char *path); /* absolute, without "//", "." and ".."; links not followed */
char *path_absolute(const char *path);   /* against the current directory, then cleaned */
char *path_parent(const char *path);     /* "/" for "/x"; "." for "x" */
const char *path_base(const char *path); /* what follows the last slash; points into path */
char *path_read_link(const char *path);  /* NULL with errno set if it isn't a link */
bool path_under(const char *path, const char *folder); /* path is folder or below it; as text */

/* Makes path (if self) and its parents. False with errno set. */
bool path_make_dirs(const char *path, bool self, mode_t mode);

/* The first executable file called name in PATH; NULL if there is none. */
char *path_search(const char *name);
