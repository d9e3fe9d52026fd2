/* 13_plugins.c - two layers, a loss, a penalty and a corruption of one's own: registered, checked against
 * differences of the loss, and trained together on the digits. */
#include <autoenc/ops.h>
#include <math.h>
#include <stdio.h>

enum { ROWS = 1797, COLS = 64, CHECKED = 64 };

static float digit[ROWS * COLS];

/* A layer with a trained exponent for each unit: y = x exp((p - 1) log(|x| + eps)), about sign(x) |x|^p. Its mirror
 * is another one. */
static aenc_node *power(void *user, aenc_recorder *r, aenc_node *x) {
    size_t dims[] = {aenc_node_dim(x, 0)};
    aenc_node *less = aenc_node_parameter(r, "exponent", dims, 1, "constant:gain=0");
    aenc_node *size = aenc_node_affine(r, aenc_node_function(r, "absolute", x), 1, aenc_recorder_setting(r, "epsilon"));
    aenc_node *scale = aenc_node_function(r, "exp", aenc_node_multiply(r, less, aenc_node_function(r, "log", size)));
    (void)user;
    return aenc_node_multiply(r, x, scale);
}

static int power_mirror(void *user, const aenc_recorder *settings, const size_t *dims, size_t rank, char *spec,
                        size_t size) {
    (void)user, (void)dims;
    return rank != 1 || snprintf(spec, size, "power:epsilon=%g", aenc_recorder_setting(settings, "epsilon")) < 0;
}

/* A layer that keeps something: x less the mean of the batch, and at use less the running mean, which it moves while
 * training. */
static aenc_node *recentred(void *user, aenc_recorder *r, aenc_node *x) {
    size_t dims[] = {aenc_node_dim(x, 0)};
    aenc_node *before = aenc_node_state(r, "mean", dims, 1, 0), *mean = aenc_node_batch_mean(r, x);
    (void)user;
    if (!aenc_recorder_training(r)) return aenc_node_subtract(r, x, before);
    aenc_node_stage(r, before,
                    aenc_node_add(r, aenc_node_affine(r, before, 0.9, 0), aenc_node_affine(r, mean, 0.1, 0)));
    return aenc_node_subtract(r, x, mean);
}

/* A loss: log cosh(y - t), square near 0 and absolute far away, as an operation of two functions. */
static int log_cosh(void *user, const aenc_operation_call *call) {
    const float *x = call->x[0];
    (void)user;
    for (size_t i = 0; i < call->rows * call->x_size[0]; i++)
        call->y[i] = fabsf(x[i]) + log1pf(expf(-2 * fabsf(x[i]))) - 0.6931472f;
    return 0;
}

static int log_cosh_backward(void *user, const aenc_operation_call *call) {
    (void)user;
    for (size_t i = 0; i < call->rows * call->x_size[0]; i++) call->dx[i] += call->dy[i] * tanhf(call->x[0][i]);
    return 0;
}

static aenc_node *log_cosh_loss(void *user, aenc_recorder *r, aenc_node *output, aenc_node *target) {
    aenc_operation operation = {.struct_size = sizeof operation, .name = "log_cosh"};
    operation.forward = log_cosh;
    operation.backward = log_cosh_backward;
    aenc_node *difference = aenc_node_subtract(r, output, target);
    size_t dims[] = {aenc_node_dim(target, 0)};
    (void)user;
    return aenc_node_row_mean(r, aenc_node_operation(r, &operation, &difference, 1, dims, 1));
}

/* A penalty: the squared length of the codes' mean over the batch. */
static aenc_node *centred(void *user, aenc_recorder *r, aenc_node *input, aenc_node *code, aenc_node *output) {
    (void)user, (void)input, (void)output;
    return aenc_node_row_sum(r, aenc_node_function(r, "square", aenc_node_batch_mean(r, code)));
}

/* A corruption: each pixel darker by a random share, at most level. */
static aenc_node *fade(void *user, aenc_recorder *r, aenc_node *x, aenc_node *level) {
    size_t dims[] = {aenc_node_dim(x, 0)};
    aenc_node *share = aenc_node_multiply(r, aenc_node_uniform(r, "draw", dims, 1), level);
    (void)user;
    return aenc_node_subtract(r, x, aenc_node_multiply(r, x, share));
}

static aenc_status teach(aenc_context *ctx) {
    static const aenc_setting epsilon[] = {{.name = "epsilon", .fallback = 0.01, .low = 1e-6, .high = 1}};
    static const aenc_setting level[] = {{.name = "level", .fallback = 0.5, .low = 0, .high = 1}};
    aenc_plugin layer = {.struct_size = sizeof layer, .kind = AENC_PLUGIN_LAYER, .name = "power"};
    layer.layer = power;
    layer.mirror = power_mirror;
    layer.settings = epsilon;
    layer.setting_count = 1;
    aenc_plugin keeper = {.struct_size = sizeof keeper, .kind = AENC_PLUGIN_LAYER, .name = "recentred"};
    keeper.layer = recentred;
    keeper.mirror_role = AENC_MIRROR_OMITTED;
    aenc_plugin loss = {.struct_size = sizeof loss, .kind = AENC_PLUGIN_LOSS, .name = "log_cosh"};
    loss.loss = log_cosh_loss;
    aenc_plugin penalty = {.struct_size = sizeof penalty, .kind = AENC_PLUGIN_PENALTY, .name = "centred"};
    penalty.penalty = centred;
    aenc_plugin corruption = {.struct_size = sizeof corruption, .kind = AENC_PLUGIN_CORRUPTION, .name = "fade"};
    corruption.corruption = fade;
    corruption.settings = level;
    corruption.setting_count = 1;
    aenc_status status = aenc_register(ctx, &layer);
    if (status == AENC_OK) status = aenc_register(ctx, &keeper);
    if (status == AENC_OK) status = aenc_register(ctx, &loss);
    if (status == AENC_OK) status = aenc_register(ctx, &penalty);
    if (status == AENC_OK) status = aenc_register(ctx, &corruption);
    return status;
}

static const char description[] =
    "{\"input\": [64], \"encoder\": {\"type\": \"sequential\", \"layers\": ["
    " {\"type\": \"dense\", \"units\": 32}, {\"type\": \"power\"}, {\"type\": \"recentred\"},"
    " {\"type\": \"dense\", \"units\": 8}]},"
    " \"loss\": \"log_cosh\", \"penalties\": [\"centred:weight=0.01\"], \"corrupt\": "
    "[\"fade:level=0.5,to=0.1,over=5\"]}";

/* The digits that ship with the project: 1797 rows of 64 little-endian floats in [0, 1] behind the header of a .npy. */
static int read_digits(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, -(long)sizeof digit, SEEK_END) != 0) return 0;
    size_t got = fread(digit, sizeof *digit, (size_t)ROWS * COLS, file);
    (void)fclose(file);
    return got == (size_t)ROWS * COLS;
}

int main(int count, char **argument) {
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    const char *parameter = NULL;
    double worst = 1, before = 0, after = 0;
    aenc_matrix x = {.data = digit, .rows = ROWS, .cols = COLS};
    aenc_batch all = {.struct_size = sizeof all, .input = x}, some = {.struct_size = sizeof some, .input = x};
    aenc_fit_options fit = {.struct_size = sizeof fit, .optimizer = "adam:lr=0.003", .epochs = 20, .batch = 64};
    some.input.rows = CHECKED;
    if (!read_digits(count > 1 ? argument[1] : "examples/data/digits.npy")) {
        (void)fprintf(stderr, "cannot read the digits\n");
        return 1;
    }
    aenc_status status = aenc_context_create(NULL, &ctx);
    if (status == AENC_OK) status = teach(ctx);
    if (status == AENC_OK) status = aenc_model_parse(ctx, description, sizeof description - 1, &model);
    if (status == AENC_OK) status = aenc_check_gradients(model, &some, NULL, &worst, &parameter);
    if (status == AENC_OK) status = aenc_model_evaluate(model, &all, &before);
    if (status == AENC_OK) status = aenc_fit(model, &x, &fit);
    if (status == AENC_OK) status = aenc_model_evaluate(model, &all, &after);
    if (status == AENC_OK) (void)printf("gradients: worst relative error %.2g, of %s\n", worst, parameter);
    if (status == AENC_OK) (void)printf("loss: %.4f before, %.4f after 20 epochs\n", before, after);
    if (status != AENC_OK) (void)fprintf(stderr, "%s: %s\n", aenc_status_name(status), aenc_message(ctx));
    aenc_model_free(model);
    aenc_context_free(ctx);
    return status == AENC_OK && worst < 0.02 && after < 0.5 * before ? 0 : 1;
}
