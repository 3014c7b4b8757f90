/* signalfd(2): signals that are read. */
#pragma once

#include "kernel/fd/file.h"

/* For the signals of mask (bit n-1: signal n). flags: O_NONBLOCK. NULL: no memory. */
struct file *signalfd_create(uint64_t mask, unsigned flags);
/* Changes the mask. False: f is no signalfd. */
bool signalfd_set(struct file *f, uint64_t mask);
