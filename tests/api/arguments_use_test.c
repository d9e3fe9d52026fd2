/* arguments_use_test.c - every call of use.h and ops.h that answers a status, with one argument wrong: arguments_test.c. */
#include "api/wrong.h"

static const uint8_t label[WORLD_ROWS] = {0, 1, 0, 1};
static const int32_t labels[WORLD_ROWS] = {0, 1, 0, 1};

static void test_metrics(struct wrong *s) {
    static const float score[WORLD_ROWS] = {1, 2, 3, 4}, bad[WORLD_ROWS] = {1, (float)NAN, 3, 4};
    double out;
    aenc_curve_point point[8];
    size_t points;
    WRONG(aenc_roc_auc(s->ctx, NULL, label, 4, &out), "score is NULL");
    WRONG(aenc_roc_auc(s->ctx, score, NULL, 4, &out), "label is NULL");
    WRONG(aenc_roc_auc(s->ctx, score, label, 0, &out), "count");
    WRONG(aenc_roc_auc(s->ctx, score, label, 4, NULL), "out is NULL");
    WRONG(aenc_roc_auc(s->ctx, bad, label, 4, &out), "score[1]");
    MUTE(aenc_roc_auc(NULL, score, label, 4, &out));
    WRONG(aenc_average_precision(s->ctx, NULL, label, 4, &out), "score is NULL");
    WRONG(aenc_average_precision(s->ctx, score, NULL, 4, &out), "label is NULL");
    WRONG(aenc_average_precision(s->ctx, score, label, SIZE_MAX, &out), "count");
    WRONG(aenc_average_precision(s->ctx, score, label, 4, NULL), "out is NULL");
    WRONG(aenc_average_precision(s->ctx, bad, label, 4, &out), "score[1]");
    MUTE(aenc_average_precision(NULL, score, label, 4, &out));
    WRONG(aenc_curve(s->ctx, NULL, label, 4, point, 8, &points), "score is NULL");
    WRONG(aenc_curve(s->ctx, score, NULL, 4, point, 8, &points), "label is NULL");
    WRONG(aenc_curve(s->ctx, score, label, 0, point, 8, &points), "count");
    WRONG(aenc_curve(s->ctx, score, label, 4, point, 1, &points), "out");
    WRONG(aenc_curve(s->ctx, score, label, 4, point, 8, NULL), "points is NULL");
    WRONG(aenc_curve(s->ctx, bad, label, 4, point, 8, &points), "score[1]");
    MUTE(aenc_curve(NULL, score, label, 4, point, 8, &points));
    WRONG(aenc_precision_recall(s->ctx, NULL, label, 4, 1, &out, &out), "score is NULL");
    WRONG(aenc_precision_recall(s->ctx, score, NULL, 4, 1, &out, &out), "label is NULL");
    WRONG(aenc_precision_recall(s->ctx, score, label, 0, 1, &out, &out), "count");
    WRONG(aenc_precision_recall(s->ctx, score, label, 4, (double)NAN, &out, &out), "threshold");
    WRONG(aenc_precision_recall(s->ctx, bad, label, 4, 1, &out, &out), "score[1]");
    MUTE(aenc_precision_recall(NULL, score, label, 4, 1, &out, &out));
    WRONG(aenc_threshold(s->ctx, NULL, NULL, 4, &out), "score is NULL");
    WRONG(aenc_threshold(s->ctx, NULL, score, 0, &out), "count");
    WRONG(aenc_threshold(s->ctx, NULL, score, 4, NULL), "out is NULL");
    WRONG(aenc_threshold(s->ctx, "odd", score, 4, &out), "unknown threshold 'odd'");
    WRONG(aenc_threshold(s->ctx, "quantile:q=2", score, 4, &out), "threshold 'quantile': setting 'q' is 2");
    WRONG(aenc_threshold(s->ctx, NULL, bad, 4, &out), "score[1]");
    MUTE(aenc_threshold(NULL, NULL, score, 4, &out));
}

static void test_detector(struct wrong *s) {
    aenc_detector *d, *none;
    size_t size;
    uint8_t flags[WORLD_ROWS];
    const aenc_detector_options unset = {.struct_size = 0}, noise = {sizeof noise, .noise = (double)NAN}, steps = {sizeof steps, .steps = -1},
                                odd = {sizeof odd, .threshold = "odd", .steps = 2}, scaling = {sizeof scaling, .scaling = "odd"},
                                short_one = {sizeof short_one, .steps = 2};
    for (int i = 0; i < BAD_COLS; i++) WRONG(aenc_detector_create(s->ctx, s->bad[i], NULL, &none), "x");
    WRONG(aenc_detector_create(s->ctx, s->x, &unset, &none), "aenc_detector_options.struct_size");
    WRONG(aenc_detector_create(s->ctx, s->x, &noise, &none), "aenc_detector_options.noise");
    WRONG(aenc_detector_create(s->ctx, s->x, &steps, &none), "aenc_detector_options.steps");
    WRONG(aenc_detector_create(s->ctx, s->x, &odd, &none), "unknown threshold 'odd'");
    WRONG(aenc_detector_create(s->ctx, s->x, &scaling, &none), "unknown scaling 'odd'");
    WRONG(aenc_detector_create(s->ctx, s->x, NULL, NULL), "out is NULL");
    MUTE(aenc_detector_create(NULL, s->x, NULL, &none));
    CHECK_STATUS(s->ctx, aenc_detector_create(s->ctx, s->x, &short_one, &d), AENC_OK);
    for (int i = 0; i < BAD; i++) {
        WRONG(aenc_detector_score(d, s->bad[i], s->out, 256), "x");
        WRONG(aenc_detector_score_features(d, s->bad[i], s->out, 256), "x");
        WRONG(aenc_detector_probability(d, s->bad[i], s->out, 256), "x");
        WRONG(aenc_detector_flag(d, s->bad[i], flags, 4), "x");
    }
    for (int i = 0; i < 2; i++) {
        WRONG(aenc_detector_score(d, s->x, i == 0 ? NULL : s->out, 2), "out");
        WRONG(aenc_detector_score_features(d, s->x, i == 0 ? NULL : s->out, 2), "out");
        WRONG(aenc_detector_probability(d, s->x, i == 0 ? NULL : s->out, 2), "out");
        WRONG(aenc_detector_flag(d, s->x, i == 0 ? NULL : flags, 2), i == 0 ? "out is NULL" : "out|bytes");
    }
    WRONG(aenc_detector_set_threshold(d, (double)NAN), "threshold");
    WRONG(aenc_detector_save(d, NULL), "path is NULL");
    WRONG(aenc_detector_save(d, "no/such/file"), "cannot create 'no/such/");
    WRONG(aenc_detector_write(d, NULL, NULL), "write is NULL");
    WRONG(aenc_detector_save_memory(d, NULL, 0, NULL), "size is NULL");
    WRONG(aenc_detector_save_memory(d, flags, 4, &size), "capacity");
    WRONG(aenc_detector_load_memory(s->ctx, NULL, 1, &none), "bytes is NULL");
    WRONG(aenc_detector_load_memory(s->ctx, flags, 4, NULL), "out is NULL");
    WRONG(aenc_detector_load_memory(s->ctx, flags, 4, &none), "the detector in memory");
    MUTE(aenc_detector_write(NULL, NULL, NULL));
    MUTE(aenc_detector_save_memory(NULL, NULL, 0, &size));
    MUTE(aenc_detector_load_memory(NULL, flags, 4, &none));
    WRONG(aenc_detector_load(s->ctx, NULL, &none), "path is NULL");
    WRONG(aenc_detector_load(s->ctx, "no/such/file", &none), "cannot open 'no/such/file'");
    WRONG(aenc_detector_load(s->ctx, "no/such/file", NULL), "out is NULL");
    MUTE(aenc_detector_score(NULL, s->x, s->out, 256));
    MUTE(aenc_detector_score_features(NULL, s->x, s->out, 256));
    MUTE(aenc_detector_probability(NULL, s->x, s->out, 256));
    MUTE(aenc_detector_flag(NULL, s->x, flags, 4));
    MUTE(aenc_detector_set_threshold(NULL, 1));
    MUTE(aenc_detector_save(NULL, "no/such/file"));
    MUTE(aenc_detector_load(NULL, "no/such/file", &none));
    aenc_detector_free(d);
}

static void test_ways(struct wrong *s) {
    const aenc_matrix range = {s->w.data, 2, WORLD_COLS, 0}, one = {s->w.data, 1, WORLD_COLS, 0}, square = {s->w.data, 1, 4, 0},
                      ends = {s->w.data, 2, WORLD_CODE, 0}, code = {s->w.data, 1, WORLD_CODE, 0};
    const double share = 0.5, wrong = (double)NAN;
    float *out = s->out;
    for (int i = 0; i < BAD; i++) {
        WRONG(aenc_interpolate(s->model, s->bad[i], s->x, 3, 0, out, 256), "a");
        WRONG(aenc_interpolate(s->model, s->x, s->bad[i], 3, 0, out, 256), "b");
        WRONG(aenc_codes_interpolate(s->ctx, s->x, s->bad[i], 3, 0, out, 256), "b");
        WRONG(aenc_codes_combine(s->ctx, s->bad[i], s->x, out, 256), "weights");
        WRONG(aenc_codes_traverse(s->ctx, &one, s->bad[i], 3, out, 256), "range");
        WRONG(aenc_traverse(s->model, s->bad[i], &ends, 3, out, 256), "code");
        WRONG(aenc_traverse(s->model, &code, s->bad[i], 3, out, 256), "range");
        if (i == BAD_COLS) continue;
        WRONG(aenc_codes_interpolate(s->ctx, s->bad[i], s->x, 3, 0, out, 256), "a");
        WRONG(aenc_codes_combine(s->ctx, &square, s->bad[i], out, 256), "codes");
        WRONG(aenc_codes_attribute(s->ctx, s->bad[i], labels, 4, 0, 1, out, 256), "codes");
        WRONG(aenc_codes_quantiles(s->ctx, s->bad[i], &share, 1, out, 256), "codes");
        WRONG(aenc_codes_traverse(s->ctx, s->bad[i], &range, 3, out, 256), "code");
    }
    for (int i = 0; i < 2; i++) {
        out = i == 0 ? NULL : s->out;
        WRONG(aenc_codes_interpolate(s->ctx, s->x, s->x, 3, 0, out, 2), "out");
        WRONG(aenc_interpolate(s->model, s->x, s->x, 3, 0, out, 2), "out");
        WRONG(aenc_codes_combine(s->ctx, &square, s->x, out, 2), "out");
        WRONG(aenc_codes_attribute(s->ctx, s->x, labels, 4, 0, 1, out, 2), "out");
        WRONG(aenc_codes_quantiles(s->ctx, s->x, &share, 1, out, 2), "out");
        WRONG(aenc_codes_traverse(s->ctx, &one, &range, 3, out, 2), "out");
        WRONG(aenc_traverse(s->model, &code, &ends, 3, out, 2), "out");
    }
    for (size_t steps = 0; steps < 2; steps++) {
        WRONG(aenc_codes_interpolate(s->ctx, s->x, s->x, steps, 0, out, 256), "steps");
        WRONG(aenc_interpolate(s->model, s->x, s->x, steps, 0, out, 256), "steps");
        WRONG(aenc_codes_traverse(s->ctx, &one, &range, steps, out, 256), "steps");
        WRONG(aenc_traverse(s->model, &code, &ends, steps, out, 256), "steps");
    }
    WRONG(aenc_codes_interpolate(s->ctx, s->x, s->x, 3, 7, out, 256), "way");
    WRONG(aenc_interpolate(s->model, s->x, s->x, 3, 7, out, 256), "way");
    WRONG(aenc_codes_interpolate(s->ctx, s->x, &one, 3, 0, out, 256), "b");
    WRONG(aenc_codes_attribute(s->ctx, s->x, NULL, 4, 0, 1, out, 256), "labels is NULL");
    WRONG(aenc_codes_attribute(s->ctx, s->x, labels, 3, 0, 1, out, 256), "label_count");
    WRONG(aenc_codes_attribute(s->ctx, s->x, labels, 4, 0, 9, out, 256), "no row has the label 9");
    WRONG(aenc_codes_quantiles(s->ctx, s->x, NULL, 1, out, 256), "shares is NULL");
    WRONG(aenc_codes_quantiles(s->ctx, s->x, &wrong, 1, out, 256), "shares[0]");
    WRONG(aenc_codes_traverse(s->ctx, s->x, &range, 3, out, 256), "code");
    WRONG(aenc_codes_traverse(s->ctx, &one, &one, 3, out, 256), "range");
    MUTE(aenc_codes_interpolate(NULL, s->x, s->x, 3, 0, out, 256));
    MUTE(aenc_interpolate(NULL, s->x, s->x, 3, 0, out, 256));
    MUTE(aenc_codes_combine(NULL, s->x, s->x, out, 256));
    MUTE(aenc_codes_attribute(NULL, s->x, labels, 4, 0, 1, out, 256));
    MUTE(aenc_codes_quantiles(NULL, s->x, &share, 1, out, 256));
    MUTE(aenc_codes_traverse(NULL, &one, &range, 3, out, 256));
    MUTE(aenc_traverse(NULL, &code, &ends, 3, out, 256));
}

static void test_maps(struct wrong *s) {
    const aenc_tsne_options unset = {0}, few = {sizeof few, .perplexity = 0.5}, many = {sizeof many, .perplexity = 4},
                            wide = {sizeof wide, .theta = 0.8}, less = {sizeof less, .theta = -0.1}, back = {sizeof back, .iterations = -1};
    const aenc_matrix map = {s->out, 3, 2, 0};
    double value;
    for (int i = 0; i < BAD; i++) {
        if (i != BAD_COLS) WRONG(aenc_tsne(s->ctx, s->bad[i], NULL, s->out, 256, &value), "x");
        if (i != BAD_COLS) WRONG(aenc_trustworthiness(s->ctx, s->bad[i], s->x, 1, &value), "x");
        if (i != BAD_COLS) WRONG(aenc_trustworthiness(s->ctx, s->x, s->bad[i], 1, &value), "map");
    }
    WRONG(aenc_tsne(s->ctx, s->x, &unset, s->out, 256, &value), "aenc_tsne_options.struct_size");
    WRONG(aenc_tsne(s->ctx, s->x, &few, s->out, 256, &value), "aenc_tsne_options.perplexity");
    WRONG(aenc_tsne(s->ctx, s->x, &many, s->out, 256, &value), "aenc_tsne_options.perplexity");
    WRONG(aenc_tsne(s->ctx, s->x, &wide, s->out, 256, &value), "aenc_tsne_options.theta");
    WRONG(aenc_tsne(s->ctx, s->x, &less, s->out, 256, &value), "aenc_tsne_options.theta");
    WRONG(aenc_tsne(s->ctx, s->x, &back, s->out, 256, &value), "aenc_tsne_options.iterations");
    WRONG(aenc_tsne(s->ctx, s->x, NULL, NULL, 256, &value), "out is NULL");
    WRONG(aenc_tsne(s->ctx, s->x, NULL, s->out, 7, &value), "out");
    WRONG(aenc_trustworthiness(s->ctx, s->x, &map, 1, &value), "map has 3 rows");
    WRONG(aenc_trustworthiness(s->ctx, s->x, s->x, 0, &value), "k is 0");
    WRONG(aenc_trustworthiness(s->ctx, s->x, s->x, 2, &value), "k is 2");
    WRONG(aenc_trustworthiness(s->ctx, s->x, s->x, 1, NULL), "out is NULL");
    MUTE(aenc_tsne(NULL, s->x, NULL, s->out, 256, &value));
    MUTE(aenc_trustworthiness(NULL, s->x, s->x, 1, &value));
}

static void test_groups(struct wrong *s) {
    int64_t index[16];
    int32_t found[WORLD_ROWS];
    double value;
    const aenc_kmeans_options good = {.struct_size = sizeof good, .clusters = 2}, unset = {.clusters = 2}, none = {sizeof none, .clusters = 0},
                              many = {sizeof many, .clusters = 9}, restarts = {sizeof restarts, .clusters = 2, .restarts = -1},
                              iterations = {sizeof iterations, .clusters = 2, .iterations = -1};
    float *out = s->out;
    for (int i = 0; i < BAD; i++) {
        if (i != BAD_NULL) WRONG(aenc_neighbours(s->ctx, s->x, s->bad[i], 1, 0, index, NULL, 16), "query");
        WRONG(aenc_probe(s->ctx, NULL, s->x, labels, 4, s->bad[i], labels, 4, NULL, 0, &value), "test");
        if (i == BAD_COLS) continue;
        WRONG(aenc_neighbours(s->ctx, s->bad[i], s->x, 1, 0, index, NULL, 16), "base");
        WRONG(aenc_kmeans(s->ctx, s->bad[i], &good, out, 256, NULL, 0, &value), "x");
        WRONG(aenc_probe(s->ctx, NULL, s->bad[i], labels, 4, s->x, labels, 4, NULL, 0, &value), "train");
    }
    WRONG(aenc_neighbours(s->ctx, s->x, NULL, 1, 0, NULL, NULL, 16), "index is NULL");
    WRONG(aenc_neighbours(s->ctx, s->x, NULL, 0, 0, index, NULL, 16), "k");
    WRONG(aenc_neighbours(s->ctx, s->x, NULL, 4, 0, index, NULL, 16), "k");
    WRONG(aenc_neighbours(s->ctx, s->x, NULL, 1, 7, index, NULL, 16), "metric");
    WRONG(aenc_neighbours(s->ctx, s->x, NULL, 1, 0, index, NULL, 3), "count");
    WRONG(aenc_kmeans(s->ctx, s->x, NULL, out, 256, NULL, 0, &value), "options is NULL");
    WRONG(aenc_kmeans(s->ctx, s->x, &unset, out, 256, NULL, 0, &value), "aenc_kmeans_options.struct_size");
    WRONG(aenc_kmeans(s->ctx, s->x, &none, out, 256, NULL, 0, &value), "aenc_kmeans_options.clusters");
    WRONG(aenc_kmeans(s->ctx, s->x, &many, out, 256, NULL, 0, &value), "aenc_kmeans_options.clusters");
    WRONG(aenc_kmeans(s->ctx, s->x, &restarts, out, 256, NULL, 0, &value), "aenc_kmeans_options.restarts");
    WRONG(aenc_kmeans(s->ctx, s->x, &iterations, out, 256, NULL, 0, &value), "aenc_kmeans_options.iterations");
    WRONG(aenc_kmeans(s->ctx, s->x, &good, NULL, 256, NULL, 0, &value), "centers is NULL");
    WRONG(aenc_kmeans(s->ctx, s->x, &good, out, 2, NULL, 0, &value), "centers");
    WRONG(aenc_kmeans(s->ctx, s->x, &good, out, 256, found, 3, &value), "label_count");
    WRONG(aenc_probe(s->ctx, NULL, s->x, NULL, 4, s->x, labels, 4, NULL, 0, &value), "train_labels is NULL");
    WRONG(aenc_probe(s->ctx, NULL, s->x, labels, 4, s->x, NULL, 4, NULL, 0, &value), "test_labels is NULL");
    WRONG(aenc_probe(s->ctx, NULL, s->x, labels, 3, s->x, labels, 4, NULL, 0, &value), "train_count");
    WRONG(aenc_probe(s->ctx, NULL, s->x, labels, 4, s->x, labels, 3, NULL, 0, &value), "test_count");
    WRONG(aenc_probe(s->ctx, NULL, s->x, labels, 4, s->x, labels, 4, found, 3, &value), "predicted_count");
    WRONG(aenc_probe(s->ctx, NULL, s->x, labels, 4, s->x, labels, 4, NULL, 0, NULL), "accuracy is NULL");
    WRONG(aenc_probe(s->ctx, "odd", s->x, labels, 4, s->x, labels, 4, NULL, 0, &value), "unknown probe 'odd'");
    WRONG(aenc_probe(s->ctx, "knn:k=0", s->x, labels, 4, s->x, labels, 4, NULL, 0, &value), "probe 'knn': setting 'k' is 0");
    test_maps(s);
    MUTE(aenc_neighbours(NULL, s->x, NULL, 1, 0, index, NULL, 16));
    MUTE(aenc_kmeans(NULL, s->x, &good, out, 256, NULL, 0, &value));
    MUTE(aenc_probe(NULL, NULL, s->x, labels, 4, s->x, labels, 4, NULL, 0, &value));
}

static void test_curves(struct wrong *s) {
    static const size_t size = 2, zero = 0;
    static const double step = 1, bad_step = (double)NAN;
    aenc_rate_point rate = {.struct_size = sizeof rate}, rate_unset = {.struct_size = 0};
    aenc_sweep_point point = {.struct_size = sizeof point}, unset_point = {.struct_size = 0};
    const aenc_sweep_options good = {.struct_size = sizeof good, .codes = &size, .code_count = 1}, unset = {.codes = &size},
                             none = {sizeof none, .code_count = 1}, empty = {sizeof empty, .codes = &zero, .code_count = 1};
    for (int i = 0; i < BAD; i++) {
        WRONG(aenc_rate_distortion(s->model, s->bad[i], &step, 1, 0, &rate), "x");
        const aenc_sweep_options test = {.struct_size = sizeof test, .codes = &size, .code_count = 1, .test = s->bad[i]};
        if (i != BAD_NULL) WRONG(aenc_sweep(s->ctx, s->x, &test, &point, 1), "test");
        if (i != BAD_COLS) WRONG(aenc_sweep(s->ctx, s->bad[i], &good, &point, 1), "x");
    }
    WRONG(aenc_rate_distortion(s->model, s->x, NULL, 1, 0, &rate), "steps is NULL");
    WRONG(aenc_rate_distortion(s->model, s->x, &bad_step, 1, 0, &rate), "steps[0]");
    WRONG(aenc_rate_distortion(s->model, s->x, &step, 1, (double)NAN, &rate), "peak");
    WRONG(aenc_rate_distortion(s->model, s->x, &step, 1, 0, NULL), "out is NULL");
    WRONG(aenc_rate_distortion(s->model, s->x, &step, 1, 0, &rate_unset), "out[0].struct_size|aenc_rate_point");
    WRONG(aenc_sweep(s->ctx, s->x, NULL, &point, 1), "options is NULL");
    WRONG(aenc_sweep(s->ctx, s->x, &unset, &point, 1), "aenc_sweep_options.struct_size");
    WRONG(aenc_sweep(s->ctx, s->x, &none, &point, 1), "aenc_sweep_options.codes is NULL");
    WRONG(aenc_sweep(s->ctx, s->x, &empty, &point, 1), "aenc_sweep_options.codes[0]");
    WRONG(aenc_sweep(s->ctx, s->x, &good, NULL, 1), "out is NULL");
    WRONG(aenc_sweep(s->ctx, s->x, &good, &unset_point, 1), "out[0].struct_size|aenc_sweep_point");
    WRONG(aenc_sweep(s->ctx, s->x, &good, &point, 0), "out_count");
    MUTE(aenc_rate_distortion(NULL, s->x, &step, 1, 0, &rate));
    MUTE(aenc_sweep(NULL, s->x, &good, &point, 1));
}

/* ---- Plug-ins ---- */

static aenc_node *same(void *user, aenc_recorder *recorder, aenc_node *x) {
    (void)user;
    return aenc_node_affine(recorder, x, 1, 0);
}

static void test_plugins(struct wrong *s) {
    static const aenc_setting twice[] = {{.name = "a"}, {.name = "a"}}, outside[] = {{.name = "a", .fallback = 3, .low = 0, .high = 1}};
    const aenc_plugin good = {.struct_size = sizeof good, .kind = AENC_PLUGIN_LAYER, .name = "same", .layer = same};
    aenc_plugin bad[9];
    static const char *const places[9] = {
        "aenc_plugin.struct_size", "aenc_plugin.kind", "aenc_plugin.name", "layer 'same': aenc_plugin.layer is NULL",
        "aenc_plugin.unit_target", "layer 'same': aenc_plugin.mirror_role", "layer 'same': settings[1].name",
        "layer 'same': setting 'a'", "layer 'same': aenc_plugin.settings"};
    for (int i = 0; i < 9; i++) bad[i] = good;
    bad[0].struct_size = 0;
    bad[1].kind = 7;
    bad[2].name = "no name";
    bad[3].layer = NULL;
    bad[4].unit_target = 1;
    bad[5].mirror_role = 7;
    bad[6].settings = twice, bad[6].setting_count = 2;
    bad[7].settings = outside, bad[7].setting_count = 1;
    bad[8].setting_count = 3;
    for (int i = 0; i < 9; i++) WRONG(aenc_register(s->ctx, &bad[i]), places[i]);
    WRONG(aenc_register(s->ctx, NULL), "plugin is NULL");
    MUTE(aenc_register(NULL, &good));
}

static void test_gradients(struct wrong *s) {
    double worst;
    const aenc_batch good = {.struct_size = sizeof good, .input = *s->x}, unset = {.input = *s->x};
    const aenc_gradient_check none = {.struct_size = 0}, step = {sizeof step, .step = (double)NAN};
    for (int i = 1; i < BAD; i++) {
        const aenc_batch batch = {.struct_size = sizeof batch, .input = *s->bad[i]};
        WRONG(aenc_check_gradients(s->model, &batch, NULL, &worst, NULL), "aenc_batch.input");
    }
    WRONG(aenc_check_gradients(s->model, NULL, NULL, &worst, NULL), "batch is NULL");
    WRONG(aenc_check_gradients(s->model, &unset, NULL, &worst, NULL), "aenc_batch.struct_size");
    WRONG(aenc_check_gradients(s->model, &good, &none, &worst, NULL), "aenc_gradient_check.struct_size");
    WRONG(aenc_check_gradients(s->model, &good, &step, &worst, NULL), "aenc_gradient_check: step");
    WRONG(aenc_check_gradients(s->model, &good, NULL, NULL, NULL), "worst is NULL");
    MUTE(aenc_check_gradients(NULL, &good, NULL, &worst, NULL));
}

int main(void) {
    struct wrong s;
    wrong_create(&s);
    test_metrics(&s);
    test_detector(&s);
    test_ways(&s);
    test_groups(&s);
    test_curves(&s);
    test_plugins(&s);
    test_gradients(&s);
    world_free(&s.w);
    return check_finish();
}
