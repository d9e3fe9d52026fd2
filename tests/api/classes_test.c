/* classes_test.c - models of classes: labels as targets, what they answer, what they refuse. */
#include "train/trial.h"

enum { ROWS = 90, COLS = 2, CLASSES = 3 };

static const char head[] =
    "{\"input\":[2],\"encoder\":{\"type\":\"dense\",\"units\":8,\"activation\":\"tanh\"},"
    "\"loss\":{\"type\":\"cross_entropy\",\"classes\":3}}";
static const char plain[] = "{\"input\":[2],\"encoder\":{\"type\":\"dense\",\"units\":2}}";

static float numbers[ROWS * COLS], targets[ROWS];
static int32_t labels[ROWS];
static const aenc_matrix x = {numbers, ROWS, COLS, 0}, target = {targets, ROWS, 1, 0};

/* Three heaps around the corners of a triangle. */
static void heaps_make(void) {
    static const float corner[CLASSES][COLS] = {{0, 2}, {2, -1}, {-2, -1}};
    trial_fill(numbers, ROWS * COLS, 3);
    for (int r = 0; r < ROWS; r++) {
        labels[r] = r % CLASSES;
        targets[r] = (float)labels[r];
        for (int c = 0; c < COLS; c++) numbers[r * COLS + c] = corner[labels[r]][c] + 0.8f * numbers[r * COLS + c];
    }
}

static bool says(const struct trial *t, const char *words) {
    bool found = strstr(aenc_message(t->ctx), words) != NULL;
    if (!found) fprintf(stderr, "  wanted '%s' in: %s\n", words, aenc_message(t->ctx));
    return found;
}

/* The model may be asked while it is trained: that changes nothing. */
static int ask(void *user, const aenc_progress *now) {
    const struct trial *t = user;
    double share = -1;
    if (now->event != AENC_EVENT_EPOCH) return 0;
    CHECK_STATUS(t->ctx, aenc_accuracy(t->model, &x, labels, ROWS, &share), AENC_OK);
    return share < 0;
}

static void test_fit(void) {
    struct trial a = trial_create(head, 1, 1), b = trial_create(head, 1, 2), c = trial_create(head, 1, 1);
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 30, .batch = 15, .optimizer = "adam:lr=0.03"};
    CHECK(aenc_model_class_count(a.model) == CLASSES && aenc_model_output_size(a.model) == CLASSES);
    fit.labels = labels;
    fit.label_count = ROWS;
    fit.progress = ask;
    fit.progress_user = &a;
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &fit), AENC_OK);
    fit.labels = NULL;
    fit.label_count = 0;
    fit.progress = NULL;
    fit.target = &target;
    CHECK_STATUS(b.ctx, aenc_fit(b.model, &x, &fit), AENC_OK);
    CHECK(trial_same(&a, &b));
    fit.target = NULL;
    fit.labels = labels;
    fit.label_count = ROWS;
    aenc_source *source;
    CHECK_STATUS(c.ctx, aenc_source_matrix(c.ctx, &x, &source), AENC_OK);
    CHECK_STATUS(c.ctx, aenc_fit_source(c.model, source, &fit), AENC_OK);
    CHECK(trial_same(&a, &c));
    aenc_source_free(source);
    trial_free(&b);
    trial_free(&c);
    /* the same once more from each side */
    int32_t told[ROWS];
    float probability[ROWS * CLASSES], loss[ROWS];
    double share, right = 0, loss_sum = 0;
    CHECK_STATUS(a.ctx, aenc_classify(a.model, &x, told, ROWS), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_accuracy(a.model, &x, labels, ROWS, &share), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_class_probabilities(a.model, &x, probability, ROWS * CLASSES), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_score(a.model, &x, &target, loss, ROWS), AENC_OK);
    for (int r = 0; r < ROWS; r++) {
        const float *p = probability + r * CLASSES;
        right += told[r] == labels[r];
        loss_sum += fabs(-log((double)p[labels[r]]) - (double)loss[r]);
        CHECK_NEAR(p[0] + p[1] + p[2], 1, 1e-5);
        for (int c2 = 0; c2 < CLASSES; c2++) CHECK(p[c2] <= p[told[r]]);
    }
    CHECK(share == right / ROWS && share > 0.95);
    CHECK(loss_sum / ROWS < 1e-4);
    trial_free(&a);
}

static void test_valid(void) {
    struct trial t = trial_create(head, 2, 1);
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 2, .labels = labels, .label_count = ROWS, .valid = &x, .valid_labels = labels,
                               .valid_label_count = ROWS};
    aenc_progress last = {.struct_size = sizeof last};
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &fit), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_history(t.model, 1, &last), AENC_OK);
    CHECK(last.valid_loss > 0);
    CHECK_STATUS(t.ctx, aenc_partial_fit(t.model, &x, &(aenc_fit_options){.struct_size = sizeof fit, .labels = labels, .label_count = ROWS}),
                 AENC_OK);
    fit.valid_labels = NULL;
    fit.valid_label_count = 0;
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &fit), AENC_ERR_ARGUMENT);
    CHECK(says(&t, "valid_target is NULL; loss 'cross_entropy'"));
    trial_free(&t);
}

/* Two labels a row: what counts is the model, which may come from a file, not the rows. */
static void test_several(void) {
    static const char twice[] = "{\"input\":[2],\"encoder\":{\"type\":\"dense\",\"units\":3},"
                                "\"decoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":6},"
                                "{\"type\":\"reshape\",\"dims\":[2,3]}]},"
                                "\"loss\":{\"type\":\"cross_entropy\",\"classes\":3}}";
    struct trial t = trial_create(twice, 4, 1);
    int32_t *once = malloc(ROWS * sizeof *once), *both = malloc(2 * ROWS * sizeof *both); /* no room behind them */
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .labels = once, .label_count = ROWS};
    double share;
    for (int i = 0; i < 2 * ROWS; i++) both[i] = i % 3;
    for (int i = 0; i < ROWS; i++) once[i] = i % 3;
    CHECK(aenc_model_label_size(t.model) == 2 && aenc_model_label_size(NULL) == 0);
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &fit), AENC_ERR_SHAPE);
    CHECK(says(&t, "aenc_fit_options.label_count is 90; it must be 180: 90 rows of 2"));
    CHECK_STATUS(t.ctx, aenc_partial_fit(t.model, &x, &fit), AENC_ERR_SHAPE);
    CHECK_STATUS(t.ctx, aenc_accuracy(t.model, &x, once, ROWS, &share), AENC_ERR_SHAPE);
    CHECK(says(&t, "aenc_accuracy: count is 90; it must be 180"));
    fit.labels = both, fit.label_count = 2 * ROWS;
    fit.valid = &x, fit.valid_labels = once, fit.valid_label_count = ROWS;
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &fit), AENC_ERR_SHAPE);
    CHECK(says(&t, "aenc_fit_options.valid_label_count is 90; it must be 180"));
    fit.valid_labels = NULL;
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &fit), AENC_ERR_ARGUMENT);
    CHECK(says(&t, "aenc_fit_options.valid_label_count is 90, and valid_labels is NULL"));
    fit.valid_labels = both, fit.valid_label_count = 2 * ROWS;
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &fit), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_accuracy(t.model, &x, both, 2 * ROWS, &share), AENC_OK);
    free(once);
    free(both);
    trial_free(&t);
}

static void test_refused(void) {
    struct trial t = trial_create(head, 4, 1), other = trial_create(plain, 4, 1);
    struct trial again = trial_create(head, 4, 1);
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1};
    int32_t wrong[ROWS];
    float bad[ROWS];
    aenc_matrix bad_target = {bad, ROWS, 1, 0};
    double share;
    memcpy(wrong, labels, sizeof wrong);
    memcpy(bad, targets, sizeof bad);
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &fit), AENC_ERR_ARGUMENT);
    CHECK(says(&t, "target is NULL; loss 'cross_entropy' needs the class of each row"));
    wrong[17] = 3;
    fit.labels = wrong;
    fit.label_count = ROWS;
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &fit), AENC_ERR_ARGUMENT);
    CHECK(says(&t, "aenc_fit_options.labels[17] is 3; loss 'cross_entropy' takes classes from 0 to 2"));
    static const float values[] = {-1, 0.5f, 3, 1e30f};
    fit.labels = NULL;
    fit.label_count = 0;
    fit.target = &bad_target;
    for (int i = 0; i < 4; i++) {
        bad[5] = values[i];
        CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &fit), AENC_ERR_ARGUMENT);
        CHECK(says(&t, "target[5, 0] is"));
    }
    fit.labels = labels;
    fit.label_count = ROWS;
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &fit), AENC_ERR_ARGUMENT);
    CHECK(says(&t, "both target and labels"));
    fit = (aenc_fit_options){.struct_size = sizeof fit, .labels = labels, .label_count = ROWS, .valid_labels = labels,
                               .valid_label_count = ROWS};
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &fit), AENC_ERR_ARGUMENT);
    CHECK(says(&t, "valid_labels is given without valid"));
    fit.valid_labels = NULL;
    fit.valid_label_count = 0;
    CHECK_STATUS(other.ctx, aenc_fit(other.model, &x, &fit), AENC_ERR_ARGUMENT);
    CHECK(says(&other, "aenc_fit_options.labels is given, and loss 'mse' has no classes"));
    CHECK_STATUS(other.ctx, aenc_classify(other.model, &x, wrong, ROWS), AENC_ERR_UNSUPPORTED);
    CHECK(says(&other, "loss 'mse' has no classes"));
    CHECK_STATUS(t.ctx, aenc_classify(t.model, &x, wrong, ROWS - 1), AENC_ERR_SHAPE);
    CHECK_STATUS(t.ctx, aenc_classify(t.model, &x, NULL, ROWS), AENC_ERR_ARGUMENT);
    CHECK_STATUS(t.ctx, aenc_class_probabilities(t.model, &x, bad, ROWS), AENC_ERR_SHAPE);
    CHECK_STATUS(t.ctx, aenc_accuracy(t.model, &x, NULL, ROWS, &share), AENC_ERR_ARGUMENT);
    CHECK_STATUS(t.ctx, aenc_accuracy(t.model, &x, labels, ROWS, NULL), AENC_ERR_ARGUMENT);
    wrong[0] = -1;
    CHECK_STATUS(t.ctx, aenc_accuracy(t.model, &x, wrong, ROWS, &share), AENC_ERR_ARGUMENT);
    CHECK(says(&t, "labels[0] is -1"));
    CHECK_STATUS(t.ctx, aenc_score_features(t.model, &x, &target, bad, ROWS), AENC_ERR_UNSUPPORTED);
    CHECK(aenc_classify(NULL, &x, wrong, ROWS) == AENC_ERR_ARGUMENT);
    CHECK(aenc_class_probabilities(NULL, &x, bad, ROWS) == AENC_ERR_ARGUMENT);
    CHECK(aenc_accuracy(NULL, &x, labels, ROWS, &share) == AENC_ERR_ARGUMENT && aenc_model_class_count(NULL) == 0);
    CHECK(trial_same(&t, &again));
    trial_free(&t);
    trial_free(&other);
    trial_free(&again);
}

/* Widths, layers and a decoder of one's own: the head is as wide as there are classes. */
static void test_heads(void) {
    struct trial t = trial_create(plain, 5, 1);
    static const size_t input[] = {2, 3}, widths[] = {5, 4}, hidden[] = {7};
    aenc_model *model;
    aenc_model_options o = {.struct_size = sizeof o, .input = input, .input_rank = 2, .encoder_widths = widths,
                            .encoder_count = 2, .loss = "cross_entropy:classes=6"};
    CHECK_STATUS(t.ctx, aenc_model_create(t.ctx, &o, &model), AENC_OK);
    CHECK(aenc_model_output_size(model) == 6 && aenc_model_code_size(model) == 4);
    CHECK(strstr(aenc_model_description(model), "\"decoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\","
                                                "\"units\":6}]}") != NULL);
    aenc_model_free(model);
    o.decoder_widths = hidden;
    o.decoder_count = 1;
    CHECK_STATUS(t.ctx, aenc_model_create(t.ctx, &o, &model), AENC_OK);
    CHECK(aenc_model_output_size(model) == 6 && aenc_model_parameter_size(model) == 6 * 5 + 5 + 24 + 35 + 48);
    aenc_model_free(model);
    static const char narrow[] = "{\"input\":[2],\"encoder\":{\"type\":\"dense\",\"units\":2},"
                                 "\"decoder\":{\"type\":\"dense\",\"units\":4},\"loss\":\"cross_entropy:classes=3\"}";
    CHECK_STATUS(t.ctx, aenc_model_parse(t.ctx, narrow, sizeof narrow - 1, &model), AENC_ERR_SHAPE);
    CHECK(model == NULL && says(&t, "loss 'cross_entropy' has 3 classes; the decoder's last axis has 4"));
    trial_free(&t);
}

int main(void) {
    heaps_make();
    test_fit();
    test_valid();
    test_several();
    test_refused();
    test_heads();
    return check_finish();
}
