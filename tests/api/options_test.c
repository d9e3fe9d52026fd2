/* options_test.c - options structs of every age: without a size, from an older header, from a newer one. */
#include "api/world.h"

enum { TAIL = 24 };

/* A copy of a struct with another struct_size, in a block of exactly that size, the tail zero. The caller frees it. */
static void *aged(const void *options, size_t known, size_t size) {
    char *block = calloc(1, size < sizeof size ? sizeof size : size);
    if (block == NULL) exit(2);
    memcpy(block, options, known < size ? known : size);
    memcpy(block, &size, sizeof size);
    return block;
}

/* One kind of struct: a call that takes it, and the fields that may be cut off. */
typedef aenc_status options_call(struct world *w, const void *options);

static const size_t input[] = {WORLD_COLS}, widths[] = {5, WORLD_CODE};

static aenc_status call_model(struct world *w, const void *options) {
    aenc_model *model = NULL;
    aenc_status status = aenc_model_create(w->ctx, options, &model);
    CHECK((model != NULL) == (status == AENC_OK));
    aenc_model_free(model);
    return status;
}

static aenc_status call_fit(struct world *w, const void *options) {
    struct world other;
    world_create(&other);
    aenc_status status = aenc_fit(other.model, &other.x, options);
    world_free(&other);
    if (status == AENC_OK) return status;
    status = aenc_fit(w->model, &w->x, options);
    CHECK(status != AENC_OK);
    return status;
}

static aenc_status call_batch(struct world *w, const void *options) {
    double loss;
    aenc_status status = aenc_model_gradients(w->model, options, &loss);
    CHECK(aenc_model_evaluate(w->model, options, &loss) == status);
    return status;
}

static aenc_status call_runner(struct world *w, const void *options) {
    aenc_runner *runner = NULL;
    size_t bytes;
    aenc_status status = aenc_runner_size(w->model, options, &bytes);
    CHECK(aenc_runner_create(w->model, options, &runner) == status);
    CHECK((runner != NULL) == (status == AENC_OK));
    aenc_runner_free(runner);
    return status;
}

/* older: the size that the struct might have had once. */
static void test_struct(struct world *w, const char *name, options_call *call, const void *good, size_t known,
                        size_t older) {
    char words[96];
    const size_t impossible[] = {0, 1, sizeof(size_t) - 1};
    CHECK_STATUS(w->ctx, call(w, good), AENC_OK);
    for (size_t k = 0; k < 3; k++) {
        void *block = aged(good, known, impossible[k]);
        snprintf(words, sizeof words, "%s|struct_size|%zu", name, impossible[k]);
        CHECK_FAILS(w, call(w, block), AENC_ERR_ARGUMENT, words);
        free(block);
    }
    void *small = aged(good, known, older), *large = aged(good, known, known + TAIL);
    CHECK_STATUS(w->ctx, call(w, small), AENC_OK);
    CHECK_STATUS(w->ctx, call(w, large), AENC_OK);
    for (size_t byte = known; byte < known + TAIL; byte += TAIL - 1) {
        ((char *)large)[byte] = 1;
        snprintf(words, sizeof words, "%s|byte %zu|%zu", name, byte, known);
        CHECK_FAILS(w, call(w, large), AENC_ERR_VERSION, words);
        ((char *)large)[byte] = 0;
    }
    free(small);
    free(large);
}

static void test_structs(struct world *w) {
    aenc_model_options model = {
        .struct_size = sizeof model, .input = input, .input_rank = 1, .encoder_widths = widths, .encoder_count = 2};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1};
    aenc_batch batch = {.struct_size = sizeof batch, .input = w->x};
    test_struct(w, "aenc_model_options", call_model, &model, sizeof model, offsetof(aenc_model_options, activation));
    test_struct(w, "aenc_fit_options", call_fit, &fit, sizeof fit, offsetof(aenc_fit_options, clip_value));
    aenc_runner_options runner = {.struct_size = sizeof runner, .task = AENC_RUN_SCORE, .rows = 2};
    test_struct(w, "aenc_runner_options", call_runner, &runner, sizeof runner, offsetof(aenc_runner_options, rows));
    test_struct(w, "aenc_batch", call_batch, &batch, sizeof batch, offsetof(aenc_batch, target));
}

/* A field beyond the older struct's end is not read: it has its default. */
static void test_cut_field(struct world *w) {
    aenc_fit_options fit = {.struct_size = offsetof(aenc_fit_options, clip_value), .epochs = 1, .clip_value = -1};
    struct world other;
    world_create(&other);
    CHECK_STATUS(other.ctx, aenc_fit(other.model, &other.x, &fit), AENC_OK);
    world_free(&other);
    fit.struct_size = sizeof fit;
    CHECK_FAILS(w, aenc_fit(w->model, &w->x, &fit), AENC_ERR_ARGUMENT, "clip_value|-1");
}

/* ---- The context's own, which has no message ---- */

static void *refuse(void *user, size_t size, size_t alignment) {
    (void)user, (void)size, (void)alignment;
    return NULL;
}

static void check_context(const aenc_context_options *options, aenc_status want) {
    static char nothing;
    aenc_context *ctx = (aenc_context *)(void *)&nothing;
    aenc_status status = aenc_context_create(options, &ctx);
    check_status(status, want, aenc_status_name(status), __FILE__, __LINE__, "aenc_context_create");
    CHECK((ctx != NULL) == (want == AENC_OK));
    aenc_context_free(ctx);
}

static void test_context(void) {
    struct memory memory = {0};
    aenc_context_options good = {.struct_size = sizeof good, .threads = 2};
    aenc_context_options o = good;
    check_context(NULL, AENC_OK);
    check_context(&good, AENC_OK);
    o.struct_size = 0;
    check_context(&o, AENC_ERR_ARGUMENT);
    o.struct_size = 7;
    check_context(&o, AENC_ERR_ARGUMENT);
    o = good, o.threads = -1;
    check_context(&o, AENC_ERR_ARGUMENT);
    o.threads = 1 << 20;
    check_context(&o, AENC_ERR_ARGUMENT);
    o = good, o.blas_threads = "2";
    check_context(&o, AENC_ERR_ARGUMENT);
    o.blas_threads = "leave";
    check_context(&o, AENC_OK);
    o = good, o.allocate = memory_allocate;
    check_context(&o, AENC_ERR_ARGUMENT);
    o = good, o.release = memory_release;
    check_context(&o, AENC_ERR_ARGUMENT);
    o = good, o.release = memory_release, o.allocate = refuse;
    check_context(&o, AENC_ERR_NO_MEMORY);
    for (long k = 1; k < 20; k++) {
        memory = (struct memory){.fail_at = k};
        o = good, o.release = memory_release, o.allocate = memory_allocate, o.allocator_user = &memory;
        aenc_context *ctx;
        aenc_status status = aenc_context_create(&o, &ctx);
        CHECK(status == (memory.refused > 0 ? AENC_ERR_NO_MEMORY : AENC_OK));
        aenc_context_free(ctx);
        memory_check_empty(&memory);
    }
    char error[40];
    static const struct {
        aenc_context_options o;
        const char *said;
    } wrong[] = {
        {{.threads = -1}, "aenc_context_options.threads is -1; it"}, /* cut to fit */
        {{.blas_threads = "2"}, "blas_threads is '2"},
        {{.allocate = memory_allocate}, "release is NULL, a"},
        {{.release = memory_release}, "allocate is NULL, "},
        {{.allocate = refuse, .release = memory_release}, "no memory for a context"},
        {{.threads = 1}, ""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        aenc_context *ctx;
        o = wrong[i].o, o.struct_size = sizeof o, o.error = error, o.error_size = sizeof error;
        memset(error, 'x', sizeof error);
        aenc_status status = aenc_context_create(&o, &ctx);
        CHECK((ctx != NULL) == (wrong[i].said[0] == '\0') && (ctx != NULL) == (status == AENC_OK));
        bool said = memchr(error, '\0', sizeof error) != NULL && strstr(error, wrong[i].said) != NULL;
        if (!CHECK(said && (ctx == NULL || error[0] == '\0'))) fprintf(stderr, "  '%.40s'\n", error);
        aenc_context_free(ctx);
    }
    o = good, o.error = error, o.error_size = sizeof error;
    CHECK(aenc_context_create(&o, NULL) == AENC_ERR_ARGUMENT && strstr(error, "out is NULL") != NULL);
    o.threads = -1, o.error_size = 0, error[0] = 'x';
    check_context(&o, AENC_ERR_ARGUMENT);
    o.error_size = sizeof error, o.struct_size = offsetof(aenc_context_options, error);
    check_context(&o, AENC_ERR_ARGUMENT);
    CHECK(error[0] == 'x');
    void *small = aged(&good, sizeof good, offsetof(aenc_context_options, allocate));
    void *large = aged(&good, sizeof good, sizeof good + TAIL);
    check_context(small, AENC_OK);
    check_context(large, AENC_OK);
    ((char *)large)[sizeof good] = 1;
    check_context(large, AENC_ERR_VERSION);
    free(small);
    free(large);
}

/* ---- What the library writes ---- */

static void test_progress(struct world *w) {
    struct world other;
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 2};
    world_create(&other);
    CHECK_STATUS(other.ctx, aenc_fit(other.model, &other.x, &fit), AENC_OK);
    CHECK(aenc_model_history_count(other.model) == 2);
    size_t older = offsetof(aenc_progress, seconds);
    aenc_progress now = {.struct_size = older, .seconds = -3};
    CHECK_STATUS(other.ctx, aenc_model_history(other.model, 1, &now), AENC_OK);
    CHECK(now.struct_size == older && now.epoch == 2 && now.train_loss > 0);
    CHECK_NEAR(now.seconds, -3, 0);
    now.struct_size = 0;
    CHECK(aenc_model_history(other.model, 1, &now) == AENC_ERR_ARGUMENT);
    CHECK(message_has(aenc_message(other.ctx), "aenc_progress|struct_size|0"));
    now.struct_size = sizeof now;
    CHECK_STATUS(other.ctx, aenc_model_history(other.model, 0, &now), AENC_OK);
    CHECK(now.epoch == 1 && now.event == AENC_EVENT_EPOCH && isnan(now.valid_loss));
    world_free(&other);
    CHECK(world_intact(w));
}

int main(void) {
    struct world w;
    world_create(&w);
    test_structs(&w);
    test_cut_field(&w);
    test_context();
    test_progress(&w);
    world_free(&w);
    return check_finish();
}
