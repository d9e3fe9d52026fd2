/* progress_test.c - calls that take long and are no fits: they report each step, end when the callback says so, and are otherwise the
 * same as without it. */
#include <float.h>

#include "api/world.h"

enum { ROWS = 600, COLS = 6, CLUSTERS = 5 };

static float rows_of[ROWS * COLS];
static const aenc_matrix x = {rows_of, ROWS, COLS, 0};

/* What a callback has seen. */
struct seen {
    aenc_context *ctx;
    aenc_model *model; /* another one, which can be used meanwhile */
    int64_t calls, stop_at; /* returns `result` at that call; 0: never */
    int result;
    bool grows;      /* each step follows the one before */
    bool losses;     /* there is a loss, and within an epoch it does not rise */
    aenc_progress last;
    aenc_status trained, nested; /* of calls within it */
};

static int see(void *user, const aenc_progress *now) {
    struct seen *seen = user;
    const aenc_progress last = seen->last;
    bool fresh = seen->calls == 0 || now->epoch == last.epoch + 1;
    seen->grows = (seen->calls == 0 || seen->grows) && now->struct_size == sizeof *now && now->event == AENC_EVENT_STEP && now->seconds >= 0 &&
                  (fresh ? now->step == 1 : now->epoch == last.epoch && now->step == last.step + 1) &&
                  (now->steps == 0 || now->step <= now->steps) && now->epoch <= now->epochs && now->valid_loss != now->valid_loss;
    seen->losses = (seen->calls == 0 || seen->losses) && now->train_loss == now->train_loss &&
                   (fresh || now->train_loss <= last.train_loss * (1 + 1e-12));
    seen->last = *now;
    seen->calls++;
    if (seen->calls == 1 && seen->ctx != NULL) {
        float centers[COLS], out[ROWS * COLS];
        const aenc_kmeans_options one = {.struct_size = sizeof one, .clusters = 1, .progress = see, .progress_user = &(struct seen){.calls = 0}};
        seen->trained = aenc_fit(seen->model, &x, NULL);
        seen->nested = aenc_kmeans(seen->ctx, &x, &one, centers, COLS, NULL, 0, NULL);
        if (seen->nested == AENC_OK) seen->nested = aenc_reconstruct(seen->model, &x, out, ROWS * COLS);
    }
    return seen->calls == seen->stop_at ? seen->result : 0;
}

static aenc_model *other_model(aenc_context *ctx) {
    static const size_t input[] = {COLS}, widths[] = {2};
    const aenc_model_options options = {.struct_size = sizeof options, .input = input, .input_rank = 1, .encoder_widths = widths, .encoder_count = 1};
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), AENC_OK);
    return model;
}

/* A call with that callback; its result as numbers, and how many. */
typedef aenc_status attempt(aenc_context *ctx, struct seen *seen, float *out, size_t *count);
enum { OUT = 4096 };

static aenc_status kmeans(aenc_context *ctx, struct seen *seen, float *out, size_t *count) {
    const aenc_kmeans_options options = {.struct_size = sizeof options, .clusters = CLUSTERS, .restarts = 3,
                                         .progress = seen == NULL ? NULL : see, .progress_user = seen};
    int32_t labels[ROWS];
    double inertia = 0, sum = 0;
    aenc_status status = aenc_kmeans(ctx, &x, &options, out, CLUSTERS * COLS, labels, ROWS, &inertia);
    *count = CLUSTERS * COLS;
    if (status != AENC_OK) return status;
    /* whole also where it was stopped: labels are of the nearest centers, and the inertia is theirs */
    for (size_t r = 0; r < ROWS; r++) {
        double nearest = DBL_MAX;
        int32_t label = -1;
        for (int32_t c = 0; c < CLUSTERS; c++) {
            double square = 0;
            for (size_t i = 0; i < COLS; i++) {
                double d = (double)rows_of[r * COLS + i] - (double)out[(size_t)c * COLS + i];
                square += d * d;
            }
            if (square < nearest) nearest = square, label = c;
        }
        CHECK(labels[r] == label);
        sum += nearest;
    }
    CHECK(inertia == sum);
    return status;
}

static aenc_status tsne(aenc_context *ctx, struct seen *seen, float *out, size_t *count) {
    const aenc_matrix some = {rows_of, 60, COLS, 0};
    const aenc_tsne_options options = {.struct_size = sizeof options, .perplexity = 5, .iterations = 40,
                                       .progress = seen == NULL ? NULL : see, .progress_user = seen};
    double divergence = -1;
    aenc_status status = aenc_tsne(ctx, &some, &options, out, 120, &divergence);
    CHECK(status != AENC_OK || divergence > 0);
    *count = 120;
    return status;
}

static aenc_status detector(aenc_context *ctx, struct seen *seen, float *out, size_t *count) {
    const aenc_detector_options options = {.struct_size = sizeof options, .steps = 18,
                                           .progress = seen == NULL ? NULL : see, .progress_user = seen};
    aenc_detector *made = NULL;
    aenc_status status = aenc_detector_create(ctx, &x, &options, &made);
    CHECK((made != NULL) == (status == AENC_OK));
    *count = ROWS;
    if (made != NULL) CHECK_STATUS(ctx, aenc_detector_score(made, &x, out, ROWS), AENC_OK);
    aenc_detector_free(made);
    return status;
}

static aenc_status pca_codes(aenc_context *ctx, aenc_model *model, float *out, size_t *count) {
    *count = ROWS * 2;
    return aenc_encode(model, &x, out, ROWS * 2) == AENC_OK ? AENC_OK : (CHECK_STATUS(ctx, AENC_ERR_INTERNAL, AENC_OK), AENC_OK);
}

static aenc_status pca(aenc_context *ctx, struct seen *seen, float *out, size_t *count) {
    const aenc_pca_options options = {.struct_size = sizeof options, .components = 2, .progress = seen == NULL ? NULL : see, .progress_user = seen};
    aenc_model *made = NULL;
    aenc_status status = aenc_pca_create(ctx, &x, &options, &made);
    CHECK((made != NULL) == (status == AENC_OK));
    if (made != NULL) status = pca_codes(ctx, made, out, count);
    aenc_model_free(made);
    return status;
}

static aenc_status pca_source(aenc_context *ctx, struct seen *seen, float *out, size_t *count) {
    const aenc_pca_options options = {.struct_size = sizeof options, .components = 2, .progress = seen == NULL ? NULL : see, .progress_user = seen};
    aenc_source *source = NULL;
    aenc_model *made = NULL;
    CHECK_STATUS(ctx, aenc_source_matrix(ctx, &x, &source), AENC_OK);
    aenc_status status = aenc_pca_create_source(ctx, source, &options, &made);
    CHECK((made != NULL) == (status == AENC_OK));
    if (made != NULL) status = pca_codes(ctx, made, out, count);
    aenc_model_free(made);
    aenc_source_free(source);
    return status;
}

/* Fitted anew and in part. A stop leaves the model as it was. */
static aenc_status pca_refit(aenc_context *ctx, struct seen *seen, float *out, size_t *count, bool partly) {
    const aenc_matrix some = {rows_of, 40, COLS, 0};
    const aenc_pca_options two = {.struct_size = sizeof two, .components = 2};
    const aenc_fit_options options = {.struct_size = sizeof options, .progress = seen == NULL ? NULL : see, .progress_user = seen};
    static float before[OUT];
    size_t same = 0;
    aenc_model *made = NULL;
    CHECK_STATUS(ctx, aenc_pca_create(ctx, &some, &two, &made), AENC_OK);
    pca_codes(ctx, made, before, &same);
    aenc_status status = partly ? aenc_partial_fit(made, &x, &options) : aenc_fit(made, &x, &options);
    pca_codes(ctx, made, out, count);
    bool stopped = status == AENC_OK && seen != NULL && seen->stop_at > 0;
    if (status == AENC_OK) CHECK(aenc_model_stopped(made) == (stopped ? AENC_STOPPED_CALLBACK : AENC_STOPPED_END));
    CHECK((memcmp(before, out, same * sizeof *out) == 0) == (stopped || status != AENC_OK));
    aenc_model_free(made);
    return status;
}
static aenc_status pca_fit(aenc_context *ctx, struct seen *seen, float *out, size_t *count) { return pca_refit(ctx, seen, out, count, false); }
static aenc_status pca_partial(aenc_context *ctx, struct seen *seen, float *out, size_t *count) { return pca_refit(ctx, seen, out, count, true); }

static const struct {
    const char *name; /* of the callback */
    attempt *call;
    int64_t calls;    /* at least so many */
    aenc_status stopped;
    bool losses;
} attempts[] = {
    {"aenc_kmeans_options.progress", kmeans, 6, AENC_OK, true},
    {"aenc_tsne_options.progress", tsne, 40, AENC_OK, false},
    {"aenc_detector_options.progress", detector, 18, AENC_OK, false},
    {"aenc_pca_options.progress", pca, 2, AENC_ERR_CANCELLED, false},
    {"aenc_pca_options.progress", pca_source, 2, AENC_ERR_CANCELLED, false},
    {"aenc_fit_options.progress", pca_fit, 2, AENC_OK, false},
    {"aenc_fit_options.progress", pca_partial, 2, AENC_OK, false},
};

static void check_attempt(size_t i, int64_t threads) {
    static float plain[OUT], with[OUT];
    struct memory memory = {.limit = (size_t)64 << 20};
    aenc_context *ctx = memory_context(&memory, 3, threads);
    struct seen all = {.ctx = ctx, .model = other_model(ctx)}, some = {.stop_at = 2, .result = 1}, bad = {.stop_at = 2, .result = -7};
    size_t count = 0;
    aenc_progress *last = &all.last;
    CHECK_STATUS(ctx, attempts[i].call(ctx, NULL, plain, &count), AENC_OK);
    CHECK_STATUS(ctx, attempts[i].call(ctx, &all, with, &count), AENC_OK);
    bool good = memcmp(plain, with, count * sizeof *plain) == 0 && all.grows && all.calls >= attempts[i].calls && last->epoch == last->epochs;
    good = good && all.trained == AENC_ERR_BUSY && all.nested == AENC_OK && (!attempts[i].losses || all.losses);
    if (!CHECK(good))
        fprintf(stderr, "  %s: %lld calls, step %lld of %lld, %s, %s\n", attempts[i].name, (long long)all.calls, (long long)last->step,
                (long long)last->steps, aenc_status_name(all.trained), aenc_status_name(all.nested));
    CHECK_STATUS(ctx, attempts[i].call(ctx, &some, with, &count), attempts[i].stopped);
    if (attempts[i].stopped != AENC_OK) CHECK(message_has(aenc_message(ctx), attempts[i].name));
    CHECK(some.calls == 2);
    CHECK_STATUS(ctx, attempts[i].call(ctx, &bad, with, &count), AENC_ERR_CALLBACK);
    CHECK(bad.calls == 2 && message_has(aenc_message(ctx), attempts[i].name) && message_has(aenc_message(ctx), "-7"));
    aenc_model_free(all.model);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
}

int main(void) {
    for (size_t i = 0; i < ROWS * COLS; i++) rows_of[i] = (float)((i * 37 + i / COLS * i) % 101) / 101;
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
        for (int64_t threads = 1; threads <= 2; threads++) check_attempt(i, threads);
    return check_finish();
}
