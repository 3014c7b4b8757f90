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

static inline void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b;
    *d = rotate(*d ^ *a, 16);
    *c += *d;
    *b = rotate(*b ^ *c, 12);
    *a += *b;
    *d = rotate(*d ^ *a, 8);
    *c += *d;
    *b = rotate(*b ^ *c, 7);
}

static void double_round(uint32_t x[16])
{
    quarter_round(&x[0], &x[4], &x[8], &x[12]);
    quarter_round(&x[1], &x[5], &x[9], &x[13]);
    quarter_round(&x[2], &x[6], &x[10], &x[14]);
    quarter_round(&x[3], &x[7], &x[11], &x[15]);
    quarter_round(&x[0], &x[5], &x[10], &x[15]);
    quarter_round(&x[1], &x[6], &x[11], &x[12]);
    quarter_round(&x[2], &x[7], &x[8], &x[13]);
    quarter_round(&x[3], &x[4], &x[9], &x[14]);
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
