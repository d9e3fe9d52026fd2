/* norm_ops.c - normalisation: of each row by its own moments, and of each channel by the batch's.
 *
 * layer_norm is one op for (x - mean) / sqrt(variance + epsilon), with gain and shift recorded behind it. Batch
 * normalisation is two: batch_moments sees the whole batch, normalise works row by row and has gain and shift fused, as
 * they go by channel. Its gradient with respect to the moments flows back through batch_moments, which is how x gets
 * all of its gradient. The running moments of evaluation are an op without gradient.
 */
#include <inttypes.h>
#include <math.h>

#include "io/message_text.h"
#include "op/family.h"
#include "op/lines.h"

/* 1 / sqrt(x + epsilon) */
static struct node *rsqrt(struct tape *tape, struct node *x, double epsilon) {
    struct node *root = aenc_op_function(tape, FUNCTION_SQRT, 0, aenc_op_affine(tape, x, 1, epsilon));
    return aenc_op_function(tape, FUNCTION_RECIPROCAL, 0, root);
}

/* ---- Layer norm: y = (x - mean) rstd over the last axes of a row, rstd = 1 / sqrt(variance + epsilon) ---- */

struct layer_norm {
    int axes;
    double epsilon;
};

static int64_t layer_norm_width(const struct node *n) {
    const struct layer_norm *norm = n->attr;
    return aenc_op_axes_count(n, n->shape.rank - norm->axes, n->shape.rank);
}

static aenc_status layer_norm_infer(struct tape *tape, struct node *n) {
    const struct layer_norm *norm = n->attr;
    char text[SHAPE_TEXT];
    if (norm->axes < 1 || norm->axes > aenc_op_row_rank(n->in[0]))
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'layer_norm': the last %d axes of a row of shape %s",
                              norm->axes, aenc_shape_text(n->in[0], text));
    return aenc_op_infer_like(n, n->in[0]);
}

static void layer_norm_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct layer_norm *norm = n->attr;
    int64_t width = layer_norm_width(n);
    struct span lines = aenc_lines(n, rows, width);
    const num *x = aenc_value(run, n->in[0]);
    num *y = aenc_value(run, n), mean, rstd;
    for (int64_t i = lines.lo; i < lines.hi; i++)
        run->kernels->norm->normalise(y + i * width, x + i * width, width, (num)norm->epsilon, &mean, &rstd);
}

/* dx = rstd (dy - mean(dy) - y mean(dy y)). Normalising again writes the value that is there and gives rstd, which has
 * no memory of its own. */
static void layer_norm_gradient(const struct node *n, int operand, struct span s, num *dx, bool add,
                                const struct run *run) {
    const struct layer_norm *norm = n->attr;
    int64_t width = layer_norm_width(n);
    struct span lines = aenc_lines(n, s, width);
    const num *x = aenc_value(run, n->in[operand]), *gradient = aenc_gradient(run, n);
    num *y = aenc_value(run, n), mean, rstd;
    for (int64_t i = lines.lo; i < lines.hi; i++, dx += width) {
        num *line = y + i * width;
        run->kernels->norm->normalise(line, x + i * width, width, (num)norm->epsilon, &mean, &rstd);
        run->kernels->norm->backward(dx, gradient + i * width, line, rstd, width, add);
    }
}

/* 1 / sqrt(variance + epsilon), kept on an axis of 1 */
static struct node *layer_rstd(struct tape *tape, struct node *x, double epsilon) {
    int last = x->shape.rank - 1;
    struct node *apart = aenc_op_subtract(tape, x, aenc_op_reduce(tape, REDUCE_MEAN, x, last, true));
    struct node *square = aenc_op_function(tape, FUNCTION_SQUARE, 0, apart);
    if (square == NULL) return NULL;
    return rsqrt(tape, aenc_op_reduce(tape, REDUCE_MEAN, square, last, true), epsilon);
}

/* Mean over the last axis, kept. */
static struct node *last_mean(struct tape *tape, struct node *t) {
    return t == NULL ? NULL : aenc_op_reduce(tape, REDUCE_MEAN, t, t->shape.rank - 1, true);
}

/* rstd (t - mean(t) - y mean(t y)) */
static struct node *layer_norm_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    const struct layer_norm *norm = n->attr;
    struct node *y = aenc_op_result(tape, n), *t = tangents[0];
    if (norm->axes != 1) {
        aenc_tape_fail(tape, AENC_ERR_UNSUPPORTED, "op 'layer_norm' has no tangent over %d axes", norm->axes);
        return NULL;
    }
    struct node *along = aenc_op_multiply(tape, y, last_mean(tape, aenc_op_multiply(tape, y, t)));
    struct node *rest = aenc_op_subtract(tape, aenc_op_subtract(tape, t, last_mean(tape, t)), along);
    return aenc_op_multiply(tape, layer_rstd(tape, n->in[0], norm->epsilon), rest);
}

static void layer_norm_describe(const struct node *n, struct description *to) {
    const struct layer_norm *norm = n->attr;
    aenc_describe_number(to, "axes", norm->axes);
    aenc_describe_number(to, "epsilon", norm->epsilon);
}

static const struct op layer_norm_op = {
    .name = "layer_norm",
    .arity = 1,
    .symmetric = true,
    .infer = layer_norm_infer,
    .forward = layer_norm_forward,
    .gradient = layer_norm_gradient,
    .describe = layer_norm_describe,
    .tangent = layer_norm_tangent,
};

struct node *aenc_op_layer_norm(struct tape *tape, struct node *x, int axes, double epsilon, struct node *gain,
                                struct node *shift) {
    struct layer_norm norm = {axes, epsilon};
    /* tiles of a parameter's axis 0 would cut the lines */
    if (x != NULL && x->kind == NODE_PARAMETER) x = aenc_op_affine(tape, x, 1, 0);
    struct node *y = aenc_tape_record(tape, &layer_norm_op, &x, 1, &norm, sizeof norm);
    if (gain != NULL) y = aenc_op_multiply(tape, y, gain);
    return shift != NULL ? aenc_op_add(tape, y, shift) : y;
}

/* ---- Channels: axis 1 of a row node; `inner` numbers of each in a row ---- */

static bool has_channels(struct tape *tape, const struct node *n, const struct node *x) {
    char text[SHAPE_TEXT];
    if (x->kind == NODE_ROW && x->shape.rank >= 2) return true;
    aenc_tape_fail(tape, AENC_ERR_SHAPE, "op '%s': x of shape %s needs rows and channels", n->op->name,
                   aenc_shape_text(x, text));
    return false;
}

static int64_t channels_of(const struct node *x) { return x->shape.dim[1]; }
static int64_t inner_of(const struct node *x) { return aenc_op_axes_count(x, 2, x->shape.rank); }

/* ---- Batch moments: (2, channels), mean and biased variance; parts are mean and M2 = sum (x - mean)^2 ---- */

static aenc_status moments_infer(struct tape *tape, struct node *n) {
    const struct node *x = n->in[0];
    if (!has_channels(tape, n, x)) return tape->status;
    n->kind = NODE_BATCH;
    n->space = x->space;
    n->shape = (struct shape){2, {2, channels_of(x)}};
    return AENC_OK;
}

/* sum over rows and inner of x, and then of (x - mean)^2, each channel's in row order */
static void moments_forward(const struct node *n, struct span rows, const struct run *run) {
    const struct elementwise_kernels *kernels = run->kernels->elementwise;
    const struct node *in = n->in[0];
    int64_t channels = channels_of(in), inner = inner_of(in), count = (rows.hi - rows.lo) * inner;
    const num *x = aenc_value(run, in) + rows.lo * channels * inner;
    num *mean = aenc_part(run, n, run->shard), *square = mean + channels;
    if (inner == 1) kernels->column_sums(mean, x, rows.hi - rows.lo, channels, channels, false);
    for (int64_t c = 0; c < channels && inner > 1; c++) {
        mean[c] = 0;
        for (int64_t r = 0; r < rows.hi - rows.lo; r++) mean[c] += kernels->sum(x + (r * channels + c) * inner, inner);
    }
    for (int64_t c = 0; c < channels; c++) {
        mean[c] /= (num)count;
        square[c] = 0;
    }
    for (int64_t r = 0; r < rows.hi - rows.lo; r++) {
        for (int64_t c = 0; c < channels; c++) {
            for (int64_t i = 0; i < inner; i++) {
                num difference = *x++ - mean[c];
                square[c] += difference * difference;
            }
        }
    }
}

/* Chan, Golub & LeVeque 1979: with d the difference of the means of parts of na and nb numbers,
 *     mean += d nb / (na + nb),  M2 += M2b + d^2 na nb / (na + nb) */
static void moments_combine(const struct node *n, int64_t shards, const struct run *run) {
    const struct node *in = n->in[0];
    int64_t channels = channels_of(in);
    double inner = (double)inner_of(in);
    num *value = aenc_value(run, n);
    for (int64_t c = 0; c < channels; c++) {
        double count = 0, mean = 0, square = 0;
        for (int64_t s = 0; s < shards; s++) {
            const num *part = aenc_part(run, n, s);
            struct span rows = aenc_shard_rows(run, in->space, s);
            double more = (double)(rows.hi - rows.lo) * inner;
            double difference = (double)part[c] - mean, total = count + more;
            mean += difference * more / total;
            square += (double)part[channels + c] + difference * difference * count * more / total;
            count = total;
        }
        value[c] = (num)mean;
        value[channels + c] = (num)(count > 0 ? square / count : 0);
    }
}

/* dx = (dmean + 2 (x - mean) dvariance) / N */
static void moments_gradient(const struct node *n, int operand, struct span rows, num *dx, bool add,
                             const struct run *run) {
    const struct node *in = n->in[operand];
    int64_t channels = channels_of(in), inner = inner_of(in);
    const num *mean = aenc_value(run, n), *gradient = aenc_gradient(run, n);
    const num *x = aenc_value(run, in) + rows.lo * channels * inner;
    num share = (num)(1 / ((double)run->live[in->space] * (double)inner));
    for (int64_t r = rows.lo; r < rows.hi; r++) {
        for (int64_t c = 0; c < channels; c++, x += inner, dx += inner) {
            num of_mean = gradient[c] * share, of_square = 2 * gradient[channels + c] * share;
            for (int64_t i = 0; i < inner; i++) dx[i] = (add ? dx[i] : 0) + of_mean + of_square * (x[i] - mean[c]);
        }
    }
}

static const struct op moments_op = {
    .name = "batch_moments",
    .arity = 1,
    .span = SPAN_REDUCE,
    .infer = moments_infer,
    .forward = moments_forward,
    .combine = moments_combine,
    .gradient = moments_gradient,
};

struct node *aenc_op_batch_moments(struct tape *tape, struct node *x) {
    return aenc_tape_record(tape, &moments_op, &x, 1, NULL, 0);
}

/* ---- Normalise: y = (x - mean) rstd gain + shift per channel ---- */

enum { NORMALISE_X, NORMALISE_MOMENTS, GROUP = 64 };

struct normalise {
    double epsilon;
    int gain, shift; /* operands; -1: none */
};

/* A group of channels, widened once for all rows. */
struct group {
    int64_t first, count;
    num mean[GROUP], rstd[GROUP], gain[GROUP], shift[GROUP];
};

static aenc_status normalise_infer(struct tape *tape, struct node *n) {
    const struct node *x = n->in[NORMALISE_X];
    if (!has_channels(tape, n, x)) return tape->status;
    char text[SHAPE_TEXT], operand[SHAPE_TEXT];
    for (int i = NORMALISE_MOMENTS; i < n->in_count; i++) {
        const struct node *in = n->in[i];
        int rank = i == NORMALISE_MOMENTS ? 2 : 1;
        bool good = in->kind != NODE_ROW && in->shape.rank == rank && in->shape.dim[rank - 1] == channels_of(x);
        if (good && (rank == 1 || in->shape.dim[0] == 2)) continue;
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'normalise': %s of shape %s do not go with x of shape %s",
                              i == NORMALISE_MOMENTS ? "moments" : "gain or shift", aenc_shape_text(in, operand),
                              aenc_shape_text(x, text));
    }
    return aenc_op_infer_like(n, x);
}

/* Channels [first, first + GROUP) or as many as there are below end. */
static void group_read(const struct node *n, int64_t first, int64_t end, const struct run *run, struct group *group) {
    const struct normalise *attr = n->attr;
    int64_t channels = channels_of(n);
    const num *moments = aenc_value(run, n->in[NORMALISE_MOMENTS]) + first;
    const num *gain = attr->gain >= 0 ? aenc_value(run, n->in[attr->gain]) + first : NULL;
    const num *shift = attr->shift >= 0 ? aenc_value(run, n->in[attr->shift]) + first : NULL;
    group->first = first;
    group->count = end - first < GROUP ? end - first : GROUP;
    for (int64_t c = 0; c < group->count; c++) {
        group->mean[c] = moments[c];
        group->rstd[c] = (num)(1 / sqrt((double)moments[channels + c] + attr->epsilon));
        group->gain[c] = gain != NULL ? gain[c] : 1;
        group->shift[c] = shift != NULL ? shift[c] : 0;
    }
}

static void normalise_forward(const struct node *n, struct span rows, const struct run *run) {
    int64_t channels = channels_of(n), inner = inner_of(n);
    struct group group;
    for (int64_t first = 0; first < channels; first += GROUP) {
        group_read(n, first, channels, run, &group);
        for (int64_t r = rows.lo; r < rows.hi; r++) {
            int64_t at = (r * channels + first) * inner;
            const num *restrict x = aenc_value(run, n->in[NORMALISE_X]) + at;
            num *restrict y = aenc_value(run, n) + at;
            for (int64_t c = 0; c < group.count; c++)
                for (int64_t i = c * inner; i < (c + 1) * inner; i++)
                    y[i] = (x[i] - group.mean[c]) * group.rstd[c] * group.gain[c] + group.shift[c];
        }
    }
}

/* dx = dy rstd gain; what flows through the moments is theirs to send on. */
static void normalise_gradient_x(const struct node *n, struct span rows, num *dx, bool add, const struct run *run) {
    int64_t channels = channels_of(n), inner = inner_of(n);
    struct group group;
    for (int64_t first = 0; first < channels; first += GROUP) {
        group_read(n, first, channels, run, &group);
        for (int64_t r = rows.lo; r < rows.hi; r++) {
            int64_t at = (r * channels + first) * inner;
            const num *restrict gradient = aenc_gradient(run, n) + at;
            num *restrict to = dx + at - rows.lo * channels * inner;
            for (int64_t c = 0; c < group.count; c++)
                for (int64_t i = c * inner; i < (c + 1) * inner; i++)
                    to[i] = (add ? to[i] : 0) + gradient[i] * (group.rstd[c] * group.gain[c]);
        }
    }
}

/* Per channel of the group, over the rows: sum dy, and sum dy (x - mean). */
static void group_sums(const struct node *n, const struct group *group, struct span rows, const struct run *run,
                       double plain[GROUP], double centered[GROUP]) {
    int64_t channels = channels_of(n), inner = inner_of(n);
    for (int64_t c = 0; c < group->count; c++) plain[c] = centered[c] = 0;
    for (int64_t r = rows.lo; r < rows.hi; r++) {
        int64_t at = (r * channels + group->first) * inner;
        const num *x = aenc_value(run, n->in[NORMALISE_X]) + at, *gradient = aenc_gradient(run, n) + at;
        for (int64_t c = 0; c < group->count; c++) {
            for (int64_t i = c * inner; i < (c + 1) * inner; i++) {
                plain[c] += (double)gradient[i];
                centered[c] += (double)gradient[i] * (double)(x[i] - group->mean[c]);
            }
        }
    }
}

static void put(num *out, double value, bool add) { *out = (add ? *out : 0) + (num)value; }

/* dshift = sum dy; dgain = sum dy (x - mean) rstd;
 * dmean = -rstd gain sum dy; dvariance = -rstd^3 gain sum dy (x - mean) / 2 */
static void normalise_gradient(const struct node *n, int operand, struct span tile, num *out, bool add,
                               const struct run *run) {
    const struct normalise *attr = n->attr;
    if (operand == NORMALISE_X) {
        normalise_gradient_x(n, tile, out, add, run);
        return;
    }
    int64_t channels = channels_of(n);
    bool moments = operand == NORMALISE_MOMENTS;
    struct span all = {moments ? 0 : tile.lo, moments ? channels : tile.hi};
    struct group group;
    double plain[GROUP], centered[GROUP];
    for (int64_t first = all.lo; first < all.hi; first += GROUP) {
        group_read(n, first, all.hi, run, &group);
        group_sums(n, &group, run->rows, run, plain, centered);
        for (int64_t c = 0; c < group.count; c++) {
            double rstd = (double)group.rstd[c], scale = rstd * (double)group.gain[c];
            num *at = out + first - all.lo + c;
            if (operand == attr->shift)
                put(at, plain[c], add);
            else if (operand == attr->gain)
                put(at, centered[c] * rstd, add);
            if (moments && tile.lo == 0) put(at, -scale * plain[c], add);
            if (moments && tile.hi == 2)
                put(at + (1 - tile.lo) * channels, -0.5 * scale * rstd * rstd * centered[c], add);
        }
    }
}

/* t rstd gain: along x alone. */
static struct node *normalise_tangent(struct tape *tape, const struct node *n, struct node *const *tangents) {
    const struct normalise *attr = n->attr;
    for (int i = NORMALISE_MOMENTS; i < n->in_count; i++) {
        if (tangents[i] == NULL) continue;
        aenc_tape_fail(tape, AENC_ERR_UNSUPPORTED, "op 'normalise' has no tangent along its operand %d", i);
        return NULL;
    }
    struct node *variance = aenc_op_slice(tape, n->in[NORMALISE_MOMENTS], 0, 1, 1);
    struct node *scale = rsqrt(tape, variance, attr->epsilon);
    if (attr->gain >= 0) scale = aenc_op_multiply(tape, scale, n->in[attr->gain]);
    int64_t dims[RANK_MAX] = {channels_of(n), 1, 1, 1, 1, 1};
    return aenc_op_multiply(tape, aenc_op_reshape(tape, scale, dims, n->shape.rank - 1), tangents[NORMALISE_X]);
}

static void normalise_describe(const struct node *n, struct description *to) {
    const struct normalise *attr = n->attr;
    aenc_describe_number(to, "epsilon", attr->epsilon);
    aenc_describe_flag(to, "gain", attr->gain >= 0);
    aenc_describe_flag(to, "shift", attr->shift >= 0);
}

static const struct op normalise_op = {
    .name = "normalise",
    .arity = -1,
    .symmetric = true,
    .infer = normalise_infer,
    .forward = normalise_forward,
    .gradient = normalise_gradient,
    .describe = normalise_describe,
    .tangent = normalise_tangent,
};

struct node *aenc_op_normalise(struct tape *tape, struct node *x, struct node *moments, double epsilon,
                               struct node *gain, struct node *shift) {
    struct normalise attr = {epsilon, -1, -1};
    struct node *in[4] = {x, moments};
    int count = 2;
    if (gain != NULL) {
        attr.gain = count;
        in[count++] = gain;
    }
    if (shift != NULL) {
        attr.shift = count;
        in[count++] = shift;
    }
    return aenc_tape_record(tape, &normalise_op, in, count, &attr, sizeof attr);
}

/* ---- Running moments ---- */

struct running {
    enum running_moment which;
    double momentum;
    int space;
    int64_t inner;
};

static aenc_status running_infer(struct tape *tape, struct node *n) {
    const struct node *running = n->in[0], *moments = n->in[1];
    bool good = running->kind != NODE_ROW && running->shape.rank == 1 && moments->kind != NODE_ROW &&
                moments->shape.rank == 2 && moments->shape.dim[0] == 2 &&
                moments->shape.dim[1] == running->shape.dim[0];
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (!good)
        return aenc_tape_fail(tape, AENC_ERR_SHAPE, "op 'running_moment': %s does not follow moments of shape %s",
                              aenc_shape_text(running, a), aenc_shape_text(moments, b));
    n->needs_gradient = false;
    return aenc_op_infer_like(n, running);
}

/* y = (1 - momentum) running + momentum batch; variance times N / (N - 1) */
static void running_forward(const struct node *n, struct span rows, const struct run *run) {
    (void)rows;
    const struct running *attr = n->attr;
    int64_t channels = n->shape.dim[0];
    double count = (double)run->live[attr->space] * (double)attr->inner;
    bool variance = attr->which == RUNNING_VARIANCE;
    double unbiased = variance && count > 1 ? count / (count - 1) : 1;
    const num *running = aenc_value(run, n->in[0]);
    const num *batch = aenc_value(run, n->in[1]) + (variance ? channels : 0);
    num *y = aenc_value(run, n);
    for (int64_t c = 0; c < channels; c++)
        y[c] = (num)((1 - attr->momentum) * (double)running[c] + attr->momentum * unbiased * (double)batch[c]);
}

static void running_describe(const struct node *n, struct description *to) {
    const struct running *attr = n->attr;
    aenc_describe_text(to, "which", attr->which == RUNNING_MEAN ? "mean" : "variance");
    aenc_describe_number(to, "momentum", attr->momentum);
}

static const struct op running_op = {
    .name = "running_moment",
    .arity = 2,
    .infer = running_infer,
    .forward = running_forward,
    .describe = running_describe,
};

struct node *aenc_op_running_moment(struct tape *tape, enum running_moment which, struct node *running,
                                    struct node *moments, struct node *x, double momentum) {
    if (x == NULL) return NULL;
    struct running attr = {which, momentum, x->space, inner_of(x)};
    struct node *in[] = {running, moments};
    return aenc_tape_record(tape, &running_op, in, 2, &attr, sizeof attr);
}

const struct op *const aenc_norm_ops[] = {&layer_norm_op, &moments_op, &normalise_op, &running_op, NULL};
