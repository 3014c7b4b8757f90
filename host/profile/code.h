/*
 * What code lies where in the machine, and what its functions are called: from the kernel's words
 * (ORRIS_MSG_MAPPED) and the ELF files of the image, with libdw. Stacks are unwound by the files'
 * unwinding tables, which nearly every library has, else by frame pointers; from the kernel on into
 * the program.
 *
 * code_mapped() may be called by another thread than all the others.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/error.h"
#include "host/profile/remote.h"

struct code;

/* image_fd: of the image. */
struct code *code_create(int image_fd, struct error *err);
void code_destroy(struct code *code);

/* A message of the kernel. */
void code_mapped(struct code *code, const char *data, size_t size);

/* What has been mapped since becomes known. */
void code_update(struct code *code);

/* Of one stopped processor, and what to do with its frames. */
struct code_stack {
    uint64_t registers[REMOTE_COUNT];
    bool (*read)(void *context, uint64_t addr, uint64_t *word);  /* the machine's memory */
    void (*frame)(void *context, const char *name, bool kernel); /* from the innermost on */
    void *context;
};
void code_unwind(struct code *code, const struct code_stack *stack);
