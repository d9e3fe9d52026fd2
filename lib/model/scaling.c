/* scaling.c - raw numbers in, numbers of one size inside.
 *
 * Each element of the input has a shift and a scale of its own, the states "scaling.shift" and "scaling.scale":
 *
 *     x' = (x - shift) / scale          and back          y = scale y' + shift
 *
 * Tasks scale what comes in (input, target) and undo it in what goes out as output; losses are of scaled numbers.
 *
 *     standard  mean and standard deviation (divided by n)
 *     minmax    minimum and range
 *     robust    median and interquartile range
 *
 * clip limits scaled inputs and targets: to [-clip, clip], for minmax to [0, 1]. The states are learned by the training
 * room or set by the caller; until then model->scaling_known is false. Files say so under SCALING_KEY; of those
 * without it, by older libraries, a scaling that is the identity counts as not known.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "model/model.h"

static const struct setting_rule width_rules[] = {
    {.name = "clip", .kind = SETTING_NUMBER, .fallback = 0, .low = 0, .high = FLT_MAX}, {.name = NULL}};
static const struct setting_rule unit_rules[] = {{.name = "clip", .kind = SETTING_BOOL, .fallback = 0}, {.name = NULL}};

static const char *const names[] = {"standard", "minmax", "robust"}; /* in the order of enum scaling */

enum scaling aenc_scaling_kind(const struct json *spec) {
    for (int kind = 0; kind < SCALING_NONE; kind++)
        if (spec != NULL && strcmp(aenc_settings_type(spec), names[kind]) == 0) return (enum scaling)kind;
    return SCALING_NONE;
}

aenc_status aenc_scaling_check(aenc_context *ctx, struct arena *arena, const struct json *given,
                               const struct loss_type *loss, const struct json **out) {
    *out = given;
    if (given != NULL && given->kind == JSON_TEXT) {
        struct json *parsed;
        aenc_status status = aenc_settings_parse(arena, "scaling", given->text, &parsed);
        *out = parsed;
        if (status != AENC_OK) return status;
    }
    if (*out == NULL) return AENC_OK;
    enum scaling kind = aenc_scaling_kind(*out);
    if (kind == SCALING_NONE)
        return aenc_name_unknown(ctx, "scaling", aenc_settings_type(*out), names, SCALING_NONE, 0);
    aenc_status status = aenc_settings_check(ctx, "scaling", *out, kind == SCALING_MINMAX ? unit_rules : width_rules);
    if (status != AENC_OK || !loss->unit_target) return status;
    if (kind == SCALING_MINMAX && aenc_setting_bool(*out, unit_rules, "clip")) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                     "scaling '%s': loss '%s' takes targets from 0 to 1; minmax:clip=true gives "
                     "them",
                     names[kind], loss->name);
}

struct scaling_limits aenc_scaling_limits(const struct json *spec) {
    double clip = 0;
    enum scaling kind = aenc_scaling_kind(spec);
    if (kind == SCALING_MINMAX && aenc_setting_bool(spec, unit_rules, "clip")) return (struct scaling_limits){0, 1};
    if (kind == SCALING_STANDARD || kind == SCALING_ROBUST) clip = aenc_setting_number(spec, width_rules, "clip");
    return clip > 0 ? (struct scaling_limits){-clip, clip} : (struct scaling_limits){-INFINITY, INFINITY};
}

struct nodes {
    struct node *shift, *scale; /* of the input's shape */
};

static struct nodes states(const struct aenc_model *model, struct site *site) {
    struct tape *tape = site->tape;
    struct store *store = site->store;
    const char *before = aenc_tape_enter(tape, "scaling");
    struct nodes n = {aenc_store_state(store, tape, "shift", model->input, 0),
                      aenc_store_state_within(store, tape, "scale", model->input, 1, RANGE_POSITIVE)};
    aenc_tape_leave(tape, before);
    return n;
}

struct node *aenc_scaling_apply(struct aenc_model *model, struct site *site, struct node *x) {
    if (model->scaling == NULL || x == NULL) return x;
    struct tape *tape = site->tape;
    struct nodes n = states(model, site);
    x = aenc_op_reshape(tape, x, model->input.dim, model->input.rank);
    x = aenc_op_divide(tape, aenc_op_subtract(tape, x, n.shift), n.scale);
    struct scaling_limits limits = aenc_scaling_limits(model->scaling);
    return limits.high < INFINITY ? aenc_op_clamp(tape, x, limits.low, limits.high) : x;
}

/* y in the input's shape for a moment: scale y + shift, or, of logarithms of scales to a power, y + power log scale. */
static struct node *undone(struct aenc_model *model, struct tape *tape, struct nodes n, struct node *y, int power) {
    if (y == NULL) return NULL;
    const struct shape shape = y->shape;
    y = aenc_op_reshape(tape, y, model->input.dim, model->input.rank);
    if (power > 0)
        y = aenc_op_add(tape, y, aenc_op_affine(tape, aenc_op_function(tape, FUNCTION_LOG, 0, n.scale), power, 0));
    else
        y = aenc_op_add(tape, aenc_op_multiply(tape, y, n.scale), n.shift);
    return aenc_op_reshape(tape, y, shape.dim + 1, shape.rank - 1);
}

struct node *aenc_scaling_undo(struct aenc_model *model, struct site *site, struct node *y) {
    int power = model->loss->log_power;
    bool plain = model->output_factor == 1;
    if (model->scaling == NULL || y == NULL || (!plain && power == 0)) return y; /* logits have no units */
    struct tape *tape = site->tape;
    struct nodes n = states(model, site);
    if (plain) return undone(model, tape, n, y, 0);
    int last = y->shape.rank - 1;
    int64_t half = y->shape.dim[last] / 2;
    struct node *parts[] = {undone(model, tape, n, aenc_op_slice(tape, y, last, 0, half), 0),
                            undone(model, tape, n, aenc_op_slice(tape, y, last, half, half), power)};
    return aenc_op_concat(tape, parts, 2, last);
}

struct node *aenc_scaling_undo_target(struct aenc_model *model, struct site *site, struct node *y) {
    if (model->scaling == NULL || model->classes > 0) return y;
    return undone(model, site->tape, states(model, site), y, 0);
}

bool aenc_scaling_identity(const struct aenc_model *model) {
    const num *shift = aenc_store_values(&model->store, aenc_store_find(&model->store, "scaling.shift"));
    const num *scale = aenc_store_values(&model->store, aenc_store_find(&model->store, "scaling.scale"));
    for (int64_t i = 0; i < model->input_size; i++)
        if (shift[i] != 0 || scale[i] != 1) return false;
    return true;
}

bool aenc_scaling_entry(const struct entry *entry) { return strncmp(entry->name, "scaling.", 8) == 0; }

void aenc_scaling_forget(struct aenc_model *model) {
    if (aenc_store_own(&model->store) != AENC_OK) return;
    num *shift = aenc_store_values(&model->store, aenc_store_find(&model->store, "scaling.shift"));
    num *scale = aenc_store_values(&model->store, aenc_store_find(&model->store, "scaling.scale"));
    for (int64_t i = 0; i < model->input_size; i++) {
        shift[i] = 0;
        scale[i] = 1;
    }
    model->scaling_known = false;
}
