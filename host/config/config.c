/*
 * Reading config.json. jansson parses; the table made of keys.def says what may be there and where
 * it goes; every error names line and column.
 */
#include "host/config/config.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/record.h"
#include "host/base/io.h"
#include "host/base/nearest.h"
#include "host/base/path.h"
#include "host/base/say.h"
#include "host/config/locate.h"
#include "host/image/userid.h"

enum key_type { STRING, USER, STRINGS, PAIRS, CARDS, SIZE, NUMBER, SWITCH };

struct key {
    const char *section, *name;
    enum key_type type;
    size_t field;
    const char *text;
};

#define KEY(section_, name_, type_, field_, text_)                                                 \
    {section_, #name_, type_, offsetof(struct config, field_), text_},
static const struct key keys[] = {
#include "host/config/keys.def"
};
#undef KEY
#define KEY_COUNT (sizeof(keys) / sizeof(*keys))
_Static_assert(KEY_COUNT <= 64, "struct config has a bit for each");

static const struct {
    const char *section, *name, *why;
} refused[] = {
#define REFUSED(section_, name_, why_) {section_, #name_, why_},
#include "host/config/refused.def"
#undef REFUSED
};

static const char *const type_names[] = {
    [STRING] = "a string",
    [USER] = "a string or a number",
    [STRINGS] = "a list of strings",
    [PAIRS] = "an object whose values are strings",
    [CARDS] = "a list of objects whose values are strings",
    [SIZE] = "a string such as \"512M\" or \"2G\"",
    [NUMBER] = "a number from 1 to 32",
    [SWITCH] = "true or false",
};

static char *where(const struct config *config, const struct json_step *steps, size_t count)
{
    struct json_place place = {1, 1};
    json_locate(config->text.data, steps, count, &place);
    return mem_printf("%s:%u:%u", config->path, place.line, place.column);
}

char *config_where(const struct config *config, const char *key, const char *member, size_t index)
{
    struct json_step steps[2] = {{.name = key}, {.name = member, .index = index}};
    return where(config, steps, 2);
}

/* Where a key of a section stands, with one more step if that isn't NULL. */
static char *key_where(const struct config *config, const char *section, const char *name,
                       const struct json_step *more)
{
    struct json_step steps[3];
    size_t count = 0;
    if (*section)
        steps[count++] = (struct json_step){.name = section};
    steps[count++] = (struct json_step){.name = name};
    if (more)
        steps[count++] = *more;
    return where(config, steps, count);
}

static bool wrong_type(const struct config *config, const struct key *key, const char *name,
                       const struct json_step *more, struct error *err)
{
    char *place = key_where(config, key->section, name, more);
    const char *wanted = !more                ? type_names[key->type]
                         : key->type == CARDS ? "an object whose values are strings"
                                              : "a string";
    error_set(err, "%s: %s%s\"%s\" must be %s", place, more ? "every value of " : "",
              *key->section ? "RunConfig's " : "", key->name, wanted);
    free(place);
    return false;
}

bool config_parse_size(const char *text, uint64_t *bytes)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    unsigned shift = 0;
    if (!isdigit((unsigned char)*text) || errno)
        return false;
    switch (toupper((unsigned char)*end)) {
    case 'K':
        shift = 10;
        break;
    case 'M':
        shift = 20;
        break;
    case 'G':
        shift = 30;
        break;
    case 'T':
        shift = 40;
        break;
    default:
        break;
    }
    end += shift != 0;
    if (shift && (*end == 'i' || *end == 'I'))
        end++;
    if (shift && (*end == 'b' || *end == 'B'))
        end++;
    if (*end || value > UINT64_MAX >> shift)
        return false;
    *bytes = (uint64_t)value << shift;
    return true;
}

/* The only strings a JSON string may not be for us are those with a NUL in them. */
static const char *text_of(const json_t *value)
{
    const char *text = json_string_value(value);
    return text && strlen(text) == json_string_length(value) ? text : NULL;
}

/* A string with its variables replaced, owned; NULL with err set. name and more say where it is. */
static char *expanded(struct config *config, const struct key *key, const char *name,
                      const struct json_step *more, const char *text, struct error *err)
{
    char *value = config_expand(text, &config->variables, err);
    if (!value) {
        char *place = key_where(config, key->section, name, more);
        error_prefix(err, "%s", place);
        free(place);
    }
    return value;
}

static bool add_expanded(struct config *config, const struct key *key, const char *name,
                         const struct json_step *more, const char *text, struct strlist *list,
                         struct error *err)
{
    char *value = expanded(config, key, name, more, text, err);
    if (value)
        strlist_add(list, value);
    free(value);
    return value != NULL;
}

static bool set_strings(struct config *config, const struct key *key, const char *name,
                        const json_t *value, struct strlist *list, struct error *err)
{
    if (!json_is_array(value))
        return wrong_type(config, key, name, NULL, err);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *text = text_of(json_array_get(value, i));
        const struct json_step here = {.index = i};
        if (!text)
            return wrong_type(config, key, name, &here, err);
        if (!add_expanded(config, key, name, &here, text, list, err))
            return false;
    }
    return true;
}

/* Whether the last name, if it is of Env, can be a variable's. */
static bool check_name(const struct config *config, const struct key *key, const char *name,
                       const struct json_step *here, const struct strlist *names, struct error *err)
{
    const char *last = names->items[names->count - 1];
    if (strcmp(key->name, "Env") != 0 || (*last && !strchr(last, '=')))
        return true;
    char *place = key_where(config, key->section, name, here);
    error_set(err, "%s: \"%s\" can't be the name of a variable: it %s", place, last,
              *last ? "holds \"=\"" : "is empty");
    free(place);
    return false;
}

static bool set_pairs(struct config *config, const struct key *key, const char *name, json_t *value,
                      struct pairs *pairs, struct error *err)
{
    if (!json_is_object(value))
        return wrong_type(config, key, name, NULL, err);
    const char *member;
    json_t *item;
    json_object_foreach(value, member, item)
    {
        const char *text = text_of(item);
        const struct json_step here = {.name = member};
        if (!text)
            return wrong_type(config, key, name, &here, err);
        strlist_add(&pairs->written, member);
        if (!add_expanded(config, key, name, &here, member, &pairs->names, err) ||
            !check_name(config, key, name, &here, &pairs->names, err) ||
            !add_expanded(config, key, name, &here, text, &pairs->values, err))
            return false;
    }
    return true;
}

/* What a network card's object may say, in the order in which link_set() takes it. */
static const char *const card_members[][2] = {
    {"TapName", "tap"},          {"BridgeName", "bridge"}, {"IPAddress", "ip"},
    {"NetMask", "netmask"},      {"Gateway", "gateway"},   {"IPv6Address", "ip6"},
    {"IPv6Gateway", "gateway6"},
};
#define CARD_MEMBERS (sizeof(card_members) / sizeof(*card_members))

static bool unknown_member(const struct config *config, const struct key *key, const char *name,
                           size_t index, const char *member, struct error *err)
{
    const char *names[CARD_MEMBERS + 1] = {0};
    for (size_t i = 0; i < CARD_MEMBERS; i++)
        names[i] = card_members[i][0];
    const struct json_step here = {.index = index};
    char *place = key_where(config, key->section, name, &here);
    const char *near = nearest(member, names);
    error_set(err, "%s: unknown key \"%s\" of a network card (%s%s%s)", place, member,
              near ? "did you mean \"" : "`orris help config` lists them", near ? near : "",
              near ? "\"?" : "");
    free(place);
    return false;
}

static bool check_members(const struct config *config, const struct key *key, const char *name,
                          size_t index, json_t *card, struct error *err)
{
    const char *member;
    json_t *value;
    json_object_foreach(card, member, value)
    {
        bool known = strncmp(member, "//", 2) == 0;
        for (size_t i = 0; i < CARD_MEMBERS; i++)
            known |= strcmp(member, card_members[i][0]) == 0;
        if (!known)
            return unknown_member(config, key, name, index, member, err);
    }
    return true;
}

/* A card's object as --nic would have it, "user" if it says nothing. */
static bool add_card(struct config *config, const struct key *key, const char *name, size_t index,
                     const json_t *card, struct strlist *list, struct error *err)
{
    const struct json_step here = {.index = index};
    struct buf text = {0};
    bool good = true;
    for (size_t i = 0; good && i < CARD_MEMBERS; i++) {
        const json_t *value = json_object_get(card, card_members[i][0]);
        const char *given = value ? text_of(value) : NULL;
        char *word = given ? expanded(config, key, name, &here, given, err) : NULL;
        if (value && !given)
            good = wrong_type(config, key, name, &here, err);
        else if (value)
            good = word != NULL;
        if (word)
            buf_printf(&text, "%s%s=%s", text.size ? "," : "", card_members[i][1], word);
        free(word);
    }
    if (good)
        strlist_add(list, text.size ? text.data : "user");
    buf_clear(&text);
    return good;
}

static bool set_cards(struct config *config, const struct key *key, const char *name,
                      const json_t *value, struct strlist *list, struct error *err)
{
    if (!json_is_array(value))
        return wrong_type(config, key, name, NULL, err);
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *card = json_array_get(value, i);
        const struct json_step here = {.index = i};
        if (!json_is_object(card))
            return wrong_type(config, key, name, &here, err);
        if (!check_members(config, key, name, i, card, err) ||
            !add_card(config, key, name, i, card, list, err))
            return false;
    }
    return true;
}

static bool set_string(struct config *config, const struct key *key, const char *name,
                       const json_t *value, char **field, struct error *err)
{
    const char *text = text_of(value);
    free(*field); /* of another name of the same */
    *field = text ? expanded(config, key, name, NULL, text, err) : NULL;
    return text ? *field != NULL : wrong_type(config, key, name, NULL, err);
}

/* A user's id may stand there without quotes. */
static bool set_user(struct config *config, const struct key *key, const char *name,
                     const json_t *value, char **field, struct error *err)
{
    if (json_is_integer(value)) {
        free(*field);
        *field = mem_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (!set_string(config, key, name, value, field, err)) {
        return false;
    }
    bool negative = json_is_integer(value) && json_integer_value(value) < 0;
    if (!negative && user_check(*field, err))
        return true;
    char *place = key_where(config, key->section, name, NULL);
    if (negative)
        error_set(err, "%s: \"%s\" must not be negative", place, key->name);
    else
        error_prefix(err, "%s: \"%s\"", place, key->name);
    free(place);
    return false;
}

static bool set_value(struct config *config, const struct key *key, const char *name, json_t *value,
                      struct error *err)
{
    void *field = (char *)config + key->field;
    const char *text = text_of(value);
    switch (key->type) {
    case STRING:
        return set_string(config, key, name, value, field, err);
    case USER:
        return set_user(config, key, name, value, field, err);
    case STRINGS:
        return set_strings(config, key, name, value, field, err);
    case PAIRS:
        return set_pairs(config, key, name, value, field, err);
    case CARDS:
        return set_cards(config, key, name, value, field, err);
    case SIZE:
        return (text && config_parse_size(text, field) && *(uint64_t *)field) ||
               wrong_type(config, key, name, NULL, err);
    case SWITCH:
        *(enum config_switch *)field = json_is_true(value) ? SWITCH_ON : SWITCH_OFF;
        return json_is_boolean(value) || wrong_type(config, key, name, NULL, err);
    case NUMBER:
        *(uint64_t *)field = (uint64_t)json_integer_value(value);
        return (json_is_integer(value) && json_integer_value(value) > 0 &&
                json_integer_value(value) <= ORRIS_CPUS_MAX) ||
               wrong_type(config, key, name, NULL, err);
    }
    return false;
}

static const struct key *key_find(const char *section, const char *name)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (!strcmp(keys[i].section, section) && !strcasecmp(keys[i].name, name))
            return &keys[i];
    return NULL;
}

/* Why a key of the article's tool is none here, or NULL. */
static const char *refusal(const char *section, const char *name)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        if (!strcmp(refused[i].section, section) && !strcasecmp(refused[i].name, name))
            return refused[i].why;
    return NULL;
}

bool config_sets(const struct config *config, const char *key)
{
    return config->keys_set & 1ull << (key_find("", key) - keys);
}

static bool unknown_key(const struct config *config, const char *section, const char *name,
                        struct error *err)
{
    const char *names[KEY_COUNT + 2];
    size_t count = 0;
    const char *other = NULL;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (!strcmp(keys[i].section, section))
            names[count++] = keys[i].name;
        else if (!strcasecmp(keys[i].name, name))
            other = *keys[i].section ? "it belongs into \"RunConfig\""
                                     : "it belongs beside \"RunConfig\", not into it";
    }
    if (!*section)
        names[count++] = "RunConfig";
    names[count] = NULL;
    char *place = key_where(config, section, name, NULL);
    const char *near = nearest(name, names), *why = refusal(section, name);
    if (why)
        error_set(err, "%s: \"%s\" can't be used: %s", place, name, why);
    else if (other)
        error_set(err, "%s: unknown key \"%s\" (%s)", place, name, other);
    else if (near)
        error_set(err, "%s: unknown key \"%s\" (did you mean \"%s\"?)", place, name, near);
    else
        error_set(err, "%s: unknown key \"%s\" (`orris help config` lists them)", place, name);
    free(place);
    return false;
}

static void note_case(const struct config *config, const char *section, const char *name,
                      const char *right)
{
    if (!strcmp(name, right))
        return;
    char *place = key_where(config, section, name, NULL);
    say("%s: \"%s\" is taken for \"%s\"", place, name, right);
    free(place);
}

static bool load_object(struct config *config, const char *section, const char *section_name,
                        json_t *object, struct error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (strncmp(name, "//", 2) == 0) /* a comment */
            continue;
        const struct key *key = key_find(section, name);
        bool is_section = !*section && !strcasecmp(name, "RunConfig");
        if (!key && !is_section)
            return unknown_key(config, section_name, name, err);
        note_case(config, section_name, name, key ? key->name : "RunConfig");
        if (is_section && !json_is_object(value)) {
            char *place = key_where(config, "", name, NULL);
            error_set(err, "%s: \"RunConfig\" must be an object", place);
            free(place);
            return false;
        }
        if (is_section ? !load_object(config, "RunConfig", name, value, err)
                       : !set_value(config, key, name, value, err))
            return false;
        if (key)
            config->keys_set |= 1ull << (key - keys);
    }
    return true;
}

/* The folder that paths are relative to. */
static void set_folder(struct config *config)
{
    if (!config->parent)
        return;
    char *joined = path_join(config->folder, config->parent);
    free(config->folder);
    config->folder = path_clean(joined);
    free(joined);
}

bool config_load(const char *path, struct config *config, struct error *err)
{
    *config = (struct config){.path = mem_string(path)};
    char *whole = path_absolute(path);
    config->folder = path_parent(whole);
    free(whole);
    if (!io_read_file(path, &config->text, err))
        return error_prefix(err, "can't read the configuration");
    buf_reserve(&config->text, 1);
    config->text.data[config->text.size] = 0;
    json_error_t wrong;
    json_t *root = json_loadb(config->text.data, config->text.size, JSON_REJECT_DUPLICATES, &wrong);
    if (!root)
        return error_set(err, "%s:%d:%d: %s", path, wrong.line, wrong.column, wrong.text);
    bool done = json_is_object(root) ? load_object(config, "", "", root, err)
                                     : error_set(err, "%s:1:1: must be an object: {…}", path);
    json_decref(root);
    set_folder(config);
    return done;
}

char *config_defaults_path(void)
{
    const char *named = getenv("ORRIS_DEFAULT_CONFIG"), *home = getenv("HOME");
    if (named && *named)
        return mem_string(named);
    return home && *home ? path_join(home, ".orrisrc") : NULL;
}

static size_t field_size(enum key_type type)
{
    static const size_t sizes[] = {
        [STRING] = sizeof(char *),          [USER] = sizeof(char *),
        [STRINGS] = sizeof(struct strlist), [PAIRS] = sizeof(struct pairs),
        [CARDS] = sizeof(struct strlist),   [SIZE] = sizeof(uint64_t),
        [NUMBER] = sizeof(uint64_t),        [SWITCH] = sizeof(enum config_switch),
    };
    return sizes[type];
}

/* What one program is made of is no default for all. */
static bool may_be_default(const struct key *key)
{
    static const char *const own[] = {
        "Program", "ProgramPath", "Args",   "Files",
        "Dirs",    "MapDirs",     "Mounts", "LocalFilesParentDirectory",
        "Exclude", "ImageName",   "Workdir"};
    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        if (!strcmp(own[i], key->name))
            return false;
    return true;
}

/* Moves the value of a key that config doesn't set from defaults to it. */
static bool take_default(struct config *config, struct config *defaults, const struct key *key,
                         struct error *err)
{
    uint64_t bit = 1ull << (key - keys);
    if (!(defaults->keys_set & bit))
        return true;
    if (!may_be_default(key)) {
        char *place = key_where(defaults, key->section, key->name, NULL);
        error_set(err, "%s: \"%s\" belongs into a program's config.json, not into the defaults",
                  place, key->name);
        free(place);
        return false;
    }
    void *from = (char *)defaults + key->field, *to = (char *)config + key->field;
    if (!(config->keys_set & bit)) {
        memcpy(to, from, field_size(key->type));
        memset(from, 0, field_size(key->type));
    }
    return true;
}

bool config_add_defaults(struct config *config, struct error *err)
{
    struct config defaults;
    char *path = config_defaults_path();
    if (!path || access(path, F_OK) != 0) {
        free(path);
        return true;
    }
    bool good = config_load(path, &defaults, err);
    for (size_t i = 0; good && i < KEY_COUNT; i++)
        good = take_default(config, &defaults, &keys[i], err);
    for (size_t i = 0; i < defaults.variables.count; i++)
        strlist_add(&config->variables, defaults.variables.items[i]);
    config_clear(&defaults);
    free(path);
    return good;
}

static void pairs_clear(struct pairs *pairs)
{
    strlist_clear(&pairs->names);
    strlist_clear(&pairs->values);
    strlist_clear(&pairs->written);
}

/* Keys may share a field: what is freed is zeroed. */
static void clear_value(struct config *config, const struct key *key)
{
    void *field = (char *)config + key->field;
    if (key->type == STRING || key->type == USER) {
        free(*(char **)field);
        *(char **)field = NULL;
    } else if (key->type == STRINGS || key->type == CARDS) {
        strlist_clear(field);
    } else if (key->type == PAIRS) {
        pairs_clear(field);
    }
}

void config_clear(struct config *config)
{
    free(config->path);
    free(config->folder);
    buf_clear(&config->text);
    for (size_t i = 0; i < KEY_COUNT; i++)
        clear_value(config, &keys[i]);
    strlist_clear(&config->variables);
    *config = (struct config){0};
}

static void print_refused(FILE *out, bool markdown)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        const char *dot = *refused[i].section ? "." : "";
        if (key_find(refused[i].section, refused[i].name))
            continue;
        fprintf(out, markdown ? "| `%s%s%s` | %s |\n" : "  %s%s%s: %s\n", refused[i].section, dot,
                refused[i].name, refused[i].why);
    }
}

void config_print_keys(FILE *out, bool markdown)
{
    if (markdown)
        fputs("| key | type | meaning |\n| --- | --- | --- |\n", out);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const struct key *key = &keys[i];
        const char *dot = *key->section ? "." : "";
        fprintf(out, markdown ? "| `%s%s%s` | %s | %s |\n" : "  %s%s%s: %s\n      %s\n",
                key->section, dot, key->name, type_names[key->type], key->text);
    }
    fputs(markdown ? "\n| not a key here | what to do instead |\n| --- | --- |\n"
                   : "\nOf the article's tool, but not keys here:\n",
          out);
    print_refused(out, markdown);
}
