/* mode_test.c - the program's rounding mode and exception masks: every call gives the bits that it gives under rounding to
 * nearest, whatever the caller's mode and on any number of threads; exceptions that the caller has unmasked do not end it; the
 * mode is the same after each call, and callbacks see it. */
#define _GNU_SOURCE

#include <fenv.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <autoenc/autoenc.h>
#include <autoenc/ops.h>

#include "check.h"

enum { ROWS = 300, COLS = 20, CODE = 4, NUMBERS = ROWS * COLS, BYTES = 1 << 17 };

static float data[NUMBERS], out[NUMBERS], codes[ROWS * CODE];
static uint8_t marks[ROWS], flags[ROWS];
static char folder[] = "/tmp/aenc_mode_test_XXXXXX", path[64];
static const aenc_matrix x = {data, ROWS, COLS, 0};

/* ---- The mode ---- */

enum { NOTHING = 0, EVERYTHING = FE_ALL_EXCEPT };
struct mode {
    int rounding;
    int traps; /* exceptions that end the program */
};

/* Where the C library or the processor has no traps: nothing is unmasked. */
static void traps_set(int traps) {
#if defined(__GLIBC__)
    (void)fedisableexcept(FE_ALL_EXCEPT);
    (void)feclearexcept(FE_ALL_EXCEPT);
    (void)feenableexcept(traps);
#else
    (void)traps;
#endif
}

static int traps_get(void) {
#if defined(__GLIBC__)
    return fegetexcept();
#else
    return NOTHING;
#endif
}

static void mode_set(struct mode mode) {
    traps_set(mode.traps);
    fesetround(mode.rounding);
}

static struct mode mode_get(void) { return (struct mode){fegetround(), traps_get()}; }

/* ---- One world ---- */

struct world {
    aenc_context *ctx;
    struct mode mode; /* that calls and callbacks are to find */
    atomic_bool kept; /* they did, on every thread */
    uint64_t sum;     /* of all that came out */
    int64_t called, failed;
};

static void see(struct world *w) {
    struct mode now = mode_get();
    if (now.rounding != w->mode.rounding || now.traps != w->mode.traps) atomic_store(&w->kept, false);
}

static void take(struct world *w, const void *bytes, size_t size) {
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++) w->sum = (w->sum ^ byte[i]) * UINT64_C(1099511628211);
}

/* After each call; false when it failed. */
static bool good(struct world *w, aenc_status status, const char *call) {
    see(w);
    if (status == AENC_OK) return true;
    fprintf(stderr, "  %s: %s\n", call, aenc_message(w->ctx));
    w->failed++;
    return false;
}

static int progress(void *user, const aenc_progress *now) {
    struct world *w = user;
    (void)now;
    see(w);
    w->called++;
    return 0;
}

static int layer_progress(void *user, int64_t layer, int64_t layers, const aenc_progress *now) {
    (void)layer;
    (void)layers;
    return progress(user, now);
}

static uint64_t position;
static int source_read(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    (void)target;
    (void)weight;
    see(user);
    *got = position + rows < ROWS ? rows : (size_t)(ROWS - position);
    memcpy(input, data + position * COLS, *got * COLS * sizeof *input);
    position += *got;
    return 0;
}

static int source_seek(void *user, uint64_t row) {
    see(user);
    position = row;
    return 0;
}

/* ---- What is called ---- */

static const char *const penalties[] = {"l1:weight=1e-3", "contractive:weight=0.01"}, *const corruptions[] = {"gaussian:sigma=0.1"};

static aenc_model *model_make(struct world *w) {
    static const size_t input[] = {COLS}, widths[] = {11, CODE};
    const aenc_model_options o = {.struct_size = sizeof o, .input = input, .input_rank = 1, .encoder_widths = widths,
                                  .encoder_count = 2, .activation = "tanh", .penalties = penalties, .penalty_count = 2,
                                  .corruptions = corruptions, .corruption_count = 1, .scaling = "standard"};
    aenc_model *model = NULL;
    (void)good(w, aenc_model_create(w->ctx, &o, &model), "model_create");
    return model;
}

static aenc_fit_options fit_options(struct world *w) {
    return (aenc_fit_options){.struct_size = sizeof(aenc_fit_options), .optimizer = "adam:lr=0.003", .schedule = "cosine",
                              .epochs = 2, .batch = 64, .clip_norm = 1, .progress = progress, .progress_user = w};
}

/* What was read from a model's bytes or text. */
static void take_copy(struct world *w, aenc_model *again) {
    static unsigned char bytes[BYTES];
    size_t size = 0;
    if (good(w, aenc_model_save_memory(again, bytes, BYTES, &size), "save_memory of a copy")) take(w, bytes, size);
    aenc_model_free(again);
}

static void take_model(struct world *w, aenc_model *model) {
    static unsigned char bytes[BYTES];
    size_t size = 0;
    aenc_model *again = NULL;
    if (good(w, aenc_model_save_memory(model, bytes, BYTES, &size), "save_memory")) take(w, bytes, size);
    if (good(w, aenc_model_load_memory(w->ctx, bytes, size, &again), "load_memory")) take_copy(w, again);
    if (good(w, aenc_model_save(model, path), "save") && good(w, aenc_model_load(w->ctx, path, &again), "load"))
        take_copy(w, again);
    remove(path);
    const char *description = aenc_model_description(model);
    if (good(w, aenc_model_parse(w->ctx, description, strlen(description), &again), "parse")) take_copy(w, again);
}

static void take_uses(struct world *w, aenc_model *model) {
    aenc_runner *runner = NULL;
    const aenc_runner_options o = {.struct_size = sizeof o, .task = AENC_RUN_SCORE};
    if (good(w, aenc_encode(model, &x, codes, ROWS * CODE), "encode")) take(w, codes, sizeof codes);
    if (good(w, aenc_reconstruct(model, &x, out, NUMBERS), "reconstruct")) take(w, out, sizeof out);
    if (good(w, aenc_score_features(model, &x, NULL, out, NUMBERS), "score_features")) take(w, out, sizeof out);
    if (good(w, aenc_jacobian_norm(model, &x, out, ROWS), "jacobian_norm")) take(w, out, ROWS * sizeof *out);
    if (good(w, aenc_score(model, &x, NULL, out, ROWS), "score")) take(w, out, ROWS * sizeof *out);
    if (good(w, aenc_runner_create(model, &o, &runner), "runner_create") &&
        good(w, aenc_runner_run(runner, &x, NULL, out, ROWS), "runner_run"))
        take(w, out, ROWS * sizeof *out);
    aenc_runner_free(runner);
}

static void use_curve(struct world *w) {
    static aenc_curve_point point[ROWS + 1];
    double value[2];
    size_t points = 0;
    if (good(w, aenc_curve(w->ctx, out, marks, ROWS, point, ROWS + 1, &points), "curve")) take(w, point, points * sizeof *point);
    if (good(w, aenc_precision_recall(w->ctx, out, marks, ROWS, 0.1, &value[0], &value[1]), "precision_recall"))
        take(w, value, sizeof value);
}

static void use_scores(struct world *w) {
    static const char *const specs[] = {"quantile:q=0.9", "mad:k=3", "pot:level=0.9"};
    double value;
    for (int i = 0; i < 3; i++)
        if (good(w, aenc_threshold(w->ctx, specs[i], out, ROWS, &value), specs[i])) take(w, &value, sizeof value);
    if (good(w, aenc_roc_auc(w->ctx, out, marks, ROWS, &value), "roc_auc")) take(w, &value, sizeof value);
    if (good(w, aenc_average_precision(w->ctx, out, marks, ROWS, &value), "average_precision")) take(w, &value, sizeof value);
    use_curve(w);
}

/* Rows of codes in `group`s. */
static void use_code_space(struct world *w, aenc_model *model, const int32_t *group) {
    static int32_t predicted[ROWS];
    const aenc_matrix m = {codes, ROWS, CODE, 0}, first = {codes, 1, CODE, 0}, two = {codes, 2, CODE, 0};
    const aenc_matrix some = {data, 3, COLS, 0}, weights = {data, 4, ROWS, 0};
    double value[CODE];
    if (good(w, aenc_decode(model, &m, out, NUMBERS), "decode")) take(w, out, sizeof out);
    if (good(w, aenc_denoising_score(model, &x, 0.3, out, NUMBERS), "denoising_score")) take(w, out, sizeof out);
    if (good(w, aenc_interpolate(model, &some, &some, 5, 0, out, NUMBERS), "interpolate")) take(w, out, 15 * COLS * sizeof *out);
    if (good(w, aenc_codes_combine(w->ctx, &weights, &m, out, NUMBERS), "combine")) take(w, out, 4 * CODE * sizeof *out);
    if (good(w, aenc_codes_attribute(w->ctx, &m, group, ROWS, 0, 1, out, CODE), "attribute")) take(w, out, CODE * sizeof *out);
    if (good(w, aenc_codes_traverse(w->ctx, &first, &two, 4, out, NUMBERS), "codes_traverse"))
        take(w, out, 4 * CODE * CODE * sizeof *out);
    if (good(w, aenc_traverse(model, &first, &two, 4, out, NUMBERS), "traverse")) take(w, out, 4 * CODE * COLS * sizeof *out);
    if (good(w, aenc_probe(w->ctx, NULL, &m, group, ROWS, &m, group, ROWS, predicted, ROWS, value), "probe")) {
        take(w, predicted, sizeof predicted);
        take(w, value, sizeof *value);
    }
    if (good(w, aenc_matrix_angles(w->ctx, &two, &two, value, 2), "matrix_angles")) take(w, value, 2 * sizeof *value);
}

static void use_codes(struct world *w, aenc_model *model) {
    static const double shares[] = {0.1, 0.5}, steps[] = {0.25, 0.5};
    static int64_t index[ROWS * 3];
    static int32_t group[ROWS];
    const aenc_matrix m = {codes, ROWS, CODE, 0};
    const aenc_kmeans_options o = {.struct_size = sizeof o, .clusters = 3};
    const aenc_tsne_options tsne = {.struct_size = sizeof tsne, .iterations = 20};
    aenc_rate_point rate[2] = {{.struct_size = sizeof *rate}};
    double inertia;
    if (good(w, aenc_codes_quantiles(w->ctx, &m, shares, 2, out, NUMBERS), "quantiles")) take(w, out, 2 * CODE * sizeof *out);
    if (good(w, aenc_codes_interpolate(w->ctx, &m, &m, 3, AENC_INTERPOLATE_SPHERICAL, out, NUMBERS), "interpolate"))
        take(w, out, 3 * ROWS * CODE * sizeof *out);
    if (good(w, aenc_neighbours(w->ctx, &m, &m, 3, AENC_DISTANCE_COSINE, index, out, ROWS * 3), "neighbours"))
        take(w, out, 3 * ROWS * sizeof *out);
    if (good(w, aenc_kmeans(w->ctx, &m, &o, out, NUMBERS, group, ROWS, &inertia), "kmeans")) take(w, group, sizeof group);
    if (good(w, aenc_tsne(w->ctx, &m, &tsne, out, NUMBERS, &inertia), "tsne")) take(w, out, 2 * ROWS * sizeof *out);
    if (good(w, aenc_trustworthiness(w->ctx, &m, &m, 5, &inertia), "trustworthiness")) take(w, &inertia, sizeof inertia);
    if (good(w, aenc_rate_distortion(model, &x, steps, 2, 1.0, rate), "rate")) take(w, rate, sizeof rate);
    use_code_space(w, model, group);
}

static void use_training(struct world *w) {
    aenc_model *a = model_make(w), *b = model_make(w);
    aenc_fit_options fit = fit_options(w);
    const aenc_distill_options distill = {.struct_size = sizeof distill, .fit = &fit};
    fit.validation_fraction = 0.2;
    (void)good(w, aenc_fit(a, &x, &fit), "fit");
    take_model(w, a);
    take_uses(w, a);
    use_scores(w);
    use_codes(w, a);
    fit.validation_fraction = 0;
    (void)good(w, aenc_distill(b, a, &x, &distill), "distill");
    take_model(w, b);
    fit.schedule = NULL;
    fit.epochs = 0;
    (void)good(w, aenc_partial_fit(b, &x, &fit), "partial_fit");
    take_model(w, b);
    aenc_model_free(a);
    aenc_model_free(b);
}

static void use_layers(struct world *w, int64_t read_ahead) {
    aenc_model *model = model_make(w);
    aenc_source *source = NULL;
    const aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = COLS, .rows = ROWS, .read = source_read,
                                             .seek = source_seek, .user = w, .read_ahead = read_ahead};
    aenc_fit_options fit = fit_options(w);
    (void)good(w, aenc_source_callback(w->ctx, &callbacks, &source), "source");
    (void)good(w, aenc_fit_source(model, source, &fit), "fit_source");
    fit.progress = NULL;
    const aenc_pretrain_options pretrain = {.struct_size = sizeof pretrain, .fit = &fit, .progress = layer_progress,
                                            .progress_user = w};
    (void)good(w, aenc_pretrain(model, &x, &pretrain), "pretrain");
    take_model(w, model);
    aenc_source_free(source);
    aenc_model_free(model);
}

static void use_loop(struct world *w) {
    aenc_model *model = model_make(w);
    aenc_optimizer *optimizer = NULL;
    const aenc_batch batch = {.struct_size = sizeof batch, .input = x};
    double loss;
    (void)good(w, aenc_optimizer_create(model, "rmsprop:lr=0.01", &optimizer), "optimizer_create");
    if (good(w, aenc_model_step(model, optimizer, &batch, &loss), "step")) take(w, &loss, sizeof loss);
    if (good(w, aenc_model_gradients(model, &batch, &loss), "gradients")) take(w, &loss, sizeof loss);
    (void)good(w, aenc_optimizer_apply(optimizer), "apply");
    if (good(w, aenc_model_evaluate(model, &batch, &loss), "evaluate")) take(w, &loss, sizeof loss);
    if (good(w, aenc_check_gradients(model, &batch, NULL, &loss, NULL), "check_gradients")) take(w, &loss, sizeof loss);
    take_model(w, model);
    aenc_optimizer_free(optimizer);
    aenc_model_free(model);
}

static void use_classes(struct world *w) {
    static const char text[] = "{\"input\":[20],\"encoder\":{\"type\":\"dense\",\"units\":4,\"activation\":\"tanh\"},"
                               "\"loss\":\"cross_entropy:classes=3\"}";
    static int32_t labels[ROWS];
    aenc_model *model = NULL;
    double share;
    (void)good(w, aenc_model_parse(w->ctx, text, sizeof text - 1, &model), "parse");
    if (good(w, aenc_class_probabilities(model, &x, out, NUMBERS), "probabilities")) take(w, out, 3 * ROWS * sizeof *out);
    if (good(w, aenc_classify(model, &x, labels, ROWS), "classify")) take(w, labels, sizeof labels);
    labels[0] = !labels[0];
    if (good(w, aenc_accuracy(model, &x, labels, ROWS, &share), "accuracy")) take(w, &share, sizeof share);
    aenc_model_free(model);
}

static void use_sweep(struct world *w) {
    static const size_t sizes[] = {2}, input[] = {COLS};
    const aenc_model_options of_model = {.struct_size = sizeof of_model, .input = input, .input_rank = 1};
    const aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1};
    const aenc_sweep_options o = {.struct_size = sizeof o, .codes = sizes, .code_count = 1, .model = &of_model, .fit = &fit};
    aenc_sweep_point point = {.struct_size = sizeof point};
    if (good(w, aenc_sweep(w->ctx, &x, &o, &point, 1), "sweep")) take(w, &point, sizeof point);
}

static aenc_node *layer_none(void *user, aenc_recorder *r, aenc_node *in) {
    (void)user, (void)r;
    return in;
}

/* The numbers of a message are computed, too. */
static void use_refusals(struct world *w) {
    static const aenc_setting rate = {"rate", 0.3, 0.7, 0.9, 0};
    const aenc_plugin plugin = {.struct_size = sizeof plugin, .kind = AENC_PLUGIN_LAYER, .name = "plug", .layer = layer_none,
                                .settings = &rate, .setting_count = 1};
    aenc_layer *layer = NULL;
    double value;
    for (int i = 0; i < 3; i++) {
        aenc_status status = i == 0   ? aenc_register(w->ctx, &plugin)
                             : i == 1 ? aenc_layer_create(w->ctx, "dropout:rate=1.1", &layer)
                                      : aenc_threshold(w->ctx, "quantile:q=-0.7", out, ROWS, &value);
        see(w);
        w->failed += status != AENC_ERR_ARGUMENT;
        take(w, aenc_message(w->ctx), strlen(aenc_message(w->ctx)));
    }
    w->failed += layer != NULL;
}

static void use_closed_forms(struct world *w) {
    aenc_model *a = NULL, *b = NULL;
    aenc_detector *detector = NULL;
    double angle[CODE];
    const aenc_pca_options o = {.struct_size = sizeof o, .components = CODE, .method = "covariance"};
    const aenc_pca_options p = {.struct_size = sizeof p, .components = CODE, .method = "incremental"};
    const aenc_detector_options d = {.struct_size = sizeof d, .steps = 20};
    if (good(w, aenc_pca_create(w->ctx, &x, &o, &a), "pca_create")) take_model(w, a);
    if (good(w, aenc_pca_create(w->ctx, &x, &p, &b), "pca_create")) take_model(w, b);
    if (good(w, aenc_subspace_angles(w->ctx, a, b, angle, CODE), "angles")) take(w, angle, sizeof angle);
    if (good(w, aenc_detector_create(w->ctx, &x, &d, &detector), "detector_create") &&
        good(w, aenc_detector_score(detector, &x, out, ROWS), "detector_score"))
        take(w, out, ROWS * sizeof *out);
    if (good(w, aenc_detector_probability(detector, &x, out, ROWS), "probability")) take(w, out, ROWS * sizeof *out);
    if (good(w, aenc_detector_save(detector, path), "detector_save")) {
        aenc_detector_free(detector);
        (void)good(w, aenc_detector_load(w->ctx, path, &detector), "detector_load");
        remove(path);
    }
    if (good(w, aenc_detector_score_features(detector, &x, out, NUMBERS), "detector_score_features")) take(w, out, sizeof out);
    if (good(w, aenc_detector_flag(detector, &x, flags, ROWS), "flag")) take(w, flags, sizeof flags);
    if (good(w, aenc_detector_set_threshold(detector, 0.1), "set_threshold") &&
        good(w, aenc_detector_flag(detector, &x, flags, ROWS), "flag"))
        take(w, flags, sizeof flags);
    aenc_detector_free(detector);
    aenc_model_free(a);
    aenc_model_free(b);
}

/* Everything that came out; 0 after a failure. */
static uint64_t everything(int64_t threads, struct mode mode) {
    struct world w = {.mode = mode, .kept = true, .sum = UINT64_C(14695981039346656037)};
    const aenc_context_options o = {.struct_size = sizeof o, .seed = 5, .threads = threads};
    mode_set(mode);
    w.mode.traps = traps_get(); /* what there is of them */
    (void)good(&w, aenc_context_create(&o, &w.ctx), "context_create");
    use_training(&w);
    use_layers(&w, 0);
    use_layers(&w, 1);
    use_loop(&w);
    use_closed_forms(&w);
    use_classes(&w);
    use_sweep(&w);
    use_refusals(&w);
    aenc_context_free(w.ctx);
    see(&w);
    mode_set((struct mode){FE_TONEAREST, NOTHING});
    CHECK(atomic_load(&w.kept));
    CHECK(w.called > 20);
    CHECK(w.failed == 0);
    return w.sum;
}

int main(void) {
    const struct mode plain = {FE_TONEAREST, NOTHING};
    const struct mode modes[] = {{FE_UPWARD, NOTHING}, {FE_DOWNWARD, NOTHING}, {FE_TOWARDZERO, NOTHING},
                                 {FE_TONEAREST, EVERYTHING}, {FE_UPWARD, EVERYTHING}};
    if (!CHECK(mkdtemp(folder) != NULL)) return check_finish();
    snprintf(path, sizeof path, "%s/m", folder);
    for (size_t i = 0; i < NUMBERS; i++) data[i] = (float)((i * 31) % 101) / 101.0f + (float)((i / COLS * i) % 7) / 9.0f;
    for (size_t r = 0; r < ROWS; r++) marks[r] = r % 9 == 0;
    const uint64_t want = everything(1, plain);
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++)
        for (int64_t threads = 1; threads <= 3; threads++)
            if (!CHECK(everything(threads, modes[m]) == want))
                fprintf(stderr, "  rounding %d, traps %d, %d threads\n", modes[m].rounding, modes[m].traps, (int)threads);
    CHECK(rmdir(folder) == 0);
    return check_finish();
}
