/* optim_test.c - optimizers and schedules by name, frozen parameters, decay, clipping, threads. The updates themselves
 * are golden_test.c's affair. */
#include "optim/optim.h"

#include "check.h"
#include "replay.h"

enum { LARGE = 50000, SMALL = 100 };

/* ---- Names ---- */

static void refuse_optimizer(aenc_context *ctx, const char *text, const char *words) {
    struct arena arena;
    struct json *spec;
    struct optimizer *optimizer;
    aenc_arena_create(ctx, &arena);
    CHECK_STATUS(ctx, aenc_settings_parse(&arena, "optimizer", text, &spec), AENC_OK);
    CHECK_STATUS(ctx, aenc_optim_create(ctx, spec, 16, &optimizer), AENC_ERR_ARGUMENT);
    CHECK(optimizer == NULL);
    if (!CHECK(strstr(aenc_message(ctx), words) != NULL))
        fprintf(stderr, "  '%s' does not say '%s'\n", aenc_message(ctx), words);
    aenc_arena_free(&arena);
}

static void refuse_schedule(aenc_context *ctx, const char *text, const char *words) {
    struct arena arena;
    struct json *spec;
    struct schedule schedule;
    aenc_arena_create(ctx, &arena);
    CHECK_STATUS(ctx, aenc_settings_parse(&arena, "schedule", text, &spec), AENC_OK);
    CHECK_STATUS(ctx, aenc_schedule_create(ctx, spec, 0.1, 10, 2, &schedule), AENC_ERR_ARGUMENT);
    if (!CHECK(strstr(aenc_message(ctx), words) != NULL))
        fprintf(stderr, "  '%s' does not say '%s'\n", aenc_message(ctx), words);
    aenc_arena_free(&arena);
}

static void names_test(aenc_context *ctx) {
    refuse_optimizer(ctx, "adm", "unknown optimizer 'adm'; known: sgd, momentum, nesterov, rmsprop, adam, adamw");
    refuse_optimizer(ctx, "adam:beta=0.9",
                     "unknown setting 'beta'; known: lr, beta1, beta2, eps, weight_decay, decay_all");
    refuse_optimizer(ctx, "adam:beta1=1", "setting 'beta1' is 1");
    refuse_optimizer(ctx, "sgd:lr=-1", "setting 'lr' is -1");
    refuse_optimizer(ctx, "nesterov:momentum=0", "setting 'momentum' is 0");
    refuse_schedule(ctx, "cosin", "unknown schedule 'cosin'; known: constant, step, cosine, warmup, plateau");
    refuse_schedule(ctx, "warmup", "setting 'steps' is missing");
    refuse_schedule(ctx, "step:every=0", "setting 'every' is 0");
}

/* ---- Updates ---- */

/* A large and a small parameter, all 1, their gradients drawn; only the large one decays. */
static void stock(aenc_context *ctx, struct store *store) {
    struct tape tape;
    struct init one = {.kind = INIT_CONSTANT, .gain = 1};
    struct shape large = {2, {LARGE / 50, 50}}, small = {1, {SMALL}};
    aenc_tape_create(ctx, MODE_TRAIN, 1, &tape);
    aenc_store_create(ctx, store);
    aenc_store_parameter(store, &tape, "large", large, one, true);
    aenc_store_parameter(store, &tape, "small", small, one, false);
    CHECK_STATUS(ctx, tape.status, AENC_OK);
    aenc_tape_free(&tape);
    CHECK_STATUS(ctx, replay_store(store, 1), AENC_OK);
    for (int64_t i = 0; i < store->parameter_size; i++) store->gradient[i] = (num)((double)(i * 7919 % 1001) / 500 - 1);
}

static struct optimizer *create(aenc_context *ctx, const char *text, const struct store *store) {
    struct arena arena;
    struct json *spec;
    struct optimizer *optimizer = NULL;
    aenc_arena_create(ctx, &arena);
    CHECK_STATUS(ctx, aenc_settings_parse(&arena, "optimizer", text, &spec), AENC_OK);
    CHECK_STATUS(ctx, aenc_optim_create(ctx, spec, store->parameter_size, &optimizer), AENC_OK);
    aenc_arena_free(&arena);
    return optimizer;
}

/* What a step of plain descent makes of the first number of each parameter. */
static void step_of(aenc_context *ctx, const char *text, double gradient, double norm, double clip_norm,
                    double clip_value, bool frozen, double got[2]) {
    struct store store;
    stock(ctx, &store);
    store.entry[1].frozen = frozen;
    for (int64_t i = 0; i < store.parameter_size; i++) store.gradient[i] = (num)gradient;
    struct optimizer *optimizer = create(ctx, text, &store);
    aenc_optim_set_clipping(optimizer, clip_norm, clip_value);
    aenc_optim_update(optimizer, &store, 0.5, norm, ctx->pool);
    int64_t same = 0; /* every number was updated, and once */
    for (int64_t i = 0; i < LARGE; i++) same += store.parameter[i] == store.parameter[0];
    CHECK(same == LARGE);
    got[0] = (double)store.parameter[store.entry[0].offset];
    got[1] = (double)store.parameter[store.entry[1].offset];
    aenc_optim_free(ctx, optimizer);
    aenc_store_free(&store);
}

static void steps_test(aenc_context *ctx) {
    double got[2];
    step_of(ctx, "sgd:lr=0.1", 4, 0, 0, 0, false, got);
    CHECK_NEAR(got[0], 0.8, 1e-6);
    CHECK_NEAR(got[1], 0.8, 1e-6);
    step_of(ctx, "sgd:lr=0.1", 4, 0, 0, 0, true, got);
    CHECK_NEAR(got[0], 0.8, 1e-6);
    CHECK(got[1] == 1);
    step_of(ctx, "sgd:lr=0.1,weight_decay=0.5", 4, 0, 0, 0, false, got);
    CHECK_NEAR(got[1], 0.75, 1e-6);
    step_of(ctx, "sgd:lr=0.1,weight_decay=0.5,decay_all=false", 4, 0, 0, 0, false, got);
    CHECK_NEAR(got[0], 0.75, 1e-6);
    CHECK_NEAR(got[1], 0.8, 1e-6);
    step_of(ctx, "sgd:lr=0.1", 4, 10, 5, 0, false, got);
    CHECK_NEAR(got[0], 0.9, 1e-6);
    step_of(ctx, "sgd:lr=0.1", 4, 10, 20, 0, false, got);
    CHECK_NEAR(got[0], 0.8, 1e-6);
    step_of(ctx, "sgd:lr=0.1", -4, 10, 0, 0.5, false, got);
    CHECK_NEAR(got[0], 1.05, 1e-6);
}

static void clip_test(void) {
    CHECK(aenc_clip_factor(3, 0) == 1 && aenc_clip_factor(3, 3.1) == 1);
    CHECK_NEAR(aenc_clip_factor(3, 1.5), 1.5 / (3 + 1e-6), 1e-15);
}

/* The same bits with one worker and with three. */
static void threads_test(aenc_context *ctx, const char *text) {
    struct store store[2];
    aenc_context *wide;
    aenc_context_options options = {.struct_size = sizeof options, .threads = 3};
    if (!CHECK(aenc_context_create(&options, &wide) == AENC_OK)) return;
    for (int i = 0; i < 2; i++) {
        stock(ctx, &store[i]);
        struct optimizer *optimizer = create(ctx, text, &store[i]);
        for (int step = 0; step < 3; step++)
            aenc_optim_update(optimizer, &store[i], 0.1, 1, i == 0 ? ctx->pool : wide->pool);
        aenc_optim_free(ctx, optimizer);
    }
    CHECK(memcmp(store[0].parameter, store[1].parameter, (size_t)store[0].parameter_size * sizeof(num)) == 0);
    CHECK(store[0].parameter[LARGE - 1] != 1);
    for (int i = 0; i < 2; i++) aenc_store_free(&store[i]);
    aenc_context_free(wide);
}

static void rate_test(aenc_context *ctx) {
    struct store store;
    stock(ctx, &store);
    struct optimizer *optimizer = create(ctx, "adam", &store);
    CHECK(aenc_optim_learning_rate(optimizer) == 1e-3);
    aenc_optim_set_learning_rate(optimizer, 0);
    aenc_optim_update(optimizer, &store, 1, 1, ctx->pool);
    CHECK(store.parameter[0] == 1 && optimizer->step == 1);
    aenc_optim_free(ctx, optimizer);
    aenc_optim_free(ctx, NULL);
    aenc_store_free(&store);
}

int main(void) {
    aenc_context *ctx;
    if (aenc_context_create(NULL, &ctx) != AENC_OK) return 1;
    names_test(ctx);
    steps_test(ctx);
    clip_test();
    threads_test(ctx, "adamw");
    threads_test(ctx, "rmsprop:momentum=0.9,centered=true");
    rate_test(ctx);
    aenc_context_free(ctx);
    return check_finish();
}
