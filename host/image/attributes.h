/*
 * Extended attributes of a file of the host, as EROFS has them: behind the inode, a header and the
 * entries, sorted by name.
 */
#pragma once

#include <stdbool.h>

#include "host/base/buf.h"
#include "host/base/error.h"

#define ATTRIBUTES_MAX                                                                             \
    (256u << 10) /* bytes in all; the format has 16 bits for a count of words                      \
                  */

/* Fills out with what stands behind the inode of the file path (links aren't followed); nothing if
 * it has no attributes. Those of the host's own policy (SELinux, AppArmor, Smack, IMA, EVM) and
 * lists of rights (system.posix_acl_…) stay behind. */
bool attributes_read(const char *path, struct buf *out, struct error *err);
