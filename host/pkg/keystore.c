/*
 * The format is that of sun.security.provider.JavaKeyStore: numbers are big-endian; the SHA-1 at
 * the end is over the password in UTF-16, a fixed word, and all before.
 */
#include "host/pkg/keystore.h"

#include <stdint.h>

#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC 0xfeedfeedu
#define VERSION 2u
#define TRUSTED_CERTIFICATE 2u
#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

static void add_number(struct buf *out, uint64_t number, unsigned bytes)
{
    while (bytes-- > 0)
        buf_add(out, &(uint8_t){(uint8_t)(number >> 8 * bytes)}, 1);
}

static void add_text(struct buf *out, const char *text)
{
    add_number(out, strlen(text), 2);
    buf_string(out, text);
}

/* The bytes of the base64 text [at, end); false if it is none. */
static bool decode(const char *at, const char *end, struct buf *out)
{
    struct base64_decode_ctx context;
    size_t length = (size_t)(end - at), size = BASE64_DECODE_LENGTH(length);
    buf_reserve(out, size);
    base64_decode_init(&context);
    bool good = base64_decode_update(&context, &size, (uint8_t *)out->data, length, at) &&
                base64_decode_final(&context);
    out->size = good ? size : 0;
    return good;
}

static void add_certificate(struct buf *out, size_t number, const struct buf *der)
{
    char *alias = mem_printf("authority-%zu", number);
    add_number(out, TRUSTED_CERTIFICATE, 4);
    add_text(out, alias);
    add_number(out, 0, 8); /* when it was added */
    add_text(out, "X.509");
    add_number(out, der->size, 4);
    buf_add(out, der->data, der->size);
    free(alias);
}

static void add_digest(struct buf *out)
{
    static const char password[] = "\0c\0h\0a\0n\0g\0e\0i\0t", word[] = "Mighty Aphrodite";
    uint8_t digest[SHA1_DIGEST_SIZE];
    struct sha1_ctx context;
    sha1_init(&context);
    sha1_update(&context, sizeof(password) - 1, (const uint8_t *)password);
    sha1_update(&context, sizeof(word) - 1, (const uint8_t *)word);
    sha1_update(&context, out->size, (const uint8_t *)out->data);
    sha1_digest(&context, sizeof(digest), digest);
    buf_add(out, digest, sizeof(digest));
}

size_t keystore_make(const char *pem, struct buf *out)
{
    struct buf entries = {0}, store = {0};
    size_t count = 0;
    for (const char *at = strstr(pem, BEGIN), *end; at; at = strstr(end, BEGIN)) {
        struct buf der = {0};
        end = strstr(at, END);
        if (!end)
            break;
        if (decode(at + strlen(BEGIN), end, &der))
            add_certificate(&entries, ++count, &der);
        buf_clear(&der);
    }
    add_number(&store, MAGIC, 4);
    add_number(&store, VERSION, 4);
    add_number(&store, count, 4);
    buf_add(&store, entries.data, entries.size);
    add_digest(&store);
    buf_add(out, store.data, store.size);
    buf_clear(&entries);
    buf_clear(&store);
    return count;
}
