/* linear_vae_test.c - a linear variational autoencoder against probabilistic PCA in closed form (Tipping & Bishop 1999; Lucas et
 * al. 2019).
 *
 * With decoder W z + m, noise v and a factor beta of the KL, the objective is beta times that of noise s = beta v but for a
 * constant, so that its best is probabilistic PCA's with noise s: of the eigenvalues l_j of the data's covariance those above
 * s, as far as there are units, are used, and with q of them, of n
 *
 *     log p = -(n log(2 pi) + sum_(used) (log l_j + 1) + sum_(others) (log s + l_j / s)) / 2
 *     best  = beta log p + beta n log(2 pi s) / 2 - n log(2 pi v) / 2
 */
#include <stdbool.h>
#include <string.h>

#include "autoenc/autoenc.h"
#include "check.h"

enum { N = 8, ROWS = 512, UNITS = 5, REPEATS = 16 };

static const double two_pi = 6.283185307179586477, eigenvalue[N] = {4, 2, 1, 0.5, 0.2, 0.06, 0.04, 0.02}, noise = 0.1;
static float data[REPEATS * ROWS * N];

/* Waves are orthogonal: the covariance is diagonal, exactly. A reflection turns it, a shift moves it. */
static void data_make(void) {
    double normal[N], length = 0;
    for (int j = 0; j < N; j++) normal[j] = 1 + j % 3, length += normal[j] * normal[j];
    for (int r = 0; r < ROWS; r++) {
        double row[N], along = 0;
        for (int j = 0; j < N; j++) {
            row[j] = sqrt(2 * eigenvalue[j]) * cos(two_pi * (3 + 7 * j) * r / ROWS);
            along += normal[j] * row[j];
        }
        for (int j = 0; j < N; j++) data[r * N + j] = (float)(row[j] - 2 * normal[j] * along / length + 0.3 * j);
    }
    for (int i = 1; i < REPEATS; i++) memcpy(data + i * ROWS * N, data, sizeof *data * ROWS * N);
}

/* The best objective per row, and how many units it uses. */
static double best(double beta, int *used) {
    double s = beta * noise, sum = N * log(two_pi);
    *used = 0;
    for (int j = 0; j < N; j++) {
        bool active = j < UNITS && eigenvalue[j] > s;
        *used += active;
        sum += active ? log(eigenvalue[j]) + 1 : log(s) + eigenvalue[j] / s;
    }
    return -0.5 * beta * sum + 0.5 * beta * N * log(two_pi * s) - 0.5 * N * log(two_pi * noise);
}

static double measure(const aenc_model *model, const char *name) {
    for (size_t i = 0; i < aenc_model_term_count(model); i++)
        if (strcmp(aenc_model_term_name(model, i), name) == 0) return aenc_model_term_value(model, i);
    return -1;
}

static void rung(aenc_context *ctx, double beta) {
    static float score[REPEATS * ROWS];
    const aenc_matrix rows = {data, ROWS, N, 0}, repeated = {data, REPEATS * ROWS, N, 0};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1000, .batch = 64, .optimizer = "adam:lr=0.02",
                            .schedule = "cosine"};
    aenc_batch batch = {.struct_size = sizeof batch, .input = rows};
    aenc_model *model = NULL;
    char text[256];
    int used;
    double want = best(beta, &used), got = 0, loss;
    (void)snprintf(text, sizeof text,
                   "{\"input\":[8],\"encoder\":{\"type\":\"identity\"},\"bottleneck\":\"gaussian:units=5,beta=%g\","
                   "\"decoder\":{\"type\":\"dense\",\"units\":8},\"loss\":\"gaussian:scale=%.9g\"}", beta, sqrt(noise));
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), AENC_OK);
    CHECK_STATUS(ctx, aenc_fit(model, &rows, &fit), AENC_OK);
    CHECK_STATUS(ctx, aenc_score(model, &repeated, NULL, score, REPEATS * ROWS), AENC_OK);
    for (int r = 0; r < REPEATS * ROWS; r++) got -= (double)score[r] / (REPEATS * ROWS);
    CHECK_STATUS(ctx, aenc_model_gradients(model, &batch, &loss), AENC_OK);
    if (!CHECK(fabs(got - want) < 0.1))
        fprintf(stderr, "  beta %g: objective %.4f, closed form %.4f\n", beta, got, want);
    if (!CHECK(measure(model, "active_units") == used))
        fprintf(stderr, "  beta %g: %g active units, closed form %d\n", beta, measure(model, "active_units"), used);
    aenc_model_free(model);
}

int main(void) {
    aenc_context *ctx = NULL;
    aenc_context_options options = {.struct_size = sizeof options, .seed = 1, .threads = 1};
    if (aenc_context_create(&options, &ctx) != AENC_OK) return 1;
    data_make();
    rung(ctx, 0.5);
    rung(ctx, 1);
    rung(ctx, 4);
    rung(ctx, 12);
    aenc_context_free(ctx);
    return check_finish();
}
