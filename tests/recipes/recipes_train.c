/* recipes_train.c - training other than one aenc_fit: the caller's loop, parts, checkpoints, stacks, distillation,
 * plug-ins. */
#include "recipes/recipes.h"

#include <autoenc/ops.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the recipe with the plain model's digests. */
static void finish(struct recipe_run *run, aenc_model *model) {
    aenc_matrix x = recipe_x(run->data, ROWS);
    recipe_finish(run, model, &x);
}

/* Fits the plain rows. */
static void fit(struct recipe_run *run, aenc_model *model, const aenc_fit_options *options) {
    aenc_matrix x = recipe_x(run->data, ROWS);
    if (model != NULL) recipe_good(run, aenc_fit(model, &x, options));
}

static aenc_model *model_with(struct recipe_run *run, aenc_model_options options) {
    static const size_t input[] = {COLS}, widths[] = {16, CODE};
    aenc_model *model;
    options.struct_size = sizeof options;
    options.input = input;
    options.input_rank = 1;
    if (options.encoder_layers == NULL) {
        options.encoder_widths = widths;
        options.encoder_count = 2;
    }
    recipe_good(run, aenc_model_create(run->ctx, &options, &model));
    return model;
}

/* ---- Targets ---- */

static void target(struct recipe_run *run) {
    aenc_matrix inverse = {run->data->inverse, ROWS, COLS, 0};
    aenc_fit_options o = recipe_fit();
    o.target = &inverse;
    o.validation_fraction = 0.1;
    aenc_model *model = recipe_model(run);
    fit(run, model, &o);
    finish(run, model);
}

static void target_of_other_size(struct recipe_run *run) {
    static const char *const encoder[] = {"dense:units=16,activation=relu", "dense:units=8", NULL};
    static const char *const decoder[] = {"dense:units=12,activation=relu", "dense:units=6", NULL};
    aenc_matrix part = {run->data->part, ROWS, CODE, 0};
    aenc_fit_options o = recipe_fit();
    o.target = &part;
    aenc_model_options mo = {0};
    aenc_layer *encoder_layers = recipe_layers(run, encoder), *decoder_layers = recipe_layers(run, decoder);
    mo.encoder_layers = encoder_layers;
    mo.decoder_layers = decoder_layers;
    aenc_model *model = model_with(run, mo);
    aenc_layer_free(encoder_layers);
    aenc_layer_free(decoder_layers);
    fit(run, model, &o);
    finish(run, model);
}

/* ---- The caller's loop ---- */

static aenc_batch batch_at(const struct recipe_run *run, size_t first, size_t rows, int weights) {
    aenc_batch batch = {.struct_size = sizeof batch, .input = recipe_x(run->data, rows)};
    batch.input.data += first * COLS;
    batch.weight = weights ? run->data->weight + first : NULL;
    batch.weight_count = weights ? rows : 0;
    return batch;
}

/* Steps of `rows` rows through the data, twice; the losses are digested. */
static void loop(struct recipe_run *run, aenc_model *model, aenc_optimizer *optimizer, size_t rows, int weights) {
    for (size_t first = 0, pass = 0; pass < 2; first += rows) {
        if (first + rows > ROWS) {
            first = 0;
            pass++;
        }
        double loss = 0;
        aenc_batch batch = batch_at(run, first, rows, weights);
        if (!recipe_good(run, aenc_model_set_epochs(model, (double)pass + (double)first / ROWS)) ||
            !recipe_good(run, aenc_model_step(model, optimizer, &batch, &loss)))
            return;
        recipe_digest_doubles(run, DIGEST_LOSSES, &loss, 1);
    }
}

static void loop_with(struct recipe_run *run, aenc_model *model, size_t rows, int weights) {
    aenc_optimizer *optimizer = NULL;
    if (model != NULL && recipe_good(run, aenc_optimizer_create(model, "adam:lr=1e-2", &optimizer)) &&
        recipe_good(run, aenc_optimizer_set_clipping(optimizer, 0.5, 0.1))) {
        loop(run, model, optimizer, rows, weights);
        recipe_good(run, aenc_optimizer_set_learning_rate(optimizer, 3e-3));
        loop(run, model, optimizer, rows, weights);
    }
    aenc_optimizer_free(optimizer);
    finish(run, model);
}

static void steps(struct recipe_run *run) { loop_with(run, recipe_model(run), 100, 0); }
static void steps_weighted(struct recipe_run *run) { loop_with(run, recipe_model(run), 90, 1); }

static void steps_weighted_penalties(struct recipe_run *run) {
    static const char *const penalties[] = {"decorrelation:weight=1e-2", "kl:weight=1e-2,momentum=0.9",
                                            "contractive:weight=1e-3"};
    static const char *const corruptions[] = {"mask:level=0.4,to=0.1,over=2"};
    aenc_model_options o = {.code_activation = "sigmoid",
                            .penalties = penalties,
                            .penalty_count = 3,
                            .corruptions = corruptions,
                            .corruption_count = 1};
    loop_with(run, model_with(run, o), 80, 1);
}

/* Gradients without steps, then a step of them. */
static void gradients(struct recipe_run *run) {
    aenc_model *model = recipe_model(run);
    aenc_optimizer *optimizer = NULL;
    double loss[2] = {0, 0};
    aenc_batch batch = batch_at(run, 0, 150, 1);
    if (model == NULL || !recipe_good(run, aenc_optimizer_create(model, "sgd:lr=0.1", &optimizer)) ||
        !recipe_good(run, aenc_model_gradients(model, &batch, &loss[0])) ||
        !recipe_good(run, aenc_model_evaluate(model, &batch, &loss[1])))
        return;
    const char *name;
    for (size_t i = 0; (name = aenc_model_tensor_name(model, i)) != NULL; i++) {
        aenc_tensor *tensor;
        float values[COLS * 16];
        if (!recipe_good(run, aenc_model_gradient_get(model, name, &tensor))) break;
        size_t count = aenc_tensor_count(tensor);
        if (recipe_good(run, aenc_tensor_read(tensor, values, count)))
            recipe_digest(run, DIGEST_LOSSES, values, count * sizeof *values);
        aenc_tensor_free(tensor);
    }
    recipe_good(run, aenc_optimizer_apply(optimizer));
    recipe_digest_doubles(run, DIGEST_LOSSES, loss, 2);
    aenc_optimizer_free(optimizer);
    finish(run, model);
}

/* ---- Parts ---- */

static void partial(struct recipe_run *run, const size_t *rows, size_t parts) {
    aenc_model *model = recipe_model(run);
    aenc_fit_options o = {.struct_size = sizeof o, .optimizer = "adam:lr=1e-2", .batch = 50};
    size_t first = 0;
    for (size_t i = 0; model != NULL && i < parts; first += rows[i], i++) {
        aenc_matrix x = recipe_x(run->data, rows[i]);
        x.data += first * COLS;
        recipe_good(run, aenc_partial_fit(model, &x, &o));
    }
    finish(run, model);
}

static void partial_fit_whole(struct recipe_run *run) { partial(run, (const size_t[]){ROWS}, 1); }
static void partial_fit_parts(struct recipe_run *run) { partial(run, (const size_t[]){50, 150, 200}, 3); }

static void partial_fit_rates(struct recipe_run *run) {
    aenc_model *model = recipe_model(run);
    aenc_matrix x = recipe_x(run->data, ROWS);
    static const char *const optimizers[] = {"rmsprop:lr=1e-3", "rmsprop:lr=5e-4", "sgd:lr=0.1"};
    for (size_t i = 0; model != NULL && i < 3; i++) {
        aenc_fit_options o = {.struct_size = sizeof o, .optimizer = optimizers[i], .clip_norm = 0.2};
        recipe_good(run, aenc_partial_fit(model, &x, &o));
        if (i == 1) aenc_model_forget_optimizer(model);
    }
    finish(run, model);
}

static void fit_twice(struct recipe_run *run) {
    aenc_model *model = recipe_model(run);
    aenc_fit_options o = recipe_fit();
    fit(run, model, &o);
    o.optimizer = "momentum:lr=0.05";
    fit(run, model, &o);
    finish(run, model);
}

/* ---- Checkpoints ---- */

struct stop {
    int64_t epoch, step;
};

static int stop_at(void *user, const aenc_progress *now) {
    const struct stop *stop = user;
    return now->event == AENC_EVENT_STEP && now->epoch == stop->epoch && now->step == stop->step;
}

/* A fit with corruption that patience ends after its best epoch. With stop it is interrupted there and resumed by a new
 * model. */
static void checkpointed(struct recipe_run *run, const struct stop *stop) {
    static const char *const corruptions[] = {"mask:level=0.4,to=0.1,over=5"};
    static const char *const penalties[] = {"kl:weight=1e-2,momentum=0.9,warmup=4"};
    aenc_model_options mo = {.corruptions = corruptions,
                             .corruption_count = 1,
                             .penalties = penalties,
                             .penalty_count = 1,
                             .code_activation = "sigmoid"};
    char path[RECIPE_PATH];
    recipe_path(run, "checkpoint.safetensors", path);
    aenc_fit_options o = recipe_fit();
    o.optimizer = "adam:lr=0.1";
    o.schedule = "plateau:patience=2,factor=0.5";
    o.epochs = 12;
    o.validation_fraction = 0.2;
    o.patience = 4;
    o.checkpoint = path;
    aenc_model *model = model_with(run, mo);
    if (stop != NULL) {
        o.progress = stop_at;
        o.progress_user = (void *)stop;
        fit(run, model, &o);
        aenc_model_free(model);
        o.progress = NULL;
        o.resume = AENC_RESUME_REQUIRED;
        model = model_with(run, mo);
    }
    fit(run, model, &o);
    remove(path);
    finish(run, model);
}

static void checkpoint(struct recipe_run *run) { checkpointed(run, NULL); }
static void checkpoint_resumed(struct recipe_run *run) { checkpointed(run, &(struct stop){4, 2}); }
static void checkpoint_resumed_late(struct recipe_run *run) { checkpointed(run, &(struct stop){9, 3}); }
static void checkpoint_resumed_early(struct recipe_run *run) { checkpointed(run, &(struct stop){1, 1}); }

/* ---- Stacks ---- */

static aenc_model *stack(struct recipe_run *run) {
    aenc_model_options o = {.activation = "sigmoid", .code_activation = "sigmoid", .output = "sigmoid", .loss = "bce"};
    return model_with(run, o);
}

static void pretrained(struct recipe_run *run, aenc_model *model, const aenc_pretrain_options *options, int source) {
    aenc_matrix x = recipe_x(run->data, ROWS);
    aenc_source *rows = NULL;
    if (model != NULL && source) {
        if (recipe_good(run, aenc_source_matrix(run->ctx, &x, &rows)))
            recipe_good(run, aenc_pretrain_source(model, rows, options));
    } else if (model != NULL)
        recipe_good(run, aenc_pretrain(model, &x, options));
    aenc_source_free(rows);
    if (model != NULL) recipe_digest_weights(run, model);
    aenc_fit_options o = recipe_fit();
    fit(run, model, &o);
    finish(run, model);
}

static void pretrain_stack(struct recipe_run *run, int from_source) {
    aenc_fit_options o = recipe_fit();
    double losses[2] = {0, 0};
    aenc_pretrain_options p = {.struct_size = sizeof p, .fit = &o, .losses = losses, .loss_count = 2};
    pretrained(run, stack(run), &p, from_source);
    recipe_digest_doubles(run, DIGEST_LOSSES, losses, 2);
}

static void pretrain(struct recipe_run *run) { pretrain_stack(run, 0); }
static void pretrain_source(struct recipe_run *run) { pretrain_stack(run, 1); }

static void pretrain_denoising(struct recipe_run *run) {
    static const char *const corruptions[] = {"mask:level=0.25"}, *const penalties[] = {"l1:weight=1e-3"};
    aenc_fit_options o = recipe_fit();
    aenc_pretrain_options p = {.struct_size = sizeof p,
                               .fit = &o,
                               .loss = "mse",
                               .tied = 1,
                               .corruptions = corruptions,
                               .corruption_count = 1,
                               .penalties = penalties,
                               .penalty_count = 1};
    pretrained(run, recipe_model(run), &p, 0);
}

static void grow(struct recipe_run *run) {
    aenc_model *model = recipe_model(run), *grown = NULL;
    aenc_fit_options o = recipe_fit();
    aenc_layer *layer = NULL;
    fit(run, model, &o);
    if (model != NULL && recipe_good(run, aenc_layer_create(run->ctx, "dense:units=4,init=he_normal", &layer)))
        recipe_good(run, aenc_model_grow(model, layer, &grown));
    aenc_layer_free(layer);
    aenc_model_free(model);
    fit(run, grown, &o);
    finish(run, grown);
}

/* ---- Teachers, copies, frozen parameters ---- */

static void distilled(struct recipe_run *run, int source) {
    static const char *const corruptions[] = {"gaussian:sigma=0.1"};
    aenc_model *teacher = recipe_model(run);
    aenc_model *student = model_with(run, (aenc_model_options){.corruptions = corruptions, .corruption_count = 1});
    aenc_fit_options o = recipe_fit();
    double losses[2] = {0, 0};
    aenc_distill_options d = {.struct_size = sizeof d,
                              .fit = &o,
                              .output_weight = 1,
                              .code_weight = 0.5,
                              .output_loss = &losses[0],
                              .code_loss = &losses[1]};
    aenc_matrix x = recipe_x(run->data, ROWS);
    fit(run, teacher, &o);
    aenc_source *rows = NULL;
    if (teacher != NULL && student != NULL && source) {
        if (recipe_good(run, aenc_source_matrix(run->ctx, &x, &rows)))
            recipe_good(run, aenc_distill_source(student, teacher, rows, &d));
    } else if (teacher != NULL && student != NULL)
        recipe_good(run, aenc_distill(student, teacher, &x, &d));
    aenc_source_free(rows);
    recipe_digest_doubles(run, DIGEST_LOSSES, losses, 2);
    aenc_model_free(teacher);
    finish(run, student);
}

static void distill(struct recipe_run *run) { distilled(run, 0); }
static void distill_source(struct recipe_run *run) { distilled(run, 1); }

static void freeze(struct recipe_run *run) {
    aenc_model *model = recipe_model(run);
    aenc_fit_options o = recipe_fit();
    if (model != NULL) recipe_good(run, aenc_model_freeze(model, "encoder.0", 1));
    fit(run, model, &o);
    if (model != NULL) recipe_good(run, aenc_model_freeze(model, "", 1));
    if (model != NULL) recipe_good(run, aenc_model_freeze(model, "decoder", 0));
    fit(run, model, &o);
    finish(run, model);
}

static void transplant(struct recipe_run *run) {
    aenc_model *from = recipe_model(run), *to = model_with(run, (aenc_model_options){.tied = 1, .activation = "tanh"});
    aenc_fit_options o = recipe_fit();
    fit(run, from, &o);
    if (from != NULL && to != NULL) recipe_good(run, aenc_model_copy(to, "encoder", from, "encoder"));
    aenc_model_free(from);
    if (to != NULL) recipe_good(run, aenc_model_freeze(to, "encoder.0", 1));
    fit(run, to, &o);
    finish(run, to);
}

static void saved(struct recipe_run *run) {
    aenc_model *model = model_with(run, (aenc_model_options){.scaling = "standard"}), *loaded = NULL;
    aenc_fit_options o = recipe_fit();
    char path[RECIPE_PATH];
    recipe_path(run, "model.safetensors", path);
    fit(run, model, &o);
    if (model != NULL && recipe_good(run, aenc_model_save(model, path)))
        recipe_good(run, aenc_model_load(run->ctx, path, &loaded));
    remove(path);
    aenc_model_free(model);
    fit(run, loaded, &o);
    finish(run, loaded);
}

/* ---- Plug-ins ---- */

/* x + tanh(x s), s trained; noise while training. */
static aenc_node *gate_layer(void *user, aenc_recorder *recorder, aenc_node *x) {
    (void)user;
    size_t dims[] = {aenc_node_dim(x, 0)};
    aenc_node *scale = aenc_node_parameter(recorder, "scale", dims, 1, "constant:gain=0.5");
    aenc_node *gate = aenc_node_function(recorder, "tanh", aenc_node_multiply(recorder, x, scale));
    if (aenc_recorder_training(recorder))
        gate = aenc_node_add(recorder, gate,
                             aenc_node_affine(recorder, aenc_node_normal(recorder, "noise", dims, 1), 0.01, 0));
    return aenc_node_add(recorder, x, gate);
}

/* log(1 + d^2), the mean over the elements. */
static aenc_node *cauchy_loss(void *user, aenc_recorder *recorder, aenc_node *output, aenc_node *target_node) {
    (void)user;
    aenc_node *square = aenc_node_function(recorder, "square", aenc_node_subtract(recorder, output, target_node));
    aenc_node *term = aenc_node_function(recorder, "log", aenc_node_affine(recorder, square, 1, 1));
    return aenc_node_row_mean(recorder, term);
}

static void plugins(struct recipe_run *run) {
    static const aenc_plugin gate = {.struct_size = sizeof gate,
                                     .kind = AENC_PLUGIN_LAYER,
                                     .name = "gate",
                                     .layer = gate_layer,
                                     .mirror_role = AENC_MIRROR_REPEATED};
    static const aenc_plugin cauchy = {
        .struct_size = sizeof cauchy, .kind = AENC_PLUGIN_LOSS, .name = "cauchy", .loss = cauchy_loss};
    static const char *const encoder[] = {"dense:units=16", "gate", "dense:units=6", NULL};
    if (!recipe_good(run, aenc_register(run->ctx, &gate)) || !recipe_good(run, aenc_register(run->ctx, &cauchy)))
        return;
    aenc_layer *layers = recipe_layers(run, encoder);
    aenc_model *model = model_with(run, (aenc_model_options){.encoder_layers = layers, .loss = "cauchy"});
    aenc_layer_free(layers);
    aenc_fit_options o = recipe_fit();
    fit(run, model, &o);
    finish(run, model);
}

const struct recipe train_recipes[] = {
    {"target", target, 0},
    {"target_of_other_size", target_of_other_size, 0},
    {"steps", steps, 0},
    {"steps_weighted", steps_weighted, 0},
    {"steps_weighted_penalties", steps_weighted_penalties, 0},
    {"gradients", gradients, 0},
    {"partial_fit", partial_fit_whole, 0},
    {"partial_fit_parts", partial_fit_parts, 0},
    {"partial_fit_rates", partial_fit_rates, 0},
    {"fit_twice", fit_twice, 0},
    {"checkpoint", checkpoint, 0},
    {"checkpoint_resumed", checkpoint_resumed, 0},
    {"checkpoint_resumed_early", checkpoint_resumed_early, 0},
    {"checkpoint_resumed_late", checkpoint_resumed_late, 0},
    {"pretrain", pretrain, 0},
    {"pretrain_denoising", pretrain_denoising, 0},
    {"pretrain_source", pretrain_source, 0},
    {"grow", grow, 0},
    {"distill", distill, 0},
    {"distill_source", distill_source, 0},
    {"freeze", freeze, 0},
    {"transplant", transplant, 0},
    {"saved", saved, 0},
    {"plugins", plugins, 0},
    {0},
};
