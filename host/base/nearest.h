/* Suggestions: the word that was probably meant. */
#pragma once

/* The one of names (ended by NULL) that is nearest to word, letters' case aside, or NULL if none is
 * near. */
const char *nearest(const char *word, const char *const *names);
