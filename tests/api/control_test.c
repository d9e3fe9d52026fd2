/* control_test.c - how a call is ended from outside: a cancel of the context reaches every call that takes long, is never lost and
 * never silent; what callbacks return means the same everywhere. */
#include <autoenc/ops.h>

#include "api/memory.h"
#include "train/trial.h"

enum { ROWS = 64, IN = 4 };

static const char small[] = "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5,"
                            "\"activation\":\"tanh\"},{\"type\":\"dense\",\"units\":2}]}}";
static float data[ROWS * IN], room[ROWS * IN * 8];
static int32_t labels[ROWS];
static uint8_t flags[ROWS];
static const aenc_matrix x = {data, ROWS, IN, 0}, pair = {data, 2, IN, 0}, code = {data, 2, 2, IN}, one = {data, 1, 2, 0};
static const aenc_batch batch = {.struct_size = sizeof batch, .input = {data, ROWS, IN, 0}};
static const aenc_fit_options brief = {.struct_size = sizeof brief, .epochs = 2, .batch = 16};

struct world {
    aenc_context *ctx;
    aenc_model *model, *other;
    aenc_detector *detector;
    aenc_source *source;
};

/* ---- Every call that takes long ---- */

static aenc_status try_fit(struct world *w) { return aenc_fit(w->model, &x, &brief); }
static aenc_status try_partial(struct world *w) { return aenc_partial_fit(w->model, &x, NULL); }
static aenc_status try_fit_source(struct world *w) { return aenc_fit_source(w->model, w->source, &brief); }
static aenc_status try_pretrain(struct world *w) {
    return aenc_pretrain(w->model, &x, &(aenc_pretrain_options){.struct_size = sizeof(aenc_pretrain_options), .fit = &brief});
}
static aenc_status try_distill(struct world *w) {
    return aenc_distill(w->model, w->other, &x, &(aenc_distill_options){.struct_size = sizeof(aenc_distill_options), .fit = &brief});
}
static aenc_status try_pca(struct world *w) {
    aenc_model *pca;
    aenc_status status = aenc_pca_create(w->ctx, &x, NULL, &pca);
    CHECK((pca != NULL) == (status == AENC_OK));
    aenc_model_free(pca);
    return status;
}
static aenc_status try_pca_source(struct world *w) {
    aenc_model *pca;
    aenc_status status = aenc_pca_create_source(w->ctx, w->source, NULL, &pca);
    CHECK((pca != NULL) == (status == AENC_OK));
    aenc_model_free(pca);
    return status;
}
static aenc_status try_detector(struct world *w) {
    aenc_detector *detector;
    const aenc_detector_options o = {.struct_size = sizeof o, .steps = 3};
    aenc_status status = aenc_detector_create(w->ctx, &x, &o, &detector);
    CHECK((detector != NULL) == (status == AENC_OK));
    aenc_detector_free(detector);
    return status;
}
static aenc_status try_sweep(struct world *w) {
    aenc_sweep_point point[2] = {{.struct_size = sizeof *point}};
    const aenc_sweep_options o = {.struct_size = sizeof o, .codes = (const size_t[]){1, 2}, .code_count = 2, .fit = &brief};
    return aenc_sweep(w->ctx, &x, &o, point, 2);
}
static aenc_status try_kmeans(struct world *w) {
    const aenc_kmeans_options o = {.struct_size = sizeof o, .clusters = 3, .restarts = 2};
    return aenc_kmeans(w->ctx, &x, &o, room, ROWS * IN, labels, ROWS, NULL);
}
static aenc_status try_softmax(struct world *w) {
    double accuracy;
    for (int i = 0; i < ROWS; i++) labels[i] = i % 3;
    return aenc_probe(w->ctx, "softmax", &x, labels, ROWS, &x, labels, ROWS, NULL, 0, &accuracy);
}
static aenc_status try_knn(struct world *w) {
    double accuracy;
    return aenc_probe(w->ctx, "knn:k=2", &x, labels, ROWS, &x, labels, ROWS, NULL, 0, &accuracy);
}
static aenc_status try_neighbours(struct world *w) {
    int64_t index[ROWS];
    return aenc_neighbours(w->ctx, &x, NULL, 1, 0, index, NULL, ROWS);
}
static aenc_status try_tsne(struct world *w) {
    const aenc_tsne_options o = {.struct_size = sizeof o, .iterations = 3};
    return aenc_tsne(w->ctx, &x, &o, room, ROWS * 2, NULL);
}
static aenc_status try_trust(struct world *w) {
    double out;
    return aenc_trustworthiness(w->ctx, &x, &x, 2, &out);
}
static aenc_status try_between(struct world *w) { return aenc_codes_interpolate(w->ctx, &pair, &pair, 2, 0, room, 2 * 2 * IN); }
static aenc_status try_combine(struct world *w) { return aenc_codes_combine(w->ctx, &code, &pair, room, 2 * IN); }
static aenc_status try_attribute(struct world *w) {
    for (int i = 0; i < ROWS; i++) labels[i] = i % 3;
    return aenc_codes_attribute(w->ctx, &x, labels, ROWS, 0, 1, room, IN);
}
static aenc_status try_quantiles(struct world *w) {
    return aenc_codes_quantiles(w->ctx, &x, (const double[]){0.5}, 1, room, IN);
}
static aenc_status try_traverse(struct world *w) { return aenc_traverse(w->model, &one, &code, 2, room, ROWS); }
static aenc_status try_interpolate(struct world *w) { return aenc_interpolate(w->model, &pair, &pair, 2, 0, room, ROWS); }
static aenc_status try_rate(struct world *w) {
    aenc_rate_point point = {.struct_size = sizeof point};
    return aenc_rate_distortion(w->model, &x, (const double[]){0.5}, 1, 0, &point);
}
static aenc_status try_threshold(struct world *w) {
    double out;
    return aenc_threshold(w->ctx, NULL, data, ROWS, &out);
}
static aenc_status try_auc(struct world *w) {
    double out;
    for (int i = 0; i < ROWS; i++) flags[i] = (uint8_t)(i % 2);
    return aenc_roc_auc(w->ctx, data, flags, ROWS, &out);
}
static aenc_status try_encode(struct world *w) { return aenc_encode(w->model, &x, room, ROWS * IN); }
static aenc_status try_score(struct world *w) { return aenc_score(w->model, &x, NULL, room, ROWS); }
static aenc_status try_evaluate(struct world *w) {
    double loss;
    return aenc_model_evaluate(w->model, &batch, &loss);
}
static aenc_status try_run_source(struct world *w) {
    const aenc_array out = {.struct_size = sizeof out, .name = "code", .data = room, .size = sizeof room,
                            .dims = (const size_t[]){ROWS, 2}, .rank = 2}, *outs[] = {&out};
    return aenc_run_source(w->model, NULL, w->source, outs, 1, NULL);
}
static aenc_status try_gradients(struct world *w) {
    double worst;
    return aenc_check_gradients(w->model, &batch, NULL, &worst, NULL);
}
static aenc_status try_detect(struct world *w) { return aenc_detector_score(w->detector, &x, room, ROWS); }

typedef aenc_status attempt(struct world *w);
static const struct {
    const char *name;
    attempt *call;
    bool trains; /* ends with AENC_OK, where it is reached on its way */
} attempts[] = {
    {"fit", try_fit, true}, {"partial_fit", try_partial, true}, {"fit_source", try_fit_source, true},
    {"pretrain", try_pretrain, true}, {"distill", try_distill, true}, {"pca_create", try_pca, false},
    {"pca_create_source", try_pca_source, false}, {"detector_create", try_detector, false}, {"sweep", try_sweep, false},
    {"kmeans", try_kmeans, false}, {"probe softmax", try_softmax, false}, {"probe knn", try_knn, false},
    {"tsne", try_tsne, false}, {"trustworthiness", try_trust, false}, {"neighbours", try_neighbours, false}, {"codes_interpolate", try_between, false}, {"codes_combine", try_combine, false},
    {"codes_attribute", try_attribute, false}, {"codes_quantiles", try_quantiles, false}, {"traverse", try_traverse, false},
    {"interpolate", try_interpolate, false}, {"rate_distortion", try_rate, false}, {"threshold", try_threshold, false},
    {"roc_auc", try_auc, false}, {"encode", try_encode, false}, {"score", try_score, false}, {"evaluate", try_evaluate, false},
    {"run_source", try_run_source, true}, {"check_gradients", try_gradients, false}, {"detector_score", try_detect, false},
};
enum { ATTEMPTS = sizeof attempts / sizeof *attempts };

/* ---- Cancelled at any moment ---- */

/* An allocator that cancels at its k-th call. */
struct trap {
    struct memory memory;
    aenc_context *ctx;
    long left; /* calls until then; 0: never */
};
static void *trap_allocate(void *user, size_t size, size_t alignment) {
    struct trap *trap = user;
    if (trap->left > 0 && --trap->left == 0) aenc_context_cancel(trap->ctx);
    return memory_allocate(&trap->memory, size, alignment);
}
static void trap_release(void *user, void *block, size_t size, size_t alignment) {
    memory_release(&((struct trap *)user)->memory, block, size, alignment);
}

static struct world world_create(struct trap *trap, int64_t threads) {
    struct world w = {0};
    const aenc_context_options o = {.struct_size = sizeof o, .seed = 3, .threads = threads, .allocate = trap_allocate,
                                    .release = trap_release, .allocator_user = trap};
    const aenc_detector_options quick = {.struct_size = sizeof quick, .steps = 2};
    CHECK(aenc_context_create(&o, &w.ctx) == AENC_OK);
    trap->ctx = w.ctx;
    CHECK_STATUS(w.ctx, aenc_model_parse(w.ctx, small, sizeof small - 1, &w.model), AENC_OK);
    CHECK_STATUS(w.ctx, aenc_model_parse(w.ctx, small, sizeof small - 1, &w.other), AENC_OK);
    CHECK_STATUS(w.ctx, aenc_detector_create(w.ctx, &x, &quick, &w.detector), AENC_OK);
    CHECK_STATUS(w.ctx, aenc_source_matrix(w.ctx, &x, &w.source), AENC_OK);
    return w;
}

static void world_free(struct world *w) {
    aenc_source_free(w->source);
    aenc_detector_free(w->detector);
    aenc_model_free(w->other);
    aenc_model_free(w->model);
    aenc_context_free(w->ctx);
}

static void test_before(void) {
    struct trap trap = {.ctx = NULL};
    struct world w = world_create(&trap, 2);
    CHECK(aenc_context_clear_cancel(w.ctx) == 0);
    aenc_context_cancel(w.ctx);
    for (size_t i = 0; i < ATTEMPTS; i++) {
        aenc_status got = attempts[i].call(&w);
        if (!CHECK(got == AENC_ERR_CANCELLED && strstr(aenc_message(w.ctx), "aenc_context_cancel") != NULL))
            fprintf(stderr, "  %s: %s: %s\n", attempts[i].name, aenc_status_name(got), aenc_message(w.ctx));
    }
    CHECK(aenc_model_history_count(w.model) == 0 && aenc_model_stopped(w.model) == AENC_STOPPED_NOT);
    CHECK(aenc_context_clear_cancel(w.ctx) == 1 && aenc_context_clear_cancel(w.ctx) == 0);
    for (size_t i = 0; i < ATTEMPTS; i++) CHECK_STATUS(w.ctx, attempts[i].call(&w), AENC_OK);
    CHECK(aenc_model_stopped(w.model) == AENC_STOPPED_END);
    aenc_context_cancel(NULL);
    CHECK(aenc_context_clear_cancel(NULL) == 0);
    world_free(&w);
}

static void test_within(int64_t threads) {
    for (size_t i = 0; i < ATTEMPTS; i++) {
        struct trap trap = {.ctx = NULL};
        struct world w = world_create(&trap, threads);
        long reached = 0, ended = 0;
        bool more = true;
        for (long k = 1; more && k < 2000; k += 1 + k / 8) {
            trap.left = k;
            aenc_status got = attempts[i].call(&w);
            more = trap.left == 0;
            trap.left = 0;
            bool cancelled = aenc_context_clear_cancel(w.ctx) != 0;
            CHECK(cancelled == more);
            reached += cancelled;
            ended += got == AENC_ERR_CANCELLED || (attempts[i].trains && aenc_model_stopped(w.model) == AENC_STOPPED_CANCEL);
            if (!CHECK(got == AENC_OK || (cancelled && !attempts[i].trains && got == AENC_ERR_CANCELLED)))
                fprintf(stderr, "  %s, allocation %ld: %s: %s\n", attempts[i].name, k, aenc_status_name(got), aenc_message(w.ctx));
        }
        bool at_its_end = attempts[i].call == try_run_source; /* of one piece, nothing is left to be left out */
        if (!CHECK(reached == 0 || ended > 0 || at_its_end)) fprintf(stderr, "  %s: %ld cancels, none noticed\n", attempts[i].name, reached);
        CHECK_STATUS(w.ctx, attempts[i].call(&w), AENC_OK);
        world_free(&w);
        CHECK(trap.memory.blocks == 0 && !trap.memory.mismatch);
    }
}

/* ---- Results of callbacks ---- */

struct answer {
    aenc_context *ctx;
    int64_t at, calls; /* the call that returns `result`, from 1 */
    int result;
    bool cancels;
};

static int answer(struct answer *a) {
    if (++a->calls != a->at) return 0;
    if (a->cancels) aenc_context_cancel(a->ctx);
    return a->result;
}
static int on_progress(void *user, const aenc_progress *now) { return now->event == AENC_EVENT_STEP ? answer(user) : 0; }
static int on_epoch(void *user, const aenc_progress *now) { return now->event == AENC_EVENT_EPOCH ? answer(user) : 0; }
static int on_layer(void *user, int64_t layer, int64_t layers, const aenc_progress *now) {
    (void)layer, (void)layers;
    return on_progress(user, now);
}
static int on_size(void *user, const aenc_sweep_point *now) {
    (void)now;
    return answer(user);
}
static int on_read(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    struct answer *a = user;
    (void)target, (void)weight;
    *got = rows < 8 ? rows : 8;
    memcpy(input, data + (a->calls * 8) % ROWS * IN, *got * IN * sizeof *input);
    return answer(a);
}
static int on_seek(void *user, uint64_t position) {
    (void)user, (void)position;
    return 0;
}

static void check_ended(const struct trial *t, aenc_status got, int result, const char *name, int32_t why) {
    char text[128];
    snprintf(text, sizeof text, "%s returned %d", name, result);
    CHECK_STATUS(t->ctx, got, result < 0 ? AENC_ERR_CALLBACK : AENC_OK);
    if (result < 0 && !CHECK(strstr(aenc_message(t->ctx), text) == aenc_message(t->ctx)))
        fprintf(stderr, "  '%s', not '%s'\n", aenc_message(t->ctx), text);
    CHECK(aenc_model_stopped(t->model) == (result < 0 ? AENC_STOPPED_NOT : why));
}

static void test_progress(int result) {
    struct answer a = {.at = 2, .result = result};
    struct trial t = trial_create(small, 2, 1), plain = trial_create(small, 2, 1);
    aenc_fit_options o = brief, short_one = brief;
    o.progress = on_progress, o.progress_user = &a;
    check_ended(&t, aenc_fit(t.model, &x, &o), result, "aenc_fit_options.progress", AENC_STOPPED_CALLBACK);
    short_one.steps_per_epoch = 2, short_one.epochs = 1;
    CHECK_STATUS(plain.ctx, aenc_fit(plain.model, &x, &short_one), AENC_OK);
    CHECK(trial_same(&t, &plain)); /* as after its last whole step */
    o.progress = on_epoch, a = (struct answer){.at = 1, .result = result};
    check_ended(&t, aenc_fit(t.model, &x, &o), result, "aenc_fit_options.progress", AENC_STOPPED_CALLBACK);
    o = (aenc_fit_options){.struct_size = sizeof o, .batch = 16, .progress = on_progress, .progress_user = &a};
    a = (struct answer){.at = 2, .result = result};
    check_ended(&t, aenc_partial_fit(t.model, &x, &o), result, "aenc_fit_options.progress", AENC_STOPPED_CALLBACK);
    CHECK(a.calls == 2);
    const aenc_pretrain_options layers = {.struct_size = sizeof layers, .fit = &brief, .progress = on_layer, .progress_user = &a};
    a = (struct answer){.at = 2, .result = result};
    check_ended(&t, aenc_pretrain(t.model, &x, &layers), result, "aenc_pretrain_options.progress", AENC_STOPPED_CALLBACK);
    CHECK(a.calls == 2);
    aenc_sweep_point point[2] = {{.struct_size = sizeof *point}};
    const aenc_sweep_options sizes = {.struct_size = sizeof sizes, .codes = (const size_t[]){1, 2}, .code_count = 2,
                                      .fit = &brief, .progress = on_size, .progress_user = &a};
    a = (struct answer){.at = 1, .result = result};
    CHECK_STATUS(t.ctx, aenc_sweep(t.ctx, &x, &sizes, point, 2), result < 0 ? AENC_ERR_CALLBACK : AENC_OK);
    CHECK(a.calls == 1 && (result > 0 || strstr(aenc_message(t.ctx), "aenc_sweep_options.progress returned -3") != NULL));
    trial_free(&plain);
    trial_free(&t);
}

static void test_read(int result, int64_t ahead, bool seeks) {
    struct answer a = {.at = 4, .result = result};
    struct trial t = trial_create(small, 2, 1);
    const aenc_source_callbacks stream = {.struct_size = sizeof stream, .cols = IN, .rows = ROWS, .read = on_read,
                                          .seek = seeks ? on_seek : NULL, .user = &a, .read_ahead = ahead};
    aenc_fit_options o = {.struct_size = sizeof o, .epochs = 1, .batch = 16};
    aenc_source *source;
    aenc_model *pca;
    size_t rows = 77;
    CHECK_STATUS(t.ctx, aenc_source_callback(t.ctx, &stream, &source), AENC_OK);
    check_ended(&t, aenc_fit_source(t.model, source, &o), result, "the source's read", AENC_STOPPED_CALLBACK);
    a.calls = 0;
    const aenc_array out = {.struct_size = sizeof out, .name = "code", .data = room, .size = sizeof room,
                            .dims = (const size_t[]){ROWS, 2}, .rank = 2}, *outs[] = {&out};
    check_ended(&t, aenc_run_source(t.model, NULL, source, outs, 1, &rows), result, "the source's read", AENC_STOPPED_CALLBACK);
    CHECK(rows == 0);
    a.calls = 0;
    const aenc_pretrain_options layers = {.struct_size = sizeof layers, .fit = &o};
    check_ended(&t, aenc_pretrain_source(t.model, source, &layers), result, "the source's read", AENC_STOPPED_CALLBACK);
    CHECK(a.calls == 4); /* the first layer's, and no other has begun */
    a.calls = 0;
    CHECK_STATUS(t.ctx, aenc_pca_create_source(t.ctx, source, NULL, &pca), result < 0 ? AENC_ERR_CALLBACK : AENC_ERR_CANCELLED);
    CHECK(pca == NULL && (result < 0 || strstr(aenc_message(t.ctx), "source ended the call") != NULL));
    a.at = 0;
    CHECK_STATUS(t.ctx, aenc_pca_create_source(t.ctx, source, NULL, &pca), AENC_OK);
    a.calls = 0, a.at = 3;
    CHECK_STATUS(t.ctx, aenc_fit_source(pca, source, NULL), result < 0 ? AENC_ERR_CALLBACK : AENC_OK);
    CHECK(aenc_model_stopped(pca) == (result < 0 ? AENC_STOPPED_NOT : AENC_STOPPED_CALLBACK));
    a.calls = 0, a.result = 0, a.cancels = true, a.ctx = t.ctx;
    if (ahead == 0) {
        aenc_model *none;
        CHECK_STATUS(t.ctx, aenc_pca_create_source(t.ctx, source, NULL, &none), AENC_ERR_CANCELLED);
        CHECK(none == NULL && strstr(aenc_message(t.ctx), "cancel") != NULL && aenc_context_clear_cancel(t.ctx) == 1);
    }
    aenc_model_free(pca);
    aenc_source_free(source);
    trial_free(&t);
}

/* A run that a callback cancels ends at that step; the next is refused until the cancel is cleared. */
static void test_fit(void) {
    struct trial t = trial_create(small, 2, 1);
    struct answer a = {.ctx = t.ctx, .at = 2, .cancels = true};
    aenc_fit_options o = brief;
    o.progress = on_progress, o.progress_user = &a, o.validation_fraction = 0.3;
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &o), AENC_OK);
    CHECK(a.calls == 2 && aenc_model_stopped(t.model) == AENC_STOPPED_CANCEL && aenc_model_history_count(t.model) == 1);
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &o), AENC_ERR_CANCELLED);
    CHECK(aenc_model_stopped(t.model) == AENC_STOPPED_NOT);
    CHECK(a.calls == 2 && aenc_context_clear_cancel(t.ctx) == 1);
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &o), AENC_OK);
    CHECK(aenc_model_stopped(t.model) == AENC_STOPPED_END);
    trial_free(&t);
}

/* A callback that evaluates the model on other rows leaves the history what the run itself measured. */
static int evaluates(void *user, const aenc_progress *now) {
    double loss;
    (void)now;
    return aenc_model_evaluate(user, &(aenc_batch){.struct_size = sizeof(aenc_batch), .input = {data, 5, IN, 0}}, &loss);
}

static void test_evaluation(void) {
    for (int valid = 0; valid < 2; valid++) {
        struct trial t = trial_create(small, 2, 1);
        aenc_fit_options o = brief;
        aenc_progress epoch = {.struct_size = sizeof epoch};
        double term;
        o.progress = evaluates, o.progress_user = t.model, o.validation_fraction = valid * 0.3;
        CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &o), AENC_OK);
        for (size_t i = 0; i < aenc_model_history_count(t.model); i++) {
            CHECK_STATUS(t.ctx, aenc_model_history(t.model, i, &epoch), AENC_OK);
            CHECK_STATUS(t.ctx, aenc_model_history_term_valid(t.model, i, 0, &term), AENC_OK);
            CHECK(valid ? fabs(term - epoch.valid_loss) < 1e-9 : isnan(term));
        }
        trial_free(&t);
    }
}

int main(void) {
    trial_fill(data, ROWS * IN, 13);
    test_before();
    test_within(1);
    test_within(3);
    test_fit();
    test_evaluation();
    for (int result = -3; result <= 3; result += 6) {
        test_progress(result);
        for (int64_t ahead = 0; ahead < 2; ahead++) {
            test_read(result, ahead, false);
            test_read(result, ahead, true);
        }
    }
    return check_finish();
}
