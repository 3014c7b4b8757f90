/*
 * The memo is a small table by the end of the path's text; an entry counts as long as no directory
 * or link was taken out of the name cache since it was made (generation). So entries need no
 * references: a dentry that ends is taken out first.
 */
#include "kernel/vfs/memo.h"

#include "kernel/base/hash.h"
#include "kernel/vfs/words.h"

#define SLOT_BITS 5u
#define TEXT_WORDS 16u

struct memo {
    uint64_t generation;
    struct dentry *dir;
    size_t length;              /* bytes of text, its last slash included */
    uint64_t words[TEXT_WORDS]; /* the last padded with zeros */
};

static uint64_t generation = 1;
static struct memo memos[1u << SLOT_BITS];

void memo_forget(void)
{
    generation++;
}

static struct memo *slot_of(const char *text, size_t length)
{
    uint64_t end = word_load(text + length - WORD_BYTES) + length;
    return &memos[(end * HASH_MULTIPLIER) >> (64 - SLOT_BITS)];
}

/* Bytes of text up to and with its last slash. */
static size_t folder_length(const char *text)
{
    size_t length = 0;
    for (size_t i = 0;; i += WORD_BYTES) {
        uint64_t word = word_load(text + i), end = zero_bytes(word);
        uint64_t slashes = zero_bytes_exact(word ^ EACH_BYTE('/'));
        if (end)
            slashes &= (end & -end) - 1; /* those before the end */
        if (slashes)
            length = i + (63u - (unsigned)__builtin_clzl(slashes)) / 8 + 1;
        if (end)
            return length;
    }
}

static uint64_t tail_mask(size_t length)
{
    return (1ul << (length % WORD_BYTES * 8)) - 1;
}

struct dentry *memo_find(const char **path)
{
    const char *text = *path;
    size_t length = folder_length(text);
    if (length < WORD_BYTES)
        return NULL;
    const struct memo *m = slot_of(text, length);
    if (m->length != length || m->generation != generation || !text[length])
        return NULL;
    for (size_t i = 0; i < length / WORD_BYTES; i++)
        if (m->words[i] != word_load(text + i * WORD_BYTES))
            return NULL;
    size_t whole = align_down(length, WORD_BYTES);
    if (length != whole &&
        m->words[whole / WORD_BYTES] != (word_load(text + whole) & tail_mask(length)))
        return NULL;
    *path = text + length;
    return m->dir;
}

void memo_store(const char *path, const char *last, struct dentry *dir)
{
    size_t length = (size_t)(last - path);
    if (length < WORD_BYTES || length > sizeof(memos[0].words) || last[-1] != '/')
        return;
    struct memo *m = slot_of(path, length);
    size_t whole = length / WORD_BYTES;
    m->generation = generation;
    m->dir = dir;
    m->length = length;
    for (size_t i = 0; i < whole; i++)
        m->words[i] = word_load(path + i * WORD_BYTES);
    if (length % WORD_BYTES)
        m->words[whole] = word_load(path + whole * WORD_BYTES) & tail_mask(length);
}
