/* structure_train.c - every public call that trains a model: in memory, from sources, in parts, with checkpoints that are resumed
 * by the same model and by another, layer by layer, from a teacher; and gradients against differences. */
#include <unistd.h>

#include "fuzz/structure.h"

static bool good(struct scene *s, aenc_status status) { return fuzz_good(s->world, status); }

static const char *optimizer(struct choices *c) {
    static const char *const specs[] = {"adam", "sgd", "momentum", "nesterov", "rmsprop:centered=true", "adamw:lr=0.1",
                                        "sgd:lr=1e30", "adam:lr=0"};
    return specs[choose(c, 8)];
}

static aenc_fit_options fit_options(struct scene *s) {
    static const char *const schedules[] = {NULL, "cosine:warmup=0.5", "step:every=1", "plateau:patience=0", "warmup:steps=2"};
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 1 + one_in(s->c, 4), .batch = 1 + choose(s->c, 4)};
    if (s->rows > 8) options.batch = 64;
    options.optimizer = optimizer(s->c);
    if (one_in(s->c, 3)) options.schedule = schedules[choose(s->c, 5)];
    if (one_in(s->c, 4)) options.validation_fraction = 0.4;
    if (one_in(s->c, 4)) options.clip_norm = 0.1;
    if (strstr(aenc_model_description(s->model), "\"pca\":") != NULL)
        options = (aenc_fit_options){.struct_size = sizeof options, .epochs = one_in(s->c, 2)};
    return options;
}

/* Targets of a size of their own. */
static void target_give(struct scene *s, aenc_fit_options *options, aenc_matrix *target) {
    size_t count = s->rows * s->target;
    if (aenc_model_class_count(s->model) > 0 && !one_in(s->c, 8)) {
        float *label = structure_block(s, count * sizeof *label);
        for (size_t i = 0; i < count; i++) label[i] = (float)choose(s->c, 2);
        *target = (aenc_matrix){label, s->rows, s->target, 0};
    } else if (s->target != s->in || one_in(s->c, 3)) {
        *target = structure_matrix(s, s->rows, s->target);
    } else return;
    options->target = target;
}

static void fit(struct scene *s) {
    aenc_fit_options options = fit_options(s);
    aenc_matrix x = structure_matrix(s, s->rows, s->in), target;
    target_give(s, &options, &target);
    if (options.target == NULL && one_in(s->c, 4) && options.validation_fraction == 0) options.valid = &x;
    if (one_in(s->c, 16)) aenc_model_cancel(s->model);
    good(s, aenc_fit(s->model, &x, &options));
}

static void partial_fit(struct scene *s) {
    aenc_fit_options options = {.struct_size = sizeof options, .batch = 2};
    aenc_matrix x = structure_matrix(s, s->rows, s->in), target;
    target_give(s, &options, &target);
    good(s, aenc_partial_fit(s->model, &x, &options));
    good(s, aenc_partial_fit(s->model, &x, &options));
}

static aenc_source *source(struct scene *s, const aenc_matrix *x) {
    aenc_source *made = NULL;
    return fuzz_made(s->world, aenc_source_matrix(s->world->ctx, x, &made), made) ? made : NULL;
}

static void fit_source(struct scene *s) {
    aenc_fit_options options = fit_options(s);
    aenc_matrix x = structure_matrix(s, s->rows, s->in);
    aenc_source *from = source(s, &x);
    if (from != NULL) good(s, aenc_fit_source(s->model, from, &options));
    aenc_source_free(from);
}

static void step(struct scene *s) {
    aenc_optimizer *o = NULL;
    aenc_batch batch = {.struct_size = sizeof batch, .input = structure_matrix(s, s->rows, s->in)};
    double loss;
    if (s->target != s->in || one_in(s->c, 3)) batch.target = structure_matrix(s, s->rows, s->target);
    if (!fuzz_made(s->world, aenc_optimizer_create(s->model, optimizer(s->c), &o), o)) return;
    if (one_in(s->c, 3)) good(s, aenc_optimizer_set_clipping(o, 0.5, 0));
    good(s, aenc_model_gradients(s->model, &batch, &loss));
    good(s, aenc_optimizer_apply(o));
    good(s, aenc_optimizer_set_learning_rate(o, 0.01));
    FUZZ_DEMAND(!(aenc_optimizer_learning_rate(o) < 0));
    good(s, aenc_model_step(s->model, o, &batch, &loss));
    aenc_optimizer_free(o);
}

static void gradient_check(struct scene *s) {
    const char *worst;
    double off;
    aenc_batch batch = {.struct_size = sizeof batch, .input = structure_matrix(s, s->rows, s->in)};
    aenc_gradient_check options = {.struct_size = sizeof options, .directions = 1};
    if (aenc_model_tensor_count(s->model) > 12 || aenc_model_parameter_size(s->model) > 3000) return;
    good(s, aenc_check_gradients(s->model, &batch, &options, &off, &worst));
}

/* ---- Checkpoints ---- */

static void checkpoint(struct scene *s) {
    aenc_fit_options options = fit_options(s), more;
    aenc_matrix x = structure_matrix(s, s->rows, s->in), target;
    aenc_model *loaded = NULL;
    aenc_detector *detector = NULL;
    target_give(s, &options, &target);
    options.checkpoint = s->path;
    unlink(s->path);
    good(s, aenc_fit(s->model, &x, &options));
    if (fuzz_made(s->world, aenc_model_load(s->world->ctx, s->path, &loaded), loaded)) {
        FUZZ_DEMAND(aenc_model_input_size(loaded) == s->in);
        fuzz_model_round_trip(s->world, loaded);
    }
    FUZZ_DEMAND(aenc_detector_load(s->world->ctx, s->path, &detector) != AENC_OK && detector == NULL);
    s->world->memory.refused = 0;
    more = options;
    more.epochs = options.epochs + 1;
    more.resume = one_in(s->c, 2) ? AENC_RESUME_REQUIRED : AENC_RESUME_IF_THERE;
    good(s, aenc_fit(s->model, &x, &more));
    if (loaded != NULL) good(s, aenc_fit(loaded, &x, &more));
    if (s->other != NULL) {
        aenc_matrix y = structure_matrix(s, s->rows, aenc_model_input_size(s->other));
        more.target = NULL;
        good(s, aenc_fit(s->other, &y, &more));
    }
    aenc_model_free(loaded);
    unlink(s->path);
}

static void checkpoint_source(struct scene *s) {
    aenc_fit_options options = fit_options(s);
    aenc_matrix x = structure_matrix(s, s->rows, s->in);
    aenc_source *from = source(s, &x);
    options.checkpoint = s->path;
    unlink(s->path);
    if (from != NULL && good(s, aenc_fit_source(s->model, from, &options))) {
        options.epochs++;
        options.resume = AENC_RESUME_REQUIRED;
        good(s, aenc_fit_source(s->model, from, &options));
        if (s->other != NULL) good(s, aenc_fit_source(s->other, from, &options));
    }
    aenc_source_free(from);
    unlink(s->path);
}

/* ---- Stacks and teachers ---- */

static void layers_forget(const struct scene *s) {
    char path[96];
    for (int layer = 1; layer < 12; layer++) {
        snprintf(path, sizeof path, "%s.layer-%d", s->path, layer);
        unlink(path);
    }
}

static aenc_pretrain_options pretrain_options(struct scene *s, aenc_fit_options *fit) {
    static const char *const penalties[] = {"l1:weight=0.1", "contractive:weight=0.1", "plug_penalty:weight=1"};
    aenc_pretrain_options options = {.struct_size = sizeof options, .fit = fit};
    *fit = fit_options(s);
    if (one_in(s->c, 3)) options.tied = 1;
    if (one_in(s->c, 3)) options.penalties = penalties + choose(s->c, 3), options.penalty_count = 1;
    if (one_in(s->c, 4)) options.loss = one_in(s->c, 2) ? "bce" : "mae";
    if (one_in(s->c, 4)) options.first = 1;
    if (one_in(s->c, 4)) fit->checkpoint = s->path;
    return options;
}

static void pretrain(struct scene *s) {
    aenc_fit_options fit;
    aenc_pretrain_options options = pretrain_options(s, &fit);
    aenc_matrix x = structure_matrix(s, s->rows, s->in);
    good(s, aenc_pretrain(s->model, &x, &options));
    if (fit.checkpoint == NULL) return;
    fit.resume = AENC_RESUME_IF_THERE;
    good(s, aenc_pretrain(s->model, &x, &options));
    if (s->other != NULL && aenc_model_input_size(s->other) == s->in) good(s, aenc_pretrain(s->other, &x, &options));
    layers_forget(s);
}

static void pretrain_source(struct scene *s) {
    aenc_fit_options fit;
    aenc_pretrain_options options = pretrain_options(s, &fit);
    aenc_matrix x = structure_matrix(s, s->rows, s->in);
    aenc_source *from = source(s, &x);
    if (from != NULL) good(s, aenc_pretrain_source(s->model, from, &options));
    aenc_source_free(from);
    layers_forget(s);
}

static void distill(struct scene *s) {
    aenc_fit_options fit = fit_options(s);
    double output, code;
    aenc_distill_options options = {.struct_size = sizeof options, .fit = &fit, .output_loss = &output, .code_loss = &code};
    aenc_matrix x = structure_matrix(s, s->rows, s->in);
    if (one_in(s->c, 3)) options.output_weight = 1;
    good(s, aenc_distill(s->model, s->other != NULL && !one_in(s->c, 4) ? s->other : s->model, &x, &options));
}

static void distill_source(struct scene *s) {
    aenc_fit_options fit = fit_options(s);
    aenc_distill_options options = {.struct_size = sizeof options, .fit = &fit};
    aenc_matrix x = structure_matrix(s, s->rows, s->in);
    aenc_source *from = source(s, &x);
    if (from != NULL) good(s, aenc_distill_source(s->model, s->other != NULL ? s->other : s->model, from, &options));
    aenc_source_free(from);
}

static void (*const trainings[STRUCTURE_TRAINING])(struct scene *) = {
    fit, partial_fit, fit_source, step, gradient_check, checkpoint, checkpoint_source, pretrain, pretrain_source, distill,
    distill_source,
};

void structure_train(struct scene *s, unsigned which) { trainings[which](s); }
