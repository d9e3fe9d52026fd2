/* condition.c - a field beside what the layers see: concatenated to the last axis, classes as one-hot vectors.
 *
 * In encoder and decoder this is the condition of a conditional variational autoencoder (Sohn, Lee & Yan 2015); the
 * description's "condition" puts it there. Where x has more axes than one, every position gets the values.
 */
#include "layer/layer.h"

static const struct setting_rule rules[] = {
    {.name = "field", .kind = SETTING_TEXT, .required = true},
    {.name = NULL},
};

static struct node *record(struct site *site, const struct json *spec, struct node *x) {
    struct tape *tape = site->tape;
    const char *name = aenc_setting_text(spec, rules, "field");
    const struct field_spec *field = aenc_site_field_spec(site, name);
    struct node *value = aenc_site_field(site, name);
    if (value == NULL) return NULL;
    if (x->shape.rank < 2) {
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "layer 'condition': a row without an axis cannot be extended");
        return NULL;
    }
    if (field->rule == FIELD_CLASSES) {
        const int64_t lines[] = {field->size, 1};
        value = aenc_op_one_hot(tape, aenc_op_reshape(tape, value, lines, 2), field->count, 0);
    }
    int axes = x->shape.rank - 1;
    int64_t dims[RANK_MAX];
    for (int i = 0; i + 1 < axes; i++) dims[i] = 1;
    dims[axes - 1] = field->size * (field->rule == FIELD_CLASSES ? field->count : 1);
    value = aenc_op_reshape(tape, value, dims, axes);
    for (int i = 1; i < axes; i++) value = aenc_op_repeat(tape, value, i, x->shape.dim[i]);
    struct node *both[] = {x, value};
    return aenc_op_concat(tape, both, 2, axes);
}

const struct layer_type aenc_layer_condition = {"condition", rules, MIRROR_NOTHING, NULL, record, NULL};
