/* fit_test.c - the run over epochs: it finds a known optimum, stops when it should, keeps the best, holds out what it
 * says, tells what it did. */
#include "train/trial.h"

enum { ROWS = 60, IN = 4, OUT = 3 };

static const char linear[] = "{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":3},"
                             "\"decoder\":{\"type\":\"sequential\",\"layers\":[]},\"loss\":\"mse\"}";
static const char small[] =
    "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5,"
    "\"activation\":\"tanh\"},{\"type\":\"dense\",\"units\":2}]}}";

/* ---- A convex problem and its solution ---- */

/* Solves A W = B in place, A (n, n) symmetric positive definite, B (n, m), by Gauss's elimination. */
static void solve(double *a, double *b, int n, int m) {
    for (int p = 0; p < n; p++) {
        for (int r = 0; r < n; r++) {
            if (r == p) continue;
            double f = a[r * n + p] / a[p * n + p];
            for (int c = 0; c < n; c++) a[r * n + c] -= f * a[p * n + c];
            for (int c = 0; c < m; c++) b[r * m + c] -= f * b[p * m + c];
        }
    }
    for (int r = 0; r < n; r++)
        for (int c = 0; c < m; c++) b[r * m + c] /= a[r * n + r];
}

/* w (IN + 1, OUT), the last row the bias, such that (X 1) w is nearest to T: (X 1)^T (X 1) w = (X 1)^T T. */
static void least_squares(const float *x, const float *t, double *w) {
    enum { N = IN + 1 };
    double a[N * N] = {0};
    memset(w, 0, N * OUT * sizeof *w);
    for (int r = 0; r < ROWS; r++) {
        double row[N];
        for (int i = 0; i < IN; i++) row[i] = (double)x[r * IN + i];
        row[IN] = 1;
        for (int i = 0; i < N; i++) {
            for (int k = 0; k < N; k++) a[i * N + k] += row[i] * row[k];
            for (int k = 0; k < OUT; k++) w[i * OUT + k] += row[i] * (double)t[r * OUT + k];
        }
    }
    solve(a, w, N, OUT);
}

static double squared_error(const float *x, const float *t, const double *w) {
    double sum = 0;
    for (int r = 0; r < ROWS; r++) {
        for (int k = 0; k < OUT; k++) {
            double y = w[IN * OUT + k];
            for (int i = 0; i < IN; i++) y += (double)x[r * IN + i] * w[i * OUT + k];
            sum += (y - (double)t[r * OUT + k]) * (y - (double)t[r * OUT + k]);
        }
    }
    return sum / (ROWS * OUT);
}

static void test_convex(const char *optimizer, const char *schedule, int64_t epochs) {
    float x[ROWS * IN], t[ROWS * OUT], weight[OUT * IN], bias[OUT];
    double w[(IN + 1) * OUT], loss;
    struct trial trial = trial_create(linear, 1, 1);
    trial_fill(x, ROWS * IN, 1);
    trial_fill(t, ROWS * OUT, 2);
    least_squares(x, t, w);
    aenc_matrix input = {x, ROWS, IN, 0}, target = {t, ROWS, OUT, 0};
    aenc_fit_options options = {.struct_size = sizeof options,
                                .optimizer = optimizer,
                                .schedule = schedule,
                                .epochs = epochs,
                                .batch = ROWS,
                                .target = &target};
    CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &input, &options), AENC_OK);
    CHECK(trial_read(&trial, "encoder.weight", weight, OUT * IN) == OUT * IN);
    CHECK(trial_read(&trial, "encoder.bias", bias, OUT) == OUT);
    for (int k = 0; k < OUT; k++) {
        for (int i = 0; i < IN; i++) CHECK_NEAR((double)weight[k * IN + i], w[i * OUT + k], 1e-4);
        CHECK_NEAR((double)bias[k], w[IN * OUT + k], 1e-4);
    }
    aenc_batch batch = {.struct_size = sizeof batch, .input = input, .target = target};
    CHECK_STATUS(trial.ctx, aenc_model_evaluate(trial.model, &batch, &loss), AENC_OK);
    CHECK_NEAR(loss, squared_error(x, t, w), 1e-6);
    trial_free(&trial);
}

/* ---- What the callback sees ---- */

struct seen {
    aenc_progress epoch[512];
    size_t epochs, steps;
    double rates[512], losses[512]; /* of each step; the mean over the epoch so far */
    int64_t stop_epoch, stop_step;
    aenc_progress last;
};

static int watch(void *user, const aenc_progress *now) {
    struct seen *seen = user;
    CHECK(now->struct_size == sizeof *now);
    seen->last = *now;
    if (now->event == AENC_EVENT_EPOCH) {
        seen->epoch[seen->epochs++] = *now;
        return 0;
    }
    CHECK(now->event == AENC_EVENT_STEP && isnan(now->valid_loss) && now->seconds >= 0);
    seen->losses[seen->steps] = now->train_loss;
    seen->rates[seen->steps++] = now->learning_rate;
    return now->epoch == seen->stop_epoch && now->step == seen->stop_step;
}

static bool same_number(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static bool same_progress(const aenc_progress *a, const aenc_progress *b) {
    return a->event == b->event && a->epoch == b->epoch && a->epochs == b->epochs && a->step == b->step &&
           a->steps == b->steps && same_number(a->train_loss, b->train_loss) &&
           same_number(a->valid_loss, b->valid_loss) && a->learning_rate == b->learning_rate &&
           a->gradient_norm == b->gradient_norm && a->seconds == b->seconds &&
           same_number(a->best_valid_loss, b->best_valid_loss) && a->best_epoch == b->best_epoch;
}

static void history_check(const struct trial *trial, const struct seen *seen) {
    CHECK(aenc_model_history_count(trial->model) == seen->epochs);
    for (size_t i = 0; i < seen->epochs; i++) {
        aenc_progress now = {.struct_size = sizeof now};
        CHECK_STATUS(trial->ctx, aenc_model_history(trial->model, i, &now), AENC_OK);
        CHECK(same_progress(&now, &seen->epoch[i]) && now.epoch == (int64_t)i + 1);
    }
}

static void test_history(void) {
    float x[ROWS * IN], y[20 * IN];
    struct trial trial = trial_create(small, 2, 1);
    struct seen seen = {.epochs = 0};
    trial_fill(x, ROWS * IN, 3);
    trial_fill(y, 20 * IN, 4);
    aenc_matrix input = {x, ROWS, IN, 0}, valid = {y, 20, IN, 0};
    aenc_fit_options options = {.struct_size = sizeof options,
                                .epochs = 5,
                                .batch = 16,
                                .valid = &valid,
                                .progress = watch,
                                .progress_user = &seen};
    CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &input, &options), AENC_OK);
    CHECK(seen.epochs == 5 && seen.steps == 5 * 4);
    history_check(&trial, &seen);
    for (size_t i = 0; i < seen.epochs; i++) {
        CHECK(seen.epoch[i].steps == 4 && seen.epoch[i].step == 4 && seen.epoch[i].epochs == 5);
        CHECK(seen.epoch[i].best_epoch >= 1 && seen.epoch[i].best_valid_loss <= seen.epoch[i].valid_loss);
    }
    /* a call that fails before the first step leaves the history */
    options.optimizer = "adma";
    CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &input, &options), AENC_ERR_ARGUMENT);
    history_check(&trial, &seen);
    trial_free(&trial);
}

static void test_stop(void) {
    float x[ROWS * IN];
    struct trial trial = trial_create(small, 2, 1);
    struct seen seen = {.stop_epoch = 2, .stop_step = 3};
    trial_fill(x, ROWS * IN, 3);
    aenc_matrix input = {x, ROWS, IN, 0};
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 5, .batch = 10, .validation_fraction = 0.2,
                                .progress = watch, .progress_user = &seen};
    CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &input, &options), AENC_OK);
    CHECK(seen.steps == 5 + 3 && seen.epochs == 2);
    CHECK(seen.last.event == AENC_EVENT_EPOCH && seen.last.epoch == 2 && seen.last.step == 3 && seen.last.steps == 5);
    history_check(&trial, &seen);
    trial_free(&trial);
}

static void test_schedules(void) {
    float x[ROWS * IN];
    trial_fill(x, ROWS * IN, 3);
    aenc_matrix input = {x, ROWS, IN, 0};
    const char *const specs[] = {"step:every=2,factor=0.5", "cosine", "warmup:steps=7", NULL};
    for (int k = 0; k < 4; k++) {
        struct trial trial = trial_create(small, 2, 1);
        struct seen seen = {.epochs = 0};
        aenc_fit_options options = {.struct_size = sizeof options, .optimizer = "sgd:lr=0.25", .schedule = specs[k],
                                    .epochs = 6, .batch = 20, .progress = watch, .progress_user = &seen};
        CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &input, &options), AENC_OK);
        CHECK(seen.steps == 18);
        for (int s = 0; s < 18; s++) {
            const double want[] = {0.25 * pow(0.5, s / 6), 0.125 * (1 + cos(acos(-1.0) * s / 18)),
                                   0.25 * (s < 7 ? (s + 1) / 7.0 : 1), 0.25};
            CHECK_NEAR(seen.rates[s], want[k], 1e-12);
        }
        trial_free(&trial);
    }
}

/* ---- Batches ---- */

/* At learning rate 0 the mean over the steps, the last one smaller, is the loss of all rows. */
static void test_batches(void) {
    float x[ROWS * IN];
    trial_fill(x, ROWS * IN, 5);
    const struct {
        int64_t batch;
        size_t rows, steps;
    } cases[] = {{7, 60, 9}, {59, 60, 2}, {60, 60, 1}, {61, 60, 1}, {1000000, 60, 1}, {0, 60, 1}, {1, 3, 3}, {4, 1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial trial = trial_create(small, 2, 1);
        struct seen seen = {.epochs = 0};
        aenc_matrix input = {x, cases[i].rows, IN, 0};
        aenc_fit_options options = {.struct_size = sizeof options, .optimizer = "sgd:lr=0", .epochs = 2,
                                    .batch = cases[i].batch, .progress = watch, .progress_user = &seen};
        aenc_batch batch = {.struct_size = sizeof batch, .input = input};
        double loss;
        CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &input, &options), AENC_OK);
        CHECK_STATUS(trial.ctx, aenc_model_evaluate(trial.model, &batch, &loss), AENC_OK);
        CHECK(seen.steps == 2 * cases[i].steps && seen.last.steps == (int64_t)cases[i].steps);
        CHECK_NEAR(seen.last.train_loss, loss, 1e-6);
        trial_free(&trial);
    }
}

/* Row by row at learning rate 0: each epoch sees every row once, in an order of its own, also in a later run. */
static void test_orders(void) {
    enum { N = 30 };
    float x[N * IN];
    struct trial trial = trial_create(small, 2, 1);
    double before[N] = {0};
    trial_fill(x, N * IN, 5);
    aenc_matrix input = {x, N, IN, 0};
    for (int run = 0; run < 3; run++) {
        struct seen seen = {.epochs = 0};
        aenc_fit_options options = {.struct_size = sizeof options, .optimizer = "sgd:lr=0", .epochs = 2, .batch = 1,
                                    .progress = watch, .progress_user = &seen};
        CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &input, &options), AENC_OK);
        CHECK_NEAR(seen.losses[N - 1], seen.losses[2 * N - 1], 1e-6);
        CHECK(memcmp(seen.losses, seen.losses + N, (N - 1) * sizeof *before) != 0);
        CHECK(memcmp(seen.losses, before, (N - 1) * sizeof *before) != 0);
        memcpy(before, seen.losses, sizeof before);
    }
    trial_free(&trial);
}

/* ---- Held-out rows ---- */

/* Row r is one in column r alone: column r of a weight without bias moves only if row r is trained on. */
static void test_split(void) {
    enum { N = 20, UNITS = 3 };
    static const char one_hot[] =
        "{\"input\":[20],\"encoder\":{\"type\":\"dense\",\"units\":3,\"bias\":false},"
        "\"decoder\":{\"type\":\"dense\",\"units\":20}}";
    float x[N * N] = {0}, before[UNITS * N], after[UNITS * N], score[N];
    struct trial trial = trial_create(one_hot, 6, 1);
    struct seen seen = {.epochs = 0};
    for (int r = 0; r < N; r++) x[r * N + r] = 1;
    trial_read(&trial, "encoder.weight", before, UNITS * N);
    aenc_matrix input = {x, N, N, 0};
    aenc_fit_options options = {.struct_size = sizeof options, .optimizer = "sgd:lr=1", .epochs = 1, .batch = 4,
                                .validation_fraction = 0.25, .progress = watch, .progress_user = &seen};
    CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &input, &options), AENC_OK);
    CHECK(seen.last.steps == 4); /* 15 rows by 4 */
    trial_read(&trial, "encoder.weight", after, UNITS * N);
    CHECK_STATUS(trial.ctx, aenc_score(trial.model, &input, NULL, score, N), AENC_OK);
    int held = 0;
    double sum = 0;
    for (int r = 0; r < N; r++) {
        bool moved = false;
        for (int u = 0; u < UNITS; u++) moved = moved || before[u * N + r] != after[u * N + r];
        held += !moved;
        sum += moved ? 0 : (double)score[r];
    }
    CHECK(held == 5);
    CHECK_NEAR(seen.last.valid_loss, sum / 5, 1e-7);
    CHECK(seen.last.best_epoch == 1 && seen.last.best_valid_loss == seen.last.valid_loss);
    trial_free(&trial);
}

/* ---- Early stopping ---- */

/* Few rows of noise and many units: the loss of other rows soon grows. */
static const char overfit[] =
    "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":["
    "{\"type\":\"dense\",\"units\":24,\"activation\":\"tanh\"},"
    "{\"type\":\"batch_norm\"},{\"type\":\"dense\",\"units\":2}]},\"decoder\":{\"type\":\"sequential\",\"layers\":["
    "{\"type\":\"dense\",\"units\":24,\"activation\":\"tanh\"},{\"type\":\"dense\",\"units\":3}]}}";

enum { FEW = 12, MORE = 40 };

/* The data of one such run. */
struct overfitted {
    float x[FEW * IN], t[FEW * OUT], y[MORE * IN], u[MORE * OUT];
    aenc_matrix input, target, valid, valid_target;
};

static void overfitted_fill(struct overfitted *d) {
    trial_fill(d->x, FEW * IN, 8);
    trial_fill(d->t, FEW * OUT, 9);
    trial_fill(d->y, MORE * IN, 10);
    trial_fill(d->u, MORE * OUT, 11);
    d->input = (aenc_matrix){d->x, FEW, IN, 0};
    d->target = (aenc_matrix){d->t, FEW, OUT, 0};
    d->valid = (aenc_matrix){d->y, MORE, IN, 0};
    d->valid_target = (aenc_matrix){d->u, MORE, OUT, 0};
}

/* The model is that of the epoch with the lowest validation loss, and the last event says so. */
static void check_best(struct trial *trial, const struct overfitted *d, const struct seen *seen) {
    aenc_batch batch = {.struct_size = sizeof batch, .input = d->valid, .target = d->valid_target};
    double loss, best = INFINITY;
    int64_t at = 0;
    for (size_t i = 0; i < seen->epochs; i++) {
        if (seen->epoch[i].valid_loss >= best) continue;
        best = seen->epoch[i].valid_loss;
        at = seen->epoch[i].epoch;
    }
    CHECK(seen->last.best_epoch == at && seen->last.best_valid_loss == best);
    CHECK_STATUS(trial->ctx, aenc_model_evaluate(trial->model, &batch, &loss), AENC_OK);
    CHECK_NEAR(loss, best, 0);
}

/* Answers the last event. */
static aenc_progress best_run(int64_t patience, double min_improvement, int64_t stop_epoch) {
    static struct overfitted d;
    struct trial trial = trial_create(overfit, 7, 1);
    struct seen seen = {.stop_epoch = stop_epoch, .stop_step = 2};
    overfitted_fill(&d);
    aenc_fit_options options = {.struct_size = sizeof options,
                                .optimizer = "adam:lr=0.01",
                                .epochs = 150,
                                .batch = 6,
                                .target = &d.target,
                                .valid = &d.valid,
                                .valid_target = &d.valid_target,
                                .patience = patience,
                                .min_improvement = min_improvement,
                                .progress = watch,
                                .progress_user = &seen};
    CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &d.input, &options), AENC_OK);
    check_best(&trial, &d, &seen);
    history_check(&trial, &seen);
    CHECK((int64_t)seen.epochs == seen.last.epoch);
    trial_free(&trial);
    return seen.last;
}

static void test_best(void) {
    aenc_progress whole = best_run(0, 0, 0);
    CHECK(whole.epoch == 150 && whole.best_valid_loss < whole.valid_loss);
    aenc_progress patient = best_run(6, 0, 0);
    CHECK(patient.epoch == patient.best_epoch + 6 && patient.epoch < 150);
    CHECK(patient.best_valid_loss < patient.valid_loss);
    aenc_progress stopped = best_run(0, 0, 90);
    CHECK(stopped.epoch == 90 && stopped.best_epoch == whole.best_epoch);
    CHECK(stopped.best_valid_loss < stopped.valid_loss);
    /* nothing after the first epoch counts as better, and yet the best is kept */
    aenc_progress exacting = best_run(6, 100, 0);
    CHECK(exacting.epoch == 7 && exacting.best_epoch > 1);
}

/* ---- Runs one after the other ---- */

static void test_continue(void) {
    static const char dropping[] =
        "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":6},"
        "{\"type\":\"batch_norm\"},"
        "{\"type\":\"relu\"},{\"type\":\"dropout\",\"rate\":0.3},{\"type\":\"dense\",\"units\":2}]}}";
    float x[ROWS * IN];
    struct trial once = trial_create(dropping, 12, 1), twice = trial_create(dropping, 12, 1);
    trial_fill(x, ROWS * IN, 13);
    aenc_matrix input = {x, ROWS, IN, 0};
    aenc_fit_options options = {.struct_size = sizeof options, .optimizer = "sgd:lr=0.05", .epochs = 4, .batch = 16};
    CHECK(trial_same(&once, &twice));
    CHECK_STATUS(once.ctx, aenc_fit(once.model, &input, &options), AENC_OK);
    options.epochs = 2;
    CHECK_STATUS(twice.ctx, aenc_fit(twice.model, &input, &options), AENC_OK);
    CHECK(!trial_same(&once, &twice));
    CHECK_STATUS(twice.ctx, aenc_fit(twice.model, &input, &options), AENC_OK);
    CHECK(trial_same(&once, &twice));
    CHECK(aenc_model_history_count(twice.model) == 2);
    trial_free(&once);
    trial_free(&twice);
}

int main(void) {
    test_convex("momentum:lr=0.3", NULL, 400);
    test_convex("adam:lr=0.05", "cosine", 800);
    test_history();
    test_stop();
    test_schedules();
    test_batches();
    test_orders();
    test_split();
    test_best();
    test_continue();
    return check_finish();
}
