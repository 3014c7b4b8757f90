/* Names of functions, from the symbol tables of ELF files. */
#pragma once

#include "kernel/base/types.h"

struct file;

/* Finds the function that holds the byte at offset of the file f. Writes "name+0x12" into buf.
 * False if the file has no such symbol. */
bool symbols_find(struct file *f, uint64_t offset, char *buf, size_t size);
