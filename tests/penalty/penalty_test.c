/* penalty_test.c - each penalty's value against its formula written out here, its part of the loss, and what is refused. */
#include <autoenc/ops.h>

#include "train/trial.h"

enum { ROWS = 7, IN = 6, CODE = 3, HIDDEN = 90 };

static float data[ROWS * IN];
static const aenc_matrix x = {data, ROWS, IN, 0};

#define NET(activation, penalties)                                                                                     \
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":90,\"activation\":"     \
    "\"sigmoid\"},{\"type\":\"dense\",\"units\":3,\"activation\":\"" activation "\"}]},\"penalties\":[" penalties "]}"

static double step_loss(struct trial *trial) {
    double loss = NAN;
    aenc_batch batch = {.struct_size = sizeof batch, .input = x};
    CHECK_STATUS(trial->ctx, aenc_model_gradients(trial->model, &batch, &loss), AENC_OK);
    return loss;
}

/* ---- Values ---- */

/* What a formula sees: codes, and all weights. */
struct seen {
    double code[ROWS][CODE], mean[CODE];
    double absolute, square, absolute_encoder; /* of the weights */
};

static struct seen look(const struct trial *trial) {
    struct seen seen = {.absolute = 0};
    static float numbers[TRIAL_NUMBERS];
    float code[ROWS * CODE];
    CHECK_STATUS(trial->ctx, aenc_encode(trial->model, &x, code, ROWS * CODE), AENC_OK);
    for (int i = 0; i < ROWS * CODE; i++) seen.code[i / CODE][i % CODE] = (double)code[i];
    for (int i = 0; i < ROWS * CODE; i++) seen.mean[i % CODE] += (double)code[i] / ROWS;
    for (size_t i = 0; i < aenc_model_tensor_count(trial->model); i++) {
        const char *name = aenc_model_tensor_name(trial->model, i);
        size_t count = trial_read(trial, name, numbers, TRIAL_NUMBERS);
        for (size_t k = 0; k < count && strstr(name, "weight") != NULL; k++) {
            double w = (double)numbers[k];
            seen.absolute += fabs(w);
            seen.square += w * w;
            if (strncmp(name, "encoder.", 8) == 0) seen.absolute_encoder += fabs(w);
        }
    }
    return seen;
}

static double l1(const struct seen *seen) {
    double sum = 0;
    for (int i = 0; i < ROWS * CODE; i++) sum += fabs(seen->code[i / CODE][i % CODE]);
    return sum / ROWS;
}

static double l1_of_units(const struct seen *seen) {
    static const double weight[] = {0.5, 0, 2};
    double sum = 0;
    for (int i = 0; i < ROWS * CODE; i++) sum += weight[i % CODE] * fabs(seen->code[i / CODE][i % CODE]);
    return sum / ROWS;
}

static double kl(const struct seen *seen) {
    double sum = 0;
    for (int j = 0; j < CODE; j++)
        sum += 0.2 * log(0.2 / seen->mean[j]) + 0.8 * log(0.8 / (1 - seen->mean[j]));
    return sum;
}

static double kl_of_running(const struct seen *seen) {
    double sum = 0;
    for (int j = 0; j < CODE; j++) {
        double r = 0.9 * 0.2 + 0.1 * seen->mean[j];
        sum += 0.2 * log(0.2 / r) + 0.8 * log(0.8 / (1 - r));
    }
    return sum;
}

static double all_absolute(const struct seen *seen) { return seen->absolute; }
static double all_squares(const struct seen *seen) { return seen->square; }
static double encoder_absolute(const struct seen *seen) { return seen->absolute_encoder; }

static double orthogonal(const struct seen *seen) {
    double sum = 0;
    for (int i = 0; i < CODE; i++) {
        for (int j = 0; j < CODE; j++) {
            double moment = 0;
            for (int r = 0; r < ROWS; r++) moment += seen->code[r][i] * seen->code[r][j] / ROWS;
            sum += (moment - (i == j)) * (moment - (i == j));
        }
    }
    return sum;
}

static double decorrelation(const struct seen *seen) {
    double sum = 0;
    for (int i = 0; i < CODE; i++) {
        for (int j = 0; j < CODE; j++) {
            double covariance = 0;
            for (int r = 0; r < ROWS; r++)
                covariance += (seen->code[r][i] - seen->mean[i]) * (seen->code[r][j] - seen->mean[j]) / ROWS;
            if (i != j) sum += 0.5 * covariance * covariance;
        }
    }
    return sum;
}

static const struct formula {
    const char *model;
    double (*value)(const struct seen *seen);
    double weight;
} formulas[] = {
    {NET("tanh", "\"l1:weight=0.25\""), l1, 0.25},
    {NET("tanh", "\"l1:weight=0.5,weights=0.5;0;2\""), l1_of_units, 0.5},
    {NET("tanh", "\"l1:weight=0.5,layer=encoder.1\""), l1, 0.5},
    {NET("sigmoid", "\"kl:weight=2,rho=0.2\""), kl, 2},
    {NET("sigmoid", "{\"type\":\"kl\",\"weight\":1,\"rho\":0.2,\"momentum\":0.9}"), kl_of_running, 1},
    {NET("tanh", "\"l1_weights:weight=1e-3\""), all_absolute, 1e-3},
    {NET("tanh", "\"l2_weights:weight=1e-3\""), all_squares, 1e-3},
    {NET("tanh", "\"l1_weights:weight=1e-3,prefix=encoder.\""), encoder_absolute, 1e-3},
    {NET("tanh", "\"orthogonal:weight=3\""), orthogonal, 3},
    {NET("tanh", "\"decorrelation:weight=3\""), decorrelation, 3},
};

static void test_values(void) {
    for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++) {
        struct trial trial = trial_create(formulas[i].model, i + 3, 1);
        struct seen seen = look(&trial);
        CHECK(isnan(aenc_model_term_value(trial.model, 0)) && isnan(aenc_model_term_value(trial.model, 1)));
        double loss = step_loss(&trial), want = formulas[i].weight * formulas[i].value(&seen);
        CHECK(aenc_model_term_count(trial.model) == 2 && aenc_model_term_name(trial.model, 2) == NULL);
        CHECK(want > 0);
        if (!CHECK_NEAR(aenc_model_term_value(trial.model, 1), want, 1e-5 * want + 2e-7))
            fprintf(stderr, "  %s\n", aenc_model_term_name(trial.model, 1));
        CHECK_NEAR(aenc_model_term_value(trial.model, 0) + aenc_model_term_value(trial.model, 1), loss, 1e-12);
        /* evaluation knows nothing of it */
        double clean = NAN;
        aenc_batch batch = {.struct_size = sizeof batch, .input = x};
        CHECK_STATUS(trial.ctx, aenc_model_evaluate(trial.model, &batch, &clean), AENC_OK);
        CHECK_NEAR(clean, aenc_model_term_value(trial.model, 0), 1e-6);
        trial_free(&trial);
    }
}

/* The running mean moves with the update, and its gradient is that of the batch's mean: d/db_j = KL'(r_j) mean(h (1 - h)). */
static void test_running(void) {
    struct trial trial = trial_create(NET("sigmoid", "\"kl:weight=1,rho=0.2,momentum=0.9\""), 8, 1);
    struct trial plain = trial_create(NET("sigmoid", ""), 8, 1);
    struct seen seen = look(&trial);
    float with[CODE], without[CODE], mean[CODE];
    aenc_tensor *tensor;
    for (int i = 0; i < 2; i++) {
        step_loss(i == 0 ? &trial : &plain);
        aenc_model *model = i == 0 ? trial.model : plain.model;
        CHECK(aenc_model_gradient_get(model, "encoder.1.bias", &tensor) == AENC_OK);
        CHECK(aenc_tensor_read(tensor, i == 0 ? with : without, CODE) == AENC_OK);
        aenc_tensor_free(tensor);
    }
    aenc_optimizer *optimizer;
    CHECK_STATUS(trial.ctx, aenc_optimizer_create(trial.model, "sgd", &optimizer), AENC_OK);
    CHECK_STATUS(trial.ctx, aenc_optimizer_apply(optimizer), AENC_OK);
    trial_read(&trial, "penalty.kl.mean", mean, CODE);
    for (int j = 0; j < CODE; j++) {
        double r = 0.9 * 0.2 + 0.1 * seen.mean[j], slope = 0;
        for (int k = 0; k < ROWS; k++) slope += seen.code[k][j] * (1 - seen.code[k][j]) / ROWS;
        CHECK_NEAR((double)mean[j], r, 1e-6);
        CHECK_NEAR((double)with[j] - (double)without[j], (0.8 / (1 - r) - 0.2 / r) * slope, 1e-5);
    }
    aenc_optimizer_free(optimizer);
    trial_free(&trial);
    trial_free(&plain);
}

/* ---- Weights of rows ---- */

enum { MANY = 180 };

/* The gradients of a batch, one behind the other, and its terms. */
static size_t gradients(const struct trial *t, const aenc_matrix *rows, const float *weight, float *out, double terms[2]) {
    aenc_batch batch = {.struct_size = sizeof batch, .input = *rows, .weight = weight,
                        .weight_count = weight == NULL ? 0 : rows->rows};
    size_t used = 0;
    CHECK_STATUS(t->ctx, aenc_model_gradients(t->model, &batch, NULL), AENC_OK);
    for (size_t i = 0; i < 2; i++) terms[i] = aenc_model_term_value(t->model, i);
    for (size_t i = 0; i < aenc_model_tensor_count(t->model); i++) {
        aenc_tensor *tensor;
        if (aenc_model_gradient_get(t->model, aenc_model_tensor_name(t->model, i), &tensor) != AENC_OK) continue; /* a state */
        CHECK_STATUS(t->ctx, aenc_tensor_read(tensor, out + used, aenc_tensor_count(tensor)), AENC_OK);
        used += aenc_tensor_count(tensor);
        aenc_tensor_free(tensor);
    }
    return used;
}

/* A row of weight 2 is two rows, one of weight 0 is none: for what each row adds, and for what the batch does. */
static void test_row_weights(const char *description) {
    static float all_rows[MANY * IN], rows[MANY * IN], weight[MANY], ones[MANY], g[3][TRIAL_NUMBERS];
    double terms[3][2];
    trial_fill(all_rows, MANY * IN, 6);
    for (int r = 0; r < MANY; r++) {
        int kind = r % 3, from = kind == 0 ? r : r - 1; /* r0 r0 r1 */
        weight[r] = (float)(2 - kind);
        ones[r] = 3;
        memcpy(rows + r * IN, all_rows + from * IN, IN * sizeof *rows);
    }
    const aenc_matrix weighted = {all_rows, MANY, IN, 0}, repeated = {rows, MANY, IN, 0};
    struct trial t = trial_create(description, 31, 1), other = trial_create(description, 31, 3);
    size_t count = gradients(&t, &weighted, weight, g[0], terms[0]);
    CHECK(gradients(&t, &repeated, NULL, g[1], terms[1]) == count && count > 1000);
    for (int i = 0; i < 2; i++) CHECK_NEAR(terms[0][i], terms[1][i], 1e-5 * fabs(terms[1][i]));
    for (size_t i = 0; i < count; i++) CHECK_NEAR((double)g[0][i], (double)g[1][i], 2e-6 + 1e-4 * fabs((double)g[1][i]));
    CHECK(gradients(&t, &repeated, ones, g[2], terms[2]) == count);
    for (int i = 0; i < 2; i++) CHECK_NEAR(terms[2][i], terms[1][i], 1e-5 * fabs(terms[1][i]));
    gradients(&other, &weighted, weight, g[2], terms[2]);
    CHECK(memcmp(g[0], g[2], count * sizeof *g[0]) == 0 && memcmp(terms[0], terms[2], sizeof terms[0]) == 0);
    aenc_batch batch = {.struct_size = sizeof batch, .input = weighted, .weight = weight, .weight_count = MANY};
    double worst;
    const char *parameter;
    CHECK_STATUS(t.ctx, aenc_check_gradients(t.model, &batch, NULL, &worst, &parameter), AENC_OK);
    if (strstr(description, "momentum") == NULL && !CHECK(worst < 0.02))
        fprintf(stderr, "  %g for %s: %s\n", worst, parameter, description);
    trial_free(&t);
    trial_free(&other);
}

/* ---- Weights that rise ---- */

static void test_warmup(void) {
    struct trial trial = trial_create(NET("tanh", "\"l1:weight=0.5,warmup=4\",\"l1:weight=0.5\""), 5, 1);
    static const double at[] = {0, 1, 2.5, 4, 9}, share[] = {0, 0.25, 0.625, 1, 1};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        CHECK_STATUS(trial.ctx, aenc_model_set_epochs(trial.model, at[i]), AENC_OK);
        step_loss(&trial);
        double full = aenc_model_term_value(trial.model, 2);
        CHECK_NEAR(aenc_model_term_value(trial.model, 1), share[i] * full, 1e-7);
    }
    CHECK(strcmp(aenc_model_term_name(trial.model, 1), "l1") == 0);
    CHECK(strcmp(aenc_model_term_name(trial.model, 2), "l1_2") == 0);
    CHECK(aenc_model_set_epochs(trial.model, -1) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_set_epochs(trial.model, (double)NAN) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_set_epochs(NULL, 1) == AENC_ERR_ARGUMENT);
    trial_free(&trial);
}

/* ---- Training ---- */

static const char all[] = NET("sigmoid", "\"l1:weight=0.01,warmup=1.5\",\"kl:weight=0.1,momentum=0.5,warmup=3\","
                              "\"l2_weights:weight=1e-4\",\"decorrelation:weight=0.5\",\"orthogonal:weight=0.01\"],"
                              "\"corrupt\":[\"mask:level=0.1,to=0.6,over=3,shape=cosine\",\"gaussian:sigma=0.1\"");

static int stop_at(void *user, const aenc_progress *now) {
    int64_t *left = user;
    return now->event == AENC_EVENT_STEP && (*left)-- == 1;
}

static aenc_fit_options fit_options(int64_t *left, const char *checkpoint) {
    return (aenc_fit_options){.struct_size = sizeof(aenc_fit_options), .epochs = 4, .batch = 2, .progress = stop_at,
                              .progress_user = left, .checkpoint = checkpoint, .resume = AENC_RESUME_IF_THERE};
}

static bool same_terms(const struct trial *a, const struct trial *b) {
    bool same = aenc_model_history_count(a->model) == aenc_model_history_count(b->model);
    for (size_t i = 0; i < aenc_model_history_count(a->model); i++) {
        for (size_t t = 0; t < aenc_model_term_count(a->model); t++) {
            double p = 0, q = 1;
            CHECK_STATUS(a->ctx, aenc_model_history_term(a->model, i, t, &p), AENC_OK);
            CHECK_STATUS(b->ctx, aenc_model_history_term(b->model, i, t, &q), AENC_OK);
            same = same && memcmp(&p, &q, sizeof p) == 0;
            CHECK_STATUS(a->ctx, aenc_model_history_term_valid(a->model, i, t, &p), AENC_OK);
            CHECK_STATUS(b->ctx, aenc_model_history_term_valid(b->model, i, t, &q), AENC_OK);
            same = same && ((p != p && q != q) || p == q);
        }
    }
    return same;
}

/* Interrupted anywhere, in the warm-up too, and on any number of threads, a run ends with the same bits and history. */
static void test_same_bits(void) {
    static const char path[] = "penalty_test.checkpoint";
    int64_t left = 0;
    struct trial whole = trial_create(all, 21, 1);
    aenc_fit_options options = fit_options(&left, NULL);
    options.resume = AENC_RESUME_NEVER;
    CHECK_STATUS(whole.ctx, aenc_fit(whole.model, &x, &options), AENC_OK);
    CHECK(trial_finite(&whole));
    for (int64_t after = 0; after < 16; after += 3) {
        struct trial first = trial_create(all, 21, 1 + after % 3), then = trial_create(all, 21, 2);
        remove(path);
        left = after;
        options = fit_options(&left, path);
        CHECK_STATUS(first.ctx, aenc_fit(first.model, &x, &options), AENC_OK);
        left = 0;
        CHECK_STATUS(then.ctx, aenc_fit(then.model, &x, &options), AENC_OK);
        if (!CHECK(trial_same(&then, &whole) && same_terms(&then, &whole)))
            fprintf(stderr, "  stopped after %d, %d %d\n", (int)after, trial_same(&then, &whole), same_terms(&then, &whole));
        trial_free(&first);
        trial_free(&then);
    }
    remove(path);
    for (size_t i = 0; i < aenc_model_history_count(whole.model); i++) {
        aenc_progress epoch = {.struct_size = sizeof epoch};
        double sum = 0, term;
        CHECK_STATUS(whole.ctx, aenc_model_history(whole.model, i, &epoch), AENC_OK);
        for (size_t t = 0; t < aenc_model_term_count(whole.model); t++) {
            CHECK_STATUS(whole.ctx, aenc_model_history_term(whole.model, i, t, &term), AENC_OK);
            sum += term;
        }
        CHECK_NEAR(sum, epoch.train_loss, 1e-12);
    }
    double unused;
    CHECK(aenc_model_history_term(whole.model, 4, 0, &unused) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_history_term(whole.model, 0, 6, &unused) == AENC_ERR_ARGUMENT);
    CHECK(aenc_model_history_term(whole.model, 0, 0, NULL) == AENC_ERR_ARGUMENT);
    trial_free(&whole);
}

/* ---- Refused ---- */

static const struct refusal {
    const char *model, *words;
    aenc_status status;
} refusals[] = {
    {NET("tanh", "\"l3:weight=1\""), "unknown penalty 'l3'; known: l1, kl", AENC_ERR_ARGUMENT},
    {NET("tanh", "\"l1\""), "penalty 'l1': setting 'weight' is missing", AENC_ERR_ARGUMENT},
    {NET("tanh", "\"l1:weight=-1\""), "setting 'weight' is -1; it must be a number of at least 0", AENC_ERR_ARGUMENT},
    {NET("tanh", "\"l1:weight=1,rho=2\""), "unknown setting 'rho'; known: layer, weights, weight, warmup",
     AENC_ERR_ARGUMENT},
    {NET("tanh", "\"l1:weight=1,weights=1;-2;3\""), "setting 'weights' contains -2", AENC_ERR_ARGUMENT},
    {NET("tanh", "\"l1:weight=1,weights=1;x\""), "something else among its numbers", AENC_ERR_ARGUMENT},
    {NET("tanh", "\"l1:weight=1,weights=1;2\""), "'weights' has 2 numbers, and a row has 3", AENC_ERR_SHAPE},
    {NET("tanh", "\"l1:weight=1,layer=encoder.9\""), "penalty.l1: there is no layer 'encoder.9'", AENC_ERR_ARGUMENT},
    {NET("tanh", "\"kl:weight=1\""), "does not end in a sigmoid", AENC_ERR_UNSUPPORTED},
    {NET("sigmoid", "\"kl:weight=1,rho=0\""), "setting 'rho' is 0", AENC_ERR_ARGUMENT},
    {NET("sigmoid", "\"kl:weight=1,momentum=1\""), "setting 'momentum' is 1", AENC_ERR_ARGUMENT},
    {NET("tanh", "\"l2_weights:weight=1,prefix=none\""), "no weight's name begins with 'none'", AENC_ERR_ARGUMENT},
    {NET("tanh", "3"), "model: 'penalties' has something that is neither a name nor an object", AENC_ERR_ARGUMENT},
};

static void test_refusals(void) {
    aenc_context *ctx;
    CHECK(aenc_context_create(NULL, &ctx) == AENC_OK);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        aenc_model *model;
        CHECK_STATUS(ctx, aenc_model_parse(ctx, refusals[i].model, strlen(refusals[i].model), &model), refusals[i].status);
        if (!CHECK(strstr(aenc_message(ctx), refusals[i].words) != NULL)) fprintf(stderr, "  %s\n", aenc_message(ctx));
        CHECK(model == NULL);
    }
    aenc_context_free(ctx);
}

int main(void) {
    trial_fill(data, ROWS * IN, 4);
    test_values();
    test_running();
    for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++) test_row_weights(formulas[i].model);
    test_warmup();
    test_same_bits();
    test_refusals();
    return check_finish();
}
