/*
 * SHA-256 (by nettle): what files are told apart by in texts that people and other tools read.
 * Names in the store are digests of host/base/digest.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/base/error.h"

#define SHA256_SIZE 32
#define SHA256_TEXT_SIZE (2 * SHA256_SIZE + 1) /* hexadecimal, with a NUL */

/* The digest of a file's bytes from its beginning; fd's position doesn't matter and stays. */
bool sha256_fd(int fd, const char *path, uint8_t out[SHA256_SIZE], struct error *err);
bool sha256_file(const char *path, uint8_t out[SHA256_SIZE], struct error *err);

void sha256_print(const uint8_t digest[SHA256_SIZE], char text[SHA256_TEXT_SIZE]);

/* False if text isn't 64 hexadecimal digits. */
bool sha256_parse(const char *text, uint8_t digest[SHA256_SIZE]);
