/* The tree of calls. */
#include "host/profile/tree.h"

#include <stdbool.h>

#include <stdlib.h>
#include <string.h>

struct call *call_child(struct call *parent, const char *name)
{
    struct call **link = &parent->child; /* by name: a graph of the same run looks the same */
    int order = -1;
    while (*link && (order = strcmp((*link)->name, name)) < 0)
        link = &(*link)->next;
    if (*link && order == 0)
        return *link;
    struct call *call = mem_alloc(sizeof(*call));
    *call = (struct call){.name = mem_string(name), .next = *link, .parent = parent};
    *link = call;
    return call;
}

void call_count(struct call *leaf)
{
    leaf->own++;
    for (; leaf; leaf = leaf->parent)
        leaf->all++;
}

/* The next call of the tree behind call, parents first; NULL at the end. */
static const struct call *call_after(const struct call *root, const struct call *call,
                                     unsigned *depth)
{
    if (call->child) {
        ++*depth;
        return call->child;
    }
    while (call != root && !call->next) {
        call = call->parent;
        --*depth;
    }
    return call == root ? NULL : call->next;
}

void call_walk(const struct call *root,
               void (*each)(void *context, const struct call *call, unsigned depth), void *context)
{
    unsigned depth = 0;
    for (const struct call *call = root; (call = call_after(root, call, &depth));)
        each(context, call, depth);
}

void call_clear(struct call *root)
{
    struct call *call = root;
    for (;;) {
        while (call->child)
            call = call->child;
        if (call == root)
            break;
        struct call *parent = call->parent;
        parent->child = call->next;
        free(call->name);
        free(call);
        call = parent;
    }
    free(root->name);
    *root = (struct call){0};
}

struct functions {
    struct function *items;
    size_t count;
};

static struct function *function_of(struct functions *functions, const char *name)
{
    for (size_t i = 0; i < functions->count; i++)
        if (strcmp(functions->items[i].name, name) == 0)
            return &functions->items[i];
    functions->items =
        mem_resize(functions->items, (functions->count + 1) * sizeof(*functions->items));
    functions->items[functions->count] = (struct function){.name = name};
    return &functions->items[functions->count++];
}

static bool is_called_by_itself(const struct call *call)
{
    for (const struct call *above = call->parent; above && above->name; above = above->parent)
        if (strcmp(above->name, call->name) == 0)
            return true;
    return false;
}

static void add_function(void *context, const struct call *call, unsigned depth)
{
    (void)depth;
    struct function *function = function_of(context, call->name);
    function->own += call->own;
    if (!is_called_by_itself(call))
        function->all += call->all;
}

static int by_own(const void *a, const void *b)
{
    const struct function *x = a, *y = b;
    if (x->own != y->own)
        return x->own < y->own ? 1 : -1;
    return x->all < y->all ? 1 : x->all > y->all ? -1 : strcmp(x->name, y->name);
}

struct function *call_functions(const struct call *root, size_t *count)
{
    struct functions functions = {0};
    call_walk(root, add_function, &functions);
    if (functions.count)
        qsort(functions.items, functions.count, sizeof(*functions.items), by_own);
    *count = functions.count;
    return functions.items;
}
