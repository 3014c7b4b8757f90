/*
 * Random numbers: ChaCha20 with fast key erasure. Each block made under the key is half the next
 * key, half output, so that what was given out cannot be computed from what memory holds later.
 * A long request gets a key of its own and leaves the lock.
 */
#include "kernel/base/random.h"

#include "kernel/base/string.h"
#include "kernel/platform/platform.h"
#include "kernel/sync/spinlock.h"

#define KEY_BYTES 32u
#define BLOCK_BYTES 64u
#define ROUND_PAIRS 10

struct generator {
    uint32_t key[8];
    uint8_t buffer[BLOCK_BYTES]; /* output not given out yet, at the end */
    unsigned left;               /* bytes of it */
    bool seeded;                 /* with what the machine itself has */
};

static struct spinlock random_lock = SPINLOCK_INIT(RANK_RANDOM);
static struct generator generator; /* GUARDED_BY(random_lock) */

static const uint32_t no_nonce[3];

/* Zeros that the compiler must not leave out. */
static void wipe(void *secret, size_t len)
{
    volatile uint8_t *p = secret;
    while (len-- > 0)
        *p++ = 0;
}

static inline uint32_t rotate(uint32_t value, unsigned bits)
{
    return value << bits | value >> (32 - bits);
}

/* The places in the state of one quarter round. */
struct quarter {
    uint8_t a, b, c, d;
};

/* Columns, then diagonals. */
static const struct quarter quarters[8] = {
    {0, 4, 8, 12},  {1, 5, 9, 13},  {2, 6, 10, 14}, {3, 7, 11, 15},
    {0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13},  {3, 4, 9, 14},
};

static void quarter_round(uint32_t x[16], struct quarter q)
{
    x[q.a] += x[q.b];
    x[q.d] = rotate(x[q.d] ^ x[q.a], 16);
    x[q.c] += x[q.d];
    x[q.b] = rotate(x[q.b] ^ x[q.c], 12);
    x[q.a] += x[q.b];
    x[q.d] = rotate(x[q.d] ^ x[q.a], 8);
    x[q.c] += x[q.d];
    x[q.b] = rotate(x[q.b] ^ x[q.c], 7);
}

/* A loop over a table: the first number is wanted at every start, where under emulation it is the
 * amount of code that costs. */
static void double_round(uint32_t x[16])
{
    for (unsigned i = 0; i < 8; i++)
        quarter_round(x, quarters[i]);
}

void chacha20_block(const uint32_t key[8], uint32_t counter, const uint32_t nonce[3],
                    uint8_t out[64])
{
    uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memcpy(start + 4, key, KEY_BYTES);
    start[12] = counter;
    memcpy(start + 13, nonce, 12);
    uint32_t x[16];
    memcpy(x, start, sizeof(x));
    for (int i = 0; i < ROUND_PAIRS; i++)
        double_round(x);
    for (int i = 0; i < 16; i++)
        x[i] += start[i];
    memcpy(out, x, BLOCK_BYTES);
}

/* Replaces the key, and whatever was left of the output. */
static void refill(struct generator *g)
{
    chacha20_block(g->key, 0, no_nonce, g->buffer);
    memcpy(g->key, g->buffer, KEY_BYTES);
    memset(g->buffer, 0, KEY_BYTES);
    g->left = BLOCK_BYTES - KEY_BYTES;
}

/* The key is secret, so no data whatever can cancel out what it holds. */
static void absorb(struct generator *g, const uint8_t *data, size_t len)
{
    while (len > 0) {
        size_t part = min_u64(len, KEY_BYTES);
        uint8_t *key = (uint8_t *)g->key;
        for (size_t i = 0; i < part; i++)
            key[i] ^= data[i];
        refill(g);
        data += part;
        len -= part;
    }
}

static void seed_once(struct generator *g)
{
    if (LIKELY(g->seeded))
        return;
    g->seeded = true;
    uint8_t seed[KEY_BYTES];
    absorb(g, seed, platform_entropy(seed, sizeof(seed)));
    wipe(seed, sizeof(seed));
}

static void take(struct generator *g, uint8_t *out, size_t len)
{
    while (len > 0) {
        if (g->left == 0)
            refill(g);
        size_t part = min_u64(len, g->left);
        uint8_t *from = g->buffer + BLOCK_BYTES - g->left;
        memcpy(out, from, part);
        memset(from, 0, part);
        g->left -= (unsigned)part;
        out += part;
        len -= part;
    }
}

/* Key stream under a key that nobody else has. A counter of 32 bits lasts for 256 GiB. */
static void fill_long(const uint32_t key[8], uint8_t *out, size_t len)
{
    uint8_t block[BLOCK_BYTES];
    for (uint32_t counter = 0; len > 0; counter++) {
        size_t part = min_u64(len, BLOCK_BYTES);
        chacha20_block(key, counter, no_nonce, block);
        memcpy(out, block, part);
        out += part;
        len -= part;
    }
    wipe(block, sizeof(block));
}

void random_bytes(void *buf, size_t len)
{
    bool is_long = len > 2 * BLOCK_BYTES;
    uint32_t key[8];
    spin_lock(&random_lock);
    seed_once(&generator);
    if (is_long)
        take(&generator, (uint8_t *)key, sizeof(key));
    else
        take(&generator, buf, len);
    spin_unlock(&random_lock);
    if (is_long) {
        fill_long(key, buf, len);
        wipe(key, sizeof(key));
    }
}

uint64_t random_u64(void)
{
    uint64_t value;
    random_bytes(&value, sizeof(value));
    return value;
}

void random_feed(const void *data, size_t len)
{
    spin_lock(&random_lock);
    seed_once(&generator);
    absorb(&generator, data, len);
    spin_unlock(&random_lock);
}
