/* plugin_test.c - plug-ins of each kind at work, plug-ins that break their word, and the gradient checker. */
#include <autoenc/ops.h>
#include <stdio.h>

#include "api/memory.h"

enum { ROWS = 40, COLS = 6, CODE = 3 };

static float data[ROWS * COLS];
static const aenc_matrix x = {data, ROWS, COLS, 0};

/* What a plug-in of this file does, by its user pointer. */
enum fault {
    FAULT_NONE, FAULT_NULL, FAULT_FAILS, FAULT_SHAPE, FAULT_KIND, FAULT_STALE, FAULT_OPERAND, FAULT_SETTING,
    FAULT_NO_DERIVATIVE, FAULT_WRONG_DERIVATIVE, FAULT_FUNCTION, FAULT_VALUES, FAULT_COUNT
};
struct quirk {
    enum fault fault;
    int released, calls;
    aenc_node *kept;
};

/* ---- An operation: the square ---- */

static int square(void *user, const aenc_operation_call *call) {
    const float *in = call->x[0];
    float *out = call->y;
    const size_t rows = call->rows;
    const size_t in_size = call->x_size[0];
    (void)user;
    for (size_t i = 0; i < rows * in_size; i++) out[i] = in[i] * in[i];
    return 0;
}

static int square_backward(void *user, const aenc_operation_call *call) {
    const float *in = call->x[0];
    const float *dy = call->dy;
    float *dx = call->dx;
    const size_t rows = call->rows;
    const size_t in_size = call->x_size[0];
    const struct quirk *quirk = user;
    float factor = quirk->fault == FAULT_WRONG_DERIVATIVE ? 1.5f : 2.0f;
    for (size_t i = 0; i < rows * in_size; i++) dx[i] += factor * in[i] * dy[i];
    return 0;
}

static aenc_node *squared(struct quirk *quirk, aenc_recorder *r, aenc_node *n) {
    aenc_operation operation = {.struct_size = sizeof operation, .name = "square", .user = quirk, .forward = square,
                                .backward = quirk->fault == FAULT_NO_DERIVATIVE ? NULL : square_backward};
    size_t dims[AENC_RANK_MAX];
    for (size_t i = 0; i < aenc_node_rank(n); i++) dims[i] = aenc_node_dim(n, i);
    return aenc_node_operation(r, &operation, (aenc_node *[]){n}, 1, dims, aenc_node_rank(n));
}

/* What a plug-in with a fault answers instead; y otherwise. */
static aenc_node *spoiled(struct quirk *quirk, aenc_recorder *r, aenc_node *in, aenc_node *y) {
    aenc_node *before = quirk->kept;
    quirk->calls++;
    quirk->kept = y;
    switch (quirk->fault) {
    case FAULT_NULL: return NULL;
    case FAULT_FAILS: return aenc_node_fail(r, AENC_ERR_IO, "the moon is full");
    case FAULT_SHAPE: return aenc_node_slice(r, in, 0, 0, 1);
    case FAULT_KIND: return aenc_node_batch_mean(r, in);
    case FAULT_STALE: return before == NULL ? (aenc_node *)quirk : before;
    case FAULT_OPERAND: return aenc_node_add(r, in, aenc_node_constant(r, data, 4, (const size_t[]){4}, 1));
    case FAULT_VALUES: return aenc_node_add(r, in, aenc_node_constant(r, data, 3, (const size_t[]){6}, 1));
    case FAULT_SETTING: return aenc_node_affine(r, y, aenc_recorder_setting(r, "moon"), 0);
    case FAULT_FUNCTION: return aenc_node_function(r, "sgmoid", in);
    default: return y;
    }
}

/* ---- One of each kind ---- */

static void released(void *user) { ((struct quirk *)user)->released++; }

/* tanh(gain x^2 + shift), gain a parameter of each element. */
static aenc_node *bend(void *user, aenc_recorder *r, aenc_node *in) {
    size_t dims[] = {aenc_node_dim(in, 0)};
    aenc_node *gain = aenc_node_parameter(r, "gain", dims, 1, "constant:gain=0.5");
    aenc_node *y = aenc_node_multiply(r, squared(user, r, in), gain);
    y = aenc_node_function(r, "tanh", aenc_node_affine(r, y, 1, aenc_recorder_setting(r, "shift")));
    return spoiled(user, r, in, y);
}

static int bend_back(void *user, const aenc_recorder *settings, const size_t *dims, size_t rank, char *spec, size_t size) {
    (void)user;
    return rank != 1 || dims[0] == 0 || snprintf(spec, size, "bend:shift=%g", -aenc_recorder_setting(settings, "shift")) < 0;
}

/* mean |y - t|^3, by element. */
static aenc_node *cubic_each(void *user, aenc_recorder *r, aenc_node *output, aenc_node *target) {
    aenc_node *off = aenc_node_function(r, "absolute", aenc_node_subtract(r, output, target));
    (void)user;
    return aenc_node_multiply(r, aenc_node_function(r, "square", off), off);
}
static aenc_node *cubic(void *user, aenc_recorder *r, aenc_node *output, aenc_node *target) {
    return spoiled(user, r, output, aenc_node_row_mean(r, cubic_each(user, r, output, target)));
}

/* The mean of the codes' squares, times a trained temperature. */
static aenc_node *energy(void *user, aenc_recorder *r, aenc_node *input, aenc_node *code, aenc_node *output) {
    (void)input;
    (void)output;
    aenc_node *heat = aenc_node_parameter(r, "heat", NULL, 0, "constant:gain=0.7");
    return spoiled(user, r, code, aenc_node_multiply(r, aenc_node_row_sum(r, squared(user, r, code)), heat));
}

static aenc_node *speckle(void *user, aenc_recorder *r, aenc_node *in, aenc_node *level) {
    size_t dims[] = {aenc_node_dim(in, 0)};
    aenc_node *noise = aenc_node_multiply(r, aenc_node_normal(r, "draw", dims, 1), level);
    return spoiled(user, r, in, aenc_node_add(r, in, aenc_node_multiply(r, in, noise)));
}

static const aenc_setting shift[] = {{"shift", 0.25, -1, 1, 0}}, sigma[] = {{"sigma", 0.1, 0, 10, 0}};

static aenc_plugin plugin_of(int64_t kind, struct quirk *quirk) {
    aenc_plugin p = {.struct_size = sizeof p, .kind = kind, .user = quirk, .release = released};
    switch (kind) {
    case AENC_PLUGIN_LAYER: p.name = "bend", p.layer = bend, p.mirror = bend_back, p.settings = shift; break;
    case AENC_PLUGIN_LOSS: p.name = "cubic", p.loss = cubic, p.loss_each = cubic_each; break;
    case AENC_PLUGIN_PENALTY: p.name = "energy", p.penalty = energy; break;
    default: p.name = "speckle", p.corruption = speckle, p.settings = sigma;
    }
    p.setting_count = p.settings != NULL;
    return p;
}

static const int64_t kinds[] = {AENC_PLUGIN_LAYER, AENC_PLUGIN_LOSS, AENC_PLUGIN_PENALTY, AENC_PLUGIN_CORRUPTION};

static void register_all(aenc_context *ctx, struct quirk quirk[4]) {
    for (int i = 0; i < 4; i++) {
        aenc_plugin p = plugin_of(kinds[i], &quirk[i]);
        CHECK_STATUS(ctx, aenc_register(ctx, &p), AENC_OK);
    }
}

static const char whole[] = "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5},"
                            "{\"type\":\"bend\",\"shift\":0.125},{\"type\":\"dense\",\"units\":3}]},\"loss\":\"cubic\","
                            "\"penalties\":[\"energy:weight=0.1\"],\"corrupt\":[\"speckle:sigma=0.2,to=0.1,over=2\"]}";

/* ---- At work ---- */

static double checked(aenc_context *ctx, aenc_model *model, const char **name) {
    double worst = NAN;
    aenc_batch batch = {.struct_size = sizeof batch, .input = x};
    CHECK_STATUS(ctx, aenc_check_gradients(model, &batch, NULL, &worst, name), AENC_OK);
    return worst;
}

static void test_together(void) {
    struct memory memory = {0};
    struct quirk quirk[4] = {{0}};
    static unsigned char bytes[1 << 16];
    float out[ROWS * COLS], again[ROWS * COLS], features[ROWS * COLS], scores[ROWS];
    aenc_context *ctx = memory_context(&memory, 3, 2);
    aenc_model *model = NULL, *loaded = NULL;
    size_t size = 0;
    register_all(ctx, quirk);
    CHECK_STATUS(ctx, aenc_model_parse(ctx, whole, strlen(whole), &model), AENC_OK);
    CHECK(strstr(aenc_model_description(model), "{\"type\":\"bend\",\"shift\":-0.125}") != NULL);
    CHECK(checked(ctx, model, NULL) < 0.02);
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 30, .batch = 8};
    CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
    aenc_progress first = {.struct_size = sizeof first}, last = first;
    CHECK_STATUS(ctx, aenc_model_history(model, 0, &first), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_history(model, 29, &last), AENC_OK);
    fprintf(stderr, "  %g %g\n", first.train_loss, last.train_loss);
    CHECK(last.train_loss < 0.8 * first.train_loss);
    CHECK(strcmp(aenc_model_term_name(model, 1), "energy") == 0 && aenc_model_term_value(model, 1) > 0);
    CHECK_STATUS(ctx, aenc_score_features(model, &x, NULL, features, ROWS * COLS), AENC_OK);
    CHECK_STATUS(ctx, aenc_score(model, &x, NULL, scores, ROWS), AENC_OK);
    double mean = 0;
    for (int i = 0; i < COLS; i++) mean += (double)features[i] / COLS;
    CHECK_NEAR(mean, (double)scores[0], 1e-6);
    CHECK_STATUS(ctx, aenc_reconstruct(model, &x, out, ROWS * COLS), AENC_OK);
    aenc_runner *runner = NULL;
    CHECK_STATUS(ctx, aenc_runner_create(model, NULL, &runner), AENC_OK);
    CHECK(aenc_runner_run(runner, &x, NULL, again, ROWS * COLS) == AENC_OK);
    for (int i = 0; i < ROWS * COLS; i++) CHECK_NEAR((double)again[i], (double)out[i], 1e-5);
    aenc_runner_free(runner);
    CHECK_STATUS(ctx, aenc_model_save_memory(model, bytes, sizeof bytes, &size), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_load_memory(ctx, bytes, size, &loaded), AENC_OK);
    CHECK_STATUS(ctx, aenc_reconstruct(loaded, &x, again, ROWS * COLS), AENC_OK);
    CHECK(memcmp(out, again, sizeof out) == 0);
    aenc_model_free(loaded);
    /* A context that was not told cannot read it, and says which name it lacks. */
    aenc_context *other = memory_context(&memory, 3, 1);
    CHECK_STATUS(other, aenc_model_load_memory(other, bytes, size, &loaded), AENC_ERR_ARGUMENT);
    CHECK(loaded == NULL && strstr(aenc_message(other), "unknown layer 'bend'") != NULL);
    aenc_context_free(other);
    for (int i = 0; i < 4; i++) CHECK(quirk[i].released == 0 && quirk[i].calls > 0);
    aenc_context_free(ctx);
    for (int i = 0; i < 4; i++) CHECK(quirk[i].released == 0);
    aenc_model_free(model);
    for (int i = 0; i < 4; i++) CHECK(quirk[i].released == 1);
    memory_check_empty(&memory);
}

/* ---- Plug-ins that break their word ---- */

static aenc_status attempt(aenc_context *ctx) {
    aenc_model *model = NULL;
    float out[ROWS];
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1};
    aenc_status status = aenc_model_parse(ctx, whole, strlen(whole), &model);
    CHECK((model != NULL) == (status == AENC_OK));
    if (status == AENC_OK) status = aenc_fit(model, &x, &fit);
    if (status == AENC_OK) status = aenc_score(model, &x, NULL, out, ROWS);
    aenc_model_free(model);
    return status;
}

static void fault_says(int64_t kind, enum fault fault, aenc_status want, const char *word) {
    struct memory memory = {0};
    struct quirk quirk[4] = {{0}};
    aenc_context *ctx = memory_context(&memory, 3, 1);
    register_all(ctx, quirk);
    const char *names[] = {"bend", "cubic", "energy", "speckle"};
    int index = (int)(kind / 10) - 1;
    quirk[index].fault = fault;
    CHECK_STATUS(ctx, attempt(ctx), want);
    bool said = strstr(aenc_message(ctx), names[index]) != NULL && strstr(aenc_message(ctx), word) != NULL;
    if (!CHECK(said)) fprintf(stderr, "  kind %d, fault %d: %s\n", (int)kind, (int)fault, aenc_message(ctx));
    aenc_context_free(ctx);
    memory_check_empty(&memory);
}

static void test_faults(void) {
    for (int i = 0; i < 4; i++) {
        fault_says(kinds[i], FAULT_NULL, AENC_ERR_ARGUMENT, "gave no reason");
        fault_says(kinds[i], FAULT_FAILS, AENC_ERR_IO, "the moon is full");
        fault_says(kinds[i], FAULT_STALE, AENC_ERR_ARGUMENT, "another recording");
        fault_says(kinds[i], FAULT_OPERAND, AENC_ERR_SHAPE, "add");
        fault_says(kinds[i], FAULT_VALUES, AENC_ERR_SHAPE, "aenc_node_constant: count is 3; dims make 6");
        fault_says(kinds[i], FAULT_SETTING, AENC_ERR_ARGUMENT, "'moon'");
        fault_says(kinds[i], FAULT_FUNCTION, AENC_ERR_ARGUMENT, "sgmoid");
        fault_says(kinds[i], FAULT_KIND, AENC_ERR_SHAPE, "shape (");
    }
    fault_says(AENC_PLUGIN_LOSS, FAULT_SHAPE, AENC_ERR_SHAPE, "(rows, 1)");
    fault_says(AENC_PLUGIN_PENALTY, FAULT_SHAPE, AENC_ERR_SHAPE, "(rows, 1)");
    fault_says(AENC_PLUGIN_CORRUPTION, FAULT_SHAPE, AENC_ERR_SHAPE, "(rows, 1)");
    fault_says(AENC_PLUGIN_LAYER, FAULT_NO_DERIVATIVE, AENC_ERR_NO_GRADIENT, "bend.square");
    fault_says(AENC_PLUGIN_PENALTY, FAULT_NO_DERIVATIVE, AENC_ERR_NO_GRADIENT, "energy.square");
}

/* ---- Registering ---- */

static int refusals;

/* The user is released also then, once. */
static void refused(aenc_context *ctx, const aenc_plugin *plugin, const char *word) {
    const struct quirk *quirk = plugin->user;
    CHECK_STATUS(ctx, aenc_register(ctx, plugin), AENC_ERR_ARGUMENT);
    CHECK(quirk->released == ++refusals);
    if (!CHECK(strstr(aenc_message(ctx), word) != NULL)) fprintf(stderr, "  %s: %s\n", word, aenc_message(ctx));
}

static void test_refusals(void) {
    static const char *const taken[] = {"dense", "mse", "l1", "mask"};
    struct memory memory = {0};
    struct quirk quirk = {0};
    aenc_context *ctx = memory_context(&memory, 1, 1);
    for (int i = 0; i < 4; i++) {
        aenc_plugin p = plugin_of(kinds[i], &quirk), bad = p;
        bad.name = taken[i];
        refused(ctx, &bad, "already");
        bad.name = "two words";
        refused(ctx, &bad, "two words");
        bad = p, bad.name = NULL;
        refused(ctx, &bad, "NULL");
        bad = p, bad.layer = NULL, bad.loss = NULL, bad.penalty = NULL, bad.corruption = NULL;
        refused(ctx, &bad, "is NULL");
        bad = p, bad.settings = &(const aenc_setting){"weight", 0, 0, 1, 0}, bad.setting_count = 1;
        refused(ctx, &bad, "'weight'");
        bad.settings = &(const aenc_setting){"reduction", 0, 0, 1, 0};
        refused(ctx, &bad, "'reduction'");
        bad.settings = &(const aenc_setting){"rate", 2, 0, 1, 0};
        refused(ctx, &bad, "rate");
        bad.settings = NULL;
        refused(ctx, &bad, "settings");
        CHECK_STATUS(ctx, aenc_register(ctx, &p), AENC_OK);
        refused(ctx, &p, "already");
    }
    aenc_plugin none = plugin_of(AENC_PLUGIN_PENALTY, &quirk);
    none.name = "other", memory.fail_at = memory.calls + 1;
    CHECK_STATUS(ctx, aenc_register(ctx, &none), AENC_ERR_NO_MEMORY);
    CHECK(quirk.released == ++refusals);
    none = plugin_of(AENC_PLUGIN_CORRUPTION, &quirk);
    none.setting_count = 0, none.name = "other";
    refused(ctx, &none, "1 to 16");
    none.kind = 15;
    refused(ctx, &none, "15");
    none = plugin_of(AENC_PLUGIN_LAYER, &quirk), none.name = "other", none.mirror_role = 3;
    refused(ctx, &none, "mirror_role");
    CHECK_STATUS(ctx, aenc_register(ctx, NULL), AENC_ERR_ARGUMENT);
    CHECK(aenc_register(NULL, &none) == AENC_ERR_ARGUMENT && quirk.released == ++refusals);
    none.struct_size = offsetof(aenc_plugin, release); /* which does not reach it */
    CHECK_STATUS(ctx, aenc_register(ctx, &none), AENC_ERR_ARGUMENT);
    CHECK(quirk.released == refusals);
    /* They are among the known ones, and their settings are checked. */
    aenc_layer *layer = NULL;
    CHECK_STATUS(ctx, aenc_layer_create(ctx, "bendd", &layer), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(ctx), ", bend") != NULL);
    CHECK_STATUS(ctx, aenc_layer_create(ctx, "bend:shift=2", &layer), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(ctx), "from -1 to 1") != NULL);
    aenc_context_free(ctx);
    CHECK(quirk.released == refusals + 4);
    memory_check_empty(&memory);
}

/* A layer without a mirror has no mirrored decoder; one that follows is repeated. */
static void test_mirrors(void) {
    static const int64_t role[] = {AENC_MIRROR_REFUSED, AENC_MIRROR_REPEATED, AENC_MIRROR_OMITTED};
    static const char *const name[] = {"refused", "repeated", "omitted"};
    struct quirk quirk = {0};
    aenc_context *ctx = NULL;
    CHECK(aenc_context_create(NULL, &ctx) == AENC_OK);
    for (int i = 0; i < 3; i++) {
        char text[256];
        aenc_plugin p = plugin_of(AENC_PLUGIN_LAYER, &quirk);
        aenc_model *model = NULL;
        p.mirror = NULL, p.mirror_role = role[i], p.name = name[i];
        CHECK_STATUS(ctx, aenc_register(ctx, &p), AENC_OK);
        snprintf(text, sizeof text, "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\","
                 "\"units\":5},{\"type\":\"%s\"},{\"type\":\"dense\",\"units\":3}]}}", name[i]);
        CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), i == 0 ? AENC_ERR_UNSUPPORTED : AENC_OK);
        if (i == 0) CHECK(strstr(aenc_message(ctx), "layer 'refused' has no mirror") != NULL);
        const char *again = model == NULL ? NULL : strstr(strstr(aenc_model_description(model), "decoder"), name[i]);
        CHECK((again != NULL) == (i == 1));
        aenc_model_free(model);
    }
    aenc_context_free(ctx);
}

/* ---- The checker ---- */

static aenc_model *model_of(aenc_context *ctx, const char *activation, const char *penalty) {
    static const size_t input = COLS, widths[] = {8, CODE};
    aenc_model *model = NULL;
    aenc_model_options options = {.struct_size = sizeof options, .input = &input, .input_rank = 1, .encoder_widths = widths,
                                  .encoder_count = 2, .activation = activation, .penalties = &penalty,
                                  .penalty_count = penalty != NULL};
    CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), AENC_OK);
    return model;
}

static void test_checker(void) {
    static const char *const activations[] = {"tanh", "sigmoid", "gelu", "softplus", "relu"};
    struct quirk quirk[4] = {{0}};
    aenc_context *ctx = NULL;
    CHECK(aenc_context_create(NULL, &ctx) == AENC_OK);
    register_all(ctx, quirk);
    for (int i = 0; i < 5; i++) {
        aenc_model *model = model_of(ctx, activations[i], i < 4 ? "contractive:weight=0.1" : NULL); /* of relu it jumps */
        double worst = checked(ctx, model, NULL);
        fprintf(stderr, "  %s: %g\n", activations[i], worst);
        CHECK(worst < 0.02);
        aenc_model_free(model);
    }
    const char *name = NULL;
    quirk[0].fault = FAULT_WRONG_DERIVATIVE;
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, whole, strlen(whole), &model), AENC_OK);
    double worst = checked(ctx, model, &name);
    fprintf(stderr, "  wrong: %g, %s\n", worst, name);
    CHECK(worst > 0.1 && name != NULL && strncmp(name, "encoder.", 8) == 0);
    /* The parameters are what they were, the gradients wait, and errors are named. */
    aenc_batch batch = {.struct_size = sizeof batch, .input = x};
    aenc_gradient_check bad = {.struct_size = sizeof bad, .step = 2};
    CHECK_STATUS(ctx, aenc_check_gradients(model, &batch, &bad, &worst, NULL), AENC_ERR_ARGUMENT);
    CHECK_STATUS(ctx, aenc_check_gradients(model, &batch, NULL, NULL, NULL), AENC_ERR_ARGUMENT);
    CHECK_STATUS(ctx, aenc_check_gradients(model, NULL, NULL, &worst, NULL), AENC_ERR_ARGUMENT);
    CHECK_STATUS(ctx, aenc_model_freeze(model, "", 1), AENC_OK);
    CHECK_STATUS(ctx, aenc_check_gradients(model, &batch, NULL, &worst, NULL), AENC_ERR_ARGUMENT);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

/* Rows of zeros through linear layers: every gradient is 0, and so is every difference of a loss that is even in each parameter.
 * Nothing is divided by the norms, which are 0, and of parameters that are equally good the first is named. */
static void test_checker_ties(void) {
    static const float zeros[ROWS * COLS];
    static unsigned char before[1 << 14], after[1 << 14];
    const aenc_batch batch = {.struct_size = sizeof batch, .input = {zeros, ROWS, COLS, 0}};
    const aenc_gradient_check how = {.struct_size = sizeof how, .directions = 4};
    aenc_context *ctx = NULL;
    CHECK(aenc_context_create(NULL, &ctx) == AENC_OK);
    aenc_model *model = model_of(ctx, "identity", NULL);
    const char *name = NULL;
    double worst = NAN;
    size_t size = 0, size_after = 0;
    CHECK_STATUS(ctx, aenc_model_save_memory(model, before, sizeof before, &size), AENC_OK);
    CHECK_STATUS(ctx, aenc_check_gradients(model, &batch, &how, &worst, &name), AENC_OK);
    /* A CBLAS may add in another order for x and for -x: then the loss is even but for rounding, and nothing is tied. */
    CHECK_NEAR(worst, 0, 1e-4);
    CHECK(name != NULL && (worst > 0 || strcmp(name, aenc_model_tensor_name(model, 0)) == 0));
    CHECK_STATUS(ctx, aenc_model_save_memory(model, after, sizeof after, &size_after), AENC_OK);
    CHECK(size_after == size && memcmp(before, after, size) == 0);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

/* The builders that nothing above has used, against numbers. */
static aenc_node *tour(void *user, aenc_recorder *r, aenc_node *in) {
    aenc_node *parts[2] = {aenc_node_slice(r, in, 0, 0, 2), aenc_node_slice(r, in, 0, 2, 4)};
    aenc_node *y = aenc_node_concat(r, parts, 2, 0);
    aenc_node *weight = aenc_node_parameter(r, "weight", (const size_t[]){6, 6}, 2, NULL);
    aenc_node *bias = aenc_node_parameter(r, "bias", (const size_t[]){6}, 1, NULL);
    (void)user;
    y = aenc_node_add(r, y, aenc_node_dense(r, y, weight, bias, 0));
    y = aenc_node_add(r, y, aenc_node_dense(r, y, weight, NULL, 1));
    y = aenc_node_reshape(r, y, (const size_t[]){2, 3}, 2);
    aenc_node *map = aenc_node_matmul(r, y, y, 1, 0); /* (3, 3) */
    aenc_node *mixed = aenc_node_matmul(r, y, aenc_node_softmax(r, map), 0, 0);
    mixed = aenc_node_divide(r, mixed, aenc_node_affine(r, aenc_node_function(r, "exp", mixed), 1, 1));
    mixed = aenc_node_add(r, mixed, aenc_node_log_softmax(r, y));
    mixed = aenc_node_subtract(r, mixed, aenc_node_clamp(r, aenc_node_stop_gradient(r, y), -1, 1));
    CHECK(aenc_node_rank(mixed) == 2 && aenc_node_dim(mixed, 1) == 3 && aenc_node_dim(mixed, 2) == 0);
    CHECK(aenc_node_has_rows(mixed) && !aenc_node_has_rows(bias) && aenc_node_rank(weight) == 2);
    aenc_node *means = aenc_node_mean(r, mixed, 0), *sums = aenc_node_sum(r, mixed, 1);
    CHECK(aenc_node_dim(means, 0) == 3 && aenc_node_dim(sums, 0) == 2 && aenc_node_rank(sums) == 1);
    aenc_node *shared = aenc_node_affine(r, aenc_node_batch_sum(r, sums), 0.01, 0);
    CHECK(!aenc_node_has_rows(shared));
    aenc_node *ends[] = {means, aenc_node_add(r, sums, shared)};
    aenc_node *result = aenc_node_concat(r, ends, 2, 0);
    if (!aenc_recorder_training(r)) return result;
    aenc_node *noise = aenc_node_uniform(r, "draw", (const size_t[]){5}, 1);
    return aenc_node_add(r, result, aenc_node_affine(r, noise, 0.01, 0));
}

static void test_builders(void) {
    static const char text[] = "{\"input\":[6],\"encoder\":{\"type\":\"tour\"},\"decoder\":{\"type\":\"dense\",\"units\":6}}";
    struct quirk quirk = {0};
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    aenc_plugin p = {.struct_size = sizeof p, .kind = AENC_PLUGIN_LAYER, .name = "tour", .user = &quirk, .layer = tour};
    CHECK(aenc_context_create(NULL, &ctx) == AENC_OK);
    CHECK_STATUS(ctx, aenc_register(ctx, &p), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), AENC_OK);
    CHECK(aenc_model_parameter_size(model) == 36 + 6 + 30 + 6);
    /* Only the decoder's gradients are those of the loss: below it, some are stopped. */
    CHECK_STATUS(ctx, aenc_model_freeze(model, "encoder", 1), AENC_OK);
    CHECK(checked(ctx, model, NULL) < 0.02);
    aenc_model_free(model);
    aenc_context_free(ctx);
    CHECK(aenc_node_add(NULL, NULL, NULL) == NULL && aenc_node_rank(NULL) == 0 && aenc_node_dim(NULL, 0) == 0);
    CHECK(aenc_node_fail(NULL, AENC_ERR_IO, NULL) == NULL && aenc_recorder_training(NULL) == 0);
}

/* ---- Numbers that a layer keeps ---- */

/* x less the batch's mean; at use less the running mean, 0.8 of the one before and 0.2 of the batch's. */
static aenc_node *recentred(void *user, aenc_recorder *r, aenc_node *in) {
    struct quirk *quirk = user;
    size_t dims[] = {aenc_node_dim(in, 0)};
    aenc_node *before = aenc_node_state(r, "mean", dims, 1, 0.5), *mean = aenc_node_batch_mean(r, in);
    aenc_node *next = aenc_node_add(r, aenc_node_affine(r, before, 0.8, 0), aenc_node_affine(r, mean, 0.2, 0));
    switch (quirk->fault) {
    case FAULT_SHAPE: next = aenc_node_slice(r, next, 0, 0, 1); break;
    case FAULT_KIND: next = in; break;
    case FAULT_OPERAND: before = aenc_node_parameter(r, "mean too", dims, 1, NULL); break;
    case FAULT_NULL: return aenc_node_state(r, "", dims, 1, 0);
    case FAULT_FAILS: return aenc_node_state(r, "nan", dims, 1, (double)NAN);
    default: break;
    }
    aenc_node *now = aenc_node_stage(r, before, next);
    if (!aenc_recorder_training(r)) mean = before;
    return now == NULL ? NULL : aenc_node_subtract(r, in, mean);
}

static aenc_node *stateful_corruption(void *user, aenc_recorder *r, aenc_node *seen, aenc_node *level) {
    (void)user, (void)level;
    return aenc_node_add(r, seen, aenc_node_state(r, "mean", NULL, 0, 0));
}

static aenc_status keeper_make(aenc_context *ctx, struct quirk *quirk, aenc_model **model) {
    static const char text[] = "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"recentred\"},"
                               "{\"type\":\"dense\",\"units\":3}]},\"decoder\":{\"type\":\"dense\",\"units\":6}}";
    aenc_plugin p = {.struct_size = sizeof p, .kind = AENC_PLUGIN_LAYER, .name = "recentred", .user = quirk, .layer = recentred};
    CHECK_STATUS(ctx, aenc_register(ctx, &p), AENC_OK);
    return aenc_model_parse(ctx, text, strlen(text), model);
}

static void mean_read(aenc_context *ctx, aenc_model *model, float out[COLS]) {
    aenc_tensor *tensor;
    CHECK_STATUS(ctx, aenc_model_tensor_get(model, "encoder.0.mean", &tensor), AENC_OK);
    CHECK_STATUS(ctx, aenc_tensor_read(tensor, out, COLS), AENC_OK);
    aenc_tensor_free(tensor);
}

/* Step by step as by hand; used, saved and loaded; the same on any number of threads. */
static void test_state(void) {
    static unsigned char bytes[2][1 << 16];
    float want[COLS], got[COLS], codes[ROWS * CODE], again[ROWS * CODE], moved[ROWS * COLS];
    size_t size[2] = {0, 0};
    for (int run = 0; run < 2; run++) {
        struct memory memory = {0};
        struct quirk quirk = {0};
        aenc_context *ctx = memory_context(&memory, 3, run == 0 ? 1 : 3);
        aenc_model *model, *loaded;
        CHECK_STATUS(ctx, keeper_make(ctx, &quirk, &model), AENC_OK);
        CHECK(checked(ctx, model, NULL) < 0.02);
        for (int c = 0; c < COLS; c++) want[c] = 0.5f;
        mean_read(ctx, model, got);
        CHECK(memcmp(want, got, sizeof want) == 0); /* neither the checker nor evaluation moves it */
        aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 2, .batch = 16};
        aenc_batch batch = {.struct_size = sizeof batch, .input = x};
        aenc_optimizer *optimizer;
        CHECK_STATUS(ctx, aenc_optimizer_create(model, "adam", &optimizer), AENC_OK);
        for (int step = 0; step < 3; step++) {
            CHECK_STATUS(ctx, aenc_model_step(model, optimizer, &batch, NULL), AENC_OK);
            for (int c = 0; c < COLS; c++) {
                double sum = 0;
                for (int r = 0; r < ROWS; r++) sum += (double)data[r * COLS + c];
                want[c] = (float)(0.8 * (double)want[c] + 0.2 * sum / ROWS);
            }
        }
        mean_read(ctx, model, got);
        for (int c = 0; c < COLS; c++) CHECK_NEAR((double)got[c], (double)want[c], 1e-5);
        aenc_optimizer_free(optimizer);
        CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
        CHECK_STATUS(ctx, aenc_encode(model, &x, codes, ROWS * CODE), AENC_OK);
        CHECK_STATUS(ctx, aenc_model_save_memory(model, bytes[run], sizeof bytes[run], &size[run]), AENC_OK);
        CHECK_STATUS(ctx, aenc_model_load_memory(ctx, bytes[run], size[run], &loaded), AENC_OK);
        CHECK_STATUS(ctx, aenc_encode(loaded, &x, again, ROWS * CODE), AENC_OK);
        CHECK(memcmp(codes, again, sizeof codes) == 0);
        aenc_runner *runner;
        const aenc_runner_options how = {.struct_size = sizeof how, .task = AENC_RUN_ENCODE};
        CHECK_STATUS(ctx, aenc_runner_create(loaded, &how, &runner), AENC_OK);
        CHECK(aenc_runner_run(runner, &x, NULL, again, ROWS * CODE) == AENC_OK);
        for (int i = 0; i < ROWS * CODE; i++) CHECK_NEAR((double)again[i], (double)codes[i], 1e-5);
        /* what it uses is the running mean: rows moved by it, with a mean of 0 */
        aenc_tensor *zero;
        const size_t dims[] = {COLS};
        mean_read(ctx, loaded, got);
        for (int i = 0; i < ROWS * COLS; i++) moved[i] = data[i] - got[i % COLS];
        CHECK_STATUS(ctx, aenc_tensor_create(ctx, AENC_TYPE_F32, dims, 1, &zero), AENC_OK);
        CHECK_STATUS(ctx, aenc_model_tensor_set(loaded, "encoder.0.mean", zero), AENC_OK);
        CHECK_STATUS(ctx, aenc_encode(loaded, &(aenc_matrix){moved, ROWS, COLS, 0}, again, ROWS * CODE), AENC_OK);
        CHECK(memcmp(codes, again, sizeof codes) == 0);
        aenc_tensor_free(zero);
        aenc_runner_free(runner);
        aenc_model_free(model);
        aenc_model_free(loaded);
        aenc_context_free(ctx);
        memory_check_empty(&memory);
    }
    CHECK(size[0] == size[1] && memcmp(bytes[0], bytes[1], size[0]) == 0);
}

static void test_state_refused(void) {
    static const struct {
        enum fault fault;
        aenc_status status;
        const char *words;
    } cases[] = {{FAULT_SHAPE, AENC_ERR_SHAPE, "state of shape (6) cannot become a value of shape (1)"},
                 {FAULT_KIND, AENC_ERR_SHAPE, "cannot become a value of shape (rows, 6)"},
                 {FAULT_OPERAND, AENC_ERR_ARGUMENT, "none of aenc_node_state's"},
                 {FAULT_NULL, AENC_ERR_ARGUMENT, "aenc_node_state: name is NULL, empty"},
                 {FAULT_FAILS, AENC_ERR_NONFINITE, "start is not finite"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct quirk quirk = {.fault = cases[i].fault};
        aenc_context *ctx = NULL;
        aenc_model *model = NULL;
        aenc_batch batch = {.struct_size = sizeof batch, .input = x};
        CHECK(aenc_context_create(NULL, &ctx) == AENC_OK);
        aenc_status status = keeper_make(ctx, &quirk, &model);
        if (status == AENC_OK) status = aenc_model_gradients(model, &batch, NULL);
        CHECK_STATUS(ctx, status, cases[i].status);
        if (!CHECK(strstr(aenc_message(ctx), cases[i].words) != NULL)) fprintf(stderr, "  %s\n", aenc_message(ctx));
        aenc_model_free(model);
        const aenc_setting level = {"level", 0.5, 0, 1, 0};
        aenc_plugin p = {.struct_size = sizeof p, .kind = AENC_PLUGIN_CORRUPTION, .name = "remembers",
                         .corruption = stateful_corruption, .settings = &level, .setting_count = 1};
        static const char text[] = "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3},\"corrupt\":[\"remembers\"]}";
        CHECK_STATUS(ctx, aenc_register(ctx, &p), AENC_OK);
        status = aenc_model_parse(ctx, text, strlen(text), &model);
        if (status == AENC_OK) status = aenc_model_gradients(model, &batch, NULL);
        CHECK_STATUS(ctx, status, AENC_ERR_UNSUPPORTED);
        CHECK(strstr(aenc_message(ctx), "corruptions have no numbers") != NULL);
        aenc_model_free(model);
        aenc_context_free(ctx);
    }
    CHECK(aenc_node_state(NULL, "mean", NULL, 0, 0) == NULL && aenc_node_stage(NULL, NULL, NULL) == NULL);
}

/* A parameter with a first value of its own, under the name that the user pointer is. */
static aenc_node *scaled(void *user, aenc_recorder *r, aenc_node *in) {
    return aenc_node_multiply(r, in, aenc_node_parameter(r, user, NULL, 0, "constant:gain=2"));
}
static aenc_node *scaled_loss(void *user, aenc_recorder *r, aenc_node *output, aenc_node *target) {
    (void)target;
    return aenc_node_row_mean(r, scaled(user, r, output));
}

static void test_parameter_refused(void) {
    static const char text[] = "{\"input\":[6],\"encoder\":{\"type\":\"scaled\"},\"decoder\":{\"type\":\"dense\","
                               "\"units\":6},\"loss\":\"scaled\"}";
    static char empty[] = "", fine[] = "gain", longest[301];
    static const struct {
        char *layer;
        aenc_status status;
        const char *words;
    } cases[] = {{NULL, AENC_ERR_ARGUMENT, "aenc_node_parameter: name is NULL, empty or too long"},
                 {empty, AENC_ERR_ARGUMENT, "aenc_node_parameter: name is NULL, empty or too long"},
                 {longest, AENC_ERR_ARGUMENT, "aenc_node_parameter: name is NULL, empty or too long"},
                 {fine, AENC_OK, ""}};
    memset(longest, 'x', sizeof longest - 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        aenc_context *ctx = NULL;
        aenc_model *model = NULL;
        const aenc_batch batch = {.struct_size = sizeof batch, .input = x};
        const aenc_plugin layer = {.struct_size = sizeof layer, .kind = AENC_PLUGIN_LAYER, .name = "scaled",
                                   .user = cases[i].layer, .layer = scaled};
        const aenc_plugin loss = {.struct_size = sizeof loss, .kind = AENC_PLUGIN_LOSS, .name = "scaled", .user = fine,
                                  .loss = scaled_loss};
        CHECK(aenc_context_create(NULL, &ctx) == AENC_OK);
        CHECK_STATUS(ctx, aenc_register(ctx, &layer), AENC_OK);
        CHECK_STATUS(ctx, aenc_register(ctx, &loss), AENC_OK);
        aenc_status status = aenc_model_parse(ctx, text, strlen(text), &model);
        if (status == AENC_OK) status = aenc_model_gradients(model, &batch, NULL);
        CHECK_STATUS(ctx, status, cases[i].status);
        if (!CHECK(strstr(aenc_message(ctx), cases[i].words) != NULL)) fprintf(stderr, "  %s\n", aenc_message(ctx));
        aenc_model_free(model);
        aenc_context_free(ctx);
    }
}

int main(void) {
    for (int i = 0; i < ROWS * COLS; i++) data[i] = (float)((i * 37 + i / 13 * 5) % 101) / 50.0f - 1;
    test_together();
    test_faults();
    test_refusals();
    test_mirrors();
    test_checker();
    test_checker_ties();
    test_builders();
    test_state();
    test_state_refused();
    test_parameter_refused();
    return check_finish();
}
