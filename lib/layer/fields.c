/* fields.c - the fields that a description declares.
 *
 *     "fields": {"label": "classes:count=10", "mask": {"type": "binary", "dims": [28, 28]}}
 */
#include "layer/fields.h"

#include <math.h>
#include <string.h>

#include "io/bytes.h"

/* By rule. */
static const char *const rule_names[] = {"number", "unit", "binary", "classes", "length"};
enum { RULE_COUNT = sizeof rule_names / sizeof *rule_names };
static const char *const own_names[FIELD_DECLARED] = {"input", "target", "weight", "code"};

static const struct setting_rule dims_rules[] = {{.name = "dims", .kind = SETTING_SIZES, .low = 1, .high = INT32_MAX},
                                                 {.name = NULL}};
static const struct setting_rule count_rules[] = {
    {.name = "dims", .kind = SETTING_SIZES, .low = 1, .high = INT32_MAX},
    {.name = "count", .kind = SETTING_INTEGER, .required = true, .low = 1, .high = 1 << 24},
    {.name = NULL}};

static const struct setting_rule *rules_of(enum field_rule rule) {
    return rule == FIELD_CLASSES || rule == FIELD_LENGTH ? count_rules : dims_rules;
}

/* RULE_COUNT: none of that name. */
static int rule_find(const char *name) {
    int rule = 0;
    while (rule < RULE_COUNT && strcmp(rule_names[rule], name) != 0) rule++;
    return rule;
}

static bool name_good(const char *name) {
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return length > 0 && length < 64 && name[length] == '\0';
}

static aenc_status name_check(aenc_context *ctx, const char *name) {
    bool own = false;
    for (int i = 0; i < FIELD_DECLARED; i++) own = own || strcmp(own_names[i], name) == 0;
    if (own) return aenc_fail(ctx, AENC_ERR_ARGUMENT, "model: field '%s' is there without being declared", name);
    if (name_good(name)) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "model: '%s' is no name of a field: 1 to 63 letters, digits or '_'",
                     aenc_quoted(name).text);
}

/* One field's spec as a checked object; NULL with the message set. */
static const struct json *spec_check(aenc_context *ctx, struct arena *arena, const struct json *given) {
    struct json *parsed = NULL;
    if (given->kind == JSON_TEXT && aenc_settings_parse(arena, "field", given->text, &parsed) != AENC_OK) return NULL;
    const struct json *spec = given->kind == JSON_TEXT ? parsed : given;
    if (spec->kind != JSON_OBJECT) {
        aenc_fail(ctx, AENC_ERR_ARGUMENT, "model: field '%s' is neither a rule nor an object with a 'type'",
                  given->key);
        return NULL;
    }
    int rule = rule_find(aenc_settings_type(spec));
    if (rule == RULE_COUNT) {
        aenc_name_unknown(ctx, "field rule", aenc_settings_type(spec), rule_names, RULE_COUNT, 0);
        return NULL;
    }
    return aenc_settings_check(ctx, "field", spec, rules_of((enum field_rule)rule)) == AENC_OK ? spec : NULL;
}

aenc_status aenc_fields_check(aenc_context *ctx, struct arena *arena, const struct json *given,
                              const struct json **out) {
    *out = NULL;
    if (given == NULL) return AENC_OK;
    if (given->kind != JSON_OBJECT || given->count > FIELDS_MAX - FIELD_DECLARED)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "model: 'fields' must be an object with at most %d members",
                         FIELDS_MAX - FIELD_DECLARED);
    if (given->count == 0) return AENC_OK;
    struct json *whole = aenc_json_root(arena, JSON_OBJECT);
    for (const struct json *f = given->first; f != NULL; f = f->next) {
        aenc_status status = name_check(ctx, f->key);
        const struct json *spec = status == AENC_OK ? spec_check(ctx, arena, f) : NULL;
        if (spec == NULL) return ctx->status;
        aenc_json_add_copy(arena, whole, f->key, spec);
    }
    *out = whole;
    return arena->failed ? AENC_ERR_NO_MEMORY : AENC_OK;
}

int aenc_fields_read(const struct json *fields, struct field_spec *field) {
    int count = FIELD_DECLARED;
    for (const struct json *f = fields == NULL ? NULL : fields->first; f != NULL; f = f->next) {
        enum field_rule rule = (enum field_rule)rule_find(aenc_settings_type(f));
        struct field_spec *out = &field[count++];
        *out = (struct field_spec){.name = f->key, .rule = rule};
        out->shape.rank = aenc_setting_sizes(f, rules_of(rule), "dims", out->shape.dim);
        out->size = aenc_shape_count(&out->shape);
        if (rules_of(rule) == count_rules) out->count = aenc_setting_integer(f, count_rules, "count");
    }
    return count;
}

int aenc_field_find(const struct field_spec *field, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (field[i].name != NULL && strcmp(field[i].name, name) == 0) return i;
    return -1;
}
