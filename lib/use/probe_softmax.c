/* probe_softmax.c - softmax regression on standardised codes, to its optimum.
 *
 *   minimise  1/n sum_r -log softmax(W z_r + b)[class_r] + l2/2 |W|^2,   z = (x - mean) / deviation
 *
 * with L-BFGS (Nocedal 1980; Nocedal & Wright, "Numerical optimization", algorithm 7.4) and halved steps until the
 * function falls enough (Armijo). Columns that do not vary are left out of z. Value and gradient come from a tape,
 * block by block of rows, summed in double.
 */
#include <math.h>
#include <string.h>

#include "io/message_text.h"
#include "use/codes.h"

enum { BLOCK = 4096, MEMORY = 10, HALVINGS = 30 };

struct regression {
    aenc_context *ctx;
    int64_t cols, classes, size; /* size: numbers of W (classes, cols) and b (classes) */
    const struct rows *x;
    const int64_t *cls;
    double l2;
    struct tape tape;
    struct plan plan;
    struct run run;
    struct node *logits;
    num *parameter; /* W, b, mean (cols), 1 / deviation (cols) */
    num *gradient;  /* of W, b */
    float *one_hot; /* (classes, classes) */
    double *room;   /* of the solver */
};

/* ---- The tape ---- */

/* (rows, cols), or with rows 0 (cols). */
static struct node *leaf(struct regression *r, const char *name, int64_t rows, int64_t cols, int64_t offset,
                         bool trained) {
    struct shape shape = {rows > 0 ? 2 : 1, {rows > 0 ? rows : cols, rows > 0 ? cols : 0}};
    return aenc_tape_parameter(&r->tape, name, shape, offset, trained);
}

static aenc_status record(struct regression *r, bool training) {
    int64_t weights = r->classes * r->cols, behind = weights + r->classes;
    aenc_tape_create(r->ctx, training ? MODE_TRAIN : MODE_EVALUATE, BLOCK, &r->tape);
    if (!training) r->tape.shard_rows[0] = BLOCK; /* its plan shares memory among values: one shard at a time */
    struct node *x = aenc_tape_input(&r->tape, "input", &r->cols, 1);
    struct node *z = aenc_op_subtract(&r->tape, x, leaf(r, "mean", 0, r->cols, behind, false));
    z = aenc_op_multiply(&r->tape, z, leaf(r, "scale", 0, r->cols, behind + r->cols, false));
    struct node *weight = leaf(r, "weight", r->classes, r->cols, 0, true);
    struct node *bias = leaf(r, "bias", 0, r->classes, weights, true);
    r->logits = aenc_op_dense(&r->tape, z, weight, bias, false, FUNCTION_IDENTITY, 0);
    if (training) {
        struct node *target = aenc_tape_input(&r->tape, "target", &r->classes, 1);
        aenc_tape_term(&r->tape, "loss", aenc_op_softmax_cross_entropy(&r->tape, r->logits, target), 1, NULL);
    } else if (r->logits != NULL) {
        aenc_tape_output(&r->tape, r->logits);
    }
    aenc_status status = r->tape.status;
    if (status == AENC_OK) status = aenc_plan_create(&r->tape, training, &r->plan);
    if (status == AENC_OK) status = aenc_run_create(r->ctx, &r->plan, &r->run);
    r->run.block[SLOT_PARAMETER] = r->parameter;
    r->run.block[SLOT_PARAMETER_GRADIENT] = r->gradient;
    return status;
}

static void forget(struct regression *r) {
    aenc_run_free(r->ctx, &r->run);
    aenc_plan_free(&r->plan);
    aenc_tape_free(&r->tape);
}

static int64_t replay(struct regression *r, const struct rows *x, int64_t first) {
    int64_t rows = x->count - first < BLOCK ? x->count - first : BLOCK;
    r->run.binding[0] = (struct binding){.source = rows_at(x, first), .stride = x->stride};
    r->run.live[0] = rows;
    r->run.weight_total = (double)rows;
    aenc_run_replay(&r->run, r->ctx->pool);
    return rows;
}

/* The function at w and its gradient g. */
static double evaluate(struct regression *r, const double *w, double *g) {
    double loss = 0, count = (double)r->x->count, square = 0;
    for (int64_t i = 0; i < r->size; i++) {
        bool weight = i < r->classes * r->cols;
        r->parameter[i] = (num)w[i];
        square += weight ? w[i] * w[i] : 0;
        g[i] = weight ? r->l2 * w[i] : 0;
    }
    for (int64_t first = 0; first < r->x->count; first += BLOCK) {
        r->run.binding[1] = (struct binding){.source = r->one_hot, .stride = r->classes, .row = r->cls + first};
        (void)replay(r, r->x, first);
        loss += aenc_run_term(&r->run, &r->tape.term[0]);
        for (int64_t i = 0; i < r->size; i++) g[i] += (double)r->gradient[i] / count;
    }
    return loss / count + 0.5 * r->l2 * square;
}

/* ---- The solver ---- */

static double dot(const double *a, const double *b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static void add(double *to, double factor, const double *what, int64_t n) {
    for (int64_t i = 0; i < n; i++) to[i] += factor * what[i];
}

static double largest(const double *v, int64_t n) {
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(v[i]));
    return most;
}

/* The last steps s and changes of the gradient y: pair i in place i % MEMORY. */
struct pairs {
    double *s, *y; /* (MEMORY, n) */
    int64_t count;
};

/* direction = -H g, H the inverse Hessian as the pairs see it. */
static void find_direction(const struct pairs *pairs, const double *g, int64_t n, double *direction) {
    double alpha[MEMORY];
    int64_t oldest = pairs->count > MEMORY ? pairs->count - MEMORY : 0;
    memcpy(direction, g, (size_t)n * sizeof *g);
    for (int64_t i = pairs->count - 1; i >= oldest; i--) {
        const double *s = pairs->s + i % MEMORY * n, *y = pairs->y + i % MEMORY * n;
        alpha[i % MEMORY] = dot(s, direction, n) / dot(s, y, n);
        add(direction, -alpha[i % MEMORY], y, n);
    }
    if (pairs->count > 0) {
        const double *s = pairs->s + (pairs->count - 1) % MEMORY * n, *y = pairs->y + (pairs->count - 1) % MEMORY * n;
        double scale = dot(s, y, n) / dot(y, y, n);
        for (int64_t i = 0; i < n; i++) direction[i] *= scale;
    }
    for (int64_t i = oldest; i < pairs->count; i++) {
        const double *s = pairs->s + i % MEMORY * n, *y = pairs->y + i % MEMORY * n;
        add(direction, alpha[i % MEMORY] - dot(y, direction, n) / dot(s, y, n), s, n);
    }
    for (int64_t i = 0; i < n; i++) direction[i] = -direction[i];
}

/* Until no element of the gradient is above 1e-5, no step helps any more (the gradient's own rounding), or the
 * iterations are used up. */
static aenc_status solve(struct regression *r, int64_t iterations) {
    int64_t n = r->size;
    aenc_status status = AENC_OK;
    double *w = r->room, *g = w + n, *next = g + n, *next_g = next + n, *direction = next_g + n;
    struct pairs pairs = {direction + n, direction + n + MEMORY * n, 0};
    double value = evaluate(r, w, g);
    for (int64_t i = 0; i < iterations && largest(g, n) > 1e-5; i++) {
        find_direction(&pairs, g, n, direction);
        double slope = dot(g, direction, n), length = 1, now = 0;
        bool found = false;
        for (int h = 0; h < HALVINGS && !found; h++, length *= 0.5) {
            status = aenc_cancel_check(r->ctx);
            if (status != AENC_OK) return status;
            memcpy(next, w, (size_t)n * sizeof *w);
            add(next, length, direction, n);
            now = evaluate(r, next, next_g);
            found = now <= value + 1e-4 * length * slope;
        }
        if (!found) break;
        double *s = pairs.s + pairs.count % MEMORY * n, *y = pairs.y + pairs.count % MEMORY * n;
        for (int64_t j = 0; j < n; j++) {
            s[j] = next[j] - w[j];
            y[j] = next_g[j] - g[j];
        }
        pairs.count += dot(s, y, n) > 1e-12 * dot(y, y, n);
        memcpy(w, next, (size_t)n * sizeof *w);
        memcpy(g, next_g, (size_t)n * sizeof *g);
        value = now;
    }
    for (int64_t i = 0; i < n; i++) r->parameter[i] = (num)w[i];
    return AENC_OK;
}

/* ---- Around it ---- */

static void standardise(struct regression *r) {
    num *mean = r->parameter + r->size, *scale = mean + r->cols;
    double count = (double)r->x->count;
    for (int64_t i = 0; i < r->cols; i++) {
        double sum = 0, square = 0;
        for (int64_t k = 0; k < r->x->count; k++) sum += (double)rows_at(r->x, k)[i];
        for (int64_t k = 0; k < r->x->count; k++) {
            double away = (double)rows_at(r->x, k)[i] - sum / count;
            square += away * away;
        }
        double deviation = sqrt(square / count);
        mean[i] = (num)(sum / count);
        scale[i] = deviation > 1e-6 * fabs(sum / count) && (num)(1 / deviation) <= NUM_MAX ? (num)(1 / deviation) : 0;
    }
}

static void answer(struct regression *r, const struct rows *test, int64_t *out) {
    for (int64_t first = 0; first < test->count; first += BLOCK) {
        int64_t rows = replay(r, test, first);
        const num *logit = aenc_value(&r->run, r->logits);
        for (int64_t k = 0; k < rows; k++, logit += r->classes) {
            int64_t best = 0;
            for (int64_t c = 1; c < r->classes; c++)
                if (logit[c] > logit[best]) best = c;
            out[first + k] = best;
        }
    }
}

aenc_status aenc_probe_softmax(aenc_context *ctx, const struct rows *train, const int64_t *cls, int64_t classes,
                               int64_t cols, double l2, int64_t iterations, const struct rows *test, int64_t *out) {
    struct regression r = {.ctx = ctx, .cols = cols, .classes = classes, .x = train, .cls = cls, .l2 = l2};
    size_t size;
    if (!aenc_size_multiply((size_t)classes, (size_t)cols + 1, &size) || size > INT32_MAX)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "probe 'softmax': %lld classes of %lld columns are too many",
                         (long long)classes, (long long)cols);
    r.size = (int64_t)size;
    r.parameter = aenc_alloc(ctx, size + 2 * (size_t)cols, sizeof *r.parameter);
    r.gradient = aenc_alloc(ctx, size, sizeof *r.gradient);
    r.one_hot = aenc_alloc(ctx, (size_t)classes, (size_t)classes * sizeof *r.one_hot);
    r.room = aenc_alloc(ctx, size, (5 + 2 * MEMORY) * sizeof *r.room);
    aenc_status status = AENC_ERR_NO_MEMORY;
    if (r.parameter != NULL && r.gradient != NULL && r.one_hot != NULL && r.room != NULL) {
        for (int64_t c = 0; c < classes; c++) r.one_hot[c * classes + c] = 1;
        standardise(&r);
        status = record(&r, true);
        if (status == AENC_OK) status = solve(&r, iterations);
        forget(&r);
        if (status == AENC_OK) {
            status = record(&r, false);
            if (status == AENC_OK) answer(&r, test, out);
            forget(&r);
        }
    }
    aenc_release(ctx, r.parameter);
    aenc_release(ctx, r.gradient);
    aenc_release(ctx, r.one_hot);
    aenc_release(ctx, r.room);
    return status;
}
