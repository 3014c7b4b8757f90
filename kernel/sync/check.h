/*
 * Lock order, checked at run time in debug kernels (make DEBUG=1): a thread takes locks in the
 * order of their ranks, does not sleep or touch user memory under a spin lock, and releases what it
 * took. A breach is a panic that names both ranks. Other kernels pay nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef ORRIS_DEBUG
#define LOCK_CHECKS true
#else
#define LOCK_CHECKS false
#endif

enum lock_kind { LOCK_SPIN, LOCK_MUTEX };

void lock_checked_take(enum lock_kind kind, const void *lock, uint8_t rank);
void lock_checked_taken(enum lock_kind kind, const void *lock, uint8_t rank);
void lock_checked_drop(enum lock_kind kind, const void *lock, uint8_t rank);
void lock_checked_sleep(const char *what);

/* Checking begins when the CPUs know their own data, and ends with a panic. */
extern bool lock_checks_on;

/* Before waiting for a lock. */
static inline void lock_check_take(enum lock_kind kind, const void *lock, uint8_t rank)
{
    if (LOCK_CHECKS && lock_checks_on)
        lock_checked_take(kind, lock, rank);
}

/* When it is ours; after a try that succeeded, too. */
static inline void lock_check_taken(enum lock_kind kind, const void *lock, uint8_t rank)
{
    if (LOCK_CHECKS && lock_checks_on)
        lock_checked_taken(kind, lock, rank);
}

/* Before it is given back. */
static inline void lock_check_drop(enum lock_kind kind, const void *lock, uint8_t rank)
{
    if (LOCK_CHECKS && lock_checks_on)
        lock_checked_drop(kind, lock, rank);
}

/* Where a thread may sleep, whether it does this time or not. what: for the message. */
static inline void lock_check_sleep(const char *what)
{
    if (LOCK_CHECKS && lock_checks_on)
        lock_checked_sleep(what);
}
