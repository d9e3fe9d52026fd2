/* loss.c - the list of losses, and what they share. */
#include "loss/loss.h"

#include "base/plugin.h"
#include "io/bytes.h"

static const char *const *const types[] = {
    &aenc_loss_mse.name,           &aenc_loss_mae.name,          &aenc_loss_huber.name,
    &aenc_loss_bce.name,           &aenc_loss_gaussian_nll.name, &aenc_loss_cosine.name,
    &aenc_loss_cross_entropy.name, &aenc_loss_bernoulli.name,    &aenc_loss_continuous_bernoulli.name,
    &aenc_loss_gaussian.name,      &aenc_loss_laplace.name,      &aenc_loss_discretised_logistic.name,
    &aenc_loss_categorical.name,
};
static const struct family family = {"loss", AENC_PLUGIN_LOSS, types, sizeof types / sizeof *types, NULL};

/* Of all. */
static const struct setting_rule common[] = {
    {.name = "reduction", .kind = SETTING_CHOICE, .text_fallback = "mean|sum"},
    {.name = NULL},
};

static bool sums(const struct loss_type *type, const struct json *spec) {
    if (aenc_json_member(spec, "reduction") == NULL) return type->likelihood;
    return aenc_setting_choice(spec, common, "reduction") == 1;
}

static aenc_status reduction_check(aenc_context *ctx, const struct loss_type *type, const struct json *spec) {
    if (!sums(type, spec) || type->each != NULL || type->classes != NULL) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_UNSUPPORTED,
                     "loss '%s' is not a mean over the values of a row: reduction=sum means nothing for it",
                     type->name);
}

bool aenc_loss_is_likelihood(const struct loss_type *loss, const struct json *spec) {
    return (loss->likelihood || loss->likelihood_summed) && sums(loss, spec);
}

const struct loss_type *aenc_loss_type(const aenc_context *ctx, const char *name) {
    return aenc_family_type(ctx, &family, name);
}

const struct loss_type *aenc_loss_find(aenc_context *ctx, const struct json *spec) {
    const struct loss_type *type = aenc_family_find(ctx, &family, aenc_settings_type(spec));
    if (type == NULL) return NULL;
    aenc_status status = aenc_settings_check_both(ctx, "loss", spec, type->rules, common);
    if (status == AENC_OK) status = reduction_check(ctx, type, spec);
    return status == AENC_OK ? type : NULL;
}

/* A recording of the type: record or each. */
typedef struct node *loss_call(struct site *site, const struct json *spec, struct node *output, struct node *target);

static struct node *call(struct site *site, const struct loss_type *type, loss_call *record, const struct json *spec,
                         struct node *output, struct node *target) {
    struct tape *tape = site->tape;
    if (output == NULL || target == NULL || tape->status != AENC_OK) return NULL;
    const void *outer = site->self;
    site->self = type;
    const char *before = aenc_tape_enter(tape, "loss");
    bool sum = sums(type, spec);
    struct node *loss = tape->status != AENC_OK ? NULL
                        : record != NULL        ? record(site, spec, output, target)
                                                : type->each(site, spec, output, target);
    if (record == NULL)
        loss = sum ? aenc_op_row_sum(tape, loss) : aenc_op_row_mean(tape, loss);
    else if (sum)
        loss = aenc_op_affine(tape, loss, (double)aenc_node_row_size(target), 0);
    aenc_tape_leave(tape, before);
    site->self = outer;
    return loss;
}

struct node *aenc_loss_record(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    const struct loss_type *type = aenc_loss_type(site->tape->ctx, aenc_settings_type(spec));
    return call(site, type, type->record, spec, output, target);
}

struct node *aenc_loss_each(struct site *site, const struct json *spec, struct node *output, struct node *target) {
    const struct loss_type *type = aenc_loss_type(site->tape->ctx, aenc_settings_type(spec));
    if (type->each != NULL) return call(site, type, type->each, spec, output, target);
    aenc_tape_fail(site->tape, AENC_ERR_UNSUPPORTED, "loss '%s' does not split into features", type->name);
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

bool aenc_loss_halves(struct tape *tape, const char *loss, struct node *output, const struct node *target,
                      struct node **first, struct node **second) {
    if (output == NULL || target == NULL) return false;
    int last = output->shape.rank - 1;
    int64_t half = output->shape.dim[last] / 2;
    if (last < 1 || 2 * half != output->shape.dim[last]) {
        char text[SHAPE_TEXT];
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "loss '%s': the last axis of output %s is not means and as many scales",
                       loss, aenc_shape_text(output, text));
        return false;
    }
    *first = aenc_loss_fit(tape, loss, aenc_op_slice(tape, output, last, 0, half), target);
    *second = aenc_loss_fit(tape, loss, aenc_op_slice(tape, output, last, half, half), target);
    return *second != NULL;
}
