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
    CHECK_STATUS(ctx, aenc_optim_create(ctx, spec, (struct optim_part){0, 0, 16}, &optimizer), AENC_ERR_ARGUMENT);
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
    CHECK_STATUS(ctx, aenc_optim_create(ctx, spec, (struct optim_part){0, 0, store->parameter_size}, &optimizer), AENC_OK);
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
    CHECK_NEAR(aenc_clip_factor(3, 3), 3 / (3 + 1e-6), 1e-15); /* below 1 */
    CHECK(aenc_clip_factor(3, 3.0001) == 1 && aenc_clip_factor(0, 1) == 1 && aenc_clip_factor(0, 1e-9) < 1e-2);
    CHECK(aenc_clip_factor(1e300, 1e-300) == 0 && aenc_clip_factor(3, -1) == 1);
}

/* A setting that is left out is that number: three steps come to the same bits, and to others with another number. */
static void defaults_test(aenc_context *ctx) {
    static const struct {
        const char *bare, *whole, *other;
    } cases[] = {
        {"sgd", "sgd:lr=0.001,weight_decay=0,decay_all=true", "sgd:lr=0.0011"},
        {"momentum", "momentum:lr=0.001,momentum=0.9,dampening=0,weight_decay=0,decay_all=true", "momentum:dampening=0.01"},
        {"nesterov", "nesterov:lr=0.001,momentum=0.9,weight_decay=0,decay_all=true", "nesterov:momentum=0.91"},
        {"rmsprop", "rmsprop:lr=0.01,alpha=0.99,eps=1e-8,momentum=0,centered=false,weight_decay=0,decay_all=true",
         "rmsprop:centered=true"},
        {"adam", "adam:lr=0.001,beta1=0.9,beta2=0.999,eps=1e-8,weight_decay=0,decay_all=true", "adam:eps=1e-3"},
        {"adamw", "adamw:lr=0.001,beta1=0.9,beta2=0.999,eps=1e-8,weight_decay=0.01,decay_all=true", "adamw:weight_decay=0"},
        {"momentum:weight_decay=0.1", "momentum:weight_decay=0.1,decay_all=true", "momentum:weight_decay=0.1,decay_all=false"},
        {"nesterov:weight_decay=0.1", "nesterov:weight_decay=0.1,decay_all=true", "nesterov:weight_decay=0.1,decay_all=false"},
        {"rmsprop:weight_decay=0.1", "rmsprop:weight_decay=0.1,decay_all=true", "rmsprop:weight_decay=0.1,decay_all=false"},
        {"adam:weight_decay=0.1", "adam:weight_decay=0.1,decay_all=true", "adam:weight_decay=0.1,decay_all=false"},
        {"adamw:weight_decay=0.1", "adamw:weight_decay=0.1,decay_all=true", "adamw:weight_decay=0.1,decay_all=false"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const text[3] = {cases[i].bare, cases[i].whole, cases[i].other};
        struct store store[3];
        for (int k = 0; k < 3; k++) {
            stock(ctx, &store[k]);
            struct optimizer *optimizer = create(ctx, text[k], &store[k]);
            for (int step = 0; step < 3; step++) aenc_optim_update(optimizer, &store[k], 0.1, 1, ctx->pool);
            aenc_optim_free(ctx, optimizer);
        }
        size_t size = (size_t)store[0].parameter_size * sizeof(num);
        if (!CHECK(memcmp(store[0].parameter, store[1].parameter, size) == 0)) fprintf(stderr, "  %s\n", cases[i].bare);
        if (!CHECK(memcmp(store[0].parameter, store[2].parameter, size) != 0)) fprintf(stderr, "  %s\n", cases[i].other);
        for (int k = 0; k < 3; k++) aenc_store_free(&store[k]);
    }
}

static struct schedule schedule_of(aenc_context *ctx, const char *text, int64_t total, int64_t epoch) {
    struct arena arena;
    struct json *spec;
    struct schedule schedule;
    aenc_arena_create(ctx, &arena);
    CHECK_STATUS(ctx, aenc_settings_parse(&arena, "schedule", text, &spec), AENC_OK);
    CHECK_STATUS(ctx, aenc_schedule_create(ctx, spec, 0.5, total, epoch, &schedule), AENC_OK);
    aenc_arena_free(&arena);
    return schedule;
}

/* Each schedule by its formula, its defaults too. */
static void schedules_test(aenc_context *ctx) {
    enum { STEPS = 60, EPOCH = 2 };
    const double pi = acos(-1.0);
    struct schedule constant = schedule_of(ctx, "constant", STEPS, EPOCH), step = schedule_of(ctx, "step", STEPS, EPOCH);
    struct schedule third = schedule_of(ctx, "step:every=3,factor=0.5", STEPS, EPOCH);
    struct schedule once = schedule_of(ctx, "step:at=4,factor=0.5", STEPS, EPOCH), at = schedule_of(ctx, "step:at=7x3,factor=0.5", STEPS, EPOCH);
    struct schedule cosine = schedule_of(ctx, "cosine", STEPS, EPOCH);
    struct schedule warm = schedule_of(ctx, "cosine:floor=0.2,warmup=0.25", STEPS, EPOCH);
    struct schedule rise = schedule_of(ctx, "warmup:steps=4", STEPS, EPOCH);
    for (int s = 0; s < STEPS + 5; s++) {
        double t = s < STEPS ? s / (double)STEPS : 1, u = s < STEPS ? (s - 15) / 45.0 : 1;
        CHECK(aenc_schedule_rate(&constant, s) == 0.5);
        CHECK_NEAR(aenc_schedule_rate(&step, s), 0.5 * pow(0.1, s / 20), 1e-12);
        CHECK_NEAR(aenc_schedule_rate(&third, s), 0.5 * pow(0.5, s / 6), 1e-12);
        CHECK_NEAR(aenc_schedule_rate(&once, s), s < 8 ? 0.5 : 0.25, 1e-12);
        CHECK_NEAR(aenc_schedule_rate(&at, s), s < 6 ? 0.5 : s < 14 ? 0.25 : 0.125, 1e-12);
        CHECK_NEAR(aenc_schedule_rate(&cosine, s), 0.25 * (1 + cos(pi * t)), 1e-12);
        CHECK_NEAR(aenc_schedule_rate(&warm, s), s < 15 ? 0.5 * (s + 1) / 15 : 0.5 * (0.2 + 0.4 * (1 + cos(pi * u))), 1e-12);
        CHECK_NEAR(aenc_schedule_rate(&rise, s), s < 4 ? 0.5 * (s + 1) / 4 : 0.5, 1e-12);
    }
    struct schedule none = schedule_of(ctx, "cosine", 0, 0); /* of no steps: none is behind its end */
    CHECK_NEAR(aenc_schedule_rate(&none, 0), 0.5, 1e-12);
    CHECK_NEAR(aenc_schedule_rate(&none, 1), 0, 1e-12);
}

/* patience 1, threshold 0.1: a loss must be below 0.9 times the best to count; the floor holds. */
static void plateau_test(aenc_context *ctx) {
    struct schedule s = schedule_of(ctx, "plateau:patience=1,threshold=0.1,factor=0.5,floor=0.2", 60, 2);
    static const struct {
        double loss, rate;
    } epochs[] = {{10, 0.5}, {9, 0.5}, {9, 0.25}, {8.9, 0.25}, {8.5, 0.25}, {8.5, 0.125}, {8.5, 0.125}, {8.5, 0.1}, {8.5, 0.1},
                  {8.5, 0.1}, {8.5, 0.1}, {0, 0.1}};
    for (size_t i = 0; i < sizeof epochs / sizeof *epochs; i++) {
        aenc_schedule_epoch(&s, epochs[i].loss);
        if (!CHECK_NEAR(aenc_schedule_rate(&s, 7), epochs[i].rate, 1e-12)) fprintf(stderr, "  epoch %zu\n", i);
    }
    struct schedule bare = schedule_of(ctx, "plateau", 60, 2);
    aenc_schedule_epoch(&bare, 1);
    for (int i = 0; i < 10; i++) { /* 0.9999 times the best is not below it */
        aenc_schedule_epoch(&bare, 0.9999);
        CHECK(aenc_schedule_rate(&bare, 0) == 0.5);
    }
    aenc_schedule_epoch(&bare, 0.9999);
    CHECK_NEAR(aenc_schedule_rate(&bare, 0), 0.05, 1e-12);
}

/* All other schedules go by steps alone: no loss changes anything of them. */
static void losses_ignored_test(aenc_context *ctx) {
    static const char *const texts[] = {"constant", "step:every=2", "cosine", "warmup:steps=5"};
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        struct schedule before = schedule_of(ctx, texts[t], 60, 2), s = before;
        for (int i = 0; i < 20; i++) aenc_schedule_epoch(&s, i % 3);
        CHECK(s.best == before.best && s.reached == before.reached && s.bad_epochs == before.bad_epochs);
    }
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
    defaults_test(ctx);
    schedules_test(ctx);
    plateau_test(ctx);
    losses_ignored_test(ctx);
    threads_test(ctx, "adamw");
    threads_test(ctx, "rmsprop:momentum=0.9,centered=true");
    rate_test(ctx);
    aenc_context_free(ctx);
    return check_finish();
}
