/* cancel_test.c - a fit that is told to end from elsewhere ends at its next step; one that diverges says where. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "train/trial.h"

enum { ROWS = 60, IN = 4 };

static const char small[] = "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5,"
                            "\"activation\":\"tanh\"},{\"type\":\"dense\",\"units\":2}]}}";

static float data[ROWS * IN];
static const aenc_matrix x = {data, ROWS, IN, 0};
static char path[64];

static void rest(long milliseconds) {
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0) continue;
}

static void *cancel_later(void *user) {
    rest(30);
    aenc_model_cancel(user);
    return NULL;
}

static int count_steps(void *user, const aenc_progress *now) {
    if (now->event == AENC_EVENT_STEP) ++*(int64_t *)user;
    return 0;
}

/* A run that would never end, ended by another thread; its checkpoint leads on to what so many steps are. */
static void test_thread(int64_t threads) {
    struct trial a = trial_create(small, 2, threads), b = trial_create(small, 2, 1);
    int64_t steps = 0, more = 0;
    pthread_t thread;
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = INT32_MAX, .batch = 20, .progress = count_steps,
                                .progress_user = &steps, .checkpoint = path, .checkpoint_steps = INT32_MAX};
    if (pthread_create(&thread, NULL, cancel_later, a.model) != 0) exit(2);
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &options), AENC_OK);
    pthread_join(thread, NULL);
    CHECK(steps > 0 && trial_finite(&a));
    options.progress_user = &more;
    CHECK(aenc_model_stopped(a.model) == AENC_STOPPED_CANCEL && aenc_model_stopped(b.model) == AENC_STOPPED_NOT);
    options.checkpoint = NULL;
    options.resume = AENC_RESUME_NEVER;
    options.checkpoint_steps = 0;
    options.epochs = 2;
    aenc_model_cancel(b.model); /* nothing runs: nothing happens */
    CHECK_STATUS(b.ctx, aenc_fit(b.model, &x, &options), AENC_OK);
    CHECK(more == 6 && aenc_model_stopped(b.model) == AENC_STOPPED_END);
    options.batch = -1;
    aenc_model_cancel(b.model);
    CHECK_STATUS(b.ctx, aenc_fit(b.model, &x, &options), AENC_ERR_ARGUMENT);
    CHECK(aenc_model_stopped(b.model) == AENC_STOPPED_NOT && aenc_model_stopped(NULL) == AENC_STOPPED_NOT);
    options.batch = 20;
    CHECK_STATUS(b.ctx, aenc_fit(b.model, &x, &options), AENC_OK);
    CHECK(more == 12 && aenc_model_history_count(b.model) == 2);
    remove(path);
    trial_free(&a);
    trial_free(&b);
}

static aenc_model *reached_by_signal;

static void on_alarm(int number) {
    (void)number;
    aenc_model_cancel(reached_by_signal);
}

static void test_signal(void) {
    struct trial a = trial_create(small, 2, 1);
    int64_t steps = 0;
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = INT32_MAX, .progress = count_steps,
                                .progress_user = &steps};
    reached_by_signal = a.model;
    signal(SIGALRM, on_alarm);
    alarm(1);
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &options), AENC_OK);
    CHECK(steps > 0 && aenc_model_history_count(a.model) > 0);
    aenc_model_cancel(NULL);
    trial_free(&a);
}

/* ---- Why it ended ---- */

struct ending {
    aenc_model *model;
    size_t given;
    int64_t cancel_at, stop_at, step;
    size_t fail_at; /* rows given before a read fails; 0: none */
};

static int ended_at(void *user, const aenc_progress *now) {
    struct ending *e = user;
    if (now->event != AENC_EVENT_STEP) return 0;
    if (++e->step == e->cancel_at) aenc_model_cancel(e->model);
    return e->step == e->stop_at;
}

static int give(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    struct ending *e = user;
    (void)target, (void)weight;
    if (e->given == (size_t)e->cancel_at) aenc_model_cancel(e->model);
    if (e->fail_at > 0 && e->given >= e->fail_at) return -3;
    *got = e->given < ROWS ? (rows < 20 ? rows : 20) : 0;
    memcpy(input, data + e->given % ROWS * IN, *got * IN * sizeof *input);
    e->given += *got;
    return 0;
}

static void test_endings(void) {
    struct trial t = trial_create(small, 2, 1);
    struct ending e = {.model = t.model, .stop_at = 2};
    const aenc_source_callbacks stream = {.struct_size = sizeof stream, .cols = IN, .read = give, .user = &e};
    aenc_source *source;
    aenc_fit_options o = {.struct_size = sizeof o, .epochs = 3, .batch = 20, .progress = ended_at, .progress_user = &e};
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &o), AENC_OK);
    CHECK(aenc_model_stopped(t.model) == AENC_STOPPED_CALLBACK);
    e = (struct ending){.model = t.model, .cancel_at = 2};
    CHECK_STATUS(t.ctx, aenc_partial_fit(t.model, &x, &(aenc_fit_options){.struct_size = sizeof o, .batch = 20,
                                                                          .progress = ended_at, .progress_user = &e}), AENC_OK);
    CHECK(aenc_model_stopped(t.model) == AENC_STOPPED_CANCEL && e.step == 2);
    e = (struct ending){.model = t.model, .cancel_at = -1};
    CHECK_STATUS(t.ctx, aenc_partial_fit(t.model, &x, NULL), AENC_OK);
    CHECK(aenc_model_stopped(t.model) == AENC_STOPPED_END);
    o.validation_fraction = 0.3, o.patience = 1, o.min_improvement = 1e9, o.epochs = 50;
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &o), AENC_OK);
    CHECK(aenc_model_stopped(t.model) == AENC_STOPPED_PATIENCE);
    o = (aenc_fit_options){.struct_size = sizeof o, .batch = 20, .steps_per_epoch = 100};
    CHECK_STATUS(t.ctx, aenc_source_callback(t.ctx, &stream, &source), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_fit_source(t.model, source, &o), AENC_OK);
    CHECK(aenc_model_stopped(t.model) == AENC_STOPPED_SOURCE);
    aenc_source_free(source);
    trial_free(&t);
}

/* A PCA of the rows that came before a cancel or a failed read is none; it is as it was. */
static void test_pca(void) {
    struct trial t = trial_create(small, 2, 1);
    struct ending e = {.cancel_at = 0};
    const aenc_source_callbacks stream = {.struct_size = sizeof stream, .cols = IN, .read = give, .user = &e};
    const aenc_matrix first = {data, 20, IN, 0}, later = {data + 20 * IN, 40, IN, 0};
    aenc_source *source;
    static char before[4096], after[4096];
    size_t size, same;
    CHECK_STATUS(t.ctx, aenc_pca_create(t.ctx, &first, NULL, &e.model), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_partial_fit(e.model, &later, NULL), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_save_memory(e.model, before, sizeof before, &size), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_source_callback(t.ctx, &stream, &source), AENC_OK);
    for (int at = 0; at <= 40; at += 40) {
        e.given = 0, e.cancel_at = at;
        CHECK_STATUS(t.ctx, aenc_fit_source(e.model, source, NULL), AENC_OK);
        CHECK(aenc_model_stopped(e.model) == AENC_STOPPED_CANCEL);
        CHECK_STATUS(t.ctx, aenc_model_save_memory(e.model, after, sizeof after, &same), AENC_OK);
        CHECK(same == size && memcmp(before, after, size) == 0);
    }
    e.given = 0, e.cancel_at = -1, e.fail_at = 40;
    CHECK_STATUS(t.ctx, aenc_fit_source(e.model, source, NULL), AENC_ERR_CALLBACK);
    CHECK_STATUS(t.ctx, aenc_model_save_memory(e.model, after, sizeof after, &same), AENC_OK);
    CHECK(same == size && memcmp(before, after, size) == 0);
    e.fail_at = 0;
    aenc_model_cancel(e.model);
    CHECK_STATUS(t.ctx, aenc_fit(e.model, &x, NULL), AENC_OK);
    CHECK(aenc_model_stopped(e.model) == AENC_STOPPED_END);
    aenc_source_free(source);
    aenc_model_free(e.model);
    trial_free(&t);
}

/* A partial fit too: whether it is cancelled before its rows or among them, the PCA is that of the rows before. */
static void test_partial_pca(void) {
    struct trial t = trial_create(small, 2, 1);
    static char before[4096], after[4096];
    size_t size, same;
    aenc_model *pca;
    pthread_t thread;
    const aenc_matrix first = {data, 20, IN, 0};
    enum { MANY = 2000000 };
    float *many = malloc((size_t)MANY * IN * sizeof *many);
    if (many == NULL) exit(2);
    for (size_t i = 0; i < (size_t)MANY * IN; i++) many[i] = data[i % (ROWS * IN)];
    CHECK_STATUS(t.ctx, aenc_pca_create(t.ctx, &first, NULL, &pca), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_save_memory(pca, before, sizeof before, &size), AENC_OK);
    const aenc_matrix long_one = {many, MANY, IN, 0};
    if (pthread_create(&thread, NULL, cancel_later, pca) != 0) exit(2);
    CHECK_STATUS(t.ctx, aenc_partial_fit(pca, &long_one, NULL), AENC_OK);
    pthread_join(thread, NULL);
    CHECK_STATUS(t.ctx, aenc_model_save_memory(pca, after, sizeof after, &same), AENC_OK);
    /* on a machine that is so fast, the whole of it */
    if (aenc_model_stopped(pca) == AENC_STOPPED_CANCEL) CHECK(same == size && memcmp(before, after, size) == 0);
    else CHECK(aenc_model_stopped(pca) == AENC_STOPPED_END);
    fprintf(stderr, "partial fit of a PCA: stopped %d\n", (int)aenc_model_stopped(pca));
    aenc_model_free(pca);
    free(many);
    trial_free(&t);
}

/* ---- Calls of several fits ---- */

static int layer_ended_at(void *user, int64_t layer, int64_t layers, const aenc_progress *now) {
    (void)layer, (void)layers;
    return ended_at(user, now);
}

static void test_stacks(void) {
    struct trial t = trial_create(small, 2, 1), teacher = {t.ctx, NULL};
    struct ending e = {.model = t.model};
    const aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 2, .batch = 20},
                           watched = {sizeof watched, .epochs = 2, .batch = 20, .progress = ended_at, .progress_user = &e};
    const aenc_pretrain_options stack = {.struct_size = sizeof stack, .fit = &fit, .progress = layer_ended_at, .progress_user = &e};
    const aenc_distill_options teacher_target = {.struct_size = sizeof teacher_target, .fit = &watched};
    static const struct {
        int64_t cancel_at, stop_at;
        int32_t why;
    } ends[] = {{2, 0, AENC_STOPPED_CANCEL}, {0, 2, AENC_STOPPED_CALLBACK}, {0, 0, AENC_STOPPED_END}};
    CHECK_STATUS(t.ctx, aenc_model_parse(t.ctx, small, sizeof small - 1, &teacher.model), AENC_OK);
    for (int i = 0; i < 3; i++) {
        e = (struct ending){.model = t.model, .cancel_at = ends[i].cancel_at, .stop_at = ends[i].stop_at};
        CHECK_STATUS(t.ctx, aenc_pretrain(t.model, &x, &stack), AENC_OK);
        CHECK(aenc_model_stopped(t.model) == ends[i].why && (e.step == 2 || i == 2));
        e = (struct ending){.model = t.model, .cancel_at = ends[i].cancel_at, .stop_at = ends[i].stop_at};
        CHECK_STATUS(t.ctx, aenc_distill(t.model, teacher.model, &x, &teacher_target), AENC_OK);
        CHECK(aenc_model_stopped(t.model) == ends[i].why && (e.step == 2 || i == 2));
    }
    aenc_model_free(teacher.model);
    trial_free(&t);
}

/* ---- What is not finite ---- */

static int stop_at(void *user, const aenc_progress *now) {
    int64_t *left = user;
    return now->event == AENC_EVENT_STEP && --*left == 0;
}

/* Numbers that are finite, but not when they are squared: from row 40 on. */
static int read_rows(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    size_t *at = user;
    (void)target, (void)weight;
    for (size_t i = 0; i < rows * IN; i++) input[i] = *at + i / IN >= 40 ? 3e38f : data[(*at * IN + i) % (ROWS * IN)];
    *at += rows;
    *got = rows;
    return 0;
}

static void test_diverged(void) {
    size_t at = 0, again = 0;
    int64_t left = 4;
    struct trial a = trial_create(small, 2, 1), b = trial_create(small, 2, 1);
    aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = IN, .read = read_rows, .user = &at};
    aenc_source *source, *other;
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 1, .batch = 10, .steps_per_epoch = 20};
    CHECK_STATUS(a.ctx, aenc_source_callback(a.ctx, &callbacks, &source), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_fit_source(a.model, source, &options), AENC_ERR_DIVERGED);
    CHECK(strstr(aenc_message(a.ctx), "update 5") != NULL);
    if (!CHECK(strstr(aenc_message(a.ctx), "not finite is in ") != NULL)) fprintf(stderr, "%s\n", aenc_message(a.ctx));
    callbacks.user = &again;
    options.progress = stop_at;
    options.progress_user = &left;
    CHECK_STATUS(b.ctx, aenc_source_callback(b.ctx, &callbacks, &other), AENC_OK);
    CHECK_STATUS(b.ctx, aenc_fit_source(b.model, other, &options), AENC_OK);
    CHECK(trial_same(&a, &b)); /* the last good step */
    aenc_source_free(source);
    aenc_source_free(other);
    trial_free(&a);
    trial_free(&b);
}

static void fill_parameter(const struct trial *trial, const char *name, float value) {
    float values[64];
    aenc_tensor *tensor;
    for (int i = 0; i < 64; i++) values[i] = value;
    CHECK_STATUS(trial->ctx, aenc_model_tensor_get(trial->model, name, &tensor), AENC_OK);
    CHECK_STATUS(trial->ctx, aenc_tensor_write(tensor, values, aenc_tensor_count(tensor)), AENC_OK);
    CHECK_STATUS(trial->ctx, aenc_model_tensor_set(trial->model, name, tensor), AENC_OK);
    aenc_tensor_free(tensor);
}

/* The first layer whose output is not finite is named, not the ones that only hand it on. */
static void test_named(void) {
    struct trial a = trial_create(small, 2, 1);
    float big[IN * 2];
    fill_parameter(&a, "encoder.0.weight", 1);
    fill_parameter(&a, "encoder.1.weight", 3e38f);
    for (int i = 0; i < IN * 2; i++) big[i] = 1e3f;
    aenc_batch batch = {.struct_size = sizeof batch, .input = {big, 2, IN, 0}};
    CHECK_STATUS(a.ctx, aenc_model_gradients(a.model, &batch, NULL), AENC_ERR_DIVERGED);
    const char *message = aenc_message(a.ctx);
    if (!CHECK(strstr(message, "is in encoder.1") != NULL))
        fprintf(stderr, "%s\n", message);
    trial_free(&a);
}

int main(void) {
    snprintf(path, sizeof path, "cancel_test.%ld.safetensors", (long)getpid());
    trial_fill(data, ROWS * IN, 13);
    test_thread(1);
    test_thread(2);
    test_signal();
    test_endings();
    test_pca();
    test_partial_pca();
    test_stacks();
    test_diverged();
    test_named();
    return check_finish();
}
