// UNIT: kernel/base/text.c kernel/base/format.c
// UNIT: tests/unit/fakes/heap.c
#include "kernel/base/text.h"
#include "tests/harness/check.h"
#include "tests/unit/fakes/fakes.h"

static bool text_is(const struct text *t, const char *want)
{
    return t->length == strlen(want) && memcmp(t->data, want, t->length) == 0;
}

static void grows(void)
{
    struct text t = {0};
    for (unsigned i = 0; i < 1000; i++)
        text_format(&t, "%03u ", i);
    CHECK_EQ(t.length, 4000);
    CHECK(memcmp(t.data + 3996, "999 ", 4) == 0);
    CHECK(!text_failed(&t));
    text_clear(&t);
    CHECK_EQ(fake_heap_blocks, 0);
}

static void pads_a_line(void)
{
    struct text t = {0};
    text_string(&t, "line\n");
    size_t line = t.length;
    text_string(&t, "ab");
    text_pad(&t, line, 5);
    text_string(&t, "c");
    text_pad(&t, line, 3);
    CHECK(text_is(&t, "line\nab   c"));
    text_clear(&t);
}

static void escapes(void)
{
    struct text t = {0};
    text_escaped(&t, "a b\\c\nd", " \n");
    CHECK(text_is(&t, "a\\040b\\134c\\012d"));
    text_clear(&t);
}

static void remembers_that_memory_was_short(void)
{
    struct text t = {0};
    fake_heap_left = 1;
    for (int i = 0; i < 200; i++)
        text_string(&t, "0123456789");
    CHECK(text_failed(&t));
    CHECK_EQ(t.length, 510);
    fake_heap_left = -1;
    text_clear(&t);
    CHECK_EQ(fake_heap_blocks, 0);
}

int main(void)
{
    RUN(grows);
    RUN(pads_a_line);
    RUN(escapes);
    RUN(remembers_that_memory_was_short);
    return check_done();
}
