/* partial_fit_test.c - many small calls are one training; what does not fit one pass is refused. */
#include "train/trial.h"

enum { ROWS = 60, IN = 4, BATCH = 10 };

static const char dropping[] =
    "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":6},{\"type\":\"batch_norm\"},"
    "{\"type\":\"relu\"},{\"type\":\"dropout\",\"rate\":0.3},{\"type\":\"dense\",\"units\":2}]}}";

static float data[ROWS * IN];

static aenc_fit_options plain(const char *optimizer) {
    return (aenc_fit_options){.struct_size = sizeof(aenc_fit_options), .optimizer = optimizer, .batch = BATCH};
}

static void feed(struct trial *trial, size_t first, size_t rows, const char *optimizer) {
    const aenc_matrix x = {data + first * IN, rows, IN, 0};
    aenc_fit_options options = plain(optimizer);
    CHECK_STATUS(trial->ctx, aenc_partial_fit(trial->model, &x, &options), AENC_OK);
}

/* Calls of one batch, of three and of all, and the loop by hand. */
static void test_calls(const char *optimizer) {
    struct trial one = trial_create(dropping, 4, 1), some = trial_create(dropping, 4, 2), all = trial_create(dropping, 4, 1),
                 hand = trial_create(dropping, 4, 1);
    aenc_optimizer *by_hand;
    CHECK_STATUS(hand.ctx, aenc_optimizer_create(hand.model, optimizer, &by_hand), AENC_OK);
    for (size_t at = 0; at < ROWS; at += BATCH) {
        aenc_batch batch = {.struct_size = sizeof batch, .input = {data + at * IN, BATCH, IN, 0}};
        feed(&one, at, BATCH, optimizer);
        if (at % (3 * BATCH) == 0) feed(&some, at, 3 * BATCH, optimizer);
        CHECK_STATUS(hand.ctx, aenc_model_step(hand.model, by_hand, &batch, NULL), AENC_OK);
    }
    feed(&all, 0, ROWS, optimizer);
    CHECK(trial_same(&one, &hand) && trial_same(&some, &hand) && trial_same(&all, &hand));
    CHECK(aenc_model_history_count(all.model) == 0);
    aenc_optimizer_free(by_hand);
    trial_free(&one);
    trial_free(&some);
    trial_free(&all);
    trial_free(&hand);
}

/* Another learning rate keeps the moments, another optimizer or a wish to forget begins with fresh ones. */
static void test_moments(void) {
    struct trial kept = trial_create(dropping, 4, 1), forgot = trial_create(dropping, 4, 1),
                 other = trial_create(dropping, 4, 1), slow = trial_create(dropping, 4, 1);
    struct trial *const all[] = {&kept, &forgot, &other, &slow};
    for (int i = 0; i < 4; i++) feed(all[i], 0, 30, "momentum:lr=0.05");
    aenc_model_forget_optimizer(forgot.model);
    aenc_model_forget_optimizer(NULL);
    feed(&kept, 30, 20, "momentum:lr=0.05");
    feed(&forgot, 30, 20, "momentum:lr=0.05");
    feed(&other, 30, 20, "momentum:lr=0.05,momentum=0.91");
    feed(&slow, 30, 20, "momentum:lr=0");
    CHECK(!trial_same(&kept, &forgot) && !trial_same(&kept, &other) && !trial_same(&kept, &slow));
    /* what lr=0 left as it was goes on from the same moments: nothing but the rate differs */
    struct trial still = trial_create(dropping, 4, 1);
    feed(&still, 0, 30, "momentum:lr=0.05");
    feed(&still, 30, 20, "momentum:lr=0");
    feed(&still, 0, 10, "momentum:lr=0.05");
    feed(&slow, 0, 10, "momentum:lr=0.05");
    CHECK(trial_same(&still, &slow));
    for (int i = 0; i < 4; i++) trial_free(all[i]);
    trial_free(&still);
}

/* Nothing is fit worse for having been refused. */
static void test_refusals(void) {
    struct trial a = trial_create(dropping, 4, 1), b = trial_create(dropping, 4, 1);
    const aenc_matrix x = {data, ROWS, IN, 0};
    aenc_fit_options wrong[6];
    static const char *const words[] = {"schedule", "epochs", "valid is", "validation_fraction", "steps_per_epoch", "checkpoint is"};
    for (int i = 0; i < 6; i++) wrong[i] = plain("adam");
    wrong[0].schedule = "cosine";
    wrong[1].epochs = 2;
    wrong[2].valid = &x;
    wrong[3].validation_fraction = 0.5;
    wrong[4].steps_per_epoch = 3;
    wrong[5].checkpoint = "x";
    for (int i = 0; i < 6; i++) {
        CHECK_STATUS(a.ctx, aenc_partial_fit(a.model, &x, &wrong[i]), AENC_ERR_ARGUMENT);
        CHECK(strstr(aenc_message(a.ctx), words[i]) != NULL);
    }
    aenc_fit_options unknown = plain("adamm");
    CHECK_STATUS(a.ctx, aenc_partial_fit(a.model, &x, &unknown), AENC_ERR_ARGUMENT);
    CHECK_STATUS(a.ctx, aenc_partial_fit(a.model, NULL, NULL), AENC_ERR_ARGUMENT);
    CHECK_STATUS(a.ctx, aenc_partial_fit(NULL, &x, NULL), AENC_ERR_ARGUMENT);
    CHECK(trial_same(&a, &b));
    trial_free(&a);
    trial_free(&b);
}

int main(void) {
    trial_fill(data, ROWS * IN, 13);
    test_calls("adam");
    test_calls("nesterov:lr=0.01");
    test_moments();
    test_refusals();
    return check_finish();
}
