/* optim.h - how parameters move: optimizers, clipping, schedules of the learning rate.
 *
 * An optimizer is settings, moments as large as the parameter block, and a count of steps. Formulas, names and defaults
 * are PyTorch's. It allocates when it is created and never in an update; the elements of an update are independent of
 * each other, so threads change nothing.
 */
#ifndef AENC_OPTIM_OPTIM_H
#define AENC_OPTIM_OPTIM_H

#include "io/settings.h"
#include "layer/store.h"

enum { MOMENTS_MAX = 3 };

/* Upper bounds of magnitudes: of every parameter, and of each moment. */
struct reach {
    double parameter, moment[MOMENTS_MAX];
};

struct optimizer;

struct optimizer_type {
    const char *name;
    const struct setting_rule *rules; /* "type" is not among them; "lr", "weight_decay", "decay_all" in all of them */
    /* Copies the rest of the settings into optimizer->update and sets optimizer->uses. */
    void (*read)(const struct json *spec, struct optimizer *optimizer);
    /* Updates w, numbers [at, at + count) of the block, from their gradients g; u is the optimizer's, for this step. */
    void (*update)(const struct optimizer *optimizer, const struct update *u, num *w, const num *g, int64_t at,
                   int64_t count);
    /* From bounds before a step to bounds behind it; gradient: the largest there is, after scale and clipping. */
    void (*reach)(const struct optimizer *optimizer, const struct update *u, double gradient, struct reach *reach);
};

struct optimizer {
    aenc_context *ctx;
    const struct optimizer_type *type;
    struct update update; /* the settings; what changes with the step is filled in by each update */
    bool decay_all;       /* weight decay on every parameter (PyTorch's way), or only where entry->decays */
    bool uses[MOMENTS_MAX], squares[MOMENTS_MAX]; /* squares: means of squares, not negative */
    num *moment[MOMENTS_MAX];                     /* as that part of the parameter block; NULL where not used */
    int64_t first, parameter_size;                /* the part of the parameter block that it has moments for, in nums */
    int player;                                   /* whose entries it moves */
    struct optimizer *next;                       /* of the next player, its own; NULL: none */
    double base;                                  /* the learning rate of its spec */
    int64_t step;                                 /* updates so far */
    double clip_norm, clip_value;                 /* 0: no limit */
    double reach[MOMENTS_MAX];                    /* the moments are at most so large */
    bool resumed;                                 /* the moments are from a file: nothing else is known of them */
};

/* The one of a player, of those that begin with this. */
static inline const struct optimizer *aenc_optim_of(const struct optimizer *first, int player) {
    while (first->player != player) first = first->next;
    return first;
}
/* The moment of an entry of its player. */
static inline num *aenc_optim_moment(const struct optimizer *optimizer, const struct entry *entry, int moment) {
    return optimizer->moment[moment] + entry->offset - optimizer->first;
}

/* For the entries of the player, which lie in that part of the store's parameter block. spec is not kept. AENC_ERR_ARGUMENT
 * with the known names. */
struct optim_part {
    int player;
    int64_t first, size;
};
aenc_status aenc_optim_create(aenc_context *ctx, const struct json *spec, struct optim_part part,
                              struct optimizer **out);
/* One that goes on as this would, with the memory of ctx. */
aenc_status aenc_optim_copy(aenc_context *ctx, const struct optimizer *optimizer, struct optimizer **out);
/* The learning rate that a spec states, or its default; the spec is checked. */
aenc_status aenc_optim_rate_read(aenc_context *ctx, const struct json *spec, double *out);
/* With those of the next players, as the two below. NULL-safe. */
void aenc_optim_free(aenc_context *ctx, struct optimizer *optimizer);
double aenc_optim_learning_rate(const struct optimizer *optimizer);
/* Of next players in proportion. */
void aenc_optim_set_learning_rate(struct optimizer *optimizer, double learning_rate);
/* 0: no limit */
void aenc_optim_set_clipping(struct optimizer *optimizer, double norm, double value);
/* One step: the player's parameters that are not frozen, from its gradients times scale. norm: the Euclidean norm of the
 * gradients after scale, which clipping by norm compares; both finite. pool NULL: on this thread alone. */
void aenc_optim_update(struct optimizer *optimizer, struct store *store, double scale, double norm, struct pool *pool);

/* The same step in parts, on any threads: begun once, then each number once. */
struct optim_step {
    const struct optimizer *optimizer;
    struct store *store;
    struct update update, without_decay;
};
void aenc_optim_begin(struct optimizer *optimizer, struct store *store, double scale, double norm,
                      struct optim_step *out);
/* Numbers [first, first + count) of the entry, from their gradients before scale. */
void aenc_optim_part(const struct optim_step *step, const struct entry *entry, int64_t first, int64_t count,
                     const num *gradient);
/* Behind all of it: what the player's constrained parameters must be. */
void aenc_optim_constrain(const struct optimizer *optimizer, struct store *store, struct pool *pool);
/* Every entry that does not say `updated_per_tile`, from the store's gradients. */
void aenc_optim_rest(struct optim_step *step, struct pool *pool);

/* reach.c: whether a step with gradients of at most that magnitude, after scale, is certain to leave everything
 * finite. If it is, it must be taken, or bounds are wider than they need be. May look at every number, but hardly
 * ever does. */
bool aenc_optim_safe(struct optimizer *optimizer, struct store *store, double gradient);
/* Other moments have been put in place. */
void aenc_optim_resumed(struct optimizer *optimizer);
/* For a step that is not: everything that it changes, to be restored; and the parameter that it, or a moment of it,
 * has made infinite, NULL: none. */
struct optim_kept {
    num *numbers;
    int64_t step;
};
aenc_status aenc_optim_keep(const struct optimizer *optimizer, const struct store *store, struct optim_kept *out);
/* How many nums those are, and the same in memory of the caller's. */
size_t aenc_optim_kept_size(const struct optimizer *optimizer);
void aenc_optim_keep_in(const struct optimizer *optimizer, const struct store *store, num *room,
                        struct optim_kept *out);
void aenc_optim_restore(struct optimizer *optimizer, struct store *store, const struct optim_kept *kept);
void aenc_optim_kept_free(aenc_context *ctx, struct optim_kept *kept);
const char *aenc_optim_overflow(const struct optimizer *optimizer, const struct store *store);

/* clip.c: what gradients of this norm are multiplied with so that it stays within limit (0: no limit). */
double aenc_clip_factor(double norm, double limit);

/* ---- Schedules: the learning rate of a step, a function of the step, and of the losses where it says so ---- */

struct schedule;

struct schedule_type {
    const char *name;
    const struct setting_rule *rules;
    void (*read)(const struct json *spec, struct schedule *schedule);
    /* The factor of the base rate at a step, from 0. */
    double (*factor)(const struct schedule *schedule, int64_t step);
};

struct schedule {
    const struct schedule_type *type;
    double base;                             /* learning rate */
    int64_t total_steps, epoch_steps;        /* planned; per epoch; both at least 1 */
    double factor, floor, warmup, threshold; /* settings, where the type has them */
    int64_t every, patience, steps;
    int64_t at[SETTING_SIZES_MAX]; /* step: epochs */
    int at_count;
    double best, reached; /* plateau: lowest loss, present factor */
    int64_t bad_epochs;   /* plateau: without a lower loss */
};

/* spec is not kept. */
aenc_status aenc_schedule_create(aenc_context *ctx, const struct json *spec, double base, int64_t total_steps,
                                 int64_t epoch_steps, struct schedule *out);
/* Of a step, from 0, in the whole run. */
double aenc_schedule_rate(const struct schedule *schedule, int64_t step);
/* An epoch has ended with this loss: of the validation set, or without one of training. */
void aenc_schedule_epoch(struct schedule *schedule, double loss);

/* ---- For the files of this room ---- */

/* The most that a gradient of at most `whole`, or an average of such, over the root of the average of its square can
 * be. */
double aenc_reach_quotient(double whole, double epsilon, double ratio, double tiny);

extern const struct optimizer_type aenc_optim_sgd, aenc_optim_momentum, aenc_optim_nesterov, aenc_optim_rmsprop,
    aenc_optim_adam, aenc_optim_adamw;

#endif
