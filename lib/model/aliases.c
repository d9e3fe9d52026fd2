/* aliases.c - what a model's tensors are called in files that other programs have written.
 *
 *     "aliases": {"encoder.0.weight": "fc1.weight", "decoder.": "net.dec."}
 *
 * A key is the name of a tensor; or one that ends with a dot, or is empty, the beginning of names, in whose place its value stands
 * then. A whole name goes before a beginning, a longer beginning before a shorter one. Each alias is of some tensor, and no two
 * tensors have the same foreign name.
 */
#include <string.h>

#include "io/bytes.h"
#include "io/sort.h"
#include "model/model.h"

enum { NAME_MAX_BYTES = 255 }; /* of an alias: a beginning stands in front of many names */

static bool is_beginning(const char *text) { return *text == '\0' || text[strlen(text) - 1] == '.'; }

aenc_status aenc_aliases_check(aenc_context *ctx, const struct json *aliases) {
    if (aliases->kind != JSON_OBJECT)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "model: 'aliases' must be an object of names");
    for (const struct json *alias = aliases->first; alias != NULL; alias = alias->next) {
        bool text = alias->kind == JSON_TEXT && strlen(alias->text) <= NAME_MAX_BYTES;
        if (text && (is_beginning(alias->key) ? is_beginning(alias->text) : *alias->text != '\0')) continue;
        return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                         "model: 'aliases' of '%s' is not a name of at most %d bytes; of what ends with a dot it ends "
                         "with one, or is empty",
                         aenc_quoted(alias->key).text, NAME_MAX_BYTES);
    }
    return AENC_OK;
}

/* ---- Which of them a tensor has ---- */

struct alias {
    const struct json *member;
    bool used;
};

struct aliases {
    struct alias *alias; /* by key */
    size_t count;
};

static int compare_keys(const void *a, const void *b) {
    const struct alias *x = a, *y = b;
    return strcmp(x->member->key, y->member->key);
}

/* The first bytes of a name. */
struct beginning {
    const char *name;
    size_t length;
};

static int compare_beginning(const void *a, const void *b) {
    const struct beginning *x = a;
    const struct alias *y = b;
    int order = strncmp(x->name, y->member->key, x->length);
    return order != 0 ? order : -(y->member->key[x->length] != '\0');
}

/* In the arena; the name itself where there is no alias. NULL when it is out of memory. */
static const char *foreign_name(const struct aliases *aliases, struct arena *arena, const char *name) {
    for (size_t length = strlen(name);; length--) {
        const struct beginning key = {name, length};
        const struct alias *alias = NULL;
        if (name[length] == '\0' || length == 0 || name[length - 1] == '.')
            alias = aenc_sorted_find(&key, aliases->alias, aliases->count, sizeof *alias, compare_beginning);
        if (alias != NULL) {
            aliases->alias[alias - aliases->alias].used = true;
            return aenc_arena_format(arena, "%s%s", alias->member->text, name + length);
        }
        if (length == 0) return name;
    }
}

/* ---- All of them ---- */

struct pair {
    const char *foreign, *own;
};

static int compare_foreign(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    return strcmp(x->foreign, y->foreign);
}

static aenc_status names_check(const struct aenc_model *model, const struct aliases *aliases, struct pair *pair,
                               size_t count) {
    for (size_t i = 0; i < aliases->count; i++)
        if (!aliases->alias[i].used)
            return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "model: 'aliases' has '%s', which is of no tensor",
                             aenc_quoted(aliases->alias[i].member->key).text);
    aenc_sort(pair, pair + count, count, sizeof *pair, compare_foreign);
    for (size_t i = 1; i < count; i++)
        if (strcmp(pair[i - 1].foreign, pair[i].foreign) == 0)
            return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "model: by 'aliases' both '%s' and '%s' are called '%s'",
                             aenc_quoted(pair[i - 1].own).text, aenc_quoted(pair[i].own).text,
                             aenc_quoted(pair[i].foreign).text);
    return AENC_OK;
}

aenc_status aenc_aliases_names(const struct aenc_model *model, struct arena *arena, const char *const **out) {
    const struct json *object = aenc_json_member(model->description, "aliases");
    const struct store *store = &model->store;
    struct aliases aliases = {NULL, 0};
    size_t count = object == NULL ? 0 : object->count;
    aliases.alias = aenc_arena_alloc(arena, count + 1, 2 * sizeof *aliases.alias);
    const char **name = aenc_arena_alloc(arena, store->entry_count + 1, sizeof *name);
    struct pair *pair = aenc_arena_alloc(arena, store->entry_count + 1, 2 * sizeof *pair);
    *out = name;
    if (aliases.alias == NULL || name == NULL || pair == NULL) return AENC_ERR_NO_MEMORY;
    for (const struct json *m = object == NULL ? NULL : object->first; m != NULL; m = m->next)
        aliases.alias[aliases.count++].member = m;
    aenc_sort(aliases.alias, aliases.alias + count, count, sizeof *aliases.alias, compare_keys);
    for (size_t i = 0; i < store->entry_count; i++) {
        name[i] = foreign_name(&aliases, arena, store->entry[i].name);
        if (name[i] == NULL) return AENC_ERR_NO_MEMORY;
        pair[i] = (struct pair){name[i], store->entry[i].name};
    }
    return names_check(model, &aliases, pair, store->entry_count);
}

aenc_status aenc_aliases_declare(const struct aenc_model *model) {
    struct arena arena;
    const char *const *names;
    if (aenc_json_member(model->description, "aliases") == NULL) return AENC_OK;
    aenc_arena_create(model->ctx, &arena);
    aenc_status status = aenc_aliases_names(model, &arena, &names);
    aenc_arena_free(&arena);
    return status;
}
