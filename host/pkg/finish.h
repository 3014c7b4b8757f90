/*
 * What the scripts of Debian packages would have made, made here: links, users, byte code, the
 * linker's cache. Works on a folder that holds the unpacked packages ("tree").
 */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"
#include "host/pkg/recipe.h"
#include "host/pkg/unpack.h"

/* The links of the merged /usr, and the folders that are mounted over or written to: for the bottom
 * layer. (/etc/passwd and the like come with every image, package or not: host/app/basics.c.) */
bool finish_base(const char *tree, struct error *err);

/* Makes the links of alternatives whose target is in tree; of several for one link the one with
 * the highest priority. Those of executables are left to the recipe. */
bool finish_alternatives(const char *tree, const struct scripts *scripts,
                         const struct recipe_rules *rules, struct error *err);

/* /etc/ssl/certs/ca-certificates.crt, if the certificates are there. */
bool finish_certificates(const char *tree, struct error *err);

/* Compiles all Python modules of tree with the interpreter of tree, or of base (NULL: none).
 * Nothing to do when neither has one. The .pyc files carry their sources' times. */
bool finish_byte_code(const char *tree, const char *base, struct error *err);

/* Removes from the executable folders all but what recipe keeps, and makes recipe's links. */
bool finish_executables(const char *tree, const struct recipe *recipe,
                        const struct recipe_rules *rules, struct error *err);

/* Adds the paths of the executables that are in tree. */
void finish_list_executables(const char *tree, const struct recipe_rules *rules,
                             struct strlist *out);

/* The program of a package without a recipe, of the executables that its own files are: the one of
 * its name, else the only one. Sets recipe's program, args and executables. */
bool finish_find_program(const char *tree, struct recipe *recipe, const struct strlist *all,
                         struct error *err);

/* /etc/ld.so.cache for the libraries of tree and for those in listing, the layer below (NULL:
 * none). */
bool finish_linker_cache(const char *tree, const char *listing, struct error *err);
