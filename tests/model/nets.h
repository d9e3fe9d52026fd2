/* nets.h - networks that reach every op of inference, and rows for them. */
#ifndef AENC_TESTS_MODEL_NETS_H
#define AENC_TESTS_MODEL_NETS_H

#include "api/memory.h"

enum { NET_ROWS = 37, NET_COLS = 24, NET_OUT = 64 };

#define NET(layers, rest) "{\"input\":[24],\"encoder\":{\"type\":\"sequential\",\"layers\":[" layers "]}," rest "}"

static const struct net {
    const char *name, *description;
} nets[] = {
    {"dense", NET("{\"type\":\"dense\",\"units\":19,\"activation\":\"relu\"},{\"type\":\"dense\",\"units\":5}",
                  "\"loss\":\"mse\"")},
    {"wide", NET("{\"type\":\"dense\",\"units\":150,\"activation\":\"elu\"},{\"type\":\"dense\",\"units\":33},"
                 "{\"type\":\"dense\",\"units\":20}",
                 "\"output\":\"sigmoid\",\"loss\":\"bce\"")},
    {"norms", NET("{\"type\":\"dense\",\"units\":16},{\"type\":\"batch_norm\"},{\"type\":\"gelu\"},{\"type\":\"layer_norm\"},"
                  "{\"type\":\"dropout\",\"rate\":0.5},{\"type\":\"dense\",\"units\":4}",
                  "\"loss\":\"huber\"")},
    {"residual", NET("{\"type\":\"dense\",\"units\":8},{\"type\":\"residual\",\"layers\":[{\"type\":\"dense\",\"units\":8,"
                     "\"activation\":\"silu\"}]},{\"type\":\"tanh\"},{\"type\":\"dense\",\"units\":3}",
                     "\"loss\":\"mae\"")},
    {"reshape", NET("{\"type\":\"reshape\",\"dims\":[4,6]},{\"type\":\"dense\",\"units\":5,\"activation\":\"softplus\"},"
                    "{\"type\":\"flatten\"},{\"type\":\"dense\",\"units\":6}",
                    "\"loss\":\"mse\"")},
    {"gaussian", NET("{\"type\":\"dense\",\"units\":10,\"activation\":\"leaky_relu\"},{\"type\":\"dense\",\"units\":4}",
                     "\"loss\":\"gaussian_nll\"")},
    {"cosine", NET("{\"type\":\"dense\",\"units\":10,\"activation\":\"sigmoid\"},{\"type\":\"dense\",\"units\":4}",
                   "\"loss\":\"cosine\"")},
    {"scaled", NET("{\"type\":\"dense\",\"units\":10,\"activation\":\"tanh\"},{\"type\":\"dense\",\"units\":4}",
                   "\"loss\":\"mse\",\"scaling\":\"robust:clip=3\"")},
    {"scaled gaussian", NET("{\"type\":\"dense\",\"units\":4}", "\"loss\":\"gaussian_nll\",\"scaling\":\"minmax\"")},
};
enum { NET_COUNT = sizeof nets / sizeof *nets };

static const int64_t net_tasks[] = {AENC_RUN_ENCODE, AENC_RUN_DECODE, AENC_RUN_RECONSTRUCT, AENC_RUN_SCORE,
                                       AENC_RUN_SCORE_FEATURES};
enum { NET_TASKS = sizeof net_tasks / sizeof *net_tasks };

/* A net that has been trained a little: its running statistics and biases are not those of the start. */
static inline aenc_model *net_create(aenc_context *ctx, size_t index, const float *data) {
    aenc_model *model = NULL;
    const char *text = nets[index].description;
    aenc_matrix x = {data, NET_ROWS, NET_COLS, 0};
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 2, .batch = 10};
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), AENC_OK);
    CHECK_STATUS(ctx, aenc_fit(model, &x, &options), AENC_OK);
    return model;
}

static inline void net_data(float *data) {
    for (size_t i = 0; i < NET_ROWS * NET_COLS; i++) data[i] = (float)((i * 37) % 101) / 101.0f;
}

/* Columns that the task takes, no more than NET_COLS, and floats per row that it gives. */
static inline size_t net_cols(const aenc_model *model, int64_t task) {
    return task == AENC_RUN_DECODE ? aenc_model_code_size(model) : NET_COLS;
}
static inline size_t net_row_size(const aenc_model *model, int64_t task) {
    if (task == AENC_RUN_ENCODE) return aenc_model_code_size(model);
    if (task == AENC_RUN_SCORE) return 1;
    return task == AENC_RUN_SCORE_FEATURES ? NET_COLS : aenc_model_output_size(model);
}

/* What the model itself says. */
static inline aenc_status net_ask(aenc_model *model, int64_t task, const aenc_matrix *x, const aenc_matrix *target,
                                  float *out, size_t floats) {
    switch (task) {
        case AENC_RUN_ENCODE: return aenc_encode(model, x, out, floats);
        case AENC_RUN_DECODE: return aenc_decode(model, x, out, floats);
        case AENC_RUN_SCORE: return aenc_score(model, x, target, out, floats);
        case AENC_RUN_SCORE_FEATURES: return aenc_score_features(model, x, target, out, floats);
        default: return aenc_reconstruct(model, x, out, floats);
    }
}

static inline aenc_runner *net_runner(aenc_context *ctx, aenc_model *model, int64_t task, int64_t rows) {
    aenc_runner *runner = NULL;
    aenc_runner_options options = {.struct_size = sizeof options, .task = task, .rows = rows};
    CHECK_STATUS(ctx, aenc_runner_create(model, &options, &runner), AENC_OK);
    return runner;
}

#endif
