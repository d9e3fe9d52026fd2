/* detector_test.c - detectors: what they find, that the energy of Gaussian data is the Mahalanobis distance, features that add
 * up, the same bits on any number of threads and from a file, units that do not matter, cells that are out by orders of
 * magnitude, columns without spread, files of format 1, and what is refused. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/memory.h"
#include "io/written.h"
#include "model/model.h"
#include "use/detector.h"

enum { ROWS = 600, COLS = 4, ODD = 12 };

struct scene {
    struct memory memory;
    aenc_context *ctx;
    float data[ROWS * COLS];
    uint8_t odd[ROWS];
    aenc_matrix x;
};

/* Two correlated pairs in units of their own; ODD rows break the correlation, each value by itself being ordinary. */
static void scene_make(struct scene *scene, int64_t threads, double unit) {
    uint32_t bits[AENC_NORMALS];
    memset(scene, 0, sizeof *scene);
    scene->ctx = memory_context(&scene->memory, 7, threads);
    for (int r = 0; r < ROWS; r++) {
        struct draw draw = {1, aenc_random_stream("rows"), 0, 0, (uint64_t)r};
        float normal[AENC_NORMALS] = {0};
        aenc_random_bits(&draw, 0, bits, AENC_NORMALS);
        aenc_kernels()->random->normals(normal, bits, 1, AENC_NORMALS);
        bool odd = r % (ROWS / ODD) == 3;
        float *row = scene->data + r * COLS;
        double a = (double)normal[0], b = (double)normal[1], sign = odd ? -1 : 1;
        if (odd) a = a < 0 ? a - 1.5 : a + 1.5;
        row[0] = (float)(unit * 100 * a), row[1] = (float)(unit * (5 + a * sign + 0.2 * (double)normal[2]));
        row[2] = (float)(unit * 0.01 * b), row[3] = (float)(unit * (b + 0.2 * (double)normal[3]));
        scene->odd[r] = odd;
    }
    scene->x = (aenc_matrix){scene->data, ROWS, COLS, 0};
}

static void scene_end(struct scene *scene) {
    aenc_context_free(scene->ctx);
    memory_check_empty(&scene->memory);
}

static aenc_detector *detector_make(struct scene *scene, const char *threshold) {
    aenc_detector *detector = NULL;
    aenc_detector_options options = {.struct_size = sizeof options, .threshold = threshold};
    CHECK_STATUS(scene->ctx, aenc_detector_create(scene->ctx, &scene->x, &options, &detector), AENC_OK);
    return detector;
}

static void check_found(void) {
    struct scene scene;
    float score[ROWS], chance[ROWS], feature[ROWS * COLS];
    uint8_t flag[ROWS];
    double auc;
    scene_make(&scene, 2, 1);
    aenc_detector *d = detector_make(&scene, "quantile:q=0.98");
    CHECK_STATUS(scene.ctx, aenc_detector_score(d, &scene.x, score, ROWS), AENC_OK);
    CHECK_STATUS(scene.ctx, aenc_detector_probability(d, &scene.x, chance, ROWS), AENC_OK);
    CHECK_STATUS(scene.ctx, aenc_detector_flag(d, &scene.x, flag, ROWS), AENC_OK);
    CHECK_STATUS(scene.ctx, aenc_detector_score_features(d, &scene.x, feature, ROWS * COLS), AENC_OK);
    CHECK_STATUS(scene.ctx, aenc_roc_auc(scene.ctx, score, scene.odd, ROWS, &auc), AENC_OK);
    CHECK(auc > 0.95);
    int flagged = 0;
    for (int r = 0; r < ROWS; r++) {
        double sum = 0;
        for (int c = 0; c < COLS; c++) sum += (double)feature[r * COLS + c];
        CHECK_NEAR(sum, (double)score[r], 1e-4 + 1e-5 * fabs((double)score[r]));
        CHECK(chance[r] >= 0 && chance[r] < 1);
        if (r > 0 && score[r] > score[r - 1]) CHECK(chance[r] >= chance[r - 1]);
        CHECK(flag[r] == ((double)score[r] > aenc_detector_threshold(d)));
        flagged += flag[r];
    }
    CHECK(flagged == ROWS * 2 / 100);
    CHECK((double)(float)aenc_detector_threshold(d) == aenc_detector_threshold(d)); /* as exact in text as a score */
    CHECK_STATUS(scene.ctx, aenc_detector_set_threshold(d, 1e9), AENC_OK);
    CHECK_STATUS(scene.ctx, aenc_detector_flag(d, &scene.x, flag, ROWS), AENC_OK);
    CHECK(memchr(flag, 1, ROWS) == NULL);
    aenc_detector_free(d);
    scene_end(&scene);
}

/* Half the Mahalanobis distance of a standardised Gaussian with noise 1 added, by hand for two pairs of columns: the inverse of
 * ((2, p), (p, 2)). A network that was trained for 2000 steps comes close in rank and size. */
static void check_gaussian(void) {
    struct scene scene;
    float score[ROWS];
    double difference = 0, size = 0, mean[COLS] = {0}, deviation[COLS] = {0}, pair[2] = {0};
    scene_make(&scene, 1, 1);
    aenc_detector *d = NULL;
    aenc_detector_options options = {.struct_size = sizeof options, .steps = 2000};
    CHECK_STATUS(scene.ctx, aenc_detector_create(scene.ctx, &scene.x, &options, &d), AENC_OK);
    CHECK_STATUS(scene.ctx, aenc_detector_score(d, &scene.x, score, ROWS), AENC_OK);
    for (int i = 0; i < ROWS * COLS; i++) mean[i % COLS] += (double)scene.data[i] / ROWS;
    for (int i = 0; i < ROWS * COLS; i++) deviation[i % COLS] += pow((double)scene.data[i] - mean[i % COLS], 2) / ROWS;
    for (int c = 0; c < COLS; c++) deviation[c] = sqrt(deviation[c]);
#define UNIT(r, c) (((double)scene.data[(r) * COLS + (c)] - mean[c]) / deviation[c])
    for (int r = 0; r < ROWS; r++)
        for (int k = 0; k < 2; k++) pair[k] += UNIT(r, 2 * k) * UNIT(r, 2 * k + 1) / ROWS;
    for (int r = 0; r < ROWS; r++) {
        double want = 0;
        for (int k = 0; k < 2; k++) {
            double a = UNIT(r, 2 * k), b = UNIT(r, 2 * k + 1), p = pair[k];
            want += (2 * a * a - 2 * p * a * b + 2 * b * b) / (4 - p * p) / 2;
        }
        difference += fabs((double)score[r] - want);
        size += want;
    }
    if (!CHECK(difference / size < 0.25)) fprintf(stderr, "  off by %.3f of the mean\n", difference / size);
    aenc_detector_free(d);
    scene_end(&scene);
}

/* Threads, units that are powers of two, and a file. */
static void check_same(void) {
    float score[4][ROWS];
    char path[64];
    snprintf(path, sizeof path, "detector_test.%ld.safetensors", (long)getpid());
    for (int i = 0; i < 3; i++) {
        struct scene scene;
        scene_make(&scene, i == 1 ? 3 : 1, i == 2 ? 1024 : 1);
        aenc_detector *d = detector_make(&scene, NULL), *loaded = NULL;
        CHECK_STATUS(scene.ctx, aenc_detector_score(d, &scene.x, score[i], ROWS), AENC_OK);
        if (i == 0) {
            aenc_model *model = NULL;
            CHECK_STATUS(scene.ctx, aenc_detector_save(d, path), AENC_OK);
            CHECK_STATUS(scene.ctx, aenc_detector_load(scene.ctx, path, &loaded), AENC_OK);
            CHECK_STATUS(scene.ctx, aenc_detector_score(loaded, &scene.x, score[3], ROWS), AENC_OK);
            CHECK(aenc_detector_threshold(loaded) == aenc_detector_threshold(d));
            CHECK_STATUS(scene.ctx, aenc_model_load(scene.ctx, path, &model), AENC_OK);
            CHECK_STATUS(scene.ctx, aenc_model_save(model, path), AENC_OK);
            aenc_detector_free(loaded);
            CHECK_STATUS(scene.ctx, aenc_detector_load(scene.ctx, path, &loaded), AENC_ERR_FORMAT);
            CHECK(loaded == NULL && strstr(aenc_message(scene.ctx), "no detector") != NULL);
            aenc_model_free(model);
            remove(path);
        }
        aenc_detector_free(d);
        scene_end(&scene);
    }
    for (int i = 1; i < 4; i++) CHECK(memcmp(score[0], score[i], sizeof score[0]) == 0);
}

static void check_refusals(void) {
    struct scene scene;
    float score[ROWS], constant[ROWS] = {0};
    aenc_detector *d = NULL;
    aenc_detector_options bad = {.struct_size = sizeof bad, .threshold = "quantil"};
    scene_make(&scene, 1, 1);
    const struct {
        aenc_detector_options options;
        aenc_status want;
        const char *word;
    } cases[] = {{{.struct_size = sizeof bad, .threshold = "quantil"}, AENC_ERR_ARGUMENT, "quantil"},
                 {{.struct_size = sizeof bad, .scaling = "z"}, AENC_ERR_ARGUMENT, "scaling 'z'"},
                 {{.struct_size = sizeof bad, .noise = -1}, AENC_ERR_ARGUMENT, "noise is -1"},
                 {{.struct_size = sizeof bad, .noise = NAN}, AENC_ERR_ARGUMENT, "noise"},
                 {{.struct_size = sizeof bad, .steps = -5}, AENC_ERR_ARGUMENT, "steps is -5"},
                 {{.struct_size = sizeof bad, .threshold = "fpr:rate=1e-4", .steps = 1}, AENC_ERR_ARGUMENT, "9999"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_STATUS(scene.ctx, aenc_detector_create(scene.ctx, &scene.x, &cases[i].options, &d), cases[i].want);
        CHECK(d == NULL);
        if (!CHECK(strstr(aenc_message(scene.ctx), cases[i].word) != NULL)) fprintf(stderr, "  %s\n", aenc_message(scene.ctx));
    }
    aenc_matrix flat = {constant, ROWS / COLS, COLS, 0}, narrow = {scene.data, ROWS, COLS - 1, COLS}, one = scene.x;
    one.rows = 1;
    CHECK_STATUS(scene.ctx, aenc_detector_create(scene.ctx, &flat, NULL, &d), AENC_ERR_ARGUMENT); /* all scores equal */
    CHECK_STATUS(scene.ctx, aenc_detector_create(scene.ctx, &one, NULL, &d), AENC_ERR_ARGUMENT);  /* too few */
    CHECK_STATUS(scene.ctx, aenc_detector_create(scene.ctx, NULL, NULL, &d), AENC_ERR_ARGUMENT);
    CHECK(d == NULL && aenc_detector_create(NULL, &scene.x, NULL, &d) == AENC_ERR_ARGUMENT);
    scene.data[5] = NAN;
    CHECK_STATUS(scene.ctx, aenc_detector_create(scene.ctx, &scene.x, NULL, &d), AENC_ERR_NONFINITE);
    scene.data[5] = 1;
    d = detector_make(&scene, NULL);
    CHECK_STATUS(scene.ctx, aenc_detector_score(d, &narrow, score, ROWS), AENC_ERR_SHAPE);
    CHECK_STATUS(scene.ctx, aenc_detector_score(d, &scene.x, score, ROWS - 1), AENC_ERR_SHAPE);
    CHECK_STATUS(scene.ctx, aenc_detector_score_features(d, &scene.x, score, ROWS), AENC_ERR_SHAPE);
    CHECK_STATUS(scene.ctx, aenc_detector_probability(d, NULL, score, ROWS), AENC_ERR_ARGUMENT);
    CHECK_STATUS(scene.ctx, aenc_detector_flag(d, &scene.x, NULL, ROWS), AENC_ERR_ARGUMENT);
    CHECK_STATUS(scene.ctx, aenc_detector_set_threshold(d, NAN), AENC_ERR_NONFINITE);
    CHECK_STATUS(scene.ctx, aenc_detector_save(d, NULL), AENC_ERR_ARGUMENT);
    CHECK_STATUS(scene.ctx, aenc_detector_save(d, "no/such/place"), AENC_ERR_IO);
    CHECK(aenc_detector_score(NULL, &scene.x, score, ROWS) == AENC_ERR_ARGUMENT);
    CHECK(isnan(aenc_detector_threshold(NULL)) && aenc_detector_model(NULL) == NULL && aenc_detector_model(d) != NULL);
    aenc_detector_free(d);
    aenc_detector_free(NULL);
    scene_end(&scene);
}

/* Files that hold a detector's values beside a model that can be none. */
static void check_hostile(void) {
    static const char *const models[] = {
        "{\"input\":[4],\"encoder\":\"%\",\"loss\":\"cross_entropy:classes=400\",\"scaling\":\"standard\"}",
        "{\"input\":[4],\"encoder\":\"%\",\"loss\":\"cross_entropy:classes=4\",\"scaling\":\"standard\"}",
        "{\"input\":[4],\"encoder\":\"%\",\"loss\":\"gaussian_nll\",\"scaling\":\"standard\"}",
        "{\"input\":[4],\"encoder\":\"%\"}",
    };
    static const char dense[] = "{\"type\":\"dense\",\"units\":2}";
    struct metadata_entry values = {"autoenc.detector", "{\"format\":1,\"threshold\":1,\"center\":0,\"spread\":1}"};
    struct scene scene;
    char path[64], text[512];
    float score[ROWS * COLS];
    scene_make(&scene, 1, 1);
    snprintf(path, sizeof path, "detector_test.%ld.hostile", (long)getpid());
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        aenc_model *model = NULL;
        aenc_detector *d = NULL;
        void *bytes = NULL;
        size_t size = 0;
        const char *hole = strstr(models[i], "\"%\"");
        snprintf(text, sizeof text, "%.*s%s%s", (int)(hole - models[i]), models[i], dense, hole + 3);
        CHECK_STATUS(scene.ctx, aenc_model_parse(scene.ctx, text, strlen(text), &model), AENC_OK);
        CHECK_STATUS(scene.ctx, written_model(model, &values, &bytes, &size), AENC_OK);
        FILE *file = fopen(path, "wb");
        CHECK(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
        CHECK_STATUS(scene.ctx, aenc_detector_load(scene.ctx, path, &d), AENC_ERR_FORMAT);
        if (!CHECK(strstr(aenc_message(scene.ctx), "is no detector: its model") != NULL))
            fprintf(stderr, "  %s\n", aenc_message(scene.ctx));
        if (d != NULL) aenc_detector_score_features(d, &scene.x, score, ROWS * COLS); /* what it would have broken */
        aenc_detector_free(d);
        aenc_release(scene.ctx, bytes);
        aenc_model_free(model);
    }
    remove(path);
    scene_end(&scene);
}

/* One cell of the training rows far out, in either direction and under every scaling: its row has the highest score, no score is
 * below 0, and what the other rows are worth hardly changes. */
static void check_extreme(void) {
    static const char *const scalings[] = {"standard", "minmax", "robust", "minmax:clip=false", "standard:clip=0"};
    static float plain[ROWS], score[ROWS];
    for (int i = 0; i < 30; i++) {
        struct scene scene;
        aenc_detector *d = NULL;
        int row = 17 * i % ROWS, column = i % COLS;
        const char *scaling = scalings[i % 5];
        float far = (float)(pow(10, 2 + i % 5) * (i % 2 == 0 ? 1 : -1));
        aenc_detector_options options = {.struct_size = sizeof options, .scaling = scaling, .steps = 200};
        scene_make(&scene, 1, 1);
        CHECK_STATUS(scene.ctx, aenc_detector_create(scene.ctx, &scene.x, &options, &d), AENC_OK);
        CHECK_STATUS(scene.ctx, aenc_detector_score(d, &scene.x, plain, ROWS), AENC_OK);
        aenc_detector_free(d);
        scene.data[row * COLS + column] = far * (float)(column == 0 ? 100 : column == 2 ? 0.01 : 1);
        CHECK_STATUS(scene.ctx, aenc_detector_create(scene.ctx, &scene.x, &options, &d), AENC_OK);
        CHECK_STATUS(scene.ctx, aenc_detector_score(d, &scene.x, score, ROWS), AENC_OK);
        double moved = 0, size = 0;
        for (int r = 0; r < ROWS; r++) {
            CHECK(score[r] >= 0 && plain[r] >= 0);
            if (r == row) continue;
            if (!CHECK(score[r] < score[row])) fprintf(stderr, "  %s, %g\n", scaling, (double)far);
            moved += fabs((double)(score[r] - plain[r]));
            size += (double)plain[r];
        }
        if (!CHECK(moved < 0.25 * size)) fprintf(stderr, "  %s: others moved by %.3f\n", scaling, moved / size);
        aenc_detector_free(d);
        scene_end(&scene);
    }
}

/* Beyond a column's bounds a score grows with every step outwards, up to what a float holds. */
static void check_monotone(void) {
    struct scene scene;
    float row[COLS], before, now;
    double probability = 0;
    scene_make(&scene, 1, 1);
    aenc_detector *d = detector_make(&scene, NULL);
    for (int c = 0; c < COLS; c++) {
        for (int sign = -1; sign < 2; sign += 2) {
            memcpy(row, scene.data, sizeof row);
            before = -1;
            for (double out = d->column[c].unit * (DETECTOR_CLIP + 1); out < 1e38; out *= 3) {
                aenc_matrix x = {row, 1, COLS, 0};
                float chance;
                row[c] = (float)(d->column[c].middle + sign * out);
                CHECK_STATUS(scene.ctx, aenc_detector_score(d, &x, &now, 1), AENC_OK);
                CHECK_STATUS(scene.ctx, aenc_detector_probability(d, &x, &chance, 1), AENC_OK);
                CHECK(now > before || (now == before && now == FLT_MAX));
                CHECK((double)chance >= probability || out < 1e3);
                before = now;
            }
            CHECK(before > 1e30f);
        }
    }
    aenc_detector_free(d);
    scene_end(&scene);
}

/* A network that overflows makes energies that are no numbers: they count as far out, not as usual. */
static void check_overflow(void) {
    struct scene scene;
    aenc_tensor *weight = NULL;
    float row[COLS], score, feature[COLS];
    const aenc_matrix given = {row, 1, COLS, 0};
    scene_make(&scene, 1, 1);
    aenc_detector *d = detector_make(&scene, NULL);
    aenc_model *model = aenc_detector_model(d);
    /* the last layer of the decoder: activations before it may bound what comes out */
    const char *name = NULL;
    for (size_t i = 0; i < aenc_model_tensor_count(model); i++) {
        const char *other = aenc_model_tensor_name(model, i);
        if (strncmp(other, "decoder.", 8) == 0 && strstr(other, ".weight") != NULL) name = other;
    }
    CHECK_STATUS(scene.ctx, aenc_model_tensor_get(model, name, &weight), AENC_OK);
    size_t count = aenc_tensor_count(weight);
    float *value = malloc(count * sizeof *value);
    CHECK(value != NULL);
    for (size_t i = 0; i < count; i++) value[i] = i % 2 == 0 ? 3e38f : -3e38f;
    CHECK(aenc_tensor_write(weight, value, count) == AENC_OK);
    CHECK_STATUS(scene.ctx, aenc_model_tensor_set(model, name, weight), AENC_OK);
    memcpy(row, scene.data, sizeof row);
    CHECK_STATUS(scene.ctx, aenc_detector_score(d, &given, &score, 1), AENC_OK);
    CHECK(score == FLT_MAX);
    CHECK_STATUS(scene.ctx, aenc_detector_score_features(d, &given, feature, COLS), AENC_OK);
    for (int c = 0; c < COLS; c++) CHECK(isfinite(feature[c]));
    free(value);
    aenc_tensor_free(weight);
    aenc_detector_free(d);
    scene_end(&scene);
}

/* A column that is constant but for one cell, one whose quartiles meet, a constant one: nothing is divided by 0, and the cell is
 * found. */
static void check_without_spread(void) {
    static const char *const scalings[] = {NULL, "minmax", "robust"};
    float score[ROWS];
    for (int i = 0; i < 3; i++) {
        struct scene scene;
        aenc_detector *d = NULL;
        scene_make(&scene, 1, 1);
        for (int r = 0; r < ROWS; r++) {
            scene.data[r * COLS + 1] = r == 321 ? 5 : 4;
            scene.data[r * COLS + 2] = r % 8 == 0;
            scene.data[r * COLS + 3] = -3;
        }
        aenc_detector_options options = {.struct_size = sizeof options, .scaling = scalings[i], .steps = 100};
        CHECK_STATUS(scene.ctx, aenc_detector_create(scene.ctx, &scene.x, &options, &d), AENC_OK);
        CHECK_STATUS(scene.ctx, aenc_detector_score(d, &scene.x, score, ROWS), AENC_OK);
        CHECK(d->column[3].middle == -3 && d->column[3].unit == 0.03 && d->column[1].middle == 4);
        for (int r = 0; r < ROWS; r++) CHECK(r == 321 || score[r] < score[321]);
        scene.data[3] = -2; /* a new value of the constant */
        CHECK_STATUS(scene.ctx, aenc_detector_score(d, &scene.x, score, ROWS), AENC_OK);
        for (int r = 1; r < ROWS; r++) CHECK(score[r] < score[0]);
        aenc_detector_free(d);
        scene_end(&scene);
    }
}

/* As many equal anomalies as the threshold leaves rows above it: it is their score, and none is flagged. */
static void check_equal(void) {
    struct scene scene;
    float score[ROWS];
    uint8_t flag[ROWS];
    scene_make(&scene, 1, 1);
    for (int r = 0; r < ROWS / 10; r++)
        for (int c = 0; c < COLS; c++) scene.data[r * COLS + c] = c == 0 ? 2000 : 40;
    aenc_detector *d = detector_make(&scene, NULL);
    CHECK_STATUS(scene.ctx, aenc_detector_score(d, &scene.x, score, ROWS), AENC_OK);
    CHECK_STATUS(scene.ctx, aenc_detector_flag(d, &scene.x, flag, ROWS), AENC_OK);
    CHECK((double)score[0] == aenc_detector_threshold(d) && memchr(flag, 1, ROWS) == NULL);
    aenc_detector_free(d);
    scene_end(&scene);
}

/* What a file keeps of the threshold; and a detector without bounds, which is written and read as format 1 and scores as it
 * did. */
static void check_file(void) {
    struct scene scene;
    float score[ROWS], read[ROWS];
    char path[64];
    aenc_detector *loaded = NULL;
    snprintf(path, sizeof path, "detector_test.%ld.safetensors", (long)getpid());
    scene_make(&scene, 1, 1);
    aenc_detector *d = detector_make(&scene, "mad:k=4");
    CHECK(strcmp(aenc_detector_threshold_spec(d), "mad:k=4") == 0 && aenc_detector_rows(d) == ROWS);
    for (int i = 0; i < 3; i++) {
        if (i == 1) CHECK_STATUS(scene.ctx, aenc_detector_set_threshold(d, 3.25), AENC_OK);
        if (i == 2) {
            aenc_release(scene.ctx, d->column);
            d->column = NULL;
            d->rows = 0;
        }
        CHECK_STATUS(scene.ctx, aenc_detector_score(d, &scene.x, score, ROWS), AENC_OK);
        CHECK_STATUS(scene.ctx, aenc_detector_save(d, path), AENC_OK);
        CHECK_STATUS(scene.ctx, aenc_detector_load(scene.ctx, path, &loaded), AENC_OK);
        CHECK_STATUS(scene.ctx, aenc_detector_score(loaded, &scene.x, read, ROWS), AENC_OK);
        CHECK(memcmp(score, read, sizeof score) == 0 && aenc_detector_threshold(loaded) == aenc_detector_threshold(d));
        const char *spec = aenc_detector_threshold_spec(loaded);
        CHECK(i == 0 ? spec != NULL && strcmp(spec, "mad:k=4") == 0 : spec == NULL);
        CHECK(aenc_detector_rows(loaded) == (i == 2 ? 0 : ROWS) && (loaded->column == NULL) == (i == 2));
        aenc_detector_free(loaded);
    }
    CHECK(aenc_detector_threshold_spec(NULL) == NULL && aenc_detector_rows(NULL) == 0);
    remove(path);
    aenc_detector_free(d);
    scene_end(&scene);
}

/* What follows from the number of rows is refused before the steps, of which there would be years. */
static void check_early(void) {
    static const char *const impossible[] = {"fpr:rate=1e-4", "pot:level=0.99", "quantil", "mad:q=1", "pot:level=2"};
    struct scene scene;
    aenc_detector *d = NULL;
    scene_make(&scene, 1, 1);
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        aenc_detector_options options = {.struct_size = sizeof options, .threshold = impossible[i], .steps = INT32_MAX};
        CHECK_STATUS(scene.ctx, aenc_detector_create(scene.ctx, &scene.x, &options, &d), AENC_ERR_ARGUMENT);
        CHECK(d == NULL);
    }
    scene_end(&scene);
}

int main(void) {
    check_extreme();
    check_monotone();
    check_overflow();
    check_without_spread();
    check_equal();
    check_file();
    check_early();
    check_found();
    check_gaussian();
    check_same();
    check_refusals();
    check_hostile();
    return check_finish();
}
