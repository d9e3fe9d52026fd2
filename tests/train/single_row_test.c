/* single_row_test.c - statistics of a batch of one row: refused by name where every batch would be one, and where only the last
 * of an epoch would be, it goes with the batch before, from whatever the rows come. */
#include <autoenc/ops.h>
#include <stdio.h>
#include <unistd.h>

#include "train/trial.h"

enum { IN = 4, BATCH = 8, ROWS = 2 * BATCH + 1 };

#define DENSE(units) "{\"type\":\"dense\",\"units\":" #units "}"
#define MODEL(layers, more) \
    "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[" layers "]},\"loss\":\"mse\"" more "}"

static const char normed[] = MODEL(DENSE(3) ",{\"type\":\"batch_norm\"}," DENSE(2), "");
static const char deep[] = MODEL(DENSE(3) "," DENSE(2) ",{\"type\":\"batch_norm\"}", "");
static const char spatial[] = MODEL("{\"type\":\"reshape\",\"dims\":[2,2]},{\"type\":\"batch_norm\"},{\"type\":\"flatten\"}," DENSE(2), "");
static const char decorrelated[] = MODEL(DENSE(2), ",\"penalties\":[\"decorrelation:weight=0.1\"]");
static const char scaled[] = MODEL(DENSE(2), ",\"scaling\":\"standard\"");
static const char narrow[] = MODEL(DENSE(1) ",{\"type\":\"layer_norm\"}", "");

static float data[ROWS * IN];
static const aenc_matrix x = {data, ROWS, IN, 0}, one = {data, 1, IN, 0};

static aenc_fit_options plain(int64_t batch) {
    return (aenc_fit_options){.struct_size = sizeof(aenc_fit_options), .epochs = 3, .batch = batch};
}

static aenc_batch batch_of(size_t rows) {
    return (aenc_batch){.struct_size = sizeof(aenc_batch), .input = {data, rows, IN, 0}};
}

/* ---- What is refused ---- */

/* The call fails, names the layer, and has left the model as it was. */
static void refused(struct trial *a, const char *description, aenc_status got, const char *name) {
    struct trial fresh = trial_create(description, 1, 1);
    CHECK_STATUS(a->ctx, got, AENC_ERR_ARGUMENT);
    if (!CHECK(strstr(aenc_message(a->ctx), name) != NULL && trial_same(a, &fresh)))
        fprintf(stderr, "  %s\n", aenc_message(a->ctx));
    aenc_model_set_epochs(a->model, -1); /* another message */
    trial_free(&fresh);
}

static void test_refused(const char *description, const char *name) {
    struct trial a = trial_create(description, 1, 1);
    aenc_fit_options options = plain(1);
    aenc_source *source, *row;
    aenc_optimizer *optimizer;
    double worst;
    CHECK_STATUS(a.ctx, aenc_source_matrix(a.ctx, &x, &source), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_source_matrix(a.ctx, &one, &row), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_optimizer_create(a.model, "adam", &optimizer), AENC_OK);
    refused(&a, description, aenc_fit(a.model, &x, &options), name);
    refused(&a, description, aenc_fit_source(a.model, source, &options), name);
    refused(&a, description, aenc_fit(a.model, &one, NULL), name);
    refused(&a, description, aenc_fit_source(a.model, row, NULL), name);
    refused(&a, description, aenc_partial_fit(a.model, &one, NULL), name);
    options = (aenc_fit_options){.struct_size = sizeof options, .batch = 1};
    refused(&a, description, aenc_partial_fit(a.model, &x, &options), name);
    options = (aenc_fit_options){.struct_size = sizeof options, .validation_fraction = 0.95}; /* leaves one to train on */
    refused(&a, description, aenc_fit(a.model, &x, &options), name);
    aenc_batch batch = batch_of(1);
    refused(&a, description, aenc_model_gradients(a.model, &batch, NULL), name);
    refused(&a, description, aenc_model_step(a.model, optimizer, &batch, NULL), name);
    refused(&a, description, aenc_optimizer_apply(optimizer), "no gradients");
    refused(&a, description, aenc_check_gradients(a.model, &batch, NULL, &worst, NULL), name);
    float score[1];
    CHECK_STATUS(a.ctx, aenc_score(a.model, &one, NULL, score, 1), AENC_OK);
    aenc_optimizer_free(optimizer);
    aenc_source_free(source);
    aenc_source_free(row);
    trial_free(&a);
}

/* No layer is trained where a later one could not be; a student is not taught. */
static void test_refused_stacks(void) {
    struct trial a = trial_create(deep, 1, 1), b = trial_create(normed, 1, 1);
    aenc_fit_options fit = plain(1);
    aenc_pretrain_options options = {.struct_size = sizeof options, .fit = &fit};
    refused(&a, deep, aenc_pretrain(a.model, &x, &options), "'encoder.1' (batch_norm)");
    refused(&a, deep, aenc_pretrain(a.model, &one, NULL), "'encoder.1' (batch_norm)");
    options.count = 1;
    CHECK_STATUS(a.ctx, aenc_pretrain(a.model, &x, &options), AENC_OK);
    refused(&b, normed, aenc_distill(b.model, b.model, &one, NULL), "");
    struct trial teacher = {b.ctx, NULL};
    CHECK_STATUS(b.ctx, aenc_model_parse(b.ctx, normed, strlen(normed), &teacher.model), AENC_OK);
    refused(&b, normed, aenc_distill(b.model, teacher.model, &one, NULL), "'encoder.1' (batch_norm)");
    aenc_model_free(teacher.model);
    trial_free(&a);
    trial_free(&b);
}

static void test_other_statistics(void) {
    struct trial a = trial_create(spatial, 1, 1), b = trial_create(scaled, 1, 1), c = trial_create(scaled, 1, 1);
    CHECK_STATUS(a.ctx, aenc_partial_fit(a.model, &one, NULL), AENC_OK); /* two numbers of each channel */
    CHECK(trial_finite(&a));
    refused(&b, scaled, aenc_fit(b.model, &one, NULL), "'standard' cannot be learned from one row");
    refused(&b, scaled, aenc_partial_fit(b.model, &one, NULL), "'standard' cannot be learned from one row");
    CHECK_STATUS(c.ctx, aenc_partial_fit(c.model, &x, NULL), AENC_OK);
    CHECK_STATUS(c.ctx, aenc_partial_fit(c.model, &one, NULL), AENC_OK); /* it is known by now */
    aenc_model *none;
    CHECK_STATUS(a.ctx, aenc_model_parse(a.ctx, narrow, strlen(narrow), &none), AENC_ERR_SHAPE);
    CHECK(none == NULL && strstr(aenc_message(a.ctx), "'encoder.1' (layer_norm)") != NULL);
    trial_free(&a);
    trial_free(&b);
    trial_free(&c);
}

/* ---- The last row of an epoch ---- */

/* Channels whose running variance is not what batches of several rows leave behind. */
static int bad_variances(const struct trial *a) {
    float variance[3];
    int bad = 0;
    for (size_t i = 0, n = trial_read(a, "encoder.1.running_var", variance, 3); i < n; i++) bad += !(variance[i] > 0.02f);
    return bad;
}

struct tape {
    size_t at;
    int stated, asked;
};

static int tape_read(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    struct tape *tape = user;
    (void)target, (void)weight;
    size_t left = ROWS - tape->at, most = tape->asked > 0 ? (size_t)tape->asked : rows;
    *got = rows < left ? rows : left;
    if (*got > most) *got = most;
    memcpy(input, data + tape->at * IN, *got * IN * sizeof *data);
    tape->at += *got;
    return 0;
}

static int tape_seek(void *user, uint64_t position) {
    ((struct tape *)user)->at = (size_t)position;
    return 0;
}

static aenc_source *stream(struct trial *a, struct tape *tape, bool stated, int64_t ahead) {
    aenc_source_callbacks calls = {.struct_size = sizeof calls, .cols = IN, .rows = stated ? ROWS : 0, .read = tape_read,
                                   .seek = tape_seek, .user = tape, .read_ahead = ahead};
    aenc_source *source;
    CHECK_STATUS(a->ctx, aenc_source_callback(a->ctx, &calls, &source), AENC_OK);
    return source;
}

/* What every stream must come to: two batches of 8 and 9 rows, three times. */
static struct trial by_hand(void) {
    struct trial a = trial_create(normed, 1, 1);
    aenc_optimizer *optimizer;
    CHECK_STATUS(a.ctx, aenc_optimizer_create(a.model, "adam", &optimizer), AENC_OK);
    for (int epoch = 0; epoch < 3; epoch++) {
        for (size_t first = 0; first < 2 * BATCH; first += BATCH) {
            aenc_batch batch = {.struct_size = sizeof batch,
                                .input = {data + first * IN, first == 0 ? BATCH : BATCH + 1, IN, 0}};
            CHECK_STATUS(a.ctx, aenc_model_step(a.model, optimizer, &batch, NULL), AENC_OK);
        }
    }
    aenc_optimizer_free(optimizer);
    CHECK(bad_variances(&a) == 0);
    return a;
}

static int stop_at_step(void *user, const aenc_progress *now) { return now->epoch == 2 && now->step == *(int64_t *)user; }

static void test_streams(void) {
    struct trial want = by_hand();
    for (int way = 0; way < 16; way++) {
        struct trial a = trial_create(normed, 1, 1), b = trial_create(normed, 1, 1);
        struct tape tape = {.asked = way & 4 ? 3 : 0}, again = {.asked = 0};
        aenc_source *source = stream(&a, &tape, way & 1, way & 2 ? 1 : 0);
        aenc_source *rest = stream(&b, &again, way & 1, way & 2 ? 1 : 0);
        aenc_fit_options options = plain(BATCH);
        options.steps_per_epoch = way & 1 ? 0 : 2;
        int64_t at = way & 8 ? 2 : 1;
        char path[64];
        snprintf(path, sizeof path, "single_row.%ld", (long)getpid());
        options.checkpoint = path;
        options.progress = stop_at_step;
        options.progress_user = &at;
        CHECK_STATUS(a.ctx, aenc_fit_source(a.model, source, &options), AENC_OK);
        options.progress = NULL;
        options.resume = AENC_RESUME_REQUIRED;
        CHECK_STATUS(b.ctx, aenc_fit_source(b.model, rest, &options), AENC_OK);
        if (!CHECK(trial_same(&b, &want))) fprintf(stderr, "  way %d\n", way);
        remove(path);
        aenc_source_free(source);
        aenc_source_free(rest);
        trial_free(&a);
        trial_free(&b);
    }
    trial_free(&want);
}

static int count_steps(void *user, const aenc_progress *now) {
    int64_t *steps = user;
    if (now->event == AENC_EVENT_STEP) CHECK(now->steps == 2 && now->step <= 2);
    if (now->event == AENC_EVENT_STEP) ++*steps;
    return 0;
}

static void test_matrices(void) {
    struct trial a = trial_create(normed, 1, 1), b = trial_create(normed, 1, 2), c = trial_create(normed, 1, 1);
    int64_t steps = 0;
    aenc_fit_options options = plain(BATCH);
    options.progress = count_steps;
    options.progress_user = &steps;
    aenc_source *source;
    CHECK_STATUS(b.ctx, aenc_source_matrix(b.ctx, &x, &source), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &options), AENC_OK);
    CHECK(steps == 6);
    CHECK_STATUS(b.ctx, aenc_fit_source(b.model, source, &options), AENC_OK);
    CHECK(trial_same(&a, &b) && bad_variances(&a) == 0);
    steps = 0;
    options.epochs = 0;
    CHECK_STATUS(c.ctx, aenc_partial_fit(c.model, &x, &options), AENC_OK);
    CHECK(steps == 2 && bad_variances(&c) == 0);
    aenc_source_free(source);
    trial_free(&a);
    trial_free(&b);
    trial_free(&c);
}

/* Moments are of all rows, whatever their weights. */
static void test_weights(void) {
    struct trial a = trial_create(normed, 1, 1);
    aenc_optimizer *optimizer;
    const float weight[BATCH] = {[3] = 1};
    aenc_batch batch = batch_of(BATCH);
    batch.weight = weight;
    batch.weight_count = BATCH;
    CHECK_STATUS(a.ctx, aenc_optimizer_create(a.model, "adam", &optimizer), AENC_OK);
    for (int i = 0; i < 50; i++) CHECK_STATUS(a.ctx, aenc_model_step(a.model, optimizer, &batch, NULL), AENC_OK);
    CHECK(bad_variances(&a) == 0 && trial_finite(&a));
    aenc_optimizer_free(optimizer);
    trial_free(&a);
}

int main(void) {
    trial_fill(data, ROWS * IN, 5);
    test_refused(normed, "'encoder.1' (batch_norm)");
    test_refused(decorrelated, "'penalty.decorrelation' (decorrelation)");
    test_refused_stacks();
    test_other_statistics();
    test_streams();
    test_matrices();
    test_weights();
    return check_finish();
}
