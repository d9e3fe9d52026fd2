/* codes_test.c - ways between codes, neighbours, groups, probes and curves against NumPy's and scikit-learn's numbers on
 * the digits, against what must hold, and on several threads. */
#include <autoenc/autoenc.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "use/codes_golden.h"

enum { ROWS = 1797, COLS = 64, CODE = 4, TEST = ROWS - GOLDEN_TRAIN, HEADER = 128 };

static float digits[ROWS * COLS];
static int32_t labels[ROWS];
static const aenc_matrix all = {digits, ROWS, COLS, 0}, train = {digits, GOLDEN_TRAIN, COLS, 0},
                         test = {digits + GOLDEN_TRAIN * COLS, TEST, COLS, 0};

static void read_file(const char *name, void *out, size_t size) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", getenv("AENC_EXAMPLE_DATA"), name);
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    if (file == NULL) exit(1);
    CHECK(fseek(file, HEADER, SEEK_SET) == 0 && fread(out, 1, size, file) == size);
    fclose(file);
}

static aenc_context *context(int64_t threads) {
    aenc_context_options options = {.struct_size = sizeof options, .seed = 5, .threads = threads};
    aenc_context *ctx = NULL;
    CHECK(aenc_context_create(&options, &ctx) == AENC_OK);
    return ctx;
}

static aenc_model *small_model(aenc_context *ctx, int64_t epochs) {
    static const size_t input[] = {COLS}, widths[] = {16, CODE};
    aenc_model *model = NULL;
    aenc_model_options options = {
        .struct_size = sizeof options, .input = input, .input_rank = 1, .encoder_widths = widths, .encoder_count = 2};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = epochs, .optimizer = "adam:lr=0.003"};
    CHECK_STATUS(ctx, aenc_model_create(ctx, &options, &model), AENC_OK);
    CHECK_STATUS(ctx, aenc_fit(model, &all, &fit), AENC_OK);
    return model;
}

/* ---- Ways ---- */

static void test_interpolate(aenc_context *ctx) {
    const float a[] = {1, 0, 3, 4, 0, 0}, b[] = {0, 2, 6, 8, 1, 1};
    const aenc_matrix from = {a, 3, 2, 0}, to = {b, 3, 2, 0};
    float out[3 * 5 * 2];
    CHECK_STATUS(ctx, aenc_codes_interpolate(ctx, &from, &to, 5, 0, out, 30), AENC_OK);
    CHECK(out[0] == 1 && out[1] == 0 && out[8] == 0 && out[9] == 2);
    CHECK_NEAR((double)out[2], 0.75, 1e-7);
    CHECK_NEAR((double)out[3], 0.5, 1e-7);
    CHECK_STATUS(ctx, aenc_codes_interpolate(ctx, &from, &to, 5, AENC_INTERPOLATE_SPHERICAL, out, 30), AENC_OK);
    for (int s = 0; s < 5; s++) { /* a right angle; then parallel; then from zero: the last two go in a line */
        double t = s / 4.0, quarter = 2 * atan(1);
        CHECK_NEAR((double)out[2 * s], cos(t * quarter), 1e-6);
        CHECK_NEAR((double)out[2 * s + 1], 2 * sin(t * quarter), 1e-6);
        CHECK_NEAR((double)out[10 + 2 * s], 3 + 3 * t, 1e-6);
        CHECK_NEAR((double)out[20 + 2 * s], t, 1e-6);
    }
    const float back[] = {0, 1, -3, -4, 5, 5};
    const aenc_matrix opposite = {back, 3, 2, 0};
    CHECK_STATUS(ctx, aenc_codes_interpolate(ctx, &from, &opposite, 5, AENC_INTERPOLATE_SPHERICAL, out, 30), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(ctx), "a[1] and b[1]") != NULL);
    CHECK_STATUS(ctx, aenc_codes_interpolate(ctx, &from, &opposite, 5, AENC_INTERPOLATE_LINEAR, out, 30), AENC_OK);
}

/* In one call, and taken apart. */
static void test_decoded(aenc_context *ctx, aenc_model *model) {
    enum { PAIRS = 3, STEPS = 4 };
    const aenc_matrix a = {digits, PAIRS, COLS, 0}, b = {digits + 7 * COLS, PAIRS, COLS, 0};
    static float ends[2][PAIRS * CODE], codes[CODE * STEPS * CODE], one[PAIRS * STEPS * COLS], parts[PAIRS * STEPS * COLS];
    const aenc_matrix from = {ends[0], PAIRS, CODE, 0}, to = {ends[1], PAIRS, CODE, 0};
    const aenc_matrix between = {codes, PAIRS * STEPS, CODE, 0};
    CHECK_STATUS(ctx, aenc_interpolate(model, &a, &b, STEPS, AENC_INTERPOLATE_SPHERICAL, one, PAIRS * STEPS * COLS), AENC_OK);
    CHECK_STATUS(ctx, aenc_encode(model, &a, ends[0], PAIRS * CODE), AENC_OK);
    CHECK_STATUS(ctx, aenc_encode(model, &b, ends[1], PAIRS * CODE), AENC_OK);
    CHECK_STATUS(ctx, aenc_codes_interpolate(ctx, &from, &to, STEPS, AENC_INTERPOLATE_SPHERICAL, codes, PAIRS * STEPS * CODE), AENC_OK);
    CHECK_STATUS(ctx, aenc_decode(model, &between, parts, PAIRS * STEPS * COLS), AENC_OK);
    CHECK(memcmp(one, parts, sizeof one) == 0);

    const float limits[] = {-1, -2, -3, -4, 1, 2, 3, 4};
    const aenc_matrix range = {limits, 2, CODE, 0}, code = {ends[0], 1, CODE, 0};
    static float walk[CODE * STEPS * COLS], decoded[CODE * STEPS * COLS];
    const aenc_matrix steps = {codes, CODE * STEPS, CODE, 0};
    CHECK_STATUS(ctx, aenc_traverse(model, &code, &range, STEPS, walk, CODE * STEPS * COLS), AENC_OK);
    CHECK_STATUS(ctx, aenc_codes_traverse(ctx, &code, &range, STEPS, codes, CODE * STEPS * CODE), AENC_OK);
    CHECK_STATUS(ctx, aenc_decode(model, &steps, decoded, CODE * STEPS * COLS), AENC_OK);
    CHECK(memcmp(walk, decoded, sizeof walk) == 0);
    for (int c = 0; c < CODE; c++)
        for (int s = 0; s < STEPS; s++)
            for (int i = 0; i < CODE; i++) {
                double want = i == c ? -(1 + c) + 2 * (1 + c) * s / (STEPS - 1.0) : (double)ends[0][i];
                CHECK_NEAR((double)codes[(c * STEPS + s) * CODE + i], want, 1e-6);
            }
}

static void test_arithmetic(aenc_context *ctx) {
    const float weights[] = {1, -1, 0.5f, 0, 0, 2};
    const aenc_matrix by = {weights, 2, 3, 0}, first = {digits, 3, COLS, 0};
    static float out[5 * COLS];
    CHECK_STATUS(ctx, aenc_codes_combine(ctx, &by, &first, out, 2 * COLS), AENC_OK);
    for (int i = 0; i < COLS; i++) { /* the pixels are sixteenths: exact */
        CHECK(out[i] == digits[i] - digits[COLS + i] + 0.5f * digits[2 * COLS + i]);
        CHECK(out[COLS + i] == 2 * digits[2 * COLS + i]);
    }
    CHECK_STATUS(ctx, aenc_codes_attribute(ctx, &all, labels, ROWS, 3, 8, out, COLS), AENC_OK);
    for (int i = 0; i < COLS; i++) CHECK_NEAR((double)out[i], golden_attribute[i], 1e-7);
    CHECK_STATUS(ctx, aenc_codes_attribute(ctx, &all, labels, ROWS, 3, 77, out, COLS), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(ctx), "77") != NULL);
    const double shares[] = {0, 0.05, 0.5, 0.95, 1};
    CHECK_STATUS(ctx, aenc_codes_quantiles(ctx, &all, shares, 5, out, 5 * COLS), AENC_OK);
    for (int q = 0; q < 5; q++)
        for (int i = 0; i < 16; i++) CHECK_NEAR((double)out[q * COLS + 8 + i], golden_quantiles[q * 16 + i], 1e-7);
}

/* ---- Neighbours ---- */

static void test_neighbours(aenc_context *ctx) {
    enum { ALL = ROWS * GOLDEN_K, SOME = TEST * GOLDEN_K };
    static int64_t index[ALL];
    static float distance[ALL];
    double sum = 0;
    CHECK_STATUS(ctx, aenc_neighbours(ctx, &all, NULL, GOLDEN_K, 0, index, distance, ALL), AENC_OK);
    for (int i = 0; i < GOLDEN_QUERIES * GOLDEN_K; i++) {
        CHECK(index[i] == golden_others[i]);
        CHECK_NEAR((double)distance[i], golden_others_distance[i], 1e-6);
    }
    for (int i = 0; i < ALL; i++) sum += (double)index[i];
    CHECK(sum == golden_others_sum);
    CHECK_STATUS(ctx, aenc_neighbours(ctx, &train, &test, GOLDEN_K, AENC_DISTANCE_COSINE, index, distance, SOME), AENC_OK);
    for (int i = 0; i < GOLDEN_QUERIES * GOLDEN_K; i++) {
        CHECK(index[i] == golden_cosine[i]);
        CHECK_NEAR((double)distance[i], golden_cosine_distance[i], 1e-6);
    }
}

/* Products alone lose what is small beside the mean, overflow, or meet rows of zeros. */
static void test_hard_neighbours(aenc_context *ctx) {
    enum { MANY = 300, FAR = 9 };
    static float rows[MANY * 2], far[MANY * FAR];
    const aenc_matrix wide = {far, MANY, FAR, 0};
    int64_t index[MANY];
    float distance[MANY];
    const aenc_matrix base = {rows, MANY, 2, 0}, query = {rows + 2 * 150, 1, 2, 0};
    for (int i = 0; i < MANY; i++) rows[2 * i] = 1e6f + (float)i, rows[2 * i + 1] = i == 0 ? -1e7f : 1e7f;
    CHECK_STATUS(ctx, aenc_neighbours(ctx, &base, &query, 4, 0, index, distance, 4), AENC_OK);
    CHECK(index[0] == 150 && index[1] == 149 && index[2] == 151 && index[3] == 148);
    CHECK(distance[0] == 0 && distance[1] == 1 && distance[2] == 1 && distance[3] == 2);
    for (int i = 0; i < MANY * FAR; i++) { /* three by three, so far apart that no shift helps */
        int group = i / FAR / 3, place = i / FAR % 3;
        far[i] = (float)((group * 7919 + i % FAR) % 1009) * 10007.0f;
        if (i % FAR == 0) far[i] = place == 1 ? 3.0f : (float)(place / 2);
    }
    CHECK_STATUS(ctx, aenc_neighbours(ctx, &wide, NULL, 1, 0, index, distance, MANY), AENC_OK);
    for (int i = 0; i < MANY; i++) { /* at 0, 3 and 1 */
        CHECK(index[i] == i + (i % 3 == 0 ? 2 : i % 3 == 1 ? 1 : -2));
        CHECK(distance[i] == (i % 3 == 1 ? 2 : 1));
    }
    for (int i = 0; i < MANY; i++) rows[2 * i] = (float)i * 1e36f, rows[2 * i + 1] = -3e38f;
    CHECK_STATUS(ctx, aenc_neighbours(ctx, &base, &query, 3, 0, index, distance, 3), AENC_OK);
    CHECK(index[0] == 150 && index[1] == 149 && index[2] == 151);
    memset(rows, 0, sizeof rows);
    CHECK_STATUS(ctx, aenc_neighbours(ctx, &base, &query, MANY, AENC_DISTANCE_COSINE, index, distance, MANY), AENC_OK);
    for (int i = 0; i < MANY; i++) CHECK(index[i] == i && distance[i] == 1);
    CHECK_STATUS(ctx, aenc_neighbours(ctx, &base, NULL, MANY - 1, 0, index, NULL, MANY), AENC_ERR_SHAPE);
}

/* ---- Groups ---- */

static void test_kmeans(aenc_context *ctx) {
    static float centers[10 * COLS];
    static int32_t group[ROWS];
    double inertia, sum = 0;
    aenc_kmeans_options options = {.struct_size = sizeof options, .clusters = 10};
    CHECK_STATUS(ctx, aenc_kmeans(ctx, &all, &options, centers, 10 * COLS, group, ROWS, &inertia), AENC_OK);
    CHECK(fabs(inertia / golden_inertia - 1) < 1e-3);
    for (int r = 0; r < ROWS; r++) { /* every row is with its nearest center, and the inertia is what it says */
        double nearest = HUGE_VAL, own = 0;
        for (int c = 0; c < 10; c++) {
            double square = 0;
            for (int i = 0; i < COLS; i++) square += pow((double)digits[r * COLS + i] - (double)centers[c * COLS + i], 2);
            if (square < nearest) nearest = square;
            if (c == group[r]) own = square;
        }
        CHECK(own == nearest);
        sum += own;
    }
    CHECK_NEAR(inertia / sum, 1, 1e-12);
}

/* As many groups as rows, more groups than different rows, one iteration. */
static void test_small_kmeans(aenc_context *ctx) {
    const float points[] = {0, 0, 1, 1, 5, 5, 5, 9};
    const aenc_matrix x = {points, 8, 1, 0};
    float centers[8];
    int32_t group[8];
    double inertia;
    aenc_kmeans_options options = {.struct_size = sizeof options, .clusters = 8};
    CHECK_STATUS(ctx, aenc_kmeans(ctx, &x, &options, centers, 8, group, 8, &inertia), AENC_OK);
    CHECK(inertia == 0 && group[0] == group[1] && group[0] != group[2]);
    options.clusters = 3;
    CHECK_STATUS(ctx, aenc_kmeans(ctx, &x, &options, centers, 3, NULL, 0, &inertia), AENC_OK);
    CHECK_NEAR(inertia, 1, 1e-6); /* {0 0 1 1} {5 5 5} {9} */
    options = (aenc_kmeans_options){.struct_size = sizeof options, .clusters = 1, .restarts = 1, .iterations = 1};
    CHECK_STATUS(ctx, aenc_kmeans(ctx, &x, &options, centers, 1, group, 8, NULL), AENC_OK);
    CHECK_NEAR((double)centers[0], 3.25, 1e-6);
}

/* Lloyd's steps leave a group without rows about once in 5000 starts: these are such. */
static void test_no_empty_groups(void) {
    enum { POINTS = 60, GROUPS = 20 };
    static const uint32_t seeds[] = {4802, 10199, 10453, 11830};
    float points[POINTS * 2], centers[GROUPS * 2];
    int32_t group[POINTS];
    const aenc_matrix x = {points, POINTS, 2, 0};
    const aenc_kmeans_options options = {.struct_size = sizeof options, .clusters = GROUPS, .restarts = 1};
    for (size_t s = 0; s < sizeof seeds / sizeof *seeds; s++) {
        aenc_context_options asked = {.struct_size = sizeof asked, .seed = seeds[s]};
        aenc_context *ctx = NULL;
        int members[GROUPS] = {0};
        uint32_t state = seeds[s] * 2654435761u + 1;
        for (int i = 0; i < 2 * POINTS; i++) {
            state = state * 1664525u + 1013904223u;
            points[i] = (float)(state >> 16);
        }
        CHECK(aenc_context_create(&asked, &ctx) == AENC_OK);
        CHECK_STATUS(ctx, aenc_kmeans(ctx, &x, &options, centers, GROUPS * 2, group, POINTS, NULL), AENC_OK);
        for (int i = 0; i < POINTS; i++) members[group[i]]++;
        for (int c = 0; c < GROUPS; c++) CHECK(members[c] > 0);
        aenc_context_free(ctx);
    }
}

/* Starts are drawn by the squared distance from those before: of groups that are far from each other and small, each has one,
 * whatever the seed, and the first iteration ends with all of them. */
static void test_kmeans_starts(void) {
    enum { GROUPS = 12, EACH = 10, POINTS = GROUPS * EACH, SEEDS = 20 };
    float points[POINTS * 2], centers[GROUPS * 2];
    const aenc_matrix x = {points, POINTS, 2, 0};
    const aenc_kmeans_options options = {.struct_size = sizeof options, .clusters = GROUPS, .restarts = 1, .iterations = 1};
    for (int i = 0; i < POINTS; i++) {
        int group = i % GROUPS;
        points[2 * i] = 1000 + (float)(group % 4) * 100 + (float)(i % 3) * 0.01f;
        points[2 * i + 1] = (float)(group / 4) * 100 - 500 + (float)(i % 5) * 0.01f;
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        aenc_context_options asked = {.struct_size = sizeof asked, .seed = seed};
        aenc_context *ctx = NULL;
        double inertia = NAN;
        CHECK(aenc_context_create(&asked, &ctx) == AENC_OK);
        CHECK_STATUS(ctx, aenc_kmeans(ctx, &x, &options, centers, GROUPS * 2, NULL, 0, &inertia), AENC_OK);
        CHECK(inertia < 1);
        aenc_context_free(ctx);
    }
}

/* ---- Probes ---- */

static void test_probes(aenc_context *ctx) {
    static int32_t said[ROWS];
    double accuracy;
    int agree = 0, right = 0;
    CHECK_STATUS(ctx, aenc_probe(ctx, "softmax:l2=1e-3", &train, labels, GOLDEN_TRAIN, &test, labels + GOLDEN_TRAIN, TEST, said, TEST,
                                 &accuracy), AENC_OK);
    for (int i = 0; i < TEST; i++) agree += said[i] == golden_softmax[i], right += said[i] == labels[GOLDEN_TRAIN + i];
    CHECK(agree >= TEST - 1);
    CHECK(accuracy == right / (double)TEST);
    CHECK_STATUS(ctx, aenc_probe(ctx, "knn", &train, labels, GOLDEN_TRAIN, &test, labels + GOLDEN_TRAIN, TEST, NULL, 0, &accuracy), AENC_OK);
    CHECK_NEAR(accuracy, golden_knn, 1e-12);
    CHECK_STATUS(ctx, aenc_probe(ctx, "knn:k=1,metric=cosine", &all, labels, ROWS, &all, labels, ROWS, said, ROWS, &accuracy), AENC_OK);
    CHECK(accuracy == 1);
    static const char *const bad[] = {"svm", "knn:k=0", "knn:metric=city", "softmax:l2=-1", "softmax:k=3", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_STATUS(ctx, aenc_probe(ctx, bad[i], &all, labels, ROWS, &all, labels, ROWS, said, ROWS, &accuracy), AENC_ERR_ARGUMENT);
    const float two[] = {7, 7}; /* a column that says nothing, a single class, a label never seen */
    const int32_t one[] = {-5, -5}, other[] = {-5, 4};
    const aenc_matrix x = {two, 2, 1, 0};
    CHECK_STATUS(ctx, aenc_probe(ctx, NULL, &x, one, x.rows, &x, other, x.rows, said, 2, &accuracy), AENC_OK);
    CHECK(accuracy == 0.5 && said[0] == -5 && said[1] == -5);
}

/* ---- Curves ---- */

/* Bits of one column by counting. */
static double bits_of(const float *codes, int column, double step) {
    double bits = 0;
    for (int r = 0; r < ROWS; r++) {
        int same = 0;
        for (int s = 0; s < ROWS; s++)
            same += nearbyint((double)codes[r * CODE + column] / step) ==
                    nearbyint((double)codes[s * CODE + column] / step);
        bits -= log2(same / (double)ROWS) / ROWS;
    }
    return bits;
}

static void test_rate(aenc_context *ctx, aenc_model *model) {
    static float codes[ROWS * CODE], output[ROWS * COLS];
    const double steps[] = {1e-6, 0.25, 1, 1e6};
    aenc_rate_point point[4] = {{.struct_size = sizeof *point}};
    double bits = 0, square = 0;
    CHECK_STATUS(ctx, aenc_rate_distortion(model, &all, steps, 4, 0, point), AENC_OK);
    CHECK_STATUS(ctx, aenc_encode(model, &all, codes, ROWS * CODE), AENC_OK);
    CHECK_STATUS(ctx, aenc_reconstruct(model, &all, output, ROWS * COLS), AENC_OK);
    for (int c = 0; c < CODE; c++) bits += bits_of(codes, c, 0.25);
    CHECK_NEAR(point[1].row_bits, bits, 1e-9);
    CHECK_NEAR(point[1].bits, bits / CODE, 1e-9);
    for (int i = 0; i < ROWS * COLS; i++) square += pow((double)output[i] - (double)digits[i], 2) / (ROWS * COLS);
    CHECK_NEAR(point[0].mse / square, 1, 1e-4); /* hardly quantised */
    CHECK_NEAR(point[0].psnr, -10 * log10(point[0].mse), 1e-9);
    CHECK(point[0].bits <= log2(ROWS) + 1e-9 && point[3].bits == 0);
    for (int i = 1; i < 4; i++) CHECK(point[i].bits < point[i - 1].bits && point[i].mse > point[i - 1].mse);
}

static int count_points(void *user, const aenc_sweep_point *now) {
    int *left = user;
    CHECK(now->code > 0);
    return --*left == 0;
}

static void test_sweep(aenc_context *ctx) {
    static const size_t codes[] = {2, 8, 32, 70}, hidden[] = {24};
    int left = 3;
    aenc_model_options model = {.struct_size = sizeof model, .encoder_widths = hidden, .encoder_count = 1};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 2};
    aenc_sweep_options options = {.struct_size = sizeof options, .codes = codes, .code_count = 4, .model = &model,
                                  .fit = &fit, .test = &test, .progress = count_points, .progress_user = &left};
    aenc_sweep_point point[4] = {{.struct_size = sizeof *point}};
    CHECK_STATUS(ctx, aenc_sweep(ctx, &train, &options, point, options.code_count), AENC_OK);
    CHECK(left == 0 && point[3].code == 0); /* stopped after the third */
    for (int i = 0; i < 3; i++) {
        CHECK_NEAR(point[i].pca_train, golden_pca_train[i], 1e-7);
        CHECK_NEAR(point[i].pca_test, golden_pca_test[i], 1e-7);
        CHECK(point[i].code == codes[i] && point[i].epochs == 2 && isnan(point[i].valid) && isnan(point[i].pca_valid));
        CHECK(point[i].train > point[i].pca_train && point[i].test > 0);
    }
    CHECK(point[1].parameters == 64 * 24 + 24 + 24 * 8 + 8 + 8 * 24 + 24 + 24 * 64 + 64);

    aenc_model *one = NULL; /* the same as by hand */
    static const size_t widths[] = {24, 8}, input[] = {COLS};
    static float output[GOLDEN_TRAIN * COLS];
    double square = 0;
    model = (aenc_model_options){
        .struct_size = sizeof model, .input = input, .input_rank = 1, .encoder_widths = widths, .encoder_count = 2};
    CHECK_STATUS(ctx, aenc_model_create(ctx, &model, &one), AENC_OK);
    CHECK_STATUS(ctx, aenc_fit(one, &train, &fit), AENC_OK);
    CHECK_STATUS(ctx, aenc_reconstruct(one, &train, output, GOLDEN_TRAIN * COLS), AENC_OK);
    for (int i = 0; i < GOLDEN_TRAIN * COLS; i++) square += pow((double)output[i] - (double)digits[i], 2);
    CHECK_NEAR(point[1].train, square / (GOLDEN_TRAIN * COLS), 1e-9);
    aenc_model_free(one);

    const aenc_sweep_options plain = {.struct_size = sizeof options, .codes = codes + 3, .code_count = 1, .fit = &fit};
    CHECK_STATUS(ctx, aenc_sweep(ctx, &train, &plain, point, plain.code_count), AENC_OK);
    CHECK(point[0].code == 70 && point[0].pca_train == 0 && isnan(point[0].test));
}

/* Far fewer directions than columns, most of which do not vary: five that do explain all. */
static void test_flat_sweep(aenc_context *ctx) {
    enum { WIDE = 150, FEW = 40 };
    static float data[FEW * WIDE];
    static const size_t codes[] = {3, 5};
    for (int r = 0; r < FEW; r++)
        for (int i = 0; i < WIDE; i++) {
            int k = i % 5, sample = (r * (k + 3) * 7919 + k * 104729) % 1009;
            data[r * WIDE + i] = i < 50 ? (float)sample * (float)(1 + i) / 1009.0f : i < 100 ? 0.0f : 0.3f;
        }
    const aenc_matrix x = {data, FEW, WIDE, 0};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1};
    const aenc_sweep_options options = {.struct_size = sizeof options, .codes = codes, .code_count = 2, .fit = &fit};
    aenc_sweep_point point[2] = {{.struct_size = sizeof *point}};
    CHECK_STATUS(ctx, aenc_sweep(ctx, &x, &options, point, options.code_count), AENC_OK);
    CHECK(point[0].pca_train > 1 && point[1].pca_train < 1e-6 * point[0].pca_train);
}

/* ---- Threads ---- */

struct answers {
    int64_t index[TEST * 3];
    float distance[TEST * 3], centers[7 * COLS];
    int32_t group[ROWS], said[TEST];
    double inertia, accuracy;
    aenc_rate_point rate[2];
    float between[10 * COLS];
};

static void answer(int64_t threads, struct answers *out) {
    aenc_context *ctx = context(threads);
    aenc_model *model = small_model(ctx, 1);
    aenc_kmeans_options groups = {.struct_size = sizeof groups, .clusters = 7, .restarts = 2};
    const double steps[] = {0.1, 1};
    memset(out, 0, sizeof *out);
    out->rate[0].struct_size = sizeof *out->rate;
    CHECK_STATUS(ctx, aenc_neighbours(ctx, &train, &test, 3, 0, out->index, out->distance, TEST * 3), AENC_OK);
    CHECK_STATUS(ctx, aenc_kmeans(ctx, &all, &groups, out->centers, 7 * COLS, out->group, ROWS, &out->inertia), AENC_OK);
    CHECK_STATUS(ctx, aenc_probe(ctx, "softmax:iterations=9", &train, labels, GOLDEN_TRAIN, &test, labels + GOLDEN_TRAIN, TEST, out->said,
                                 TEST, &out->accuracy), AENC_OK);
    CHECK_STATUS(ctx, aenc_rate_distortion(model, &all, steps, 2, 0, out->rate), AENC_OK);
    CHECK_STATUS(ctx, aenc_interpolate(model, &train, &train, 2, 0, out->between, 10 * COLS), AENC_ERR_SHAPE);
    const aenc_matrix a = {digits, 5, COLS, 0}, b = {digits + 9 * COLS, 5, COLS, 0};
    CHECK_STATUS(ctx, aenc_interpolate(model, &a, &b, 2, 0, out->between, 10 * COLS), AENC_OK);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

static void test_threads(void) {
    static struct answers one, more;
    answer(1, &one);
    for (int64_t threads = 2; threads < 5; threads++) {
        answer(threads, &more);
        CHECK(memcmp(&one, &more, sizeof one) == 0);
    }
}

int main(void) {
    static unsigned char bytes[ROWS];
    read_file("digits.npy", digits, sizeof digits);
    read_file("digits_labels.npy", bytes, sizeof bytes);
    for (int i = 0; i < ROWS; i++) labels[i] = bytes[i];
    aenc_context *ctx = context(2);
    aenc_model *model = small_model(ctx, 5);
    test_interpolate(ctx);
    test_decoded(ctx, model);
    test_arithmetic(ctx);
    test_neighbours(ctx);
    test_hard_neighbours(ctx);
    test_kmeans(ctx);
    test_small_kmeans(ctx);
    test_no_empty_groups();
    test_kmeans_starts();
    test_probes(ctx);
    test_rate(ctx, model);
    test_sweep(ctx);
    test_flat_sweep(ctx);
    test_threads();
    aenc_model_free(model);
    aenc_context_free(ctx);
    return check_finish();
}
