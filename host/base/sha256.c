/* SHA-256 of files, and as text. */
#include "host/base/sha256.h"

#include <ctype.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/buf.h"
#include "host/base/io.h"

#define PART_SIZE (256u << 10)

bool sha256_fd(int fd, const char *path, uint8_t out[SHA256_SIZE], struct error *err)
{
    struct sha256_ctx state;
    uint8_t *part = mem_alloc(PART_SIZE);
    ssize_t got;
    sha256_init(&state);
    for (off_t at = 0; (got = io_pread(fd, part, PART_SIZE, at)) > 0; at += got)
        sha256_update(&state, (size_t)got, part);
    sha256_digest(&state, SHA256_SIZE, out);
    free(part);
    return got == 0 || error_errno(err, "can't read %s", path);
}

bool sha256_file(const char *path, uint8_t out[SHA256_SIZE], struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_errno(err, "%s", path);
    bool done = sha256_fd(fd, path, out, err);
    close(fd);
    return done;
}

void sha256_print(const uint8_t digest[SHA256_SIZE], char text[SHA256_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[2 * SHA256_SIZE] = 0;
}

static int digit_value(char digit)
{
    return isdigit((unsigned char)digit) ? digit - '0' : tolower((unsigned char)digit) - 'a' + 10;
}

bool sha256_parse(const char *text, uint8_t digest[SHA256_SIZE])
{
    for (size_t i = 0; i < SHA256_SIZE; i++) {
        if (!isxdigit((unsigned char)text[2 * i]) || !isxdigit((unsigned char)text[2 * i + 1]))
            return false;
        digest[i] = (uint8_t)(digit_value(text[2 * i]) << 4 | digit_value(text[2 * i + 1]));
    }
    return text[2 * SHA256_SIZE] == 0;
}
