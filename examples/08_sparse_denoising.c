/* 08_sparse_denoising.c - digits through a tied autoencoder whose sigmoid code is wider than what it needs, kept
 * sparse by a KL penalty, and which sees a third of the pixels masked while it learns: how active the code is, how
 * much of the damage is repaired, and which way the data lie from a noisy digit. */
#include <autoenc/autoenc.h>
#include <math.h>
#include <stdio.h>

enum { ROWS = 1797, COLS = 64, CODE = 100, EPOCHS = 100 };

static float digit[ROWS * COLS], damaged[ROWS * COLS], repaired[ROWS * COLS], code[ROWS * CODE], score[ROWS * COLS];

static const char *const penalties[] = {"kl:weight=0.01,rho=0.1,warmup=5", "l2_weights:weight=1e-5"};
static const char *const corruptions[] = {"mask:level=0.5,to=0.3,over=20,shape=cosine"};

static aenc_status create(aenc_context *ctx, aenc_model **model) {
    aenc_model_options options = {.struct_size = sizeof options};
    options.input = (const size_t[]){COLS};
    options.input_rank = 1;
    options.encoder_widths = (const size_t[]){CODE};
    options.encoder_count = 1;
    options.code_activation = "sigmoid";
    options.penalties = penalties;
    options.penalty_count = 2;
    options.corruptions = corruptions;
    options.corruption_count = 1;
    options.tied = 1;
    return aenc_model_create(ctx, &options, model);
}

static aenc_status train(aenc_model *model) {
    aenc_matrix x = {.data = digit, .rows = ROWS, .cols = COLS};
    aenc_fit_options fit = {.struct_size = sizeof fit, .optimizer = "adam:lr=0.003", .epochs = EPOCHS, .batch = 64};
    aenc_status status = aenc_fit(model, &x, &fit);
    for (size_t term = 0; term < aenc_model_term_count(model) && status == AENC_OK; term++) {
        double first, last;
        (void)aenc_model_history_term(model, 0, term, &first);
        (void)aenc_model_history_term(model, EPOCHS - 1, term, &last);
        (void)printf("%-16s %.5f in the first epoch, %.5f in the last\n", aenc_model_term_name(model, term), first,
                     last);
    }
    return status;
}

/* The digits that ship with the project: 1797 rows of 64 little-endian floats in [0, 1] behind the header of a .npy. */
static int read_digits(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, -(long)sizeof digit, SEEK_END) != 0) return 0;
    size_t got = fread(digit, sizeof *digit, (size_t)ROWS * COLS, file);
    (void)fclose(file);
    return got == (size_t)ROWS * COLS;
}

/* Every third pixel or so, by a rule that has nothing to do with the draws of training. */
static void damage(void) {
    for (int i = 0; i < ROWS * COLS; i++) damaged[i] = (i * 7919L + i / 64 * 104729L) % 10 < 3 ? 0.0f : digit[i];
}

static double distance(const float *a) {
    double sum = 0;
    for (int i = 0; i < ROWS * COLS; i++) sum += pow((double)a[i] - (double)digit[i], 2) / ROWS;
    return sum;
}

/* Mean activation over all elements and rows, and the furthest that an element's own mean is from rho. */
static double activity(double rho, double *furthest) {
    double all = 0;
    *furthest = 0;
    for (int j = 0; j < CODE; j++) {
        double mean = 0;
        for (int r = 0; r < ROWS; r++) mean += (double)code[r * CODE + j] / ROWS;
        all += mean / CODE;
        if (fabs(mean - rho) > *furthest) *furthest = fabs(mean - rho);
    }
    return all;
}

int main(int count, char **argument) {
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    aenc_matrix x = {.data = digit, .rows = ROWS, .cols = COLS}, bad = {.data = damaged, .rows = ROWS, .cols = COLS};
    int good = 0;
    if (!read_digits(count > 1 ? argument[1] : "examples/data/digits.npy")) {
        (void)fprintf(stderr, "cannot read the digits\n");
        return 1;
    }
    damage();
    aenc_status status = aenc_context_create(NULL, &ctx);
    if (status == AENC_OK) status = create(ctx, &model);
    if (status == AENC_OK) status = train(model);
    if (status == AENC_OK) status = aenc_encode(model, &x, code, ROWS * CODE);
    if (status == AENC_OK) status = aenc_reconstruct(model, &bad, repaired, ROWS * COLS);
    if (status == AENC_OK) status = aenc_denoising_score(model, &bad, 0.3, score, ROWS * COLS);
    if (status == AENC_OK) {
        double furthest, mean = activity(0.1, &furthest), along = 0;
        for (int i = 0; i < ROWS * COLS; i++) along += (double)score[i] * ((double)digit[i] - (double)damaged[i]);
        (void)printf("mean activation %.3f, no element further than %.3f from 0.1\n", mean, furthest);
        (void)printf("squared distance to the digits: damaged %.2f, repaired %.2f\n", distance(damaged),
                     distance(repaired));
        (void)printf("the score points %s the digits\n", along > 0 ? "towards" : "away from");
        good = fabs(mean - 0.1) < 0.02 && distance(repaired) < 0.5 * distance(damaged) && along > 0;
    } else {
        (void)fprintf(stderr, "%s: %s\n", aenc_status_name(status), aenc_message(ctx));
    }
    aenc_model_free(model);
    aenc_context_free(ctx);
    return good ? 0 : 1;
}
