/* builders_test.c - every function of ops.h that records a node, with no recorder, with operands that are missing, and after a
 * failure: the first reason stays. */
#include <stdio.h>
#include <string.h>

#include <autoenc/ops.h>

#include "check.h"

static const struct builder {
    const char *name;
    int operands;
} builders[] = {
    {"add", 2},       {"subtract", 2},  {"multiply", 2}, {"divide", 2},      {"affine", 1},        {"clamp", 1},
    {"function", 1},  {"dense", 2},     {"matmul", 2},   {"sum", 1},         {"mean", 1},          {"row_sum", 1},
    {"row_mean", 1},  {"batch_sum", 1}, {"batch_mean", 1}, {"reshape", 1},   {"slice", 1},         {"concat", 2},
    {"softmax", 1},   {"log_softmax", 1}, {"stop_gradient", 1}, {"constant", 0}, {"normal", 0},    {"uniform", 0},
    {"operation", 1}, {"parameter", 0}, {"state", 0},    {"stage", 2},
};
enum { BUILDER_COUNT = sizeof builders / sizeof *builders };

static int copy(void *user, const aenc_operation_call *call) {
    const float *x = call->x[0];
    float *y = call->y;
    const size_t rows = call->rows;
    const size_t in = call->x_size[0];
    (void)user;
    memcpy(y, x, rows * in * sizeof *y);
    return 0;
}

static aenc_node *build(const char *name, aenc_recorder *r, aenc_node *a, aenc_node *b) {
    static const size_t dims[] = {6};
    static const float numbers[6] = {1, 2, 3, 4, 5, 6};
    const aenc_operation operation = {.struct_size = sizeof operation, .name = "copy", .forward = copy};
    aenc_node *const both[] = {a, b};
    if (strcmp(name, "add") == 0) return aenc_node_add(r, a, b);
    if (strcmp(name, "subtract") == 0) return aenc_node_subtract(r, a, b);
    if (strcmp(name, "multiply") == 0) return aenc_node_multiply(r, a, b);
    if (strcmp(name, "divide") == 0) return aenc_node_divide(r, a, b);
    if (strcmp(name, "affine") == 0) return aenc_node_affine(r, a, 2, 1);
    if (strcmp(name, "clamp") == 0) return aenc_node_clamp(r, a, -1, 1);
    if (strcmp(name, "function") == 0) return aenc_node_function(r, "exp", a);
    if (strcmp(name, "dense") == 0) return aenc_node_dense(r, a, b, NULL, 0);
    if (strcmp(name, "matmul") == 0) return aenc_node_matmul(r, a, b, 0, 0);
    if (strcmp(name, "sum") == 0) return aenc_node_sum(r, a, 0);
    if (strcmp(name, "mean") == 0) return aenc_node_mean(r, a, 0);
    if (strcmp(name, "row_sum") == 0) return aenc_node_row_sum(r, a);
    if (strcmp(name, "row_mean") == 0) return aenc_node_row_mean(r, a);
    if (strcmp(name, "batch_sum") == 0) return aenc_node_batch_sum(r, a);
    if (strcmp(name, "batch_mean") == 0) return aenc_node_batch_mean(r, a);
    if (strcmp(name, "reshape") == 0) return aenc_node_reshape(r, a, dims, 1);
    if (strcmp(name, "slice") == 0) return aenc_node_slice(r, a, 0, 0, 2);
    if (strcmp(name, "concat") == 0) return aenc_node_concat(r, both, 2, 0);
    if (strcmp(name, "softmax") == 0) return aenc_node_softmax(r, a);
    if (strcmp(name, "log_softmax") == 0) return aenc_node_log_softmax(r, a);
    if (strcmp(name, "stop_gradient") == 0) return aenc_node_stop_gradient(r, a);
    if (strcmp(name, "constant") == 0) return aenc_node_constant(r, numbers, 6, dims, 1);
    if (strcmp(name, "normal") == 0) return aenc_node_normal(r, "draw", dims, 1);
    if (strcmp(name, "uniform") == 0) return aenc_node_uniform(r, "draw", dims, 1);
    if (strcmp(name, "operation") == 0) return aenc_node_operation(r, &operation, (aenc_node *[]){a}, 1, dims, 1);
    if (strcmp(name, "parameter") == 0) return aenc_node_parameter(r, "gain", dims, 1, "constant:gain=1");
    if (strcmp(name, "state") == 0) return aenc_node_state(r, "mean", dims, 1, 0);
    if (strcmp(name, "stage") == 0) return aenc_node_stage(r, a, b);
    fprintf(stderr, "no builder '%s'\n", name);
    CHECK(0);
    return NULL;
}

enum trouble { FAILED_BEFORE, FIRST_MISSING, SECOND_MISSING };
struct scene {
    const struct builder *builder;
    enum trouble trouble;
};

/* Whether the operands fit is not reached. */
static aenc_node *layer(void *user, aenc_recorder *r, aenc_node *in) {
    const struct scene *s = user;
    if (s->trouble == FAILED_BEFORE) CHECK(aenc_node_fail(r, AENC_ERR_IO, "the first reason") == NULL);
    aenc_node *a = s->trouble == FIRST_MISSING ? NULL : in, *b = s->trouble == SECOND_MISSING ? NULL : in;
    if (!CHECK(build(s->builder->name, r, a, b) == NULL)) fprintf(stderr, "  %s\n", s->builder->name);
    return in; /* the failure is not forgotten */
}

static void check_builder(const struct builder *builder, enum trouble trouble) {
    static const char text[] = "{\"input\":[6],\"encoder\":{\"type\":\"troubled\"},\"decoder\":{\"type\":\"dense\",\"units\":6}}";
    struct scene scene = {builder, trouble};
    const aenc_plugin plugin = {.struct_size = sizeof plugin, .kind = AENC_PLUGIN_LAYER, .name = "troubled", .user = &scene,
                                .layer = layer};
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    char words[64];
    snprintf(words, sizeof words, "aenc_node_%s: an operand is NULL", builder->name);
    CHECK(aenc_context_create(NULL, &ctx) == AENC_OK);
    CHECK_STATUS(ctx, aenc_register(ctx, &plugin), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, sizeof text - 1, &model),
                 trouble == FAILED_BEFORE ? AENC_ERR_IO : AENC_ERR_ARGUMENT);
    if (!CHECK(strstr(aenc_message(ctx), trouble == FAILED_BEFORE ? "the first reason" : words) != NULL))
        fprintf(stderr, "  %s: %s\n", builder->name, aenc_message(ctx));
    CHECK(model == NULL);
    aenc_context_free(ctx);
}

int main(void) {
    for (size_t i = 0; i < BUILDER_COUNT; i++) {
        CHECK(build(builders[i].name, NULL, NULL, NULL) == NULL);
        for (int trouble = 0; trouble <= builders[i].operands; trouble++) check_builder(&builders[i], (enum trouble)trouble);
    }
    return check_finish();
}
