/* entries_test.c - what one call refuses, every other call that takes the same thing refuses, too: options of fits, of PCAs, rows
 * and labels of classes, losses without a value for each input, contexts and results that are NULL. The model is as it was. */
#include "api/world.h"

/* Of every call below, in place of the options, the rows and the source that it would take. */
struct scene {
    struct world *w;
    aenc_model *teacher;
    aenc_source *rows, *stream; /* of w->x; the stream has as many */
    const aenc_matrix *x;
};

static int stream_read(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    const struct world *w = user;
    (void)target, (void)weight;
    *got = rows < WORLD_ROWS ? rows : WORLD_ROWS;
    memcpy(input, w->data, *got * WORLD_COLS * sizeof *input);
    return 0;
}

static int stream_seek(void *user, uint64_t position) {
    (void)user;
    return position > WORLD_ROWS;
}

static void scene_make(struct scene *s, struct world *w) {
    const aenc_source_callbacks calls = {.struct_size = sizeof calls, .cols = WORLD_COLS, .rows = WORLD_ROWS, .read = stream_read,
                                         .seek = stream_seek, .user = w};
    char bytes[8192];
    size_t size = 0;
    *s = (struct scene){.w = w, .x = &w->x};
    CHECK_STATUS(w->ctx, aenc_model_save_memory(w->model, bytes, sizeof bytes, &size), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_load_memory(w->ctx, bytes, size, &s->teacher), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_source_matrix(w->ctx, &w->x, &s->rows), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_source_callback(w->ctx, &calls, &s->stream), AENC_OK);
}

static void scene_end(struct scene *s) {
    aenc_model_free(s->teacher);
    aenc_source_free(s->rows);
    aenc_source_free(s->stream);
}

/* ---- Options of a fit ---- */

typedef aenc_status fit_call(struct scene *s, const aenc_fit_options *fit);

static aenc_status call_fit(struct scene *s, const aenc_fit_options *fit) { return aenc_fit(s->w->model, s->x, fit); }
static aenc_status call_partial(struct scene *s, const aenc_fit_options *fit) {
    return aenc_partial_fit(s->w->model, s->x, fit);
}
static aenc_status call_rows(struct scene *s, const aenc_fit_options *fit) {
    return aenc_fit_source(s->w->model, s->rows, fit);
}
static aenc_status call_stream(struct scene *s, const aenc_fit_options *fit) {
    return aenc_fit_source(s->w->model, s->stream, fit);
}
static aenc_status call_pretrain(struct scene *s, const aenc_fit_options *fit) {
    const aenc_pretrain_options o = {.struct_size = sizeof o, .fit = fit};
    return aenc_pretrain(s->w->model, s->x, &o);
}
static aenc_status call_pretrain_rows(struct scene *s, const aenc_fit_options *fit) {
    const aenc_pretrain_options o = {.struct_size = sizeof o, .fit = fit};
    return aenc_pretrain_source(s->w->model, s->rows, &o);
}
static aenc_status call_pretrain_stream(struct scene *s, const aenc_fit_options *fit) {
    const aenc_pretrain_options o = {.struct_size = sizeof o, .fit = fit};
    return aenc_pretrain_source(s->w->model, s->stream, &o);
}
static aenc_status call_distill(struct scene *s, const aenc_fit_options *fit) {
    const aenc_distill_options o = {.struct_size = sizeof o, .fit = fit};
    return aenc_distill(s->w->model, s->teacher, s->x, &o);
}
static aenc_status call_distill_rows(struct scene *s, const aenc_fit_options *fit) {
    const aenc_distill_options o = {.struct_size = sizeof o, .fit = fit};
    return aenc_distill_source(s->w->model, s->teacher, s->rows, &o);
}
static aenc_status call_distill_stream(struct scene *s, const aenc_fit_options *fit) {
    const aenc_distill_options o = {.struct_size = sizeof o, .fit = fit};
    return aenc_distill_source(s->w->model, s->teacher, s->stream, &o);
}
static aenc_status call_sweep(struct scene *s, const aenc_fit_options *fit) {
    static const size_t codes[] = {2};
    const aenc_sweep_options o = {.struct_size = sizeof o, .codes = codes, .code_count = 1, .fit = fit};
    aenc_sweep_point point = {.struct_size = sizeof point};
    return aenc_sweep(s->w->ctx, s->x, &o, &point, 1);
}

enum { FIT = 1, PARTIAL = 2, ROWS = 4, STREAM = 8, PRETRAIN = 16, DISTILL = 32, SWEEP = 64, ALL = 127 };
static const struct {
    const char *name;
    fit_call *call;
    int kind;
} fits[] = {
    {"fit", call_fit, FIT},
    {"partial_fit", call_partial, PARTIAL},
    {"fit_source, rows", call_rows, ROWS},
    {"fit_source, stream", call_stream, STREAM},
    {"pretrain", call_pretrain, PRETRAIN},
    {"pretrain_source, rows", call_pretrain_rows, PRETRAIN | ROWS},
    {"pretrain_source, stream", call_pretrain_stream, PRETRAIN | STREAM},
    {"distill", call_distill, DISTILL},
    {"distill_source, rows", call_distill_rows, DISTILL | ROWS},
    {"distill_source, stream", call_distill_stream, DISTILL | STREAM},
    {"sweep", call_sweep, SWEEP},
};
enum { FITS = sizeof fits / sizeof *fits };

/* By each call whose kind has a bit of `kinds`. */
static void refuse_fits(struct scene *s, int kinds, const aenc_fit_options *fit, aenc_status want, const char *words) {
    for (size_t i = 0; i < FITS; i++) {
        if ((fits[i].kind & ~kinds) != 0) continue;
        check_fails(s->w, fits[i].call(s, fit), want, words, __FILE__, __LINE__, fits[i].name);
        CHECK(aenc_model_history_count(s->w->model) == 0);
    }
}

static int ignore(void *user, const aenc_progress *now) {
    (void)user, (void)now;
    return 0;
}

static void test_fit_options(struct scene *s) {
    static const int32_t labels[WORLD_ROWS] = {0};
    const aenc_matrix few = {s->w->data, WORLD_ROWS - 1, WORLD_COLS, 0}, narrow = {s->w->data, 2, WORLD_COLS - 1, 0};
    float bad[WORLD_COLS] = {[2] = (float)NAN};
    const aenc_matrix broken = {bad, 1, WORLD_COLS, 0};
    const aenc_matrix *x = &s->w->x;
    const int partial = ALL & ~PARTIAL;
#define REFUSED(kinds, want, words, ...) \
    refuse_fits(s, kinds, &(aenc_fit_options){.struct_size = sizeof(aenc_fit_options), __VA_ARGS__}, want, words)
    const aenc_status bad_argument = AENC_ERR_ARGUMENT;
    REFUSED(ALL, bad_argument, "epochs", .epochs = -1);
    REFUSED(ALL, bad_argument, "batch|-1", .batch = -1);
    REFUSED(ALL, bad_argument, "batch|2147483648", .batch = INT64_C(2147483648));
    REFUSED(ALL, bad_argument, "clip_norm|-1", .clip_norm = -1);
    REFUSED(ALL, bad_argument, "clip_value|nan", .clip_value = (double)NAN);
    REFUSED(ALL, bad_argument, "adamm", .optimizer = "adamm");
    REFUSED(ALL, bad_argument, "resume", .resume = AENC_RESUME_REQUIRED);
    REFUSED(ALL, bad_argument, "resume", .resume = 7);
    REFUSED(ALL, bad_argument, "checkpoint_steps", .checkpoint_steps = 5);
    REFUSED(ALL, bad_argument, "checkpoint_seconds", .checkpoint_seconds = 5);
    REFUSED(ALL, bad_argument, "checkpoint_steps", .checkpoint_steps = -5);
    REFUSED(ALL, bad_argument, "checkpoint_seconds", .checkpoint_seconds = -5);
    REFUSED(partial, bad_argument, "cosinee", .schedule = "cosinee");
    REFUSED(ALL, bad_argument, "patience", .patience = -1);
    REFUSED(partial, bad_argument, "patience", .patience = 3);
    REFUSED(ALL, bad_argument, "steps_per_epoch", .steps_per_epoch = -1);
    REFUSED(ALL, bad_argument, "validation_fraction", .validation_fraction = -0.5);
    REFUSED(partial, bad_argument, "validation_fraction", .validation_fraction = 1);
    REFUSED(ALL, bad_argument, "min_improvement", .min_improvement = -1);
    REFUSED(STREAM | DISTILL | PRETRAIN, AENC_ERR_SHAPE, "cols|5", .valid = &narrow);
    REFUSED(partial, AENC_ERR_SHAPE, "cols|5", .valid = &narrow);
    REFUSED(partial, AENC_ERR_NONFINITE, "valid[0, 2] is nan", .valid = &broken);
    REFUSED(PARTIAL, bad_argument, "aenc_partial_fit|run_key", .run_key = "k");
    REFUSED(FIT | PARTIAL | ROWS | SWEEP, bad_argument, "labels is given", .labels = labels, .label_count = WORLD_ROWS);
    REFUSED(FIT | PARTIAL | ROWS | STREAM | SWEEP, bad_argument, "label_count", .label_count = WORLD_ROWS);
    REFUSED(STREAM, bad_argument, "labels is given|stream", .labels = labels, .label_count = WORLD_ROWS);
    REFUSED(FIT | ROWS | PARTIAL, AENC_ERR_SHAPE, "target has 3 rows", .target = &few);
    REFUSED(FIT | ROWS | PARTIAL, AENC_ERR_SHAPE, "5", .target = &narrow);
    REFUSED(FIT | ROWS | STREAM, bad_argument, "valid_target is given without valid", .valid_target = x);
    REFUSED(FIT | ROWS | STREAM, bad_argument, "valid_labels is given without valid", .valid_labels = labels,
            .valid_label_count = WORLD_ROWS);
    REFUSED(FIT | ROWS | PARTIAL | STREAM, bad_argument, "target", .labels = labels, .label_count = WORLD_ROWS, .target = x);
    REFUSED(FIT | ROWS | STREAM, bad_argument, "both valid_target and valid_labels", .valid = x, .valid_labels = labels,
            .valid_label_count = WORLD_ROWS, .valid_target = x);
#undef REFUSED
}

/* Bits of `kinds`: a call is taken when none of its own is missing there. So a source's call needs both of its bits. */
static void test_useless(struct scene *s) {
    static const int32_t labels[WORLD_ROWS] = {0};
    const aenc_matrix *x = &s->w->x;
    for (size_t i = 0; i < FITS; i++) {
        if ((fits[i].kind & (PRETRAIN | DISTILL)) == 0) continue;
        aenc_fit_options o[5];
        static const char *const words[] = {"target|no meaning", "labels|no meaning", "valid_target|no meaning",
                                            "valid_labels|no meaning", "progress|aenc_pretrain_options"};
        for (int k = 0; k < 5; k++) o[k] = (aenc_fit_options){.struct_size = sizeof *o};
        o[0].target = x;
        o[1].labels = labels, o[1].label_count = WORLD_ROWS;
        o[2].valid = o[2].valid_target = x;
        o[3].valid = x;
        o[3].valid_labels = labels, o[3].valid_label_count = WORLD_ROWS;
        o[4].progress = ignore;
        for (int k = 0; k < ((fits[i].kind & PRETRAIN) != 0 ? 5 : 4); k++)
            check_fails(s->w, fits[i].call(s, &o[k]), AENC_ERR_ARGUMENT, words[k], __FILE__, __LINE__, fits[i].name);
    }
    /* what only a stream cannot do */
    for (size_t i = 0; i < FITS; i++) {
        if ((fits[i].kind & STREAM) == 0) continue;
        const aenc_fit_options share = {.struct_size = sizeof share, .validation_fraction = 0.25}, target = {sizeof share, .target = x};
        check_fails(s->w, fits[i].call(s, &share), AENC_ERR_ARGUMENT, "validation_fraction|stream", __FILE__, __LINE__, fits[i].name);
        check_fails(s->w, fits[i].call(s, &target), AENC_ERR_ARGUMENT, "target", __FILE__, __LINE__, fits[i].name);
    }
}

/* ---- Pretraining and distillation ---- */

static void test_stacks(struct scene *s) {
    static const char *const missing[] = {"l1", NULL};
    struct world *w = s->w;
    aenc_layer *none = NULL;
    aenc_pretrain_options bad[5];
    static const char *const words[] = {"first is -1", "count -1", "tied 2", "penalties[1] is NULL", "corruptions[1] is NULL"};
    for (int i = 0; i < 5; i++) bad[i] = (aenc_pretrain_options){.struct_size = sizeof *bad};
    bad[0].first = -1;
    bad[1].count = -1;
    bad[2].tied = 2;
    bad[3].penalties = missing, bad[3].penalty_count = 2;
    bad[4].corruptions = missing, bad[4].corruption_count = 2;
    for (int i = 0; i < 5; i++) {
        CHECK_FAILS(w, aenc_pretrain(w->model, &w->x, &bad[i]), AENC_ERR_ARGUMENT, words[i]);
        CHECK_FAILS(w, aenc_pretrain_source(w->model, s->rows, &bad[i]), AENC_ERR_ARGUMENT, words[i]);
        CHECK_FAILS(w, aenc_pretrain_source(w->model, s->stream, &bad[i]), AENC_ERR_ARGUMENT, words[i]);
    }
    bad[2].tied = -1;
    CHECK_FAILS(w, aenc_pretrain(w->model, &w->x, &bad[2]), AENC_ERR_ARGUMENT, "tied -1");
    const double weights[][2] = {{-1, 0}, {0, -1}, {(double)NAN, 1}, {1, (double)INFINITY}};
    for (int i = 0; i < 4; i++) {
        const aenc_distill_options o = {.struct_size = sizeof o, .output_weight = weights[i][0], .code_weight = weights[i][1]};
        CHECK_FAILS(w, aenc_distill(w->model, s->teacher, &w->x, &o), AENC_ERR_ARGUMENT, "output_weight|code_weight");
        CHECK_FAILS(w, aenc_distill_source(w->model, s->teacher, s->rows, &o), AENC_ERR_ARGUMENT, "output_weight|code_weight");
        CHECK_FAILS(w, aenc_distill_source(w->model, s->teacher, s->stream, &o), AENC_ERR_ARGUMENT, "output_weight|code_weight");
    }
    CHECK_FAILS(w, aenc_distill(w->model, NULL, &w->x, NULL), AENC_ERR_ARGUMENT, "aenc_distill: teacher|NULL");
    CHECK_FAILS(w, aenc_distill_source(w->model, NULL, s->rows, NULL), AENC_ERR_ARGUMENT, "aenc_distill_source: teacher|NULL");
    CHECK_FAILS(w, aenc_distill_source(w->model, w->model, s->rows, NULL), AENC_ERR_ARGUMENT, "one model");
    CHECK_FAILS(w, aenc_distill(w->model, s->teacher, NULL, NULL), AENC_ERR_ARGUMENT, "x|NULL");
    CHECK_FAILS(w, aenc_pretrain(w->model, NULL, NULL), AENC_ERR_ARGUMENT, "x|NULL");
    CHECK_FAILS(w, aenc_fit_source(w->model, NULL, NULL), AENC_ERR_ARGUMENT, "aenc_fit_source: source|NULL");
    CHECK_FAILS(w, aenc_model_grow(w->model, none, NULL), AENC_ERR_ARGUMENT, "aenc_model_grow: out|NULL");
    CHECK(aenc_model_grow(NULL, none, NULL) == AENC_ERR_ARGUMENT && aenc_fit_source(NULL, s->rows, NULL) == AENC_ERR_ARGUMENT);
}

/* ---- PCA ---- */

/* Rows, a source of rows and a stream; whether all refuse it. */
static void refuse_pca(struct scene *s, aenc_pca_options o, aenc_status want, const char *words) {
    struct world *w = s->w;
    aenc_model *model = (aenc_model *)s;
    o.struct_size = sizeof o;
    CHECK_NONE(w, aenc_pca_create(w->ctx, &w->x, &o, &model), model, want, words);
    model = (aenc_model *)s;
    CHECK_NONE(w, aenc_pca_create_source(w->ctx, s->rows, &o, &model), model, want, words);
    model = (aenc_model *)s;
    CHECK_NONE(w, aenc_pca_create_source(w->ctx, s->stream, &o, &model), model, want, words);
}

static void test_pca(struct scene *s) {
    struct world *w = s->w, other;
    aenc_model *model = (aenc_model *)s;
    const aenc_status bad = AENC_ERR_ARGUMENT;
    const aenc_pca_options odd = {.struct_size = 1};
    refuse_pca(s, (aenc_pca_options){.components = -1}, bad, "components is -1");
    refuse_pca(s, (aenc_pca_options){.components = INT64_C(2147483648)}, bad, "components is 2147483648");
    refuse_pca(s, (aenc_pca_options){.share = -0.1}, bad, "share is -0.1");
    refuse_pca(s, (aenc_pca_options){.share = 1.5}, bad, "share is 1.5");
    refuse_pca(s, (aenc_pca_options){.share = (double)NAN}, bad, "share is nan");
    refuse_pca(s, (aenc_pca_options){.components = 2, .share = 0.5}, bad, "both components 2 and share 0.5");
    refuse_pca(s, (aenc_pca_options){.whiten = 2}, bad, "whiten is 2");
    refuse_pca(s, (aenc_pca_options){.whiten = -1}, bad, "whiten is -1");
    refuse_pca(s, (aenc_pca_options){.method = "magic"}, bad, "magic");
    refuse_pca(s, (aenc_pca_options){.components = WORLD_ROWS + 1}, AENC_ERR_SHAPE, "5 components|4 rows");
    refuse_pca(s, (aenc_pca_options){.cols = WORLD_COLS + 1}, AENC_ERR_SHAPE, "7|6");
    CHECK_NONE(w, aenc_pca_create(w->ctx, &w->x, &odd, &model), model, bad, "aenc_pca_options.struct_size is 1");
    model = (aenc_model *)s;
    CHECK_NONE(w, aenc_pca_create_source(w->ctx, s->rows, &odd, &model), model, bad, "aenc_pca_options.struct_size is 1");
    model = (aenc_model *)s;
    CHECK_NONE(w, aenc_pca_create_source(w->ctx, NULL, NULL, &model), model, bad, "aenc_pca_create_source: source|NULL");
    CHECK_FAILS(w, aenc_pca_create(w->ctx, &w->x, NULL, NULL), bad, "aenc_pca_create: out|NULL");
    CHECK_FAILS(w, aenc_pca_create_source(w->ctx, s->rows, NULL, NULL), bad, "aenc_pca_create_source: out|NULL");
    world_create(&other);
    model = (aenc_model *)s;
    CHECK_NONE(&other, aenc_pca_create_source(other.ctx, s->rows, NULL, &model), model, bad, "another context");
    double angles[WORLD_CODE];
    CHECK_FAILS(w, aenc_subspace_angles(w->ctx, w->model, other.model, angles, 3), bad, "b belongs to another context");
    CHECK_FAILS(w, aenc_subspace_angles(w->ctx, other.model, w->model, angles, 3), bad, "a belongs to another context");
    CHECK_FAILS(w, aenc_subspace_angles(w->ctx, NULL, w->model, angles, 3), bad, "a is NULL");
    CHECK_FAILS(w, aenc_subspace_angles(w->ctx, w->model, NULL, angles, 3), bad, "b is NULL");
    CHECK_FAILS(w, aenc_matrix_angles(w->ctx, NULL, &w->x, angles, 3), bad, "a is NULL");
    CHECK_FAILS(w, aenc_matrix_angles(w->ctx, &w->x, NULL, angles, 3), bad, "b is NULL");
    CHECK_FAILS(w, aenc_matrix_angles(w->ctx, &w->x, &w->x, NULL, 4), bad, "aenc_matrix_angles: out|NULL");
    CHECK_FAILS(w, aenc_matrix_angles(w->ctx, &w->x, &w->x, angles, 3), AENC_ERR_SHAPE, "3 angles|4");
    world_free(&other);
}

/* Each field that a closed form has no use for, by the call on rows and by the one on a source. */
static void test_pca_fits(struct scene *s) {
    struct world *w = s->w;
    aenc_model *model;
    const aenc_pca_options two = {.struct_size = sizeof two, .components = 2};
    static const char *const words[] = {"optimizer", "schedule", "epochs", "steps_per_epoch", "valid is", "validation_fraction",
                                        "clip_norm", "clip_value", "checkpoint", "target"};
    aenc_fit_options o[10];
    for (int i = 0; i < 10; i++) o[i] = (aenc_fit_options){.struct_size = sizeof *o};
    o[0].optimizer = "sgd";
    o[1].schedule = "cosine";
    o[2].epochs = 2;
    o[3].steps_per_epoch = 1;
    o[4].valid = &w->x;
    o[5].validation_fraction = 0.25;
    o[6].clip_norm = 1;
    o[7].clip_value = 1;
    o[8].checkpoint = "no/such/folder/x";
    o[9].target = &w->x;
    CHECK_STATUS(w->ctx, aenc_pca_create(w->ctx, &w->x, &two, &model), AENC_OK);
    for (int i = 0; i < 10; i++) {
        CHECK_FAILS(w, aenc_fit(model, &w->x, &o[i]), AENC_ERR_ARGUMENT, words[i]);
        CHECK_FAILS(w, aenc_fit_source(model, s->rows, &o[i]), AENC_ERR_ARGUMENT, words[i]);
        CHECK_FAILS(w, aenc_partial_fit(model, &w->x, &o[i]), AENC_ERR_ARGUMENT, words[i]);
    }
    o[0] = (aenc_fit_options){.struct_size = sizeof *o, .epochs = 1};
    CHECK_STATUS(w->ctx, aenc_fit(model, &w->x, &o[0]), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_fit_source(model, s->rows, &o[0]), AENC_OK);
    CHECK_STATUS(w->ctx, aenc_model_freeze(model, "", 1), AENC_OK);
    CHECK_FAILS(w, aenc_fit_source(model, s->rows, NULL), AENC_ERR_UNSUPPORTED, "frozen");
    CHECK_FAILS(w, aenc_partial_fit(model, &w->x, NULL), AENC_ERR_UNSUPPORTED, "frozen");
    aenc_model_free(model);
}

/* ---- Outputs of another kind ---- */

static aenc_model *parse(struct world *w, const char *text) {
    aenc_model *model = NULL;
    CHECK_STATUS(w->ctx, aenc_model_parse(w->ctx, text, strlen(text), &model), AENC_OK);
    return model;
}

/* A score for each input needs an output for each input. */
static void test_denoising(struct world *w) {
    static const char *const texts[] = {
        "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":2},\"loss\":\"cross_entropy:classes=6\"}",
        "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":2},\"loss\":\"gaussian_nll\"}",
        "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":2},\"decoder\":{\"type\":\"dense\",\"units\":5}}"};
    static const char *const words[] = {"'cross_entropy'|6", "'gaussian_nll'|12|6", "5|6"};
    const double steps[] = {1};
    for (int i = 0; i < 3; i++) {
        float out[WORLD_ROWS * 12];
        aenc_rate_point point = {.struct_size = sizeof point};
        aenc_model *model = parse(w, texts[i]);
        CHECK_FAILS(w, aenc_denoising_score(model, &w->x, 1, out, WORLD_ROWS * 12), AENC_ERR_UNSUPPORTED, words[i]);
        CHECK_FAILS(w, aenc_rate_distortion(model, &w->x, steps, 1, 0, &point), AENC_ERR_SHAPE, words[i]);
        aenc_model_free(model);
    }
    float out[WORLD_ROWS * WORLD_COLS];
    const double bad[] = {-1, (double)INFINITY};
    for (int i = 0; i < 2; i++)
        CHECK_FAILS(w, aenc_denoising_score(w->model, &w->x, bad[i], out, WORLD_ROWS * WORLD_COLS), AENC_ERR_ARGUMENT, "sigma");
}

typedef aenc_status class_call(aenc_model *model, const aenc_matrix *x, size_t room);
static int32_t labels[WORLD_ROWS];

static aenc_status call_classify(aenc_model *model, const aenc_matrix *x, size_t room) {
    int32_t out[WORLD_ROWS];
    return aenc_classify(model, x, out, room);
}
static aenc_status call_chances(aenc_model *model, const aenc_matrix *x, size_t room) {
    float out[WORLD_ROWS * 3];
    return aenc_class_probabilities(model, x, out, 3 * room);
}
static aenc_status call_accuracy(aenc_model *model, const aenc_matrix *x, size_t room) {
    double share;
    (void)room;
    return aenc_accuracy(model, x, labels, x == NULL ? 0 : x->rows, &share);
}

static void test_classes(struct world *w) {
    static const char head[] = "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":2},\"loss\":\"cross_entropy:classes=3\"}";
    static const struct {
        const char *name;
        class_call *call;
    } calls[] = {{"aenc_classify", call_classify}, {"aenc_class_probabilities", call_chances}, {"aenc_accuracy", call_accuracy}};
    float bad[WORLD_ROWS * WORLD_COLS];
    const aenc_matrix narrow = {w->data, 2, WORLD_COLS - 1, 0}, broken = {bad, WORLD_ROWS, WORLD_COLS, 0}, none = {w->data, 0, 6, 0};
    memcpy(bad, w->data, sizeof bad);
    bad[WORLD_COLS + 2] = (float)INFINITY;
    aenc_model *model = parse(w, head);
    for (int i = 0; i < 3; i++) {
        char words[96];
        snprintf(words, sizeof words, "%s|'mse' has no classes", calls[i].name);
        CHECK_FAILS(w, calls[i].call(w->model, &w->x, WORLD_ROWS), AENC_ERR_UNSUPPORTED, words);
        CHECK_FAILS(w, calls[i].call(model, NULL, WORLD_ROWS), AENC_ERR_ARGUMENT, "x is NULL");
        CHECK_FAILS(w, calls[i].call(model, &narrow, WORLD_ROWS), AENC_ERR_SHAPE, "x|cols is 5");
        CHECK_FAILS(w, calls[i].call(model, &none, WORLD_ROWS), AENC_ERR_SHAPE, "x|rows is 0");
        CHECK_FAILS(w, calls[i].call(model, &broken, WORLD_ROWS), AENC_ERR_NONFINITE, "[1, 2] is inf");
        CHECK_STATUS(w->ctx, calls[i].call(model, &w->x, WORLD_ROWS), AENC_OK);
    }
    CHECK_FAILS(w, call_classify(model, &w->x, WORLD_ROWS - 1), AENC_ERR_SHAPE, "aenc_classify|3|4");
    CHECK_FAILS(w, call_chances(model, &w->x, WORLD_ROWS - 1), AENC_ERR_SHAPE, "aenc_class_probabilities|9|4|3");
    CHECK_FAILS(w, aenc_class_probabilities(model, &w->x, NULL, 100), AENC_ERR_ARGUMENT, "aenc_class_probabilities: out|NULL");
    CHECK_FAILS(w, aenc_classify(model, &w->x, NULL, 100), AENC_ERR_ARGUMENT, "aenc_classify: labels|NULL");
    const int32_t wrong[] = {-1, 3, INT32_MAX, INT32_MIN};
    for (int i = 0; i < 4; i++) {
        labels[3] = wrong[i];
        CHECK_FAILS(w, call_accuracy(model, &w->x, 0), AENC_ERR_ARGUMENT, "labels[3]|from 0 to 2");
    }
    labels[3] = 2;
    CHECK_STATUS(w->ctx, call_accuracy(model, &w->x, 0), AENC_OK);
    double share;
    CHECK_FAILS(w, aenc_accuracy(model, &w->x, NULL, WORLD_ROWS, &share), AENC_ERR_ARGUMENT, "aenc_accuracy: labels|NULL");
    CHECK_FAILS(w, aenc_accuracy(model, &w->x, labels, WORLD_ROWS, NULL), AENC_ERR_ARGUMENT, "aenc_accuracy: share|NULL");
    for (int more = -1; more < 2; more += 2)
        CHECK_FAILS(w, aenc_accuracy(model, &w->x, labels, (size_t)(WORLD_ROWS + more), &share), AENC_ERR_SHAPE, "aenc_accuracy");
    aenc_model_free(model);
}

/* ---- NULL ---- */

/* Whatever makes a handle: without a context, without room for the handle, without what it is made of. */
static void test_makers(struct scene *s) {
    struct world *w = s->w;
    const aenc_status bad = AENC_ERR_ARGUMENT;
    const aenc_source_callbacks calls = {.struct_size = sizeof calls, .cols = 1, .read = stream_read};
    aenc_source *source = s->rows;
    aenc_detector *detector = (aenc_detector *)s;
    aenc_model *model = s->teacher;
    CHECK(aenc_source_matrix(NULL, &w->x, &source) == bad && source == NULL);
    source = s->rows;
    CHECK(aenc_source_npy(NULL, "x", &source) == bad && source == NULL);
    source = s->rows;
    CHECK(aenc_source_callback(NULL, &calls, &source) == bad && source == NULL);
    CHECK(aenc_detector_load(NULL, "x", &detector) == bad && detector == NULL);
    detector = (aenc_detector *)s;
    CHECK(aenc_detector_create(NULL, &w->x, NULL, &detector) == bad && detector == NULL);
    CHECK(aenc_source_matrix(NULL, NULL, NULL) == bad && aenc_source_npy(NULL, NULL, NULL) == bad);
    CHECK(aenc_source_callback(NULL, NULL, NULL) == bad && aenc_detector_load(NULL, NULL, NULL) == bad);
    CHECK(aenc_detector_create(NULL, NULL, NULL, NULL) == bad && aenc_model_grow(NULL, NULL, &model) == bad && model == NULL);
    CHECK_FAILS(w, aenc_source_matrix(w->ctx, &w->x, NULL), bad, "aenc_source_matrix: out|NULL");
    CHECK_FAILS(w, aenc_source_npy(w->ctx, "x", NULL), bad, "aenc_source_npy: out|NULL");
    CHECK_FAILS(w, aenc_source_callback(w->ctx, &calls, NULL), bad, "aenc_source_callback: out|NULL");
    CHECK_FAILS(w, aenc_detector_load(w->ctx, "x", NULL), bad, "aenc_detector_load: out|NULL");
    CHECK_FAILS(w, aenc_detector_create(w->ctx, &w->x, NULL, NULL), bad, "aenc_detector_create: out|NULL");
    CHECK_NONE(w, aenc_source_matrix(w->ctx, NULL, &source), source, bad, "aenc_source_matrix: matrix|NULL");
    CHECK_NONE(w, aenc_source_npy(w->ctx, NULL, &source), source, bad, "aenc_source_npy: path|NULL");
    CHECK_NONE(w, aenc_source_callback(w->ctx, NULL, &source), source, bad, "aenc_source_callback: callbacks|NULL");
    CHECK_NONE(w, aenc_detector_load(w->ctx, NULL, &detector), detector, bad, "aenc_detector_load: path|NULL");
    CHECK_NONE(w, aenc_detector_load(w->ctx, "no/such/file", &detector), detector, AENC_ERR_IO, "no/such/file");
    CHECK(aenc_source_rows(NULL) == 0 && aenc_source_cols(NULL) == 0 && aenc_source_rows(s->stream) == WORLD_ROWS);
    aenc_source_free(NULL);
    aenc_detector_free(NULL);
}

/* The sizes of a source, at their borders. */
static void test_sources(struct scene *s) {
    struct world *w = s->w;
    const aenc_source_callbacks good = {.struct_size = sizeof good, .cols = INT32_MAX, .target_cols = INT32_MAX,
                                        .rows = UINT64_C(1) << 40, .read = stream_read, .read_ahead = 1};
    const aenc_matrix empty = {w->data, 2, 0, 0};
    aenc_source *source = NULL;
    CHECK_STATUS(w->ctx, aenc_source_callback(w->ctx, &good, &source), AENC_OK);
    CHECK(aenc_source_rows(source) == UINT64_C(1) << 40 && aenc_source_cols(source) == INT32_MAX);
    aenc_source_free(source);
    aenc_source_callbacks bad[6] = {good, good, good, good, good, good};
    static const char *const words[] = {"read is NULL", "cols is 0", "cols is 2147483648", "target_cols 2147483648",
                                        "rows is 1099511627777", "read_ahead is 2"};
    bad[0].read = NULL;
    bad[1].cols = 0;
    bad[2].cols = (size_t)INT32_MAX + 1;
    bad[3].target_cols = (size_t)INT32_MAX + 1;
    bad[4].rows++;
    bad[5].read_ahead = 2;
    for (int i = 0; i < 6; i++) {
        aenc_status want = i == 0 || i == 5 ? AENC_ERR_ARGUMENT : AENC_ERR_SHAPE;
        CHECK_NONE(w, aenc_source_callback(w->ctx, &bad[i], &source), source, want, words[i]);
    }
    bad[5].read_ahead = -1;
    CHECK_NONE(w, aenc_source_callback(w->ctx, &bad[5], &source), source, AENC_ERR_ARGUMENT, "read_ahead is -1");
    CHECK_NONE(w, aenc_source_matrix(w->ctx, &empty, &source), source, AENC_ERR_SHAPE, "matrix|cols is 0");
}

/* Weights of a batch by each call that takes one; more steps than can be counted; the container itself. */
static void test_others(struct scene *s) {
    struct world *w = s->w;
    const float weight[WORLD_ROWS] = {1, 2, 1, 2};
    aenc_optimizer *optimizer = NULL;
    aenc_layer *layer = NULL;
    double loss;
    CHECK_STATUS(w->ctx, aenc_optimizer_create(w->model, "sgd", &optimizer), AENC_OK);
    for (size_t count = WORLD_ROWS - 1; count <= WORLD_ROWS + 1; count++) {
        for (int given = 0; given < 2; given++) {
            if (given == 1 && count == WORLD_ROWS) continue;
            const aenc_batch batch = {.struct_size = sizeof batch, .input = w->x, .weight = given == 1 ? weight : NULL,
                                      .weight_count = count};
            aenc_status want = given == 1 ? AENC_ERR_SHAPE : AENC_ERR_ARGUMENT;
            CHECK_FAILS(w, aenc_model_gradients(w->model, &batch, &loss), want, "weight_count");
            CHECK_FAILS(w, aenc_model_evaluate(w->model, &batch, &loss), want, "weight_count");
            CHECK_FAILS(w, aenc_model_step(w->model, optimizer, &batch, &loss), want, "weight_count");
        }
    }
    aenc_optimizer_free(optimizer);
    const aenc_source_callbacks calls = {.struct_size = sizeof calls, .cols = WORLD_COLS, .rows = UINT64_C(1) << 40,
                                         .read = stream_read, .seek = stream_seek, .user = w};
    aenc_source *endless = NULL, *stream = s->stream;
    CHECK_STATUS(w->ctx, aenc_source_callback(w->ctx, &calls, &endless), AENC_OK);
    s->stream = endless;
    refuse_fits(s, STREAM, &(aenc_fit_options){.struct_size = sizeof(aenc_fit_options), .epochs = INT32_MAX, .batch = 1},
                AENC_ERR_SHAPE, "2147483647 epochs of 1099511627776 steps are too many");
    const aenc_fit_options many = {.struct_size = sizeof many, .epochs = 1 << 24, .batch = 1};
    static const char words[] = "16777216 epochs of 1099511627776 steps are too many";
    CHECK_FAILS(w, call_stream(s, &many), AENC_ERR_SHAPE, words);
    CHECK_FAILS(w, call_distill_stream(s, &many), AENC_ERR_SHAPE, words);
    CHECK_FAILS(w, call_pretrain_stream(s, &many), AENC_ERR_SHAPE, words);
    s->stream = stream;
    aenc_source_free(endless);
    CHECK_STATUS(w->ctx, aenc_layer_create(w->ctx, "sequential", &layer), AENC_OK);
    CHECK_FAILS(w, aenc_layer_add(layer, layer), AENC_ERR_ARGUMENT, "the container itself");
    CHECK_FAILS(w, aenc_layer_add(layer, NULL), AENC_ERR_ARGUMENT, "aenc_layer_add: child|NULL");
    aenc_layer_free(layer);
    /* ranks at their borders */
    const size_t dims[] = {1, 2, 1, 3, 1, 1, 1};
    for (size_t rank = 0; rank <= 6; rank++) {
        aenc_tensor *tensor = NULL;
        CHECK_STATUS(w->ctx, aenc_tensor_create(w->ctx, AENC_TYPE_F32, dims, rank, &tensor), AENC_OK);
        CHECK(aenc_tensor_rank(tensor) == rank && aenc_tensor_count(tensor) == (rank < 2 ? 1 : rank < 4 ? 2 : 6));
        CHECK(aenc_tensor_dim(tensor, rank) == 0 && (rank < 4 || aenc_tensor_dim(tensor, 3) == 3));
        aenc_tensor_free(tensor);
    }
}

/* A model whose training has ended, well or not, may be changed from within another's. */
static int change_other(void *user, const aenc_progress *now) {
    (void)now;
    return aenc_model_freeze(user, "encoder", 0) != AENC_OK;
}

static void test_trained_before(void) {
    struct world b;
    world_create(&b);
    aenc_model *student = parse(&b, aenc_model_description(b.model)), *other = parse(&b, aenc_model_description(b.model));
    aenc_fit_options o = {.struct_size = sizeof o, .epochs = 1};
    CHECK_STATUS(b.ctx, aenc_fit(other, &b.x, &o), AENC_OK);
    CHECK_STATUS(b.ctx, aenc_partial_fit(other, &b.x, NULL), AENC_OK);
    CHECK_STATUS(b.ctx, aenc_distill(student, other, &b.x, NULL), AENC_OK);
    o.optimizer = "adamm";
    CHECK_STATUS(b.ctx, aenc_fit(other, &b.x, &o), AENC_ERR_ARGUMENT);
    aenc_model *const ended[] = {student, other};
    for (int i = 0; i < 2; i++) {
        o = (aenc_fit_options){.struct_size = sizeof o, .epochs = 3, .progress = change_other, .progress_user = ended[i]};
        CHECK_STATUS(b.ctx, aenc_fit(b.model, &b.x, &o), AENC_OK);
        CHECK(aenc_model_history_count(b.model) == 3); /* nothing was refused, which would have ended it */
    }
    aenc_model_free(student);
    aenc_model_free(other);
    world_free(&b);
}

int main(void) {
    struct world w;
    struct scene s;
    world_create(&w);
    scene_make(&s, &w);
    test_fit_options(&s);
    test_useless(&s);
    test_stacks(&s);
    test_pca(&s);
    test_pca_fits(&s);
    test_denoising(&w);
    test_classes(&w);
    test_makers(&s);
    test_sources(&s);
    test_others(&s);
    test_trained_before();
    scene_end(&s);
    world_free(&w);
    return check_finish();
}
