// UNIT: host/profile/tree.c host/profile/flame.c host/base/buf.c host/base/escape.c
/* The profile's tree of calls and the flame graph that is drawn of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/profile/tree.h"
#include "tests/harness/check.h"

/* One sample: names from the outermost on, separated by blanks. */
static void count(struct call *root, const char *stack)
{
    char *words = mem_string(stack), *rest = words;
    struct call *call = root;
    for (char *word; (word = strsep(&rest, " "));)
        call = call_child(call, word);
    call_count(call);
    free(words);
}

static const struct function *find(const struct function *functions, size_t number,
                                   const char *name)
{
    for (size_t i = 0; i < number; i++)
        if (strcmp(functions[i].name, name) == 0)
            return &functions[i];
    return NULL;
}

static void samples_count_for_their_callers_once(void)
{
    struct call root = {0};
    count(&root, "main a");
    count(&root, "main a");
    count(&root, "main b a");
    count(&root, "main b");
    count(&root, "main a b a a");
    size_t number;
    struct function *functions = call_functions(&root, &number);
    CHECK_EQ(root.all, 5);
    CHECK_EQ(number, 3);
    CHECK_STR(functions[0].name, "a");
    CHECK_EQ(functions[0].own, 4);
    CHECK_EQ(functions[0].all, 4);
    CHECK_EQ(find(functions, number, "b")->own, 1);
    CHECK_EQ(find(functions, number, "b")->all, 3);
    CHECK_EQ(find(functions, number, "main")->own, 0);
    CHECK_EQ(find(functions, number, "main")->all, 5);
    free(functions);
    call_clear(&root);
}

/* The number in attribute of the bar called name, or -1. */
static double bar(const char *svg, const char *name, const char *attribute)
{
    char *mark = mem_printf("data-n=\"%s\"", name), *field = mem_printf("data-%s=\"", attribute);
    const char *at = strstr(svg, mark);
    while (at && at > svg && strncmp(at, "<g ", 3) != 0)
        at--;
    at = at ? strstr(at, field) : NULL;
    double value = at ? atof(at + strlen(field)) : -1;
    free(mark);
    free(field);
    return value;
}

static void bars_are_as_wide_as_their_share_and_below_their_callers(void)
{
    struct call root = {0};
    struct buf svg = {0};
    for (int i = 0; i < 3; i++)
        count(&root, "main work hot");
    count(&root, "main work warm");
    flame_graph(&root, "a title", &svg);
    CHECK(strstr(svg.data, "a title"));
    CHECK(bar(svg.data, "main", "w") == 1200 && bar(svg.data, "main", "d") == 1);
    CHECK(bar(svg.data, "hot", "w") == 900 && bar(svg.data, "hot", "d") == 3);
    CHECK(bar(svg.data, "warm", "x") == 900 && bar(svg.data, "warm", "w") == 300);
    buf_clear(&svg);
    call_clear(&root);
}

static void names_are_escaped(void)
{
    struct call root = {0};
    struct buf svg = {0};
    count(&root, "operator<<&\"x\"");
    flame_graph(&root, "<&>", &svg);
    CHECK(!strstr(svg.data, "operator<<") && strstr(svg.data, "operator&lt;&lt;&amp;&quot;x"));
    CHECK(strstr(svg.data, "&lt;&amp;>"));
    buf_clear(&svg);
    call_clear(&root);
}

static void stacks_of_any_depth_are_drawn(void)
{
    struct call root = {0};
    struct buf svg = {0};
    struct call *call = &root;
    for (int i = 0; i < 5000; i++)
        call = call_child(call, "deep");
    call_count(call);
    flame_graph(&root, "deep", &svg);
    CHECK(strstr(svg.data, "</svg>"));
    size_t number;
    struct function *functions = call_functions(&root, &number);
    CHECK_EQ(number, 1);
    CHECK_EQ(functions[0].all, 1);
    free(functions);
    buf_clear(&svg);
    call_clear(&root);
}

static void no_samples_is_an_empty_graph(void)
{
    struct call root = {0};
    struct buf svg = {0};
    size_t number;
    flame_graph(&root, "nothing", &svg);
    CHECK(strstr(svg.data, "</svg>"));
    struct function *functions = call_functions(&root, &number);
    CHECK_EQ(number, 0);
    free(functions);
    buf_clear(&svg);
    call_clear(&root);
}

int main(void)
{
    RUN(samples_count_for_their_callers_once);
    RUN(bars_are_as_wide_as_their_share_and_below_their_callers);
    RUN(names_are_escaped);
    RUN(stacks_of_any_depth_are_drawn);
    RUN(no_samples_is_an_empty_graph);
    return check_done();
}
