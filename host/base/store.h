/*
 * Where the tool keeps things: $ORRIS_HOME, else ~/.orris.
 *
 *   images/NAME.img      bootable images            layers/HASH.erofs   layers by content
 *   packages/…           fetched packages           cache/              what can be made again
 *   host.json            what was measured of this host (accelerator, TSC rate)
 *
 * Everything is written to a temporary name beside its final one and renamed when complete.
 */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"

/* Absolute path of sub (may hold slashes) in the store, made with its parents as directories when
 * dir is true (parents only otherwise). Owned by the caller; NULL on error. */
char *store_path(const char *sub, bool dir, struct error *err);

/* Takes an exclusive lock named name, waiting (with a note after a second) while another orris
 * holds it. The lock goes with the process. Returns a descriptor, or -1 with err set. */
int store_lock(const char *name, struct error *err);
/* The same without waiting: an error if another holds it. */
int store_lock_now(const char *name, struct error *err);

/* Held together by all who build images; alone by who removes what they build from. Taken before
 * any other. */
#define STORE_BUILDERS "builders"
int store_lock_shared(const char *name, struct error *err);

/* The kernel to put into images: $ORRIS_KERNEL, else beside the tool (../kernel/orris.elf in the
 * build tree, ../lib/orris/orris.elf when installed). Owned by the caller; NULL on error. */
char *store_kernel_path(struct error *err);
