/* Names by number, from one string that holds them in order, each closed by a NUL: such a list
 * needs no relocations. */
#pragma once

/* The name with that index; NULL if the list ends before it or the name is empty. size: of the
 * list's array, sizeof(list). */
const char *names_get(const char *list, unsigned long size, unsigned long index);

/* "ENOENT" for 2; NULL if there is none. */
const char *errno_name(unsigned long number);
/* "SIGSEGV" for 11, "SIGRT_3" for 35; NULL if there is none. */
const char *signal_name(int signo);
