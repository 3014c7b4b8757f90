/* Suggestions, by the number of letters to be changed, added, left out or swapped with the next. */
#include "host/base/nearest.h"

#include <stdbool.h>
#include <stddef.h>

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define LENGTH_MAX 40

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

static int low(char c)
{
    return tolower((unsigned char)c);
}

static unsigned distance(const char *a, const char *b)
{
    unsigned rows[3][LENGTH_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length > LENGTH_MAX || b_length > LENGTH_MAX)
        return LENGTH_MAX;
    for (size_t j = 0; j <= b_length; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        unsigned *spare = before;
        before = last;
        last = row;
        row = spare;
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned differs = low(a[i - 1]) != low(b[j - 1]);
            row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + differs);
            bool swapped =
                i > 1 && j > 1 && low(a[i - 1]) == low(b[j - 2]) && low(a[i - 2]) == low(b[j - 1]);
            if (swapped && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
    }
    return row[b_length];
}

const char *nearest(const char *word, const char *const *names)
{
    const char *best = NULL;
    unsigned least = strlen(word) < 5 ? 2 : 3; /* at least one letter in two is right */
    for (; *names; names++) {
        unsigned letters = distance(word, *names);
        if (letters < least && letters < strlen(*names)) {
            least = letters;
            best = *names;
        }
    }
    return best;
}
