/* players_test.c - a bottleneck with two players, registered from outside: the adversarial autoencoder (Makhzani et al. 2015).
 * A critic learns to distinguish codes from draws of the prior, the encoder to fool it. At the equilibrium the critic's loss is
 * 2 log 2 and the codes are distributed as the prior. */
#define _POSIX_C_SOURCE 200809L

#include <autoenc/ops.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/memory.h"
#include "model/model_bytes.h"

enum { ROWS = 512, COLS = 4, CODE = 2, HIDDEN = 16, BATCH = 64 };

static float data[ROWS * COLS];
static const aenc_matrix x = {data, ROWS, COLS, 0};

static unsigned state;
static double uniform(void) {
    state = state * 1664525u + 1013904223u;
    return (double)(state >> 8) / 16777216.0;
}

/* Two uniform numbers in a square, seen as four. */
static void data_make(void) {
    state = 7;
    for (int r = 0; r < ROWS; r++) {
        double a = 2 * uniform() - 1, b = 2 * uniform() - 1;
        const double row[COLS] = {a, b, a + 0.5 * b, a - b};
        for (int c = 0; c < COLS; c++) data[r * COLS + c] = (float)row[c];
    }
}

/* ---- The bottleneck ---- */

static aenc_node *layer(aenc_recorder *r, aenc_node *in, const char *weight, const char *bias, size_t out) {
    const size_t dims[] = {out, aenc_node_dim(in, 0)};
    aenc_node *w = aenc_node_parameter(r, weight, dims, 2, NULL), *b = aenc_node_parameter(r, bias, dims, 1, NULL);
    return aenc_node_dense(r, in, w, b, 0);
}

/* How much z looks like a draw of the prior: a logit for each row. */
static aenc_node *critic(aenc_recorder *r, aenc_node *z) {
    aenc_node *h = aenc_node_function(r, "relu", layer(r, z, "critic.weight_0", "critic.bias_0", HIDDEN));
    return aenc_node_row_sum(r, layer(r, h, "critic.weight_1", "critic.bias_1", 1));
}

static const char *optimizer = "adam:lr=0.005"; /* the critic's */
static const aenc_player *declared;             /* in the place of the critic's declaration */
static size_t declared_count;

static aenc_node *adversarial(void *user, aenc_recorder *r, aenc_node *code) {
    (void)user;
    static const char *const entries[] = {"bottleneck.critic"}, *const terms[] = {"critic"};
    const size_t dims[] = {CODE};
    const aenc_player own = {.struct_size = sizeof own, .name = "critic", .entries = entries, .entry_count = 1,
                             .terms = terms, .term_count = 1, .optimizer = optimizer,
                             .turns = (int64_t)aenc_recorder_setting(r, "turns")};
    for (size_t i = 0; i < declared_count; i++) (void)aenc_recorder_player(r, &declared[i]);
    if (declared == NULL) CHECK(aenc_recorder_player(r, &own) == 1);
    if (aenc_recorder_aim(r) != AENC_AIM_TRAIN) return code;
    aenc_node *made = critic(r, code), *drawn = critic(r, aenc_node_normal(r, "prior", dims, 1));
    aenc_node *fooled = aenc_node_function(r, "softplus", aenc_node_affine(r, made, -1, 0));
    aenc_node *missed = aenc_node_function(r, "softplus", aenc_node_affine(r, drawn, -1, 0));
    aenc_node_objective(r, "critic", aenc_node_add(r, missed, aenc_node_function(r, "softplus", made)), 1);
    aenc_node_objective(r, "fool", fooled, aenc_recorder_setting(r, "fool"));
    aenc_node_measure(r, "logit", made);
    return code;
}

static const aenc_setting settings[] = {{.name = "fool", .fallback = 0.3}, {.name = "turns", .fallback = 2, .whole = 1}};

static void bottleneck_register(aenc_context *ctx) {
    const aenc_plugin code = {.struct_size = sizeof code, .kind = AENC_PLUGIN_BOTTLENECK, .name = "adversarial",
                              .settings = settings, .setting_count = 2, .bottleneck = adversarial};
    CHECK_STATUS(ctx, aenc_register(ctx, &code), AENC_OK);
}

static aenc_status model_parse(aenc_context *ctx, const char *spec, const char *more, aenc_model **out) {
    char text[512];
    (void)snprintf(text, sizeof text,
                   "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":16,"
                   "\"activation\":\"tanh\"},%s{\"type\":\"dense\",\"units\":2}]},\"bottleneck\":\"%s\"}",
                   more, spec);
    return aenc_model_parse(ctx, text, strlen(text), out);
}

static aenc_context *context_make(int64_t threads) {
    aenc_context *ctx = NULL;
    const aenc_context_options options = {.struct_size = sizeof options, .seed = 5, .threads = threads};
    if (aenc_context_create(&options, &ctx) != AENC_OK) exit(2);
    bottleneck_register(ctx);
    return ctx;
}

static aenc_model *model_make(aenc_context *ctx, const char *spec, const char *more) {
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, model_parse(ctx, spec, more, &model), AENC_OK);
    return model;
}

/* ---- Looking ---- */

/* The sum of the distances of a parameter's values from those in another model. */
static double moved(const aenc_model *a, const aenc_model *b, const char *name) {
    float p[64], q[64];
    aenc_tensor *s = NULL, *t = NULL;
    double sum = 0;
    if (!CHECK(aenc_model_tensor_get(a, name, &s) == AENC_OK && aenc_model_tensor_get(b, name, &t) == AENC_OK)) exit(2);
    size_t count = aenc_tensor_count(s);
    CHECK(count <= 64 && aenc_tensor_read(s, p, count) == AENC_OK && aenc_tensor_read(t, q, count) == AENC_OK);
    for (size_t i = 0; i < count; i++) sum += fabs((double)p[i] - (double)q[i]);
    aenc_tensor_free(s);
    aenc_tensor_free(t);
    return sum;
}

static size_t term_at(const aenc_model *model, const char *name) {
    size_t i = 0;
    while (i < aenc_model_term_count(model) && strcmp(aenc_model_term_name(model, i), name) != 0) i++;
    CHECK(i < aenc_model_term_count(model));
    return i;
}

/* ---- The game ---- */

/* The critic's mean loss over the last ten epochs; of the codes the largest distance of mean and deviation from 0 and 1. */
static double play(const char *spec, double *off) {
    enum { EPOCHS = 120 };
    aenc_context *ctx = context_make(2);
    aenc_model *model = model_make(ctx, spec, "");
    const aenc_fit_options fit = {.struct_size = sizeof fit, .optimizer = "adam:lr=0.002", .epochs = EPOCHS, .batch = BATCH};
    float code[ROWS * CODE];
    double loss = 0, value = 0;
    CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
    for (size_t e = EPOCHS - 10; e < EPOCHS; e++) {
        CHECK_STATUS(ctx, aenc_model_history_term(model, e, term_at(model, "critic"), &value), AENC_OK);
        loss += value / 10;
    }
    CHECK_STATUS(ctx, aenc_encode(model, &x, code, ROWS * CODE), AENC_OK);
    *off = 0;
    for (int k = 0; k < CODE; k++) {
        double mean = 0, square = 0;
        for (int r = 0; r < ROWS; r++) mean += (double)code[r * CODE + k] / ROWS;
        for (int r = 0; r < ROWS; r++) square += pow((double)code[r * CODE + k] - mean, 2) / ROWS;
        *off = fmax(*off, fmax(fabs(mean), fabs(sqrt(square) - 1)));
    }
    aenc_model_free(model);
    aenc_context_free(ctx);
    return loss;
}

static void test_equilibrium(void) {
    double off, alone;
    double loss = play("adversarial:fool=3,turns=1", &off), known = play("adversarial:fool=0,turns=1", &alone);
    CHECK_NEAR(loss, 2 * log(2), 0.06);
    CHECK(off < 0.4);
    CHECK(known < 1.15); /* codes that nobody moves towards the prior are found out */
    if (check_failures > 0) fprintf(stderr, "  loss %g, off %g; alone %g, %g\n", loss, off, known, alone);
}

/* ---- One run ---- */

static const aenc_fit_options run = {.struct_size = sizeof run, .optimizer = "adam:lr=0.002", .schedule = "cosine", .epochs = 3,
                                     .batch = BATCH, .validation_fraction = 0.25};
static const char norm[] = "{\"type\":\"batch_norm\"},{\"type\":\"dropout\",\"rate\":0.1},";

static struct bytes whole_run(void) {
    aenc_context *ctx = context_make(1);
    aenc_model *model = model_make(ctx, "adversarial", norm);
    CHECK_STATUS(ctx, aenc_fit(model, &x, &run), AENC_OK);
    struct bytes whole = model_bytes(model);
    aenc_model_free(model);
    aenc_context_free(ctx);
    return whole;
}

static void test_threads(const struct bytes *whole) {
    for (int64_t threads = 2; threads <= 3; threads++) {
        aenc_context *ctx = context_make(threads);
        aenc_model *model = model_make(ctx, "adversarial", norm);
        CHECK_STATUS(ctx, aenc_fit(model, &x, &run), AENC_OK);
        struct bytes now = model_bytes(model);
        CHECK(bytes_same(&now, whole));
        aenc_model_free(model);
        aenc_context_free(ctx);
    }
}

static int64_t steps_left;
static int die(void *user, const aenc_progress *now) {
    (void)user;
    if (now->event == AENC_EVENT_STEP && --steps_left == 0) raise(SIGKILL);
    return 0;
}

/* Killed in the middle, more than once, each part on another number of threads. */
static void test_killed(const struct bytes *whole) {
    static const char path[] = "players_test.checkpoint";
    (void)remove(path);
    for (int64_t part = 0; part < 4; part++) {
        int result = 0;
        pid_t process = fork();
        if (process == 0) {
            aenc_context *ctx = context_make(1 + part % 3);
            aenc_model *model = model_make(ctx, "adversarial", norm);
            aenc_fit_options fit = run;
            fit.checkpoint = path;
            fit.checkpoint_steps = 2;
            fit.resume = AENC_RESUME_IF_THERE;
            fit.progress = die;
            steps_left = part < 3 ? 5 : -1;
            bool good = aenc_fit(model, &x, &fit) == AENC_OK && part == 3;
            struct bytes now = model_bytes(model);
            _exit(good && bytes_same(&now, whole) ? 0 : 1);
        }
        if (process < 0 || waitpid(process, &result, 0) != process) exit(2);
        CHECK(part < 3 ? WIFSIGNALED(result) != 0 : WIFEXITED(result) && WEXITSTATUS(result) == 0);
    }
    /* another player's optimizer is another run */
    aenc_context *ctx = context_make(1);
    aenc_fit_options fit = run;
    fit.checkpoint = path;
    fit.resume = AENC_RESUME_REQUIRED;
    optimizer = NULL;
    aenc_model *model = model_make(ctx, "adversarial", norm);
    CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(ctx), "players.critic.optimizer was adam:lr=0.005 and is empty") != NULL);
    optimizer = "adam:lr=0.005";
    aenc_model_free(model);
    aenc_context_free(ctx);
    (void)remove(path);
}

/* Through a file into a context where the bottleneck is registered again, and into one where it is not. */
static void test_file(const struct bytes *whole) {
    aenc_context *ctx = context_make(1), *bare = NULL;
    aenc_model *model = NULL;
    const aenc_context_options options = {.struct_size = sizeof options, .seed = 5};
    CHECK_STATUS(ctx, aenc_model_load_memory(ctx, whole->data, whole->size, &model), AENC_OK);
    struct bytes again = model_bytes(model);
    CHECK(bytes_same(&again, whole));
    CHECK_STATUS(ctx, aenc_fit(model, &x, &run), AENC_OK);
    aenc_model_free(model);
    aenc_context_free(ctx);
    CHECK(aenc_context_create(&options, &bare) == AENC_OK);
    CHECK_STATUS(bare, aenc_model_load_memory(bare, whole->data, whole->size, &model), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(bare), "adversarial") != NULL);
    aenc_context_free(bare);
}

/* ---- Who moves what ---- */

static const aenc_batch batch = {.struct_size = sizeof batch, .input = {data, BATCH, COLS, 0}};

static void steps_take(aenc_model *model, aenc_context *ctx, const char *spec, int count) {
    aenc_optimizer *steps = NULL;
    CHECK_STATUS(ctx, aenc_optimizer_create(model, spec, &steps), AENC_OK);
    for (int i = 0; i < count; i++) CHECK_STATUS(ctx, aenc_model_step(model, steps, &batch, NULL), AENC_OK);
    aenc_optimizer_free(steps);
}

static void test_own(void) {
    aenc_context *ctx = context_make(2);
    aenc_model *before = model_make(ctx, "adversarial", norm), *model = model_make(ctx, "adversarial", norm);
    steps_take(model, ctx, "sgd:lr=0", 3); /* the critic's rate is its own */
    CHECK(moved(before, model, "encoder.0.weight") == 0 && moved(before, model, "decoder.0.weight") == 0);
    CHECK(moved(before, model, "bottleneck.critic.weight_0") > 0);
    CHECK(moved(before, model, "encoder.1.running_mean") > 0); /* a state of the model's own */

    aenc_model *other = model_make(ctx, "adversarial:turns=7", norm);
    steps_take(other, ctx, "sgd:lr=0", 3);
    CHECK(moved(other, model, "encoder.1.running_mean") == 0); /* committed once a step, whatever the turns */
    CHECK(moved(other, model, "bottleneck.critic.weight_0") > 0);
    aenc_model_free(other);

    CHECK_STATUS(ctx, aenc_model_copy(model, "", before, ""), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_freeze(model, "bottleneck.critic.weight_0", 1), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_freeze(model, "encoder.0", 1), AENC_OK);
    steps_take(model, ctx, "adam", 3);
    CHECK(moved(before, model, "bottleneck.critic.weight_0") == 0 && moved(before, model, "encoder.0.weight") == 0);
    CHECK(moved(before, model, "bottleneck.critic.weight_1") > 0 && moved(before, model, "decoder.0.weight") > 0);
    CHECK_STATUS(ctx, aenc_model_freeze(model, "bottleneck", 1), AENC_OK);
    steps_take(model, ctx, "adam:lr=0.01", 1); /* nothing is left to the critic */
    aenc_model_free(model);
    aenc_model_free(before);
    aenc_context_free(ctx);
}

/* With a rate of the fit's for both, an optimizer that is not the critic's own moves it as it moves the rest; a rate that is set
 * moves its own in proportion: with none there is no movement. */
static void test_rates(void) {
    aenc_context *ctx = context_make(1);
    aenc_model *before = model_make(ctx, "adversarial", ""), *model = model_make(ctx, "adversarial", "");
    aenc_optimizer *steps = NULL;
    CHECK_STATUS(ctx, aenc_optimizer_create(model, "adam", &steps), AENC_OK);
    CHECK_STATUS(ctx, aenc_optimizer_set_learning_rate(steps, 0), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_step(model, steps, &batch, NULL), AENC_OK);
    CHECK(moved(before, model, "bottleneck.critic.weight_0") == 0);
    aenc_optimizer_free(steps);
    aenc_model_free(model);
    optimizer = NULL;
    model = model_make(ctx, "adversarial", "");
    steps_take(model, ctx, "sgd:lr=0", 2);
    CHECK(moved(before, model, "bottleneck.critic.weight_0") == 0);
    steps_take(model, ctx, "sgd:lr=0.1", 2);
    CHECK(moved(before, model, "bottleneck.critic.weight_0") > 0);
    optimizer = "adam:lr=0.005";
    aenc_model_free(model);
    aenc_model_free(before);
    aenc_context_free(ctx);
}

/* What a file of optimizers keeps: each player's moments, and what its rate is a multiple of. */
static void test_optimizer_file(void) {
    static unsigned char bytes[1 << 17];
    const aenc_fit_options first = {.struct_size = sizeof first, .optimizer = "momentum:lr=0.01", .batch = BATCH},
                           then = {.struct_size = sizeof then, .optimizer = "momentum:lr=0.005", .batch = BATCH};
    aenc_context *ctx = context_make(1);
    for (int own = 0; own < 2; own++)
        for (int handle = 0; handle < 2; handle++) {
            optimizer = own ? "momentum:lr=0.1" : NULL;
            aenc_model *model = model_make(ctx, "adversarial", ""), *other = NULL;
            aenc_optimizer *steps = NULL, *others = NULL;
            size_t size = 0;
            if (handle) CHECK_STATUS(ctx, aenc_optimizer_create(model, "momentum:lr=0.01", &steps), AENC_OK);
            if (handle) CHECK_STATUS(ctx, aenc_model_step(model, steps, &batch, NULL), AENC_OK);
            else CHECK_STATUS(ctx, aenc_partial_fit(model, &x, &first), AENC_OK);
            CHECK_STATUS(ctx, aenc_model_save_optimizer_memory(model, steps, bytes, sizeof bytes, &size), AENC_OK);
            CHECK_STATUS(ctx, aenc_model_clone(ctx, model, 0, &other), AENC_OK);
            if (handle) CHECK_STATUS(ctx, aenc_optimizer_create(other, "momentum:lr=0.01", &others), AENC_OK);
            CHECK_STATUS(ctx, aenc_model_load_optimizer_memory(other, others, bytes, size), AENC_OK);
            if (handle) {
                CHECK_STATUS(ctx, aenc_optimizer_set_learning_rate(steps, 0.005), AENC_OK);
                CHECK_STATUS(ctx, aenc_optimizer_set_learning_rate(others, 0.005), AENC_OK);
                CHECK_STATUS(ctx, aenc_model_step(model, steps, &batch, NULL), AENC_OK);
                CHECK_STATUS(ctx, aenc_model_step(other, others, &batch, NULL), AENC_OK);
            } else {
                CHECK_STATUS(ctx, aenc_partial_fit(model, &x, &then), AENC_OK);
                CHECK_STATUS(ctx, aenc_partial_fit(other, &x, &then), AENC_OK);
            }
            struct bytes a = model_bytes(model), b = model_bytes(other);
            CHECK(bytes_same(&a, &b));
            free(b.data);
            aenc_optimizer_free(steps), aenc_optimizer_free(others);
            aenc_model_free(model), aenc_model_free(other);
        }
    optimizer = "adam:lr=0.005";
    aenc_context_free(ctx);
}

/* Moments of another player's optimizer, of other turns, or of other players are not taken, and those that are there stay. */
static void test_optimizer_of_others(void) {
    static unsigned char bytes[1 << 17];
    static const struct {
        const char *spec, *optimizer, *message;
    } cases[] = {
        {"adversarial", "adam:lr=0.001", "players.critic.optimizer was adam:lr=0.005 and is adam:lr=0.001"},
        {"adversarial", NULL, "players.critic.optimizer was adam:lr=0.005 and is empty"},
        {"adversarial:turns=3", "adam:lr=0.005", "players.critic.turns was 2 and is 3"},
        {"plain", NULL, "players was {\"critic\":"},
    };
    aenc_context *ctx = context_make(1);
    aenc_model *first = model_make(ctx, "adversarial", ""), *alone = model_make(ctx, "plain", "");
    const aenc_fit_options fit = {.struct_size = sizeof fit, .batch = BATCH};
    size_t size = 0;
    CHECK_STATUS(ctx, aenc_partial_fit(alone, &x, &fit), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_save_optimizer_memory(alone, NULL, bytes, sizeof bytes, &size), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_load_optimizer_memory(first, NULL, bytes, size), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(ctx), "players was not there and is {\"critic\":") != NULL);
    CHECK_STATUS(ctx, aenc_partial_fit(first, &x, &fit), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_save_optimizer_memory(first, NULL, bytes, sizeof bytes, &size), AENC_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int handle = 0; handle < 2; handle++) {
            static unsigned char now[2][1 << 17];
            size_t sizes[2] = {0, 0};
            aenc_optimizer *steps = NULL;
            optimizer = cases[i].optimizer;
            aenc_model *model = model_make(ctx, cases[i].spec, "");
            if (handle) CHECK_STATUS(ctx, aenc_optimizer_create(model, "adam", &steps), AENC_OK);
            else CHECK_STATUS(ctx, aenc_partial_fit(model, &x, &fit), AENC_OK);
            for (int k = 0; k < 2; k++) {
                CHECK_STATUS(ctx, aenc_model_save_optimizer_memory(model, steps, now[k], sizeof now[k], &sizes[k]), AENC_OK);
                CHECK_STATUS(ctx, aenc_model_load_optimizer_memory(model, steps, bytes, size), AENC_ERR_ARGUMENT);
                if (!CHECK(strstr(aenc_message(ctx), cases[i].message) != NULL)) fprintf(stderr, "  %s\n", aenc_message(ctx));
            }
            CHECK(sizes[0] == sizes[1] && memcmp(now[0], now[1], sizes[0]) == 0);
            aenc_optimizer_free(steps);
            aenc_model_free(model);
        }
    /* a clone in a context where the bottleneck has another player takes the parameters, not the training */
    optimizer = NULL;
    aenc_context *elsewhere = context_make(1);
    aenc_model *clone = NULL;
    CHECK_STATUS(elsewhere, aenc_model_clone(elsewhere, first, 1, &clone), AENC_ERR_UNSUPPORTED);
    CHECK(clone == NULL && strstr(aenc_message(elsewhere), "players.critic.optimizer was adam:lr=0.005 and is empty") != NULL);
    CHECK_STATUS(elsewhere, aenc_model_clone(elsewhere, first, 0, &clone), AENC_OK);
    optimizer = "adam:lr=0.005";
    aenc_model_free(clone);
    aenc_context_free(elsewhere);
    aenc_model_free(first), aenc_model_free(alone);
    aenc_context_free(ctx);
}

/* What is added up over processes, here two with the same rows, is so in each turn, with the terms of its player. */
static int turns_seen;
static int twice(void *user, aenc_sums *sums) {
    const size_t *critic_at = user;
    bool of_critic = turns_seen++ % 3 < 2;
    double others = 0;
    for (size_t i = 0; i < sums->term_count; i++)
        if ((i == *critic_at) != of_critic) others += fabs(sums->terms[i]);
    CHECK(sums->weight == BATCH && (sums->terms[*critic_at] != 0) == of_critic && others == 0);
    for (size_t i = 0; i < sums->gradient_count; i++) sums->gradients[i] *= 2;
    for (size_t i = 0; i < sums->term_count; i++) sums->terms[i] *= 2;
    sums->weight *= 2;
    return 0;
}
static void test_reduced(const struct bytes *whole) {
    aenc_context *ctx = context_make(2);
    aenc_model *model = model_make(ctx, "adversarial", norm);
    size_t critic_at = term_at(model, "critic");
    aenc_fit_options fit = run;
    fit.reduce = twice, fit.reduce_user = &critic_at;
    turns_seen = 0;
    CHECK_STATUS(ctx, aenc_fit(model, &x, &fit), AENC_OK);
    struct bytes now = model_bytes(model);
    CHECK(bytes_same(&now, whole) && turns_seen > 0 && turns_seen % 3 == 0);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

static void test_terms(void) {
    aenc_context *ctx = context_make(1);
    aenc_model *model = model_make(ctx, "adversarial", "");
    aenc_optimizer *steps = NULL;
    double loss = 0, score = 0;
    CHECK(aenc_model_term_role(model, term_at(model, "critic")) == AENC_TERM_PLAYER);
    CHECK(aenc_model_term_role(model, term_at(model, "fool")) == AENC_TERM_OBJECTIVE);
    CHECK_STATUS(ctx, aenc_optimizer_create(model, "adam", &steps), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_step(model, steps, &batch, &loss), AENC_OK);
    aenc_optimizer_free(steps);
    CHECK(aenc_model_term_value(model, term_at(model, "critic")) > 0.5);
    CHECK_NEAR(aenc_model_term_value(model, 0) + aenc_model_term_value(model, term_at(model, "fool")), loss, 1e-12);
    CHECK_STATUS(ctx, aenc_model_evaluate(model, &batch, &score), AENC_OK);
    CHECK_NEAR(aenc_model_term_valid(model, 0), score, 1e-12);
    CHECK(isnan(aenc_model_term_valid(model, term_at(model, "critic"))));
    CHECK_STATUS(ctx, aenc_model_gradients(model, &batch, &loss), AENC_ERR_UNSUPPORTED);
    CHECK(strstr(aenc_message(ctx), "2 players") != NULL);

    double worst = 1;
    const char *parameter = NULL;
    optimizer = "sgd";
    CHECK_STATUS(ctx, aenc_check_gradients(model, &batch, NULL, &worst, &parameter), AENC_OK);
    if (!CHECK(worst < 0.02)) fprintf(stderr, "  %g at %s\n", worst, parameter);
    optimizer = "adam:lr=0.005";
    aenc_model_free(model);
    aenc_context_free(ctx);
}

/* A step that fails in the last turn leaves nothing of those before. */
static void test_undone(void) {
    aenc_context *ctx = context_make(2);
    aenc_model *model = model_make(ctx, "adversarial", norm);
    aenc_optimizer *steps = NULL;
    steps_take(model, ctx, "adam", 2);
    struct bytes before = model_bytes(model);
    CHECK_STATUS(ctx, aenc_optimizer_create(model, "sgd:lr=3e38", &steps), AENC_OK);
    aenc_batch large = batch;
    float far[BATCH * COLS];
    for (int i = 0; i < BATCH * COLS; i++) far[i] = 1e12f;
    large.input.data = far;
    CHECK_STATUS(ctx, aenc_model_step(model, steps, &large, NULL), AENC_ERR_DIVERGED);
    struct bytes after = model_bytes(model);
    CHECK(bytes_same(&after, &before));
    free(before.data);
    aenc_optimizer_free(steps);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

/* ---- Refused ---- */

static aenc_node *layer_with_player(void *user, aenc_recorder *r, aenc_node *in) {
    (void)user;
    static const char *const names[] = {"encoder"};
    const aenc_player player = {.struct_size = sizeof player, .name = "p", .entries = names, .entry_count = 1, .terms = names,
                                .term_count = 1};
    return aenc_recorder_player(r, &player) != 0 ? in : NULL;
}

static void test_refused(void) {
    static const char *const encoder[] = {"encoder"}, *const critic_path[] = {"bottleneck.critic"}, *const part[] = {"bottleneck.critic.bias_1"},
                            *const nothing[] = {"bottleneck.judge"}, *const state_path[] = {"encoder.1.running_mean"};
    static const char *const critic_term[] = {"critic"}, *const fool[] = {"fool"}, *const none[] = {"nobody"},
                            *const measure[] = {"logit"}, *const loss[] = {"reconstruction"}, *const hole[] = {NULL};
    const aenc_player good = {.struct_size = sizeof good, .name = "critic", .entries = critic_path, .entry_count = 1,
                              .terms = critic_term, .term_count = 1};
    static const struct {
        const char *name;
        const char *const *entries, *const *terms;
        const char *optimizer;
        int64_t turns;
        size_t terms_count;
        const char *words;
    } cases[] = {
        {"second", nothing, fool, NULL, 1, 1, "player 'second': entry 'bottleneck.judge' matches no parameter"},
        {"second", state_path, fool, NULL, 1, 1, "entry 'encoder.1.running_mean' matches no parameter"},
        {"second", part, fool, NULL, 1, 1, "parameter 'bottleneck.critic.bias_1' belongs to another player"},
        {"second", critic_path, fool, NULL, 1, 1, "belongs to another player"},
        {"second", encoder, critic_term, NULL, 1, 1, "term 'critic' belongs to a player already"},
        {"second", encoder, none, NULL, 1, 1, "term 'nobody' is not recorded in training"},
        {"second", encoder, measure, NULL, 1, 1, "term 'logit' is a measure"},
        {"second", encoder, loss, NULL, 1, 1, "term 'reconstruction' is the model's own"},
        {"second", encoder, fool, "adamm", 1, 1, "unknown optimizer 'adamm'"},
        {"second", encoder, fool, NULL, 81, 1, "player 'second' has 81 turns"},
        {"second", encoder, fool, NULL, -1, 1, "player 'second' has -1 turns"},
        {"second", encoder, fool, NULL, 1, 0, "player 'second' has no terms"},
        {"second", encoder, hole, NULL, 1, 1, "player 'second': entries or terms are NULL"},
        {"critic", encoder, fool, NULL, 1, 1, "player 'critic' is declared twice"},
        {NULL, encoder, fool, NULL, 1, 1, "name is NULL"},
    };
    aenc_context *ctx = context_make(1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const aenc_player both[] = {good, {.struct_size = sizeof good, .name = cases[i].name, .entries = cases[i].entries,
                                           .entry_count = 1, .terms = cases[i].terms, .term_count = cases[i].terms_count,
                                           .optimizer = cases[i].optimizer, .turns = cases[i].turns}};
        aenc_model *model = NULL;
        declared = both;
        declared_count = 2;
        CHECK_STATUS(ctx, model_parse(ctx, "adversarial", norm, &model), AENC_ERR_ARGUMENT);
        if (!CHECK(model == NULL && strstr(aenc_message(ctx), cases[i].words) != NULL))
            fprintf(stderr, "  %s\n  lacks: %s\n", aenc_message(ctx), cases[i].words);
    }
    const aenc_player many[] = {good, {.struct_size = sizeof good, .name = "a", .entries = part, .entry_count = 1, .terms = fool,
                                       .term_count = 1}, good, good};
    aenc_player named[4];
    memcpy(named, many, sizeof named);
    named[2].name = "b", named[3].name = "c";
    declared = named;
    declared_count = 4;
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, model_parse(ctx, "adversarial", norm, &model), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(ctx), "player 'c': a model has 3 beside its own at most") != NULL);
    declared = NULL;
    declared_count = 0;
    const aenc_plugin inside = {.struct_size = sizeof inside, .kind = AENC_PLUGIN_LAYER, .name = "inside", .layer = layer_with_player,
                                .mirror_role = AENC_MIRROR_OMITTED};
    CHECK_STATUS(ctx, aenc_register(ctx, &inside), AENC_OK);
    CHECK_STATUS(ctx, model_parse(ctx, "plain", "{\"type\":\"inside\"},", &model), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(ctx), "bottlenecks alone have players") != NULL);
    CHECK(aenc_recorder_player(NULL, &good) == 0);
    aenc_context_free(ctx);
}

/* Memory that is refused at any moment: nothing is lost, and no half of a step is left. */
static void test_no_memory(void) {
    aenc_status status = AENC_ERR_NO_MEMORY;
    for (long k = 1; status == AENC_ERR_NO_MEMORY; k++) {
        struct memory memory = {0};
        aenc_context *ctx = memory_context(&memory, 5, 1);
        aenc_model *model = NULL;
        aenc_optimizer *steps = NULL;
        bottleneck_register(ctx);
        memory.fail_at = memory.calls + k;
        declared = NULL;
        status = model_parse(ctx, "adversarial", norm, &model);
        if (status == AENC_OK) status = aenc_optimizer_create(model, "adam", &steps);
        if (status == AENC_OK) status = aenc_model_step(model, steps, &batch, NULL);
        if (status == AENC_OK) {
            long calls = memory.calls;
            CHECK_STATUS(ctx, aenc_model_step(model, steps, &batch, NULL), AENC_OK);
            CHECK(memory.calls == calls); /* as of one player, steps allocate nothing after the first */
        }
        aenc_optimizer_free(steps);
        aenc_model_free(model);
        aenc_context_free(ctx);
        memory_check_empty(&memory);
    }
    CHECK(status == AENC_OK);
}

int main(void) {
    data_make();
    test_equilibrium();
    struct bytes whole = whole_run();
    test_threads(&whole);
    test_killed(&whole);
    test_file(&whole);
    test_reduced(&whole);
    free(whole.data);
    test_own();
    test_rates();
    test_optimizer_file();
    test_optimizer_of_others();
    test_terms();
    test_undone();
    test_refused();
    test_no_memory();
    return check_finish();
}
