/*
 * Which signals were ignored or held back when the tool began. exec() hands that down, so the
 * program is to have it, too.
 */
#pragma once

#include <stdbool.h>

#include "abi/record.h"

/* Before anything else: looks, and lets the tool wait for its own children. */
void inherited_look(void);

/* What inherited_look() saw. */
struct orris_signals inherited_signals(void);

/* Whether the signal was neither ignored nor held back: then it may end the machine, too. */
bool inherited_default(int signo);
