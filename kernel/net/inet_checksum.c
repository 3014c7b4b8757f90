/* The Internet checksum (RFC 1071) in place of lwIP's, by words of 64 bits. */
#include "kernel/net/inet_checksum.h"

#include "kernel/base/string.h"

static uint64_t fold(uint64_t sum)
{
    return (sum >> 16) + (sum & 0xffff);
}

/* Up to 7 bytes. */
static uint64_t rest(const uint8_t *at, int size)
{
    uint32_t four = 0;
    uint16_t two = 0;
    if (size & 4) {
        memcpy(&four, at, sizeof(four));
        at += sizeof(four);
    }
    if (size & 2) {
        memcpy(&two, at, sizeof(two));
        at += sizeof(two);
    }
    return (uint64_t)four + two + (size & 1 ? *at : 0);
}

uint16_t inet_checksum(const void *data, int size)
{
    const uint8_t *at = data;
    unsigned __int128 sum = 0;
    for (; size >= 8; at += 8, size -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        sum += word;
    }
    sum += rest(at, size);
    uint64_t folded = (uint64_t)(sum >> 64) + ((uint64_t)sum >> 32) + (uint32_t)sum;
    return (uint16_t)fold(fold(fold(folded)));
}
