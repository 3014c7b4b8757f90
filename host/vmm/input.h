/*
 * A standard input that is a file: the machine asks for pieces of it (ORRIS_MSG_STDIN_READ), and
 * gets them on the stream's port, one after the other. The file's position is left alone until the
 * program's end.
 *
 * What the machine says is not believed: it can read this one open file, nothing else, and not
 * make more wait here than ORRIS_STDIN_READS_MAX requests and one answer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <poll.h>

#include "abi/control.h"

struct input {
    int file; /* -1: standard input is none */
    int port;
    struct orris_stdin_read asked[ORRIS_STDIN_READS_MAX]; /* the oldest first */
    unsigned asked_count;
    size_t at, size; /* of the answer in the buffer, what isn't sent yet */
    char buffer[sizeof(struct orris_stdin_answer) + ORRIS_STDIN_READ_MAX];
};

void input_init(struct input *input, int file, int port);
/* A message of the machine's; one of another size, or one too many, is dropped. */
void input_ask(struct input *input, const char *data, size_t size);
/* The program has left the file there. */
void input_leave(const struct input *input, const char *data, size_t size);
/* What to wait for. */
void input_poll(const struct input *input, struct pollfd *entry);
/* Sends what can be sent. */
void input_move(struct input *input);
