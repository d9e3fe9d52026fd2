/* optim.c - the list of optimizers, their moments, and one step over all parameters. */
#include "optim/optim.h"

#include <string.h>

#include "base/pool.h"

enum { CHUNK = 16384 }; /* nums that one job updates */

static const char *const *const types[] = {
    &aenc_optim_sgd.name,     &aenc_optim_momentum.name, &aenc_optim_nesterov.name,
    &aenc_optim_rmsprop.name, &aenc_optim_adam.name,     &aenc_optim_adamw.name,
};
static const struct family family = {"optimizer", 0, types, sizeof types / sizeof *types, NULL};

static const struct optimizer_type *type_find(aenc_context *ctx, const struct json *spec) {
    const struct optimizer_type *type = aenc_family_find(ctx, &family, aenc_settings_type(spec));
    return type != NULL && aenc_settings_check(ctx, "optimizer", spec, type->rules) == AENC_OK ? type : NULL;
}

aenc_status aenc_optim_create(aenc_context *ctx, const struct json *spec, struct optim_part part,
                              struct optimizer **out) {
    *out = NULL;
    const struct optimizer_type *type = type_find(ctx, spec);
    if (type == NULL) return AENC_ERR_ARGUMENT;
    struct optimizer *optimizer = aenc_alloc(ctx, 1, sizeof *optimizer);
    if (optimizer == NULL) return AENC_ERR_NO_MEMORY;
    optimizer->ctx = ctx;
    optimizer->type = type;
    optimizer->player = part.player;
    optimizer->first = part.first;
    optimizer->parameter_size = part.size;
    optimizer->update.learning_rate = aenc_setting_number(spec, type->rules, "lr");
    optimizer->update.weight_decay = aenc_setting_number(spec, type->rules, "weight_decay");
    optimizer->decay_all = aenc_setting_bool(spec, type->rules, "decay_all");
    optimizer->base = optimizer->update.learning_rate;
    type->read(spec, optimizer);
    for (int i = 0; i < MOMENTS_MAX; i++) {
        if (!optimizer->uses[i]) continue;
        optimizer->moment[i] = aenc_alloc(ctx, (size_t)part.size, sizeof(num));
        if (optimizer->moment[i] != NULL) continue;
        aenc_optim_free(ctx, optimizer);
        return AENC_ERR_NO_MEMORY;
    }
    *out = optimizer;
    return AENC_OK;
}

static struct optimizer *copy_one(aenc_context *ctx, const struct optimizer *optimizer) {
    struct optimizer *copy = aenc_alloc(ctx, 1, sizeof *copy);
    if (copy == NULL) return NULL;
    *copy = *optimizer;
    copy->ctx = ctx;
    copy->next = NULL;
    bool good = true;
    for (int i = 0; i < MOMENTS_MAX; i++) {
        if (!copy->uses[i]) continue;
        copy->moment[i] = aenc_alloc_raw(ctx, (size_t)copy->parameter_size, sizeof(num));
        good = good && copy->moment[i] != NULL;
        if (good) memcpy(copy->moment[i], optimizer->moment[i], (size_t)copy->parameter_size * sizeof(num));
    }
    if (good) return copy;
    aenc_optim_free(ctx, copy);
    return NULL;
}

aenc_status aenc_optim_copy(aenc_context *ctx, const struct optimizer *optimizer, struct optimizer **out) {
    struct optimizer **next = out;
    *out = NULL;
    for (; optimizer != NULL; optimizer = optimizer->next, next = &(*next)->next) {
        *next = copy_one(ctx, optimizer);
        if (*next != NULL) continue;
        aenc_optim_free(ctx, *out);
        *out = NULL;
        return AENC_ERR_NO_MEMORY;
    }
    return AENC_OK;
}

aenc_status aenc_optim_rate_read(aenc_context *ctx, const struct json *spec, double *out) {
    const struct optimizer_type *type = type_find(ctx, spec);
    if (type == NULL) return AENC_ERR_ARGUMENT;
    *out = aenc_setting_number(spec, type->rules, "lr");
    return AENC_OK;
}

void aenc_optim_free(aenc_context *ctx, struct optimizer *optimizer) {
    for (struct optimizer *next; optimizer != NULL; optimizer = next) {
        next = optimizer->next;
        for (int i = 0; i < MOMENTS_MAX; i++) aenc_release(ctx, optimizer->moment[i]);
        aenc_release(ctx, optimizer);
    }
}

double aenc_optim_learning_rate(const struct optimizer *optimizer) { return optimizer->update.learning_rate; }

void aenc_optim_set_learning_rate(struct optimizer *optimizer, double learning_rate) {
    optimizer->update.learning_rate = learning_rate;
    double base = optimizer->base;
    for (struct optimizer *next = optimizer->next; next != NULL; next = next->next)
        next->update.learning_rate = base > 0 ? learning_rate * (next->base / base) : next->base;
}

void aenc_optim_set_clipping(struct optimizer *optimizer, double norm, double value) {
    for (; optimizer != NULL; optimizer = optimizer->next) {
        optimizer->clip_norm = norm;
        optimizer->clip_value = value;
    }
}

/* ---- One step ---- */

void aenc_optim_begin(struct optimizer *optimizer, struct store *store, double scale, double norm,
                      struct optim_step *out) {
    optimizer->step++;
    *out = (struct optim_step){.optimizer = optimizer, .store = store, .update = optimizer->update};
    out->update.first = optimizer->step == 1;
    out->update.scale = scale * aenc_clip_factor(norm, optimizer->clip_norm);
    out->update.limit = optimizer->clip_value > 0 ? optimizer->clip_value : (double)NUM_MAX;
    out->without_decay = out->update;
    out->without_decay.weight_decay = 0;
}

void aenc_optim_part(const struct optim_step *step, const struct entry *entry, int64_t first, int64_t count,
                     const num *gradient) {
    const struct optimizer *optimizer = step->optimizer;
    const struct update *u = optimizer->decay_all || entry->decays ? &step->update : &step->without_decay;
    int64_t at = entry->offset + first;
    optimizer->type->update(optimizer, u, step->store->parameter + at, gradient, at - optimizer->first, count);
}

/* The part of each trained entry that lies in the task's chunk of the block. */
static void chunk_task(void *user, int64_t index, int worker) {
    (void)worker;
    const struct optim_step *step = user;
    int64_t lo = step->optimizer->first + index * CHUNK, hi = lo + CHUNK;
    for (size_t i = 0; i < step->store->entry_count; i++) {
        const struct entry *entry = &step->store->entry[i];
        int64_t end = entry->offset + entry->count;
        bool takes = aenc_entry_trained(entry, step->optimizer->player) && !entry->updated_per_tile;
        if (!takes || entry->offset >= hi || end <= lo) continue;
        int64_t first = entry->offset > lo ? entry->offset : lo;
        int64_t last = end < hi ? end : hi;
        aenc_optim_part(step, entry, first - entry->offset, last - first, step->store->gradient + first);
    }
}

void aenc_optim_rest(struct optim_step *step, struct pool *pool) {
    aenc_pool_run(pool, (step->optimizer->parameter_size + CHUNK - 1) / CHUNK, chunk_task, step);
}

void aenc_optim_update(struct optimizer *optimizer, struct store *store, double scale, double norm, struct pool *pool) {
    struct optim_step step;
    aenc_optim_begin(optimizer, store, scale, norm, &step);
    aenc_optim_rest(&step, pool);
}

void aenc_optim_constrain(const struct optimizer *optimizer, struct store *store, struct pool *pool) {
    for (size_t i = 0; i < store->entry_count; i++) {
        const struct entry *entry = &store->entry[i];
        if (entry->constraint.kind == CONSTRAINT_NONE || !aenc_entry_trained(entry, optimizer->player)) continue;
        aenc_constraint_apply(entry, aenc_store_values(store, entry), pool);
        if (entry->constraint.kind == CONSTRAINT_UNIT_NORM && store->reach < 1) store->reach = 1;
    }
}
