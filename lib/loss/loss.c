/* loss.c - the list of losses, and what they share. */
#include "loss/loss.h"

#include <inttypes.h>
#include <string.h>

#include "base/plugin.h"

static const struct loss_type *const types[] = {
    &aenc_loss_mse,          &aenc_loss_mae,    &aenc_loss_huber,         &aenc_loss_bce,
    &aenc_loss_gaussian_nll, &aenc_loss_cosine, &aenc_loss_cross_entropy,
};
enum { TYPE_COUNT = sizeof types / sizeof *types };

const struct loss_type *aenc_loss_type(const aenc_context *ctx, const char *name) {
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (strcmp(types[i]->name, name) == 0) return types[i];
    return aenc_plugin_type(ctx, AENC_PLUGIN_LOSS, name);
}

const struct loss_type *aenc_loss_find(aenc_context *ctx, const struct json *spec) {
    const char *name = aenc_settings_type(spec);
    const struct loss_type *type = aenc_loss_type(ctx, name);
    if (type != NULL) return aenc_settings_check(ctx, "loss", spec, type->rules) == AENC_OK ? type : NULL;
    const char *known[TYPE_COUNT];
    for (size_t i = 0; i < TYPE_COUNT; i++) known[i] = types[i]->name;
    aenc_name_unknown(ctx, "loss", name, known, TYPE_COUNT, AENC_PLUGIN_LOSS);
    return NULL;
}

struct node *aenc_loss_fit(struct tape *tape, const char *loss, struct node *x, const struct node *like) {
    if (x == NULL || like == NULL || x->kind != NODE_ROW || like->kind != NODE_ROW) return NULL;
    if (aenc_shape_equal(&x->shape, &like->shape)) return x;
    if (aenc_node_row_size(x) == aenc_node_row_size(like))
        return aenc_op_reshape(tape, x, like->shape.dim + 1, like->shape.rank - 1);
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    aenc_tape_fail(tape, AENC_ERR_SHAPE, "loss '%s': output %s and target %s have rows of different sizes", loss,
                   aenc_shape_text(x, a), aenc_shape_text(like, b));
    return NULL;
}
