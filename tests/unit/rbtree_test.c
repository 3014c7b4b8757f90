// UNIT: kernel/base/rbtree.c
#include <stdlib.h>

#include "kernel/base/rbtree.h"
#include "tests/harness/check.h"

#define COUNT 2000

struct item {
    struct rb_node node;
    unsigned key;
    bool in;
};

static struct item items[COUNT];
static struct rb_tree tree;

static void insert(struct item *item)
{
    struct rb_node **link = &tree.root, *parent = NULL;
    while (*link) {
        parent = *link;
        link =
            item->key < rb_entry(parent, struct item, node)->key ? &parent->left : &parent->right;
    }
    rb_insert(&tree, &item->node, parent, link);
    item->in = true;
}

static void erase(struct item *item)
{
    rb_erase(&tree, &item->node);
    item->in = false;
}

static bool red(const struct rb_node *n)
{
    return n && !(n->parent_colour & 1);
}

/* Black nodes on each way below n, or -1 if a rule is broken. */
static int black_height(const struct rb_node *n)
{
    if (!n)
        return 0;
    if (red(n) && (red(n->left) || red(n->right)))
        return -1;
    if ((n->left && rb_parent(n->left) != n) || (n->right && rb_parent(n->right) != n))
        return -1;
    int left = black_height(n->left), right = black_height(n->right);
    return left < 0 || left != right ? -1 : left + !red(n);
}

static bool tree_good(void)
{
    if (red(tree.root) || (tree.root && rb_parent(tree.root)) || black_height(tree.root) < 0)
        return false;
    unsigned expected = 0, seen = 0;
    for (unsigned i = 0; i < COUNT; i++)
        expected += items[i].in;
    struct rb_node *last = NULL;
    for (struct rb_node *n = rb_first(&tree); n; last = n, n = rb_next(n), seen++)
        if (rb_prev(n) != last ||
            (last && rb_entry(last, struct item, node)->key > rb_entry(n, struct item, node)->key))
            return false;
    return seen == expected && rb_last(&tree) == last;
}

static void keeps_its_rules_through_random_changes(void)
{
    srand(1);
    bool good = true;
    for (unsigned i = 0; i < COUNT; i++) {
        items[i].key = (unsigned)rand() % (COUNT / 2); /* with equal keys */
        insert(&items[i]);
        good &= i % 50 || tree_good();
    }
    CHECK(good && tree_good());
    for (unsigned step = 0; step < 20000; step++) {
        struct item *item = &items[rand() % COUNT];
        if (item->in)
            erase(item);
        else
            insert(item);
        good &= step % 100 || tree_good();
    }
    CHECK(good && tree_good());
    for (unsigned i = 0; i < COUNT; i++)
        if (items[i].in)
            erase(&items[i]);
    CHECK(!tree.root && !rb_first(&tree) && !rb_last(&tree));
}

static void ascending_keys_stay_balanced(void)
{
    for (unsigned i = 0; i < COUNT; i++) {
        items[i].key = i;
        insert(&items[i]);
    }
    CHECK(tree_good());
    CHECK(black_height(tree.root) <= 11);
    for (unsigned i = 0; i < COUNT; i++)
        erase(&items[i]);
    CHECK(!tree.root);
}

static void replace_takes_the_same_place(void)
{
    for (unsigned i = 0; i < 7; i++) {
        items[i].key = i;
        insert(&items[i]);
    }
    struct item *other = &items[100];
    for (unsigned i = 0; i < 7; i++) {
        other->key = i;
        rb_replace(&tree, &items[i].node, &other->node);
        items[i].in = false;
        other->in = true;
        CHECK(tree_good());
        rb_replace(&tree, &other->node, &items[i].node);
        items[i].in = true;
        other->in = false;
    }
    CHECK(tree_good());
}

int main(void)
{
    RUN(keeps_its_rules_through_random_changes);
    RUN(ascending_keys_stay_balanced);
    RUN(replace_takes_the_same_place);
    return check_done();
}
