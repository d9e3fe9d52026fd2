/* operation_test.c - an operation of the program's own is given each row once, forwards and backwards, whatever the tiles and
 * threads. */
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <autoenc/ops.h>

#include "check.h"

enum { ROWS = 2500, COLS = 3 };

/* How often the operation has seen a row, of which the first element is the number; `good`: nothing else is amiss. */
struct visits {
    atomic_int forward[ROWS], backward[ROWS];
    atomic_bool good;
};

static void visit(struct visits *v, atomic_int *count, const float *x, size_t rows, size_t in, size_t out) {
    if (in != COLS || out != COLS || rows > ROWS) {
        atomic_store(&v->good, false);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        int row = (int)x[r * COLS];
        if (row >= 0 && row < ROWS) atomic_fetch_add(&count[row], 1);
        else atomic_store(&v->good, false);
    }
}

static int negate(void *user, const aenc_operation_call *call) {
    const float *x = call->x[0];
    float *y = call->y;
    const size_t rows = call->rows;
    const size_t in = call->x_size[0];
    const size_t out = call->y_size;
    struct visits *v = user;
    visit(v, v->forward, x, rows, in, out);
    for (size_t i = 0; i < rows * COLS && rows <= ROWS; i++) y[i] = -x[i];
    return 0;
}

static int negate_backward(void *user, const aenc_operation_call *call) {
    const float *x = call->x[0];
    const float *y = call->y;
    const float *dy = call->dy;
    float *dx = call->dx;
    const size_t rows = call->rows;
    const size_t in = call->x_size[0];
    const size_t out = call->y_size;
    struct visits *v = user;
    visit(v, v->backward, x, rows, in, out);
    for (size_t i = 0; i < rows * COLS && rows <= ROWS; i++) {
        if (y[i] != -x[i]) atomic_store(&v->good, false);
        dx[i] -= dy[i];
    }
    return 0;
}

/* -gain x, with a gain of 1 that is trained, so that there is a gradient to hand on. */
static aenc_node *layer(void *user, aenc_recorder *r, aenc_node *in) {
    const aenc_operation operation = {.struct_size = sizeof operation, .name = "negate", .user = user, .forward = negate,
                                      .backward = negate_backward};
    const size_t dims[] = {COLS};
    aenc_node *gain = aenc_node_parameter(r, "gain", dims, 1, "constant:gain=1");
    return aenc_node_operation(r, &operation, (aenc_node *[]){aenc_node_multiply(r, in, gain)}, 1, dims, 1);
}

static void check_visits(struct visits *v, int forward, int backward) {
    int off = 0;
    for (int r = 0; r < ROWS; r++) off += atomic_load(&v->forward[r]) != forward || atomic_load(&v->backward[r]) != backward;
    CHECK(off == 0);
    CHECK(atomic_load(&v->good));
    memset(v, 0, sizeof *v);
    atomic_init(&v->good, true);
}

int main(void) {
    static const char text[] = "{\"input\":[3],\"encoder\":{\"type\":\"negate\"},\"decoder\":{\"type\":\"dense\",\"units\":3}}";
    static float data[ROWS * COLS], code[ROWS * COLS];
    static struct visits visits;
    const aenc_matrix x = {data, ROWS, COLS, 0};
    const aenc_batch batch = {.struct_size = sizeof batch, .input = x};
    const aenc_plugin plugin = {.struct_size = sizeof plugin, .kind = AENC_PLUGIN_LAYER, .name = "negate", .user = &visits,
                                .layer = layer};
    for (int i = 0; i < ROWS * COLS; i++) data[i] = i % COLS == 0 ? (float)(i / COLS) : (float)(i % 101) / 50;
    atomic_init(&visits.good, true);
    for (int64_t threads = 1; threads <= 4; threads++) {
        const aenc_context_options options = {.struct_size = sizeof options, .threads = threads};
        aenc_context *ctx = NULL;
        aenc_model *model = NULL;
        aenc_runner *runner = NULL;
        const aenc_runner_options encode = {.struct_size = sizeof encode, .task = AENC_RUN_ENCODE};
        CHECK(aenc_context_create(&options, &ctx) == AENC_OK);
        CHECK_STATUS(ctx, aenc_register(ctx, &plugin), AENC_OK);
        CHECK_STATUS(ctx, aenc_model_parse(ctx, text, sizeof text - 1, &model), AENC_OK);
        CHECK_STATUS(ctx, aenc_encode(model, &x, code, ROWS * COLS), AENC_OK);
        bool negated = true;
        for (int i = 0; i < ROWS * COLS; i++) negated = negated && code[i] == -data[i];
        CHECK(negated);
        check_visits(&visits, 1, 0);
        CHECK_STATUS(ctx, aenc_model_gradients(model, &batch, NULL), AENC_OK);
        check_visits(&visits, 1, 1);
        CHECK_STATUS(ctx, aenc_runner_create(model, &encode, &runner), AENC_OK);
        CHECK(aenc_runner_run(runner, &x, NULL, code, ROWS * COLS) == AENC_OK);
        check_visits(&visits, 1, 0);
        aenc_runner_free(runner);
        aenc_model_free(model);
        aenc_context_free(ctx);
    }
    return check_finish();
}
