/* detector_fit.c - the model of a detector and its training.
 *
 * The encoder adds the correction of 64 hidden tanh units to its input, the decoder is linear: a linear path, which
 * is all that Gaussian data need, and what they do not have beside it. 1000 steps of 128 rows; Adam, its learning
 * rate falling in a line to 0. Cells are limited to their column's bounds by the clip of the model's scaling, before
 * the noise: whatever a row holds, its share of the gradient has a bound.
 */
#include <math.h>
#include <string.h>

#include "train/fit.h"
#include "use/detector.h"

enum { HIDDEN = 64, UNITS = 8, BATCH = 128, STEPS = 1000 };
static const double learning_rate = 3e-3;

/* The scaling with its clip: the caller's where it has one, else DETECTOR_CLIP, or true for minmax. */
static aenc_status scaling_add(struct arena *arena, const char *scaling, struct json *given) {
    struct json *parsed, *clip = NULL;
    aenc_status status = aenc_settings_parse(arena, "scaling", scaling == NULL ? "standard" : scaling, &parsed);
    if (status != AENC_OK) return status;
    enum scaling kind = aenc_scaling_kind(parsed);
    for (struct json *member = parsed->first; member != NULL; member = member->next)
        if (strcmp(member->key, "clip") == 0) clip = member;
    if (clip != NULL && kind == SCALING_MINMAX && clip->kind == JSON_BOOL)
        clip->truth = true;
    else if (clip != NULL && clip->kind == JSON_NUMBER && clip->number == 0)
        clip->number = DETECTOR_CLIP;
    else if (clip == NULL && kind == SCALING_MINMAX)
        aenc_json_add_bool(arena, parsed, "clip", true);
    else if (clip == NULL)
        aenc_json_add_number(arena, parsed, "clip", DETECTOR_CLIP);
    aenc_json_add_copy(arena, given, "scaling", parsed);
    return AENC_OK;
}

static void dense_add(struct arena *arena, struct json *to, const char *key, int64_t units, const char *activation) {
    struct json *dense = aenc_json_add(arena, to, key, JSON_OBJECT);
    aenc_json_add_text(arena, dense, "type", "dense");
    aenc_json_add_number(arena, dense, "units", (double)units);
    if (activation != NULL) aenc_json_add_text(arena, dense, "activation", activation);
}

static void layers_add(struct arena *arena, int64_t cols, struct json *given) {
    struct json *encoder = aenc_json_add(arena, given, "encoder", JSON_OBJECT);
    aenc_json_add_text(arena, encoder, "type", "residual");
    struct json *layers = aenc_json_add(arena, encoder, "layers", JSON_ARRAY);
    dense_add(arena, layers, NULL, HIDDEN, "tanh");
    dense_add(arena, layers, NULL, cols, NULL);
    dense_add(arena, given, "decoder", cols, NULL);
}

/* A variational one: 64 hidden tanh units either way. Scores draw, so the seed is the model's own. */
static aenc_status variational_add(struct arena *arena, int64_t cols, const aenc_detector_options *o,
                                   struct json *given) {
    struct json *bottleneck;
    aenc_status status = aenc_settings_parse(arena, "bottleneck", o->bottleneck, &bottleneck);
    if (status != AENC_OK) return status;
    if (strcmp(aenc_settings_type(bottleneck), "gaussian") == 0 && aenc_json_member(bottleneck, "units") == NULL)
        aenc_json_add_number(arena, bottleneck, "units", (double)(cols < UNITS ? cols : UNITS));
    dense_add(arena, given, "encoder", HIDDEN, "tanh");
    aenc_json_add_copy(arena, given, "bottleneck", bottleneck);
    struct json *decoder = aenc_json_add(arena, given, "decoder", JSON_OBJECT);
    aenc_json_add_text(arena, decoder, "type", "sequential");
    struct json *layers = aenc_json_add(arena, decoder, "layers", JSON_ARRAY);
    dense_add(arena, layers, NULL, HIDDEN, "tanh");
    dense_add(arena, layers, NULL, cols, NULL);
    aenc_json_add_text(arena, given, "loss", o->likelihood == NULL ? "gaussian:learned=one" : o->likelihood);
    aenc_json_add_u64(arena, given, "seed", arena->ctx->seed);
    return AENC_OK;
}

static aenc_status model_make(aenc_context *ctx, int64_t cols, const aenc_detector_options *options, double noise,
                              struct aenc_model **out) {
    struct arena arena;
    aenc_arena_create(ctx, &arena);
    struct json *given = aenc_json_root(&arena, JSON_OBJECT);
    aenc_json_add_number(&arena, aenc_json_add(&arena, given, "input", JSON_ARRAY), NULL, (double)cols);
    aenc_status status = AENC_OK;
    if (options->bottleneck == NULL)
        layers_add(&arena, cols, given);
    else
        status = variational_add(&arena, cols, options, given);
    if (status == AENC_OK) status = scaling_add(&arena, options->scaling, given);
    if (noise > 0) {
        struct json *list = aenc_json_add(&arena, given, "corrupt", JSON_ARRAY);
        struct json *gaussian = aenc_json_add(&arena, list, NULL, JSON_OBJECT);
        aenc_json_add_text(&arena, gaussian, "type", "gaussian");
        aenc_json_add_number(&arena, gaussian, "sigma", noise);
    }
    const struct json *description;
    if (status == AENC_OK && arena.failed) status = AENC_ERR_NO_MEMORY;
    if (status == AENC_OK) status = aenc_description_complete(ctx, &arena, given, &description);
    if (status != AENC_OK) {
        aenc_arena_free(&arena);
        return status;
    }
    status = aenc_model_declare(ctx, &arena, description, out);
    if (status == AENC_OK) status = aenc_store_allocate(&(*out)->store, (*out)->seed);
    if (status == AENC_OK) return AENC_OK;
    aenc_model_release(*out);
    *out = NULL;
    return status;
}

/* In a line to 0. */
static double falling(const struct schedule *schedule, int64_t step) {
    return 1 - (double)step / (double)schedule->total_steps;
}
static const struct schedule_type fall = {.name = "fall", .factor = falling};

/* Passes over the rows, each in an order of its own, until there are enough steps or the callback stops them. */
static aenc_status passes(struct fit *fit, int64_t steps) {
    int64_t each = fit->batches.train_count / fit->batch;
    aenc_status status = AENC_OK;
    fit->now.epochs = (steps + each - 1) / each;
    for (int64_t done = 0; done < steps && status == AENC_OK && !fit->stopped; done += each) {
        aenc_batches_shuffle(&fit->batches, (uint64_t)(done / each));
        fit->steps_before = done;
        fit->place = (struct place){.loss_sum = 0};
        memset(fit->term_sum, 0, fit->model->terms.count * sizeof *fit->term_sum);
        fit->begin = aenc_clock_now();
        fit->now.epoch++;
        fit->now.step = 0;
        fit->now.steps = steps - done < each ? steps - done : each;
        status = aenc_fit_steps(fit);
        if (status == AENC_OK && fit->stopped && fit->why != AENC_STOPPED_CALLBACK)
            status = aenc_ended(fit->model->ctx, "aenc_context_cancel");
    }
    return status;
}

static aenc_status train(struct aenc_model *model, const struct rows *x, const aenc_detector_options *o) {
    aenc_context *ctx = model->ctx;
    const aenc_fit_options options = {
        .struct_size = sizeof options, .progress = o->progress, .progress_user = o->progress_user};
    int64_t steps = o->steps > 0 ? o->steps : STEPS;
    struct fit fit = {.model = model,
                      .options = &options,
                      .progress_name = "aenc_detector_options.progress",
                      .now = {.struct_size = sizeof fit.now, .valid_loss = NAN, .best_valid_loss = NAN},
                      .data = {.rows = aenc_batch_of(FIELD_INPUT, x)},
                      .schedule = {.type = &fall, .base = learning_rate, .total_steps = steps},
                      .batch = x->count < BATCH ? x->count : BATCH};
    struct json *spec;
    aenc_arena_create(ctx, &fit.arena);
    aenc_status status = aenc_settings_parse(&fit.arena, "optimizer", "adam", &spec);
    if (status == AENC_OK) status = aenc_train_optimizer(model, spec, &fit.optimizer);
    if (status == AENC_OK) status = aenc_batches_create(model, x->count, 0, &fit.batches);
    fit.term_sum = aenc_arena_alloc(&fit.arena, model->terms.count, sizeof *fit.term_sum);
    if (status == AENC_OK) status = fit.term_sum == NULL ? AENC_ERR_NO_MEMORY : passes(&fit, steps);
    aenc_batches_free(&fit.batches);
    aenc_optim_free(ctx, fit.optimizer);
    aenc_arena_free(&fit.arena);
    return status;
}

aenc_status aenc_detector_fit(aenc_context *ctx, const struct rows *x, int64_t cols,
                              const aenc_detector_options *options, struct aenc_detector **out) {
    struct aenc_model *model = NULL;
    struct aenc_detector *detector = NULL;
    double noise = options->noise > 0 ? options->noise : options->bottleneck == NULL ? 1 : 0;
    enum detector_score score = options->bottleneck == NULL ? DETECTOR_ENERGY : DETECTOR_ELBO;
    const char *threshold = options->threshold == NULL ? "quantile:q=0.95" : options->threshold;
    *out = NULL;
    aenc_status status = aenc_threshold_check(ctx, threshold, (size_t)x->count);
    if (status == AENC_OK && options->score != NULL) status = aenc_detector_score_named(ctx, options->score, &score);
    if (status == AENC_OK) status = model_make(ctx, cols, options, noise, &model);
    if (status == AENC_OK) status = aenc_detector_new(model, true, &detector);
    if (status == AENC_OK) status = aenc_detector_score_check(model, score);
    if (status == AENC_OK) {
        detector->score = score;
        detector->samples = options->samples > 0 ? (int64_t)options->samples : DETECTOR_SAMPLES;
        detector->outside = options->bottleneck != NULL ? 0.5 : noise * noise / (2 * (1 + noise * noise));
        status = aenc_detector_columns_learn(detector, x);
    }
    if (status == AENC_OK) status = train(detector->model, x, options);
    if (status == AENC_OK) status = aenc_detector_calibrate(detector, x, threshold);
    if (status == AENC_OK)
        *out = detector;
    else
        aenc_detector_end(detector);
    return status;
}
