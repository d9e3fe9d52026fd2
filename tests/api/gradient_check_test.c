/* gradient_check_test.c - the error that the gradient checker returns, how far it moves parameters, and along how many directions.
 *
 * One parameter is trained, a gain of each element, behind which stands an operation y = u^2. What it states as its derivative is
 * factor u instead of 2 u, so that the stated gradient is factor / 2 times the true one, and the relative error
 *
 *     |factor / 2 - 1| / max(factor / 2, 1)
 */
#include <stdbool.h>
#include <string.h>

#include <autoenc/ops.h>

#include "check.h"

enum { ROWS = 8, COLS = 4 };

struct watch {
    float factor;
    float start[COLS];  /* the gain, as row 0, all ones, shows it */
    double farthest;    /* that an element was moved */
    int together;       /* elements moved in one call, at most */
    bool both;          /* one of them up, another down */
    int calls, fails_at; /* the call that returns infinity; 0: none */
    aenc_runner *runner; /* of the model, run within each call; NULL: none */
    int changed;         /* runs that did not give `codes` */
};

static const float ones[COLS] = {1, 1, 1, 1};
static float codes[COLS];

static void runner_look(struct watch *w) {
    aenc_runner *runner = w->runner;
    float now[COLS];
    if (runner == NULL) return;
    w->runner = NULL; /* its own call of the operation is none of the checker's */
    const struct watch before = *w;
    aenc_status status = aenc_runner_run(runner, &(aenc_matrix){ones, 1, COLS, 0}, NULL, now, COLS);
    *w = before;
    w->changed += status != AENC_OK || memcmp(now, codes, sizeof codes) != 0;
    w->runner = runner;
}

static int square(void *user, const aenc_operation_call *call) {
    const float *u = call->x[0];
    float *y = call->y;
    const size_t rows = call->rows;
    const size_t in = call->x_size[0];
    struct watch *w = user;
    runner_look(w);
    int up = 0, down = 0;
    for (size_t c = 0; c < COLS; c++) {
        double moved = (double)u[c] - (double)w->start[c];
        w->farthest = check_larger(w->farthest, fabs(moved));
        up += moved > 0, down += moved < 0;
    }
    if (up + down > w->together) w->together = up + down;
    w->both = w->both || (up > 0 && down > 0);
    w->calls++;
    for (size_t i = 0; i < rows * in; i++) y[i] = w->calls == w->fails_at ? INFINITY : u[i] * u[i];
    return 0;
}

static int square_backward(void *user, const aenc_operation_call *call) {
    const float *u = call->x[0];
    const float *dy = call->dy;
    float *du = call->dx;
    const size_t rows = call->rows;
    const size_t in = call->x_size[0];
    const struct watch *w = user;
    for (size_t i = 0; i < rows * in; i++) du[i] += w->factor * u[i] * dy[i];
    return 0;
}

static aenc_node *layer(void *user, aenc_recorder *r, aenc_node *in) {
    const aenc_operation operation = {.struct_size = sizeof operation, .name = "square", .user = user, .forward = square,
                                      .backward = square_backward};
    const size_t dims[] = {COLS};
    aenc_node *gain = aenc_node_parameter(r, "gain", dims, 1, "constant:gain=1");
    return aenc_node_operation(r, &operation, (aenc_node *[]){aenc_node_multiply(r, in, gain)}, 1, dims, 1);
}

struct trial {
    aenc_context *ctx;
    aenc_model *model;
    struct watch watch;
};

/* The first element, and the three others. */
static void gain_set(struct trial *t, float first, float others) {
    const size_t dims[] = {COLS};
    const float values[COLS] = {first, others, others, others};
    aenc_tensor *tensor = NULL;
    CHECK_STATUS(t->ctx, aenc_tensor_create(t->ctx, AENC_TYPE_F32, dims, 1, &tensor), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_tensor_write(tensor, values, COLS), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_model_tensor_set(t->model, "encoder.gain", tensor), AENC_OK);
    aenc_tensor_free(tensor);
    memcpy(t->watch.start, values, sizeof values);
}

static aenc_status gradients_check(struct trial *t, const aenc_gradient_check *options, double *worst) {
    static float data[ROWS * COLS];
    const aenc_batch batch = {.struct_size = sizeof batch, .input = {data, ROWS, COLS, 0}};
    const char *name = NULL;
    for (int i = 0; i < ROWS * COLS; i++) data[i] = i < COLS ? 1 : (float)(i * 37 % 101) / 101;
    t->watch.calls = t->watch.together = 0;
    t->watch.farthest = 0;
    aenc_status status = aenc_check_gradients(t->model, &batch, options, worst, &name);
    CHECK((name != NULL && strcmp(name, "encoder.gain") == 0) == (status == AENC_OK));
    return status;
}

static double error_of(struct trial *t, const aenc_gradient_check *options) {
    double worst = NAN;
    CHECK_STATUS(t->ctx, gradients_check(t, options, &worst), AENC_OK);
    return worst;
}

/* Element by element, and along fewer random directions: there the gradient has one element alone, as those of a gain of 0 are 0,
 * and its norm is the same along each. */
static void check_errors(struct trial *t) {
    static const struct {
        float factor;
        double error;
    } cases[] = {{2, 0}, {4, 0.5}, {8, 0.75}, {1, 0.5}, {0.5f, 0.75}, {0, 1}, {-2, 2}};
    const aenc_gradient_check few = {.struct_size = sizeof few, .directions = 3};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        t->watch.factor = cases[i].factor;
        gain_set(t, 0.7f, 0.7f);
        CHECK_NEAR(error_of(t, NULL), cases[i].error, 0.01);
        gain_set(t, 0.7f, 0);
        CHECK_NEAR(error_of(t, &few), cases[i].error, 0.01);
    }
    t->watch.factor = 2;
}

/* Units of the root mean square, of at least 0.1; both sides of two steps, the loss before and the gradients after. The loss is of
 * the fourth degree, of which the differences are exact however far the step is. */
static void check_steps(struct trial *t) {
    static const struct {
        float gain;
        double step, moved;
    } cases[] = {{2, 0, 2.0 / 128}, {2, 0.25, 0.5}, {-2, 0.25, 0.5}, {0.01f, 0.5, 0.05}, {0, 0, 0.1 / 128}, {1, 1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int64_t directions = 0; directions <= 5; directions++) {
            const aenc_gradient_check options = {.struct_size = sizeof options, .step = cases[i].step, .directions = directions};
            const bool each = directions == 0 || directions >= COLS;
            gain_set(t, cases[i].gain, cases[i].gain);
            t->watch.both = false;
            CHECK_NEAR(error_of(t, &options), 0, 1e-3);
            CHECK_NEAR(t->watch.farthest, cases[i].moved, 1e-6);
            CHECK_NEAR(t->watch.calls, 4 * (each ? COLS : (int)directions) + 2, 0);
            CHECK(t->watch.together == (each ? 1 : COLS));
            CHECK(t->watch.both == !each);
        }
}

/* A loss that cannot be computed ends the check, wherever it is met, and the parameters are as before. */
static void check_failures_end(struct trial *t) {
    static unsigned char before[1 << 14], after[1 << 14];
    size_t size = 0, size_after = 0;
    double worst = 0;
    gain_set(t, 0.7f, 0.7f);
    CHECK_STATUS(t->ctx, aenc_model_save_memory(t->model, before, sizeof before, &size), AENC_OK);
    for (t->watch.fails_at = 1; t->watch.fails_at <= 4 * COLS + 2; t->watch.fails_at++) {
        CHECK_STATUS(t->ctx, gradients_check(t, NULL, &worst), AENC_ERR_DIVERGED);
        CHECK(isnan(worst));
        CHECK(t->watch.calls <= t->watch.fails_at + 1); /* what is not finite may be looked for once more */
        CHECK_STATUS(t->ctx, aenc_model_save_memory(t->model, after, sizeof after, &size_after), AENC_OK);
        CHECK(size_after == size && memcmp(before, after, size) == 0);
    }
    t->watch.fails_at = 0;
}

/* A runner has the parameters as they were, also while they are moved. */
static void check_runner(struct trial *t) {
    const aenc_runner_options encode = {.struct_size = sizeof encode, .task = AENC_RUN_ENCODE};
    aenc_runner *runner = NULL;
    gain_set(t, 0.7f, 0.9f);
    CHECK_STATUS(t->ctx, aenc_runner_create(t->model, &encode, &runner), AENC_OK);
    CHECK(aenc_runner_run(runner, &(aenc_matrix){ones, 1, COLS, 0}, NULL, codes, COLS) == AENC_OK);
    t->watch.runner = runner;
    CHECK_NEAR(error_of(t, NULL), 0, 1e-3);
    CHECK(t->watch.calls == 4 * COLS + 2 && t->watch.changed == 0);
    t->watch.runner = NULL;
    aenc_runner_free(runner);
}

/* ---- The worst of several parameters ---- */

/* in + (0 in + gain)^2: whatever lies below has a right gradient, the gain has not. */
static aenc_node *beside(void *user, aenc_recorder *r, aenc_node *in) {
    return aenc_node_add(r, in, layer(user, r, aenc_node_affine(r, in, 0, 1)));
}

static void check_worst_last(aenc_context *ctx, struct watch *watch) {
    static const char text[] = "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":4},"
                               "{\"type\":\"beside\"}]},\"decoder\":{\"type\":\"dense\",\"units\":4}}";
    static const float data[ROWS * COLS] = {0.5f, 1, 0.25f, 2, -1, 0.125f};
    const aenc_batch batch = {.struct_size = sizeof batch, .input = {data, ROWS, COLS, 0}};
    const aenc_plugin plugin = {.struct_size = sizeof plugin, .kind = AENC_PLUGIN_LAYER, .name = "beside", .user = watch,
                                .layer = beside};
    aenc_model *model = NULL;
    const char *name = NULL;
    double worst = NAN;
    watch->factor = 4;
    CHECK_STATUS(ctx, aenc_register(ctx, &plugin), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, sizeof text - 1, &model), AENC_OK);
    CHECK_STATUS(ctx, aenc_check_gradients(model, &batch, NULL, &worst, &name), AENC_OK);
    CHECK_NEAR(worst, 0.5, 0.01);
    CHECK(name != NULL && strcmp(name, "encoder.1.gain") == 0);
    aenc_model_free(model);
}

int main(void) {
    static const char text[] = "{\"input\":[4],\"encoder\":{\"type\":\"squared\"},\"decoder\":{\"type\":\"dense\",\"units\":4}}";
    struct trial t = {.watch = {.factor = 2}};
    const aenc_plugin plugin = {.struct_size = sizeof plugin, .kind = AENC_PLUGIN_LAYER, .name = "squared", .user = &t.watch,
                                .layer = layer};
    CHECK(aenc_context_create(NULL, &t.ctx) == AENC_OK);
    CHECK_STATUS(t.ctx, aenc_register(t.ctx, &plugin), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_parse(t.ctx, text, sizeof text - 1, &t.model), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_freeze(t.model, "decoder", 1), AENC_OK);
    check_errors(&t);
    check_steps(&t);
    check_failures_end(&t);
    check_runner(&t);
    check_worst_last(t.ctx, &t.watch);
    aenc_model_free(t.model);
    aenc_context_free(t.ctx);
    return check_finish();
}
