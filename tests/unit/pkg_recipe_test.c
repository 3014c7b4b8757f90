/* Names and versions of packages, and what a recipe is. */
// UNIT: host/pkg/recipe.c host/base/error.c host/base/buf.c host/base/path.c host/base/strlist.c
// UNIT: host/base/escape.c
// LIBS: -ljansson
#include <stdlib.h>
#include <string.h>

#include "host/pkg/recipe.h"
#include "tests/harness/check.h"

static bool splits(const char *reference, const char *want_name, const char *want_version)
{
    struct error err;
    char *name, *version;
    if (!recipe_split(reference, &name, &version, &err))
        return false;
    bool same = strcmp(name, want_name) == 0 && (!version) == (!want_version) &&
                (!version || strcmp(version, want_version) == 0);
    free(name);
    free(version);
    return same;
}

static bool refused(const char *reference)
{
    struct error err;
    char *name, *version;
    return !recipe_split(reference, &name, &version, &err);
}

int main(void)
{
    CHECK(splits("python", "python", NULL));
    CHECK(splits("python_3.11.2", "python", "3.11.2"));
    CHECK(splits("python:3.11", "python", "3.11"));
    CHECK(splits("python:latest", "python", NULL));
    CHECK(splits("libwebkit2gtk-4.0-37", "libwebkit2gtk-4.0-37", NULL));
    CHECK(refused(""));
    CHECK(refused("python_"));
    CHECK(refused("-a"));
    CHECK(refused("../x"));
    CHECK(refused("python_../../x"));

    CHECK(recipe_version_matches(NULL, "3.11.2"));
    CHECK(recipe_version_matches("3", "3.11.2"));
    CHECK(recipe_version_matches("3.11", "3.11.2"));
    CHECK(recipe_version_matches("3.11.2", "3.11.2"));
    CHECK(!recipe_version_matches("3.1", "3.11.2"));
    CHECK(recipe_version_matches("tool", "tool_1.0")); /* my_tool, of my_tool_1.0 */
    CHECK(!recipe_version_matches("3.11.2.1", "3.11.2"));

    struct error err;
    struct recipe recipe;
    setenv("ORRIS_PACKAGES", "packages", 1);
    CHECK(recipe_find("python3", &recipe, &err) && strcmp(recipe.name, "python") == 0);
    CHECK(recipe.link_paths.count == recipe.link_targets.count && recipe.link_paths.count > 0);
    recipe_clear(&recipe);
    CHECK(recipe_find("lua5.4", &recipe, &err) && strcmp(recipe.debian, "lua5.4") == 0);
    recipe_clear(&recipe);
    struct recipe_rules rules;
    CHECK(recipe_rules_read(&rules, &err) && rules.packages.count > 0 && rules.paths.count > 0);
    recipe_rules_clear(&rules);
    return check_done();
}
