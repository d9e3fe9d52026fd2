/* arguments_test.c - every call of autoenc.h with one argument wrong: the message names that argument and no other call's. Those of
 * use.h and ops.h: arguments_use_test.c. */
#include "api/wrong.h"

/* What the calls work on beside the model of the world. */
struct scene {
    struct wrong base;
    aenc_model *teacher, *classes, *pca;
    aenc_source *rows;
    aenc_tensor *tensor;
    aenc_optimizer *optimizer;
    aenc_layer *dense, *list;
};

static aenc_model *classes_make(aenc_context *ctx) {
    static const char text[] = "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3},\"loss\":\"cross_entropy:classes=4\"}";
    aenc_model *model;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, sizeof text - 1, &model), AENC_OK);
    return model;
}

static void scene_create(struct scene *c) {
    static const size_t dim = 5;
    static char bytes[16384];
    size_t size = 0;
    wrong_create(&c->base);
    aenc_context *ctx = c->base.ctx;
    CHECK_STATUS(ctx, aenc_model_save_memory(c->base.model, bytes, sizeof bytes, &size), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_load_memory(ctx, bytes, size, &c->teacher), AENC_OK);
    c->classes = classes_make(ctx);
    CHECK_STATUS(ctx, aenc_pca_create(ctx, c->base.x, NULL, &c->pca), AENC_OK);
    CHECK_STATUS(ctx, aenc_source_matrix(ctx, c->base.x, &c->rows), AENC_OK);
    CHECK_STATUS(ctx, aenc_tensor_create(ctx, AENC_TYPE_F32, &dim, 1, &c->tensor), AENC_OK);
    CHECK_STATUS(ctx, aenc_optimizer_create(c->base.model, "sgd", &c->optimizer), AENC_OK);
    CHECK_STATUS(ctx, aenc_layer_create(ctx, "dense:units=2", &c->dense), AENC_OK);
    CHECK_STATUS(ctx, aenc_layer_create(ctx, "sequential", &c->list), AENC_OK);
}

static void scene_free(struct scene *c) {
    aenc_layer_free(c->list);
    aenc_layer_free(c->dense);
    aenc_optimizer_free(c->optimizer);
    aenc_tensor_free(c->tensor);
    aenc_source_free(c->rows);
    aenc_model_free(c->pca);
    aenc_model_free(c->classes);
    aenc_model_free(c->teacher);
    world_free(&c->base.w);
}

static void test_models(struct scene *c) {
    struct wrong *s = &c->base;
    static const size_t input[] = {6}, widths[] = {3}, zero[] = {0};
    aenc_model *model;
    const aenc_model_options good = {.struct_size = sizeof good, .input = input, .input_rank = 1, .encoder_widths = widths,
                                     .encoder_count = 1};
    aenc_model_options bad[10];
    static const char *const places[10] = {
        "aenc_model_options.struct_size", "aenc_model_options.input_rank", "aenc_model_options.encoder_count",
        "aenc_model_options.decoder_count", "unknown loss 'msee'", "unknown activation 'reluu'",
        "aenc_model_options.penalties", "unknown scaling 'odd'", "aenc_model_options.tied", "model: dimension 0 of 'input'"};
    for (int i = 0; i < 10; i++) bad[i] = good;
    bad[0].struct_size = 0;
    bad[1].input = NULL;
    bad[2].encoder_widths = NULL;
    bad[3].decoder_count = 1;
    bad[4].loss = "msee";
    bad[5].activation = "reluu";
    bad[6].penalties = (const char *const[]){NULL}, bad[6].penalty_count = 1;
    bad[7].scaling = "odd";
    bad[8].tied = 2;
    bad[9].input = zero;
    for (int i = 0; i < 10; i++) WRONG(aenc_model_create(s->ctx, &bad[i], &model), places[i]);
    WRONG(aenc_model_create(s->ctx, NULL, &model), "options is NULL");
    WRONG(aenc_model_create(s->ctx, &good, NULL), "out is NULL");
    MUTE(aenc_model_create(NULL, &good, &model));
    WRONG(aenc_model_parse(s->ctx, NULL, 1, &model), "json is NULL");
    WRONG(aenc_model_parse(s->ctx, "{}", 2, NULL), "out is NULL");
    WRONG(aenc_model_parse(s->ctx, "{", 1, &model), "the model description");
    MUTE(aenc_model_parse(NULL, "{}", 2, &model));
    WRONG(aenc_model_clone(s->ctx, NULL, 0, &model), "model is NULL");
    WRONG(aenc_model_clone(NULL, s->model, 0, NULL), "out is NULL");
    MUTE(aenc_model_clone(NULL, NULL, 0, &model));
    WRONG(aenc_model_grow(NULL, c->dense, &model), "model is NULL");
    WRONG(aenc_model_grow(s->model, NULL, &model), "layers is NULL");
    WRONG(aenc_model_grow(s->model, c->dense, NULL), "out is NULL");
    WRONG(aenc_model_grow(NULL, c->dense, NULL), "model is NULL");
    WRONG(aenc_layer_create(s->ctx, NULL, (aenc_layer **)&model), "spec is NULL");
    WRONG(aenc_layer_create(s->ctx, "dense", NULL), "out is NULL");
    WRONG(aenc_layer_create(s->ctx, "densee", (aenc_layer **)&model), "unknown layer 'densee'");
    MUTE(aenc_layer_create(NULL, "dense:units=1", (aenc_layer **)&model));
    WRONG(aenc_layer_add(NULL, c->dense), "container is NULL");
    WRONG(aenc_layer_add(c->list, NULL), "child is NULL");
    WRONG(aenc_layer_add(c->dense, c->dense), "child");
    WRONG(aenc_layer_add(c->list, c->list), "child");
}

/* ---- Training ---- */

static void test_fits(struct scene *c) {
    struct wrong *s = &c->base;
    const aenc_fit_options unset = {.struct_size = 0}, negative = {sizeof negative, .epochs = -1};
    for (int i = 0; i < BAD; i++) {
        const aenc_fit_options valid = {sizeof valid, .valid = s->bad[i]}, target = {sizeof target, .target = s->bad[i]};
        WRONG(aenc_fit(s->model, s->bad[i], NULL), "x");
        WRONG(aenc_partial_fit(s->model, s->bad[i], NULL), "x");
        WRONG(aenc_pretrain(s->model, s->bad[i], NULL), "x");
        WRONG(aenc_distill(s->model, c->teacher, s->bad[i], NULL), "x");
        WRONG(aenc_fit(c->pca, s->bad[i], NULL), "x");
        WRONG(aenc_partial_fit(c->pca, s->bad[i], NULL), "x");
        if (i == BAD_NULL) continue;
        WRONG(aenc_fit(s->model, s->x, &valid), "valid");
        WRONG(aenc_fit(s->model, s->x, &target), "target");
        WRONG(aenc_partial_fit(s->model, s->x, &target), "target");
        WRONG(aenc_fit_source(s->model, c->rows, &valid), "valid");
    }
    WRONG(aenc_fit(s->model, s->x, &unset), "aenc_fit_options.struct_size");
    WRONG(aenc_partial_fit(s->model, s->x, &unset), "aenc_fit_options.struct_size");
    WRONG(aenc_fit_source(s->model, c->rows, &unset), "aenc_fit_options.struct_size");
    WRONG(aenc_fit(s->model, s->x, &negative), "aenc_fit_options.epochs");
    WRONG(aenc_partial_fit(s->model, s->x, &negative), "aenc_fit_options.epochs");
    WRONG(aenc_fit_source(s->model, c->rows, &negative), "aenc_fit_options.epochs");
    WRONG(aenc_fit_source(s->model, NULL, NULL), "source is NULL");
    WRONG(aenc_fit_source(NULL, c->rows, NULL), "model is NULL");
    MUTE(aenc_fit(NULL, s->x, NULL));
    MUTE(aenc_partial_fit(NULL, s->x, NULL));
    MUTE(aenc_fit_source(NULL, NULL, NULL));
}

static void test_stacks(struct scene *c) {
    struct wrong *s = &c->base;
    double losses[2];
    const aenc_pretrain_options unset = {.struct_size = 0}, first = {sizeof first, .first = -1},
                                losing = {sizeof losing, .loss_count = 2}, low = {sizeof low, .losses = losses, .count = -1},
                                loss = {sizeof loss, .loss = "msee"};
    const aenc_distill_options none = {.struct_size = 0}, weight = {sizeof weight, .output_weight = (double)NAN};
    WRONG(aenc_pretrain(s->model, s->x, &unset), "aenc_pretrain_options.struct_size");
    WRONG(aenc_pretrain_source(s->model, c->rows, &unset), "aenc_pretrain_options.struct_size");
    WRONG(aenc_pretrain(s->model, s->x, &first), "aenc_pretrain_options: first");
    WRONG(aenc_pretrain_source(s->model, c->rows, &low), "aenc_pretrain_options: first|count -1");
    WRONG(aenc_pretrain(s->model, s->x, &losing), "aenc_pretrain_options.loss_count is 2, and losses is NULL");
    WRONG(aenc_pretrain_source(s->model, c->rows, &losing), "aenc_pretrain_options.loss_count is 2, and losses is NULL");
    WRONG(aenc_pretrain(s->model, s->x, &loss), "unknown loss 'msee'");
    WRONG(aenc_pretrain_source(s->model, NULL, NULL), "source is NULL");
    WRONG(aenc_pretrain_source(NULL, c->rows, NULL), "model is NULL");
    MUTE(aenc_pretrain(NULL, s->x, NULL));
    MUTE(aenc_pretrain_source(NULL, NULL, NULL));
    WRONG(aenc_distill(NULL, c->teacher, s->x, NULL), "student is NULL");
    WRONG(aenc_distill(s->model, NULL, s->x, NULL), "teacher is NULL");
    WRONG(aenc_distill(s->model, s->model, s->x, NULL), "student and teacher");
    WRONG(aenc_distill(s->model, c->classes, s->x, NULL), "loss 'cross_entropy'");
    WRONG(aenc_distill(s->model, c->teacher, s->x, &none), "aenc_distill_options.struct_size");
    WRONG(aenc_distill(s->model, c->teacher, s->x, &weight), "aenc_distill_options: output_weight");
    WRONG(aenc_distill_source(NULL, c->teacher, c->rows, NULL), "student is NULL");
    WRONG(aenc_distill_source(NULL, NULL, c->rows, NULL), "student is NULL");
    WRONG(aenc_distill_source(s->model, NULL, c->rows, NULL), "teacher is NULL");
    WRONG(aenc_distill_source(s->model, c->teacher, NULL, NULL), "source is NULL");
    WRONG(aenc_distill_source(s->model, s->model, c->rows, NULL), "student and teacher");
    WRONG(aenc_distill_source(s->model, c->classes, c->rows, NULL), "loss 'cross_entropy'");
    WRONG(aenc_distill_source(s->model, c->teacher, c->rows, &none), "aenc_distill_options.struct_size");
    WRONG(aenc_distill_source(s->model, c->teacher, c->rows, &weight), "aenc_distill_options: output_weight");
    MUTE(aenc_distill(NULL, NULL, s->x, NULL));
    MUTE(aenc_distill_source(NULL, NULL, NULL, NULL));
}

static void test_loop(struct scene *c) {
    struct wrong *s = &c->base;
    double loss;
    const aenc_batch good = {.struct_size = sizeof good, .input = *s->x}, unset = {.input = *s->x},
                     heavy = {sizeof heavy, .input = *s->x, .weight_count = 4},
                     few = {sizeof few, .input = *s->x, .weight = s->out, .weight_count = 3};
    const struct {
        const aenc_batch *batch;
        const char *place;
    } bad[] = {{NULL, "batch is NULL"}, {&unset, "aenc_batch.struct_size"}, {&heavy, "aenc_batch.weight_count"},
               {&few, "aenc_batch.weight_count"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        WRONG(aenc_model_gradients(s->model, bad[i].batch, &loss), bad[i].place);
        WRONG(aenc_model_step(s->model, c->optimizer, bad[i].batch, &loss), bad[i].place);
        WRONG(aenc_model_evaluate(s->model, bad[i].batch, &loss), bad[i].place);
    }
    for (int i = 1; i < BAD; i++) {
        const aenc_batch batch = {sizeof batch, .input = *s->bad[i]}, target = {sizeof target, .input = *s->x, .target = *s->bad[i]};
        WRONG(aenc_model_gradients(s->model, &batch, &loss), "aenc_batch.input");
        WRONG(aenc_model_step(s->model, c->optimizer, &batch, &loss), "aenc_batch.input");
        WRONG(aenc_model_evaluate(s->model, &batch, &loss), "aenc_batch.input");
        if (i != BAD_DATA) WRONG(aenc_model_gradients(s->model, &target, &loss), "aenc_batch.target");
    }
    WRONG(aenc_model_evaluate(s->model, &good, NULL), "loss is NULL");
    WRONG(aenc_model_step(NULL, c->optimizer, &good, &loss), "model is NULL");
    WRONG(aenc_model_step(s->model, NULL, &good, &loss), "optimizer is NULL");
    WRONG(aenc_model_step(c->teacher, c->optimizer, &good, &loss), "the optimizer");
    MUTE(aenc_model_gradients(NULL, &good, &loss));
    MUTE(aenc_model_evaluate(NULL, &good, &loss));
    MUTE(aenc_model_step(NULL, NULL, &good, &loss));
    WRONG(aenc_optimizer_create(s->model, NULL, (aenc_optimizer **)&loss), "spec is NULL");
    WRONG(aenc_optimizer_create(s->model, "adam", NULL), "out is NULL");
    WRONG(aenc_optimizer_create(s->model, "adamm", (aenc_optimizer **)&loss), "unknown optimizer 'adamm'");
    MUTE(aenc_optimizer_create(NULL, "adam", (aenc_optimizer **)&loss));
    WRONG(aenc_optimizer_set_learning_rate(c->optimizer, (double)NAN), "learning_rate");
    MUTE(aenc_optimizer_set_learning_rate(NULL, 1));
    WRONG(aenc_optimizer_set_clipping(c->optimizer, (double)NAN, 0), "norm");
    WRONG(aenc_optimizer_set_clipping(c->optimizer, 0, -1), "norm|value");
    MUTE(aenc_optimizer_set_clipping(NULL, 0, 0));
    WRONG(aenc_optimizer_apply(c->optimizer), "no gradients");
    MUTE(aenc_optimizer_apply(NULL));
}

static void test_state(struct scene *c) {
    struct wrong *s = &c->base;
    double value;
    aenc_progress now = {.struct_size = sizeof now}, unset = {.struct_size = 0};
    aenc_fit_options once = {.struct_size = sizeof once, .epochs = 1};
    WRONG(aenc_model_history(s->model, 0, NULL), "now is NULL");
    WRONG(aenc_model_history(s->model, 7, &now), "index");
    CHECK_STATUS(s->ctx, aenc_fit(c->teacher, s->x, &once), AENC_OK);
    WRONG(aenc_model_history(c->teacher, 0, &unset), "aenc_progress.struct_size");
    MUTE(aenc_model_history(NULL, 0, &now));
    WRONG(aenc_model_history_term(s->model, 0, 0, NULL), "out is NULL");
    WRONG(aenc_model_history_term(s->model, 7, 0, &value), "term 0 of epoch 7");
    WRONG(aenc_model_history_term(c->teacher, 0, 7, &value), "term 7 of epoch 0");
    MUTE(aenc_model_history_term(NULL, 0, 0, &value));
    WRONG(aenc_model_history_term_valid(s->model, 0, 0, NULL), "out is NULL");
    WRONG(aenc_model_history_term_valid(s->model, 7, 0, &value), "term 0 of epoch 7");
    MUTE(aenc_model_history_term_valid(NULL, 0, 0, &value));
    WRONG(aenc_model_set_epochs(s->model, (double)NAN), "epochs");
    MUTE(aenc_model_set_epochs(NULL, 1));
}

/* ---- Sources and use ---- */

static int read_none(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    (void)user, (void)input, (void)target, (void)weight, (void)rows;
    *got = 0;
    return 0;
}

static void test_sources(struct scene *c) {
    struct wrong *s = &c->base;
    aenc_source *source;
    const aenc_source_callbacks good = {.struct_size = sizeof good, .cols = 6, .read = read_none}, unset = {.cols = 6},
                                unread = {sizeof unread, .cols = 6}, narrow = {sizeof narrow, .read = read_none};
    for (int i = 0; i < BAD_COLS; i++)
        if (i != BAD_VALUE) WRONG(aenc_source_matrix(s->ctx, s->bad[i], &source), "matrix");
    WRONG(aenc_source_matrix(s->ctx, s->x, NULL), "out is NULL");
    MUTE(aenc_source_matrix(NULL, s->x, &source));
    WRONG(aenc_source_npy(s->ctx, NULL, &source), "path is NULL");
    WRONG(aenc_source_npy(s->ctx, "no/such/file", &source), "cannot open 'no/such/file'");
    WRONG(aenc_source_npy(s->ctx, "no/such/file", NULL), "out is NULL");
    MUTE(aenc_source_npy(NULL, "no/such/file", &source));
    WRONG(aenc_source_callback(s->ctx, NULL, &source), "callbacks is NULL");
    WRONG(aenc_source_callback(s->ctx, &good, NULL), "out is NULL");
    WRONG(aenc_source_callback(s->ctx, &unset, &source), "aenc_source_callbacks.struct_size");
    WRONG(aenc_source_callback(s->ctx, &unread, &source), "aenc_source_callbacks.read");
    WRONG(aenc_source_callback(s->ctx, &narrow, &source), "aenc_source_callbacks: cols");
    MUTE(aenc_source_callback(NULL, &good, &source));
}

static void test_use(struct scene *c) {
    struct wrong *s = &c->base;
    int32_t labels[WORLD_ROWS] = {0, 1, 2, 3};
    double share;
    const aenc_matrix code = {s->w.code, WORLD_ROWS, WORLD_CODE, 0};
    for (int i = 0; i < BAD; i++) {
        WRONG(aenc_encode(s->model, s->bad[i], s->out, 256), "x");
        WRONG(aenc_decode(s->model, s->bad[i], s->out, 256), "code");
        WRONG(aenc_reconstruct(s->model, s->bad[i], s->out, 256), "x");
        WRONG(aenc_score(s->model, s->bad[i], NULL, s->out, 256), "x");
        WRONG(aenc_score_features(s->model, s->bad[i], NULL, s->out, 256), "x");
        WRONG(aenc_denoising_score(s->model, s->bad[i], 1, s->out, 256), "x");
        WRONG(aenc_jacobian_norm(s->model, s->bad[i], s->out, 256), "x");
        WRONG(aenc_classify(c->classes, s->bad[i], labels, 4), "x");
        WRONG(aenc_class_probabilities(c->classes, s->bad[i], s->out, 256), "x");
        WRONG(aenc_accuracy(c->classes, s->bad[i], labels, 4, &share), "x");
        if (i == BAD_NULL) continue;
        WRONG(aenc_score(s->model, s->x, s->bad[i], s->out, 256), "target");
        WRONG(aenc_score_features(s->model, s->x, s->bad[i], s->out, 256), "target");
    }
    for (int i = 0; i < 2; i++) {
        float *out = i == 0 ? NULL : s->out;
        WRONG(aenc_encode(s->model, s->x, out, 2), "out");
        WRONG(aenc_decode(s->model, &code, out, 2), "out");
        WRONG(aenc_reconstruct(s->model, s->x, out, 2), "out");
        WRONG(aenc_score(s->model, s->x, NULL, out, 2), "out");
        WRONG(aenc_score_features(s->model, s->x, NULL, out, 2), "out");
        WRONG(aenc_denoising_score(s->model, s->x, 1, out, 2), "out");
        WRONG(aenc_jacobian_norm(s->model, s->x, out, 2), "out");
        WRONG(aenc_classify(c->classes, s->x, i == 0 ? NULL : labels, 2), "labels");
        WRONG(aenc_class_probabilities(c->classes, s->x, out, 2), "out");
    }
    WRONG(aenc_denoising_score(s->model, s->x, (double)NAN, s->out, 256), "sigma");
    WRONG(aenc_accuracy(c->classes, s->x, NULL, 4, &share), "labels is NULL");
    WRONG(aenc_accuracy(c->classes, s->x, labels, 3, &share), "count");
    WRONG(aenc_accuracy(c->classes, s->x, labels, 4, NULL), "share is NULL");
    WRONG(aenc_classify(s->model, s->x, labels, 4), "loss 'mse'");
    WRONG(aenc_class_probabilities(s->model, s->x, s->out, 256), "loss 'mse'");
    WRONG(aenc_accuracy(s->model, s->x, labels, 4, &share), "loss 'mse'");
    MUTE(aenc_encode(NULL, s->x, s->out, 256));
    MUTE(aenc_decode(NULL, &code, s->out, 256));
    MUTE(aenc_reconstruct(NULL, s->x, s->out, 256));
    MUTE(aenc_score(NULL, s->x, NULL, s->out, 256));
    MUTE(aenc_score_features(NULL, s->x, NULL, s->out, 256));
    MUTE(aenc_denoising_score(NULL, s->x, 1, s->out, 256));
    MUTE(aenc_jacobian_norm(NULL, s->x, s->out, 256));
    MUTE(aenc_classify(NULL, s->x, labels, 4));
    MUTE(aenc_class_probabilities(NULL, s->x, s->out, 256));
    MUTE(aenc_accuracy(NULL, s->x, labels, 4, &share));
}

/* The message of a run is the runner's. */
static void runner_wrong(struct wrong *s, aenc_runner *runner, const aenc_matrix *x, const aenc_matrix *target, float *out,
                         const char *place) {
    const aenc_matrix other = {s->w.data, 1, 1234, 0};
    CHECK(aenc_runner_run(runner, &other, NULL, s->out, 256) < 0);
    wrong_check(s, aenc_runner_run(runner, x, target, out, 2), aenc_runner_message(runner), "aenc_runner_run(", place, __FILE__,
                __LINE__);
}

static void test_runners(struct scene *c) {
    struct wrong *s = &c->base;
    aenc_runner *runner;
    size_t bytes;
    const aenc_runner_options unset = {.struct_size = 0}, odd = {sizeof odd, .task = 7}, rows = {sizeof rows, .rows = -1},
                              small = {sizeof small, .memory = s->out, .memory_size = 1},
                              loose = {sizeof loose, .memory_size = 1};
    WRONG(aenc_runner_size(s->model, &unset, &bytes), "aenc_runner_options.struct_size");
    WRONG(aenc_runner_size(s->model, &odd, &bytes), "aenc_runner_options.task");
    WRONG(aenc_runner_size(s->model, &rows, &bytes), "aenc_runner_options.rows");
    WRONG(aenc_runner_size(s->model, NULL, NULL), "bytes is NULL");
    MUTE(aenc_runner_size(NULL, NULL, &bytes));
    WRONG(aenc_runner_create(s->model, &unset, &runner), "aenc_runner_options.struct_size");
    WRONG(aenc_runner_create(s->model, &odd, &runner), "aenc_runner_options.task");
    WRONG(aenc_runner_create(s->model, &small, &runner), "aenc_runner_options.memory_size");
    WRONG(aenc_runner_create(s->model, &loose, &runner), "aenc_runner_options.memory is NULL, and memory_size");
    WRONG(aenc_runner_create(s->model, NULL, NULL), "out is NULL");
    MUTE(aenc_runner_create(NULL, NULL, &runner));
    CHECK_STATUS(s->ctx, aenc_runner_create(s->model, NULL, &runner), AENC_OK);
    for (int i = 0; i < BAD; i++) runner_wrong(s, runner, s->bad[i], NULL, s->out, "x");
    runner_wrong(s, runner, s->x, NULL, NULL, "out is NULL");
    runner_wrong(s, runner, s->x, NULL, s->out, "out");
    runner_wrong(s, runner, s->x, s->x, s->out, "target");
    MUTE(aenc_runner_run(NULL, s->x, NULL, s->out, 256));
    MUTE(aenc_runner_refresh(NULL));
    aenc_runner_free(runner);
}

/* ---- Files, components, tensors ---- */

static int refuse_bytes(void *user, const void *data, size_t size) {
    (void)user, (void)data, (void)size;
    return -3;
}

static void test_files(struct scene *c) {
    struct wrong *s = &c->base;
    aenc_model *model;
    size_t size;
    const aenc_pca_options unset = {.struct_size = 0}, odd = {sizeof odd, .method = "magic"}, share = {sizeof share, .share = (double)NAN};
    WRONG(aenc_model_save(s->model, NULL), "path is NULL");
    WRONG(aenc_model_save(s->model, "no/such/file"), "cannot create 'no/such/");
    MUTE(aenc_model_save(NULL, "no/such/file"));
    WRONG(aenc_model_save_optimizer(s->model, c->optimizer, NULL), "path is NULL");
    WRONG(aenc_model_save_optimizer(NULL, c->optimizer, "no/such/file"), "model is NULL");
    WRONG(aenc_model_save_optimizer(s->model, NULL, "no/such/file"), "optimizer is NULL");
    WRONG(aenc_model_load_optimizer(s->model, c->optimizer, NULL), "path is NULL");
    WRONG(aenc_model_load_optimizer(NULL, c->optimizer, "no/such/file"), "model is NULL");
    WRONG(aenc_model_load_optimizer(s->model, NULL, "no/such/file"), "cannot open 'no/such/file'");
    WRONG(aenc_model_save_optimizer_memory(s->model, c->optimizer, NULL, 0, NULL), "size is NULL");
    WRONG(aenc_model_save_optimizer_memory(s->model, c->optimizer, s->out, 1, &size), "capacity");
    WRONG(aenc_model_load_optimizer_memory(s->model, c->optimizer, NULL, 1), "bytes is NULL");
    WRONG(aenc_model_load_optimizer_memory(s->model, c->optimizer, s->out, 1), "the optimizer in memory");
    MUTE(aenc_model_save_optimizer(NULL, NULL, "no/such/file"));
    MUTE(aenc_model_load_optimizer(NULL, NULL, "no/such/file"));
    MUTE(aenc_model_save_optimizer_memory(NULL, NULL, NULL, 0, &size));
    MUTE(aenc_model_load_optimizer_memory(NULL, NULL, s->out, 1));
    WRONG(aenc_model_load_tensors(s->model, "", NULL), "path is NULL");
    WRONG(aenc_model_load_tensors(s->model, "", "no/such/file"), "cannot open 'no/such/file'");
    WRONG(aenc_model_load_tensors_memory(s->model, NULL, "{", 1), "prefix is NULL");
    WRONG(aenc_model_load_tensors_memory(s->model, "", NULL, 1), "bytes is NULL");
    WRONG(aenc_model_load_tensors_memory(s->model, "", "{", 1), "the file in memory");
    WRONG(aenc_model_load_tensors_memory(s->model, "nothing", "{", 1), "'nothing'");
    MUTE(aenc_model_load_tensors(NULL, "", "no/such/file"));
    MUTE(aenc_model_load_tensors_memory(NULL, "", "{", 1));
    WRONG(aenc_model_write(s->model, NULL, NULL), "write is NULL");
    MUTE(aenc_model_write(NULL, refuse_bytes, NULL));
    WRONG(aenc_model_write(s->model, refuse_bytes, NULL), "write returned -3");
    WRONG(aenc_model_load(s->ctx, NULL, &model), "path is NULL");
    WRONG(aenc_model_load(s->ctx, "no/such/file", &model), "cannot open 'no/such/file'");
    WRONG(aenc_model_load(s->ctx, "no/such/file", NULL), "out is NULL");
    MUTE(aenc_model_load(NULL, "no/such/file", &model));
    WRONG(aenc_model_save_memory(s->model, s->out, 1, NULL), "size is NULL");
    WRONG(aenc_model_save_memory(s->model, s->out, 1, &size), "capacity");
    MUTE(aenc_model_save_memory(NULL, s->out, 1, &size));
    WRONG(aenc_model_load_memory(s->ctx, NULL, 1, &model), "bytes is NULL");
    WRONG(aenc_model_load_memory(s->ctx, s->out, 1, NULL), "out is NULL");
    WRONG(aenc_model_load_memory(s->ctx, s->out, 1, &model), "the model in memory");
    MUTE(aenc_model_load_memory(NULL, s->out, 1, &model));
    for (int i = 1; i < BAD_COLS; i++) WRONG(aenc_pca_create(s->ctx, s->bad[i], NULL, &model), "x");
    WRONG(aenc_pca_create(s->ctx, NULL, NULL, &model), "x is NULL|aenc_pca_options.cols");
    WRONG(aenc_pca_create(s->ctx, s->x, &unset, &model), "aenc_pca_options.struct_size");
    WRONG(aenc_pca_create(s->ctx, s->x, &odd, &model), "pca: unknown method 'magic'");
    WRONG(aenc_pca_create(s->ctx, s->x, &share, &model), "aenc_pca_options.share");
    WRONG(aenc_pca_create(s->ctx, s->x, NULL, NULL), "out is NULL");
    MUTE(aenc_pca_create(NULL, s->x, NULL, &model));
    WRONG(aenc_pca_create_source(s->ctx, NULL, NULL, &model), "source is NULL");
    WRONG(aenc_pca_create_source(NULL, c->rows, NULL, &model), "ctx is NULL");
    WRONG(aenc_pca_create_source(s->ctx, c->rows, NULL, NULL), "out is NULL");
    WRONG(aenc_pca_create_source(s->ctx, c->rows, &unset, &model), "aenc_pca_options.struct_size");
    WRONG(aenc_pca_create_source(s->ctx, c->rows, &odd, &model), "pca: unknown method 'magic'");
    MUTE(aenc_pca_create_source(NULL, NULL, NULL, &model));
}

static void test_angles(struct scene *c) {
    struct wrong *s = &c->base;
    double out[6];
    for (int i = 0; i < BAD_COLS; i++) {
        WRONG(aenc_matrix_angles(s->ctx, s->bad[i], s->x, out, 6), "a");
        WRONG(aenc_matrix_angles(s->ctx, s->x, s->bad[i], out, 6), "b");
    }
    WRONG(aenc_matrix_angles(s->ctx, s->x, s->bad[BAD_COLS], out, 6), "a has");
    WRONG(aenc_matrix_angles(s->ctx, s->x, s->x, NULL, 6), "out is NULL");
    WRONG(aenc_matrix_angles(s->ctx, s->x, s->x, out, 1), "out");
    MUTE(aenc_matrix_angles(NULL, s->x, s->x, out, 6));
    WRONG(aenc_subspace_angles(s->ctx, NULL, c->pca, out, 6), "a is NULL");
    WRONG(aenc_subspace_angles(s->ctx, c->pca, NULL, out, 6), "b is NULL");
    WRONG(aenc_subspace_angles(NULL, c->pca, c->pca, out, 6), "ctx is NULL");
    WRONG(aenc_subspace_angles(NULL, NULL, c->pca, out, 6), "ctx is NULL");
    WRONG(aenc_subspace_angles(s->ctx, c->pca, c->pca, NULL, 6), "out is NULL");
    WRONG(aenc_subspace_angles(s->ctx, c->pca, c->pca, out, 1), "out");
    MUTE(aenc_subspace_angles(NULL, NULL, NULL, out, 6));
}

static void test_tensors(struct scene *c) {
    struct wrong *s = &c->base;
    aenc_tensor *tensor;
    static const size_t dims[] = {2, 0};
    const float half[5] = {(float)NAN};
    WRONG(aenc_tensor_create(s->ctx, 7, dims, 1, &tensor), "type|AENC_TYPE_F32");
    WRONG(aenc_tensor_create(s->ctx, AENC_TYPE_F32, dims, 99, &tensor), "rank");
    WRONG(aenc_tensor_create(s->ctx, AENC_TYPE_F32, dims, 2, &tensor), "dims");
    WRONG(aenc_tensor_create(s->ctx, AENC_TYPE_F32, NULL, 1, &tensor), "dims is NULL");
    WRONG(aenc_tensor_create(s->ctx, AENC_TYPE_F32, dims, 1, NULL), "out is NULL");
    MUTE(aenc_tensor_create(NULL, AENC_TYPE_F32, dims, 1, &tensor));
    WRONG(aenc_tensor_read(c->tensor, NULL, 5), "out is NULL");
    WRONG(aenc_tensor_read(c->tensor, s->out, 4), "floats");
    MUTE(aenc_tensor_read(NULL, s->out, 5));
    WRONG(aenc_tensor_write(c->tensor, NULL, 5), "values is NULL");
    WRONG(aenc_tensor_write(c->tensor, s->out, 4), "floats");
    MUTE(aenc_tensor_write(NULL, s->out, 5));
    WRONG(aenc_model_tensor_get(s->model, NULL, &tensor), "name is NULL");
    aenc_tensor_info unset = {.struct_size = 0}, info = {.struct_size = sizeof info};
    WRONG(aenc_model_tensor_info(s->model, 0, NULL), "info is NULL");
    WRONG(aenc_model_tensor_info(s->model, 0, &unset), "aenc_tensor_info.struct_size");
    WRONG(aenc_model_tensor_info(s->model, 99, &info), "index is 99; there are 8 tensors");
    MUTE(aenc_model_tensor_info(NULL, 0, &info));
    WRONG(aenc_model_tensor_get(s->model, "nothing", &tensor), "the model has no tensor 'nothing'");
    WRONG(aenc_model_tensor_get(s->model, "nothing", NULL), "out is NULL");
    MUTE(aenc_model_tensor_get(NULL, "nothing", &tensor));
    WRONG(aenc_model_tensor_set(NULL, "encoder.0.bias", c->tensor), "model is NULL");
    WRONG(aenc_model_tensor_set(s->model, NULL, c->tensor), "name is NULL");
    WRONG(aenc_model_tensor_set(s->model, "nothing", c->tensor), "the model has no tensor 'nothing'");
    WRONG(aenc_model_tensor_set(s->model, "encoder.0.bias", NULL), "value is NULL");
    WRONG(aenc_model_tensor_set(s->model, "encoder.0.weight", c->tensor), "the tensor has shape");
    CHECK_STATUS(s->ctx, aenc_tensor_write(c->tensor, half, 5), AENC_OK);
    WRONG(aenc_model_tensor_set(s->model, "encoder.0.bias", c->tensor), "'encoder.0.bias'[0] is nan");
    MUTE(aenc_model_tensor_set(NULL, "encoder.0.bias", NULL));
    WRONG(aenc_model_gradient_get(s->model, NULL, &tensor), "name is NULL");
    WRONG(aenc_model_gradient_get(s->model, "nothing", &tensor), "the model has no tensor 'nothing'");
    WRONG(aenc_model_gradient_get(s->model, "encoder.0.bias", &tensor), "no gradients wait|aenc_model_gradients");
    WRONG(aenc_model_gradient_get(s->model, "encoder.0.bias", NULL), "out is NULL");
    MUTE(aenc_model_gradient_get(NULL, "encoder.0.bias", &tensor));
    WRONG(aenc_model_gradient_set(NULL, "encoder.0.bias", c->tensor), "model is NULL");
    WRONG(aenc_model_gradient_set(s->model, NULL, c->tensor), "name is NULL");
    WRONG(aenc_model_gradient_set(s->model, "nothing", c->tensor), "the model has no tensor 'nothing'");
    WRONG(aenc_model_gradient_set(s->model, "encoder.0.bias", NULL), "value is NULL");
    WRONG(aenc_model_gradient_set(s->model, "encoder.0.bias", c->tensor), "no gradients wait|aenc_model_gradients");
    MUTE(aenc_model_gradient_set(NULL, "encoder.0.bias", NULL));
    WRONG(aenc_model_copy(NULL, "", s->model, ""), "dst is NULL");
    WRONG(aenc_model_copy(s->model, NULL, s->model, ""), "dst_prefix is NULL");
    WRONG(aenc_model_copy(s->model, "", NULL, ""), "src is NULL");
    WRONG(aenc_model_copy(s->model, "", s->model, NULL), "src_prefix is NULL");
    WRONG(aenc_model_copy(s->model, "nothing", c->teacher, "nothing"), "the model copied from has nothing called 'nothing'");
    MUTE(aenc_model_copy(NULL, "", NULL, ""));
    WRONG(aenc_model_freeze(s->model, NULL, 1), "prefix is NULL");
    WRONG(aenc_model_freeze(s->model, "nothing", 1), "no parameter is called 'nothing'");
    MUTE(aenc_model_freeze(NULL, "", 1));
}

int main(void) {
    struct scene c;
    struct wrong *s = &c.base;
    scene_create(&c);
    MUTE(aenc_context_create(NULL, NULL));
    test_models(&c);
    test_fits(&c);
    test_stacks(&c);
    test_loop(&c);
    test_sources(&c);
    test_use(&c);
    test_runners(&c);
    test_files(&c);
    test_angles(&c);
    test_tensors(&c);
    test_state(&c);
    scene_free(&c);
    return check_finish();
}
