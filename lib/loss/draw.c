/* draw.c - values drawn from a likelihood: the inverses of distribution functions at uniform u, in double.
 *
 *     laplace               sign(u - 1/2) -log(1 - |2 u - 1|)                    location 0, scale 1
 *     logistic              log(u / (1 - u))                                     likewise
 *     continuous_bernoulli  log(1 + u (e^x - 1)) / x, x the logit; from -|x| and mirrored where x > 0
 *     bin                   the first k with sum_(j <= k) softmax(x)_j >= u
 *     level                 x rounded to one of the levels from 0 to 1
 */
#include <math.h>

#include "loss/loss.h"

struct variate {
    enum loss_variate kind;
    double levels;
};

static double continuous_bernoulli(double x, double u) {
    double s = fabs(x), v = x > 0 ? 1 - u : u, t = s > 0 ? -log1p(v * expm1(-s)) / s : v;
    return x > 0 ? 1 - t : t;
}

static double bin(const num *x, int64_t count, double u) {
    double most = -INFINITY, sum = 0, part = 0;
    for (int64_t j = 0; j < count; j++) most = fmax(most, (double)x[j]);
    for (int64_t j = 0; j < count; j++) sum += exp((double)x[j] - most);
    int64_t k = 0;
    for (part = exp((double)x[0] - most); part < u * sum && k < count - 1; part += exp((double)x[k] - most)) k++;
    return (double)k;
}

static double value(const struct variate *v, const num *x, int64_t count, double u) {
    switch (v->kind) {
    case VARIATE_LAPLACE: return copysign(-log1p(-fabs(2 * u - 1)), u - 0.5);
    case VARIATE_LOGISTIC: return log(u / (1 - u));
    case VARIATE_CONTINUOUS_BERNOULLI: return continuous_bernoulli((double)*x, u);
    case VARIATE_BIN: return bin(x, count, u);
    case VARIATE_LEVEL: return rint(fmin(fmax((double)*x, 0), 1) * (v->levels - 1)) / (v->levels - 1);
    }
    return 0;
}

static int rows_draw(const void *user, const struct custom_rows *rows) {
    const int64_t count = rows->rows * rows->out, each = rows->in[0] / rows->out;
    for (int64_t i = 0; i < count; i++)
        rows->y[i] = (num)value(user, rows->x[0] + i * each, each, (double)rows->x[1][i]);
    return 0;
}

struct node *aenc_loss_variate(struct tape *tape, enum loss_variate kind, double levels, struct node *x,
                               struct node *u) {
    struct node *in[] = {x, u};
    struct variate *v = aenc_arena_alloc(&tape->arena, 1, sizeof *v);
    if (v == NULL) tape->status = AENC_ERR_NO_MEMORY;
    if (v == NULL || x == NULL || u == NULL) return NULL;
    *v = (struct variate){kind, levels};
    const struct custom_op op = {.name = "draw", .user = v, .call = rows_draw};
    return aenc_op_custom(tape, &op, in, 2, u->shape.dim + 1, u->shape.rank - 1);
}

struct node *aenc_loss_draw(struct site *site, const struct json *spec, struct node *output, const struct shape *row) {
    struct tape *tape = site->tape;
    const struct loss_type *type = aenc_loss_type(tape->ctx, aenc_settings_type(spec));
    if (type->draw == NULL)
        aenc_tape_fail(tape, AENC_ERR_UNSUPPORTED, "loss '%s' is no likelihood: no values can be drawn from it",
                       type->name);
    if (output == NULL || tape->status != AENC_OK) return NULL;
    const void *outer = site->self;
    site->self = type;
    const char *before = aenc_tape_enter(tape, "loss");
    struct node *u = aenc_op_uniform(tape, "draw", row->dim, row->rank), *n = NULL;
    if (u != NULL) n = type->draw(site, spec, output, u);
    aenc_tape_leave(tape, before);
    site->self = outer;
    return n;
}
