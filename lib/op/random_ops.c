/* random_ops.c - nodes that draw: normals, uniforms, dropout, replaced elements.
 *
 * A draw belongs to (seed, the node's name path, step, turn, row in the whole batch, element); see base/random.h. What
 * was drawn is therefore not stored but drawn again where backward needs it.
 */
#include <string.h>

#include "io/message_text.h"
#include "op/family.h"

enum { CHUNK = 512 }; /* elements drawn at a time; half of it is a multiple of AENC_PHILOX_WORDS */

/* Gives a node that draws its name and with it its stream. */
static struct node *named(struct tape *tape, struct node *n, const char *name) {
    if (n == NULL) return NULL;
    n->name = aenc_tape_path(tape, name);
    n->stream = aenc_random_stream(n->name);
    return tape->status == AENC_OK ? n : NULL;
}

/* The words of elements first .. first + count - 1 of the draw, and as many more as fill the last group; first is a
 * multiple of AENC_PHILOX_WORDS. */
static void bits_draw(const struct draw *draw, int64_t first, uint32_t *bits, int64_t count, const struct run *run) {
    uint32_t key[2], counter[4];
    aenc_random_place(draw, (uint64_t)first, key, counter);
    run->kernels->random->philox(bits, key, counter, (count + AENC_PHILOX_WORDS - 1) / AENC_PHILOX_WORDS);
}

/* y += scale e, e standard normal: the node's draws for batch row r. */
static void normals_add(const struct node *n, int64_t r, num *y, num scale, const struct run *run) {
    const struct random_kernels *kernels = run->kernels->random;
    int64_t size = aenc_node_row_size(n);
    struct draw draw = aenc_node_draw(run, n, r);
    uint32_t bits[CHUNK];
    for (int64_t first = 0; first < size; first += CHUNK) {
        int64_t length = size - first < CHUNK ? size - first : CHUNK, rest = length % AENC_NORMALS,
                whole = length - rest;
        num last[AENC_NORMALS] = {0};
        bits_draw(&draw, first, bits, length, run);
        kernels->normals(y + first, bits, scale, whole);
        if (rest > 0) kernels->normals(last, bits + whole, scale, AENC_NORMALS);
        for (int64_t i = 0; i < rest; i++) y[first + whole + i] += last[i];
    }
}

/* ---- Noise: (rows, dims) of independent numbers ---- */

struct noise {
    struct shape shape;
    int space;
    bool once; /* the same in every turn */
};

static aenc_status noise_infer(struct tape *tape, struct node *n) {
    (void)tape;
    const struct noise *noise = n->attr;
    n->kind = NODE_ROW;
    n->space = noise->space;
    n->shape = noise->shape;
    return AENC_OK;
}

static void normal_forward(const struct node *n, struct span rows, const struct run *run) {
    int64_t size = aenc_node_row_size(n);
    num *y = aenc_value(run, n) + rows.lo * size;
    memset(y, 0, (size_t)((rows.hi - rows.lo) * size) * sizeof *y);
    for (int64_t r = rows.lo; r < rows.hi; r++, y += size) normals_add(n, r, y, 1, run);
}

static void uniform_forward(const struct node *n, struct span rows, const struct run *run) {
    int64_t size = aenc_node_row_size(n);
    num *y = aenc_value(run, n) + rows.lo * size;
    uint32_t bits[CHUNK];
    for (int64_t r = rows.lo; r < rows.hi; r++, y += size) {
        struct draw draw = aenc_node_draw(run, n, r);
        if (((const struct noise *)n->attr)->once) draw.turn = 0;
        for (int64_t first = 0; first < size; first += CHUNK) {
            int64_t length = size - first < CHUNK ? size - first : CHUNK;
            bits_draw(&draw, first, bits, length, run);
            run->kernels->random->uniforms(y + first, bits, length);
        }
    }
}

static void noise_describe(const struct node *n, struct description *to) {
    const struct noise *noise = n->attr;
    aenc_describe_whole(to, "dims", noise->shape.dim + 1, noise->shape.rank - 1);
    aenc_describe_number(to, "space", noise->space);
    aenc_describe_flag(to, "once", noise->once);
}

static const struct op normal_op = {
    .name = "normal", .arity = 0, .infer = noise_infer, .forward = normal_forward, .describe = noise_describe};
static const struct op uniform_op = {
    .name = "uniform", .arity = 0, .infer = noise_infer, .forward = uniform_forward, .describe = noise_describe};

static struct node *noise_record(struct tape *tape, const struct op *op, const char *name, const int64_t *dims,
                                 int rank) {
    if (rank < 0 || rank >= RANK_MAX) {
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "op '%s': a row may have 0 to %d axes, not %d", op->name, RANK_MAX - 1,
                       rank);
        return NULL;
    }
    struct noise noise = {{rank + 1, {tape->capacity[0]}}, 0, false};
    for (int i = 0; i < rank; i++) noise.shape.dim[i + 1] = dims[i];
    return named(tape, aenc_tape_record(tape, op, NULL, 0, &noise, sizeof noise), name);
}

static struct node *noise_like(struct tape *tape, const struct op *op, const char *name, const struct node *x,
                               bool once) {
    char text[SHAPE_TEXT];
    if (x == NULL) return NULL;
    if (x->kind != NODE_ROW)
        aenc_tape_fail(tape, AENC_ERR_SHAPE, "op '%s': x of shape %s has no rows", op->name, aenc_shape_text(x, text));
    struct noise noise = {x->shape, x->space, once};
    return named(tape, aenc_tape_record(tape, op, NULL, 0, &noise, sizeof noise), name);
}

struct node *aenc_op_normal_like(struct tape *tape, const char *name, const struct node *x) {
    return noise_like(tape, &normal_op, name, x, false);
}

struct node *aenc_op_uniform_once(struct tape *tape, const char *name, const struct node *x) {
    return noise_like(tape, &uniform_op, name, x, true);
}

struct node *aenc_op_normal(struct tape *tape, const char *name, const int64_t *dims, int rank) {
    return noise_record(tape, &normal_op, name, dims, rank);
}

struct node *aenc_op_uniform(struct tape *tape, const char *name, const int64_t *dims, int rank) {
    return noise_record(tape, &uniform_op, name, dims, rank);
}

/* ---- Dropout: y = x m / (1 - rate), m 0 with probability rate and 1 otherwise; dx = dy m / (1 - rate) ---- */

struct dropout {
    double rate;
};

static aenc_status dropout_infer(struct tape *tape, struct node *n) {
    const struct dropout *dropout = n->attr;
    char text[SHAPE_TEXT];
    if (!(dropout->rate >= 0 && dropout->rate < 1))
        return aenc_tape_fail(tape, AENC_ERR_ARGUMENT, "op 'dropout': rate %s is not in [0, 1)",
                              aenc_shown(dropout->rate).text);
    if (n->in[0]->kind != NODE_ROW)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'dropout': x of shape %s has no rows",
                              aenc_shape_text(n->in[0], text));
    return aenc_op_infer_like(n, n->in[0]);
}

/* to (=, +=) from m / (1 - rate), for batch row r */
static void mask_row(const struct node *n, int64_t r, num *restrict to, const num *restrict from, bool add,
                     const struct run *run) {
    const struct dropout *dropout = n->attr;
    int64_t size = aenc_node_row_size(n);
    uint32_t bits[CHUNK], threshold = (uint32_t)(dropout->rate * 4294967296.0);
    num scale = (num)(1 / (1 - dropout->rate));
    struct draw draw = aenc_node_draw(run, n, r);
    for (int64_t first = 0; first < size; first += CHUNK) {
        int64_t length = size - first < CHUNK ? size - first : CHUNK;
        bits_draw(&draw, first, bits, length, run);
        for (int64_t i = 0; i < length; i++) {
            num kept = bits[i] >= threshold ? from[first + i] * scale : 0;
            to[first + i] = (add ? to[first + i] : 0) + kept;
        }
    }
}

static void dropout_forward(const struct node *n, struct span rows, const struct run *run) {
    int64_t size = aenc_node_row_size(n);
    const num *x = aenc_value(run, n->in[0]);
    num *y = aenc_value(run, n);
    for (int64_t r = rows.lo; r < rows.hi; r++) mask_row(n, r, y + r * size, x + r * size, false, run);
}

static void dropout_gradient(const struct node *n, int operand, struct span rows, num *dx, bool add,
                             const struct run *run) {
    (void)operand;
    int64_t size = aenc_node_row_size(n);
    const num *gradient = aenc_gradient(run, n);
    for (int64_t r = rows.lo; r < rows.hi; r++, dx += size) mask_row(n, r, dx, gradient + r * size, add, run);
}

/* t m / (1 - rate): the same draws, of ones. */
static struct node *dropout_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    struct node *one = aenc_op_affine(tape, aenc_op_stop_gradient(tape, n->in[0]), 0, 1);
    struct node *mask = aenc_tape_record(tape, n->op, &one, 1, n->attr, sizeof(struct dropout));
    if (mask == NULL) return NULL;
    mask->name = n->name;
    mask->stream = n->stream;
    return aenc_op_multiply(tape, mask, tangents[0]);
}

static void dropout_describe(const struct node *n, struct description *to) {
    const struct dropout *dropout = n->attr;
    aenc_describe_number(to, "rate", dropout->rate);
}

static const struct op dropout_op = {
    .name = "dropout",
    .arity = 1,
    .symmetric = true,
    .infer = dropout_infer,
    .forward = dropout_forward,
    .gradient = dropout_gradient,
    .describe = dropout_describe,
    .tangent = dropout_tangent,
};

struct node *aenc_op_dropout(struct tape *tape, const char *name, struct node *x, double rate) {
    if (tape->mode == MODE_EVALUATE || rate == 0) return x;
    struct dropout dropout = {rate};
    return named(tape, aenc_tape_record(tape, &dropout_op, &x, 1, &dropout, sizeof dropout), name);
}

/* ---- Replace: y = x, but low where u < level / 2 and high where level / 2 <= u < level; dx = dy where y = x ---- */

enum { REPLACE_X, REPLACE_LEVEL };

struct replace {
    double low, high;
};

static aenc_status replace_infer(struct tape *tape, struct node *n) {
    const struct node *x = n->in[REPLACE_X], *level = n->in[REPLACE_LEVEL];
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (x->kind != NODE_ROW || level->kind == NODE_ROW || level->shape.rank != 0)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op '%s': x of shape %s has no rows, or level of shape %s is none",
                              n->op->name, aenc_shape_text(x, a), aenc_shape_text(level, b));
    if (level->needs_gradient)
        return aenc_tape_fail(tape, AENC_ERR_NO_GRADIENT, "op '%s' has no derivative for its level", n->op->name);
    return aenc_op_infer_like(n, x);
}

/* to (=, +=) kept: from; replaced: low or high; for batch row r. A word decides about two elements, CHUNK / 2 apart,
 * each by 16 of its bits: drawing is most of the work. */
static void replace_row(const struct node *n, int64_t r, num *to, const num *from, bool add, num low, num high,
                        const struct run *run) {
    int64_t size = aenc_node_row_size(n);
    int32_t all = (int32_t)((double)*aenc_value(run, n->in[REPLACE_LEVEL]) * 65536.0 + 0.5);
    struct replacement lower = {all / 2, all, low, high, 0}, upper = {all / 2, all, low, high, 16};
    struct draw draw = aenc_node_draw(run, n, r);
    uint32_t bits[CHUNK / 2];
    for (int64_t first = 0; first < size; first += CHUNK) {
        int64_t length = size - first < CHUNK ? size - first : CHUNK, words = length < CHUNK / 2 ? length : CHUNK / 2;
        bits_draw(&draw, first / 2, bits, words, run);
        run->kernels->random->replace(to + first, from + first, bits, words, &lower, add);
        run->kernels->random->replace(to + first + words, from + first + words, bits, length - words, &upper, add);
    }
}

static void replace_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct replace *replace = n->attr;
    int64_t size = aenc_node_row_size(n);
    const num *x = aenc_value(run, n->in[REPLACE_X]);
    num *y = aenc_value(run, n);
    for (int64_t r = rows.lo; r < rows.hi; r++)
        replace_row(n, r, y + r * size, x + r * size, false, (num)replace->low, (num)replace->high, run);
}

static void replace_gradient(const struct node *n, int operand, struct span rows, num *dx, bool add,
                             const struct run *run) {
    (void)operand; /* none passes to the level */
    int64_t size = aenc_node_row_size(n);
    const num *gradient = aenc_gradient(run, n);
    for (int64_t r = rows.lo; r < rows.hi; r++, dx += size) replace_row(n, r, dx, gradient + r * size, add, 0, 0, run);
}

static void replace_describe(const struct node *n, struct description *to) {
    const struct replace *replace = n->attr;
    aenc_describe_number(to, "low", replace->low);
    aenc_describe_number(to, "high", replace->high);
}

static const struct op replace_op = {
    .name = "replace",
    .arity = 2,
    .infer = replace_infer,
    .forward = replace_forward,
    .gradient = replace_gradient,
    .describe = replace_describe,
};

struct node *aenc_op_replace(struct tape *tape, const char *name, struct node *x, struct node *level, double low,
                             double high) {
    struct node *in[] = {x, level};
    struct replace replace = {low, high};
    return named(tape, aenc_tape_record(tape, &replace_op, in, 2, &replace, sizeof replace), name);
}

/* ---- Blur: y = x + level e, e standard normal; dx = dy ---- */

static void blur_forward(const struct node *n, struct span rows, const struct run *run) {
    int64_t size = aenc_node_row_size(n);
    num level = *aenc_value(run, n->in[REPLACE_LEVEL]);
    for (int64_t r = rows.lo; r < rows.hi; r++) {
        num *y = aenc_value(run, n) + r * size;
        memcpy(y, aenc_value(run, n->in[REPLACE_X]) + r * size, (size_t)size * sizeof *y);
        normals_add(n, r, y, level, run);
    }
}

static void blur_gradient(const struct node *n, int operand, struct span rows, num *dx, bool add,
                          const struct run *run) {
    (void)operand;
    int64_t size = aenc_node_row_size(n), count = (rows.hi - rows.lo) * size;
    const num *gradient = aenc_gradient(run, n) + rows.lo * size;
    if (add)
        run->kernels->elementwise->accumulate(dx, gradient, 1, count);
    else
        memcpy(dx, gradient, (size_t)count * sizeof *dx);
}

static const struct op blur_op = {
    .name = "blur",
    .arity = 2,
    .infer = replace_infer,
    .forward = blur_forward,
    .gradient = blur_gradient,
};

struct node *aenc_op_add_noise(struct tape *tape, const char *name, struct node *x, struct node *level) {
    struct node *in[] = {x, level};
    return named(tape, aenc_tape_record(tape, &blur_op, in, 2, NULL, 0), name);
}

const struct op *const aenc_random_ops[] = {&normal_op, &uniform_op, &dropout_op, &replace_op, &blur_op, NULL};
