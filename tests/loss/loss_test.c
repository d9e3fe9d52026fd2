/* loss_test.c - losses by name, what they refuse, and numbers where naive formulas overflow. Values and gradients of
 * the ordinary kind are golden_test.c's affair. */
#include "loss/loss.h"

#include "check.h"
#include "replay.h"

/* ---- Names ---- */

static void refuse(aenc_context *ctx, const char *text, const char *words) {
    struct arena arena;
    struct json *spec;
    aenc_arena_create(ctx, &arena);
    CHECK_STATUS(ctx, aenc_settings_parse(&arena, "loss", text, &spec), AENC_OK);
    CHECK(aenc_loss_find(ctx, spec) == NULL);
    if (!CHECK(strstr(aenc_message(ctx), words) != NULL))
        fprintf(stderr, "  '%s' does not say '%s'\n", aenc_message(ctx), words);
    aenc_arena_free(&arena);
}

static void names_test(aenc_context *ctx) {
    refuse(ctx, "msee", "unknown loss 'msee'; known: mse, mae, huber, bce, gaussian_nll, cosine, cross_entropy, bernoulli, "
                        "continuous_bernoulli, gaussian, laplace, discretised_logistic, categorical");
    refuse(ctx, "huber:delt=2", "loss 'huber': unknown setting 'delt'; known: delta");
    refuse(ctx, "huber:delta=0", "setting 'delta' is 0");
    refuse(ctx, "mse:weight=1", "loss 'mse': unknown setting 'weight'");
    refuse(ctx, "cross_entropy", "loss 'cross_entropy'");
    refuse(ctx, "cross_entropy:classes=1", "setting 'classes' is 1");
    refuse(ctx, "cross_entropy:classes=3,smoothing=1.5", "setting 'smoothing' is 1.5");
}

/* ---- Numbers ---- */

/* One loss of y (through a sigmoid, in a dense layer, where asked) against target, rows of `width`. */
struct setting {
    const char *loss;
    bool sigmoid;
    int64_t width, target_width, rows;
    const float *y, *target;
};

struct outcome {
    aenc_status status;
    double value[4], gradient[16];
};

static struct outcome evaluate(aenc_context *ctx, const struct setting *setting) {
    struct outcome outcome = {0};
    struct tape tape;
    struct store store;
    struct replay replay;
    struct json *spec;
    aenc_tape_create(ctx, MODE_TRAIN, setting->rows, &tape);
    aenc_store_create(ctx, &store);
    CHECK_STATUS(ctx, aenc_settings_parse(&tape.arena, "loss", setting->loss, &spec), AENC_OK);
    CHECK(aenc_loss_find(ctx, spec) != NULL);
    struct node *y = aenc_tape_input(&tape, "y", &setting->width, 1);
    struct node *target = aenc_tape_input(&tape, "target", &setting->target_width, 1);
    y->needs_gradient = true;
    struct node *output = setting->sigmoid ? aenc_op_function(&tape, FUNCTION_SIGMOID, 0, y) : y;
    struct node *value = aenc_loss_record(&(struct site){.tape = &tape, .store = &store}, spec, output, target);
    aenc_tape_term(&tape, "loss", value, 1, NULL);
    const float *inputs[] = {setting->y, setting->target};
    CHECK_STATUS(ctx, replay_store(&store, 0), AENC_OK);
    outcome.status = replay_once(&tape, &store, true, setting->rows, inputs, &replay);
    if (outcome.status == AENC_OK) {
        for (int64_t i = 0; i < setting->rows; i++) outcome.value[i] = (double)aenc_value(&replay.run, value)[i];
        for (int64_t i = 0; i < setting->rows * setting->width; i++)
            outcome.gradient[i] = (double)aenc_gradient(&replay.run, y)[i];
    }
    replay_free(ctx, &replay);
    aenc_store_free(&store);
    aenc_tape_free(&tape);
    return outcome;
}

/* Logits of +-1000: the loss is the logit, the gradient +-1 or 0, divided by the width of 4. */
static void logits_test(aenc_context *ctx) {
    const float y[] = {1000, -1000, 1000, -1000}, target[] = {1, 0, 0, 1};
    struct outcome o = evaluate(ctx, &(struct setting){"bce", true, 4, 4, 1, y, target});
    CHECK_STATUS(ctx, o.status, AENC_OK);
    CHECK_NEAR(o.value[0], 500, 1e-3);
    const double gradient[] = {0, 0, 0.25, -0.25};
    for (int i = 0; i < 4; i++) CHECK_NEAR(o.gradient[i], gradient[i], 1e-7);
}

/* Probabilities of 0 and 1 themselves: the logarithms stop at -100. */
static void ends_test(aenc_context *ctx) {
    const float y[] = {0, 1, 1, 0}, target[] = {0, 1, 0, 1};
    struct outcome o = evaluate(ctx, &(struct setting){"bce", false, 2, 2, 2, y, target});
    CHECK_STATUS(ctx, o.status, AENC_OK);
    CHECK_NEAR(o.value[0], 0, 1e-6);
    CHECK_NEAR(o.value[1], 100, 1e-4);
    for (int i = 0; i < 4; i++) CHECK(isfinite(o.gradient[i]));
}

/* Rows of zeros have no direction: distance 1, and a gradient that is finite. */
static void zeros_test(aenc_context *ctx) {
    const float y[] = {0, 0, 3, 4}, target[] = {1, 2, 6, 8};
    struct outcome o = evaluate(ctx, &(struct setting){"cosine", false, 2, 2, 2, y, target});
    CHECK_STATUS(ctx, o.status, AENC_OK);
    CHECK_NEAR(o.value[0], 1, 1e-7);
    CHECK_NEAR(o.value[1], 0, 1e-6);
    CHECK(isfinite(o.gradient[0]) && isfinite(o.gradient[1]));
    CHECK_NEAR(o.gradient[2], 0, 1e-6);
}

/* One log variance for all: the loss at the mean is (log 2 pi + v) / 2. */
static void nll_test(aenc_context *ctx) {
    const float y[] = {2, 3, -20, 20}, target[] = {2, 3};
    struct outcome o = evaluate(ctx, &(struct setting){"gaussian_nll", false, 4, 2, 1, y, target});
    CHECK_STATUS(ctx, o.status, AENC_OK);
    CHECK_NEAR(o.value[0], 0.9189385332, 1e-6);
    CHECK_NEAR(o.gradient[2], 0.25, 1e-7);
    CHECK_NEAR(o.gradient[0], 0, 1e-7);
}

/* Logits of +-1000: the surprise is their distance, and the gradient a whole step towards the class. */
static void entropy_test(aenc_context *ctx) {
    const float y[] = {1000, -1000, 0, 1000, -1000, 0}, target[] = {0, 1};
    struct outcome o = evaluate(ctx, &(struct setting){"cross_entropy:classes=3", false, 3, 1, 2, y, target});
    CHECK_STATUS(ctx, o.status, AENC_OK);
    CHECK_NEAR(o.value[0], 0, 1e-6);
    CHECK_NEAR(o.value[1], 2000, 1e-3);
    const double gradient[] = {0, 0, 0, 1, -1, 0};
    for (int i = 0; i < 6; i++) CHECK_NEAR(o.gradient[i], gradient[i], 1e-6);
}

static void sizes_test(aenc_context *ctx) {
    const float y[8] = {0}, target[8] = {0};
    struct outcome o = evaluate(ctx, &(struct setting){"mse", false, 4, 3, 1, y, target});
    CHECK_STATUS(ctx, o.status, AENC_ERR_SHAPE);
    CHECK(strcmp(aenc_message(ctx), "loss: loss 'mse': output (rows, 4) and target (rows, 3) have rows of different sizes") ==
          0);
    o = evaluate(ctx, &(struct setting){"gaussian_nll", false, 3, 1, 1, y, target});
    CHECK_STATUS(ctx, o.status, AENC_ERR_SHAPE);
    o = evaluate(ctx, &(struct setting){"gaussian_nll", false, 4, 4, 1, y, target});
    CHECK_STATUS(ctx, o.status, AENC_ERR_SHAPE);
}

int main(void) {
    aenc_context *ctx;
    if (aenc_context_create(NULL, &ctx) != AENC_OK) return 1;
    names_test(ctx);
    logits_test(ctx);
    ends_test(ctx);
    zeros_test(ctx);
    nll_test(ctx);
    entropy_test(ctx);
    sizes_test(ctx);
    aenc_context_free(ctx);
    return check_finish();
}
