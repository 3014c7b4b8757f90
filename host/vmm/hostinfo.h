/*
 * What was measured of this host, remembered in the store's host.json: whether KVM is of use,
 * whether QEMU emulates AVX2 as it should, and the rate of the time-stamp counter.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct hostinfo {
    char *key;      /* what the measurements depend on: kernel, QEMU, processor */
    bool kvm_known; /* the next three are valid */
    bool kvm_useful;
    double kvm_rate;    /* instructions a second, in the guest's ring 0 */
    char *kvm_why;      /* why it is of no use, or NULL */
    bool avx2_known;    /* the next is valid */
    bool avx2_wrong;    /* under emulation */
    uint64_t tsc_hz;    /* 0: not known */
    double tsc_seconds; /* how long it was measured */
    bool changed;       /* to be saved */
};

/* Reads host.json; what was measured under another key is forgotten. Never fails: a file that can't
 * be read is an empty one. */
void hostinfo_load(struct hostinfo *info, const char *qemu);
void hostinfo_save(const struct hostinfo *info); /* failure is no matter */
void hostinfo_clear(struct hostinfo *info);
/* The processors that this process may use. */
unsigned hostinfo_cpus(void);

/* A reading of the time-stamp counter and the clock together. */
struct tsc_reading {
    uint64_t tsc;
    int64_t ns; /* CLOCK_MONOTONIC_RAW */
};
struct tsc_reading tsc_read(void);

/* Makes info's rate known if it isn't: takes 20 ms then. */
void hostinfo_measure_tsc(struct hostinfo *info);

/* Takes a longer interval into account. */
void hostinfo_refine_tsc(struct hostinfo *info, struct tsc_reading from, struct tsc_reading to);
