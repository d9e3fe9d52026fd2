/* gradient_check.c - gradients against central differences of the loss, in float32.
 *
 * Along a direction d, with p+ and p- the parameters as float32 holds them on both sides,
 *
 *     D(h) = (loss(p+) - loss(p-)) / 2h      A(h) = gradient . (p+ - p-) / 2h
 *
 * and of both (4 X(h/2) - X(h)) / 3, which leaves an error of the order h^4 (Richardson 1911). Directions have +-1
 * for each number of the tensor, at random, so that the mean square of D - A is the squared distance of the gradient
 * from the true one.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "train/training.h"

struct difference {
    struct aenc_model *model;
    const struct batch *batch;
    struct turn turn;
    const struct entry *entry;
    num *before;         /* the tensor's numbers */
    const num *gradient; /* of the mean loss, times `weight` */
    double weight, loss;
    int64_t only; /* the number that is moved; -1: all */
    struct draw draw;
};

static aenc_status loss_of(const struct difference *d, double *loss) {
    return aenc_train_gradients(d->model, d->turn, d->batch, loss);
}

static void tensor_restore(const struct difference *d) {
    memcpy(aenc_store_values(&d->model->store, d->entry), d->before, (size_t)d->entry->count * sizeof *d->before);
}

/* Moves the numbers by h; adds the loss there to *loss and what the gradient says of it to *slope, times sign. */
static aenc_status side(const struct difference *d, double h, double sign, double *loss, double *slope) {
    enum { BITS = 64 };
    num *value = aenc_store_values(&d->model->store, d->entry);
    uint32_t bits[BITS] = {0};
    for (int64_t i = 0; i < d->entry->count; i++) {
        if (d->only < 0 && i % BITS == 0) aenc_random_bits(&d->draw, (uint64_t)i, bits, BITS);
        if (d->only >= 0 && i != d->only) continue;
        volatile num moved = (num)((double)d->before[i] + (bits[i % BITS] >> 31 ? -h : h) * sign);
        value[i] = moved;
        *slope += sign * (double)d->gradient[i] / d->weight * ((double)moved - (double)d->before[i]);
    }
    double there = 0;
    aenc_status status = loss_of(d, &there);
    *loss += sign * there;
    tensor_restore(d);
    return status;
}

/* The square of how far the gradient's answer is from the difference, along one direction; *size: the difference's
 * own. */
static aenc_status along(const struct difference *d, double h, double *square, double *size) {
    double slope[2] = {0}, loss[2] = {0}; /* at h and at h / 2 */
    aenc_status status = AENC_OK;
    for (int k = 0; k < 2 && status == AENC_OK; k++) {
        double step = k == 0 ? h : h / 2;
        status = side(d, step, 1, &loss[k], &slope[k]);
        if (status == AENC_OK) status = side(d, step, -1, &loss[k], &slope[k]);
        loss[k] /= 2 * step;
        slope[k] /= 2 * step;
    }
    double got = (4 * slope[1] - slope[0]) / 3, want = (4 * loss[1] - loss[0]) / 3;
    double rounding = 2 * (double)FLT_EPSILON * fabs(d->loss) / h;
    double off = fabs(got - want) - rounding;
    *square += off > 0 ? off * off : 0;
    *size += want * want;
    return status;
}

static double norm_of(const num *x, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

/* The relative error of the tensor's gradient. */
static aenc_status tensor_check(struct difference *d, const struct gradient_check *how, double *error) {
    int64_t count = d->entry->count;
    bool each = count <= how->directions;
    int64_t directions = each ? count : how->directions;
    double spread = norm_of(d->before, count) / sqrt((double)count), square = 0, size = 0;
    double h = how->step * (spread > 0.1 ? spread : 0.1);
    aenc_status status = AENC_OK;
    for (int64_t k = 0; k < directions && status == AENC_OK; k++) {
        d->only = each ? k : -1;
        d->draw = (struct draw){.seed = d->model->seed, .stream = d->entry->stream, .step = (uint64_t)k};
        status = along(d, h, &square, &size);
        if (status == AENC_OK) status = aenc_cancel_check(d->model->ctx);
    }
    /* Number by number the squares add up to that of the distance; at random their mean is. */
    double scale = each ? 1 : 1 / (double)directions;
    double norm = norm_of(d->gradient, count) / d->weight, true_norm = sqrt(size * scale);
    double largest = norm > true_norm ? norm : true_norm;
    *error = square > 0 ? sqrt(square * scale) / largest : 0;
    return status;
}

/* The entries of the player of d->turn; block has room for the parameters and their gradients. */
static aenc_status player_check(struct difference *d, const struct gradient_check *how, num *block, double *worst,
                                const char **parameter) {
    const struct store *store = &d->model->store;
    size_t size = (size_t)store->parameter_size;
    num *gradient = block + size;
    aenc_status status = loss_of(d, &d->loss);
    if (status != AENC_OK) return status;
    memcpy(block, store->parameter, size * sizeof *block);
    memcpy(gradient, store->gradient, size * sizeof *gradient);
    d->weight = d->model->training->gradient_weight;
    for (size_t i = 0; i < store->entry_count && status == AENC_OK; i++) {
        double error = 0;
        d->entry = &store->entry[i];
        if (!aenc_entry_trained(d->entry, d->turn.player)) continue;
        d->before = block + d->entry->offset;
        d->gradient = gradient + d->entry->offset;
        status = tensor_check(d, how, &error);
        if (status != AENC_OK || error <= *worst) continue;
        *worst = error;
        *parameter = d->entry->name;
    }
    return status;
}

aenc_status aenc_train_gradient_check(struct aenc_model *model, const struct batch *batch,
                                      const struct gradient_check *how, double *worst, const char **parameter) {
    struct difference d = {.model = model, .batch = batch};
    aenc_status status = aenc_store_own(&model->store);
    if (status != AENC_OK) return status;
    num *block = aenc_alloc_raw(model->ctx, 2 * (size_t)model->store.parameter_size, sizeof *block);
    if (block == NULL) return AENC_ERR_NO_MEMORY;
    *worst = -1;
    for (; d.turn.player < model->player_count && status == AENC_OK; d.turn.player++)
        status = player_check(&d, how, block, worst, parameter);
    aenc_release(model->ctx, block);
    if (status != AENC_OK) return status;
    if (*worst < 0) return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "no parameter of the model is trained");
    d.turn.player = 0;
    return model->player_count > 1 ? AENC_OK : loss_of(&d, &d.loss);
}
