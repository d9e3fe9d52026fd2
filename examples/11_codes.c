/* 11_codes.c - what the codes of the handwritten digits are good for: groups, neighbours, probes, and the way from
 * one digit to another. Reads examples/data (.npy files whose headers have 128 bytes). */
#include <autoenc/autoenc.h>
#include <stdio.h>

enum {
    ROWS = 1797,
    COLS = 64,
    SIDE = 8,
    CODE = 12,
    TRAIN = 1500,
    TEST = ROWS - TRAIN,
    DIGITS = 10,
    STEPS = 7,
    HEADER = 128
};

static float digits[ROWS * COLS], code[ROWS * CODE], way[STEPS * COLS];
static int32_t label[ROWS], group[ROWS];

static int read_data(void) {
    static unsigned char bytes[ROWS];
    FILE *images = fopen("examples/data/digits.npy", "rb"), *names = fopen("examples/data/digits_labels.npy", "rb");
    int good = images != NULL && names != NULL && fseek(images, HEADER, SEEK_SET) == 0 &&
               fseek(names, HEADER, SEEK_SET) == 0 &&
               fread(digits, sizeof *digits, ROWS * COLS, images) == ROWS * COLS &&
               fread(bytes, 1, ROWS, names) == ROWS;
    for (int i = 0; i < ROWS; i++) label[i] = bytes[i];
    if (images != NULL) (void)fclose(images);
    if (names != NULL) (void)fclose(names);
    return good;
}

static aenc_status train(aenc_context *ctx, aenc_model **model) {
    aenc_matrix x = {.data = digits, .rows = TRAIN, .cols = COLS}, all = {.data = digits, .rows = ROWS, .cols = COLS};
    aenc_model_options options = {.struct_size = sizeof options};
    aenc_fit_options fit = {.struct_size = sizeof fit};
    options.input = (const size_t[]){COLS};
    options.input_rank = 1;
    options.encoder_widths = (const size_t[]){64, CODE};
    options.encoder_count = 2;
    options.output = "sigmoid";
    options.loss = "bce";
    fit.optimizer = "adam:lr=0.003";
    fit.epochs = 40;
    fit.batch = 64;
    aenc_status status = aenc_model_create(ctx, &options, model);
    if (status == AENC_OK) status = aenc_fit(*model, &x, &fit);
    return status == AENC_OK ? aenc_encode(*model, &all, code, ROWS * CODE) : status;
}

/* Groups found without labels: the share of rows that show the digit most common in their group. */
static aenc_status find_groups(aenc_context *ctx, double *purity) {
    static float center[DIGITS * CODE];
    aenc_matrix x = {.data = code, .rows = ROWS, .cols = CODE};
    aenc_kmeans_options options = {.struct_size = sizeof options, .clusters = DIGITS};
    int count[DIGITS][DIGITS] = {{0}}, right = 0;
    aenc_status status = aenc_kmeans(ctx, &x, &options, center, DIGITS * CODE, group, ROWS, NULL);
    if (status != AENC_OK) return status;
    for (int i = 0; i < ROWS; i++) count[group[i]][label[i]]++;
    for (int g = 0; g < DIGITS; g++) {
        int most = 0;
        for (int d = 0; d < DIGITS; d++) most = count[g][d] > most ? count[g][d] : most;
        right += most;
    }
    *purity = (double)right / ROWS;
    return AENC_OK;
}

/* How many of the three nearest codes of the test digits, among the training digits, show the same digit. */
static aenc_status find_neighbours(aenc_context *ctx, double *share) {
    static int64_t index[TEST * 3];
    aenc_matrix base = {.data = code, .rows = TRAIN, .cols = CODE};
    aenc_matrix query = {.data = code + TRAIN * CODE, .rows = TEST, .cols = CODE};
    int same = 0;
    aenc_status status = aenc_neighbours(ctx, &base, &query, 3, AENC_DISTANCE_EUCLIDEAN, index, NULL, TEST * 3);
    if (status != AENC_OK) return status;
    for (int i = 0; i < TEST * 3; i++) same += label[index[i]] == label[TRAIN + i / 3];
    *share = same / (3.0 * TEST);
    return AENC_OK;
}

static aenc_status ask_probe(aenc_context *ctx, const char *probe, double *accuracy) {
    aenc_matrix known = {.data = code, .rows = TRAIN, .cols = CODE};
    aenc_matrix asked = {.data = code + TRAIN * CODE, .rows = TEST, .cols = CODE};
    return aenc_probe(ctx, probe, &known, label, TRAIN, &asked, label + TRAIN, TEST, NULL, 0, accuracy);
}

/* From the first digit to the second, as letters. */
static aenc_status draw_way(aenc_model *model) {
    aenc_matrix from = {.data = digits, .rows = 1, .cols = COLS}, to = {.data = digits + COLS, .rows = 1, .cols = COLS};
    aenc_status status = aenc_interpolate(model, &from, &to, STEPS, AENC_INTERPOLATE_LINEAR, way, STEPS * COLS);
    for (int y = 0; status == AENC_OK && y < SIDE; y++) {
        for (int x = 0; x < STEPS * SIDE; x++) {
            int shade = (int)(way[x / SIDE * COLS + y * SIDE + x % SIDE] * 3.99f);
            (void)printf("%s%c", x % SIDE == 0 ? "  " : "", " .o@"[shade]);
        }
        (void)printf("\n");
    }
    return status;
}

int main(void) {
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    double purity = 0.0, same = 0.0, softmax = 0.0, knn = 0.0;
    if (!read_data() || aenc_context_create(NULL, &ctx) != AENC_OK) return 1;
    aenc_status status = train(ctx, &model);
    if (status == AENC_OK) status = find_groups(ctx, &purity);
    if (status == AENC_OK) status = find_neighbours(ctx, &same);
    if (status == AENC_OK) status = ask_probe(ctx, "softmax:l2=1e-3", &softmax);
    if (status == AENC_OK) status = ask_probe(ctx, "knn:k=5", &knn);
    if (status == AENC_OK) status = draw_way(model);
    if (status != AENC_OK) (void)printf("failed: %s\n", aenc_message(ctx));
    (void)printf("ten groups found without labels: %.1f %% of the rows show their group's digit\n", 100 * purity);
    (void)printf("three nearest codes: %.1f %% show the same digit\n", 100 * same);
    (void)printf("probes: softmax regression %.1f %%, five nearest codes %.1f %%\n", 100 * softmax, 100 * knn);
    aenc_model_free(model);
    aenc_context_free(ctx);
    return purity > 0.6 && same > 0.85 && softmax > 0.8 && knn > 0.85 ? 0 : 1;
}
