/* Unpacking a tar archive (also a compressed one) into a folder. */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"

struct archive;

/* A libarchive reader of tar archives under any compression, to be given its source and freed by
 * archive_read_free(). Names come out of it as the bytes that the archive has, whatever the user's
 * locale. */
struct archive *untar_reader(void);

/* Says what libarchive says of path, without the folder that is unpacked to: member, or NULL, is
 * what it was at. Returns false. */
bool untar_failed(struct archive *archive, const char *path, const char *folder, const char *member,
                  struct error *err);

/* folder is an absolute path without links. Owners, set-id bits and attributes but those of users
 * (user.*) are not kept, times are. Paths that lead out of the archive are an error; devices and
 * sockets are left out. */
bool untar(const char *archive, const char *folder, struct error *err);
