/* threshold.c - from the scores of normal data to the score above which a row is flagged.
 *
 *     quantile:q=0.95    the share q of the given scores lies below; interpolated
 *     mad:k=3            median + k 1.4826 median |s - median|: k standard deviations, were the scores normal, and
 *                        blind to what less than half of them do (Hampel 1974)
 *     fpr:rate=0.01      the ceil((n + 1) (1 - rate))-th smallest: a further normal row is flagged with a
 *                        probability of at most rate, whatever the distribution and for every n (Vovk et al. 2005),
 *                        as long as it and the n are exchangeable. A quantile of the sample promises that only as n
 *                        grows
 *     pot:risk=1e-3,level=0.98
 *                        peaks over threshold (Siffer et al. 2017, equation 1): with t the quantile `level`, N of n
 *                        scores above it, and shape g and scale s of the generalized Pareto distribution of their
 *                        excesses,
 *                            t + s / g ((risk n / N)^-g - 1),          for g = 0    t - s log(risk n / N)
 *                        which a normal score exceeds with probability risk, however few have
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "io/message_text.h"
#include "io/settings.h"
#include "io/sort.h"
#include "use/use.h"

/* ---- Scores in order ---- */

aenc_status aenc_scores_check(aenc_context *ctx, const float *score, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (score[i] - score[i] != 0)
            return aenc_fail(ctx, AENC_ERR_NONFINITE, "score%s is %s", aenc_at(i).text,
                             aenc_shown_float(score[i]).text);
    return AENC_OK;
}

aenc_status aenc_scores_sort(aenc_context *ctx, const float *score, size_t count, float **out) {
    *out = NULL;
    aenc_status checked = aenc_scores_check(ctx, score, count);
    if (checked != AENC_OK) return checked;
    float *sorted = aenc_alloc_raw(ctx, count, 2 * sizeof *sorted);
    if (sorted == NULL) return AENC_ERR_NO_MEMORY;
    memcpy(sorted, score, count * sizeof *sorted);
    aenc_sort_floats(sorted, count);
    aenc_status status = aenc_cancel_check(ctx);
    if (status == AENC_OK)
        *out = sorted;
    else
        aenc_release(ctx, sorted);
    return status;
}

/* ---- Generalized Pareto ---- */

struct excesses {
    const double *y;
    size_t count;
};

/* mean log(1 + x y): the shape for shape / scale = x. */
static double shape_at(const struct excesses *e, double x) {
    double sum = 0;
    for (size_t i = 0; i < e->count; i++) sum += log1p(x * e->y[i]);
    return sum / (double)e->count;
}

/* Grimshaw's function, 0 where the likelihood has a stationary point: mean 1 / (1 + x y) (1 + shape) - 1. */
static double grimshaw(const struct excesses *e, double x) {
    double sum = 0;
    for (size_t i = 0; i < e->count; i++) sum += 1 / (1 + x * e->y[i]);
    return sum / (double)e->count * (1 + shape_at(e, x)) - 1;
}

/* log likelihood / n at shape / scale = x, given that the shape is its best. */
static double likelihood(const struct excesses *e, double x) {
    double shape = shape_at(e, x);
    return -log(shape / x) - shape - 1;
}

struct best {
    double x, likelihood;
};

/* The root between two arguments of different sign, if it is better than what was found before. */
static void root_take(const struct excesses *e, double a, double b, struct best *best) {
    double low = grimshaw(e, a);
    for (int i = 0; i < 200 && fabs(b - a) > 1e-14 * fabs(a); i++) {
        double middle = a + (b - a) / 2, value = grimshaw(e, middle);
        if ((value < 0) == (low < 0))
            a = middle;
        else
            b = middle;
    }
    double found = likelihood(e, a);
    if (shape_at(e, a) > -1 && found > best->likelihood) *best = (struct best){a, found};
}

/* Grimshaw (1993): the likelihood in two unknowns becomes the roots of a function of x = shape / scale, which lie
 * between -1 / largest and 2 (mean - smallest) / smallest^2, and are looked for on a grid. x = 0, the exponential
 * distribution, is taken where no root is better; also where there is none, because the likelihood has no maximum. */
struct pareto aenc_pareto_fit(const double *excess, size_t count) {
    enum { GRID = 64 };
    struct excesses e = {excess, count};
    double mean = 0, low = excess[0], high = excess[0];
    for (size_t i = 0; i < count; i++) {
        mean += excess[i] / (double)count;
        low = fmin(low, excess[i]);
        high = fmax(high, excess[i]);
    }
    struct best best = {0, -log(mean) - 1};
    double top = fmin(2 * (mean - low) / (low * low), 1e6 / mean), end = -1 / high;
    for (int side = 0; side < 2; side++) {
        double before = 0, sign = 0;
        for (int i = 0; i <= GRID; i++) {
            double share = (double)i / GRID, least = 1e-6 / mean;
            /* downwards ever closer to the end, which is not reached; upwards by equal factors */
            double x = side == 0 ? end * (1 - exp(-1e-6 - 20 * share)) : least * pow(fmax(top / least, 2), share);
            double value = grimshaw(&e, x);
            if (i > 0 && (value < 0) != (sign < 0)) root_take(&e, before, x, &best);
            before = x;
            sign = value;
        }
    }
    if (best.x == 0) return (struct pareto){0, mean};
    double shape = shape_at(&e, best.x);
    return (struct pareto){shape, shape / best.x};
}

/* ---- The ways to a threshold ---- */

static const struct setting_rule quantile_rules[] = {
    {.name = "q", .kind = SETTING_NUMBER, .fallback = 0.95, .low = 0, .high = 1}, {.name = NULL}};
static const struct setting_rule mad_rules[] = {
    {.name = "k", .kind = SETTING_NUMBER, .fallback = 3, .low = 0, .high = INFINITY}, {.name = NULL}};
static const struct setting_rule fpr_rules[] = {
    {.name = "rate", .kind = SETTING_NUMBER, .fallback = 0.01, .low = DBL_MIN, .high = 1 - DBL_EPSILON},
    {.name = NULL}};
static const struct setting_rule pot_rules[] = {
    {.name = "risk", .kind = SETTING_NUMBER, .fallback = 1e-3, .low = DBL_MIN, .high = 1 - DBL_EPSILON},
    {.name = "level", .kind = SETTING_NUMBER, .fallback = 0.98, .low = 0, .high = 1 - DBL_EPSILON},
    {.name = NULL}};

static aenc_status quantile(aenc_context *ctx, const struct json *spec, float *sorted, size_t count, double *out) {
    (void)ctx;
    *out = aenc_sorted_quantile(sorted, count, aenc_setting_number(spec, quantile_rules, "q"));
    return AENC_OK;
}

static aenc_status mad(aenc_context *ctx, const struct json *spec, float *sorted, size_t count, double *out) {
    double median = aenc_sorted_quantile(sorted, count, 0.5);
    for (size_t i = 0; i < count; i++) sorted[i] = (float)fabs((double)sorted[i] - median);
    aenc_sort_floats(sorted, count);
    double spread = 1.4826 * aenc_sorted_quantile(sorted, count, 0.5);
    *out = median + aenc_setting_number(spec, mad_rules, "k") * spread;
    if (spread > 0) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "threshold 'mad': half of the %zu scores are equal, they have no spread",
                     count);
}

/* Less the rounding of the product, which ceil would take for a whole one more. */
static double fpr_rank(const struct json *spec, size_t count) {
    return ceil((double)(count + 1) * (1 - aenc_setting_number(spec, fpr_rules, "rate")) - 1e-9);
}

static aenc_status fpr_check(aenc_context *ctx, const struct json *spec, size_t count) {
    double rate = aenc_setting_number(spec, fpr_rules, "rate");
    if (fpr_rank(spec, count) <= (double)count) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                     "threshold 'fpr': %zu scores cannot tell a rate of %s; at least %s are needed", count,
                     aenc_shown(rate).text, aenc_shown(ceil(1 / rate - 1 - 1e-9)).text);
}

static aenc_status fpr(aenc_context *ctx, const struct json *spec, float *sorted, size_t count, double *out) {
    (void)ctx;
    double rank = fpr_rank(spec, count);
    *out = (double)sorted[rank < 1 ? 0 : (size_t)rank - 1];
    return AENC_OK;
}

enum { PEAKS = 10 }; /* fewer excesses do not determine a tail */

static aenc_status pot_few(aenc_context *ctx, const struct json *spec, size_t peaks, size_t count) {
    return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                     "threshold 'pot': %zu of %zu scores lie above the level of %s, and at least %d that differ are "
                     "needed; give more scores or a lower level",
                     peaks, count, aenc_shown(aenc_setting_number(spec, pot_rules, "level")).text, PEAKS);
}

/* No more than these can lie above the quantile. */
static aenc_status pot_check(aenc_context *ctx, const struct json *spec, size_t count) {
    size_t most = count - 1 - (size_t)(aenc_setting_number(spec, pot_rules, "level") * (double)(count - 1));
    return most >= PEAKS ? AENC_OK : pot_few(ctx, spec, most, count);
}

static aenc_status pot(aenc_context *ctx, const struct json *spec, float *sorted, size_t count, double *out) {
    double risk = aenc_setting_number(spec, pot_rules, "risk"), level = aenc_setting_number(spec, pot_rules, "level");
    double start = aenc_sorted_quantile(sorted, count, level);
    size_t first = 0;
    while (first < count && !((double)sorted[first] > start)) first++;
    size_t peaks = count - first;
    if (peaks < PEAKS || sorted[first] == sorted[count - 1]) return pot_few(ctx, spec, peaks, count);
    double left = risk * (double)count / (double)peaks;
    if (left >= 1)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                         "threshold 'pot': risk %s is not below the share of %s above the level", aenc_shown(risk).text,
                         aenc_shown((double)peaks / (double)count).text);
    double *excess = aenc_alloc_raw(ctx, peaks, sizeof *excess);
    if (excess == NULL) return AENC_ERR_NO_MEMORY;
    for (size_t i = 0; i < peaks; i++) excess[i] = (double)sorted[first + i] - start;
    struct pareto tail = aenc_pareto_fit(excess, peaks);
    aenc_release(ctx, excess);
    aenc_status status = aenc_cancel_check(ctx);
    if (status != AENC_OK) return status;
    *out = start + (fabs(tail.shape) < 1e-9 ? -tail.scale * log(left)
                                            : tail.scale / tail.shape * expm1(-tail.shape * log(left)));
    return AENC_OK;
}

static const struct way {
    const char *name;
    const struct setting_rule *rules;
    aenc_status (*check)(aenc_context *ctx, const struct json *spec,
                         size_t count); /* of the count alone; NULL: any will do */
    aenc_status (*find)(aenc_context *ctx, const struct json *spec, float *sorted, size_t count, double *out);
} ways[] = {{"quantile", quantile_rules, NULL, quantile},
            {"mad", mad_rules, NULL, mad},
            {"pot", pot_rules, pot_check, pot},
            {"fpr", fpr_rules, fpr_check, fpr}};
enum { WAYS = sizeof ways / sizeof *ways };

/* The way that a spec names, its settings checked and possible with so many scores. */
static aenc_status way_choose(aenc_context *ctx, const struct json *spec, size_t count, const struct way **out) {
    const char *known[WAYS], *name = aenc_settings_type(spec);
    for (size_t i = 0; i < WAYS; i++) {
        known[i] = ways[i].name;
        if (strcmp(name, known[i]) != 0) continue;
        *out = &ways[i];
        aenc_status status = aenc_settings_check(ctx, "threshold", spec, ways[i].rules);
        if (status == AENC_OK && count < 2)
            status = aenc_fail(ctx, AENC_ERR_ARGUMENT, "threshold '%s': %zu scores are too few", name, count);
        return status == AENC_OK && ways[i].check != NULL ? ways[i].check(ctx, spec, count) : status;
    }
    return aenc_name_unknown(ctx, "threshold", name, known, WAYS, 0);
}

aenc_status aenc_threshold_check(aenc_context *ctx, const char *spec, size_t count) {
    struct arena arena;
    struct json *parsed;
    const struct way *way;
    aenc_arena_create(ctx, &arena);
    aenc_status status = aenc_settings_parse(&arena, "threshold", spec, &parsed);
    if (status == AENC_OK) status = way_choose(ctx, parsed, count, &way);
    aenc_arena_free(&arena);
    return status;
}

aenc_status aenc_threshold_find(aenc_context *ctx, const char *spec, const float *score, size_t count, double *out) {
    struct arena arena;
    struct json *parsed;
    const struct way *way;
    float *sorted = NULL;
    double found = 0;
    aenc_arena_create(ctx, &arena);
    aenc_status status = aenc_settings_parse(&arena, "threshold", spec, &parsed);
    if (status == AENC_OK) status = way_choose(ctx, parsed, count, &way);
    if (status == AENC_OK) status = aenc_scores_sort(ctx, score, count, &sorted);
    if (status == AENC_OK && sorted[0] == sorted[count - 1])
        status = aenc_fail(ctx, AENC_ERR_ARGUMENT, "threshold '%s': all %zu scores are %s", way->name, count,
                           aenc_shown_float(sorted[0]).text);
    if (status == AENC_OK) status = way->find(ctx, parsed, sorted, count, &found);
    if (status == AENC_OK && found - found != 0)
        status = aenc_fail(ctx, AENC_ERR_ARGUMENT, "threshold '%s': of these scores it is %s", way->name,
                           aenc_shown(found).text);
    if (status == AENC_OK) *out = found;
    aenc_release(ctx, sorted);
    aenc_arena_free(&arena);
    return status;
}
