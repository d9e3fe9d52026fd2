/* oom_test.c - every task with its k-th allocation refused, for every k: once, and from then on. Each time nothing
 * is lost, the status says what happened, and the model is what it was. */
#include <autoenc/ops.h>
#include <stdio.h>
#include <unistd.h>

#include "api/memory.h"

enum { ROWS = 12, COLS = 4, CODE = 2, BLOCK = 4096, FILE_ROOM = 1 << 15 };

/* What every task has at hand. */
struct scene {
    struct memory memory;
    aenc_context *ctx;
    aenc_model *model; /* NULL for tasks that make one */
    float data[ROWS * COLS];
    aenc_matrix x;
};

typedef aenc_status task(struct scene *scene);

static char detector_path[64];

static const char layered[] =
    "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3},"
    "{\"type\":\"batch_norm\"},"
    "{\"type\":\"relu\"},{\"type\":\"dropout\",\"rate\":0.25},{\"type\":\"dense\",\"units\":2}]},\"loss\":\"mse\"}";

static void data_fill(struct scene *scene) {
    for (size_t i = 0; i < ROWS * COLS; i++) scene->data[i] = (float)((i * 13) % 17) / 17.0f;
    scene->x = (aenc_matrix){scene->data, ROWS, COLS, 0};
}

/* ---- What a model is: every number in it ---- */

/* Answers how many floats. */
static size_t model_numbers(aenc_model *model, float *out) {
    size_t used = 0;
    for (size_t i = 0; i < aenc_model_tensor_count(model); i++) {
        aenc_tensor *t;
        CHECK(aenc_model_tensor_get(model, aenc_model_tensor_name(model, i), &t) == AENC_OK);
        size_t count = aenc_tensor_count(t);
        CHECK(used + count <= BLOCK && aenc_tensor_read(t, out + used, count) == AENC_OK);
        used += count;
        aenc_tensor_free(t);
    }
    return used;
}

static bool all_finite(const float *numbers, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (numbers[i] - numbers[i] != 0) return false;
    return true;
}

/* ---- Tasks that make a model ---- */

static aenc_status take_model(aenc_status status, aenc_model *model) {
    CHECK((model != NULL) == (status == AENC_OK));
    aenc_model_free(model);
    return status;
}

static aenc_status widths_create(struct scene *scene) {
    static const size_t input[] = {2, 2}, widths[] = {3, 2};
    aenc_model *model = NULL;
    aenc_model_options options = {.struct_size = sizeof options,
                                  .input = input,
                                  .input_rank = 2,
                                  .encoder_widths = widths,
                                  .encoder_count = 2,
                                  .activation = "tanh",
                                  .output = "sigmoid",
                                  .loss = "bce",
                                  .init = "orthogonal"};
    aenc_status status = aenc_model_create(scene->ctx, &options, &model);
    return take_model(status, model);
}

/* The same where later steps may have failed. */
static aenc_status take_model_of(aenc_status status, aenc_model *model) {
    aenc_model_free(model);
    return status;
}

/* Every kind of penalty and corruption, tied. */
static aenc_status regular_create(aenc_context *ctx, aenc_model **out) {
    static const size_t input[] = {COLS}, widths[] = {3, CODE};
    static const char *const penalties[] = {"l1:weight=1e-3,weights=1;2,warmup=1", "kl:weight=0.1,momentum=0.5",
                                            "l1_weights:weight=1e-4", "l2_weights:weight=1e-4", "orthogonal:weight=0.1",
                                            "decorrelation:weight=0.1"};
    static const char *const corruptions[] = {"mask:level=0.1,to=0.3,over=2", "gaussian:sigma=0.1",
                                              "salt_pepper:level=0.1"};
    aenc_model_options options = {.struct_size = sizeof options,
                                  .input = input,
                                  .input_rank = 1,
                                  .encoder_widths = widths,
                                  .encoder_count = 2,
                                  .code_activation = "sigmoid",
                                  .penalties = penalties,
                                  .penalty_count = 6,
                                  .corruptions = corruptions,
                                  .corruption_count = 3,
                                  .tied = 1};
    return aenc_model_create(ctx, &options, out);
}

static aenc_status regular(struct scene *scene) {
    aenc_model *model = NULL;
    float out[ROWS * COLS];
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 2, .batch = 5};
    aenc_status status = regular_create(scene->ctx, &model);
    if (status == AENC_OK) status = aenc_fit(model, &scene->x, &options);
    if (status == AENC_OK) status = aenc_denoising_score(model, &scene->x, 0.1, out, ROWS * COLS);
    return take_model_of(status, model);
}

/* So many layers that the description fills several chunks of an arena: a refusal in the middle leaves nothing out. */
static aenc_status many_widths_create(struct scene *scene) {
    enum { MANY = 60 };
    size_t input = 2, widths[MANY];
    for (size_t i = 0; i < MANY; i++) widths[i] = 1 + i % 3;
    aenc_model *model = NULL;
    aenc_model_options options = {.struct_size = sizeof options,
                                  .input = &input,
                                  .input_rank = 1,
                                  .encoder_widths = widths,
                                  .encoder_count = MANY,
                                  .activation = "gelu",
                                  .init = "he_normal",
                                  .loss = "mae"};
    aenc_status status = aenc_model_create(scene->ctx, &options, &model);
    return take_model(status, model);
}

static aenc_status layers_create(struct scene *scene) {
    static const char *const specs[] = {"dense:units=3,activation=relu", "batch_norm", "layer_norm", "dropout:rate=0.5",
                                        "dense:units=2"};
    static const size_t input[] = {COLS};
    aenc_layer *encoder = NULL, *layer = NULL, *residual = NULL;
    aenc_model *model = NULL;
    aenc_status status = aenc_layer_create(scene->ctx, "sequential", &encoder);
    for (size_t i = 0; i < 5 && status == AENC_OK; i++) {
        status = aenc_layer_create(scene->ctx, specs[i], &layer);
        if (status == AENC_OK) status = aenc_layer_add(encoder, layer);
        aenc_layer_free(layer);
    }
    layer = NULL;
    if (status == AENC_OK) status = aenc_layer_create(scene->ctx, "residual", &residual);
    if (status == AENC_OK) status = aenc_layer_create(scene->ctx, "dense:units=2", &layer);
    if (status == AENC_OK) status = aenc_layer_add(residual, layer);
    if (status == AENC_OK) status = aenc_layer_add(encoder, residual);
    aenc_model_options options = {.struct_size = sizeof options,
                                  .input = input,
                                  .input_rank = 1,
                                  .encoder_layers = encoder,
                                  .output = "sigmoid"};
    if (status == AENC_OK) status = aenc_model_create(scene->ctx, &options, &model);
    aenc_layer_free(encoder);
    aenc_layer_free(residual);
    aenc_layer_free(layer);
    return take_model(status, model);
}

static aenc_status parse(struct scene *scene) {
    aenc_model *model = NULL;
    aenc_status status = aenc_model_parse(scene->ctx, layered, strlen(layered), &model);
    return take_model(status, model);
}

static aenc_status scaled(struct scene *scene) {
    static const char text[] = "{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":2},\"scaling\":\"robust:clip=3\"}";
    aenc_model *model = NULL;
    float out[ROWS * COLS];
    aenc_status status = aenc_model_parse(scene->ctx, text, strlen(text), &model);
    if (status == AENC_OK) status = aenc_partial_fit(model, &scene->x, NULL);
    if (status == AENC_OK) status = aenc_reconstruct(model, &scene->x, out, ROWS * COLS);
    if (status != AENC_OK) {
        aenc_model_free(model);
        return status;
    }
    return take_model(status, model);
}

static aenc_status detector(struct scene *scene) {
    aenc_detector_options options = {.struct_size = sizeof options, .threshold = "pot:level=0,risk=0.5", .steps = 2};
    aenc_detector *made = NULL, *loaded = NULL;
    float out[ROWS * COLS];
    uint8_t flag[ROWS];
    aenc_status status = aenc_detector_create(scene->ctx, &scene->x, &options, &made);
    CHECK((made != NULL) == (status == AENC_OK));
    if (status == AENC_OK) status = aenc_detector_score_features(made, &scene->x, out, ROWS * COLS);
    if (status == AENC_OK) status = aenc_detector_flag(made, &scene->x, flag, ROWS);
    if (status == AENC_OK) status = aenc_detector_probability(made, &scene->x, out, ROWS);
    if (status == AENC_OK) status = aenc_detector_save(made, detector_path);
    if (status == AENC_OK) {
        status = aenc_detector_load(scene->ctx, detector_path, &loaded);
        CHECK((loaded != NULL) == (status == AENC_OK));
    }
    char bytes[FILE_ROOM];
    size_t size = 0;
    aenc_detector_free(loaded);
    loaded = NULL;
    if (status == AENC_OK) status = aenc_detector_save_memory(made, bytes, sizeof bytes, &size);
    if (status == AENC_OK) status = aenc_detector_load_memory(scene->ctx, bytes, size, &loaded);
    aenc_detector_free(made);
    aenc_detector_free(loaded);
    return status;
}

static aenc_status judge(struct scene *scene) {
    static const uint8_t label[ROWS] = {0, 1, 1, 0, 1};
    double number;
    size_t points;
    aenc_status status = aenc_roc_auc(scene->ctx, scene->data, label, ROWS, &number);
    if (status == AENC_OK) status = aenc_average_precision(scene->ctx, scene->data, label, ROWS, &number);
    if (status == AENC_OK) status = aenc_curve(scene->ctx, scene->data, label, ROWS, NULL, 0, &points);
    if (status == AENC_OK) status = aenc_threshold(scene->ctx, "mad", scene->data, ROWS, &number);
    return status;
}

/* The file of a model, made where memory is plenty. */
static size_t file_bytes(char *bytes) {
    struct memory memory = {0};
    aenc_context *ctx = memory_context(&memory, 3, 1);
    aenc_model *model = NULL;
    size_t size = 0;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, layered, strlen(layered), &model), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_save_memory(model, bytes, FILE_ROOM, &size), AENC_OK);
    aenc_model_free(model);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
    return size;
}

static aenc_status load_memory(struct scene *scene) {
    static char bytes[FILE_ROOM];
    static size_t size;
    if (size == 0) size = file_bytes(bytes);
    aenc_model *model = NULL;
    aenc_status status = aenc_model_load_memory(scene->ctx, bytes, size, &model);
    return take_model(status, model);
}

/* A weight out of that file, for a model in which it has another name. */
static aenc_status load_tensors(struct scene *scene) {
    static const char text[] = "{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":3},\"aliases\":{\"encoder.weight\":\"encoder.0.weight\"}}";
    static char bytes[FILE_ROOM];
    static size_t size;
    aenc_model *model = NULL;
    if (size == 0) size = file_bytes(bytes);
    aenc_status status = aenc_model_parse(scene->ctx, text, strlen(text), &model);
    if (status == AENC_OK) status = aenc_model_load_tensors_memory(model, "encoder.weight", bytes, size);
    aenc_model_free(model);
    return status;
}

static char path[64];

static aenc_status load_file(struct scene *scene) {
    aenc_model *model = NULL;
    aenc_status status = aenc_model_load(scene->ctx, path, &model);
    return take_model(status, model);
}

/* By the covariance, by the Gram matrix, incrementally. */
static aenc_status pca_create(struct scene *scene) {
    static const char *const methods[] = {"covariance", "gram", "incremental"};
    aenc_status status = AENC_OK;
    for (size_t i = 0; i < 3 && status == AENC_OK; i++) {
        aenc_model *model = NULL;
        aenc_pca_options options = {
            .struct_size = sizeof options, .components = CODE, .method = methods[i], .whiten = (int64_t)(i & 1)};
        status = aenc_pca_create(scene->ctx, &scene->x, &options, &model);
        take_model(status, model);
    }
    return status;
}

/* A model made, fitted anew, given more rows and compared; whatever is refused, it answers what it did before. */
static aenc_status pca_fits(struct scene *scene) {
    aenc_source *source = NULL;
    aenc_model *model = NULL;
    aenc_pca_options options = {.struct_size = sizeof options, .components = CODE};
    float before[ROWS * CODE], after[ROWS * CODE];
    double angles[CODE];
    aenc_status status = aenc_source_matrix(scene->ctx, &scene->x, &source);
    if (status == AENC_OK) status = aenc_pca_create_source(scene->ctx, source, &options, &model);
    if (status == AENC_OK) status = aenc_encode(model, &scene->x, before, ROWS * CODE);
    if (status == AENC_OK) {
        status = aenc_fit(model, &scene->x, NULL);
        if (status == AENC_OK) status = aenc_fit_source(model, source, NULL);
        if (status == AENC_OK) status = aenc_subspace_angles(scene->ctx, model, model, angles, CODE);
        if (status == AENC_OK) status = aenc_matrix_angles(scene->ctx, &scene->x, &scene->x, angles, 0) ==
                                        AENC_ERR_SHAPE ? AENC_OK : AENC_ERR_INTERNAL;
        CHECK_STATUS(scene->ctx, aenc_encode(model, &scene->x, after, ROWS * CODE), AENC_OK);
        CHECK(memcmp(before, after, sizeof before) == 0);
        if (status == AENC_OK) status = aenc_partial_fit(model, &scene->x, NULL);
        if (status == AENC_OK) status = aenc_partial_fit(model, &scene->x, NULL);
        else CHECK(aenc_encode(model, &scene->x, after, ROWS * CODE) == AENC_OK && memcmp(before, after, sizeof before) == 0);
    }
    aenc_source_free(source);
    aenc_model_free(model);
    return status;
}

static aenc_status tensors(struct scene *scene) {
    const size_t dims[] = {2, 3};
    aenc_tensor *floats = NULL, *bytes = NULL;
    aenc_status status = aenc_tensor_create(scene->ctx, AENC_TYPE_F32, dims, 2, &floats);
    if (status == AENC_OK) status = aenc_tensor_create(scene->ctx, AENC_TYPE_U8, dims, 2, &bytes);
    CHECK((status == AENC_OK) == (bytes != NULL));
    aenc_tensor_free(floats);
    aenc_tensor_free(bytes);
    return status;
}

/* ---- Tasks with a model ---- */

static aenc_status fit(struct scene *scene) {
    aenc_fit_options options = {.struct_size = sizeof options,
                                .epochs = 2,
                                .batch = 5,
                                .validation_fraction = 0.25,
                                .schedule = "cosine",
                                .clip_norm = 1};
    return aenc_fit(scene->model, &scene->x, &options);
}

static char checkpoint[64];

/* Written before the first refusal could hit, where it is asked for again: from a run with memory enough. */
static void checkpoint_make(void) {
    struct memory memory = {0};
    struct scene scene;
    memset(&scene, 0, sizeof scene);
    data_fill(&scene);
    scene.ctx = memory_context(&memory, 3, 1);
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 1, .batch = 5, .validation_fraction = 0.25,
                                .checkpoint = checkpoint};
    CHECK_STATUS(scene.ctx, aenc_model_parse(scene.ctx, layered, strlen(layered), &scene.model), AENC_OK);
    CHECK_STATUS(scene.ctx, aenc_fit(scene.model, &scene.x, &options), AENC_OK);
    aenc_model_free(scene.model);
    aenc_context_free(scene.ctx);
    memory_check_empty(&memory);
}

static aenc_status fit_checkpoint(struct scene *scene) {
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 1, .batch = 5, .validation_fraction = 0.25,
                                .checkpoint = path};
    return aenc_fit(scene->model, &scene->x, &options);
}

static aenc_status fit_resume(struct scene *scene) {
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 2, .batch = 5, .validation_fraction = 0.25,
                                .checkpoint = checkpoint, .resume = AENC_RESUME_REQUIRED, .checkpoint_steps = 100};
    if (access(checkpoint, F_OK) != 0) checkpoint_make();
    aenc_status status = aenc_fit(scene->model, &scene->x, &options);
    if (status == AENC_OK) remove(checkpoint);
    return status;
}

static int read_rows(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    (void)target, (void)weight;
    const struct scene *scene = user;
    *got = rows < ROWS ? rows : ROWS;
    memcpy(input, scene->data, *got * COLS * sizeof *input);
    return 0;
}

static int read_seek(void *user, uint64_t position) {
    (void)user, (void)position;
    return 0;
}

static aenc_status fit_stream(struct scene *scene) {
    aenc_source *source = NULL, *rows = NULL, *valid = NULL;
    aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = COLS, .read = read_rows, .user = scene,
                                       .read_ahead = 1},
                          held = callbacks;
    held.rows = ROWS, held.seek = read_seek;
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 2, .batch = 5, .steps_per_epoch = 2};
    aenc_status status = aenc_source_callback(scene->ctx, &callbacks, &source);
    if (status == AENC_OK) status = aenc_fit_source(scene->model, source, &options);
    if (status == AENC_OK) status = aenc_source_matrix(scene->ctx, &scene->x, &rows);
    if (status == AENC_OK) status = aenc_fit_source(scene->model, rows, &options);
    if (status == AENC_OK) status = aenc_source_callback(scene->ctx, &held, &valid);
    options.valid_source = valid;
    if (status == AENC_OK) status = aenc_fit_source(scene->model, rows, &options);
    aenc_source_free(source);
    aenc_source_free(rows);
    aenc_source_free(valid);
    return status;
}

static aenc_status fit_partly(struct scene *scene) {
    aenc_fit_options options = {.struct_size = sizeof options, .batch = 5};
    aenc_status status = aenc_partial_fit(scene->model, &scene->x, &options);
    options.optimizer = "adam:lr=0.01";
    if (status == AENC_OK) status = aenc_partial_fit(scene->model, &scene->x, &options);
    options.optimizer = "momentum";
    if (status == AENC_OK) status = aenc_partial_fit(scene->model, &scene->x, &options);
    return status;
}

static aenc_status steps(struct scene *scene) {
    aenc_optimizer *optimizer = NULL;
    aenc_batch batch = {.struct_size = sizeof batch, .input = scene->x};
    double loss;
    aenc_status status = aenc_optimizer_create(scene->model, "adam", &optimizer);
    CHECK((status == AENC_OK) == (optimizer != NULL));
    batch.input.rows = 5;
    if (status == AENC_OK) status = aenc_model_gradients(scene->model, &batch, &loss);
    if (status == AENC_OK) batch.target = batch.input;
    if (status == AENC_OK) status = aenc_model_gradients(scene->model, &batch, &loss);
    aenc_optimizer_free(optimizer);
    return status;
}

/* Larger batches than before are recorded anew. */
static aenc_status growing_batches(struct scene *scene) {
    aenc_batch batch = {.struct_size = sizeof batch, .input = scene->x};
    aenc_status status = AENC_OK;
    for (size_t rows = 2; rows <= ROWS && status == AENC_OK; rows += 5) {
        batch.input.rows = rows;
        status = aenc_model_gradients(scene->model, &batch, NULL);
    }
    return status;
}

static aenc_status use(struct scene *scene) {
    float code[ROWS * CODE], out[ROWS * COLS];
    aenc_matrix codes = {code, ROWS, CODE, 0};
    aenc_model *m = scene->model;
    memset(code, 0, sizeof code);
    aenc_status status = aenc_encode(m, &scene->x, code, ROWS * CODE);
    if (status == AENC_OK) status = aenc_decode(m, &codes, out, ROWS * COLS);
    if (status == AENC_OK) status = aenc_reconstruct(m, &scene->x, out, ROWS * COLS);
    if (status == AENC_OK) status = aenc_score(m, &scene->x, NULL, out, ROWS);
    if (status == AENC_OK) status = aenc_score(m, &scene->x, &scene->x, out, ROWS);
    if (status == AENC_OK) status = aenc_score_features(m, &scene->x, NULL, out, ROWS * COLS);
    if (status == AENC_OK) status = aenc_jacobian_norm(m, &scene->x, out, ROWS);
    return status;
}

/* A model with both forms of the penalty that walks the recording, and a step of it. */
static aenc_status contractive(struct scene *scene) {
    static const size_t input = COLS, widths[] = {6, 5, 3};
    static const char *const penalties[] = {"contractive:weight=0.1", "contractive:weight=0.1,probes=2"};
    aenc_model *model = NULL;
    aenc_batch batch = {.struct_size = sizeof batch, .input = scene->x};
    aenc_model_options options = {.struct_size = sizeof options,
                                  .input = &input,
                                  .input_rank = 1,
                                  .encoder_widths = widths,
                                  .encoder_count = 3,
                                  .activation = "sigmoid",
                                  .penalties = penalties,
                                  .penalty_count = 2};
    aenc_status status = aenc_model_create(scene->ctx, &options, &model);
    CHECK((model != NULL) == (status == AENC_OK));
    if (status == AENC_OK) status = aenc_model_gradients(model, &batch, NULL);
    aenc_model_free(model);
    return status;
}

static aenc_status runner(struct scene *scene) {
    float out[ROWS * COLS];
    aenc_runner *runner = NULL, *scores = NULL;
    aenc_runner_options options = {.struct_size = sizeof options, .task = AENC_RUN_SCORE, .rows = 5};
    aenc_status status = aenc_runner_create(scene->model, NULL, &runner);
    CHECK((status == AENC_OK) == (runner != NULL));
    if (status == AENC_OK) status = aenc_runner_create(scene->model, &options, &scores);
    long calls = scene->memory.calls;
    if (status == AENC_OK) CHECK(aenc_runner_run(runner, &scene->x, NULL, out, ROWS * COLS) == AENC_OK);
    if (status == AENC_OK) CHECK(aenc_runner_run(scores, &scene->x, NULL, out, ROWS) == AENC_OK);
    if (status == AENC_OK) CHECK(aenc_runner_refresh(scores) == AENC_OK);
    CHECK(scene->memory.calls == calls);
    aenc_runner_free(runner);
    aenc_runner_free(scores);
    return status;
}

/* Only asking for the size allocates. */
static aenc_status runner_in_block(struct scene *scene) {
    static char block[1 << 16];
    aenc_runner *runner = NULL;
    aenc_runner_options options = {.struct_size = sizeof options, .rows = 2};
    size_t bytes;
    aenc_status status = aenc_runner_size(scene->model, &options, &bytes);
    if (status != AENC_OK) return status;
    CHECK(bytes <= sizeof block);
    options.memory = block;
    options.memory_size = bytes;
    long calls = scene->memory.calls;
    CHECK_STATUS(scene->ctx, aenc_runner_create(scene->model, &options, &runner), AENC_OK);
    CHECK(scene->memory.calls == calls);
    aenc_runner_free(runner);
    return status;
}

/* The model needs a copy of its weights before it learns on. */
static aenc_status train_beside_runner(struct scene *scene) {
    aenc_runner *runner = NULL;
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 2, .batch = 5, .validation_fraction = 0.25};
    aenc_status status = aenc_runner_create(scene->model, NULL, &runner);
    if (status == AENC_OK) status = aenc_fit(scene->model, &scene->x, &options);
    aenc_runner_free(runner);
    return status;
}

static aenc_status set_beside_runner(struct scene *scene) {
    aenc_runner *runner = NULL;
    aenc_tensor *t = NULL;
    const char *name = aenc_model_tensor_name(scene->model, 0);
    aenc_status status = aenc_runner_create(scene->model, NULL, &runner);
    if (status == AENC_OK) status = aenc_model_tensor_get(scene->model, name, &t);
    if (status == AENC_OK) status = aenc_model_tensor_set(scene->model, name, t);
    aenc_tensor_free(t);
    aenc_runner_free(runner);
    return status;
}

static aenc_status evaluate(struct scene *scene) {
    aenc_batch batch = {.struct_size = sizeof batch, .input = scene->x};
    double loss;
    return aenc_model_evaluate(scene->model, &batch, &loss);
}

static aenc_status save_memory(struct scene *scene) {
    char bytes[FILE_ROOM];
    size_t size;
    return aenc_model_save_memory(scene->model, bytes, sizeof bytes, &size);
}

static int drop_bytes(void *user, const void *data, size_t size) {
    (void)user, (void)data, (void)size;
    return 0;
}

static aenc_status save_optimizer(struct scene *scene) {
    char bytes[FILE_ROOM];
    size_t size = 0;
    aenc_status status = aenc_partial_fit(scene->model, &scene->x, NULL);
    if (status == AENC_OK) status = aenc_model_save_optimizer_memory(scene->model, NULL, bytes, sizeof bytes, &size);
    if (status == AENC_OK) status = aenc_model_load_optimizer_memory(scene->model, NULL, bytes, size);
    return status;
}

static aenc_status save_written(struct scene *scene) {
    aenc_status status = aenc_model_freeze(scene->model, "encoder", 1);
    if (status == AENC_OK) status = aenc_model_write(scene->model, drop_bytes, NULL);
    CHECK(aenc_model_freeze(scene->model, "encoder", 0) == AENC_OK);
    return status;
}

static aenc_status save_file(struct scene *scene) { return aenc_model_save(scene->model, path); }

static aenc_status parameters(struct scene *scene) {
    aenc_tensor *t = NULL, *g = NULL;
    aenc_batch batch = {.struct_size = sizeof batch, .input = scene->x};
    const char *name = aenc_model_tensor_name(scene->model, 0);
    aenc_status status = aenc_model_tensor_get(scene->model, name, &t);
    CHECK((status == AENC_OK) == (t != NULL));
    if (status == AENC_OK) status = aenc_model_tensor_set(scene->model, name, t);
    if (status == AENC_OK) status = aenc_model_gradients(scene->model, &batch, NULL);
    if (status == AENC_OK) status = aenc_model_gradient_get(scene->model, name, &g);
    if (status == AENC_OK) status = aenc_model_gradient_set(scene->model, name, g);
    aenc_tensor_free(t);
    aenc_tensor_free(g);
    return status;
}

static aenc_status freeze(struct scene *scene) {
    aenc_status status = aenc_model_freeze(scene->model, "encoder", 1);
    if (status == AENC_OK) status = growing_batches(scene);
    CHECK(aenc_model_freeze(scene->model, "", 0) == AENC_OK);
    return status;
}

/* ---- Tasks with codes ---- */

static aenc_status codes(struct scene *scene) {
    static const double shares[] = {0.1, 0.9};
    static const int32_t labels[ROWS] = {0, 1, 0, 1, 2, 2, 0, 1, 2};
    float out[2 * ROWS * COLS], distance[ROWS];
    int64_t index[ROWS];
    int32_t group[ROWS];
    double number;
    aenc_context *ctx = scene->ctx;
    const aenc_matrix *x = &scene->x, by = {scene->data, 1, ROWS, 0};
    aenc_kmeans_options options = {.struct_size = sizeof options, .clusters = 3, .restarts = 2};
    aenc_status status = aenc_codes_interpolate(ctx, x, x, 2, AENC_INTERPOLATE_SPHERICAL, out, 2 * ROWS * COLS);
    if (status == AENC_OK) status = aenc_codes_combine(ctx, &by, x, out, COLS);
    if (status == AENC_OK) status = aenc_codes_attribute(ctx, x, labels, ROWS, 0, 1, out, COLS);
    if (status == AENC_OK) status = aenc_codes_quantiles(ctx, x, shares, 2, out, 2 * COLS);
    if (status == AENC_OK) status = aenc_neighbours(ctx, x, NULL, 1, AENC_DISTANCE_COSINE, index, distance, ROWS);
    if (status == AENC_OK) status = aenc_kmeans(ctx, x, &options, out, 3 * COLS, group, ROWS, &number);
    if (status == AENC_OK) status = aenc_probe(ctx, "knn:k=2", x, labels, ROWS, x, labels, ROWS, group, ROWS, &number);
    if (status == AENC_OK) status = aenc_probe(ctx, "softmax:iterations=3", x, labels, ROWS, x, labels, ROWS, group, ROWS, &number);
    return status;
}

static aenc_status codes_decoded(struct scene *scene) {
    static const double steps[] = {0.1, 1};
    float out[2 * ROWS * COLS];
    aenc_rate_point rate[2] = {{.struct_size = sizeof *rate}};
    const aenc_matrix code = {scene->data, 1, CODE, 0}, range = {scene->data + CODE, 2, CODE, 0};
    aenc_status status = aenc_interpolate(scene->model, &scene->x, &scene->x, 2, 0, out, 2 * ROWS * COLS);
    if (status == AENC_OK) status = aenc_traverse(scene->model, &code, &range, 2, out, CODE * 2 * COLS);
    if (status == AENC_OK) status = aenc_rate_distortion(scene->model, &scene->x, steps, 2, 0, rate);
    return status;
}

static aenc_status sweep(struct scene *scene) {
    static const size_t sizes[] = {1, 3}, hidden[] = {3};
    aenc_sweep_point point[2] = {{.struct_size = sizeof *point}};
    aenc_model_options model = {.struct_size = sizeof model, .encoder_widths = hidden, .encoder_count = 1};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1};
    aenc_sweep_options options = {.struct_size = sizeof options, .codes = sizes, .code_count = 2, .model = &model,
                                  .fit = &fit, .test = &scene->x};
    return aenc_sweep(scene->ctx, &scene->x, &options, point, options.code_count);
}

/* ---- Stacks ---- */

static aenc_status copy(struct scene *scene) {
    aenc_runner *runner = NULL;
    aenc_status status = aenc_runner_create(scene->model, NULL, &runner);
    if (status == AENC_OK) status = aenc_model_copy(scene->model, "encoder.0", scene->model, "encoder.0");
    aenc_runner_free(runner);
    return status;
}

/* With the moments of partial fits; the change behind it takes memory for the parameters. */
static aenc_status clone_model(struct scene *scene) {
    aenc_model *here = NULL;
    aenc_status status = aenc_partial_fit(scene->model, &scene->x, NULL);
    if (status == AENC_OK) status = aenc_model_clone(NULL, scene->model, 1, &here);
    if (status == AENC_OK) status = aenc_partial_fit(here, &scene->x, NULL);
    aenc_model_free(here);
    return status;
}

static aenc_status pretrain(struct scene *scene) {
    static const char *const corruptions[] = {"mask:level=0.25"};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .validation_fraction = 0.25};
    aenc_pretrain_options options = {.struct_size = sizeof options, .fit = &fit, .corruptions = corruptions,
                                     .corruption_count = 1};
    return aenc_pretrain(scene->model, &scene->x, &options);
}

static aenc_status pretrain_source(struct scene *scene) {
    aenc_source *source = NULL, *rows = NULL;
    aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = COLS, .read = read_rows, .user = scene,
                                       .seek = read_seek, .rows = ROWS, .read_ahead = 1};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .valid = &scene->x};
    aenc_pretrain_options options = {.struct_size = sizeof options, .fit = &fit};
    aenc_status status = aenc_source_callback(scene->ctx, &callbacks, &source);
    if (status == AENC_OK) status = aenc_pretrain_source(scene->model, source, &options);
    if (status == AENC_OK) status = aenc_source_matrix(scene->ctx, &scene->x, &rows);
    if (status == AENC_OK) status = aenc_pretrain_source(scene->model, rows, &options);
    aenc_source_free(source);
    aenc_source_free(rows);
    return status;
}

/* The files are written once and read by most rounds. */
static aenc_status pretrain_again(struct scene *scene) {
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .checkpoint = "oom_test.stack",
                            .resume = AENC_RESUME_IF_THERE};
    aenc_pretrain_options options = {.struct_size = sizeof options, .fit = &fit};
    aenc_status status = aenc_pretrain(scene->model, &scene->x, &options);
    for (int layer = 1; layer <= 2 && status == AENC_OK; layer++) {
        char name[32];
        snprintf(name, sizeof name, "oom_test.stack.layer-%d", layer);
        remove(name);
    }
    return status;
}

static aenc_status distill_source(struct scene *scene) {
    aenc_model *teacher = NULL;
    aenc_source *rows = NULL;
    double output, code;
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .valid = &scene->x};
    aenc_distill_options options = {.struct_size = sizeof options, .fit = &fit, .output_loss = &output, .code_loss = &code};
    aenc_status status = aenc_model_parse(scene->ctx, layered, strlen(layered), &teacher);
    if (status == AENC_OK) status = aenc_source_matrix(scene->ctx, &scene->x, &rows);
    if (status == AENC_OK) status = aenc_distill_source(scene->model, teacher, rows, &options);
    aenc_source_free(rows);
    aenc_model_free(teacher);
    return status;
}

static aenc_status grow(struct scene *scene) {
    aenc_layer *layer = NULL;
    aenc_model *grown = NULL;
    aenc_status status = aenc_layer_create(scene->ctx, "dense:units=2", &layer);
    if (status == AENC_OK) status = aenc_model_grow(scene->model, layer, &grown);
    CHECK((status == AENC_OK) == (grown != NULL));
    aenc_layer_free(layer);
    aenc_model_free(grown);
    return status;
}

static aenc_status distill(struct scene *scene) {
    aenc_model *teacher = NULL;
    double output, code;
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .valid = &scene->x};
    aenc_distill_options options = {.struct_size = sizeof options, .fit = &fit, .output_loss = &output, .code_loss = &code};
    aenc_status status = aenc_model_parse(scene->ctx, layered, strlen(layered), &teacher);
    if (status == AENC_OK) status = aenc_distill(scene->model, teacher, &scene->x, &options);
    aenc_model_free(teacher);
    return status;
}

static aenc_status classes(struct scene *scene) {
    static const char head[] = "{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":3},"
                               "\"loss\":\"cross_entropy:classes=2\"}";
    int32_t labels[ROWS] = {0, 1, 0, 1};
    float probability[ROWS * 2];
    double share;
    aenc_model *model = NULL;
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .labels = labels, .label_count = ROWS, .valid = &scene->x,
                            .valid_labels = labels, .valid_label_count = ROWS};
    aenc_status status = aenc_model_parse(scene->ctx, head, strlen(head), &model);
    if (status == AENC_OK) status = aenc_fit(model, &scene->x, &fit);
    if (status == AENC_OK) status = aenc_accuracy(model, &scene->x, labels, ROWS, &share);
    if (status == AENC_OK) status = aenc_class_probabilities(model, &scene->x, probability, ROWS * 2);
    aenc_model_free(model);
    return status;
}

/* ---- Plug-ins, which the scene's context knows from the start ---- */

static int negate(void *user, const aenc_operation_call *call) {
    const float *in = call->x[0];
    float *out = call->y;
    const size_t rows = call->rows;
    const size_t in_size = call->x_size[0];
    (void)user;
    for (size_t i = 0; i < rows * in_size; i++) out[i] = -in[i];
    return 0;
}

static int negate_back(void *user, const aenc_operation_call *call) {
    const float *dy = call->dy;
    float *dx = call->dx;
    const size_t rows = call->rows;
    const size_t in_size = call->x_size[0];
    (void)user;
    for (size_t i = 0; i < rows * in_size; i++) dx[i] -= dy[i];
    return 0;
}

static aenc_node *plugin_layer(void *user, aenc_recorder *r, aenc_node *x) {
    const size_t dims[] = {aenc_node_dim(x, 0)};
    const aenc_operation operation = {.struct_size = sizeof operation, .name = "negate", .forward = negate,
                                      .backward = negate_back};
    (void)user;
    x = aenc_node_multiply(r, x, aenc_node_parameter(r, "gain", dims, 1, "constant:gain=1"));
    x = aenc_node_add(r, x, aenc_node_constant(r, (const float[]){0.5f}, 1, NULL, 0));
    aenc_node_stage(r, aenc_node_state(r, "mean", dims, 1, 0), aenc_node_batch_mean(r, x));
    return aenc_node_operation(r, &operation, (aenc_node *[]){aenc_node_function(r, "tanh", x)}, 1, dims, 1);
}

static int plugin_mirror(void *user, const aenc_recorder *settings, const size_t *dims, size_t rank, char *spec, size_t size) {
    (void)user, (void)settings, (void)dims, (void)rank;
    return snprintf(spec, size, "plugged") < 0;
}

static aenc_node *plugin_loss(void *user, aenc_recorder *r, aenc_node *output, aenc_node *target) {
    (void)user;
    return aenc_node_row_mean(r, aenc_node_function(r, "square", aenc_node_subtract(r, output, target)));
}

static aenc_node *plugin_penalty(void *user, aenc_recorder *r, aenc_node *input, aenc_node *code, aenc_node *output) {
    (void)user, (void)input, (void)output;
    return aenc_node_row_sum(r, aenc_node_function(r, "square", code));
}

static aenc_node *plugin_corruption(void *user, aenc_recorder *r, aenc_node *x, aenc_node *level) {
    const size_t dims[] = {aenc_node_dim(x, 0)};
    (void)user;
    return aenc_node_add(r, x, aenc_node_multiply(r, aenc_node_normal(r, "draw", dims, 1), level));
}

static void plugins_register(aenc_context *ctx) {
    static const aenc_setting level[] = {{"level", 0.1, 0, 1, 0}};
    const aenc_plugin plugins[] = {
        {.struct_size = sizeof(aenc_plugin), .kind = AENC_PLUGIN_LAYER, .layer = plugin_layer, .mirror = plugin_mirror},
        {.struct_size = sizeof(aenc_plugin), .kind = AENC_PLUGIN_LOSS, .loss = plugin_loss},
        {.struct_size = sizeof(aenc_plugin), .kind = AENC_PLUGIN_PENALTY, .penalty = plugin_penalty},
        {.struct_size = sizeof(aenc_plugin), .kind = AENC_PLUGIN_CORRUPTION, .corruption = plugin_corruption,
         .settings = level, .setting_count = 1}};
    for (int i = 0; i < 4; i++) {
        aenc_plugin plugin = plugins[i];
        plugin.name = "plugged";
        CHECK_STATUS(ctx, aenc_register(ctx, &plugin), AENC_OK);
    }
}

static aenc_status plugged(struct scene *scene) {
    static const char text[] = "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\","
                               "\"units\":3},{\"type\":\"plugged\"},{\"type\":\"dense\",\"units\":2}]},"
                               "\"loss\":\"plugged\",\"penalties\":[\"plugged:weight=0.1\"],\"corrupt\":[\"plugged\"]}";
    aenc_model *model = NULL;
    aenc_runner *run = NULL;
    float score[ROWS];
    double worst;
    aenc_batch batch = {.struct_size = sizeof batch, .input = scene->x};
    aenc_runner_options options = {.struct_size = sizeof options, .task = AENC_RUN_SCORE};
    aenc_status status = aenc_model_parse(scene->ctx, text, strlen(text), &model);
    if (status == AENC_OK) status = aenc_check_gradients(model, &batch, NULL, &worst, NULL);
    if (status == AENC_OK) status = aenc_score(model, &scene->x, NULL, score, ROWS);
    if (status == AENC_OK) status = aenc_runner_create(model, &options, &run);
    aenc_runner_free(run);
    return take_model_of(status, model);
}

/* ---- Running them ---- */

static const struct {
    const char *name;
    task *take;
    bool has_model, trains;
} tasks[] = {
    {"tensors", tensors, false, false},
    {"widths", widths_create, false, false},
    {"many widths", many_widths_create, false, false},
    {"layers", layers_create, false, false},
    {"penalties, corruption, tied weights", regular, false, false},
    {"pca", pca_create, false, false},
    {"pca fits", pca_fits, false, false},
    {"parse", parse, false, false},
    {"scaled", scaled, false, false},
    {"detector", detector, false, false},
    {"judge", judge, false, false},
    {"load from memory", load_memory, false, false},
    {"load tensors", load_tensors, false, false},
    {"load from a file", load_file, false, false},
    {"use", use, true, false},
    {"contractive", contractive, false, false},
    {"codes", codes, false, false},
    {"codes decoded", codes_decoded, true, false},
    {"sweep", sweep, false, false},
    {"runner", runner, true, false},
    {"runner in a block", runner_in_block, true, false},
    {"train beside a runner", train_beside_runner, true, true},
    {"set beside a runner", set_beside_runner, true, false},
    {"evaluate", evaluate, true, false},
    {"steps", steps, true, false},
    {"growing batches", growing_batches, true, false},
    {"parameters", parameters, true, false},
    {"freeze", freeze, true, false},
    {"save to memory", save_memory, true, false},
    {"save an optimizer", save_optimizer, true, true},
    {"save to a callback", save_written, true, false},
    {"save to a file", save_file, true, false},
    {"fit", fit, true, true},
    {"fit with a checkpoint", fit_checkpoint, true, true},
    {"fit resumed", fit_resume, true, true},
    {"fit partly", fit_partly, true, true},
    {"fit from sources", fit_stream, true, true},
    {"copy", copy, true, false},
    {"clone", clone_model, true, true},
    {"pretrain", pretrain, true, true},
    {"pretrain from sources", pretrain_source, true, true},
    {"pretrain, resumed", pretrain_again, true, true},
    {"grow", grow, true, false},
    {"distill", distill, true, true},
    {"distill from a source", distill_source, true, true},
    {"classes", classes, false, false},
    {"plug-ins", plugged, false, false},
};

/* The model after a call that may have failed: what it was, or where it trained, finite. It can be used and trained. */
static void model_check(struct scene *scene, bool trains, const float *before, size_t count) {
    static float after[BLOCK];
    float code[ROWS * CODE];
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 1};
    CHECK(model_numbers(scene->model, after) == count);
    CHECK(trains ? all_finite(after, count) : memcmp(before, after, count * sizeof *after) == 0);
    CHECK_STATUS(scene->ctx, aenc_encode(scene->model, &scene->x, code, ROWS * CODE), AENC_OK);
    CHECK(all_finite(code, ROWS * CODE));
    CHECK_STATUS(scene->ctx, aenc_fit(scene->model, &scene->x, &options), AENC_OK);
}

/* Answers whether an allocation was refused. */
static bool take(size_t index, long k, bool for_good) {
    static float before[BLOCK];
    struct scene scene;
    size_t count = 0;
    memset(&scene, 0, sizeof scene);
    data_fill(&scene);
    scene.ctx = memory_context(&scene.memory, 3, 1);
    plugins_register(scene.ctx);
    if (tasks[index].has_model) {
        CHECK_STATUS(scene.ctx, aenc_model_parse(scene.ctx, layered, strlen(layered), &scene.model), AENC_OK);
        count = model_numbers(scene.model, before);
    }
    long blocks = scene.memory.blocks;
    scene.memory.calls = 0;
    scene.memory.fail_at = k;
    scene.memory.for_good = for_good;
    aenc_status status = tasks[index].take(&scene);
    bool refused = scene.memory.refused > 0;
    scene.memory.fail_at = 0;
    int failures = check_failures;
    CHECK_STATUS(scene.ctx, status, refused ? AENC_ERR_NO_MEMORY : AENC_OK);
    if (!tasks[index].has_model) CHECK(scene.memory.blocks == blocks);
    else model_check(&scene, tasks[index].trains, before, count);
    if (refused) CHECK(strlen(aenc_message(scene.ctx)) > 0);
    aenc_model_free(scene.model);
    aenc_context_free(scene.ctx);
    memory_check_empty(&scene.memory);
    if (check_failures > failures)
        fprintf(stderr, "  in '%s', allocation %ld%s\n", tasks[index].name, k, for_good ? " and all after it" : "");
    return refused;
}

static size_t index_of(const char *name) {
    size_t i = 0;
    while (strcmp(tasks[i].name, name) != 0) i++;
    return i;
}

int main(void) {
    snprintf(path, sizeof path, "oom_test.%ld.safetensors", (long)getpid());
    snprintf(detector_path, sizeof detector_path, "oom_test.%ld.detector", (long)getpid());
    snprintf(checkpoint, sizeof checkpoint, "oom_test.%ld.checkpoint", (long)getpid());
    checkpoint_make();
    take(index_of("save to a file"), 0, false); /* the file that is loaded */
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        for (int for_good = 0; for_good < 2; for_good++) {
            long k = 1;
            while (take(i, k, for_good)) k++;
            CHECK(k > 1);
        }
    }
    remove(path);
    remove(detector_path);
    remove(checkpoint);
    return check_finish();
}
