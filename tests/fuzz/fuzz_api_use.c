/* fuzz_api_use.c - the calls of use.h for target `api`: metrics, thresholds, detectors, codes, curves. */
#include "fuzz/fuzz_api.h"

#include <float.h>
#include <unistd.h>

enum { LABEL_BLOCK = 2, OUT_BLOCK = 3, AGAIN_BLOCK = 4, MORE_BLOCK = 5 };

static bool within(double x, double low, double high) { return x >= low && x <= high; }

/* ---- Metrics ---- */

struct judged {
    const float *score;
    const uint8_t *label;
    size_t count;
};

/* A column of scores, and labels of both kinds, mostly. */
static struct judged judged_make(struct calls *c) {
    aenc_matrix x = fuzz_api_table(c, 0, 1);
    unsigned how = next(c);
    uint32_t drawn = how;
    if (x.stride == 2 && x.rows > 0) x.rows = 2 * x.rows - 1; /* dense, all of it */
    uint8_t *label = fuzz_api_block(c, 1, x.rows);
    for (size_t i = 0; i < x.rows; i++) {
        drawn = drawn * 1664525u + 1013904223u;
        label[i] = (uint8_t)(how >= 0xF0 ? drawn >> 30 : drawn >> 31);
    }
    return (struct judged){how == 0xEF ? NULL : x.data, how == 0xEE ? NULL : label, x.rows};
}

/* Steps down the thresholds and up both rates, from nothing to everything. */
static void curve_look(struct calls *c, const struct judged *j, double auc) {
    size_t points = 0, again = 0;
    aenc_status status = aenc_curve(c->world.ctx, j->score, j->label, j->count, NULL, 0, &points);
    if (!fuzz_good(&c->world, status)) return;
    FUZZ_DEMAND(points >= 2 && points <= j->count + 1);
    size_t capacity = points - (next(c) > 0xF0);
    aenc_curve_point *p = fuzz_api_block(c, OUT_BLOCK, capacity * sizeof *p);
    status = aenc_curve(c->world.ctx, j->score, j->label, j->count, p, capacity, &again);
    FUZZ_DEMAND(capacity == points || status != AENC_OK);
    if (!fuzz_good(&c->world, status)) return;
    FUZZ_DEMAND(again == points && p[0].threshold == INFINITY && p[0].true_positive_rate == 0);
    double area = 0;
    for (size_t i = 1; i < points; i++) {
        double up = p[i].true_positive_rate - p[i - 1].true_positive_rate;
        double right = p[i].false_positive_rate - p[i - 1].false_positive_rate;
        FUZZ_DEMAND(p[i].threshold < p[i - 1].threshold && up >= 0 && right >= 0 && within(p[i].precision, 0, 1));
        area += right * (p[i].true_positive_rate + p[i - 1].true_positive_rate) / 2;
    }
    FUZZ_DEMAND(p[points - 1].true_positive_rate == 1 && p[points - 1].false_positive_rate == 1);
    FUZZ_DEMAND(fabs(area - auc) < 1e-9);
}

void fuzz_api_metrics(struct calls *c) {
    aenc_context *ctx = c->world.ctx;
    struct judged j = judged_make(c);
    double auc = -77, ap = -77, turned = -77, precision = -77, recall = -77;
    aenc_status status = aenc_roc_auc(ctx, j.score, j.label, j.count, &auc);
    FUZZ_DEMAND(status == AENC_OK ? within(auc, 0, 1) : isnan(auc));
    bool good = fuzz_good(&c->world, status);
    status = aenc_average_precision(ctx, j.score, j.label, j.count, &ap);
    FUZZ_DEMAND(status == AENC_OK ? within(ap, 0, 1) : isnan(ap));
    fuzz_good(&c->world, status);
    status = aenc_precision_recall(ctx, j.score, j.label, j.count, (double)next(c) / 100 - 1, &precision, &recall);
    FUZZ_DEMAND(status != AENC_OK || (within(precision, 0, 1) && within(recall, 0, 1)));
    fuzz_good(&c->world, status);
    if (!good) return;
    curve_look(c, &j, auc);
    float *minus = fuzz_api_block(c, MORE_BLOCK, j.count * sizeof *minus);
    for (size_t i = 0; i < j.count; i++) minus[i] = -j.score[i];
    status = aenc_roc_auc(ctx, minus, j.label, j.count, &turned);
    if (fuzz_good(&c->world, status)) FUZZ_DEMAND(fabs(auc + turned - 1) < 1e-9);
}

void fuzz_api_threshold(struct calls *c) {
    static const char *const specs[] = {
        "quantile", "quantile:q=0", "quantile:q=1", "quantile:q=0.5", "mad", "mad:k=0", "mad:k=1e300", "fpr", "fpr:rate=0.5",
        "fpr:rate=0.99", "pot", "pot:risk=1e-9,level=0.5", "pot:risk=0.9,level=0", "pot:risk=0.4", "mad:k=-1", "nothing", "", NULL,
    };
    const char *spec = specs[next(c) % (sizeof specs / sizeof *specs)];
    struct judged j = judged_make(c);
    double first = -77, second = -77;
    float low = INFINITY, high = -INFINITY;
    aenc_status status = aenc_threshold(c->world.ctx, spec, j.score, j.count, &first);
    fuzz_good(&c->world, status);
    FUZZ_DEMAND(status == AENC_OK ? isfinite(first) : isnan(first));
    aenc_status again = aenc_threshold(c->world.ctx, spec, j.score, j.count, &second);
    fuzz_good(&c->world, again);
    fuzz_api_again(c, status, again, &first, &second, sizeof first);
    if (status != AENC_OK) return;
    for (size_t i = 0; i < j.count; i++) low = fminf(low, j.score[i]), high = fmaxf(high, j.score[i]);
    if (spec == NULL || spec[0] == 'q') FUZZ_DEMAND(within(first, (double)low, (double)high));
}

/* ---- Detectors ---- */

void fuzz_api_detector_make(struct calls *c) {
    static const char *const thresholds[] = {NULL, "quantile:q=0.5", "mad", "pot", "fpr:rate=0.3", "none"};
    static const char *const scalings[] = {NULL, "standard:clip=2", "minmax", "robust", "standard", "none"};
    aenc_detector **slot = &c->detector[next(c) % SLOTS];
    unsigned how = next(c);
    aenc_matrix x = fuzz_api_table(c, 0, 1 + how % 4);
    aenc_detector_options options = {.struct_size = sizeof options, .steps = 1 + how / 4 % 4};
    options.threshold = thresholds[next(c) % 6];
    options.scaling = scalings[next(c) % 6];
    if ((how & 0x10) != 0) options.noise = (double)next(c) / 20 - 0.2;
    if ((how & 0x20) != 0) {
        static const char *const scores[] = {NULL, "elbo", "reconstruction", "kl", "typicality", "likelihood", "none"};
        options.bottleneck = (how & 0x40) != 0 ? "gaussian:units=2" : (how & 0x80) != 0 ? "gaussian" : "plain";
        options.score = scores[next(c) % 7];
        options.samples = how % 3;
    }
    aenc_detector_free(*slot);
    fuzz_made(&c->world, aenc_detector_create(c->world.ctx, &x, &options, slot), *slot);
    FUZZ_DEMAND(*slot == NULL || isfinite(aenc_detector_threshold(*slot)));
    FUZZ_DEMAND((aenc_detector_model(*slot) == NULL) == (*slot == NULL));
}

static int count_bytes(void *user, const void *data, size_t size) {
    size_t *sum = user;
    (void)data;
    *sum += size;
    return 0;
}

/* Its file, read again, scores with the same bits. */
static void detector_round(struct calls *c, aenc_detector *d, const aenc_matrix *x, const float *score) {
    aenc_detector *loaded = NULL;
    aenc_model *model = NULL;
    aenc_status status = aenc_detector_save(d, c->path);
    fuzz_api_told(c, d, status);
    if (status != AENC_OK) return;
    if (fuzz_made(&c->world, aenc_model_load(c->world.ctx, c->path, &model), model)) aenc_model_free(model);
    unsigned char bytes[256] = {0};
    size_t size = 0;
    fuzz_api_told(c, d, aenc_detector_save_memory(d, bytes, sizeof bytes, &size));
    FUZZ_DEMAND(size == 0 || size > sizeof bytes);
    FUZZ_DEMAND(aenc_detector_load_memory(c->world.ctx, bytes, sizeof bytes, &loaded) != AENC_OK && loaded == NULL);
    fuzz_api_told(c, d, aenc_detector_write(d, count_bytes, &size));
    if (!fuzz_made(&c->world, aenc_detector_load(c->world.ctx, c->path, &loaded), loaded)) return;
    struct room room = fuzz_api_room(c, MORE_BLOCK, x->rows);
    if (fuzz_api_filled(c, loaded, aenc_detector_score(loaded, x, room.at, room.floats), room))
        FUZZ_DEMAND(memcmp(score, room.at, x->rows * sizeof *score) == 0);
    FUZZ_DEMAND(aenc_detector_threshold(loaded) == aenc_detector_threshold(d));
    const char *spec = aenc_detector_threshold_spec(d), *read = aenc_detector_threshold_spec(loaded);
    FUZZ_DEMAND((spec == NULL) == (read == NULL) && (spec == NULL || strcmp(spec, read) == 0));
    FUZZ_DEMAND(aenc_detector_rows(loaded) == aenc_detector_rows(d));
    aenc_detector_free(loaded);
}

/* Of a row's features the scores add up to the row's, as far as rounding goes; no score is beyond the largest float. */
static void features_look(const aenc_matrix *x, const float *score, const float *feature) {
    for (size_t r = 0; r < x->rows; r++) {
        double sum = 0, size = 0;
        for (size_t j = 0; j < x->cols; j++) {
            sum += (double)feature[r * x->cols + j];
            size += fabs((double)feature[r * x->cols + j]);
        }
        FUZZ_DEMAND(score[r] == FLT_MAX || score[r] == -FLT_MAX || size >= (double)FLT_MAX ||
                    fabs(sum - (double)score[r]) <= 1e-4 * size + 1e-6);
    }
}

void fuzz_api_detector_use(struct calls *c) {
    aenc_detector *d = c->detector[next(c) % SLOTS];
    unsigned how = next(c);
    size_t cols = d == NULL ? 1 : aenc_model_input_size(aenc_detector_model(d));
    aenc_matrix x = fuzz_api_table(c, 0, cols + (how == 0xFF));
    if ((how & 0x10) != 0) fuzz_api_told(c, d, aenc_detector_set_threshold(d, how == 0xFE ? NAN : (double)next(c) / 30));
    struct room score = fuzz_api_room(c, OUT_BLOCK, x.rows);
    if (!fuzz_api_filled(c, d, aenc_detector_score(d, &x, score.at, score.floats), score)) return;
    for (size_t r = 0; r < x.rows; r++) FUZZ_DEMAND(score.at[r] >= 0);
    struct room room = fuzz_api_room(c, AGAIN_BLOCK, x.rows * x.cols);
    if (fuzz_api_filled(c, d, aenc_detector_score_features(d, &x, room.at, room.floats), room))
        features_look(&x, score.at, room.at);
    room = fuzz_api_room(c, AGAIN_BLOCK, x.rows);
    if (fuzz_api_filled(c, d, aenc_detector_probability(d, &x, room.at, room.floats), room))
        for (size_t r = 0; r < x.rows; r++) FUZZ_DEMAND(room.at[r] >= 0 && room.at[r] < 1);
    uint8_t *flag = fuzz_api_block(c, LABEL_BLOCK, x.rows);
    aenc_status status = aenc_detector_flag(d, &x, flag, x.rows);
    fuzz_api_told(c, d, status);
    for (size_t r = 0; r < x.rows && status == AENC_OK; r++)
        FUZZ_DEMAND(flag[r] == ((double)score.at[r] > aenc_detector_threshold(d)));
    if ((how & 0x20) != 0) detector_round(c, d, &x, score.at);
}

/* ---- Codes ---- */

static void codes_interpolate(struct calls *c, unsigned how, size_t cols) {
    aenc_matrix a = fuzz_api_table(c, 0, cols), b = fuzz_api_table(c, 1, cols);
    size_t steps = how >= 0xF0 ? how % 2 : 2 + how % 5;
    int32_t way = how % 3 == 0 ? 0 : how % 3 == 1 ? AENC_INTERPOLATE_LINEAR : how > 0xC0 ? 7 : AENC_INTERPOLATE_SPHERICAL;
    if (b.rows > a.rows) b.rows = a.rows;
    else if (next(c) < 0xF0) a.rows = b.rows;
    struct room room = fuzz_api_room(c, OUT_BLOCK, a.rows * steps * cols), more = fuzz_api_room(c, AGAIN_BLOCK, room.needed);
    aenc_status status = aenc_codes_interpolate(c->world.ctx, &a, &b, steps, way, room.at, room.floats);
    bool good = fuzz_api_filled(c, c->world.ctx, status, room);
    aenc_status again = aenc_codes_interpolate(c->world.ctx, &a, &b, steps, way, more.at, more.floats);
    fuzz_api_filled(c, c->world.ctx, again, more);
    if (room.floats == more.floats) fuzz_api_again(c, status, again, room.at, more.at, room.floats * sizeof(float));
    size_t stride = a.stride == 0 ? cols : a.stride;
    for (size_t r = 0; good && way == AENC_INTERPOLATE_LINEAR && r < a.rows; r++)
        for (size_t j = 0; j < cols; j++) FUZZ_DEMAND(room.at[r * steps * cols + j] == a.data[r * stride + j]);
}

static void codes_combine(struct calls *c, size_t cols) {
    aenc_matrix codes = fuzz_api_table(c, 0, cols), weights = fuzz_api_table(c, 1, codes.rows);
    struct room room = fuzz_api_room(c, OUT_BLOCK, weights.rows * cols);
    aenc_status status = aenc_codes_combine(c->world.ctx, &weights, &codes, room.at, room.floats);
    fuzz_api_filled(c, c->world.ctx, status, room);
}

static void codes_attribute(struct calls *c, unsigned how, size_t cols) {
    aenc_matrix codes = fuzz_api_table(c, 0, cols);
    const int32_t *labels = fuzz_api_labels(c, LABEL_BLOCK, codes.rows);
    struct room room = fuzz_api_room(c, OUT_BLOCK, cols);
    aenc_status status = aenc_codes_attribute(c->world.ctx, &codes, how == 0xFF ? NULL : labels,
                                              codes.rows - (how == 0xFD), (int32_t)(how % 3),
                                              (int32_t)(how / 3 % 3), room.at, room.floats);
    fuzz_api_filled(c, c->world.ctx, status, room);
}

/* Larger shares have larger quantiles, all of them between the least and the largest number of the column. */
static void codes_quantiles(struct calls *c, unsigned how, size_t cols) {
    const double shares[] = {0, 0.1, 0.5, 0.9, how == 0xFF ? 1.5 : 1};
    aenc_matrix x = fuzz_api_table(c, 0, cols);
    struct room room = fuzz_api_room(c, OUT_BLOCK, 5 * cols);
    aenc_status status = aenc_codes_quantiles(c->world.ctx, &x, shares, 5, room.at, room.floats);
    if (!fuzz_api_filled(c, c->world.ctx, status, room)) return;
    size_t stride = x.stride == 0 ? cols : x.stride;
    for (size_t j = 0; j < cols; j++) {
        float low = INFINITY, high = -INFINITY;
        for (size_t r = 0; r < x.rows; r++)
            low = fminf(low, x.data[r * stride + j]), high = fmaxf(high, x.data[r * stride + j]);
        FUZZ_DEMAND(room.at[j] == low && room.at[4 * cols + j] == high);
        for (size_t i = 1; i < 5; i++) FUZZ_DEMAND(room.at[(i - 1) * cols + j] <= room.at[i * cols + j]);
    }
}

static void codes_traverse(struct calls *c, unsigned how, size_t cols) {
    aenc_matrix code = fuzz_api_table(c, 0, cols), range = fuzz_api_table(c, 1, cols);
    size_t steps = how >= 0xF0 ? how % 2 : 2 + how % 5;
    if (how != 0xEF) code.rows = 1;
    if (range.rows > 1) range.rows = 2;
    struct room room = fuzz_api_room(c, OUT_BLOCK, cols * steps * cols);
    aenc_status status = aenc_codes_traverse(c->world.ctx, &code, &range, steps, room.at, room.floats);
    if (!fuzz_api_filled(c, c->world.ctx, status, room)) return;
    for (size_t i = 0; i < cols * steps; i++) /* only one element moves */
        for (size_t j = 0; j < cols; j++) FUZZ_DEMAND(i / steps == j || room.at[i * cols + j] == code.data[j]);
}

void fuzz_api_codes(struct calls *c) {
    unsigned which = next(c), how = next(c);
    size_t cols = which / 5 % 6 + (which < 0xF0);
    switch (which % 5) {
    case 0: codes_interpolate(c, how, cols); return;
    case 1: codes_combine(c, cols); return;
    case 2: codes_attribute(c, how, cols); return;
    case 3: codes_quantiles(c, how, cols); return;
    default: codes_traverse(c, how, cols);
    }
}

void fuzz_api_neighbours(struct calls *c) {
    unsigned how = next(c), more = next(c);
    aenc_matrix base = fuzz_api_table(c, 0, 1 + how % 4), query = fuzz_api_table(c, 1, 1 + how % 4);
    const aenc_matrix *asking = (how & 0x10) != 0 ? NULL : &query;
    size_t rows = asking == NULL ? base.rows : query.rows, k = more % 8, count = rows * k - (more == 0xFF && rows * k > 0);
    int32_t metric = (how & 0x20) != 0 ? AENC_DISTANCE_COSINE : (how & 0x40) != 0 ? 0 : AENC_DISTANCE_EUCLIDEAN;
    int64_t *index = fuzz_api_block(c, OUT_BLOCK, count * sizeof *index);
    float *distance = (how & 0x80) != 0 ? NULL : fuzz_api_block(c, AGAIN_BLOCK, count * sizeof *distance);
    aenc_status status = aenc_neighbours(c->world.ctx, &base, asking, k, metric, index, distance, count);
    FUZZ_DEMAND(status != AENC_OK || count == rows * k);
    if (!fuzz_good(&c->world, status)) return;
    for (size_t i = 0; i < count; i++) {
        FUZZ_DEMAND(index[i] >= 0 && (size_t)index[i] < base.rows && (asking != NULL || (size_t)index[i] != i / k));
        for (size_t j = i / k * k; j < i; j++) FUZZ_DEMAND(index[j] != index[i]);
        if (distance == NULL) continue;
        FUZZ_DEMAND(distance[i] >= 0 && (i % k == 0 || distance[i - 1] <= distance[i]));
        FUZZ_DEMAND(metric != AENC_DISTANCE_COSINE || distance[i] <= 2.000001f);
    }
}

void fuzz_api_kmeans(struct calls *c) {
    unsigned how = next(c);
    size_t cols = 1 + how % 3, clusters = (how >> 2) % 6;
    aenc_matrix x = fuzz_api_table(c, 0, cols);
    aenc_kmeans_options options = {.struct_size = sizeof options, .clusters = (int64_t)clusters,
                                   .restarts = how / 32 % 3, .iterations = next(c) % 5};
    struct room room = fuzz_api_room(c, OUT_BLOCK, clusters * cols), more = {NULL, room.floats, room.needed};
    int32_t *labels = fuzz_api_block(c, LABEL_BLOCK, x.rows * sizeof *labels);
    double inertia = -77, second = -77;
    aenc_status status = aenc_kmeans(c->world.ctx, &x, &options, room.at, room.floats, labels, x.rows, &inertia);
    bool good = fuzz_api_filled(c, c->world.ctx, status, room);
    more.at = fuzz_api_block(c, AGAIN_BLOCK, more.floats * sizeof(float));
    aenc_status again = aenc_kmeans(c->world.ctx, &x, &options, more.at, more.floats, NULL, 0, &second);
    fuzz_api_filled(c, c->world.ctx, again, more);
    fuzz_api_again(c, status, again, room.at, more.at, room.floats * sizeof(float));
    if (!good) return;
    FUZZ_DEMAND(inertia >= 0 && (again != AENC_OK || inertia == second));
    for (size_t r = 0; r < x.rows; r++) FUZZ_DEMAND(labels[r] >= 0 && labels[r] < options.clusters);
    for (size_t i = 0; i < room.needed; i++) FUZZ_DEMAND(isfinite(room.at[i]));
}

void fuzz_api_map(struct calls *c) {
    unsigned how = next(c);
    size_t cols = 1 + how % 3;
    aenc_matrix x = fuzz_api_table(c, 0, cols);
    aenc_tsne_options options = {.struct_size = sizeof options, .iterations = 1 + next(c) % 30,
                                 .theta = how / 4 % 3 == 0 ? 0 : 0.5, .perplexity = how / 16 % 4};
    struct room room = fuzz_api_room(c, OUT_BLOCK, x.rows * 2), more = {NULL, room.floats, room.needed};
    double divergence = -77, second = -77, trust = -77;
    aenc_status status = aenc_tsne(c->world.ctx, &x, &options, room.at, room.floats, &divergence);
    bool good = fuzz_api_filled(c, c->world.ctx, status, room);
    more.at = fuzz_api_block(c, AGAIN_BLOCK, more.floats * sizeof(float));
    aenc_status again = aenc_tsne(c->world.ctx, &x, &options, more.at, more.floats, &second);
    fuzz_api_filled(c, c->world.ctx, again, more);
    fuzz_api_again(c, status, again, room.at, more.at, room.floats * sizeof(float));
    if (!good) return;
    FUZZ_DEMAND(isfinite(divergence) && (again != AENC_OK || divergence == second));
    for (size_t i = 0; i < room.needed; i++) FUZZ_DEMAND(isfinite(room.at[i]));
    const aenc_matrix map = {room.at, x.rows, 2, 0};
    if (fuzz_good(&c->world, aenc_trustworthiness(c->world.ctx, &x, &map, 1 + how % 2, &trust)))
        FUZZ_DEMAND(trust >= -1e-9 && trust <= 1);
}

void fuzz_api_probe(struct calls *c) {
    static const char *const probes[] = {NULL, "softmax", "softmax:l2=0,iterations=3", "softmax:iterations=20", "knn", "knn:k=1",
                                         "knn:k=3,metric=cosine", "knn:k=99", "knn:k=2,metric=x", "other"};
    unsigned how = next(c);
    const char *probe = probes[next(c) % 10];
    aenc_matrix train = fuzz_api_table(c, 0, 1 + how % 4), test = fuzz_api_table(c, 1, 1 + how % 4);
    const int32_t *of_train = fuzz_api_labels(c, LABEL_BLOCK, train.rows), *of_test = fuzz_api_labels(c, MORE_BLOCK, test.rows);
    int32_t *predicted = fuzz_api_block(c, OUT_BLOCK, test.rows * sizeof *predicted);
    double accuracy = -77, second = -77, right = 0;
    aenc_status status = aenc_probe(c->world.ctx, probe, &train, of_train, train.rows, &test, of_test, test.rows, predicted,
                                    test.rows, &accuracy);
    bool good = fuzz_good(&c->world, status);
    aenc_status again = aenc_probe(c->world.ctx, probe, &train, of_train, train.rows, &test, of_test, test.rows, NULL, 0,
                                   &second);
    fuzz_good(&c->world, again);
    if (!good) return;
    fuzz_api_again(c, status, again, &accuracy, &second, sizeof accuracy);
    for (size_t r = 0; r < test.rows; r++) {
        size_t known = 0;
        while (known < train.rows && of_train[known] != predicted[r]) known++;
        FUZZ_DEMAND(known < train.rows);
        right += predicted[r] == of_test[r];
    }
    FUZZ_DEMAND(fabs(accuracy * (double)test.rows - right) < 1e-6);
}

/* ---- Curves ---- */

void fuzz_api_rates(struct calls *c) {
    aenc_model *m = *next_model(c);
    unsigned how = next(c);
    const double steps[] = {0.01, 0.5, how == 0xFF ? -1 : (double)how};
    aenc_matrix x = fuzz_api_table(c, 0, aenc_model_input_size(m));
    aenc_rate_point *p = fuzz_api_block(c, OUT_BLOCK, 3 * sizeof *p);
    memset(p, 0, 3 * sizeof *p);
    p[0].struct_size = how == 0xFE ? 3 : sizeof *p;
    aenc_status status = aenc_rate_distortion(m, &x, steps, 1 + how % 3, how == 0xFD ? NAN : (double)(how % 4), p);
    fuzz_api_told(c, m, status);
    for (size_t i = 0; status == AENC_OK && i < 1 + how % 3; i++) {
        FUZZ_DEMAND(p[i].step == steps[i] && p[i].bits >= 0 && p[i].bits <= log2((double)x.rows) + 1e-9);
        FUZZ_DEMAND(fabs(p[i].row_bits - p[i].bits * (double)aenc_model_code_size(m)) <= 1e-6 * (1 + p[i].row_bits));
        FUZZ_DEMAND(!(p[i].mse < 0));
    }
}

static int sweep_stop(void *user, const aenc_sweep_point *now) {
    unsigned how = *(const unsigned *)user;
    FUZZ_DEMAND(now->code > 0 && now->parameters > 0);
    return (how & 0x80) != 0;
}

void fuzz_api_sweep(struct calls *c) {
    static const size_t codes[] = {1, 2, 3, 0}, widths[] = {3};
    unsigned how = next(c);
    size_t cols = 1 + how % 4;
    aenc_matrix x = fuzz_api_table(c, 0, cols), test = fuzz_api_table(c, 1, cols);
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .batch = 8, .optimizer = fuzz_api_spec(c)};
    aenc_model_options model = {.struct_size = sizeof model, .encoder_widths = widths, .encoder_count = 1};
    model.loss = fuzz_api_spec(c);
    aenc_sweep_options options = {.struct_size = sizeof options, .codes = codes, .code_count = 1 + how / 4 % 3, .fit = &fit,
                                  .progress = sweep_stop, .progress_user = &how};
    if ((how & 0x10) != 0) options.test = &test;
    if ((how & 0x20) != 0) options.model = &model;
    if ((how & 0x40) != 0) fit.validation_fraction = 0.3;
    if (how == 0xFF) options.code_count = 4;
    aenc_sweep_point *p = fuzz_api_block(c, OUT_BLOCK, options.code_count * sizeof *p);
    memset(p, 0, options.code_count * sizeof *p);
    p[0].struct_size = sizeof *p;
    aenc_status status = aenc_sweep(c->world.ctx, &x, &options, p, options.code_count);
    if (!fuzz_good(&c->world, status)) return;
    for (size_t i = 0; i < ((how & 0x80) != 0 ? 1 : options.code_count); i++) {
        FUZZ_DEMAND(p[i].code == codes[i] && p[i].epochs == 1 && !(p[i].train < 0) && !(p[i].pca_train < 0));
        FUZZ_DEMAND((options.test != NULL) == !isnan(p[i].pca_test) || !isfinite(p[i].pca_train));
    }
}
