/*
 * `--time`: a chart of the start, from the kernel's stages and the tool's own.
 */
#pragma once

#include <stdint.h>

#include "abi/control.h"

/* Readings of the host's time-stamp counter, and what the kernel told of its own (which counts at
 * the same rate from the machine's start). */
struct chart {
    uint64_t begun;   /* the tool */
    uint64_t spawned; /* QEMU */
    uint64_t arrived; /* stages: when the message came */
    uint64_t ended;   /* the tool has everything, QEMU is gone */
    struct orris_stages stages;
    uint64_t hz; /* counts a second */
};

/* Says it, a line a stage. Nothing came from the kernel: says that. */
void chart_say(const struct chart *chart);
