/*
 * Debian's own entries of the machine's apt configuration.
 */
#pragma once

#include <stdbool.h>

#include "host/base/buf.h"
#include "host/base/error.h"

/* Appends to out, in the format of *.sources files, the binary-package entries of etc_apt (the
 * machine's is "/etc/apt") that are Debian's own, each to be checked against Debian's keyring.
 * Fails when there is none. */
bool sources_collect(const char *etc_apt, struct buf *out, struct error *err);

/* One entry of each format, for sources_collect() and its test: true if it was Debian's own. */
bool sources_take_line(const char *line, struct buf *out);
bool sources_take_stanza(const char *stanza, struct buf *out);
