/*
 * The first stack of a program, as the System V ABI and Linux have it. From high to low: 8 zero
 * bytes, the name of the program, environment strings, argument strings, platform name, random
 * bytes; then, at the stack pointer: argc, argv, envp, the auxiliary vector.
 *
 * It is built in a buffer, and copied to the program in one go.
 */
#include "kernel/proc/stack.h"

#include <linux/auxvec.h>

#include "kernel/base/string.h"

#define TOP_ZEROS 8
#define STACK_ALIGN 16
#define WORD sizeof(uint64_t)

struct vector {
    size_t count, bytes;
};

static struct vector measure(char *const *strings)
{
    struct vector v = {0, 0};
    for (; strings[v.count]; v.count++)
        v.bytes += strlen(strings[v.count]) + 1;
    return v;
}

void stack_add_auxv(struct stack_image *image, uint64_t key, uint64_t value)
{
    image->auxv[image->auxv_count][0] = key;
    image->auxv[image->auxv_count][1] = value;
    image->auxv_count++;
}

size_t stack_strings_size(char *const *argv, char *const *envp)
{
    struct vector args = measure(argv), env = measure(envp);
    return args.bytes + env.bytes + (args.count + env.count) * WORD;
}

static size_t auxv_bytes(const struct stack_image *image)
{
    return (image->auxv_count + 4u) * 2 * WORD; /* EXECFN, PLATFORM, RANDOM, NULL */
}

struct sizes {
    struct vector args, env;
    size_t strings, table, total;
};

static struct sizes measure_all(const struct stack_image *image, uint64_t top)
{
    struct sizes s = {.args = measure(image->argv), .env = measure(image->envp)};
    s.strings = sizeof(image->random) + strlen(image->platform) + 1 + s.args.bytes + s.env.bytes +
                strlen(image->exec_name) + 1 + TOP_ZEROS;
    s.table = (1 + s.args.count + 1 + s.env.count + 1) * WORD + auxv_bytes(image);
    uint64_t sp = align_down(top - s.strings - s.table, STACK_ALIGN);
    s.total = top - sp;
    return s;
}

size_t stack_size(const struct stack_image *image, uint64_t top)
{
    return measure_all(image, top).total;
}

/* Where the next string goes, in the buffer and in the program. */
struct writer {
    uint8_t *at;
    uint64_t addr;
    uint64_t *slot; /* of the table */
};

static uint64_t put_bytes(struct writer *w, const void *bytes, size_t size)
{
    uint64_t addr = w->addr;
    memcpy(w->at, bytes, size);
    w->at += size;
    w->addr += size;
    return addr;
}

static uint64_t put_string(struct writer *w, const char *text)
{
    return put_bytes(w, text, strlen(text) + 1);
}

static void put_vector(struct writer *w, char *const *strings)
{
    for (; *strings; strings++)
        *w->slot++ = put_string(w, *strings);
    *w->slot++ = 0;
}

static void put_auxv(struct writer *w, uint64_t key, uint64_t value)
{
    *w->slot++ = key;
    *w->slot++ = value;
}

void stack_build(const struct stack_image *image, uint64_t top, uint8_t *buf,
                 struct stack_layout *layout)
{
    struct sizes s = measure_all(image, top);
    memset(buf, 0, s.total);
    struct writer w = {
        .at = buf + s.total - s.strings,
        .addr = top - s.strings,
        .slot = (uint64_t *)buf,
    };
    layout->sp = top - s.total;
    uint64_t random = put_bytes(&w, image->random, sizeof(image->random));
    uint64_t platform = put_string(&w, image->platform);
    *w.slot++ = s.args.count;
    layout->arg_start = w.addr;
    put_vector(&w, image->argv);
    layout->arg_end = layout->env_start = w.addr;
    put_vector(&w, image->envp);
    layout->env_end = w.addr;
    uint64_t exec_name = put_string(&w, image->exec_name);
    layout->auxv_start = layout->sp + (uint64_t)((uint8_t *)w.slot - buf);
    layout->auxv_size = auxv_bytes(image);
    memcpy(w.slot, image->auxv, image->auxv_count * sizeof(image->auxv[0]));
    w.slot += 2 * image->auxv_count;
    put_auxv(&w, AT_RANDOM, random);
    put_auxv(&w, AT_EXECFN, exec_name);
    put_auxv(&w, AT_PLATFORM, platform);
    put_auxv(&w, AT_NULL, 0);
}
