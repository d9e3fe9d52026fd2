/* dense.c - y = f(x W^T + b) over the last axis of x, W (units, in); tied to another dense layer whose weight is V (in,
 * units), y = f(x V + b): one weight with two uses, whose gradients add up. Only the bias is the tied layer's own.
 *
 * Weights start as torch.nn.Linear's unless the spec says otherwise; so do biases, which start at zero when an init is
 * given.
 */

#include "io/bytes.h"
#include "layer/layer.h"

static const struct setting_rule rules[] = {
    {.name = "units", .kind = SETTING_INTEGER, .required = true, .low = 1, .high = 2147483647},
    {.name = "bias", .kind = SETTING_BOOL, .fallback = 1},
    {.name = "activation", .kind = SETTING_TEXT, .text_fallback = "identity"},
    {.name = "init", .kind = SETTING_TEXT, .text_fallback = NULL},
    {.name = "tied", .kind = SETTING_TEXT, .text_fallback = NULL},
    {.name = "constraint", .kind = SETTING_TEXT, .text_fallback = "none"}, /* of the weight */
    {.name = NULL},
};

static aenc_status check(aenc_context *ctx, const struct json *spec) {
    enum function function;
    double slope;
    struct init init;
    if (!aenc_activation_find(ctx, aenc_setting_text(spec, rules, "activation"), &function, &slope)) return ctx->status;
    struct constraint constraint;
    const char *text = aenc_setting_text(spec, rules, "init");
    aenc_status status = text == NULL ? AENC_OK : aenc_init_parse(ctx, text, &init);
    return status != AENC_OK ? status
                             : aenc_constraint_parse(ctx, aenc_setting_text(spec, rules, "constraint"), &constraint);
}

/* How weight and bias start. */
static aenc_status starts(aenc_context *ctx, const struct json *spec, struct init *weight, struct init *bias) {
    const char *text = aenc_setting_text(spec, rules, "init");
    if (text == NULL) return AENC_OK;
    aenc_status status = aenc_init_parse(ctx, text, weight);
    if (weight->kind != INIT_TORCH) *bias = (struct init){.kind = INIT_CONSTANT};
    return status;
}

/* The weight of the layer `name`, which has been recorded before, for a product (in) to (units). */
static struct node *tied_weight(struct site *site, const char *name, int64_t units, int64_t in) {
    struct tape *tape = site->tape;
    const char *path = aenc_arena_format(&tape->arena, "%s.weight", name);
    const struct entry *entry = path == NULL ? NULL : aenc_store_find(site->store, path);
    if (path == NULL)
        tape->status = AENC_ERR_NO_MEMORY;
    else if (entry == NULL || entry->kind != ENTRY_PARAMETER || entry->shape.rank != 2)
        aenc_tape_fail(tape, AENC_ERR_ARGUMENT,
                       "layer 'dense': setting 'tied' names '%s', and no dense layer of that name "
                       "comes before",
                       aenc_quoted(name).text);
    else if (entry->shape.dim[0] != in || entry->shape.dim[1] != units)
        aenc_tape_fail(tape, AENC_ERR_SHAPE,
                       "layer 'dense': '%s' turns %lld numbers into %lld; tied to it this layer turns "
                       "%lld into %lld, and cannot turn %lld into %lld",
                       path, (long long)entry->shape.dim[1], (long long)entry->shape.dim[0],
                       (long long)entry->shape.dim[0], (long long)entry->shape.dim[1], (long long)in, (long long)units);
    if (tape->status != AENC_OK) return NULL;
    const char *before = tape->scope;
    tape->scope = name;
    struct node *weight = aenc_store_parameter(site->store, tape, "weight", entry->shape, entry->init, entry->decays);
    tape->scope = before;
    return weight;
}

static struct node *record(struct site *site, const struct json *spec, struct node *x) {
    struct tape *tape = site->tape;
    if (x->shape.rank < 2) {
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "layer 'dense': a row without an axis cannot be multiplied");
        return NULL;
    }
    enum function function;
    double slope;
    int64_t units = aenc_setting_integer(spec, rules, "units"), in = x->shape.dim[x->shape.rank - 1];
    struct shape weight_shape = {2, {units, in}}, bias_shape = {1, {units}};
    struct init weight_init = {INIT_TORCH, 1, in, units}, bias_init = weight_init;
    tape->status = starts(tape->ctx, spec, &weight_init, &bias_init);
    if (!aenc_activation_find(tape->ctx, aenc_setting_text(spec, rules, "activation"), &function, &slope))
        tape->status = tape->ctx->status;
    const char *tied = aenc_setting_text(spec, rules, "tied");
    struct node *weight = tied != NULL
                              ? tied_weight(site, tied, units, in)
                              : aenc_store_parameter(site->store, tape, "weight", weight_shape, weight_init, true);
    struct constraint constraint;
    if (tape->status == AENC_OK)
        tape->status = aenc_constraint_parse(tape->ctx, aenc_setting_text(spec, rules, "constraint"), &constraint);
    if (tape->status == AENC_OK && constraint.kind != CONSTRAINT_NONE)
        weight = aenc_store_constrain(site->store, tape, weight, &constraint);
    struct node *bias = NULL;
    if (aenc_setting_bool(spec, rules, "bias"))
        bias = aenc_store_parameter(site->store, tape, "bias", bias_shape, bias_init, false);
    return tape->status != AENC_OK ? NULL : aenc_op_dense(tape, x, weight, bias, tied != NULL, function, slope);
}

/* Back to the last axis of what went in, with the same settings otherwise. */
static struct json *mirror(aenc_context *ctx, struct arena *arena, const struct json *spec, const struct shape *in) {
    (void)ctx;
    struct json *dense = aenc_layer_dense_new(arena, in->dim[in->rank - 1]);
    static const char *const same[] = {"bias", "init", "constraint"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        const struct json *member = aenc_json_member(spec, same[i]);
        if (member != NULL) aenc_json_add_copy(arena, dense, same[i], member);
    }
    return dense;
}

const struct layer_type aenc_layer_dense = {"dense", rules, MIRROR_BLOCK, check, record, mirror};
