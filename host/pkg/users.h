/*
 * /etc/passwd and /etc/group of packages: Debian's fixed users and groups, and those that the
 * packages' scripts would have made.
 */
#pragma once

#include <stdbool.h>

#include "host/base/error.h"
#include "host/image/spec.h"
#include "host/pkg/recipe.h"
#include "host/pkg/script.h"

/* Adds to users and groups (lines of the two files) what the scripts make and neither they nor the
 * rules have; numbers from 100 on, in the order of names. Returns how many lines were added. */
size_t users_add(const struct scripts *scripts, const struct recipe_rules *rules,
                 struct strlist *users, struct strlist *groups);

/* Writes both files into tree, the rules' lines first, and makes the users' home folders. */
bool users_write(const char *tree, const struct recipe_rules *rules, const struct strlist *users,
                 const struct strlist *groups, struct error *err);
