/*
 * The accelerator: hardware virtualization where it is of use, else emulation. That /dev/kvm exists
 * says little (a nested machine may run a hundred times slower through it than emulated), so it is
 * measured, once for a host.
 */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"
#include "host/vmm/hostinfo.h"
#include "host/vmm/qemu.h"

/* Says whether to use KVM, measuring it (two seconds at most) if info doesn't know; says a line
 * then if the answer is emulation. For that it tries once whether QEMU's AVX2 is right. False with
 * err set if KVM was asked for and can't be opened. */
bool accel_choose(enum accel wish, struct hostinfo *info, const char *qemu,
                  struct qemu_processor *processor, struct error *err);

/* Measures KVM anew. NULL if it is of use: info->kvm_rate; else why not, and what would help. */
const char *accel_measure(struct hostinfo *info, const char *qemu);

/* Instructions a second under emulation; 0 if QEMU doesn't start. */
double accel_emulation_rate(const char *qemu);

/* Tries anew whether QEMU's emulation of AVX2 is right; true if it is known to be. */
bool accel_try_avx2(struct hostinfo *info, const char *qemu);
