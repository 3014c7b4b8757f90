/* The image on the disk, for a machine that no tool looks after: with one, the tool has checked it.
 */
#pragma once

#include "kernel/base/types.h"

/* Compares the checksums of header, records and kernel. Returns 0, or -EINVAL with *why
 * a static text. Sleeps. */
MUST_CHECK int image_check(const char **why);

/* Checks the image and takes in its own records as the run record. Returns as image_check(). */
MUST_CHECK int image_run_begin(const char **why);
