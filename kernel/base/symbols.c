/* Symbol lookup in the table that the second link step puts in. */
#include "kernel/base/symbols.h"

struct symbol {
    uint32_t addr, name; /* link address; offset in symbol_names */
};

/* Weak: the first link step has no table. */
extern const struct symbol symbol_table[] __attribute__((weak));
extern const char symbol_names[] __attribute__((weak));
extern const uint64_t symbol_count __attribute__((weak));

const char *symbol_name(uint64_t addr, uint64_t *offset)
{
    if (!&symbol_count || !symbol_count || addr < symbol_table[0].addr) {
        return NULL;
    }
    uint64_t low = 0, high = symbol_count;
    while (high - low > 1) {
        uint64_t middle = (low + high) / 2;
        if (symbol_table[middle].addr <= addr) {
            low = middle;
        } else {
            high = middle;
        }
    }
    *offset = addr - symbol_table[low].addr;
    return symbol_names + symbol_table[low].name;
}
