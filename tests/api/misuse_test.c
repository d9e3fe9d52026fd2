/* misuse_test.c - every public call with NULL in every place, wrong shapes, numbers that are not finite, sizes that
 * overflow, values out of range. */
#include <stdint.h>

#include "api/world.h"

/* What no pointer of ours is: a result that must become NULL starts as this. */
static char nothing;
#define NOTHING ((void *)&nothing)

/* ---- NULL ---- */

static void test_null_context(void) {
    aenc_layer *layer = NOTHING;
    aenc_model *model = NOTHING;
    aenc_tensor *tensor = NOTHING;
    size_t dim = 1;
    aenc_model_options options = {.struct_size = sizeof options};
    CHECK(aenc_context_create(NULL, NULL) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_create(NULL, &options, &model) == AENC_ERR_ARGUMENT && model == NULL);
    model = NOTHING;
    CHECK(aenc_model_parse(NULL, "{}", 2, &model) == AENC_ERR_ARGUMENT && model == NULL);
    model = NOTHING;
    CHECK(aenc_model_load(NULL, "x", &model) == AENC_ERR_ARGUMENT && model == NULL);
    model = NOTHING;
    CHECK(aenc_model_load_memory(NULL, "x", 1, &model) == AENC_ERR_ARGUMENT && model == NULL);
    CHECK(aenc_tensor_create(NULL, AENC_TYPE_F32, &dim, 1, &tensor) == AENC_ERR_ARGUMENT && tensor == NULL);
    CHECK(aenc_layer_create(NULL, "dense:units=1", &layer) == AENC_ERR_ARGUMENT && layer == NULL);
    CHECK(aenc_model_create(NULL, NULL, NULL) == AENC_ERR_ARGUMENT);
    model = NOTHING;
    CHECK(aenc_pca_create(NULL, NULL, NULL, &model) == AENC_ERR_ARGUMENT && model == NULL);
    model = NOTHING;
    CHECK(aenc_pca_create_source(NULL, NULL, NULL, &model) == AENC_ERR_ARGUMENT && model == NULL);
    CHECK(aenc_pca_create(NULL, NULL, NULL, NULL) == AENC_ERR_ARGUMENT);
    CHECK(aenc_pca_create_source(NULL, NULL, NULL, NULL) == AENC_ERR_ARGUMENT);
    CHECK(aenc_subspace_angles(NULL, NULL, NULL, NULL, 0) == AENC_ERR_ARGUMENT);
    CHECK(aenc_matrix_angles(NULL, NULL, NULL, NULL, 0) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_parse(NULL, NULL, 0, NULL) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_load(NULL, NULL, NULL) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_load_memory(NULL, NULL, 0, NULL) == AENC_ERR_ARGUMENT);
    CHECK(aenc_tensor_create(NULL, AENC_TYPE_F32, NULL, 0, NULL) == AENC_ERR_ARGUMENT);
    CHECK(aenc_layer_create(NULL, NULL, NULL) == AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(NULL), "NULL") != NULL);
    CHECK(aenc_build_info(NULL) != NULL);
    aenc_context_free(NULL);
    aenc_model_free(NULL);
    aenc_tensor_free(NULL);
    aenc_layer_free(NULL);
    aenc_optimizer_free(NULL);
    aenc_runner_free(NULL);
}

static void test_null_model(struct world *w) {
    float room[64];
    size_t size;
    double loss;
    aenc_progress now = {.struct_size = sizeof now};
    aenc_batch batch = {.struct_size = sizeof batch, .input = w->x};
    aenc_tensor *tensor = NOTHING;
    aenc_optimizer *optimizer = NOTHING;
    CHECK(aenc_fit(NULL, &w->x, NULL) == AENC_ERR_ARGUMENT);
    CHECK(aenc_encode(NULL, &w->x, room, 64) == AENC_ERR_ARGUMENT);
    CHECK(aenc_decode(NULL, &w->x, room, 64) == AENC_ERR_ARGUMENT);
    CHECK(aenc_reconstruct(NULL, &w->x, room, 64) == AENC_ERR_ARGUMENT);
    CHECK(aenc_score(NULL, &w->x, NULL, room, 64) == AENC_ERR_ARGUMENT);
    CHECK(aenc_score_features(NULL, &w->x, NULL, room, 64) == AENC_ERR_ARGUMENT);
    CHECK(aenc_jacobian_norm(NULL, &w->x, room, 64) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_save(NULL, "x") == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_save_memory(NULL, NULL, 0, &size) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_history(NULL, 0, &now) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_tensor_get(NULL, "encoder.0.weight", &tensor) == AENC_ERR_ARGUMENT && tensor == NULL);
    tensor = NOTHING;
    CHECK(aenc_model_gradient_get(NULL, "encoder.0.weight", &tensor) == AENC_ERR_ARGUMENT && tensor == NULL);
    CHECK(aenc_model_tensor_get(NULL, NULL, NULL) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_gradient_get(NULL, NULL, NULL) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_tensor_set(NULL, "encoder.0.weight", NULL) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_freeze(NULL, "", 1) == AENC_ERR_ARGUMENT);
    CHECK(aenc_optimizer_create(NULL, "adam", &optimizer) == AENC_ERR_ARGUMENT && optimizer == NULL);
    CHECK(aenc_optimizer_create(NULL, "adam", NULL) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_gradients(NULL, &batch, &loss) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_step(NULL, NULL, &batch, &loss) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_evaluate(NULL, &batch, &loss) == AENC_ERR_ARGUMENT);
    aenc_runner *runner = NOTHING;
    CHECK(aenc_runner_create(NULL, NULL, &runner) == AENC_ERR_ARGUMENT && runner == NULL);
    CHECK(aenc_runner_create(NULL, NULL, NULL) == AENC_ERR_ARGUMENT);
    CHECK(aenc_runner_size(NULL, NULL, &size) == AENC_ERR_ARGUMENT && size == 0);
    CHECK(aenc_runner_size(NULL, NULL, NULL) == AENC_ERR_ARGUMENT);
}

static void test_null_answers(struct world *w) {
    CHECK(strcmp(aenc_model_description(NULL), "") == 0);
    CHECK(aenc_model_input_size(NULL) + aenc_model_code_size(NULL) + aenc_model_output_size(NULL) == 0);
    CHECK(aenc_denoising_score(NULL, &w->x, 1, w->output, 1) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_term_count(NULL) == 0 && aenc_model_term_name(NULL, 0) == NULL);
    CHECK(isnan(aenc_model_term_value(NULL, 0)) && aenc_model_set_epochs(NULL, 0) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_history_term(NULL, 0, 0, NULL) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_term_role(NULL, 0) == 0 && isnan(aenc_model_term_valid(NULL, 0)));
    CHECK(aenc_model_parameter_size(NULL) + aenc_model_tensor_count(NULL) + aenc_model_history_count(NULL) == 0);
    CHECK(aenc_model_tensor_name(NULL, 0) == NULL);
    CHECK(aenc_model_tensor_name(w->model, aenc_model_tensor_count(w->model)) == NULL);
    CHECK(aenc_model_tensor_name(w->model, SIZE_MAX) == NULL);
    CHECK(aenc_tensor_type(NULL) == 0 && aenc_tensor_rank(NULL) == 0);
    CHECK(aenc_tensor_dim(NULL, 0) == 0 && aenc_tensor_count(NULL) == 0);
    CHECK(aenc_tensor_read(NULL, w->data, 1) == AENC_ERR_ARGUMENT);
    CHECK(aenc_tensor_write(NULL, w->data, 1) == AENC_ERR_ARGUMENT);
    CHECK(aenc_optimizer_apply(NULL) == AENC_ERR_ARGUMENT);
    CHECK(aenc_optimizer_set_learning_rate(NULL, 1) == AENC_ERR_ARGUMENT);
    CHECK(aenc_optimizer_set_clipping(NULL, 1, 1) == AENC_ERR_ARGUMENT);
    CHECK(isnan(aenc_optimizer_learning_rate(NULL)));
    CHECK(aenc_layer_add(NULL, NULL) == AENC_ERR_ARGUMENT);
    CHECK(aenc_runner_run(NULL, &w->x, NULL, w->data, 1) == AENC_ERR_ARGUMENT);
    CHECK(aenc_runner_refresh(NULL) == AENC_ERR_ARGUMENT && strstr(aenc_runner_message(NULL), "NULL") != NULL);
    CHECK(strcmp(aenc_status_name(AENC_ERR_SHAPE), "AENC_ERR_SHAPE") == 0);
    CHECK(strcmp(aenc_status_name(7), "unknown status") == 0);
}

static void test_null_arguments(struct world *w) {
    aenc_model *model = NOTHING;
    aenc_layer *layer = NOTHING;
    aenc_optimizer *optimizer = NOTHING;
    aenc_tensor *tensor = NOTHING;
    aenc_model_options options = {.struct_size = sizeof options};
    const aenc_status bad = AENC_ERR_ARGUMENT;
    CHECK_FAILS(w, aenc_model_create(w->ctx, &options, NULL), bad, "aenc_model_create|out|NULL");
    CHECK_NONE(w, aenc_model_create(w->ctx, NULL, &model), model, bad, "aenc_model_create|options|NULL");
    CHECK_FAILS(w, aenc_model_parse(w->ctx, "{}", 2, NULL), bad, "aenc_model_parse|out|NULL");
    model = NOTHING;
    CHECK_NONE(w, aenc_model_parse(w->ctx, NULL, 2, &model), model, bad, "aenc_model_parse|json|NULL");
    CHECK_FAILS(w, aenc_model_save(w->model, NULL), bad, "aenc_model_save|path|NULL");
    CHECK_FAILS(w, aenc_model_load(w->ctx, "x", NULL), bad, "aenc_model_load|out|NULL");
    model = NOTHING;
    CHECK_NONE(w, aenc_model_load(w->ctx, NULL, &model), model, bad, "aenc_model_load|path|NULL");
    CHECK_FAILS(w, aenc_model_save_memory(w->model, NULL, 0, NULL), bad, "aenc_model_save_memory|size|NULL");
    CHECK_FAILS(w, aenc_model_load_memory(w->ctx, "x", 1, NULL), bad, "aenc_model_load_memory|out|NULL");
    model = NOTHING;
    CHECK_NONE(w, aenc_model_load_memory(w->ctx, NULL, 1, &model), model, bad, "aenc_model_load_memory|bytes|NULL");
    CHECK_FAILS(w, aenc_tensor_create(w->ctx, AENC_TYPE_F32, NULL, 0, NULL), bad, "aenc_tensor_create|out|NULL");
    CHECK_NONE(w, aenc_tensor_create(w->ctx, AENC_TYPE_F32, NULL, 1, &tensor), tensor, bad, "aenc_tensor_create|dims|NULL");
    CHECK_FAILS(w, aenc_model_tensor_get(w->model, "encoder.0.weight", NULL), bad, "aenc_model_tensor_get|out");
    tensor = NOTHING;
    CHECK_NONE(w, aenc_model_tensor_get(w->model, NULL, &tensor), tensor, bad, "aenc_model_tensor_get|name");
    CHECK_FAILS(w, aenc_model_gradient_get(w->model, "encoder.0.weight", NULL), bad, "aenc_model_gradient_get|out");
    tensor = NOTHING;
    CHECK_NONE(w, aenc_model_gradient_get(w->model, NULL, &tensor), tensor, bad, "aenc_model_gradient_get|name");
    CHECK_FAILS(w, aenc_model_tensor_set(w->model, "encoder.0.weight", NULL), bad, "aenc_model_tensor_set|value");
    CHECK_FAILS(w, aenc_model_freeze(w->model, NULL, 1), bad, "aenc_model_freeze|prefix|NULL");
    CHECK_FAILS(w, aenc_optimizer_create(w->model, "adam", NULL), bad, "aenc_optimizer_create|out|NULL");
    CHECK_NONE(w, aenc_optimizer_create(w->model, NULL, &optimizer), optimizer, bad, "aenc_optimizer_create|spec|NULL");
    CHECK_FAILS(w, aenc_runner_create(w->model, NULL, NULL), bad, "aenc_runner_create|out|NULL");
    CHECK_FAILS(w, aenc_runner_size(w->model, NULL, NULL), bad, "aenc_runner_size|bytes|NULL");
    CHECK_FAILS(w, aenc_layer_create(w->ctx, "relu", NULL), bad, "aenc_layer_create|out|NULL");
    CHECK_NONE(w, aenc_layer_create(w->ctx, NULL, &layer), layer, bad, "aenc_layer_create|spec|NULL");
    CHECK_FAILS(w, aenc_model_history(w->model, 0, NULL), bad, "aenc_model_history|now|NULL");
}

/* ---- Matrices ---- */

/* A call with one matrix in doubt; the others are good. */
typedef aenc_status matrix_call(struct world *w, const aenc_matrix *m);

static aenc_status call_encode(struct world *w, const aenc_matrix *m) {
    float room[64];
    return aenc_encode(w->model, m, room, 64);
}
static aenc_status call_decode(struct world *w, const aenc_matrix *m) {
    float room[64];
    return aenc_decode(w->model, m, room, 64);
}
static aenc_status call_reconstruct(struct world *w, const aenc_matrix *m) {
    float room[64];
    return aenc_reconstruct(w->model, m, room, 64);
}
static aenc_status call_score(struct world *w, const aenc_matrix *m) {
    float room[64];
    return aenc_score(w->model, m, NULL, room, 64);
}
static aenc_status call_score_target(struct world *w, const aenc_matrix *m) {
    float room[64];
    return aenc_score(w->model, &w->x, m, room, 64);
}
static aenc_status call_features(struct world *w, const aenc_matrix *m) {
    float room[64];
    return aenc_score_features(w->model, m, NULL, room, 64);
}
static aenc_status call_jacobian(struct world *w, const aenc_matrix *m) {
    float room[64];
    return aenc_jacobian_norm(w->model, m, room, 64);
}
static aenc_status call_features_target(struct world *w, const aenc_matrix *m) {
    float room[64];
    return aenc_score_features(w->model, &w->x, m, room, 64);
}
static aenc_status call_fit(struct world *w, const aenc_matrix *m) { return aenc_fit(w->model, m, NULL); }
static aenc_status call_fit_target(struct world *w, const aenc_matrix *m) {
    aenc_fit_options options = {.struct_size = sizeof options, .target = m};
    return aenc_fit(w->model, &w->x, &options);
}
static aenc_status call_fit_valid(struct world *w, const aenc_matrix *m) {
    aenc_fit_options options = {.struct_size = sizeof options, .valid = m};
    return aenc_fit(w->model, &w->x, &options);
}
static aenc_status call_fit_valid_target(struct world *w, const aenc_matrix *m) {
    aenc_fit_options options = {.struct_size = sizeof options, .valid = &w->x, .valid_target = m};
    return aenc_fit(w->model, &w->x, &options);
}
static aenc_batch batch_of(const aenc_matrix *input, const aenc_matrix *target) {
    aenc_batch batch = {.struct_size = sizeof batch};
    if (input != NULL) batch.input = *input;
    if (target != NULL) batch.target = *target;
    return batch;
}
static aenc_status call_gradients(struct world *w, const aenc_matrix *m) {
    aenc_batch batch = batch_of(m, NULL);
    return aenc_model_gradients(w->model, &batch, NULL);
}
static aenc_status call_gradients_target(struct world *w, const aenc_matrix *m) {
    aenc_batch batch = batch_of(&w->x, m);
    return aenc_model_gradients(w->model, &batch, NULL);
}
static aenc_status call_evaluate(struct world *w, const aenc_matrix *m) {
    double loss;
    aenc_batch batch = batch_of(m, NULL);
    return aenc_model_evaluate(w->model, &batch, &loss);
}
static aenc_status call_step(struct world *w, const aenc_matrix *m) {
    aenc_optimizer *optimizer;
    aenc_batch batch = batch_of(m, NULL);
    CHECK(aenc_optimizer_create(w->model, "sgd", &optimizer) == AENC_OK);
    aenc_status status = aenc_model_step(w->model, optimizer, &batch, NULL);
    aenc_optimizer_free(optimizer);
    return status;
}

/* may_lack: NULL, or a batch's matrix without data, is not a mistake there. */
static const struct {
    matrix_call *call;
    const char *name;
    size_t cols;
    bool may_lack;
} matrix_calls[] = {
    {call_encode, "x", WORLD_COLS, false},
    {call_decode, "code", WORLD_CODE, false},
    {call_reconstruct, "x", WORLD_COLS, false},
    {call_score, "x", WORLD_COLS, false},
    {call_score_target, "target", WORLD_COLS, true},
    {call_features, "x", WORLD_COLS, false},
    {call_jacobian, "x", WORLD_COLS, false},
    {call_features_target, "target", WORLD_COLS, true},
    {call_fit, "x", WORLD_COLS, false},
    {call_fit_target, "target", WORLD_COLS, true},
    {call_fit_valid, "valid", WORLD_COLS, true},
    {call_fit_valid_target, "valid_target", WORLD_COLS, true},
    {call_gradients, "input", WORLD_COLS, false},
    {call_gradients_target, "target", WORLD_COLS, true},
    {call_evaluate, "input", WORLD_COLS, false},
    {call_step, "input", WORLD_COLS, false},
};

static void check_matrix(struct world *w, size_t i, const aenc_matrix *m, aenc_status want, const char *words) {
    char all[160];
    snprintf(all, sizeof all, "%s|%s", matrix_calls[i].name, words);
    check_fails(w, matrix_calls[i].call(w, m), want, all, __FILE__, (int)i, "the call in this line of matrix_calls");
}

static void test_shapes(struct world *w, size_t i) {
    size_t cols = matrix_calls[i].cols;
    char words[64];
    aenc_matrix m = {w->data, 0, cols, 0};
    check_matrix(w, i, &m, AENC_ERR_SHAPE, "rows|0");
    for (int wrong = 0; wrong < 2; wrong++) {
        m = (aenc_matrix){w->data, 2, wrong == 0 ? cols - 1 : cols + 1, 0};
        snprintf(words, sizeof words, "cols|%zu|%zu", m.cols, cols);
        check_matrix(w, i, &m, AENC_ERR_SHAPE, words);
    }
    m = (aenc_matrix){w->data, 2, cols, cols - 1};
    snprintf(words, sizeof words, "stride|%zu|%zu", cols - 1, cols);
    check_matrix(w, i, &m, AENC_ERR_SHAPE, words);
    const size_t sizes[][2] = {{SIZE_MAX, 0},     {SIZE_MAX / 2, 0},        {2, SIZE_MAX},
                               {SIZE_MAX / 8, 8}, {(size_t)1 << 61, cols}, {((size_t)1 << 32) + 1, (size_t)1 << 32}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        m = (aenc_matrix){w->data, sizes[k][0], cols, sizes[k][1]};
        snprintf(words, sizeof words, "%zu", sizes[k][0]);
        check_matrix(w, i, &m, AENC_ERR_SHAPE, words);
    }
    if (matrix_calls[i].may_lack) return;
    m = (aenc_matrix){NULL, 2, cols, 0};
    check_matrix(w, i, &m, AENC_ERR_ARGUMENT, "data|NULL");
    check_matrix(w, i, NULL, AENC_ERR_ARGUMENT, "NULL");
}

static void test_nonfinite(struct world *w, size_t i) {
    const float bad[] = {NAN, INFINITY, -INFINITY};
    const char *const words[] = {"[1, 2] is nan", "[1, 2] is inf", "[1, 2] is -inf"};
    float data[WORLD_ROWS * (WORLD_COLS + 1)] = {0};
    size_t cols = matrix_calls[i].cols, stride = cols + 1;
    aenc_matrix m = {data, WORLD_ROWS, cols, stride};
    for (int k = 0; k < 3; k++) {
        data[stride + 2] = bad[k];
        check_matrix(w, i, &m, AENC_ERR_NONFINITE, words[k]);
        data[stride + 2] = 0;
    }
}

/* What lies between the rows is nobody's business. */
static void test_stride(struct world *w) {
    float data[WORLD_ROWS * (WORLD_COLS + 1)], code[WORLD_ROWS * WORLD_CODE];
    for (size_t r = 0; r < WORLD_ROWS; r++) {
        memcpy(data + r * (WORLD_COLS + 1), w->data + r * WORLD_COLS, WORLD_COLS * sizeof *data);
        data[r * (WORLD_COLS + 1) + WORLD_COLS] = NAN;
    }
    aenc_matrix m = {data, WORLD_ROWS, WORLD_COLS, WORLD_COLS + 1};
    CHECK_STATUS(w->ctx, aenc_encode(w->model, &m, code, WORLD_ROWS * WORLD_CODE), AENC_OK);
    CHECK(memcmp(code, w->code, sizeof code) == 0);
}

static void test_target_rows(struct world *w) {
    const aenc_status bad = AENC_ERR_SHAPE;
    aenc_matrix target = {w->data, WORLD_ROWS - 1, WORLD_COLS, 0};
    CHECK_FAILS(w, call_score_target(w, &target), bad, "target|3|x|4");
    CHECK_FAILS(w, call_features_target(w, &target), bad, "target|3|x|4");
    CHECK_FAILS(w, call_fit_target(w, &target), bad, "target|3|x|4");
    CHECK_FAILS(w, call_fit_valid_target(w, &target), bad, "valid_target|3|valid|4");
    CHECK_FAILS(w, call_gradients_target(w, &target), bad, "target|3|input|4");
}

static void test_rooms(struct world *w) {
    float room[64];
    aenc_matrix code = {w->code, WORLD_ROWS, WORLD_CODE, 0};
    const aenc_status null = AENC_ERR_ARGUMENT, few = AENC_ERR_SHAPE;
    CHECK_FAILS(w, aenc_encode(w->model, &w->x, NULL, 64), null, "aenc_encode|out|NULL");
    CHECK_FAILS(w, aenc_decode(w->model, &code, NULL, 64), null, "aenc_decode|out|NULL");
    CHECK_FAILS(w, aenc_reconstruct(w->model, &w->x, NULL, 64), null, "aenc_reconstruct|out|NULL");
    CHECK_FAILS(w, aenc_score(w->model, &w->x, NULL, NULL, 64), null, "aenc_score|out|NULL");
    CHECK_FAILS(w, aenc_score_features(w->model, &w->x, NULL, NULL, 64), null, "aenc_score_features|out|NULL");
    CHECK_FAILS(w, aenc_encode(w->model, &w->x, room, 11), few, "aenc_encode|out|11|4|3");
    CHECK_FAILS(w, aenc_decode(w->model, &code, room, 23), few, "aenc_decode|out|23|4|6");
    CHECK_FAILS(w, aenc_reconstruct(w->model, &w->x, room, 23), few, "aenc_reconstruct|out|23|4|6");
    CHECK_FAILS(w, aenc_score(w->model, &w->x, NULL, room, 3), few, "aenc_score|out|3|4|1");
    CHECK_FAILS(w, aenc_jacobian_norm(w->model, &w->x, NULL, 64), null, "aenc_jacobian_norm|out|NULL");
    CHECK_FAILS(w, aenc_jacobian_norm(w->model, &w->x, room, 3), few, "aenc_jacobian_norm|out|3|4|1");
    CHECK_FAILS(w, aenc_score_features(w->model, &w->x, NULL, room, 0), few, "aenc_score_features|out|0|4|6");
}

/* ---- Tensors ---- */

static void test_tensor_create(struct world *w) {
    aenc_tensor *t = NOTHING;
    size_t dims[] = {2, 3, 1, 1, 1, 1, 1};
    CHECK_NONE(w, aenc_tensor_create(w->ctx, 11, dims, 2, &t), t, AENC_ERR_ARGUMENT, "type|11");
    t = NOTHING;
    CHECK_NONE(w, aenc_tensor_create(w->ctx, 0, dims, 2, &t), t, AENC_ERR_ARGUMENT, "type|0");
    t = NOTHING;
    CHECK_NONE(w, aenc_tensor_create(w->ctx, AENC_TYPE_F32, dims, 7, &t), t, AENC_ERR_SHAPE, "rank|7|6");
    const size_t bad[][2] = {{2, 0}, {SIZE_MAX, 2}, {(size_t)1 << 32, (size_t)1 << 32}};
    for (int k = 0; k < 3; k++) {
        char words[64];
        snprintf(words, sizeof words, "dims[1]|%zu", bad[k][1]);
        t = NOTHING;
        CHECK_NONE(w, aenc_tensor_create(w->ctx, AENC_TYPE_F32, bad[k], 2, &t), t, AENC_ERR_SHAPE, words);
    }
    const size_t large[] = {SIZE_MAX / 4};
    t = NOTHING;
    CHECK_NONE(w, aenc_tensor_create(w->ctx, AENC_TYPE_F32, large, 1, &t), t, AENC_ERR_NO_MEMORY, "4611686018427387903");
    const size_t too_many[] = {(size_t)1 << 30};
    t = NOTHING;
    CHECK_NONE(w, aenc_tensor_create(w->ctx, AENC_TYPE_F32, too_many, 1, &t), t, AENC_ERR_NO_MEMORY, "429496");
}

static void test_tensor_types(struct world *w, int32_t type, const float *good, const float *bad, size_t bad_count) {
    aenc_tensor *t;
    float back[2];
    const float swapped[] = {good[1], good[0]}; /* none is 0 in both: so are the elements of a new tensor */
    size_t dim = 2;
    CHECK_STATUS(w->ctx, aenc_tensor_create(w->ctx, type, &dim, 1, &t), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_tensor_write(t, swapped, 2), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_tensor_read(t, back, 2), AENC_OK);
    CHECK(memcmp(back, swapped, sizeof back) == 0);
    CHECK_STATUS(w->ctx, aenc_tensor_write(t, good, 2), AENC_OK);
    for (size_t k = 0; k < bad_count; k++) {
        const float values[] = {1, bad[k]};
        CHECK_FAILS(w, aenc_tensor_write(t, values, 2), AENC_ERR_ARGUMENT, "aenc_tensor_write|values[1] is");
        CHECK_STATUS(w->ctx, aenc_tensor_read(t, back, 2), AENC_OK);
        CHECK(memcmp(back, good, sizeof back) == 0);
    }
    CHECK_FAILS(w, aenc_tensor_write(t, NULL, 2), AENC_ERR_ARGUMENT, "aenc_tensor_write|NULL");
    CHECK_FAILS(w, aenc_tensor_read(t, NULL, 2), AENC_ERR_ARGUMENT, "aenc_tensor_read|NULL");
    CHECK_FAILS(w, aenc_tensor_write(t, good, 1), AENC_ERR_SHAPE, "aenc_tensor_write|1|2");
    CHECK_FAILS(w, aenc_tensor_read(t, back, 3), AENC_ERR_SHAPE, "aenc_tensor_read|3|2");
    CHECK(aenc_tensor_dim(t, 1) == 0 && aenc_tensor_dim(t, SIZE_MAX) == 0);
    aenc_tensor_free(t);
}

static void test_tensors(struct world *w) {
    const float f32[] = {-0.5f, 1e30f}, i32[] = {-2147483648.0f, 2147483520.0f}, u8[] = {0, 255};
    const float bad_i32[] = {0.5f, 2147483648.0f, -2147483904.0f, NAN, INFINITY};
    const float bad_u8[] = {-1, 256, 0.5f, NAN, -INFINITY};
    test_tensor_types(w, AENC_TYPE_F32, f32, NULL, 0);
    test_tensor_types(w, AENC_TYPE_I32, i32, bad_i32, 5);
    test_tensor_types(w, AENC_TYPE_U8, u8, bad_u8, 5);
}

static void test_parameters(struct world *w) {
    aenc_tensor *t = NOTHING, *value;
    size_t wrong[] = {6, 5}, right[] = {5, 6};
    float numbers[30] = {0};
    const char *name = "encoder.0.weight";
    CHECK_NONE(w, aenc_model_tensor_get(w->model, "encoder.0.wieght", &t), t, AENC_ERR_ARGUMENT, "encoder.0.wieght");
    t = NOTHING;
    CHECK_NONE(w, aenc_model_gradient_get(w->model, "encoder.9.bias", &t), t, AENC_ERR_ARGUMENT, "encoder.9.bias");
    t = NOTHING;
    CHECK_NONE(w, aenc_model_gradient_get(w->model, name, &t), t, AENC_ERR_ARGUMENT, "aenc_model_gradients");
    CHECK_FAILS(w, aenc_model_freeze(w->model, "encodre", 1), AENC_ERR_ARGUMENT, "encodre");
    CHECK_STATUS(w->ctx, aenc_tensor_create(w->ctx, AENC_TYPE_F32, wrong, 2, &value), AENC_OK);
    CHECK_FAILS(w, aenc_model_tensor_set(w->model, name, value), AENC_ERR_SHAPE, "encoder.0.weight|6|5");
    CHECK_FAILS(w, aenc_model_tensor_set(w->model, "typo", value), AENC_ERR_ARGUMENT, "typo");
    CHECK_FAILS(w, aenc_model_tensor_set(w->model, NULL, value), AENC_ERR_ARGUMENT, "name|NULL");
    aenc_tensor_free(value);
    CHECK_STATUS(w->ctx, aenc_tensor_create(w->ctx, AENC_TYPE_F32, right, 2, &value), AENC_OK);
    numbers[29] = NAN;
    CHECK_STATUS(w->ctx, aenc_tensor_write(value, numbers, 30), AENC_OK);
    CHECK_FAILS(w, aenc_model_tensor_set(w->model, name, value), AENC_ERR_NONFINITE, "'encoder.0.weight'[4, 5] is nan");
    aenc_tensor_free(value);
}

/* ---- The loop ---- */

static void test_weights(struct world *w) {
    aenc_batch batch = batch_of(&w->x, NULL);
    double loss;
    float weight[WORLD_ROWS] = {1, 1, -0.5f, 1};
    batch.weight = weight;
    batch.weight_count = WORLD_ROWS - 1;
    CHECK_FAILS(w, aenc_model_gradients(w->model, &batch, &loss), AENC_ERR_SHAPE, "aenc_batch.weight_count|3|4");
    batch.weight_count = WORLD_ROWS;
    CHECK_FAILS(w, aenc_model_gradients(w->model, &batch, &loss), AENC_ERR_ARGUMENT, "weight[2]|-0.5");
    CHECK_FAILS(w, aenc_model_evaluate(w->model, &batch, &loss), AENC_ERR_ARGUMENT, "weight[2]|-0.5");
    weight[2] = NAN;
    CHECK_FAILS(w, aenc_model_gradients(w->model, &batch, &loss), AENC_ERR_NONFINITE, "weight[2]|nan");
    weight[2] = INFINITY;
    CHECK_FAILS(w, aenc_model_evaluate(w->model, &batch, &loss), AENC_ERR_NONFINITE, "weight[2]|inf");
    memset(weight, 0, sizeof weight);
    CHECK_FAILS(w, aenc_model_gradients(w->model, &batch, &loss), AENC_ERR_ARGUMENT, "weight|0");
}

static void test_optimizer(struct world *w) {
    struct world other;
    aenc_optimizer *mine, *foreign;
    aenc_batch batch = batch_of(&w->x, NULL);
    double loss;
    world_create(&other);
    CHECK_STATUS(w->ctx, aenc_optimizer_create(w->model, "adam:lr=0.5", &mine), AENC_OK);
    CHECK_STATUS(other.ctx, aenc_optimizer_create(other.model, "adam", &foreign), AENC_OK);
    const double rates[] = {-1, NAN, INFINITY, 1e300};
    const char *const words[] = {"-1|learning", "nan|learning", "inf|learning", "1e300|learning"};
    for (int k = 0; k < 4; k++)
        CHECK_FAILS(w, aenc_optimizer_set_learning_rate(mine, rates[k]), AENC_ERR_ARGUMENT, words[k]);
    CHECK_NEAR(aenc_optimizer_learning_rate(mine), 0.5, 0);
    CHECK_FAILS(w, aenc_optimizer_set_clipping(mine, -1, 0), AENC_ERR_ARGUMENT, "norm|-1");
    CHECK_FAILS(w, aenc_optimizer_set_clipping(mine, 0, NAN), AENC_ERR_ARGUMENT, "value|nan");
    CHECK_FAILS(w, aenc_optimizer_apply(mine), AENC_ERR_ARGUMENT, "gradients");
    CHECK_FAILS(w, aenc_model_step(w->model, NULL, &batch, &loss), AENC_ERR_ARGUMENT, "optimizer|NULL");
    CHECK_FAILS(w, aenc_model_step(w->model, foreign, &batch, &loss), AENC_ERR_ARGUMENT, "another model");
    CHECK_FAILS(w, aenc_model_step(w->model, mine, NULL, &loss), AENC_ERR_ARGUMENT, "batch|NULL");
    CHECK_FAILS(w, aenc_model_gradients(w->model, NULL, &loss), AENC_ERR_ARGUMENT, "batch|NULL");
    CHECK_FAILS(w, aenc_model_evaluate(w->model, NULL, &loss), AENC_ERR_ARGUMENT, "batch|NULL");
    CHECK_FAILS(w, aenc_model_evaluate(w->model, &batch, NULL), AENC_ERR_ARGUMENT, "loss|NULL");
    aenc_optimizer_free(mine);
    aenc_optimizer_free(foreign);
    world_free(&other);
}

/* Gradients that were computed and then invalidated are not applied. */
static void test_stale_gradients(struct world *w) {
    aenc_optimizer *optimizer;
    aenc_tensor *t = NOTHING;
    aenc_batch batch = batch_of(&w->x, NULL), bad = batch_of(NULL, NULL);
    CHECK_STATUS(w->ctx, aenc_optimizer_create(w->model, "sgd", &optimizer), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_gradients(w->model, &batch, NULL), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_freeze(w->model, "encoder.0", 1), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_freeze(w->model, "encoder.0", 0), AENC_OK);
    CHECK_FAILS(w, aenc_optimizer_apply(optimizer), AENC_ERR_ARGUMENT, "gradients");
    CHECK_NONE(w, aenc_model_gradient_get(w->model, "encoder.0.bias", &t), t, AENC_ERR_ARGUMENT, "gradients");
    CHECK(aenc_model_gradients(w->model, &bad, NULL) == AENC_ERR_ARGUMENT);
    CHECK_FAILS(w, aenc_optimizer_apply(optimizer), AENC_ERR_ARGUMENT, "gradients");
    aenc_optimizer_free(optimizer);
}

static void test_score_of_denoising(struct world *w) {
    float out[WORLD_ROWS * WORLD_COLS];
    const size_t all = WORLD_ROWS * WORLD_COLS;
    aenc_matrix narrow = w->x;
    narrow.cols = 2;
    CHECK_STATUS(w->ctx, aenc_denoising_score(w->model, &w->x, 0.5, out, all), AENC_OK);
    for (size_t i = 0; i < all; i++)
        CHECK_NEAR((double)out[i], ((double)w->output[i] - (double)w->data[i]) / 0.25, 1e-6);
    CHECK_FAILS(w, aenc_denoising_score(w->model, &w->x, 0, out, all), AENC_ERR_ARGUMENT, "sigma|0");
    CHECK_FAILS(w, aenc_denoising_score(w->model, &w->x, (double)NAN, out, all), AENC_ERR_ARGUMENT, "sigma|nan");
    CHECK_FAILS(w, aenc_denoising_score(w->model, &w->x, 1e-200, out, all), AENC_ERR_ARGUMENT, "sigma|1e-200");
    CHECK_FAILS(w, aenc_denoising_score(w->model, &w->x, 1, out, all - 1), AENC_ERR_SHAPE, "out|23");
    CHECK_FAILS(w, aenc_denoising_score(w->model, &w->x, 1, NULL, all), AENC_ERR_ARGUMENT, "out|NULL");
    CHECK_FAILS(w, aenc_denoising_score(w->model, &narrow, 1, out, all), AENC_ERR_SHAPE, "cols|2");
    CHECK_FAILS(w, aenc_denoising_score(w->model, NULL, 1, out, all), AENC_ERR_ARGUMENT, "x|NULL");
}

static void test_specs(struct world *w) {
    static const size_t input[] = {WORLD_COLS}, widths[] = {3};
    const char *const missing[] = {"l1:weight=1", NULL};
    aenc_model *none = NOTHING;
    aenc_model_options o = {
        .struct_size = sizeof o, .input = input, .input_rank = 1, .encoder_widths = widths, .encoder_count = 1};
    o.penalty_count = 1;
    CHECK_NONE(w, aenc_model_create(w->ctx, &o, &none), none, AENC_ERR_ARGUMENT, "aenc_model_options.penalties|NULL|1");
    o.penalties = missing;
    o.penalty_count = 2;
    none = NOTHING;
    CHECK_NONE(w, aenc_model_create(w->ctx, &o, &none), none, AENC_ERR_ARGUMENT, "penalties[1]|NULL");
    o.penalty_count = 100;
    none = NOTHING;
    CHECK_NONE(w, aenc_model_create(w->ctx, &o, &none), none, AENC_ERR_ARGUMENT, "penalties|100|64");
    o.penalty_count = 0;
    o.corruption_count = 3;
    none = NOTHING;
    CHECK_NONE(w, aenc_model_create(w->ctx, &o, &none), none, AENC_ERR_ARGUMENT, "aenc_model_options.corruptions|NULL|3");
    static const char list[] = "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":2},\"penalties\":\"l1\"}";
    none = NOTHING;
    CHECK_NONE(w, aenc_model_parse(w->ctx, list, sizeof list - 1, &none), none, AENC_ERR_ARGUMENT, "'penalties'|list");
}

static void test_history(struct world *w) {
    aenc_progress now = {.struct_size = sizeof now};
    CHECK_FAILS(w, aenc_model_history(w->model, 0, &now), AENC_ERR_ARGUMENT, "index|0");
    CHECK_FAILS(w, aenc_model_history(w->model, SIZE_MAX, &now), AENC_ERR_ARGUMENT, "index|18446744073709551615");
}

/* ---- Files ---- */

static void test_files(struct world *w) {
    aenc_model *m = NOTHING;
    char bytes[8192];
    size_t size = 0;
    CHECK_NONE(w, aenc_model_load(w->ctx, "no/such/model", &m), m, AENC_ERR_IO, "no/such/model");
    m = NOTHING;
    CHECK_NONE(w, aenc_model_load(w->ctx, ".", &m), m, AENC_ERR_IO, "'.'");
    CHECK_FAILS(w, aenc_model_save(w->model, "no/such/model"), AENC_ERR_IO, "no/such/model");
    CHECK_FAILS(w, aenc_model_save(w->model, "."), AENC_ERR_IO, "'.'");
    CHECK_FAILS(w, aenc_model_save(w->model, ""), AENC_ERR_IO, "''");
    CHECK_STATUS(w->ctx, aenc_model_save_memory(w->model, NULL, 0, &size), AENC_OK);
    CHECK(size > 0 && size < sizeof bytes);
    size_t needed = size;
    CHECK_FAILS(w, aenc_model_save_memory(w->model, bytes, needed - 1, &size), AENC_ERR_SHAPE, "capacity|bytes");
    CHECK(size == needed);
    m = NOTHING;
    CHECK_NONE(w, aenc_model_load_memory(w->ctx, bytes, 0, &m), m, AENC_ERR_FORMAT, "memory");
    memset(bytes, 'x', sizeof bytes);
    m = NOTHING;
    CHECK_NONE(w, aenc_model_load_memory(w->ctx, bytes, sizeof bytes, &m), m, AENC_ERR_FORMAT, "memory");
}

/* ---- Ends ---- */

/* Handles keep alive what they need: the context goes first, the model before its optimizer and tensors. */
static void test_order_of_ends(void) {
    struct world w;
    aenc_tensor *tensor;
    aenc_optimizer *optimizer;
    aenc_layer *layer;
    float numbers[30];
    world_create(&w);
    CHECK_STATUS(w.ctx, aenc_model_tensor_get(w.model, "encoder.0.weight", &tensor), AENC_OK);
    CHECK_STATUS(w.ctx, aenc_optimizer_create(w.model, "adam", &optimizer), AENC_OK);
    CHECK_STATUS(w.ctx, aenc_layer_create(w.ctx, "sequential", &layer), AENC_OK);
    aenc_context_free(w.ctx);
    CHECK(world_intact(&w));
    aenc_model_free(w.model);
    CHECK(aenc_optimizer_set_learning_rate(optimizer, -1) == AENC_ERR_ARGUMENT);
    aenc_optimizer_free(optimizer);
    CHECK(aenc_tensor_read(tensor, numbers, 30) == AENC_OK);
    aenc_tensor_free(tensor);
    CHECK(w.memory.blocks > 0);
    aenc_layer_free(layer);
    memory_check_empty(&w.memory);
}

int main(void) {
    struct world w;
    world_create(&w);
    test_null_context();
    test_order_of_ends();
    test_null_model(&w);
    test_null_answers(&w);
    test_null_arguments(&w);
    for (size_t i = 0; i < sizeof matrix_calls / sizeof *matrix_calls; i++) {
        test_shapes(&w, i);
        test_nonfinite(&w, i);
    }
    test_stride(&w);
    test_target_rows(&w);
    test_rooms(&w);
    test_tensor_create(&w);
    test_tensors(&w);
    test_parameters(&w);
    test_weights(&w);
    test_optimizer(&w);
    test_stale_gradients(&w);
    test_score_of_denoising(&w);
    test_specs(&w);
    test_history(&w);
    test_files(&w);
    world_free(&w);
    return check_finish();
}
