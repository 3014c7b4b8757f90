/* What lwIP needs of <stdlib.h>: memory is named in lwipopts.h. */
#pragma once
#include <stddef.h>
int atoi(const char *text); /* named by a function that is not used */
