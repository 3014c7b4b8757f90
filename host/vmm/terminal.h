/*
 * The host's terminal while the program has it. The guest does the line discipline (echo, editing,
 * Ctrl-C), so the host's is switched off.
 *
 * full:  input and output are this terminal. Bytes pass untouched both ways.
 * mixed: input is the terminal, but the output isn't, and something else, the next command of a
 *        pipeline perhaps, may write to it. Then the host goes on turning "\n" into "\r\n" and
 *        Ctrl-C into signals for the whole pipeline, and we undo the guest's "\r\n".
 */
#pragma once

#include <stdbool.h>

#include <termios.h>

#include "abi/control.h"

struct terminal {
    int fd;      /* -1: none */
    bool wanted; /* standard input is the terminal: take it when in the foreground */
    bool full;   /* see above */
    bool taken;  /* its modes are ours now */
    struct termios saved;
};

/* fd: a terminal or -1. input: standard input is this terminal. full: so are the other two. */
void terminal_init(struct terminal *terminal, int fd, bool input, bool full);

/* Takes the terminal if it is wanted and this process group is in the foreground. True if it is
 * ours then (or never wanted). */
bool terminal_take(struct terminal *terminal);

/* Gives it back as it was. Safe to call at any time. */
void terminal_release(struct terminal *terminal);

/* Whether what the guest writes for a terminal has "\r\n" where the host's adds "\r" itself. */
bool terminal_adds_return(const struct terminal *terminal);

bool terminal_size(const struct terminal *terminal, struct orris_winsize *size);
