/* gaussian_code.c - the Gaussian code of a variational autoencoder (Kingma & Welling 2014).
 *
 *     q(z | x) = N(mean(x), exp(log_variance(x))), both dense heads on the encoder's output; p(z) = N(0, I)
 *     z = mean + exp(log_variance / 2) e, e standard normal                             (section 2.4)
 *     KL(q | p) = sum_j (mean_j^2 + exp(log_variance_j) - 1 - log_variance_j) / 2       (appendix B), nats per row
 *
 * Training and scores draw z, one for each row; the code is the mean. Results besides: "mean", "log_variance", and "sample", z. The KL is a term of the objective: with a loss that
 * is a sum over the values of a row (reduction=sum) and is a negative log-likelihood, loss and score are the negative ELBO.
 */
#include <math.h>

#include "bottleneck/bottleneck.h"

/* Beyond them the exponential leaves the range of numbers that training can use, and no gradient passes. */
static const double log_variance_low = -30, log_variance_high = 20;

static const struct setting_rule rules[] = {
    {.name = "units", .kind = SETTING_INTEGER, .low = 0, .high = INT32_MAX}, /* 0: as the encoder's output */
    {.name = "weight", .kind = SETTING_NUMBER, .fallback = 1, .low = 0, .high = INFINITY},
    {.name = "warmup",
     .kind = SETTING_NUMBER,
     .low = 0,
     .high = INFINITY}, /* epochs in which the weight rises from 0 */
    {.name = NULL},
};

static struct json *dense_spec(struct arena *arena, int64_t units) {
    struct json *dense = aenc_layer_spec_new(arena, "dense");
    aenc_json_add_number(arena, dense, "units", (double)units);
    return dense;
}

static void kl_record(struct site *site, const struct json *spec, struct node *mean, struct node *log_variance) {
    struct tape *tape = site->tape;
    struct node *square = aenc_op_function(tape, FUNCTION_SQUARE, 0, mean);
    struct node *variance = aenc_op_function(tape, FUNCTION_EXP, 0, log_variance);
    struct node *each = aenc_op_add(tape, square, aenc_op_subtract(tape, variance, log_variance));
    struct node *kl = aenc_op_row_sum(tape, aenc_op_affine(tape, each, 0.5, -0.5));
    double warmup = aenc_setting_number(spec, rules, "warmup");
    struct node *rise = NULL;
    if (warmup > 0 && site->aim == SITE_TRAIN)
        rise = aenc_tape_ramp(tape, aenc_tape_path(tape, "warmup"), (struct ramp){RAMP_LINEAR, 0, 1, warmup});
    aenc_tape_objective(tape, "kl", kl, aenc_setting_number(spec, rules, "weight"), rise);
}

static struct node *record(struct site *site, const struct json *spec, struct node *x) {
    struct tape *tape = site->tape;
    if (x->shape.rank < 2) {
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "bottleneck 'gaussian': a row without an axis cannot be multiplied");
        return NULL;
    }
    int64_t units = aenc_setting_integer(spec, rules, "units");
    if (units == 0) units = x->shape.dim[x->shape.rank - 1];
    const struct json *head = dense_spec(&tape->arena, units);
    if (tape->arena.failed) tape->status = AENC_ERR_NO_MEMORY;
    struct node *mean = aenc_layer_record(site, "mean", head, x);
    struct node *log_variance = aenc_layer_record(site, "log_variance", head, x);
    log_variance = aenc_op_clamp(tape, log_variance, log_variance_low, log_variance_high);
    if (mean == NULL || log_variance == NULL) return NULL;
    bool result = aenc_site_aim(site) == SITE_RESULT;
    if (!result) kl_record(site, spec, mean, log_variance);
    struct node *deviation = aenc_op_function(tape, FUNCTION_EXP, 0, aenc_op_affine(tape, log_variance, 0.5, 0));
    struct node *draw = aenc_op_normal(tape, "draw", mean->shape.dim + 1, mean->shape.rank - 1);
    struct node *sample = aenc_op_add(tape, mean, aenc_op_multiply(tape, deviation, draw));
    aenc_site_result(site, "mean", mean);
    aenc_site_result(site, "log_variance", log_variance);
    aenc_site_result(site, "sample", sample);
    return result ? mean : sample;
}

static struct json *layer(struct arena *arena, const struct json *spec) {
    int64_t units = aenc_setting_integer(spec, rules, "units");
    return units == 0 ? aenc_layer_spec_new(arena, "flatten") : dense_spec(arena, units);
}

/* z = temperature e */
static struct node *sample(struct site *site, const struct json *spec, const struct shape *code,
                           struct node *temperature) {
    struct node *draw = aenc_op_normal(site->tape, "prior", code->dim, code->rank);
    (void)spec;
    return aenc_op_multiply(site->tape, draw, temperature);
}

const struct bottleneck_type aenc_bottleneck_gaussian = {"gaussian", rules, NULL, record, layer, sample};
