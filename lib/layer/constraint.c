/* constraint.c - what a parameter must be after each update: projected onto it, at the start too. */
#include <math.h>

#include "base/pool.h"
#include "io/bytes.h"
#include "io/settings.h"
#include "layer/init.h"

enum { BLOCK = 64, CHUNK = 16384 }; /* columns, numbers that one job looks at */

static const struct setting_rule none[] = {{.name = NULL}};
static const struct setting_rule unit[] = {
    {.name = "axis", .kind = SETTING_INTEGER, .fallback = 1, .low = 0, .high = RANK_MAX}, {.name = NULL}};
static const struct setting_rule most[] = {
    {.name = "axis", .kind = SETTING_INTEGER, .fallback = 1, .low = 0, .high = RANK_MAX},
    {.name = "limit", .kind = SETTING_NUMBER, .fallback = 1, .low = 1e-6, .high = 1e6},
    {.name = NULL}};
struct constraint_type {
    const char *name;
    const struct setting_rule *rules;
};
static const struct constraint_type list[] = {[CONSTRAINT_NONE] = {"none", none},
                                              [CONSTRAINT_NOT_NEGATIVE] = {"non_negative", none},
                                              [CONSTRAINT_UNIT_NORM] = {"unit_norm", unit},
                                              [CONSTRAINT_MAX_NORM] = {"max_norm", most}};
static const char *const *const types[] = {&list[0].name, &list[1].name, &list[2].name, &list[3].name};
static const struct family family = {"constraint", 0, types, sizeof types / sizeof *types, NULL};

aenc_status aenc_constraint_parse(aenc_context *ctx, const char *text, struct constraint *out) {
    struct arena arena;
    struct json *spec;
    *out = (struct constraint){.kind = CONSTRAINT_NONE};
    aenc_arena_create(ctx, &arena);
    aenc_status status = aenc_settings_parse(&arena, "constraint", text, &spec);
    if (status == AENC_OK) {
        const struct constraint_type *type = aenc_family_find(ctx, &family, aenc_settings_type(spec));
        status = type == NULL ? ctx->status : aenc_settings_check(ctx, "constraint", spec, type->rules);
        if (status == AENC_OK) out->kind = (enum constraint_kind)(type - list);
        if (status == AENC_OK && out->kind >= CONSTRAINT_UNIT_NORM)
            out->axis = (int)aenc_setting_integer(spec, type->rules, "axis");
        if (status == AENC_OK && out->kind == CONSTRAINT_MAX_NORM)
            out->limit = aenc_setting_number(spec, type->rules, "limit");
    }
    aenc_arena_free(&arena);
    return status;
}

struct node *aenc_store_constrain(struct store *store, struct tape *tape, struct node *parameter,
                                  const struct constraint *constraint) {
    if (tape->status != AENC_OK || parameter == NULL) return NULL;
    struct entry *entry = parameter->kind == NODE_PARAMETER ? aenc_store_find(store, parameter->name) : NULL;
    if (entry == NULL)
        aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "constraint '%s': what is constrained is no parameter",
                       list[constraint->kind].name);
    else if (constraint->kind >= CONSTRAINT_UNIT_NORM && constraint->axis >= entry->shape.rank)
        aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "constraint '%s': '%s' has no axis %d", list[constraint->kind].name,
                       entry->name, constraint->axis);
    else if (entry->constraint.kind != CONSTRAINT_NONE &&
             (entry->constraint.kind != constraint->kind || entry->constraint.axis != constraint->axis ||
              fabs(entry->constraint.limit - constraint->limit) > 0))
        aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "constraint '%s': '%s' has another one already",
                       list[constraint->kind].name, entry->name);
    if (tape->status != AENC_OK) return NULL;
    entry->constraint = *constraint;
    return parameter;
}

/* ---- Projecting ---- */

struct projection {
    const struct entry *entry;
    num *values;
    int64_t length, inner, blocks; /* of the axis; numbers behind it; blocks of columns in those */
};

static void clear_negative(void *user, int64_t index, int worker) {
    const struct projection *p = user;
    int64_t end = (index + 1) * CHUNK < p->entry->count ? (index + 1) * CHUNK : p->entry->count;
    (void)worker;
    for (int64_t i = index * CHUNK; i < end; i++)
        if (p->values[i] < 0) p->values[i] = 0;
}

/* v limit / |v|, or, for max_norm, where |v| is larger; 0 stays. */
static void scale_columns(void *user, int64_t index, int worker) {
    const struct projection *p = user;
    int64_t first = index % p->blocks * BLOCK, end = first + BLOCK < p->inner ? first + BLOCK : p->inner;
    num *at = p->values + index / p->blocks * p->length * p->inner;
    bool most_only = p->entry->constraint.kind == CONSTRAINT_MAX_NORM;
    double limit = most_only ? p->entry->constraint.limit : 1, factor[BLOCK] = {0};
    (void)worker;
    for (int64_t i = 0; i < p->length; i++)
        for (int64_t j = first; j < end; j++)
            factor[j - first] += (double)at[i * p->inner + j] * (double)at[i * p->inner + j];
    for (int64_t j = first; j < end; j++) {
        double norm = sqrt(factor[j - first]);
        factor[j - first] = norm > limit || (norm > 0 && !most_only) ? limit / norm : 1;
    }
    for (int64_t i = 0; i < p->length; i++)
        for (int64_t j = first; j < end; j++)
            at[i * p->inner + j] = (num)((double)at[i * p->inner + j] * factor[j - first]);
}

void aenc_constraint_apply(const struct entry *entry, num *values, struct pool *pool) {
    struct projection p = {.entry = entry, .values = values, .length = 1, .inner = 1};
    if (entry->constraint.kind == CONSTRAINT_NONE) return;
    if (entry->constraint.kind == CONSTRAINT_NOT_NEGATIVE) {
        aenc_pool_run(pool, (entry->count + CHUNK - 1) / CHUNK, clear_negative, &p);
        return;
    }
    p.length = entry->shape.dim[entry->constraint.axis];
    for (int axis = entry->constraint.axis + 1; axis < entry->shape.rank; axis++) p.inner *= entry->shape.dim[axis];
    p.blocks = (p.inner + BLOCK - 1) / BLOCK;
    aenc_pool_run(pool, entry->count / (p.length * p.inner) * p.blocks, scale_columns, &p);
}
