/* stop_test.c - calls that train, or take rows of a source through a model, are stopped in the middle of whatever they do: an
 * operation of the program's own returns a positive number, or cancels, in each of its calls in turn. Whether that is a training
 * step, a validation, a row transform or a measure: the call ends with AENC_OK and what there is, and says why. */
#include <math.h>
#include <stdatomic.h>
#include <unistd.h>

#include <autoenc/ops.h>

#include "train/trial.h"

enum { ROWS = 300, VALID = 150, IN = 4, MANY = 1300, PIECE = 1024, CHUNK = 128 };

static const char text[] = "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3},"
                           "{\"type\":\"pass\"},{\"type\":\"dense\",\"units\":2}]},\"decoder\":{\"type\":\"dense\",\"units\":4}}";
static float data[MANY * IN], room[MANY * 2], calm_room[MANY * 2];
static const aenc_matrix x = {data, ROWS, IN, 0}, held = {data + ROWS * IN, VALID, IN, 0};
static char path[64];

/* ---- The operation ---- */

enum act { RETURNS, CANCELS_MODEL, CANCELS_CONTEXT };

/* What the operation's user is. */
struct own {
    atomic_int calls, at, last; /* acts at calls at .. last, from 1; 0: never */
    atomic_int evaluations;     /* counts those outside of training tasks alone, where it is 1 */
    atomic_int result, act;
    aenc_context *ctx;
    aenc_model *model;
};

static int act(struct own *own, bool training) {
    if (training && atomic_load(&own->evaluations) == 1) return 0;
    int call = atomic_fetch_add(&own->calls, 1) + 1;
    if (call < atomic_load(&own->at) || call > atomic_load(&own->last)) return 0;
    if (atomic_load(&own->act) == CANCELS_MODEL) aenc_model_cancel(own->model);
    if (atomic_load(&own->act) == CANCELS_CONTEXT) aenc_context_cancel(own->ctx);
    return atomic_load(&own->result);
}
static int forward(void *user, const aenc_operation_call *call) {
    memcpy(call->y, call->x[0], call->rows * call->y_size * sizeof *call->y);
    return act(user, call->training == 1);
}
static int backward(void *user, const aenc_operation_call *call) {
    for (size_t i = 0; i < call->rows * call->y_size; i++) call->dx[i] += call->dy[i];
    return act(user, true);
}

/* y = x */
static aenc_node *pass(void *user, aenc_recorder *r, aenc_node *in) {
    const size_t dims[] = {aenc_node_dim(in, 0)};
    const aenc_operation operation = {
        .struct_size = sizeof operation, .name = "pass", .user = user, .forward = forward, .backward = backward};
    return aenc_node_operation(r, &operation, &in, 1, dims, 1);
}

static void own_set(struct own *own, int at, int last, enum act act_now, int result) {
    atomic_store(&own->calls, 0);
    atomic_store(&own->at, at);
    atomic_store(&own->last, last);
    atomic_store(&own->act, act_now);
    atomic_store(&own->result, result);
}

/* A student, and a teacher beside it. */
struct world {
    struct own own;
    struct trial trial;
    aenc_model *teacher;
    aenc_source *source;
};

static void world_create(struct world *w, int64_t threads) {
    const aenc_context_options o = {.struct_size = sizeof o, .seed = 5, .threads = threads};
    const aenc_plugin plugin = {.struct_size = sizeof plugin, .kind = AENC_PLUGIN_LAYER, .name = "pass", .user = &w->own,
                                .layer = pass, .mirror_role = AENC_MIRROR_REPEATED};
    static const aenc_matrix many = {data, MANY, IN, 0};
    memset(w, 0, sizeof *w);
    CHECK(aenc_context_create(&o, &w->trial.ctx) == AENC_OK);
    CHECK_STATUS(w->trial.ctx, aenc_register(w->trial.ctx, &plugin), AENC_OK);
    CHECK_STATUS(w->trial.ctx, aenc_model_parse(w->trial.ctx, text, sizeof text - 1, &w->trial.model), AENC_OK);
    CHECK_STATUS(w->trial.ctx, aenc_model_parse(w->trial.ctx, text, sizeof text - 1, &w->teacher), AENC_OK);
    CHECK_STATUS(w->trial.ctx, aenc_fit(w->teacher, &x, &(aenc_fit_options){.struct_size = sizeof(aenc_fit_options), .epochs = 1}), AENC_OK);
    own_set(&w->own, 0, 0, RETURNS, 0);
    CHECK_STATUS(w->trial.ctx, aenc_source_matrix(w->trial.ctx, &many, &w->source), AENC_OK);
    w->own.ctx = w->trial.ctx;
    w->own.model = w->trial.model;
}
static void world_free(struct world *w) {
    aenc_source_free(w->source);
    aenc_model_free(w->teacher);
    trial_free(&w->trial);
}
/* ---- Every call of the operation in turn ---- */

static const aenc_fit_options brief = {.struct_size = sizeof brief, .epochs = 2, .batch = 100, .valid = &held};

static aenc_status try_fit(struct world *w) { return aenc_fit(w->trial.model, &x, &brief); }
static aenc_status try_partial(struct world *w) {
    return aenc_partial_fit(w->trial.model, &x, &(aenc_fit_options){.struct_size = sizeof(aenc_fit_options), .batch = 100});
}
static aenc_status try_pretrain(struct world *w) {
    return aenc_pretrain(w->trial.model, &x, &(aenc_pretrain_options){.struct_size = sizeof(aenc_pretrain_options), .fit = &brief});
}
static aenc_status try_pretrain_source(struct world *w) {
    const aenc_pretrain_options o = {.struct_size = sizeof o, .fit = &(aenc_fit_options){.struct_size = sizeof(aenc_fit_options),
                                     .epochs = 2, .batch = 700, .valid = &held}};
    return aenc_pretrain_source(w->trial.model, w->source, &o);
}

static double output_loss, code_loss;
static aenc_status distill(struct world *w, bool source) {
    const aenc_fit_options o = {.struct_size = sizeof o, .epochs = 1, .batch = source ? 700 : 150, .valid = &held};
    const aenc_distill_options options = {.struct_size = sizeof options, .fit = &o, .output_loss = &output_loss, .code_loss = &code_loss};
    output_loss = code_loss = -1;
    return source ? aenc_distill_source(w->trial.model, w->teacher, w->source, &options)
                  : aenc_distill(w->trial.model, w->teacher, &x, &options);
}
static aenc_status try_distill(struct world *w) { return distill(w, false); }
static aenc_status try_distill_source(struct world *w) { return distill(w, true); }

static size_t rows_done;
static aenc_status try_run_source(struct world *w) {
    const aenc_array out = {.struct_size = sizeof out, .name = "code", .data = room, .size = sizeof room,
                            .dims = (const size_t[]){MANY, 2}, .rank = 2}, *outs[] = {&out};
    return aenc_run_source(w->trial.model, NULL, w->source, outs, 1, &rows_done);
}

static const struct {
    const char *name;
    aenc_status (*call)(struct world *w);
} attempts[] = {{"fit", try_fit},         {"partial_fit", try_partial},           {"pretrain", try_pretrain},
                {"distill", try_distill}, {"distill_source", try_distill_source}, {"pretrain_source", try_pretrain_source},
                {"run_source", try_run_source}};

static void test_each(int64_t threads) {
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        struct world w;
        world_create(&w, threads);
        CHECK_STATUS(w.trial.ctx, attempts[i].call(&w), AENC_OK);
        int calls = atomic_load(&w.own.calls);
        CHECK(calls > 2 && aenc_model_stopped(w.trial.model) == AENC_STOPPED_END);
        world_free(&w);
        for (int k = 1; k <= calls; k++)
            for (int way = 0; way < 5; way++) { /* once, from there on, failed, cancelled twice */
                int result = way == 2 ? -3 : way < 2 ? 3 : 0;
                world_create(&w, threads);
                own_set(&w.own, k, way == 0 ? k : INT32_MAX, way < 3 ? RETURNS : (enum act)(way - 2), result);
                aenc_status got = attempts[i].call(&w);
                int32_t why = aenc_model_stopped(w.trial.model);
                bool good = got == (way == 2 ? AENC_ERR_CALLBACK : AENC_OK);
                good = good && (way == 2  ? why == AENC_STOPPED_NOT
                                : way < 2 ? why == AENC_STOPPED_CALLBACK
                                          : why == AENC_STOPPED_CANCEL || (why == AENC_STOPPED_END && k > calls / 2));
                if (!CHECK(good && trial_finite(&w.trial)))
                    fprintf(stderr, "  %s, call %d of %d, way %d: %s, stopped %d: %s\n", attempts[i].name, k, calls, way,
                            aenc_status_name(got), (int)why, aenc_message(w.trial.ctx));
                (void)aenc_context_clear_cancel(w.trial.ctx);
                own_set(&w.own, 0, 0, RETURNS, 0);
                CHECK_STATUS(w.trial.ctx, attempts[i].call(&w), AENC_OK); /* nothing of it stays */
                CHECK(aenc_model_stopped(w.trial.model) == AENC_STOPPED_END);
                world_free(&w);
            }
    }
}

/* ---- Validation ---- */

static const aenc_fit_options whole = {.struct_size = sizeof whole, .optimizer = "adam:lr=0.01", .epochs = 3, .batch = 50,
                                       .steps_per_epoch = 3, .valid = &held};
enum { CHUNKS = (VALID + CHUNK - 1) / CHUNK };

static struct trial plain_fit(struct world *w, const aenc_fit_options *o) {
    world_create(w, 1);
    CHECK_STATUS(w->trial.ctx, aenc_fit(w->trial.model, &x, o), AENC_OK);
    return w->trial;
}

/* Stopped in the validation of an epoch: that is one without, and the best before it, if there is one, is kept. With a checkpoint the
 * run goes on to the bits of one that was never stopped. */
static void test_validation(int64_t threads, int64_t epoch) {
    struct world w, plain;
    aenc_progress seen = {.struct_size = sizeof seen}, calm = seen;
    aenc_fit_options o = whole, as = whole;
    double term = 0;
    world_create(&w, threads);
    atomic_store(&w.own.evaluations, 1);
    own_set(&w.own, (int)(epoch - 1) * CHUNKS + 1, INT32_MAX, RETURNS, 9);
    o.checkpoint = path;
    CHECK_STATUS(w.trial.ctx, aenc_fit(w.trial.model, &x, &o), AENC_OK);
    CHECK(aenc_model_stopped(w.trial.model) == AENC_STOPPED_CALLBACK);
    CHECK(aenc_model_history_count(w.trial.model) == (size_t)epoch);
    CHECK_STATUS(w.trial.ctx, aenc_model_history(w.trial.model, (size_t)epoch - 1, &seen), AENC_OK);
    CHECK(isnan(seen.valid_loss) && seen.step == 3 && seen.best_epoch == epoch - 1);
    CHECK_STATUS(w.trial.ctx, aenc_model_history_term_valid(w.trial.model, (size_t)epoch - 1, 0, &term), AENC_OK);
    CHECK(isnan(term) && isnan(aenc_model_term_valid(w.trial.model, 0)));
    as.epochs = epoch == 1 ? 1 : epoch - 1;
    if (epoch == 1) as.valid = NULL;
    struct trial like = plain_fit(&plain, &as);
    CHECK(trial_same(&w.trial, &like));
    world_free(&plain);

    own_set(&w.own, 0, 0, RETURNS, 0);
    o.resume = AENC_RESUME_REQUIRED;
    CHECK_STATUS(w.trial.ctx, aenc_fit(w.trial.model, &x, &o), AENC_OK);
    like = plain_fit(&plain, &whole);
    CHECK(trial_same(&w.trial, &like) && aenc_model_history_count(w.trial.model) == 3);
    for (size_t i = 0; i < 3; i++) {
        CHECK_STATUS(w.trial.ctx, aenc_model_history(w.trial.model, i, &seen), AENC_OK);
        CHECK_STATUS(plain.trial.ctx, aenc_model_history(plain.trial.model, i, &calm), AENC_OK);
        CHECK(seen.valid_loss == calm.valid_loss && seen.train_loss == calm.train_loss);
    }
    world_free(&plain);
    world_free(&w);
    remove(path);
}

/* ---- What there is ---- */

/* The student is trained, and what was not measured is not a number. */
static void test_measure(void) {
    struct world w, calm;
    world_create(&calm, 1);
    atomic_store(&calm.own.evaluations, 1);
    CHECK_STATUS(calm.trial.ctx, try_distill(&calm), AENC_OK);
    CHECK(output_loss > 0 && code_loss > 0);
    world_create(&w, 1);
    atomic_store(&w.own.evaluations, 1);
    own_set(&w.own, atomic_load(&calm.own.calls), INT32_MAX, RETURNS, 1);
    CHECK_STATUS(w.trial.ctx, try_distill(&w), AENC_OK);
    CHECK(isnan(output_loss) && isnan(code_loss) && aenc_model_stopped(w.trial.model) == AENC_STOPPED_CALLBACK);
    CHECK(trial_same(&w.trial, &calm.trial));
    world_free(&w);
    world_free(&calm);
}

/* The rows of whole pieces are there. */
static void test_pieces(int64_t threads) {
    struct world w;
    enum { FIRST = PIECE / CHUNK };
    world_create(&w, threads);
    CHECK_STATUS(w.trial.ctx, try_run_source(&w), AENC_OK);
    CHECK(rows_done == MANY);
    memcpy(calm_room, room, sizeof room);
    for (int k = 1; k <= FIRST + 2; k++) {
        memset(room, 0, sizeof room);
        own_set(&w.own, k, k, RETURNS, 5);
        CHECK_STATUS(w.trial.ctx, try_run_source(&w), AENC_OK);
        CHECK(rows_done == (k <= FIRST ? 0 : PIECE) && aenc_model_stopped(w.trial.model) == AENC_STOPPED_CALLBACK);
        CHECK(memcmp(room, calm_room, rows_done * 2 * sizeof *room) == 0);
    }
    world_free(&w);
}

/* In the pass over a stream that its scaling is learned from: nothing has been trained, and the scaling is still to be learned. */
struct stream {
    aenc_context *ctx;
    int calls, at, result;
};
static int some(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    struct stream *s = user;
    (void)target, (void)weight;
    memcpy(input, data, rows * IN * sizeof *input);
    *got = rows;
    if (++s->calls != s->at) return 0;
    if (s->result == 0) aenc_context_cancel(s->ctx);
    return s->result;
}
static int back_to(void *user, uint64_t position) {
    (void)user, (void)position;
    return 0;
}
static void test_scaling(void) {
    static const char scaled[] = "{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":2},\"scaling\":\"standard\"}";
    for (int result = -1; result < 2; result++) {
        struct trial t = trial_create(scaled, 1, 1), fresh = trial_create(scaled, 1, 1);
        struct stream s = {t.ctx, 0, 2, result};
        const aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = IN, .rows = 90, .read = some, .seek = back_to, .user = &s};
        const aenc_fit_options o = {.struct_size = sizeof o, .epochs = 1, .batch = 30};
        aenc_source *source;
        CHECK_STATUS(t.ctx, aenc_source_callback(t.ctx, &callbacks, &source), AENC_OK);
        CHECK_STATUS(t.ctx, aenc_fit_source(t.model, source, &o), result < 0 ? AENC_ERR_CALLBACK : AENC_OK);
        CHECK(s.calls == 2 && aenc_model_history_count(t.model) == 0 && trial_same(&t, &fresh));
        CHECK(aenc_model_stopped(t.model) == (result < 0 ? AENC_STOPPED_NOT : result > 0 ? AENC_STOPPED_CALLBACK : AENC_STOPPED_CANCEL));
        (void)aenc_context_clear_cancel(t.ctx);
        CHECK_STATUS(t.ctx, aenc_fit_source(t.model, source, &o), AENC_OK);
        CHECK_STATUS(fresh.ctx, aenc_fit_source(t.model, source, &o), AENC_OK);
        CHECK(s.calls == 2 + 6 + 3 && aenc_model_history_count(t.model) == 1); /* learned in the first of the two */
        aenc_source_free(source);
        trial_free(&t);
        trial_free(&fresh);
    }
}

int main(void) {
    snprintf(path, sizeof path, "stop_test.%ld", (long)getpid());
    trial_fill(data, MANY * IN, 11);
    for (int64_t threads = 1; threads <= 3; threads += 2) {
        test_each(threads);
        for (int64_t epoch = 1; epoch <= 3; epoch++) test_validation(threads, epoch);
        test_pieces(threads);
    }
    test_measure();
    test_scaling();
    return check_finish();
}
