/* whole_step_test.c - a step whose gradient is not finite leaves the model as it was, also where it is a bias's alone and the
 * weight beside it is computed, or penalised: such a bias may not be updated as its gradient is made.
 */
#include <autoenc/ops.h>

#include "api/memory.h"

enum { ROWS = 100, COLS = 4, NUMBERS = COLS * COLS + COLS };

/* f(W) x + b, times so much that the bias's gradient overflows over the rows, while x is next to nothing. */
static aenc_node *steep(void *user, aenc_recorder *r, aenc_node *x) {
    const char *const *function = user;
    aenc_node *weight = aenc_node_parameter(r, "weight", (const size_t[]){COLS, COLS}, 2, "constant:gain=1e-9");
    aenc_node *bias = aenc_node_parameter(r, "bias", (const size_t[]){COLS}, 1, NULL);
    if (*function != NULL) weight = aenc_node_function(r, *function, weight);
    return aenc_node_affine(r, aenc_node_dense(r, x, weight, bias, 0), 3e37, 0);
}

static aenc_node *total(void *user, aenc_recorder *r, aenc_node *output, aenc_node *target) {
    (void)user;
    (void)target;
    return aenc_node_row_sum(r, output);
}

static void parameters(aenc_model *model, float *out) {
    size_t at = 0;
    for (size_t i = 0; i < aenc_model_tensor_count(model); i++) {
        aenc_tensor *tensor;
        CHECK(aenc_model_tensor_get(model, aenc_model_tensor_name(model, i), &tensor) == AENC_OK);
        CHECK(at + aenc_tensor_count(tensor) <= NUMBERS);
        CHECK(aenc_tensor_read(tensor, out + at, aenc_tensor_count(tensor)) == AENC_OK);
        at += aenc_tensor_count(tensor);
        aenc_tensor_free(tensor);
    }
    CHECK(at == NUMBERS);
}

static void test_bias(const char *function, const char *penalties) {
    aenc_context_options settings = {.struct_size = sizeof settings};
    aenc_context *ctx;
    aenc_model *model;
    aenc_optimizer *optimizer;
    if (!CHECK(aenc_context_create(&settings, &ctx) == AENC_OK)) return;
    aenc_plugin layer = {.struct_size = sizeof layer, .kind = AENC_PLUGIN_LAYER, .name = "steep", .user = (void *)&function,
                         .layer = steep, .mirror_role = AENC_MIRROR_OMITTED};
    aenc_plugin loss = {.struct_size = sizeof loss, .kind = AENC_PLUGIN_LOSS, .name = "total", .loss = total};
    CHECK_STATUS(ctx, aenc_register(ctx, &layer), AENC_OK);
    CHECK_STATUS(ctx, aenc_register(ctx, &loss), AENC_OK);
    char text[256];
    int size = snprintf(text, sizeof text, "{\"input\":[4],\"encoder\":{\"type\":\"identity\"},\"decoder\":{\"type\":\"steep\"},"
                                           "\"loss\":\"total\"%s}", penalties);
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, (size_t)size, &model), AENC_OK);
    CHECK_STATUS(ctx, aenc_optimizer_create(model, "sgd:lr=1e-30", &optimizer), AENC_OK);
    float data[ROWS * COLS], before[NUMBERS], after[NUMBERS];
    for (size_t i = 0; i < ROWS * COLS; i++) data[i] = 1e-20f;
    aenc_batch batch = {.struct_size = sizeof batch, .input = {data, ROWS, COLS, 0}};
    parameters(model, before);
    CHECK_STATUS(ctx, aenc_model_step(model, optimizer, &batch, NULL), AENC_ERR_DIVERGED);
    CHECK(strstr(aenc_message(ctx), "'decoder.bias' at update 1 ") != NULL);
    parameters(model, after);
    CHECK(memcmp(before, after, sizeof before) == 0);
    aenc_optimizer_free(optimizer);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

int main(void) {
    test_bias(NULL, "");
    test_bias("tanh", "");
    test_bias(NULL, ",\"penalties\":[\"l2_weights:weight=1e-30\"]");
    return check_finish();
}
