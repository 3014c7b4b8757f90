/* Packets to and from the gdb stub: "$DATA#CHECKSUM", without acknowledgements once agreed. */
#include "host/profile/remote.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define REPLY_LIMIT_MS 30000 /* a host that is that busy gets no profile */
#define REGISTER_DIGITS 16u

static unsigned hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 0;
}

static unsigned hex_byte(const char *digits)
{
    return hex_digit(digits[0]) << 4 | hex_digit(digits[1]);
}

static bool send_bytes(struct remote *remote, const char *data, size_t size)
{
    while (size) {
        ssize_t n = send(remote->fd, data, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

static bool send_packet(struct remote *remote, const char *text)
{
    char packet[128];
    unsigned sum = 0;
    for (const char *c = text; *c; c++)
        sum += (unsigned char)*c;
    int size = snprintf(packet, sizeof(packet), "$%s#%02x", text, sum & 0xff);
    return send_bytes(remote, packet, (size_t)size);
}

static bool receive_more(struct remote *remote)
{
    struct pollfd entry = {.fd = remote->fd, .events = POLLIN};
    memmove(remote->buffer, remote->buffer + remote->out, remote->in - remote->out);
    remote->in -= remote->out;
    remote->out = 0;
    if (remote->in == sizeof(remote->buffer) || poll(&entry, 1, REPLY_LIMIT_MS) <= 0)
        return false;
    ssize_t n =
        recv(remote->fd, remote->buffer + remote->in, sizeof(remote->buffer) - remote->in, 0);
    if (n <= 0)
        return false;
    remote->in += (size_t)n;
    return true;
}

/* The next packet's data, in the buffer, valid until the next call. */
static bool receive_packet(struct remote *remote, const char **data, size_t *size)
{
    for (;;) {
        const char *from = remote->buffer + remote->out;
        size_t left = remote->in - remote->out;
        const char *start = left ? memchr(from, '$', left) : NULL;
        const char *end = start ? memchr(start, '#', left - (size_t)(start - from)) : NULL;
        if (end && end + 3 <= from + left) {
            *data = start + 1;
            *size = (size_t)(end - start - 1);
            remote->out = (size_t)(end + 3 - remote->buffer);
            return true;
        }
        if (!receive_more(remote))
            return false;
    }
}

static bool ask(struct remote *remote, const char *text, const char **data, size_t *size)
{
    return send_packet(remote, text) && receive_packet(remote, data, size);
}

/* "m01" and so on, then "l". */
static bool list_cpus(struct remote *remote)
{
    const char *data;
    size_t size;
    const char *question = "qfThreadInfo";
    while (remote->cpu_count < REMOTE_CPUS_MAX) {
        if (!ask(remote, question, &data, &size))
            return false;
        if (!size || *data != 'm')
            return remote->cpu_count > 0;
        snprintf(remote->cpus[remote->cpu_count++], sizeof(remote->cpus[0]), "%.*s", (int)size - 1,
                 data + 1);
        question = "qsThreadInfo";
    }
    return true;
}

bool remote_begin(struct remote *remote, int fd)
{
    const char *data;
    size_t size;
    *remote = (struct remote){.fd = fd};
    return ask(remote, "QStartNoAckMode", &data, &size) && send_bytes(remote, "+", 1) &&
           list_cpus(remote);
}

bool remote_go(struct remote *remote)
{
    return send_packet(remote, "c");
}

bool remote_stop(struct remote *remote)
{
    const char *data;
    size_t size;
    return send_bytes(remote, "\x03", 1) && receive_packet(remote, &data, &size);
}

bool remote_registers(struct remote *remote, unsigned cpu, uint64_t values[REMOTE_COUNT])
{
    const char *data;
    size_t size;
    char choose[16];
    snprintf(choose, sizeof(choose), "Hg%s", remote->cpus[cpu]);
    if (remote->cpu_count > 1 && !ask(remote, choose, &data, &size))
        return false;
    if (!ask(remote, "g", &data, &size) || size < REMOTE_COUNT * REGISTER_DIGITS)
        return false;
    for (unsigned i = 0; i < REMOTE_COUNT; i++) {
        values[i] = 0;
        for (unsigned byte = 8; byte-- > 0;) {
            const char *digits = data + i * REGISTER_DIGITS + 2 * byte;
            values[i] = values[i] << 8 | hex_byte(digits);
        }
    }
    return true;
}

bool remote_read(struct remote *remote, uint64_t addr, void *data, unsigned count, size_t *size)
{
    const char *digits;
    size_t length;
    unsigned char *to = data;
    char question[64];
    *size = 0;
    for (unsigned i = 0; i < count; i++) {
        snprintf(question, sizeof(question), "m%llx,%x",
                 (unsigned long long)addr + i * REMOTE_PIECE, REMOTE_PIECE);
        if (!send_packet(remote, question))
            return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!receive_packet(remote, &digits, &length))
            return false;
        if (*size != i * REMOTE_PIECE || length < 2 * REMOTE_PIECE) /* "E14": not mapped */
            continue;
        for (size_t at = 0; at < REMOTE_PIECE; at++)
            to[*size + at] = (unsigned char)hex_byte(digits + 2 * at);
        *size += REMOTE_PIECE;
    }
    return true;
}
