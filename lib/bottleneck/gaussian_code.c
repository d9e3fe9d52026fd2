/* gaussian_code.c - the Gaussian code of a variational autoencoder (Kingma & Welling 2014).
 *
 *     q(z | x) = N(mean(x), exp(log_variance(x))), both dense heads on the encoder's output; p(z) = N(0, I)
 *     z = mean + exp(log_variance / 2) e, e standard normal                             (section 2.4)
 *     KL(q | p) = sum_j (mean_j^2 + exp(log_variance_j) - 1 - log_variance_j) / 2       (appendix B), nats per row
 *
 * With covariance=full a third head has the entries L_ij, j < i, of the Cholesky factor, whose diagonal is
 * exp(log_variance / 2): z = mean + L e, and KL has (L_i1^2 + ... + L_i,i-1^2) / 2 more of each element i.
 *
 * Training and scores draw z, one for each row; the code is the mean. Results besides: "mean", "log_variance" (with
 * covariance=full that of the factor's diagonal), "kl", that of each element, and "sample", z.
 *
 * The KL is a term of the objective: with a loss that
 * is a sum over the values of a row (reduction=sum) and is a negative log-likelihood, loss and score are the negative ELBO.
 *
 * What training may put in the place of beta KL, KL_j being the KL of element j and <> a mean over the batch:
 *
 *     free_bits  beta sum_g max(free_bits, <sum_(j in group g) KL_j>)                    (Kingma et al. 2016, appendix C.8)
 *     capacity   beta |<KL> - C|, C rising to capacity                                  (Burgess et al. 2018)
 *     floor      mean_j = sqrt(max(0, 2 floor + 1 + log_variance_j - exp(log_variance_j))) + max(0, head), which keeps
 *                KL_j >= floor                                                          (Razavi et al. 2019)
 *
 * Scores have beta KL itself, with a capacity KL.
 */
#include <math.h>

#include "bottleneck/bottleneck.h"

/* Beyond them the exponential leaves the range of numbers that training can use, and no gradient passes. */
static const double log_variance_low = -30, log_variance_high = 20;
/* Of the mean over the batch, above which an element is active (Burda et al. 2016). */
static const double active_variance = 0.01;

static const struct setting_rule rules[] = {
    {.name = "units", .kind = SETTING_INTEGER, .low = 0, .high = INT32_MAX}, /* 0: as the encoder's output */
    {.name = "covariance", .kind = SETTING_CHOICE, .text_fallback = "diagonal|full"},
    {.name = "beta", .kind = SETTING_NUMBER, .fallback = 1, .low = 0, .high = INFINITY},
    /* epochs in which the weight, or the capacity, rises from 0; as often as `cycles`, with as many epochs between */
    {.name = "warmup", .kind = SETTING_NUMBER, .low = 0, .high = INFINITY},
    {.name = "shape", .kind = SETTING_CHOICE, .text_fallback = "linear|cosine"}, /* enum ramp_shape */
    {.name = "cycles", .kind = SETTING_INTEGER, .fallback = 1, .low = 1, .high = 1000000},
    {.name = "free_bits", .kind = SETTING_NUMBER, .low = 0, .high = INFINITY},
    {.name = "group", .kind = SETTING_INTEGER, .fallback = 1, .low = 1, .high = INT32_MAX},
    {.name = "capacity", .kind = SETTING_NUMBER, .low = 0, .high = INFINITY},
    {.name = "floor", .kind = SETTING_NUMBER, .low = 0, .high = INFINITY},
    {.name = "elements", .kind = SETTING_BOOL}, /* a measure for the KL of each */
    {.name = NULL},
};

static double number(const struct json *spec, const char *name) { return aenc_setting_number(spec, rules, name); }

static aenc_status check(aenc_context *ctx, const struct json *spec) {
    if (number(spec, "free_bits") > 0 && aenc_json_member(spec, "capacity") != NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                         "bottleneck 'gaussian': both free_bits and capacity are given; one of them bounds the KL");
    if (aenc_json_member(spec, "group") != NULL && !(number(spec, "free_bits") > 0))
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "bottleneck 'gaussian': 'group' goes with free_bits");
    return AENC_OK;
}

static struct json *dense_spec(struct arena *arena, int64_t units) {
    struct json *dense = aenc_layer_spec_new(arena, "dense");
    aenc_json_add_number(arena, dense, "units", (double)units);
    return dense;
}

static struct node *head(struct site *site, const char *name, int64_t units, struct node *x) {
    const struct json *spec = dense_spec(&site->tape->arena, units);
    if (site->tape->arena.failed) site->tape->status = AENC_ERR_NO_MEMORY;
    return aenc_layer_record(site, name, spec, x);
}

static struct node *function(struct tape *tape, enum function f, struct node *x) {
    return aenc_op_function(tape, f, 0, x);
}

/* ---- The posterior ---- */

struct posterior {
    struct node *mean, *log_variance; /* (rows, ..., units) */
    struct node *below;               /* L below its diagonal, (rows, ..., units, units); NULL: diagonal */
};

/* L below its diagonal, from a head of all its entries. */
static struct node *below_diagonal(struct site *site, int64_t units, struct node *x) {
    struct tape *tape = site->tape;
    struct node *all = head(site, "factor", units * units, x);
    num *value;
    struct node *mask = aenc_op_constant(tape, (struct shape){2, {units, units}}, &value);
    if (all == NULL || mask == NULL) return NULL;
    for (int64_t i = 0; i < units; i++)
        for (int64_t j = 0; j < i; j++) value[i * units + j] = 1;
    int64_t dims[RANK_MAX] = {0};
    int rank = all->shape.rank;
    for (int i = 0; i < rank - 2; i++) dims[i] = all->shape.dim[i + 1];
    dims[rank - 2] = dims[rank - 1] = units;
    return aenc_op_multiply(tape, aenc_op_reshape(tape, all, dims, rank), mask);
}

/* The mean that keeps KL_j >= floor. The square root begins where its derivative is still a number. */
static struct node *floored(struct tape *tape, double floor, struct node *mean, struct node *log_variance) {
    struct node *room = aenc_op_subtract(tape, log_variance, function(tape, FUNCTION_EXP, log_variance));
    room = aenc_op_clamp(tape, aenc_op_affine(tape, room, 1, 2 * floor + 1), 1e-6, INFINITY);
    return aenc_op_add(tape, function(tape, FUNCTION_SQRT, room), function(tape, FUNCTION_RELU, mean));
}

static struct posterior posterior(struct site *site, const struct json *spec, struct node *x) {
    struct tape *tape = site->tape;
    int64_t units = aenc_setting_integer(spec, rules, "units");
    if (units == 0) units = x->shape.dim[x->shape.rank - 1];
    struct posterior q = {head(site, "mean", units, x), head(site, "log_variance", units, x), NULL};
    q.log_variance = aenc_op_clamp(tape, q.log_variance, log_variance_low, log_variance_high);
    if (number(spec, "floor") > 0) q.mean = floored(tape, number(spec, "floor"), q.mean, q.log_variance);
    bool full = aenc_setting_choice(spec, rules, "covariance") == 1 && units > 1;
    if (!full) return q;
    if (x->shape.rank >= RANK_MAX || units > 4096)
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "bottleneck 'gaussian': covariance=full takes up to 4096 units on %d axes",
                       RANK_MAX - 2);
    else
        q.below = below_diagonal(site, units, x);
    return q;
}

/* z = mean + exp(log_variance / 2) e + (L below its diagonal) e */
static struct node *draw(struct tape *tape, struct posterior q, struct node *e) {
    struct node *deviation = function(tape, FUNCTION_EXP, aenc_op_affine(tape, q.log_variance, 0.5, 0));
    struct node *z = aenc_op_add(tape, q.mean, aenc_op_multiply(tape, deviation, e));
    if (q.below == NULL || e == NULL) return z;
    struct shape column = e->shape;
    column.dim[column.rank++] = 1;
    struct node *rest = aenc_op_reshape(tape, e, column.dim + 1, column.rank - 1);
    rest = aenc_op_matmul(tape, q.below, rest, false, false);
    return aenc_op_add(tape, z, aenc_op_reshape(tape, rest, column.dim + 1, column.rank - 2));
}

/* log p(z) - log q(z | x) = sum_j (e_j^2 + log_variance_j - z_j^2) / 2 */
static struct node *log_ratio(struct tape *tape, struct posterior q, struct node *e, struct node *z) {
    struct node *each = aenc_op_subtract(tape, function(tape, FUNCTION_SQUARE, e), function(tape, FUNCTION_SQUARE, z));
    return aenc_op_affine(tape, aenc_op_row_sum(tape, aenc_op_add(tape, each, q.log_variance)), 0.5, 0);
}

/* KL_j, (rows, units) */
static struct node *divergence(struct tape *tape, struct posterior q) {
    struct node *variance = function(tape, FUNCTION_EXP, q.log_variance);
    struct node *each =
        aenc_op_add(tape, function(tape, FUNCTION_SQUARE, q.mean), aenc_op_subtract(tape, variance, q.log_variance));
    if (q.below != NULL) each = aenc_op_add(tape, each, aenc_op_line_squares(tape, q.below));
    return aenc_op_flatten(tape, aenc_op_affine(tape, each, 0.5, -0.5));
}

/* ---- Terms and measures ---- */

/* Means over the batch, by groups of elements, none below the free bits. */
static struct node *freed(struct tape *tape, const struct json *spec, struct node *each) {
    int64_t group = aenc_setting_integer(spec, rules, "group"), units = each == NULL ? 0 : each->shape.dim[1];
    if (units % group != 0) {
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "bottleneck 'gaussian': groups of %lld do not divide a code of %lld",
                       (long long)group, (long long)units);
        return NULL;
    }
    const int64_t dims[] = {units / group, group};
    struct node *mean = aenc_op_reshape(tape, aenc_op_batch_mean(tape, each), dims, 2);
    mean = aenc_op_reduce(tape, REDUCE_SUM, mean, 1, false);
    return aenc_op_row_sum(tape, aenc_op_clamp(tape, mean, number(spec, "free_bits"), INFINITY));
}

static void measures(struct tape *tape, const struct json *spec, struct node *mean, struct node *each) {
    static const char unused[] =
        "bottleneck 'gaussian': on average less than one element of the code is used; the decoder does without it. A "
        "smaller beta, a warmup or free_bits may help";
    struct node *variance = aenc_op_slice(tape, aenc_op_batch_moments(tape, aenc_op_flatten(tape, mean)), 0, 1, 1);
    struct node *active = aenc_op_step(tape, aenc_op_affine(tape, variance, 1, -active_variance));
    aenc_tape_measure_least(tape, "active_units", aenc_op_row_sum(tape, active), 1, unused);
    for (int64_t i = 0; aenc_setting_bool(spec, rules, "elements") && each != NULL && i < each->shape.dim[1]; i++) {
        const char *name = aenc_arena_format(&tape->arena, "kl.%lld", (long long)i);
        if (name == NULL) tape->status = AENC_ERR_NO_MEMORY;
        aenc_tape_measure(tape, name, aenc_op_row_sum(tape, aenc_op_slice(tape, each, 1, i, 1)));
    }
}

static void terms(struct site *site, const struct json *spec, struct posterior q, struct node *each) {
    struct tape *tape = site->tape;
    struct node *kl = aenc_op_row_sum(tape, each), *term = kl, *rise = NULL;
    double beta = number(spec, "beta"), capacity = number(spec, "capacity");
    bool bounded = aenc_json_member(spec, "capacity") != NULL;
    if (aenc_site_aim(site) != SITE_TRAIN) {
        aenc_tape_objective(tape, "kl", kl, bounded ? 1 : beta, NULL);
        return;
    }
    const struct ramp ramp = {(enum ramp_shape)aenc_setting_choice(spec, rules, "shape"), 0, bounded ? capacity : 1,
                              number(spec, "warmup"), (int)aenc_setting_integer(spec, rules, "cycles")};
    if (bounded || ramp.over > 0) rise = aenc_tape_ramp(tape, aenc_tape_path(tape, "warmup"), ramp);
    if (bounded) {
        term = function(tape, FUNCTION_ABSOLUTE, aenc_op_subtract(tape, aenc_op_batch_mean(tape, kl), rise));
        rise = NULL;
    }
    if (number(spec, "free_bits") > 0) term = freed(tape, spec, each);
    aenc_tape_objective(tape, "kl", term, beta, rise);
    if (term != kl) aenc_tape_measure(tape, "rate", kl);
    measures(tape, spec, q.mean, each);
}

static struct node *record(struct site *site, const struct json *spec, struct node *x) {
    if (x->shape.rank < 2) {
        aenc_tape_fail(site->tape, AENC_ERR_SHAPE, "bottleneck 'gaussian': a row without an axis cannot be multiplied");
        return NULL;
    }
    struct posterior q = posterior(site, spec, x);
    if (q.mean == NULL || q.log_variance == NULL) return NULL;
    bool result = aenc_site_aim(site) == SITE_RESULT;
    struct node *each = divergence(site->tape, q);
    if (!result) terms(site, spec, q, each);
    struct node *e = aenc_op_normal_like(site->tape, "draw", q.mean), *drawn = draw(site->tape, q, e);
    site->log_ratio = log_ratio(site->tape, q, e, drawn);
    aenc_site_result(site, "mean", q.mean);
    aenc_site_result(site, "log_variance", q.log_variance);
    aenc_site_result(site, "kl", each);
    aenc_site_result(site, "sample", drawn);
    return result ? q.mean : drawn;
}

static struct json *layer(struct arena *arena, const struct json *spec) {
    int64_t units = aenc_setting_integer(spec, rules, "units");
    return units == 0 ? aenc_layer_spec_new(arena, "flatten") : dense_spec(arena, units);
}

/* z = temperature e */
static struct node *sample(struct site *site, const struct json *spec, const struct shape *code,
                           struct node *temperature) {
    struct node *e = aenc_op_normal(site->tape, "prior", code->dim, code->rank);
    (void)spec;
    return aenc_op_multiply(site->tape, e, temperature);
}

const struct bottleneck_type aenc_bottleneck_gaussian = {"gaussian", rules, check, record, layer, sample};
