/*
 * The run record: what this one run of an image is to be (abi/record.h). It takes over the image's
 * records, but for those that a run has of its own.
 */
#pragma once

#include <stdbool.h>

#include "abi/control.h"
#include "abi/record.h"
#include "host/image/image.h"
#include "host/vmm/streams.h"
#include "host/vmm/vmm.h"

struct runrecord_host {
    const struct streams *streams; /* NULL: all three on the serial console, no control channel */
    struct orris_winsize size;     /* of the terminal */
    uint64_t tsc_hz;               /* 0: not known */
    struct orris_signals signals;  /* that the program inherits */
};

/* Appends the whole record to out. */
void runrecord_build(const struct image_info *image, const struct run_options *options,
                     const struct runrecord_host *host, struct buf *out);
