/* gaussian_code.c - the Gaussian code of a variational autoencoder (Kingma & Welling 2014).
 *
 *     q(z | x) = N(mean(x), exp(log_variance(x))), both dense heads on the encoder's output; p(z) = N(0, I)
 *     z = mean + exp(log_variance / 2) e, e standard normal                             (section 2.4)
 *     KL(q | p) = sum_j (mean_j^2 + exp(log_variance_j) - 1 - log_variance_j) / 2       (appendix B), nats per row
 *
 * With prior=FIELD p(z) is N(m, exp(v)), m and v dense heads on that field of the row, classes as one-hot vectors (Sohn, Lee & Yan
 * 2015):
 *
 *     KL = sum_j (v_j - log_variance_j + exp(-v_j) ((mean_j - m_j)^2 + exp(log_variance_j)) - 1) / 2
 *
 * With covariance=full a third head has the entries L_ij, j < i, of the Cholesky factor, whose diagonal is
 * exp(log_variance / 2): z = mean + L e, and KL has (L_i1^2 + ... + L_i,i-1^2) / 2 more of each element i.
 *
 * Training and scores draw z, `samples` for each row; the code is the mean. Results besides: "mean", "log_variance" (with
 * covariance=full that of the factor's diagonal), "kl", that of each element, "sample", z, and "typicality".
 *
 * The KL is a term of the objective: with a loss that is a sum over the values of a row (reduction=sum) and is a negative
 * log-likelihood, loss and score are the negative ELBO, with k samples a mean over k draws.
 *
 * With objective=iwae they are the importance-weighted bound (Burda et al. 2016, equation 8)
 *
 *     -log (1 / k) sum_s w_s,  w_s = p(x | z_s) (p(z_s) / q(z_s | x))^beta
 *
 * as the sum of three terms: reconstruction, the mean over the draws; beta KL; and `importance`, what is then missing, by which
 * the bound is tighter. objective=dreg has the same value, and the encoder's doubly reparameterised gradient (Tucker et al. 2019,
 * equation 8): log q as if its parameters were constant, and what reaches z_s of it times w_s / sum_t w_t.
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
    {.name = "prior", .kind = SETTING_TEXT}, /* the field that it follows from; not given: standard normal */
    {.name = "samples", .kind = SETTING_INTEGER, .fallback = 1, .low = 1, .high = 65536},
    {.name = "objective", .kind = SETTING_CHOICE, .text_fallback = "elbo|iwae|dreg"}, /* enum objective */
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

enum objective { OBJECTIVE_ELBO, OBJECTIVE_IWAE, OBJECTIVE_DREG };

static enum objective objective_of(const struct json *spec) {
    return (enum objective)aenc_setting_choice(spec, rules, "objective");
}

static double number(const struct json *spec, const char *name) { return aenc_setting_number(spec, rules, name); }

static aenc_status check(aenc_context *ctx, const struct json *spec) {
    if (number(spec, "free_bits") > 0 && aenc_json_member(spec, "capacity") != NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                         "bottleneck 'gaussian': both free_bits and capacity are given; one of them bounds the KL");
    if (objective_of(spec) != OBJECTIVE_ELBO && aenc_setting_integer(spec, rules, "samples") == 1)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "bottleneck 'gaussian': importance weights take two samples or more");
    if (objective_of(spec) == OBJECTIVE_DREG && aenc_setting_choice(spec, rules, "covariance") == 1)
        return aenc_fail(ctx, AENC_ERR_UNSUPPORTED,
                         "bottleneck 'gaussian': objective=dreg takes a diagonal covariance; iwae takes a full one");
    if (objective_of(spec) != OBJECTIVE_ELBO &&
        (number(spec, "free_bits") > 0 || aenc_json_member(spec, "capacity") != NULL))
        return aenc_fail(
            ctx, AENC_ERR_ARGUMENT,
            "bottleneck 'gaussian': free_bits and capacity bound a KL that importance weights do not have");
    if (number(spec, "floor") > 0 && aenc_json_member(spec, "prior") != NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "bottleneck 'gaussian': a floor is of the standard prior alone");
    if (aenc_json_member(spec, "group") != NULL && !(number(spec, "free_bits") > 0))
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "bottleneck 'gaussian': 'group' goes with free_bits");
    return AENC_OK;
}

static struct node *head(struct site *site, const char *name, int64_t units, struct node *x) {
    const struct json *spec = aenc_layer_dense_new(&site->tape->arena, units);
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
    struct prior {
        struct node *mean, *log_variance; /* (rows, 1, ..., units); NULL: 0 */
    } prior;
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

/* Of codes of that shape, with rows in front. */
static struct prior prior_record(struct site *site, const struct json *spec, const struct shape *code) {
    struct tape *tape = site->tape;
    struct prior p = {NULL, NULL};
    if (aenc_json_member(spec, "prior") == NULL) return p;
    int64_t dims[RANK_MAX] = {0}, units = code->dim[code->rank - 1];
    for (int i = 0; i + 2 < code->rank; i++) dims[i] = 1;
    dims[code->rank - 2] = units;
    struct node *value = aenc_condition_values(site, aenc_setting_text(spec, rules, "prior"), 0);
    const char *before = aenc_tape_enter(tape, "prior");
    if (value != NULL && tape->status == AENC_OK)
        p = (struct prior){head(site, "mean", units, value), head(site, "log_variance", units, value)};
    aenc_tape_leave(tape, before);
    p.mean = aenc_op_reshape(tape, p.mean, dims, code->rank - 1);
    p.log_variance = aenc_op_clamp(tape, p.log_variance, log_variance_low, log_variance_high);
    p.log_variance = aenc_op_reshape(tape, p.log_variance, dims, code->rank - 1);
    return p;
}

/* z = mean + deviation e */
static struct node *moved(struct tape *tape, struct node *mean, struct node *log_variance, struct node *e) {
    struct node *deviation = function(tape, FUNCTION_EXP, aenc_op_affine(tape, log_variance, 0.5, 0));
    return aenc_op_add(tape, mean, aenc_op_multiply(tape, deviation, e));
}

/* Squares by the variance of the prior: x exp(-v). */
static struct node *by_prior(struct tape *tape, struct prior p, struct node *x) {
    if (p.mean == NULL) return x;
    struct node *inverse = function(tape, FUNCTION_EXP, aenc_op_affine(tape, p.log_variance, -1, 0));
    return aenc_op_multiply(tape, x, inverse);
}

/* x^2, or (x - m)^2 exp(-v) of the prior, to which that is a distance. */
static struct node *distance(struct tape *tape, struct prior p, struct node *x) {
    if (p.mean != NULL) x = aenc_op_subtract(tape, x, p.mean);
    return by_prior(tape, p, function(tape, FUNCTION_SQUARE, x));
}

static struct posterior posterior(struct site *site, const struct json *spec, struct node *x) {
    struct tape *tape = site->tape;
    int64_t units = aenc_setting_integer(spec, rules, "units");
    if (units == 0) units = x->shape.dim[x->shape.rank - 1];
    struct posterior q = {head(site, "mean", units, x), head(site, "log_variance", units, x), NULL, {NULL, NULL}};
    if (q.mean != NULL) q.prior = prior_record(site, spec, &q.mean->shape);
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

/* For k draws of each row. */
static struct posterior spread(struct tape *tape, struct posterior q, int64_t k) {
    return (struct posterior){aenc_op_spread(tape, q.mean, k),
                              aenc_op_spread(tape, q.log_variance, k),
                              aenc_op_spread(tape, q.below, k),
                              {aenc_op_spread(tape, q.prior.mean, k), aenc_op_spread(tape, q.prior.log_variance, k)}};
}

/* (..., units, units) times (..., units) */
static struct node *times(struct tape *tape, struct node *matrix, struct node *e) {
    if (e == NULL) return NULL;
    struct shape column = e->shape;
    column.dim[column.rank++] = 1;
    struct node *y = aenc_op_reshape(tape, e, column.dim + 1, column.rank - 1);
    y = aenc_op_matmul(tape, matrix, y, false, false);
    return aenc_op_reshape(tape, y, column.dim + 1, column.rank - 2);
}

/* z = mean + exp(log_variance / 2) e + (L below its diagonal) e */
static struct node *draw(struct tape *tape, struct posterior q, struct node *e) {
    struct node *z = moved(tape, q.mean, q.log_variance, e);
    return q.below == NULL ? z : aenc_op_add(tape, z, times(tape, q.below, e));
}

/* log variance of q, less that of the prior */
static struct node *log_variances(struct tape *tape, struct posterior q) {
    if (q.prior.mean == NULL) return q.log_variance;
    return aenc_op_subtract(tape, q.log_variance, q.prior.log_variance);
}

/* log p(z) - log q(z | x) = sum_j (e_j^2 + log_variance_j - z_j^2) / 2 */
static struct node *log_ratio(struct tape *tape, struct posterior q, struct node *e, struct node *z) {
    struct node *each = aenc_op_subtract(tape, function(tape, FUNCTION_SQUARE, e), distance(tape, q.prior, z));
    return aenc_op_affine(tape, aenc_op_row_sum(tape, aenc_op_add(tape, each, log_variances(tape, q))), 0.5, 0);
}

/* KL_j, (rows, units) */
static struct node *divergence(struct tape *tape, struct posterior q) {
    struct node *logarithm = log_variances(tape, q), *variance = function(tape, FUNCTION_EXP, logarithm);
    struct node *each = aenc_op_add(tape, distance(tape, q.prior, q.mean), aenc_op_subtract(tape, variance, logarithm));
    if (q.below != NULL) /* the entries of L below its diagonal add to each element's variance */
        each = aenc_op_add(tape, each, by_prior(tape, q.prior, aenc_op_line_squares(tape, q.below)));
    return aenc_op_flatten(tape, aenc_op_affine(tape, each, 0.5, -0.5));
}

/* e again, from z and parameters that are constants: what of log q moves with z alone. */
static struct node *standardised(struct tape *tape, struct posterior q, struct node *z) {
    struct node *half = aenc_op_affine(tape, aenc_op_stop_gradient(tape, q.log_variance), -0.5, 0);
    struct node *moved = aenc_op_subtract(tape, z, aenc_op_stop_gradient(tape, q.mean));
    return aenc_op_multiply(tape, moved, function(tape, FUNCTION_EXP, half));
}

/* |E |z|^2 - d| / sqrt(2 d), of a code z of d elements, standardised by the prior: from what its draws have on average, in
 * their deviations. E z_j^2 is 2 KL_j + 1 + log variance_j, less that of the prior. */
static struct node *typicality(struct tape *tape, struct posterior q, struct node *each) {
    if (each == NULL) return NULL;
    struct node *off =
        aenc_op_add(tape, aenc_op_affine(tape, each, 2, 0), aenc_op_flatten(tape, log_variances(tape, q)));
    off = aenc_op_affine(tape, aenc_op_row_sum(tape, off), 1 / sqrt(2 * (double)each->shape.dim[1]), 0);
    return function(tape, FUNCTION_ABSOLUTE, off);
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

/* What the objective of several draws needs of the recording. */
struct kept {
    struct node *kl, *rise; /* (rows); a step value, or NULL */
    struct node *late;      /* the draws' weights, for the gradient; NULL: it is as it is */
};

static void terms(struct site *site, const struct json *spec, struct posterior q, struct node *each,
                  struct kept *kept) {
    struct tape *tape = site->tape;
    struct node *kl = kept->kl = aenc_op_row_sum(tape, each), *term = kl, *rise = NULL;
    double beta = number(spec, "beta"), capacity = number(spec, "capacity");
    bool bounded = aenc_json_member(spec, "capacity") != NULL;
    if (aenc_site_aim(site) != SITE_TRAIN) {
        aenc_tape_objective(tape, "kl", kl, bounded ? 1 : beta, NULL);
        return;
    }
    const struct ramp ramp = {(enum ramp_shape)aenc_setting_choice(spec, rules, "shape"), 0, bounded ? capacity : 1,
                              number(spec, "warmup"), (int)aenc_setting_integer(spec, rules, "cycles")};
    if (bounded || ramp.over > 0) rise = kept->rise = aenc_tape_ramp(tape, aenc_tape_path(tape, "warmup"), ramp);
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
    struct tape *tape = site->tape;
    struct posterior q = posterior(site, spec, x);
    struct kept *kept = aenc_arena_alloc(&tape->arena, 1, sizeof *kept);
    if (kept == NULL) tape->status = AENC_ERR_NO_MEMORY;
    if (q.mean == NULL || q.log_variance == NULL || kept == NULL) return NULL;
    *kept = (struct kept){0};
    site->kept = kept;
    bool result = aenc_site_aim(site) == SITE_RESULT;
    int64_t k = site->one_draw ? 1 : aenc_setting_integer(spec, rules, "samples");
    struct node *each = divergence(tape, q);
    if (!result) terms(site, spec, q, each, kept);
    struct posterior of_draws = spread(tape, q, k);
    if (of_draws.mean == NULL) return NULL;
    struct node *e = aenc_op_normal_like(tape, "draw", of_draws.mean), *drawn = draw(tape, of_draws, e);
    if (objective_of(spec) == OBJECTIVE_DREG && aenc_site_aim(site) == SITE_TRAIN) {
        kept->late = aenc_op_late(tape, drawn);
        drawn = aenc_op_weigh_gradient(tape, drawn, kept->late);
        e = standardised(tape, of_draws, drawn);
        of_draws.log_variance = aenc_op_stop_gradient(tape, of_draws.log_variance);
    }
    site->log_ratio = log_ratio(tape, of_draws, e, drawn);
    aenc_site_result(site, "mean", q.mean);
    aenc_site_result(site, "log_variance", q.log_variance);
    aenc_site_result(site, "kl", each);
    aenc_site_result(site, "sample", k == 1 ? drawn : aenc_op_unfold(tape, drawn, k));
    aenc_site_result(site, "typicality", typicality(tape, q, each));
    return result ? q.mean : drawn;
}

/* log (1 / k) sum_s exp(x_s), (rows, k) to (rows) */
static struct node *log_mean_exp(struct tape *tape, struct node *x) {
    struct node *most = aenc_op_stop_gradient(tape, aenc_op_reduce(tape, REDUCE_MAXIMUM, x, 1, true));
    struct node *mean = aenc_op_row_mean(tape, function(tape, FUNCTION_EXP, aenc_op_subtract(tape, x, most)));
    return aenc_op_add(tape, function(tape, FUNCTION_LOG, mean), aenc_op_reshape(tape, most, NULL, 0));
}

/* The terms of importance weights. */
static void objective(struct site *site, const struct json *spec, struct node *loss) {
    struct tape *tape = site->tape;
    const struct kept *kept = site->kept;
    int64_t k = tape->factor[loss->space];
    if (objective_of(spec) == OBJECTIVE_ELBO || k == 1) return;
    double beta = number(spec, "beta");
    struct node *ratio = aenc_op_affine(tape, site->log_ratio, beta, 0), *kl = aenc_op_affine(tape, kept->kl, beta, 0);
    if (kept->rise != NULL) ratio = aenc_op_multiply(tape, ratio, kept->rise);
    if (kept->rise != NULL) kl = aenc_op_multiply(tape, kl, kept->rise);
    struct node *weight = aenc_op_unfold(tape, aenc_op_subtract(tape, ratio, loss), k); /* its logarithm */
    struct node *elbo = aenc_op_add(tape, aenc_op_row_mean(tape, aenc_op_unfold(tape, loss, k)), kl);
    aenc_tape_objective(tape, "importance", aenc_op_add(tape, log_mean_exp(tape, weight), elbo), -1, NULL);
    struct node *share = aenc_op_softmax(tape, aenc_op_stop_gradient(tape, weight));
    if (kept->late != NULL) {
        const int64_t dims[] = {k, 1};
        struct node *each = aenc_op_reshape(tape, aenc_op_fold(tape, aenc_op_reshape(tape, share, dims, 2)), NULL, 0);
        share = aenc_op_unfold(tape, aenc_op_late_set(tape, kept->late, each), k);
    }
    aenc_tape_measure(tape, "effective_samples", function(tape, FUNCTION_RECIPROCAL, aenc_op_square_sum(tape, share)));
}

static struct json *layer(struct arena *arena, const struct json *spec) {
    int64_t units = aenc_setting_integer(spec, rules, "units");
    return units == 0 ? aenc_layer_spec_new(arena, "flatten") : aenc_layer_dense_new(arena, units);
}

/* z = temperature e, or m + exp(v / 2) temperature e */
static struct node *sample(struct site *site, const struct json *spec, const struct shape *code,
                           struct node *temperature) {
    struct tape *tape = site->tape;
    struct node *e = aenc_op_multiply(tape, aenc_op_normal(tape, "prior", code->dim, code->rank), temperature);
    struct prior p = e == NULL ? (struct prior){NULL, NULL} : prior_record(site, spec, &e->shape);
    return p.mean == NULL ? e : moved(tape, p.mean, p.log_variance, e);
}

const struct bottleneck_type aenc_bottleneck_gaussian = {
    .name = "gaussian",
    .rules = rules,
    .check = check,
    .record = record,
    .objective = objective,
    .layer = layer,
    .sample = sample,
};
