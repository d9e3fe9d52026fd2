/* reach.c - how large a step can make the numbers that it moves, and steps that are taken back.
 *
 * A parameter that overflows is found when it is too late, and looking for one takes a pass over all of them. So
 * each optimizer states how far a step can carry parameters and moments that are at most so large, given the largest
 * gradient there can be; its formula stands above its function, W, V and so on the largest magnitudes before the
 * step, G that of the gradient, U that of what is used of it. As long as the bounds stay far below infinity nothing
 * is looked at. Bounds only grow: where they have become too large, the numbers are measured and bounded anew. Where
 * even then a step is not certain to be finite, it is taken with a copy at hand.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "optim/optim.h"

#define FAR ((double)NUM_MAX / 32) /* what is below it is finite after the rounding of a step, too */

/* Of numbers that may be anything. */
static double largest(const num *x, int64_t count) {
    double most = x == NULL ? 0 : (double)aenc_kernels()->elementwise->max_abs(x, count);
    return most <= (double)NUM_MAX ? most : (double)INFINITY;
}

static void measure(struct optimizer *optimizer, struct store *store) {
    store->reach = largest(store->parameter, store->parameter_size);
    for (int i = 0; i < MOMENTS_MAX; i++)
        optimizer->reach[i] = largest(optimizer->moment[i], optimizer->parameter_size);
}

static bool near(const struct reach *reach) {
    bool good = reach->parameter <= FAR;
    for (int i = 0; i < MOMENTS_MAX; i++) good = good && reach->moment[i] <= FAR;
    return good;
}

static struct reach after_step(const struct optimizer *optimizer, const struct store *store, double gradient) {
    struct reach reach = {store->reach, {0}};
    struct update u = optimizer->update;
    u.first = optimizer->step == 0;
    memcpy(reach.moment, optimizer->reach, sizeof reach.moment);
    optimizer->type->reach(optimizer, &u, gradient, &reach);
    return reach;
}

bool aenc_optim_safe(struct optimizer *optimizer, struct store *store, double gradient) {
    if (optimizer->clip_norm > 0) gradient = fmin(gradient, optimizer->clip_norm);
    if (optimizer->clip_value > 0) gradient = fmin(gradient, optimizer->clip_value);
    struct reach reach = after_step(optimizer, store, gradient);
    if (!near(&reach)) {
        measure(optimizer, store);
        reach = after_step(optimizer, store, gradient);
        if (!near(&reach)) return false;
    }
    store->reach = reach.parameter;
    memcpy(optimizer->reach, reach.moment, sizeof reach.moment);
    return true;
}

void aenc_optim_resumed(struct optimizer *optimizer) {
    for (; optimizer != NULL; optimizer = optimizer->next) {
        optimizer->resumed = true;
        for (int i = 0; i < MOMENTS_MAX; i++) optimizer->reach[i] = INFINITY;
    }
}

/* ---- Steps that can be taken back ---- */

size_t aenc_optim_kept_size(const struct optimizer *optimizer) {
    size_t parts = 1;
    for (int i = 0; i < MOMENTS_MAX; i++) parts += optimizer->moment[i] != NULL;
    return parts * (size_t)optimizer->parameter_size;
}

void aenc_optim_keep_in(const struct optimizer *optimizer, const struct store *store, num *room,
                        struct optim_kept *out) {
    size_t size = (size_t)optimizer->parameter_size;
    num *to = room;
    *out = (struct optim_kept){room, optimizer->step};
    memcpy(to, store->parameter + optimizer->first, size * sizeof *to);
    for (int i = 0; i < MOMENTS_MAX; i++)
        if (optimizer->moment[i] != NULL) memcpy(to += size, optimizer->moment[i], size * sizeof *to);
}

aenc_status aenc_optim_keep(const struct optimizer *optimizer, const struct store *store, struct optim_kept *out) {
    out->numbers = aenc_alloc_raw(optimizer->ctx, aenc_optim_kept_size(optimizer), sizeof *out->numbers);
    if (out->numbers == NULL) return AENC_ERR_NO_MEMORY;
    aenc_optim_keep_in(optimizer, store, out->numbers, out);
    return AENC_OK;
}

void aenc_optim_restore(struct optimizer *optimizer, struct store *store, const struct optim_kept *kept) {
    size_t size = (size_t)optimizer->parameter_size;
    const num *from = kept->numbers;
    memcpy(store->parameter + optimizer->first, from, size * sizeof *from);
    for (int i = 0; i < MOMENTS_MAX; i++)
        if (optimizer->moment[i] != NULL) memcpy(optimizer->moment[i], from += size, size * sizeof *from);
    optimizer->step = kept->step;
}

void aenc_optim_kept_free(aenc_context *ctx, struct optim_kept *kept) {
    aenc_release(ctx, kept->numbers);
    kept->numbers = NULL;
}

const char *aenc_optim_overflow(const struct optimizer *optimizer, const struct store *store) {
    for (size_t i = 0; i < store->entry_count; i++) {
        const struct entry *entry = &store->entry[i];
        if (entry->kind != ENTRY_PARAMETER || entry->player != optimizer->player) continue;
        bool good = largest(store->parameter + entry->offset, entry->count) <= (double)NUM_MAX;
        for (int m = 0; m < MOMENTS_MAX && good; m++)
            if (optimizer->moment[m] != NULL)
                good = largest(aenc_optim_moment(optimizer, entry, m), entry->count) <= (double)NUM_MAX;
        if (!good) return entry->name;
    }
    return NULL;
}

/* ---- A quotient of averages ---- */

/* With s >= (1 - b) g^2, g the last gradient: |g| / (sqrt(s) + eps) is at most 1 / sqrt(1 - b); where s is so small
 * that it is 0 in floats, g is below `tiny`. Without such an s, `whole` / eps. 0 / 0 where eps is 0, too. */
double aenc_reach_quotient(double whole, double epsilon, double ratio, double tiny) {
    if (!((double)(num)epsilon >= (double)NUM_MIN)) return INFINITY;
    return fmin(whole / epsilon, 2 * ratio + tiny / epsilon);
}
