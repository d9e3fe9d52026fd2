/* json_tree.c - trees in hand: looking up, finding repeated keys, building. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "io/json.h"
#include "io/sort.h"

const struct json *aenc_json_member(const struct json *object, const char *key) {
    if (object == NULL || object->kind != JSON_OBJECT) return NULL;
    for (const struct json *member = object->first; member != NULL; member = member->next)
        if (strcmp(member->key, key) == 0) return member;
    return NULL;
}

bool aenc_json_whole(const struct json *value, uint64_t *out) {
    if (value == NULL || value->kind != JSON_NUMBER || !value->digits) return false;
    double number = value->number;
    if (!(number >= 0 && number < 0x1p53) || floor(number) != number) return false;
    if (out != NULL) *out = (uint64_t)number;
    return true;
}

bool aenc_json_u64(const struct json *value, uint64_t *out) {
    if (value == NULL || value->kind != JSON_TEXT) return aenc_json_whole(value, out);
    uint64_t whole = 0;
    size_t length = 0;
    for (const char *at = value->text; *at != '\0'; at++, length++) {
        uint64_t digit = (uint64_t)(unsigned char)*at - '0';
        if (digit > 9 || whole > (UINT64_MAX - digit) / 10) return false;
        whole = whole * 10 + digit;
    }
    if (length == 0 || length > 20) return false;
    if (out != NULL) *out = whole;
    return true;
}

/* ---- Repeated keys ---- */

/* Sorting by a hash keeps the comparisons of a large object inside the array; equal hashes are told apart by key. */
struct hashed {
    uint64_t hash;
    const struct json *member;
};

static int compare_hashed(const void *a, const void *b) {
    const struct hashed *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return strcmp(x->member->key, y->member->key);
}

static const struct json *repeated_of_few(const struct json *object) {
    for (const struct json *member = object->first; member != NULL; member = member->next)
        for (const struct json *before = object->first; before != member; before = before->next)
            if (strcmp(before->key, member->key) == 0) return member;
    return NULL;
}

aenc_status aenc_json_repeated(aenc_context *ctx, const struct json *object, const struct json **repeated) {
    enum { FEW = 16 };
    *repeated = NULL;
    if (object->count <= FEW) {
        *repeated = repeated_of_few(object);
        return AENC_OK;
    }
    /* the second half is scratch */
    struct hashed *item = aenc_alloc_raw(ctx, object->count, 2 * sizeof *item);
    if (item == NULL) return AENC_ERR_NO_MEMORY;
    size_t count = 0;
    for (const struct json *member = object->first; member != NULL; member = member->next)
        item[count++] = (struct hashed){aenc_random_stream(member->key), member};
    aenc_sort(item, item + count, count, sizeof *item, compare_hashed);
    for (size_t i = 1; i < count && *repeated == NULL; i++)
        if (compare_hashed(&item[i - 1], &item[i]) == 0) *repeated = item[i].member;
    aenc_release(ctx, item);
    return AENC_OK;
}

/* ---- Building ---- */

/* A value that belongs to no parent yet. */
static struct json *make(struct arena *arena, const char *key, enum json_kind kind) {
    struct json *value = aenc_arena_alloc(arena, 1, sizeof *value);
    if (value == NULL) return NULL;
    value->kind = kind;
    if (key == NULL) return value;
    value->key = aenc_arena_text(arena, key);
    return value->key != NULL ? value : NULL;
}

static void append(struct json *parent, struct json *child) {
    assert(parent->kind == (child->key != NULL ? JSON_OBJECT : JSON_ARRAY));
    if (parent->last == NULL)
        parent->first = child;
    else
        parent->last->next = child;
    parent->last = child;
    parent->count++;
}

struct json *aenc_json_root(struct arena *arena, enum json_kind kind) {
    return make(arena, NULL, kind);
}

struct json *aenc_json_add(struct arena *arena, struct json *parent, const char *key, enum json_kind kind) {
    if (parent == NULL) return NULL;
    struct json *child = make(arena, key, kind);
    if (child != NULL) append(parent, child);
    return child;
}

struct json *aenc_json_add_number(struct arena *arena, struct json *parent, const char *key, double number) {
    struct json *child = aenc_json_add(arena, parent, key, JSON_NUMBER);
    if (child != NULL) child->number = number;
    return child;
}

struct json *aenc_json_add_text(struct arena *arena, struct json *parent, const char *key, const char *text) {
    if (parent == NULL) return NULL;
    const char *copy = aenc_arena_text(arena, text);
    if (copy == NULL) return NULL;
    struct json *child = aenc_json_add(arena, parent, key, JSON_TEXT);
    if (child != NULL) child->text = copy;
    return child;
}

struct json *aenc_json_add_u64(struct arena *arena, struct json *parent, const char *key, uint64_t whole) {
    struct json *child = aenc_json_add(arena, parent, key, JSON_TEXT);
    char *text = aenc_arena_format(arena, "%llu", (unsigned long long)whole);
    if (child != NULL) child->text = text;
    return text == NULL ? NULL : child;
}

struct json *aenc_json_add_bool(struct arena *arena, struct json *parent, const char *key, bool truth) {
    struct json *child = aenc_json_add(arena, parent, key, JSON_BOOL);
    if (child != NULL) child->truth = truth;
    return child;
}

/* Copies of what users nest in each other pass here: the depth bounds the recursion. */
static struct json *copy(struct arena *arena, const char *key, const struct json *value, int depth) {
    if (depth > JSON_DEPTH) {
        aenc_fail(arena->ctx, AENC_ERR_ARGUMENT, "nested too deep: at most %d levels", JSON_DEPTH);
        return NULL;
    }
    struct json *made = make(arena, key, value->kind);
    if (made == NULL) return NULL;
    made->truth = value->truth;
    made->number = value->number;
    made->digits = value->digits;
    if (value->kind == JSON_TEXT) {
        made->text = aenc_arena_text(arena, value->text);
        return made->text != NULL ? made : NULL;
    }
    for (const struct json *child = value->first; child != NULL; child = child->next) {
        struct json *below = copy(arena, child->key, child, depth + 1);
        if (below == NULL) return NULL;
        append(made, below);
    }
    return made;
}

struct json *aenc_json_add_copy(struct arena *arena, struct json *parent, const char *key, const struct json *value) {
    if (value == NULL) return NULL;
    struct json *made = copy(arena, key, value, 0);
    if (made != NULL && parent != NULL) append(parent, made);
    return made;
}
