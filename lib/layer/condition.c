/* condition.c - a field beside what the layers see: concatenated to the last axis, classes as one-hot vectors.
 *
 * In encoder and decoder this is the condition of a conditional variational autoencoder (Sohn, Lee & Yan 2015); the
 * description's "condition" puts it there. Where x has more axes than one, every position gets the values. With `units` it is
 * their product with a weight (units, values): of classes, a learned vector for each.
 */
#include "layer/layer.h"

static const struct setting_rule rules[] = {
    {.name = "field", .kind = SETTING_TEXT, .required = true},
    {.name = "units",
     .kind = SETTING_INTEGER,
     .low = 0,
     .high = INT32_MAX}, /* of an embedding; 0: the values themselves */
    {.name = NULL},
};

struct node *aenc_condition_values(struct site *site, const char *name, int64_t units) {
    struct tape *tape = site->tape;
    const struct field_spec *field = aenc_site_field_spec(site, name);
    struct node *value = aenc_site_field(site, name);
    if (value == NULL) return NULL;
    int64_t size = field->size * (field->rule == FIELD_CLASSES ? field->count : 1);
    if (field->rule == FIELD_CLASSES) {
        const int64_t lines[] = {field->size, 1};
        value = aenc_op_one_hot(tape, aenc_op_reshape(tape, value, lines, 2), field->count, 0);
    }
    value = aenc_op_reshape(tape, value, &size, 1);
    if (units == 0) return value;
    struct json *dense = aenc_layer_dense_new(&tape->arena, units);
    aenc_json_add_bool(&tape->arena, dense, "bias", false);
    if (tape->arena.failed) tape->status = AENC_ERR_NO_MEMORY;
    return aenc_layer_record(site, "embedding", dense, value);
}

static struct node *record(struct site *site, const struct json *spec, struct node *x) {
    struct tape *tape = site->tape;
    if (x->shape.rank < 2) {
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "layer 'condition': a row without an axis cannot be extended");
        return NULL;
    }
    const char *name = aenc_setting_text(spec, rules, "field");
    struct node *value = aenc_condition_values(site, name, aenc_setting_integer(spec, rules, "units"));
    if (value == NULL) return NULL;
    int axes = x->shape.rank - 1;
    int64_t dims[RANK_MAX];
    for (int i = 0; i + 1 < axes; i++) dims[i] = 1;
    dims[axes - 1] = value->shape.dim[1];
    value = aenc_op_reshape(tape, value, dims, axes);
    for (int i = 1; i < axes; i++) value = aenc_op_repeat(tape, value, i, x->shape.dim[i]);
    struct node *both[] = {x, value};
    return aenc_op_concat(tape, both, 2, axes);
}

const struct layer_type aenc_layer_condition = {"condition", rules, MIRROR_NOTHING, NULL, record, NULL};
