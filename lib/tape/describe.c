/* describe.c - an op's attributes as JSON, for exporters. */
#include <math.h>

#include "io/json.h"
#include "tape/op.h"

static void note(struct description *to, const struct json *added) { to->incomplete = to->incomplete || added == NULL; }

static struct json *number_add(struct description *to, struct json *parent, const char *key, double value) {
    if (value - value == 0) return aenc_json_add_number(to->arena, parent, key, value);
    return aenc_json_add_text(to->arena, parent, key, value != value ? "nan" : value > 0 ? "inf" : "-inf");
}

void aenc_describe_number(struct description *to, const char *key, double value) {
    note(to, number_add(to, to->object, key, value));
}

void aenc_describe_flag(struct description *to, const char *key, bool value) {
    note(to, aenc_json_add_bool(to->arena, to->object, key, value));
}

void aenc_describe_text(struct description *to, const char *key, const char *value) {
    note(to, aenc_json_add_text(to->arena, to->object, key, value));
}

void aenc_describe_whole(struct description *to, const char *key, const int64_t *value, int count) {
    struct json *array = aenc_json_add(to->arena, to->object, key, JSON_ARRAY);
    note(to, array);
    for (int i = 0; i < count; i++) note(to, number_add(to, array, NULL, (double)value[i]));
}

void aenc_describe_numbers(struct description *to, const char *key, const num *value, int64_t count) {
    struct json *array = aenc_json_add(to->arena, to->object, key, JSON_ARRAY);
    note(to, array);
    for (int64_t i = 0; i < count; i++) note(to, number_add(to, array, NULL, (double)value[i]));
}

struct json *aenc_node_describe(const struct node *n, struct arena *arena) {
    struct description to = {arena, aenc_json_root(arena, JSON_OBJECT), false};
    note(&to, to.object);
    aenc_describe_text(&to, "op", n->op->name);
    if (n->op->describe != NULL) n->op->describe(n, &to);
    return to.incomplete ? NULL : to.object;
}
