/* The first stack of a program: arguments, environment, auxiliary vector. */
#pragma once

#include "kernel/base/types.h"

#define STACK_AUXV_MAX 26

struct stack_image {
    char *const *argv, *const *envp;  /* NULL-terminated */
    const char *exec_name;            /* AT_EXECFN */
    const char *platform;             /* AT_PLATFORM */
    uint8_t random[16];               /* AT_RANDOM */
    uint64_t auxv[STACK_AUXV_MAX][2]; /* without AT_EXECFN, AT_PLATFORM, AT_RANDOM, AT_NULL */
    unsigned auxv_count;
};

/* Where things ended up: program addresses. */
struct stack_layout {
    uint64_t sp, arg_start, arg_end, env_start, env_end, auxv_start, auxv_size;
};

void stack_add_auxv(struct stack_image *image, uint64_t key, uint64_t value);
/* Bytes that the strings of both vectors take, and their pointers; for the limit of exec. */
size_t stack_strings_size(char *const *argv, char *const *envp);
/* Bytes from the stack pointer to top. */
size_t stack_size(const struct stack_image *image, uint64_t top);
/* Writes these bytes into buf. */
void stack_build(const struct stack_image *image, uint64_t top, uint8_t *buf,
                 struct stack_layout *layout);
