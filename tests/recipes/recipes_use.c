/* recipes_use.c - principal components, detectors, runners and what is done with codes. */
#include "recipes/recipes.h"

#include <stdlib.h>
#include <string.h>

/* ---- Principal components ---- */

static void pca_with(struct recipe_run *run, aenc_pca_options o, size_t row_count, int source) {
    aenc_model *model = NULL;
    aenc_source *rows = NULL;
    aenc_matrix x = recipe_x(run->data, row_count);
    o.struct_size = sizeof o;
    if (!source)
        recipe_good(run, aenc_pca_create(run->ctx, &x, &o, &model));
    else if (recipe_good(run, aenc_source_matrix(run->ctx, &x, &rows)))
        recipe_good(run, aenc_pca_create_source(run->ctx, rows, &o, &model));
    aenc_source_free(rows);
    recipe_finish(run, model, &x);
}

static void pca(struct recipe_run *run) { pca_with(run, (aenc_pca_options){.components = 5}, ROWS, 0); }
static void pca_share(struct recipe_run *run) { pca_with(run, (aenc_pca_options){.share = 0.8}, ROWS, 0); }
static void pca_gram(struct recipe_run *run) {
    pca_with(run, (aenc_pca_options){.components = 5, .method = "gram"}, COLS - 4, 0);
}
static void pca_incremental(struct recipe_run *run) {
    pca_with(run, (aenc_pca_options){.components = 5, .method = "incremental"}, ROWS, 0);
}
static void pca_whitened(struct recipe_run *run) {
    pca_with(run, (aenc_pca_options){.components = 4, .whiten = 1, .method = "covariance"}, ROWS, 0);
}
static void pca_source(struct recipe_run *run) { pca_with(run, (aenc_pca_options){.components = 5}, ROWS, 1); }

static void pca_partial_fit(struct recipe_run *run) {
    aenc_pca_options o = {.struct_size = sizeof o, .components = 5, .cols = COLS};
    aenc_model *model;
    aenc_matrix x = recipe_x(run->data, ROWS);
    if (!recipe_good(run, aenc_pca_create(run->ctx, NULL, &o, &model))) return;
    for (size_t first = 0; first < ROWS; first += 80) {
        aenc_matrix part = recipe_x(run->data, 80);
        part.data += first * COLS;
        recipe_good(run, aenc_partial_fit(model, &part, NULL));
    }
    recipe_finish(run, model, &x);
}

static void pca_fit(struct recipe_run *run) {
    aenc_pca_options o = {.struct_size = sizeof o, .components = 5};
    aenc_model *model;
    aenc_matrix x = recipe_x(run->data, ROWS), valid = recipe_valid(run->data);
    if (!recipe_good(run, aenc_pca_create(run->ctx, &valid, &o, &model))) return;
    recipe_good(run, aenc_fit(model, &x, NULL));
    recipe_finish(run, model, &x);
}

/* ---- Anomalies ---- */

static void detector_with(struct recipe_run *run, aenc_detector_options o) {
    aenc_detector *detector;
    aenc_matrix x = {run->data->raw, ROWS, COLS, 0};
    static float room[ROWS * COLS];
    uint8_t flags[ROWS];
    o.struct_size = sizeof o;
    o.steps = 60;
    if (!recipe_good(run, aenc_detector_create(run->ctx, &x, &o, &detector))) return;
    recipe_digest_weights(run, aenc_detector_model(detector));
    if (recipe_good(run, aenc_detector_score(detector, &x, room, ROWS)))
        recipe_digest(run, DIGEST_OUTPUTS, room, ROWS * sizeof *room);
    if (recipe_good(run, aenc_detector_score_features(detector, &x, room, ROWS * COLS)))
        recipe_digest(run, DIGEST_OUTPUTS, room, sizeof room);
    if (recipe_good(run, aenc_detector_probability(detector, &x, room, ROWS)))
        recipe_digest(run, DIGEST_OUTPUTS, room, ROWS * sizeof *room);
    if (recipe_good(run, aenc_detector_flag(detector, &x, flags, ROWS)))
        recipe_digest(run, DIGEST_OUTPUTS, flags, sizeof flags);
    double threshold = aenc_detector_threshold(detector);
    recipe_digest_doubles(run, DIGEST_OUTPUTS, &threshold, 1);
    aenc_detector_free(detector);
}

static void detector(struct recipe_run *run) { detector_with(run, (aenc_detector_options){0}); }
static void detector_robust(struct recipe_run *run) {
    detector_with(run, (aenc_detector_options){.scaling = "robust", .threshold = "mad:k=3", .noise = 0.5});
}

static void metrics(struct recipe_run *run) {
    static const char *const specs[] = {"quantile:q=0.9", "mad:k=2", "fpr:rate=0.05", "pot:risk=1e-2,level=0.9"};
    double values[6] = {0};
    uint8_t label[ROWS];
    for (size_t r = 0; r < ROWS; r++) label[r] = run->data->label[r] == 0;
    const float *score = run->data->x;
    recipe_good(run, aenc_roc_auc(run->ctx, score, label, ROWS, &values[0]));
    recipe_good(run, aenc_average_precision(run->ctx, score, label, ROWS, &values[1]));
    for (size_t i = 0; i < 4; i++) recipe_good(run, aenc_threshold(run->ctx, specs[i], score, ROWS, &values[2 + i]));
    recipe_digest_doubles(run, DIGEST_OUTPUTS, values, 6);
}

/* ---- Runners and other tasks of a model ---- */

static void runner_digest(struct recipe_run *run, aenc_model *model, int64_t task, int64_t rows, const aenc_matrix *x,
                          size_t floats) {
    aenc_runner_options o = {.struct_size = sizeof o, .rows = rows};
    static float room[ROWS * COLS];
    o.task = task;
    aenc_runner *runner;
    if (!recipe_good(run, aenc_runner_create(model, &o, &runner))) return;
    if (recipe_good(run, aenc_runner_run(runner, x, NULL, room, floats)))
        recipe_digest(run, DIGEST_OUTPUTS, room, floats * sizeof *room);
    aenc_runner_free(runner);
}

static aenc_model *trained(struct recipe_run *run, const char *scaling) {
    static const size_t input[] = {COLS}, widths[] = {16, CODE};
    aenc_model_options o = {.struct_size = sizeof o,
                            .input = input,
                            .input_rank = 1,
                            .encoder_widths = widths,
                            .encoder_count = 2,
                            .activation = "gelu",
                            .scaling = scaling};
    aenc_fit_options f = recipe_fit();
    aenc_matrix x = recipe_x(run->data, ROWS);
    aenc_model *model;
    if (recipe_good(run, aenc_model_create(run->ctx, &o, &model))) recipe_good(run, aenc_fit(model, &x, &f));
    return model;
}

static void runners(struct recipe_run *run) {
    aenc_model *model = trained(run, "standard");
    aenc_matrix x = recipe_x(run->data, ROWS), code = {run->data->part, ROWS, CODE, 0};
    if (model == NULL) return;
    runner_digest(run, model, AENC_RUN_ENCODE, 1, &x, ROWS * CODE);
    runner_digest(run, model, AENC_RUN_RECONSTRUCT, 32, &x, ROWS * COLS);
    runner_digest(run, model, AENC_RUN_DECODE, 5, &code, ROWS * COLS);
    runner_digest(run, model, AENC_RUN_SCORE, 64, &x, ROWS);
    runner_digest(run, model, AENC_RUN_SCORE_FEATURES, 0, &x, ROWS * COLS);
    recipe_finish(run, model, &x);
}

static void scores(struct recipe_run *run) {
    aenc_model *model = trained(run, NULL);
    aenc_matrix x = recipe_x(run->data, ROWS), inverse = {run->data->inverse, ROWS, COLS, 0};
    static float room[ROWS * COLS];
    if (model == NULL) return;
    if (recipe_good(run, aenc_score(model, &x, &inverse, room, ROWS)))
        recipe_digest(run, DIGEST_OUTPUTS, room, ROWS * sizeof *room);
    if (recipe_good(run, aenc_score_features(model, &x, &inverse, room, ROWS * COLS)))
        recipe_digest(run, DIGEST_OUTPUTS, room, sizeof room);
    if (recipe_good(run, aenc_denoising_score(model, &x, 0.3, room, ROWS * COLS)))
        recipe_digest(run, DIGEST_OUTPUTS, room, sizeof room);
    if (recipe_good(run, aenc_jacobian_norm(model, &x, room, ROWS)))
        recipe_digest(run, DIGEST_OUTPUTS, room, ROWS * sizeof *room);
    recipe_finish(run, model, &x);
}

/* ---- Codes ---- */

static void codes(struct recipe_run *run) {
    enum { STEPS = 5, PAIRS = 10, NEAR = 3 };
    aenc_model *model = trained(run, NULL);
    aenc_matrix a = recipe_x(run->data, PAIRS), b = a, code = {run->data->part, 1, CODE, 0};
    aenc_matrix parts = {run->data->part, ROWS, CODE, 0};
    b.data += PAIRS * COLS;
    static float room[ROWS * NEAR];
    int64_t index[ROWS * NEAR];
    static const double quantiles[] = {0.05, 0.95};
    float range[2 * CODE];
    if (model == NULL) return;
    if (recipe_good(run,
                    aenc_interpolate(model, &a, &b, STEPS, AENC_INTERPOLATE_SPHERICAL, room, PAIRS * STEPS * COLS)))
        recipe_digest(run, DIGEST_OUTPUTS, room, PAIRS * STEPS * COLS * sizeof *room);
    recipe_good(run, aenc_codes_quantiles(run->ctx, &parts, quantiles, 2, range, 2 * CODE));
    recipe_digest(run, DIGEST_OUTPUTS, range, sizeof range);
    aenc_matrix limits = {range, 2, CODE, 0};
    if (recipe_good(run, aenc_traverse(model, &code, &limits, STEPS, room, CODE * STEPS * COLS)))
        recipe_digest(run, DIGEST_OUTPUTS, room, CODE * STEPS * COLS * sizeof *room);
    if (recipe_good(run,
                    aenc_neighbours(run->ctx, &parts, NULL, NEAR, AENC_DISTANCE_COSINE, index, room, ROWS * NEAR))) {
        recipe_digest(run, DIGEST_OUTPUTS, index, sizeof index);
        recipe_digest(run, DIGEST_OUTPUTS, room, ROWS * NEAR * sizeof *room);
    }
    aenc_model_free(model);
}

static void kmeans(struct recipe_run *run) {
    aenc_kmeans_options o = {.struct_size = sizeof o, .clusters = 7, .restarts = 2, .iterations = 20};
    aenc_matrix x = recipe_x(run->data, ROWS);
    float centers[7 * COLS];
    int32_t labels[ROWS];
    double inertia;
    if (!recipe_good(run, aenc_kmeans(run->ctx, &x, &o, centers, 7 * COLS, labels, ROWS, &inertia))) return;
    recipe_digest(run, DIGEST_OUTPUTS, centers, sizeof centers);
    recipe_digest(run, DIGEST_OUTPUTS, labels, sizeof labels);
    recipe_digest_doubles(run, DIGEST_OUTPUTS, &inertia, 1);
}

static void probe_with(struct recipe_run *run, const char *spec) {
    aenc_matrix x = {run->data->part, ROWS, CODE, 0}, test = {run->data->part, VALID_ROWS, CODE, 0};
    int32_t predicted[VALID_ROWS], label[ROWS]; /* every fifth label is another one, so that the probes disagree */
    double accuracy;
    for (size_t r = 0; r < ROWS; r++) label[r] = r % 5 == 0 ? (int32_t)(r / 5 % CLASSES) : run->data->label[r];
    if (!recipe_good(run, aenc_probe(run->ctx, spec, &x, label, ROWS, &test, run->data->valid_label, VALID_ROWS,
                                     predicted, VALID_ROWS, &accuracy)))
        return;
    recipe_digest(run, DIGEST_OUTPUTS, predicted, sizeof predicted);
    recipe_digest_doubles(run, DIGEST_OUTPUTS, &accuracy, 1);
}

static void probe_softmax(struct recipe_run *run) { probe_with(run, NULL); }
static void probe_knn(struct recipe_run *run) { probe_with(run, "knn:k=3"); }

static void rate_distortion(struct recipe_run *run) {
    aenc_model *model = trained(run, NULL);
    aenc_matrix x = recipe_x(run->data, ROWS);
    static const double quantisers[] = {0.05, 0.2, 1};
    aenc_rate_point points[3] = {{.struct_size = sizeof *points}};
    if (model != NULL && recipe_good(run, aenc_rate_distortion(model, &x, quantisers, 3, 1, points)))
        for (size_t i = 0; i < 3; i++) {
            double values[] = {points[i].bits, points[i].row_bits, points[i].mse, points[i].psnr};
            recipe_digest_doubles(run, DIGEST_OUTPUTS, values, 4);
        }
    aenc_model_free(model);
}

static void sweep(struct recipe_run *run) {
    static const size_t sizes[] = {2, 5}, input[] = {COLS}, widths[] = {12};
    aenc_model_options mo = {
        .struct_size = sizeof mo, .input = input, .input_rank = 1, .encoder_widths = widths, .encoder_count = 1};
    aenc_fit_options f = recipe_fit();
    aenc_matrix x = recipe_x(run->data, ROWS), valid = recipe_valid(run->data);
    f.valid = &valid;
    aenc_sweep_options o = {
        .struct_size = sizeof o, .codes = sizes, .code_count = 2, .model = &mo, .fit = &f, .test = &valid};
    aenc_sweep_point points[2] = {{.struct_size = sizeof *points}};
    if (!recipe_good(run, aenc_sweep(run->ctx, &x, &o, points, 2))) return;
    for (size_t i = 0; i < 2; i++) {
        const aenc_sweep_point *p = &points[i];
        double values[] = {(double)p->code, p->train,     p->valid,    p->test,
                           p->pca_train,    p->pca_valid, p->pca_test, (double)p->epochs};
        recipe_digest_doubles(run, DIGEST_LOSSES, values, sizeof values / sizeof *values);
    }
}

static void angles(struct recipe_run *run) {
    aenc_pca_options o = {.struct_size = sizeof o, .components = 3};
    aenc_matrix x = recipe_x(run->data, ROWS), valid = recipe_valid(run->data);
    aenc_model *a = NULL, *b = NULL;
    double values[3];
    if (recipe_good(run, aenc_pca_create(run->ctx, &x, &o, &a)) &&
        recipe_good(run, aenc_pca_create(run->ctx, &valid, &o, &b)) &&
        recipe_good(run, aenc_subspace_angles(run->ctx, a, b, values, 3)))
        recipe_digest_doubles(run, DIGEST_OUTPUTS, values, 3);
    aenc_model_free(a);
    aenc_model_free(b);
}

const struct recipe use_recipes[] = {
    {"pca", pca, 1},
    {"pca_share", pca_share, 1},
    {"pca_gram", pca_gram, 1},
    {"pca_incremental", pca_incremental, 1},
    {"pca_whitened", pca_whitened, 1},
    {"pca_source", pca_source, 1},
    {"pca_partial_fit", pca_partial_fit, 1},
    {"pca_fit", pca_fit, 1},
    {"detector", detector, 0},
    {"detector_robust", detector_robust, 0},
    {"metrics", metrics, 1},
    {"runners", runners, 0},
    {"scores", scores, 0},
    {"codes", codes, 0},
    {"kmeans", kmeans, 0},
    {"probe_softmax", probe_softmax, 1},
    {"probe_knn", probe_knn, 1},
    {"rate_distortion", rate_distortion, 0},
    {"sweep", sweep, 0},
    {"angles", angles, 1},
    {0},
};
