/* The first stack of a program, read back as a program's start would read it. */
// UNIT: kernel/proc/stack.c
#include <linux/auxvec.h>
#include <stdlib.h>

#include "kernel/proc/stack.h"
#include "tests/harness/check.h"

#define TOP 0x7ffffffff000ul

static uint8_t *memory;
static struct stack_layout layout;

static const void *at(uint64_t addr)
{
    return memory + (addr - layout.sp);
}

static uint64_t word(uint64_t addr)
{
    uint64_t value;
    memcpy(&value, at(addr), sizeof(value));
    return value;
}

static void build(const struct stack_image *image, uint64_t top)
{
    free(memory);
    memory = malloc(stack_size(image, top));
    stack_build(image, top, memory, &layout);
}

static uint64_t auxv(uint64_t key)
{
    for (uint64_t addr = layout.auxv_start; word(addr) != AT_NULL; addr += 16) {
        if (word(addr) == key)
            return word(addr + 8);
    }
    return 0;
}

static void test_layout(void)
{
    char *argv[] = {"prog", "", "three", NULL}, *envp[] = {"A=1", NULL};
    struct stack_image image = {
        .argv = argv, .envp = envp, .exec_name = "/bin/prog", .platform = "x86_64", .random = {7}};
    stack_add_auxv(&image, AT_PAGESZ, 4096);
    for (uint64_t skew = 0; skew < 64; skew += 16) {
        build(&image, TOP - skew);
        CHECK_EQ(layout.sp % 16, 0);
        CHECK_EQ(word(layout.sp), 3);
        CHECK_STR(at(word(layout.sp + 8)), "prog");
        CHECK_STR(at(word(layout.sp + 16)), "");
        CHECK_STR(at(word(layout.sp + 24)), "three");
        CHECK_EQ(word(layout.sp + 32), 0);
        CHECK_STR(at(word(layout.sp + 40)), "A=1");
        CHECK_EQ(word(layout.sp + 48), 0);
        CHECK_EQ(layout.auxv_start, layout.sp + 56);
        CHECK_EQ(auxv(AT_PAGESZ), 4096);
        CHECK_STR(at(auxv(AT_EXECFN)), "/bin/prog");
        CHECK_STR(at(auxv(AT_PLATFORM)), "x86_64");
        CHECK_EQ(*(const uint8_t *)at(auxv(AT_RANDOM)), 7);
        CHECK_EQ(layout.arg_end - layout.arg_start, 12);
        CHECK_EQ(layout.env_end - layout.env_start, 4);
        CHECK_EQ(word(TOP - skew - 8), 0);
    }
}

static void test_no_strings_at_all(void)
{
    char *none[] = {NULL};
    struct stack_image image = {.argv = none, .envp = none, .exec_name = "", .platform = ""};
    build(&image, TOP);
    CHECK_EQ(word(layout.sp), 0);
    CHECK_EQ(word(layout.sp + 8), 0);
    CHECK_EQ(word(layout.sp + 16), 0);
    CHECK_EQ(stack_strings_size(none, none), 0);
}

int main(void)
{
    RUN(test_layout);
    RUN(test_no_strings_at_all);
    free(memory);
    return check_done();
}
