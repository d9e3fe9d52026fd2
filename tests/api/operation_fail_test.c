/* operation_fail_test.c - operations of the program's own that fail, have several operands, and release what they hold. */
#include <stdatomic.h>

#include <autoenc/ops.h>

#include "train/trial.h"

enum { ROWS = 300, IN = 4 };

static const char text[] = "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3},"
                           "{\"type\":\"scale\"}]},\"decoder\":{\"type\":\"dense\",\"units\":4}}";
static float data[ROWS * IN], out[ROWS * IN];
static const aenc_matrix x = {data, ROWS, IN, 0};
static const aenc_batch batch = {.struct_size = sizeof batch, .input = {data, ROWS, IN, 0}};

enum trouble { NONE, NO_FORWARD, NO_DIMS, NO_OPERAND, TOO_MANY, FAILED_BEFORE, TROUBLES };

/* What the operation's user is. */
struct own {
    atomic_int calls[2], fail_at[2], result; /* of forward and backward; from 1, 0: never */
    atomic_int recorded, released;
    atomic_bool good;
    atomic_int trained; /* calls in the task of training */
    enum trouble trouble;
};

static int counted(struct own *own, int back, const aenc_operation_call *call) {
    bool good = call->struct_size == sizeof *call && call->rows > 0 && call->first_row + call->rows <= ROWS && call->x_count == 2 &&
                call->x_size[0] == 3 && call->x_size[1] == 3 && call->y_size == 3 && call->operand < 2 &&
                (call->dy != NULL) == back && (call->dx != NULL) == back && (back == 0 || call->training == 1);
    if (!good) atomic_store(&own->good, false);
    if (call->training) atomic_fetch_add(&own->trained, 1);
    return atomic_fetch_add(&own->calls[back], 1) + 1 == atomic_load(&own->fail_at[back]) ? atomic_load(&own->result) : 0;
}

/* a b */
static int forward(void *user, const aenc_operation_call *call) {
    int failed = counted(user, 0, call);
    for (size_t i = 0; i < call->rows * 3 && failed == 0; i++) call->y[i] = call->x[0][i] * call->x[1][i];
    return failed;
}
static int backward(void *user, const aenc_operation_call *call) {
    int failed = counted(user, 1, call);
    for (size_t i = 0; i < call->rows * 3 && failed == 0; i++) call->dx[i] += call->dy[i] * call->x[1 - call->operand][i];
    return failed;
}
static void release(void *user) { atomic_fetch_add(&((struct own *)user)->released, 1); }

/* x times (gain x) */
static aenc_node *scale(void *user, aenc_recorder *r, aenc_node *in) {
    struct own *own = user;
    static const size_t dims[] = {3}, none[] = {0};
    aenc_operation operation = {.struct_size = sizeof operation, .name = "product", .user = user, .forward = forward,
                                .backward = backward, .release = release};
    aenc_node *gained = aenc_node_multiply(r, in, aenc_node_parameter(r, "gain", dims, 1, "constant:gain=1"));
    aenc_node *both[9] = {in, gained};
    size_t count = own->trouble == TOO_MANY ? 9 : 2;
    if (own->trouble == NO_FORWARD) operation.forward = NULL;
    if (own->trouble == NO_OPERAND) both[1] = NULL;
    if (own->trouble == FAILED_BEFORE) aenc_node_fail(r, AENC_ERR_CALLBACK, "the first reason");
    atomic_fetch_add(&own->recorded, 1);
    return aenc_node_operation(r, &operation, both, count, own->trouble == NO_DIMS ? none : dims, 1);
}

static struct trial world(struct own *own, int64_t threads) {
    struct trial t = {NULL, NULL};
    const aenc_context_options o = {.struct_size = sizeof o, .seed = 5, .threads = threads};
    const aenc_plugin plugin = {.struct_size = sizeof plugin, .kind = AENC_PLUGIN_LAYER, .name = "scale", .user = own,
                                .layer = scale, .mirror_role = AENC_MIRROR_REPEATED};
    memset(own, 0, sizeof *own);
    atomic_init(&own->good, true);
    CHECK(aenc_context_create(&o, &t.ctx) == AENC_OK);
    CHECK_STATUS(t.ctx, aenc_register(t.ctx, &plugin), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_parse(t.ctx, text, sizeof text - 1, &t.model), AENC_OK);
    return t;
}

static void fail_next(struct own *own, int back, int at, int result) {
    for (int i = 0; i < 2; i++) {
        atomic_store(&own->calls[i], 0);
        atomic_store(&own->fail_at[i], i == back ? at : 0);
    }
    atomic_store(&own->result, result);
}

static void check_said(const struct trial *t, int back) {
    const char *message = aenc_message(t->ctx);
    bool said = strstr(message, back ? "backward" : "forward") != NULL && strstr(message, "'scale.product'") != NULL &&
                strstr(message, "encoder.1") != NULL;
    if (!CHECK(said)) fprintf(stderr, "  %s\n", message);
}

/* A step that an operation fails in has changed nothing; the next is that which it would have been. */
static void test_steps(int64_t threads, int back) {
    struct own own, calm;
    struct trial t = world(&own, threads), plain = world(&calm, 1);
    aenc_optimizer *optimizer, *other;
    double loss;
    CHECK_STATUS(t.ctx, aenc_optimizer_create(t.model, "adam", &optimizer), AENC_OK);
    CHECK_STATUS(plain.ctx, aenc_optimizer_create(plain.model, "adam", &other), AENC_OK);
    for (int at = 1; at <= 4; at += 3) {
        fail_next(&own, back, at, -9);
        CHECK_STATUS(t.ctx, aenc_model_gradients(t.model, &batch, &loss), AENC_ERR_CALLBACK);
        check_said(&t, back);
        CHECK_STATUS(t.ctx, aenc_optimizer_apply(optimizer), AENC_ERR_ARGUMENT); /* none wait */
        fail_next(&own, back, at, -9);
        CHECK_STATUS(t.ctx, aenc_model_step(t.model, optimizer, &batch, &loss), AENC_ERR_CALLBACK);
        check_said(&t, back);
        CHECK(trial_same(&t, &plain));
        fail_next(&own, back, at, 9);
        CHECK_STATUS(t.ctx, aenc_model_step(t.model, optimizer, &batch, &loss), AENC_ERR_CANCELLED);
        CHECK(trial_same(&t, &plain));
        fail_next(&own, back, 0, 0);
        CHECK_STATUS(t.ctx, aenc_model_step(t.model, optimizer, &batch, &loss), AENC_OK);
        CHECK_STATUS(plain.ctx, aenc_model_step(plain.model, other, &batch, &loss), AENC_OK);
        CHECK(trial_same(&t, &plain));
    }
    aenc_optimizer_free(other);
    aenc_optimizer_free(optimizer);
    CHECK(atomic_load(&own.good) && atomic_load(&own.trained) > 0);
    trial_free(&t);
    trial_free(&plain);
    CHECK(atomic_load(&own.recorded) > 0 && atomic_load(&own.recorded) == atomic_load(&own.released));
}

/* Of a training the whole steps stay; a positive result ends it as a callback's does. */
static void test_fits(int64_t threads, int back, int result) {
    struct own own, calm;
    struct trial t = world(&own, threads), plain = world(&calm, 1);
    const aenc_fit_options o = {.struct_size = sizeof o, .epochs = 2, .batch = 50, .steps_per_epoch = 3},
                           first = {.struct_size = sizeof o, .epochs = 1, .batch = 50, .steps_per_epoch = 1},
                           pass = {.struct_size = sizeof o, .batch = 50};
    const aenc_matrix one = {data, 50, IN, 0};
    int calls = back ? 2 : 1; /* of a batch, which is one shard: backward for each operand */
    fail_next(&own, back, calls + 1, result);
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &o), result < 0 ? AENC_ERR_CALLBACK : AENC_OK);
    CHECK(aenc_model_stopped(t.model) == (result < 0 ? AENC_STOPPED_NOT : AENC_STOPPED_CALLBACK));
    CHECK_STATUS(plain.ctx, aenc_fit(plain.model, &x, &first), AENC_OK);
    CHECK(trial_same(&t, &plain));
    fail_next(&own, back, calls + 1, result);
    CHECK_STATUS(t.ctx, aenc_partial_fit(t.model, &x, &pass), result < 0 ? AENC_ERR_CALLBACK : AENC_OK);
    CHECK(aenc_model_stopped(t.model) == (result < 0 ? AENC_STOPPED_NOT : AENC_STOPPED_CALLBACK));
    CHECK_STATUS(plain.ctx, aenc_partial_fit(plain.model, &one, &pass), AENC_OK);
    CHECK(trial_same(&t, &plain));
    trial_free(&t);
    trial_free(&plain);
}

static void test_use(int64_t threads) {
    struct own own;
    struct trial t = world(&own, threads);
    const aenc_runner_options o = {.struct_size = sizeof o, .task = AENC_RUN_SCORE, .rows = 100};
    aenc_runner *runner;
    CHECK_STATUS(t.ctx, aenc_runner_create(t.model, &o, &runner), AENC_OK);
    for (int result = -1; result <= 1; result += 2) {
        aenc_status want = result < 0 ? AENC_ERR_CALLBACK : AENC_ERR_CANCELLED;
        for (int at = 1; at <= 3; at++) {
            fail_next(&own, 0, at, result);
            CHECK_STATUS(t.ctx, aenc_encode(t.model, &x, out, ROWS * IN), want);
            check_said(&t, 0);
            fail_next(&own, 0, at, result);
            CHECK(aenc_runner_run(runner, &x, NULL, out, ROWS) == want);
            CHECK(strstr(aenc_runner_message(runner), "'scale.product'") != NULL);
        }
    }
    fail_next(&own, 0, 0, 0);
    CHECK_STATUS(t.ctx, aenc_score(t.model, &x, NULL, out, ROWS), AENC_OK);
    CHECK(aenc_runner_run(runner, &x, NULL, out + ROWS, ROWS) == AENC_OK);
    double worst = 0; /* the CBLAS may round otherwise than the runner's own product */
    for (int r = 0; r < ROWS; r++)
        worst = check_larger(worst, (double)(fabsf(out[r] - out[ROWS + r]) / (fabsf(out[r]) + 1e-3f)));
    CHECK(worst < 1e-5);
    CHECK_STATUS(t.ctx, aenc_check_gradients(t.model, &batch, NULL, &worst, NULL), AENC_OK);
    if (!CHECK(worst < 0.01)) fprintf(stderr, "  two operands: %g\n", worst);
    trial_free(&t);
    CHECK(atomic_load(&own.recorded) > atomic_load(&own.released)); /* the runner has one */
    aenc_runner_free(runner);
    CHECK(atomic_load(&own.recorded) == atomic_load(&own.released) && atomic_load(&own.good));
}

static void test_recording(void) {
    struct own own;
    struct trial t = world(&own, 1);
    for (int trouble = NONE + 1; trouble < TROUBLES; trouble++) {
        aenc_model *none;
        own.trouble = (enum trouble)trouble;
        int before = atomic_load(&own.released);
        aenc_status got = aenc_model_parse(t.ctx, text, sizeof text - 1, &none);
        CHECK(got == (trouble == NO_DIMS ? AENC_ERR_SHAPE : trouble == FAILED_BEFORE ? AENC_ERR_CALLBACK : AENC_ERR_ARGUMENT));
        if (!CHECK(atomic_load(&own.released) == before + 1)) fprintf(stderr, "  trouble %d: %s\n", trouble, aenc_message(t.ctx));
        CHECK(none == NULL);
    }
    const aenc_operation operation = {.struct_size = sizeof operation, .user = &own, .release = release};
    int before = atomic_load(&own.released);
    CHECK(aenc_node_operation(NULL, &operation, NULL, 0, NULL, 0) == NULL && atomic_load(&own.released) == before + 1);
    CHECK(aenc_node_operation(NULL, NULL, NULL, 0, NULL, 0) == NULL);
    atomic_fetch_add(&own.recorded, 1);
    trial_free(&t);
    CHECK(atomic_load(&own.recorded) == atomic_load(&own.released));
}

int main(void) {
    trial_fill(data, ROWS * IN, 11);
    for (int64_t threads = 1; threads <= 3; threads += 2)
        for (int back = 0; back < 2; back++) {
            test_steps(threads, back);
            test_fits(threads, back, -4);
            test_fits(threads, back, 4);
        }
    test_use(1);
    test_use(3);
    test_recording();
    return check_finish();
}
