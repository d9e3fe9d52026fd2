/* exact_use_test.c - what is done with a trained model, against the same from its codes and outputs: classes over more rows than
 * are taken at a time, weighted evaluation, rates and their peaks, sweeps with held-out rows, and settings that are left out. */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"

/* MANY: more than any number of rows that is taken at a time (4096). */
enum { COLS = 4, CLASSES = 3, MANY = 4200, FEW = 120 };

static float data[MANY * COLS];
static int32_t labels[MANY];
static const aenc_matrix all = {data, MANY, COLS, 0}, few = {data, FEW, COLS, 0}, rest = {data + FEW * COLS, FEW / 2, COLS, 0};

static void data_make(void) {
    uint64_t state = 3;
    for (int i = 0; i < MANY * COLS; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        data[i] = (float)(state >> 40) / (1 << 23) - 1 + (i % COLS > 1 ? data[i - 2] : 0);
    }
    for (int r = 0; r < MANY; r++) labels[r] = data[r * COLS] > 0 ? 2 : data[r * COLS + 1] > 0;
}

static aenc_model *parse(aenc_context *ctx, const char *text) {
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), AENC_OK);
    return model;
}

/* ---- Classes ---- */

static void test_classes(aenc_context *ctx) {
    static const char head[] = "{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":5,\"activation\":\"tanh\"},"
                               "\"loss\":\"cross_entropy:classes=3\"}";
    static float logit[MANY * CLASSES], chance[MANY * CLASSES];
    static int32_t told[MANY];
    aenc_model *model = parse(ctx, head);
    double share = -1, right = 0;
    CHECK_STATUS(ctx, aenc_reconstruct(model, &all, logit, MANY * CLASSES), AENC_OK);
    CHECK_STATUS(ctx, aenc_classify(model, &all, told, MANY), AENC_OK);
    CHECK_STATUS(ctx, aenc_class_probabilities(model, &all, chance, MANY * CLASSES), AENC_OK);
    CHECK_STATUS(ctx, aenc_accuracy(model, &all, labels, MANY, &share), AENC_OK);
    int wrong = 0;
    for (int r = 0; r < MANY; r++) {
        const float *l = logit + r * CLASSES;
        int best = l[1] > l[0];
        if (l[2] > l[best]) best = 2;
        wrong += told[r] != best;
        right += best == labels[r];
        double sum = exp((double)l[0]) + exp((double)l[1]) + exp((double)l[2]);
        for (int c = 0; c < CLASSES; c++) wrong += fabs((double)chance[r * CLASSES + c] - exp((double)l[c]) / sum) > 1e-6;
    }
    CHECK_NEAR(wrong, 0, 0);
    CHECK(share == right / MANY && right > 0 && right < MANY);
    /* of equal ones the first: all numbers 0 */
    for (size_t i = 0; i < aenc_model_tensor_count(model); i++) {
        aenc_tensor *tensor;
        float zeros[64] = {0};
        const char *name = aenc_model_tensor_name(model, i);
        CHECK_STATUS(ctx, aenc_model_tensor_get(model, name, &tensor), AENC_OK);
        CHECK_STATUS(ctx, aenc_tensor_write(tensor, zeros, aenc_tensor_count(tensor)), AENC_OK);
        CHECK_STATUS(ctx, aenc_model_tensor_set(model, name, tensor), AENC_OK);
        aenc_tensor_free(tensor);
    }
    CHECK_STATUS(ctx, aenc_classify(model, &few, told, FEW), AENC_OK);
    CHECK_STATUS(ctx, aenc_class_probabilities(model, &few, chance, FEW * CLASSES), AENC_OK);
    for (int r = 0; r < FEW; r++) CHECK(told[r] == 0 && fabsf(chance[r * CLASSES + 2] - 1.0f / 3) < 1e-7f);
    aenc_model_free(model);
}

/* ---- Evaluation ---- */

/* The mean of the scores by their weights, over more rows than are scored at a time. */
static void test_evaluate(aenc_context *ctx) {
    static float score[MANY], weight[MANY];
    aenc_model *model = parse(ctx, "{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":2}}");
    double loss = 0, sum = 0, total = 0;
    aenc_batch batch = {.struct_size = sizeof batch, .input = all, .weight = weight, .weight_count = MANY};
    CHECK_STATUS(ctx, aenc_score(model, &all, NULL, score, MANY), AENC_OK);
    for (int r = 0; r < MANY; r++) {
        weight[r] = (float)(r % 5) + (r > 4100 ? 100.0f : 0.0f);
        sum += (double)weight[r] * (double)score[r];
        total += (double)weight[r];
    }
    CHECK_STATUS(ctx, aenc_model_evaluate(model, &batch, &loss), AENC_OK);
    CHECK_NEAR(loss, sum / total, 1e-9);
    batch.weight = NULL;
    batch.weight_count = 0;
    sum = 0;
    for (int r = 0; r < MANY; r++) sum += (double)score[r] / MANY;
    CHECK_STATUS(ctx, aenc_model_evaluate(model, &batch, &loss), AENC_OK);
    CHECK_NEAR(loss, sum, 1e-9);
    aenc_model_free(model);
}

/* ---- Curves ---- */

/* The rounded codes through the decoder; the peak; points in a struct of another version's size. */
static void test_rate(aenc_context *ctx) {
    enum { CODE = 2, LARGER = sizeof(aenc_rate_point) + 16 };
    static float code[FEW * CODE], output[FEW * COLS];
    const double steps[] = {0.5, 0.125};
    aenc_model *model = parse(ctx, "{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":2}}");
    aenc_rate_point point[2] = {{.struct_size = sizeof *point}};
    CHECK_STATUS(ctx, aenc_rate_distortion(model, &few, steps, 2, 16, point), AENC_OK);
    for (int k = 0; k < 2; k++) {
        const aenc_matrix rounded = {code, FEW, CODE, 0};
        double square = 0, bits = 0;
        CHECK_STATUS(ctx, aenc_encode(model, &few, code, FEW * CODE), AENC_OK);
        for (int i = 0; i < FEW * CODE; i++) code[i] = (float)(nearbyint((double)code[i] / steps[k]) * steps[k]);
        for (int i = 0; i < FEW * CODE; i++) {
            int same = 0;
            for (int r = 0; r < FEW; r++) same += code[r * CODE + i % CODE] == code[i];
            bits -= log2((double)same / FEW) / FEW;
        }
        CHECK_STATUS(ctx, aenc_decode(model, &rounded, output, FEW * COLS), AENC_OK);
        for (int i = 0; i < FEW * COLS; i++) square += pow((double)output[i] - (double)data[i], 2) / (FEW * COLS);
        CHECK_NEAR(point[k].mse, square, 1e-9);
        CHECK_NEAR(point[k].row_bits, bits, 1e-9);
        CHECK_NEAR(point[k].bits, bits / CODE, 1e-9);
        CHECK_NEAR(point[k].psnr, 10 * log10(256 / square), 1e-9);
        CHECK(point[k].step == steps[k] && point[k].struct_size == sizeof *point);
    }
    union {
        aenc_rate_point first;
        unsigned char bytes[2 * LARGER];
    } large;
    memset(&large, 7, sizeof large);
    large.first.struct_size = LARGER;
    CHECK_STATUS(ctx, aenc_rate_distortion(model, &few, steps, 2, 0, &large.first), AENC_OK);
    aenc_rate_point second;
    memcpy(&second, large.bytes + LARGER, sizeof second);
    CHECK(second.step == steps[1] && second.struct_size == LARGER && second.mse == point[1].mse);
    CHECK(large.bytes[sizeof second] == 7 && large.bytes[2 * LARGER - 1] == 7); /* what is not known is left as it was */
    CHECK_NEAR(second.psnr, -10 * log10(second.mse), 1e-9);
    struct {
        size_t size;
        double step;
    } small[2] = {{sizeof *small, 0}};
    CHECK_STATUS(ctx, aenc_rate_distortion(model, &few, steps, 2, 0, (aenc_rate_point *)(void *)small), AENC_OK);
    CHECK(small[0].step == steps[0] && small[1].step == steps[1] && small[1].size == sizeof *small);
    const size_t sizes[] = {0, 4, 12, 4104};
    for (int i = 0; i < 4; i++) {
        large.first.struct_size = sizes[i];
        CHECK_STATUS(ctx, aenc_rate_distortion(model, &few, steps, 1, 0, &large.first), AENC_ERR_ARGUMENT);
    }
    aenc_model_free(model);
}

/* Held-out rows are measured as test rows are, by the model and by PCA. */
static void test_sweep(aenc_context *ctx) {
    static const size_t codes[] = {1, 3, 4};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .optimizer = "sgd:lr=0"};
    aenc_sweep_options o = {.struct_size = sizeof o, .codes = codes, .code_count = 3, .fit = &fit, .test = &rest};
    aenc_sweep_point a[3] = {{.struct_size = sizeof *a}}, b[3] = {{.struct_size = sizeof *b}}, c[3] = {{.struct_size = sizeof *c}};
    CHECK_STATUS(ctx, aenc_sweep(ctx, &few, &o, a, 3), AENC_OK);
    o.test = NULL;
    fit.valid = &rest;
    CHECK_STATUS(ctx, aenc_sweep(ctx, &few, &o, b, 3), AENC_OK);
    fit.valid = NULL;
    CHECK_STATUS(ctx, aenc_sweep(ctx, &rest, &o, c, 3), AENC_OK);
    for (int i = 0; i < 3; i++) {
        CHECK(a[i].test == b[i].valid && a[i].pca_test == b[i].pca_valid && a[i].train == b[i].train && a[i].test > 0);
        CHECK(isnan(a[i].valid) && isnan(a[i].pca_valid) && isnan(b[i].test) && isnan(b[i].pca_test));
        CHECK(a[i].pca_train == b[i].pca_train && a[i].test == c[i].train); /* of the same numbers: untrained */
        CHECK(a[i].epochs == 1 && a[i].parameters == codes[i] * COLS * 2 + codes[i] + COLS && a[i].code == codes[i]);
        CHECK((a[i].pca_train == 0) == (i == 2) && (a[i].pca_test == 0) == (i == 2)); /* as many as there are columns */
    }
    CHECK(a[0].pca_train > a[1].pca_train && a[1].pca_train > 0);
}

/* ---- Settings that are left out ---- */

static void test_defaults(aenc_context *ctx) {
    static float center[3][6 * COLS];
    static int32_t group[3][FEW], said[3][FEW / 2];
    double inertia[3], accuracy;
    const aenc_kmeans_options groups[3] = {{.struct_size = sizeof *groups, .clusters = 6},
                                           {.struct_size = sizeof *groups, .clusters = 6, .restarts = 10, .iterations = 300},
                                           {.struct_size = sizeof *groups, .clusters = 6, .restarts = 1, .iterations = 1}};
    for (int i = 0; i < 3; i++)
        CHECK_STATUS(ctx, aenc_kmeans(ctx, &few, &groups[i], center[i], 6 * COLS, group[i], FEW, &inertia[i]), AENC_OK);
    CHECK(memcmp(center[0], center[1], sizeof center[0]) == 0 && memcmp(group[0], group[1], sizeof group[0]) == 0);
    CHECK(inertia[0] == inertia[1] && inertia[2] > inertia[0]);
    static const char *const probes[][3] = {{NULL, "softmax", "softmax:l2=1e-4,iterations=500"},
                                            {"knn", "knn:k=5", "knn:k=5,metric=euclidean"}};
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 3; i++)
            CHECK_STATUS(ctx, aenc_probe(ctx, probes[k][i], &few, labels, FEW, &rest, labels + FEW, FEW / 2, said[i],
                                         FEW / 2, &accuracy), AENC_OK);
        CHECK(memcmp(said[0], said[1], sizeof said[0]) == 0 && memcmp(said[0], said[2], sizeof said[0]) == 0 && accuracy > 0.5);
    }
}

/* More rows than the classifier takes at a time: in another order they teach it the same, and it answers each as it would alone. */
static void test_many_rows(aenc_context *ctx) {
    static float turned[MANY * COLS];
    static int32_t turned_labels[MANY], said[2][MANY], alone[MANY];
    const aenc_matrix back = {turned, MANY, COLS, 0}, end = {data + 4090 * COLS, MANY - 4090, COLS, 0};
    double accuracy[2];
    int differ = 0, right = 0;
    for (int r = 0; r < MANY; r++) {
        memcpy(turned + r * COLS, data + (MANY - 1 - r) * COLS, COLS * sizeof *data);
        turned_labels[r] = labels[MANY - 1 - r];
    }
    CHECK_STATUS(ctx, aenc_probe(ctx, "softmax", &all, labels, MANY, &all, labels, MANY, said[0], MANY, &accuracy[0]), AENC_OK);
    CHECK_STATUS(ctx, aenc_probe(ctx, "softmax", &back, turned_labels, MANY, &all, labels, MANY,
                             said[1], MANY, &accuracy[1]), AENC_OK);
    for (int r = 0; r < MANY; r++) {
        differ += said[0][r] != said[1][r];
        right += said[0][r] == labels[r];
    }
    CHECK(differ <= 2 && accuracy[0] == (double)right / MANY && accuracy[0] > 0.9);
    CHECK_STATUS(ctx, aenc_probe(ctx, "softmax", &all, labels, MANY, &end, labels + 4090, MANY - 4090,
                             alone, MANY, &accuracy[1]), AENC_OK);
    CHECK(memcmp(alone, said[0] + 4090, (MANY - 4090) * sizeof *alone) == 0);
    /* what the penalty costs: with a large one nothing is learned but which class has most rows */
    int count[3] = {0};
    for (int r = 0; r < MANY; r++) count[labels[r]]++;
    int most = count[0] >= count[1] && count[0] >= count[2] ? 0 : count[1] >= count[2] ? 1 : 2;
    CHECK_STATUS(ctx, aenc_probe(ctx, "softmax:l2=1e6", &all, labels, MANY, &all, labels, MANY,
                             said[1], MANY, &accuracy[1]), AENC_OK);
    CHECK_NEAR(accuracy[1], (double)count[most] / MANY, 1e-12);
    CHECK_STATUS(ctx, aenc_probe(ctx, "softmax:iterations=1", &all, labels, MANY, &all, labels, MANY,
                             said[1], MANY, &accuracy[1]), AENC_OK);
    CHECK(memcmp(said[0], said[1], sizeof said[0]) != 0);
}

/* Votes by hand: of equal ones the smallest label; more neighbours than rows are all rows. */
static void test_votes(aenc_context *ctx) {
    const float train[] = {0, 1, 2, 10, 11, 12}, asked[] = {0.9f, 10.8f, 6.4f};
    const int32_t label[] = {9, -4, 9, 7, 7, -4}, truth[] = {9, 7, -4};
    const aenc_matrix x = {train, 6, 1, 0}, q = {asked, 3, 1, 0};
    int32_t said[3];
    double accuracy = -1;
    static const struct {
        const char *spec;
        int32_t want[3];
    } cases[] = {{"knn:k=1", {-4, 7, 7}}, {"knn:k=2", {-4, 7, 7}}, {"knn:k=3", {9, 7, 7}}, {"knn:k=4", {9, 7, 7}},
                 {"knn:k=6", {-4, -4, -4}}, {"knn:k=1000", {-4, -4, -4}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int right = 0;
        CHECK_STATUS(ctx, aenc_probe(ctx, cases[i].spec, &x, label, 6, &q, truth, 3, said, 3, &accuracy), AENC_OK);
        for (int r = 0; r < 3; r++) right += cases[i].want[r] == truth[r];
        if (!CHECK(memcmp(said, cases[i].want, sizeof said) == 0))
            fprintf(stderr, "  %s: %d %d %d\n", cases[i].spec, said[0], said[1], said[2]);
        CHECK_NEAR(accuracy, right / 3.0, 1e-15);
    }
    int64_t index[18];
    float distance[18];
    CHECK_STATUS(ctx, aenc_neighbours(ctx, &x, &q, 6, AENC_DISTANCE_EUCLIDEAN, index, distance, 18), AENC_OK);
    const int64_t want[] = {1, 0, 2, 3, 4, 5, 4, 3, 5, 2, 1, 0, 3, 2, 4, 1, 5, 0};
    for (int i = 0; i < 18; i++) {
        CHECK(index[i] == want[i]);
        CHECK_NEAR(distance[i], fabsf(asked[i / 6] - train[want[i]]), 1e-6);
    }
}

int main(void) {
    struct memory memory = {0};
    aenc_context *ctx = memory_context(&memory, 4, 2);
    data_make();
    test_classes(ctx);
    test_evaluate(ctx);
    test_rate(ctx);
    test_sweep(ctx);
    test_defaults(ctx);
    test_votes(ctx);
    test_many_rows(ctx);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
    return check_finish();
}
