/* fork_test.c - a context with worker threads after fork: in the child it computes the same bits and is freed, at any moment
 * of the parent's; nothing waits for threads that do not exist. Every child has an alarm. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <autoenc/autoenc.h>

#include "check.h"

enum { ROWS = 1500, COLS = 24, CODE = 4, BYTES = 1 << 16, PATIENCE = 60, FORKS = 40 };

static float data[ROWS * COLS];
static const aenc_matrix x = {data, ROWS, COLS, 0};

struct world {
    aenc_context *ctx;
    aenc_model *model;
};

static struct world world_create(int64_t threads) {
    static const size_t input[] = {COLS}, widths[] = {16, CODE};
    const aenc_context_options o = {.struct_size = sizeof o, .seed = 3, .threads = threads};
    const aenc_model_options m = {
        .struct_size = sizeof m, .input = input, .input_rank = 1, .encoder_widths = widths, .encoder_count = 2};
    struct world w = {NULL, NULL};
    if (aenc_context_create(&o, &w.ctx) != AENC_OK || aenc_model_create(w.ctx, &m, &w.model) != AENC_OK) exit(2);
    return w;
}

static void world_free(struct world *w) {
    aenc_model_free(w->model);
    aenc_context_free(w->ctx);
}

static aenc_status fit(struct world *w, int (*progress)(void *user, const aenc_progress *now), void *user) {
    const aenc_fit_options o = {.struct_size = sizeof o, .epochs = 2, .batch = 500, .validation_fraction = 0.2, .progress = progress,
                                .progress_user = user};
    return aenc_fit(w->model, &x, &o);
}

static size_t bytes_of(struct world *w, unsigned char *bytes) {
    size_t size = 0;
    return aenc_model_save_memory(w->model, bytes, BYTES, &size) == AENC_OK ? size : 0;
}

static void rest(long milliseconds) {
    const struct timespec time = {0, milliseconds * 1000000};
    nanosleep(&time, NULL);
}

/* The child's exit status; 0 is good. */
static int child_wait(pid_t child) {
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* ---- Between calls ---- */

static unsigned char expected[BYTES];
static size_t expected_size;

/* Trains on in the child, frees, and creates another context. */
static int train_in_child(struct world *w, bool threads_start) {
    static unsigned char bytes[BYTES];
    if (fit(w, NULL, NULL) != AENC_OK) return 1;
    if (bytes_of(w, bytes) != expected_size || memcmp(bytes, expected, expected_size) != 0) return 2;
    world_free(w);
    if (!threads_start) return 0;
    struct world anew = world_create(3);
    int status = fit(&anew, NULL, NULL) == AENC_OK ? 0 : 3;
    world_free(&anew);
    return status;
}

/* Under the thread sanitizer a child of a process with threads may start none. */
static bool threads_may_start(void) {
#if defined(__SANITIZE_THREAD__)
    return false;
#elif defined(__has_feature)
    return !__has_feature(thread_sanitizer);
#else
    return true;
#endif
}

static void check_between(int64_t threads, long pause) {
    struct world w = world_create(threads);
    CHECK_STATUS(w.ctx, fit(&w, NULL, NULL), AENC_OK);
    rest(pause);
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE);
        _exit(train_in_child(&w, threads_may_start()));
    }
    CHECK_NEAR(child_wait(child), 0, 0);
    CHECK_STATUS(w.ctx, fit(&w, NULL, NULL), AENC_OK); /* the parent's go on */
    static unsigned char bytes[BYTES];
    CHECK(bytes_of(&w, bytes) == expected_size && memcmp(bytes, expected, expected_size) == 0);
    world_free(&w);
}

/* ---- Within a callback ---- */

static int fork_once(void *user, const aenc_progress *now) {
    pid_t *child = user;
    if (now->event == AENC_EVENT_STEP && now->epoch == 1 && now->step == 1) {
        *child = fork();
        if (*child == 0) alarm(PATIENCE);
    }
    return 0;
}

/* The same fit ends twice, in two processes, with the same bits. */
static void check_within(int64_t threads) {
    static unsigned char bytes[BYTES];
    struct world w = world_create(threads);
    pid_t child = -1;
    aenc_status status = fit(&w, fork_once, &child);
    if (status == AENC_OK) status = fit(&w, NULL, NULL);
    bool same = bytes_of(&w, bytes) == expected_size && memcmp(bytes, expected, expected_size) == 0;
    world_free(&w);
    if (child == 0) _exit(status != AENC_OK ? 1 : same ? 0 : 2);
    CHECK(status == AENC_OK && same);
    CHECK_NEAR(child_wait(child), 0, 0);
}

/* ---- While another thread is inside ---- */

struct busy {
    struct world world;
    pthread_t thread;
    atomic_bool stop;
    aenc_status status;
};

static void *encode_on(void *user) {
    static float code[ROWS * CODE];
    struct busy *busy = user;
    while (!atomic_load(&busy->stop) && busy->status == AENC_OK)
        busy->status = aenc_encode(busy->world.model, &x, code, ROWS * CODE);
    return NULL;
}

static void check_inside(int64_t threads) {
    struct busy busy = {.world = world_create(threads)};
    int bad = 0;
    CHECK(pthread_create(&busy.thread, NULL, encode_on, &busy) == 0);
    for (int i = 0; i < FORKS; i++) {
        rest(i % 4);
        pid_t child = fork();
        if (child == 0) {
            alarm(PATIENCE);
            world_free(&busy.world);
            _exit(0);
        }
        bad += child_wait(child) != 0;
    }
    CHECK_NEAR(bad, 0, 0);
    atomic_store(&busy.stop, true);
    CHECK(pthread_join(busy.thread, NULL) == 0 && busy.status == AENC_OK);
    world_free(&busy.world);
}

/* ---- A source that is read ahead ---- */

static int source_read(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    uint64_t *at = user;
    (void)target;
    (void)weight;
    *got = *at + rows < ROWS ? rows : (size_t)(ROWS - *at);
    memcpy(input, data + *at * COLS, *got * COLS * sizeof *input);
    *at += *got;
    return 0;
}

static int source_seek(void *user, uint64_t row) {
    *(uint64_t *)user = row;
    return 0;
}

/* The reading thread is the parent's: in the child the run ends with an error, and everything can be freed. */
static void check_read_ahead(int64_t threads) {
    struct world w = world_create(threads);
    uint64_t at = 0;
    pid_t child = -1;
    aenc_source *source = NULL;
    const aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = COLS, .rows = ROWS, .read = source_read,
                                             .seek = source_seek, .user = &at, .read_ahead = 1};
    const aenc_fit_options o = {
        .struct_size = sizeof o, .epochs = 3, .batch = 100, .progress = fork_once, .progress_user = &child};
    CHECK_STATUS(w.ctx, aenc_source_callback(w.ctx, &callbacks, &source), AENC_OK);
    aenc_status status = aenc_fit_source(w.model, source, &o);
    bool said = strstr(aenc_message(w.ctx), "forked") != NULL;
    aenc_source_free(source);
    world_free(&w);
    if (child == 0) _exit(status == AENC_ERR_UNSUPPORTED && said ? 0 : 1);
    CHECK(status == AENC_OK);
    CHECK_NEAR(child_wait(child), 0, 0);
}

int main(void) {
    for (size_t i = 0; i < ROWS * COLS; i++) data[i] = (float)((i * 31) % 101) / 101.0f;
    struct world w = world_create(1);
    CHECK(fit(&w, NULL, NULL) == AENC_OK && fit(&w, NULL, NULL) == AENC_OK);
    expected_size = bytes_of(&w, expected);
    CHECK(expected_size > 0);
    world_free(&w);
    for (int64_t threads = 1; threads <= 3; threads++) {
        for (int i = 0; i < 3; i++) check_between(threads, 0); /* the workers spin */
        check_between(threads, 20);                            /* the workers sleep */
        check_within(threads);
        check_inside(threads);
        check_read_ahead(threads);
    }
    return check_finish();
}
