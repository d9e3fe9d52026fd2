/* 03_anomaly_scores.c - rows that do not follow the rule of the others get high scores, and the scores of the
 * features say where the rule is broken. Ten sensors read the same two slow waves; in every 50th row one of them is
 * stuck. */
#include <autoenc/autoenc.h>
#include <math.h>
#include <stdio.h>

enum { ROWS = 1000, COLS = 10, EVERY = 50, STUCK = 6 };

static float normal[ROWS * COLS], mixed[ROWS * COLS], score[ROWS], feature[ROWS * COLS];

static void make_rows(float *rows, double start) {
    for (int i = 0; i < ROWS; i++) {
        for (int k = 0; k < COLS; k++) {
            double t = start + 0.05 * i;
            rows[i * COLS + k] = (float)(sin(t) * (0.3 + 0.07 * k) + cos(0.61 * t) * (1.0 - 0.08 * k));
        }
    }
}

static aenc_status train_and_score(aenc_context *ctx, aenc_model **model) {
    aenc_matrix x = {.data = normal, .rows = ROWS, .cols = COLS}, y = {.data = mixed, .rows = ROWS, .cols = COLS};
    aenc_model_options options = {.struct_size = sizeof options};
    aenc_fit_options fit = {.struct_size = sizeof fit};
    options.input = (const size_t[]){COLS};
    options.input_rank = 1;
    options.encoder_widths = (const size_t[]){16, 2};
    options.encoder_count = 2;
    options.activation = "tanh";
    fit.optimizer = "adam:lr=0.01";
    fit.epochs = 40;
    fit.batch = 50;
    aenc_status status = aenc_model_create(ctx, &options, model);
    if (status == AENC_OK) status = aenc_fit(*model, &x, &fit);
    if (status == AENC_OK) status = aenc_score(*model, &y, NULL, score, ROWS);
    if (status == AENC_OK) status = aenc_score_features(*model, &y, NULL, feature, ROWS * COLS);
    return status;
}

/* How many of the stuck rows score above every normal row, and have their highest feature where the fault is. */
static int count_found(int *named) {
    float limit = 0.0f;
    int found = 0;
    *named = 0;
    for (int i = 0; i < ROWS; i++) {
        if (i % EVERY != 0 && score[i] > limit) limit = score[i];
    }
    for (int i = 0; i < ROWS; i += EVERY) {
        int highest = 0;
        for (int k = 1; k < COLS; k++) {
            if (feature[i * COLS + k] > feature[i * COLS + highest]) highest = k;
        }
        found += score[i] > limit;
        *named += highest == STUCK;
    }
    (void)printf("the highest score of a normal row is %.5f, ", (double)limit);
    (void)printf("the first stuck row has %.5f\n", (double)score[0]);
    return found;
}

int main(void) {
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    int named = 0, faults = ROWS / EVERY;
    make_rows(normal, 0.0);
    make_rows(mixed, 0.025);
    for (int i = 0; i < ROWS; i += EVERY) mixed[i * COLS + STUCK] = 2.5f;
    if (aenc_context_create(NULL, &ctx) != AENC_OK) return 1;
    aenc_status status = train_and_score(ctx, &model);
    if (status != AENC_OK) (void)printf("failed: %s\n", aenc_message(ctx));
    int found = status == AENC_OK ? count_found(&named) : 0;
    (void)printf("%d of %d stuck rows found, the sensor named in %d\n", found, faults, named);
    aenc_model_free(model);
    aenc_context_free(ctx);
    return found >= 0.9 * faults && named >= 0.9 * faults ? 0 : 1;
}
