/* 10_detector.c - a detector for tables: raw columns in, scores, flags and probabilities out. Of the handwritten
 * digits that ship with the project it gets the zeros, among which some other digits have fallen, without
 * their labels. */
#include <autoenc/autoenc.h>
#include <stdio.h>
#include <string.h>

enum { IMAGES = 1797, PIXELS = 64, HEADER = 128, ROWS_MAX = 400, EVERY = 80 };

static float images[IMAGES * PIXELS];
static unsigned char digits[IMAGES];
static float table[ROWS_MAX * PIXELS], score[ROWS_MAX], probability[ROWS_MAX], again[ROWS_MAX];
static unsigned char foreign[ROWS_MAX], flag[ROWS_MAX];

/* What stands behind the header of a .npy file. */
static int read_numbers(const char *path, void *out, size_t bytes) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return 0;
    int good = fseek(file, HEADER, SEEK_SET) == 0 && fread(out, 1, bytes, file) == bytes;
    (void)fclose(file);
    return good;
}

/* Every zero, and one in so many of the others. Answers the rows. */
static size_t make_table(void) {
    size_t rows = 0;
    for (int i = 0; i < IMAGES && rows < ROWS_MAX; i++) {
        if (digits[i] != 0 && i % EVERY != 0) continue;
        for (int k = 0; k < PIXELS; k++) table[rows * PIXELS + (size_t)k] = images[i * PIXELS + k];
        foreign[rows++] = digits[i] != 0;
    }
    return rows;
}

static aenc_status detect(aenc_context *ctx, const aenc_matrix *x, aenc_detector **detector) {
    aenc_detector_options options = {.struct_size = sizeof options};
    options.threshold = "mad:k=3";
    aenc_status status = aenc_detector_create(ctx, x, &options, detector);
    if (status == AENC_OK) status = aenc_detector_score(*detector, x, score, ROWS_MAX);
    if (status == AENC_OK) status = aenc_detector_flag(*detector, x, flag, ROWS_MAX);
    if (status == AENC_OK) status = aenc_detector_probability(*detector, x, probability, ROWS_MAX);
    return status;
}

/* To a file and back: the same scores. */
static aenc_status keep(aenc_context *ctx, aenc_detector *detector, const aenc_matrix *x, const char *path) {
    aenc_detector *loaded = NULL;
    aenc_status status = aenc_detector_save(detector, path);
    if (status == AENC_OK) status = aenc_detector_load(ctx, path, &loaded);
    if (status == AENC_OK) status = aenc_detector_score(loaded, x, again, ROWS_MAX);
    aenc_detector_free(loaded);
    (void)remove(path);
    return status;
}

int main(void) {
    aenc_context *ctx = NULL;
    aenc_detector *detector = NULL;
    double auc = 0, ap = 0, precision = 0, recall = 0;
    if (!read_numbers("examples/data/digits.npy", images, sizeof images) ||
        !read_numbers("examples/data/digits_labels.npy", digits, sizeof digits)) {
        (void)printf("run it where examples/data lies\n");
        return 1;
    }
    size_t rows = make_table();
    aenc_matrix x = {.data = table, .rows = rows, .cols = PIXELS};
    if (aenc_context_create(NULL, &ctx) != AENC_OK) return 1;
    aenc_status status = detect(ctx, &x, &detector);
    double threshold = aenc_detector_threshold(detector);
    if (status == AENC_OK) status = aenc_roc_auc(ctx, score, foreign, rows, &auc);
    if (status == AENC_OK) status = aenc_average_precision(ctx, score, foreign, rows, &ap);
    if (status == AENC_OK) status = aenc_precision_recall(ctx, score, foreign, rows, threshold, &precision, &recall);
    if (status == AENC_OK) status = keep(ctx, detector, &x, "10_detector.safetensors");
    if (status != AENC_OK) (void)printf("failed: %s\n", aenc_message(ctx));
    for (size_t i = 0; status == AENC_OK && i < rows; i++) {
        if (flag[i]) {
            (void)printf("row %3zu: score %6.1f, probability %.3f%s\n", i, (double)score[i], (double)probability[i],
                         foreign[i] ? ", not a zero" : "");
        }
    }
    (void)printf("%zu rows, threshold %.1f: precision %.2f, recall %.2f; ROC-AUC %.3f, average precision %.3f\n", rows,
                 threshold, precision, recall, auc, ap);
    int same = memcmp(score, again, rows * sizeof *score) == 0;
    aenc_detector_free(detector);
    aenc_context_free(ctx);
    return status == AENC_OK && same && auc > 0.95 ? 0 : 1;
}
