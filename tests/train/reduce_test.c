/* reduce_test.c - gradients that the program changes between their sum and the update: data-parallel training, with two threads in the
 * place of two processes, and loops of its own. */
#define _POSIX_C_SOURCE 200809L

#include <math.h>
#include <pthread.h>
#include <unistd.h>

#include <autoenc/ops.h>

#include "train/trial.h"

enum { ROWS = 96, IN = 6, BATCH = 16, STEPS = ROWS / BATCH };

static float data[ROWS * IN], half[2][ROWS / 2 * IN], weight[ROWS], half_weight[2][ROWS / 2];
static const aenc_matrix x = {data, ROWS, IN, 0}, part[2] = {{half[0], ROWS / 2, IN, 0}, {half[1], ROWS / 2, IN, 0}};
static char path[64];

static const char plain[] = "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5,"
                            "\"activation\":\"tanh\"},{\"type\":\"dense\",\"units\":2}]},"
                            "\"penalties\":[\"l2_weights:weight=0.01\",\"l1:weight=0.02\"]}";
static const char noisy[] = "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":40},"
                            "{\"type\":\"batch_norm\"},{\"type\":\"gelu\"},{\"type\":\"dropout\",\"rate\":0.2},"
                            "{\"type\":\"dense\",\"units\":3}]},\"bottleneck\":\"gaussian:units=2\",\"loss\":\"huber\"}";

static const char drawing[] = "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":40},"
                              "{\"type\":\"layer_norm\"},{\"type\":\"gelu\"},{\"type\":\"dropout\",\"rate\":0.2}]},"
                              "\"bottleneck\":\"gaussian:units=2\",\"loss\":\"huber\"}";

/* Each batch of the whole is one of each half, of half as many rows. */
static void data_make(void) {
    trial_fill(data, ROWS * IN, 3);
    for (int r = 0; r < ROWS; r++) weight[r] = 0.25f * (float)(1 + r % 7);
    for (int r = 0; r < ROWS; r++) {
        int in = r % BATCH / (BATCH / 2), at = r / BATCH * (BATCH / 2) + r % (BATCH / 2);
        memcpy(half[in] + at * IN, data + r * IN, IN * sizeof *data);
        half_weight[in][at] = weight[r];
    }
}

/* How far any number of two models is from the other's. */
static double distance(const struct trial *a, const struct trial *b) {
    static float p[TRIAL_NUMBERS], q[TRIAL_NUMBERS];
    size_t count = trial_numbers(a, p);
    double most = 0;
    if (!CHECK(trial_numbers(b, q) == count)) exit(2);
    for (size_t i = 0; i < count; i++) most = check_larger(most, fabs((double)p[i] - (double)q[i]));
    return most;
}

/* ---- Two processes ---- */

struct meeting {
    pthread_barrier_t barrier;
    aenc_sums *sums[2];
};

struct process {
    struct meeting *meeting;
    struct trial trial;
    int number, calls;
    bool epochs; /* aenc_fit with validation, or aenc_partial_fit */
    aenc_fit_options options;
    aenc_status status;
};

/* Both are replaced by their sum, in the same order in either. */
static int add_up(void *user, aenc_sums *sums) {
    struct process *p = user;
    struct meeting *m = p->meeting;
    static float added[2][TRIAL_NUMBERS];
    double terms[8], total;
    m->sums[p->number] = sums;
    pthread_barrier_wait(&m->barrier);
    const aenc_sums *a = m->sums[0], *b = m->sums[1];
    bool good = sums->struct_size == sizeof *sums && a->gradient_count == b->gradient_count && a->gradient_count <= TRIAL_NUMBERS &&
                a->term_count == b->term_count && a->term_count <= 8;
    if (!CHECK(good)) exit(2);
    for (size_t i = 0; i < a->gradient_count; i++) added[p->number][i] = a->gradients[i] + b->gradients[i];
    for (size_t i = 0; i < a->term_count; i++) terms[i] = a->terms[i] + b->terms[i];
    total = a->weight + b->weight;
    pthread_barrier_wait(&m->barrier);
    memcpy(sums->gradients, added[p->number], sums->gradient_count * sizeof *sums->gradients);
    memcpy(sums->terms, terms, sums->term_count * sizeof *terms);
    sums->weight = total;
    p->calls++;
    pthread_barrier_wait(&m->barrier);
    return 0;
}

static void *run(void *user) {
    struct process *p = user;
    const aenc_matrix *rows = &part[p->number];
    p->status = p->epochs ? aenc_fit(p->trial.model, rows, &p->options) : aenc_partial_fit(p->trial.model, rows, &p->options);
    return NULL;
}

static void run_both(struct process p[2], const char *description, const aenc_fit_options *options, bool epochs, int64_t threads) {
    struct meeting meeting;
    pthread_t thread[2];
    if (pthread_barrier_init(&meeting.barrier, NULL, 2) != 0) exit(2);
    for (int i = 0; i < 2; i++) {
        p[i] = (struct process){.meeting = &meeting, .trial = trial_create(description, 4, i == 0 ? 1 : threads), .number = i,
                                .epochs = epochs, .options = *options};
        p[i].options.reduce = add_up;
        p[i].options.reduce_user = &p[i];
        if (options->weight != NULL) p[i].options.weight = half_weight[i], p[i].options.weight_count = ROWS / 2;
        p[i].options.batch = options->batch / 2;
        if (pthread_create(&thread[i], NULL, run, &p[i]) != 0) exit(2);
    }
    for (int i = 0; i < 2; i++) pthread_join(thread[i], NULL);
    pthread_barrier_destroy(&meeting.barrier);
    for (int i = 0; i < 2; i++) CHECK_STATUS(p[i].trial.ctx, p[i].status, AENC_OK);
    CHECK(p[0].calls == p[1].calls && trial_same(&p[0].trial, &p[1].trial));
}

/* The weights of two, each on its half of every batch, are those of one on the whole, but for rounding. */
static void test_halves(void) {
    static const char *const specs[] = {"sgd:lr=0.1", "momentum:lr=0.05", "adam:lr=0.01"};
    for (size_t i = 0; i < 3; i++)
        for (int way = 0; way < 4; way++) { /* clipping, weights */
            struct trial one = trial_create(plain, 4, 2);
            struct process p[2];
            double loss = 0, both = 0;
            aenc_fit_options o = {.struct_size = sizeof o, .optimizer = specs[i], .batch = BATCH, .clip_norm = way % 2 ? 0.1 : 0};
            if (way > 1) o.weight = weight, o.weight_count = ROWS;
            run_both(p, plain, &o, false, 3);
            CHECK(p[0].calls == STEPS);
            CHECK_STATUS(one.ctx, aenc_partial_fit(one.model, &x, &o), AENC_OK);
            double far = distance(&one, &p[0].trial);
            if (!CHECK(far < 2e-6)) fprintf(stderr, "  %s, way %d: %g\n", specs[i], way, far);
            for (size_t t = 0; t < aenc_model_term_count(one.model); t++) {
                loss += aenc_model_term_value(one.model, t);
                both += aenc_model_term_value(p[1].trial.model, t);
            }
            CHECK_NEAR(both, loss, 1e-6); /* the mean over all rows, in each of the two */
            trial_free(&one);
            for (int k = 0; k < 2; k++) trial_free(&p[k].trial);
        }
}

/* Whole runs with validation, patience and a schedule that looks at losses stay together to the end. */
static void test_epochs(void) {
    for (int valid = 0; valid < 2; valid++) {
        const aenc_fit_options o = {.struct_size = sizeof o, .optimizer = "adam:lr=0.05", .epochs = 12, .batch = BATCH, .patience = valid * 3,
                                    .valid = valid ? &x : NULL, .schedule = "plateau:patience=1,threshold=0.01"};
        struct process p[2];
        run_both(p, drawing, &o, true, 2);
        size_t epochs = aenc_model_history_count(p[0].trial.model);
        CHECK(epochs > 2 && epochs == aenc_model_history_count(p[1].trial.model));
        for (size_t i = 0; i < epochs; i++) {
            aenc_progress a = {.struct_size = sizeof a}, b = a;
            CHECK_STATUS(p[0].trial.ctx, aenc_model_history(p[0].trial.model, i, &a), AENC_OK);
            CHECK_STATUS(p[1].trial.ctx, aenc_model_history(p[1].trial.model, i, &b), AENC_OK);
            CHECK(a.train_loss == b.train_loss && a.learning_rate == b.learning_rate && a.gradient_norm == b.gradient_norm);
            CHECK(valid ? a.valid_loss == b.valid_loss : isnan(a.valid_loss));
        }
        for (int k = 0; k < 2; k++) trial_free(&p[k].trial);
    }
}

/* ---- One process ---- */

enum act { NOTHING, DOUBLES, NAN_GRADIENT, NAN_TERM, NO_WEIGHT, STOPS, FAILS, CALLS };

struct one {
    enum act act;
    int calls, at; /* acts at that call, from 1; 0: at each */
    aenc_model *model;
    bool good;
};

static int act(void *user, aenc_sums *sums) {
    struct one *one = user;
    double loss;
    const aenc_batch batch = {.struct_size = sizeof batch, .input = x};
    if (++one->calls != one->at && one->at != 0) return 0;
    switch (one->act) {
    case NOTHING: break;
    case DOUBLES: /* as of two processes with the same rows */
        for (size_t i = 0; i < sums->gradient_count; i++) sums->gradients[i] *= 2;
        for (size_t i = 0; i < sums->term_count; i++) sums->terms[i] *= 2;
        sums->weight *= 2;
        break;
    case NAN_GRADIENT: sums->gradients[0] = NAN; break;
    case NAN_TERM: sums->terms[0] = NAN; break;
    case NO_WEIGHT: sums->weight = 0; break;
    case STOPS: return 7;
    case FAILS: return -7;
    case CALLS:
        one->good = aenc_model_evaluate(one->model, &batch, &loss) == AENC_ERR_BUSY &&
                    aenc_model_tensor_count(one->model) > 0 && aenc_model_set_epochs(one->model, 1) == AENC_ERR_BUSY;
        aenc_model_cancel(one->model);
        break;
    }
    return 0;
}

/* A reduction that changes nothing, or twice as much of everything, changes no bit of a run: neither where gradients are used up as
 * they are made, nor with draws, states and clipping. */
static void test_bits(void) {
    for (int clipped = 0; clipped < 2; clipped++)
        for (int doubled = 0; doubled < 2; doubled++)
            for (int64_t threads = 1; threads < 4; threads += 2) {
                struct one one = {.act = doubled ? DOUBLES : NOTHING};
                struct trial a = trial_create(noisy, 4, threads), b = trial_create(noisy, 4, 1);
                aenc_progress p = {.struct_size = sizeof p}, q = p;
                aenc_fit_options o = {.struct_size = sizeof o, .epochs = 3, .batch = BATCH, .validation_fraction = 0.2, .clip_value = clipped * 0.01};
                CHECK_STATUS(b.ctx, aenc_fit(b.model, &x, &o), AENC_OK);
                o.reduce = act, o.reduce_user = &one;
                CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &o), AENC_OK);
                CHECK(one.calls == 15 && trial_same(&a, &b));
                CHECK_STATUS(a.ctx, aenc_model_history(a.model, 2, &p), AENC_OK);
                CHECK_STATUS(b.ctx, aenc_model_history(b.model, 2, &q), AENC_OK);
                CHECK(p.train_loss == q.train_loss && p.valid_loss == q.valid_loss);
                CHECK_NEAR(p.gradient_norm, q.gradient_norm, 1e-9);
                trial_free(&a);
                trial_free(&b);
            }
}

/* What it may not leave behind, and what its result means: the model has its last whole step. */
static void test_results(void) {
    static const struct {
        enum act act;
        aenc_status status;
        int32_t stopped;
        const char *message;
    } cases[] = {{NAN_GRADIENT, AENC_ERR_DIVERGED, AENC_STOPPED_NOT, "the gradient of 'encoder.0.weight' at update 3 is not finite"},
                 {NAN_TERM, AENC_ERR_DIVERGED, AENC_STOPPED_NOT, "the loss of update 3 is nan"},
                 {NO_WEIGHT, AENC_ERR_ARGUMENT, AENC_STOPPED_NOT, "aenc_fit_options.reduce: it has set the weight of the step to 0"},
                 {STOPS, AENC_OK, AENC_STOPPED_CALLBACK, NULL},
                 {FAILS, AENC_ERR_CALLBACK, AENC_STOPPED_NOT, "aenc_fit_options.reduce returned -7"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int pass = 0; pass < 2; pass++) {
            struct trial a = trial_create(noisy, 4, 2), b = trial_create(noisy, 4, 1);
            struct one one = {.act = cases[i].act, .at = 3};
            aenc_fit_options o = {.struct_size = sizeof o, .batch = BATCH, .steps_per_epoch = pass ? 0 : 2, .epochs = pass ? 0 : 1};
            const aenc_matrix two = {data, 2 * BATCH, IN, 0};
            CHECK_STATUS(b.ctx, pass ? aenc_partial_fit(b.model, &two, &o) : aenc_fit(b.model, &x, &o), AENC_OK);
            o.steps_per_epoch = 0, o.reduce = act, o.reduce_user = &one;
            CHECK_STATUS(a.ctx, pass ? aenc_partial_fit(a.model, &x, &o) : aenc_fit(a.model, &x, &o), cases[i].status);
            CHECK(aenc_model_stopped(a.model) == cases[i].stopped && one.calls == 3 && trial_same(&a, &b));
            if (cases[i].message != NULL && !CHECK(strstr(aenc_message(a.ctx), cases[i].message) != NULL))
                fprintf(stderr, "  %s\n", aenc_message(a.ctx));
            o.reduce = NULL; /* nothing of it stays */
            CHECK_STATUS(a.ctx, aenc_partial_fit(a.model, &x, &(aenc_fit_options){.struct_size = sizeof o, .batch = BATCH}), AENC_OK);
            trial_free(&a);
            trial_free(&b);
        }
    struct trial t = trial_create(noisy, 4, 2);
    struct one one = {.act = CALLS, .at = 2, .model = t.model};
    const aenc_fit_options o = {.struct_size = sizeof o, .batch = BATCH, .reduce = act, .reduce_user = &one};
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &o), AENC_OK);
    CHECK(one.good && one.calls == 2 && aenc_model_stopped(t.model) == AENC_STOPPED_CANCEL);
    trial_free(&t);
}

/* A run with a reduction is another run than one without. Stacks and distillation hand it on. */
static void test_elsewhere(void) {
    struct trial t = trial_create(plain, 4, 1), teacher = trial_create(plain, 5, 1);
    struct one one = {.act = NOTHING};
    aenc_fit_options o = {.struct_size = sizeof o, .epochs = 1, .batch = BATCH, .checkpoint = path, .reduce = act, .reduce_user = &one};
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &o), AENC_OK);
    o.reduce = NULL, o.resume = AENC_RESUME_REQUIRED;
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &o), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(t.ctx), "reduce was true and is not there") != NULL);
    (void)remove(path);
    o = (aenc_fit_options){.struct_size = sizeof o, .epochs = 1, .batch = BATCH, .reduce = act, .reduce_user = &one};
    one.calls = 0;
    CHECK_STATUS(t.ctx, aenc_pretrain(t.model, &x, &(aenc_pretrain_options){.struct_size = sizeof(aenc_pretrain_options), .fit = &o}), AENC_OK);
    CHECK(one.calls == 2 * STEPS);
    aenc_model *clone = NULL, *pca = NULL;
    CHECK_STATUS(t.ctx, aenc_model_clone(t.ctx, t.model, 0, &clone), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_distill(t.model, clone, &x, &(aenc_distill_options){.struct_size = sizeof(aenc_distill_options), .fit = &o}), AENC_OK);
    CHECK(one.calls == 3 * STEPS);
    CHECK_STATUS(t.ctx, aenc_pca_create(t.ctx, &x, NULL, &pca), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_fit(pca, &x, &(aenc_fit_options){.struct_size = sizeof o, .reduce = act}), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(t.ctx), "reduce") != NULL);
    aenc_model_free(clone);
    aenc_model_free(pca);
    trial_free(&t);
    trial_free(&teacher);
}

/* ---- A loop of its own ---- */

static size_t gradient_read(const struct trial *t, const char *name, float *out) {
    aenc_tensor *tensor = NULL;
    CHECK_STATUS(t->ctx, aenc_model_gradient_get(t->model, name, &tensor), AENC_OK);
    size_t count = aenc_tensor_count(tensor);
    if (count > TRIAL_NUMBERS) exit(2);
    CHECK_STATUS(t->ctx, aenc_tensor_read(tensor, out, count), AENC_OK);
    aenc_tensor_free(tensor);
    return count;
}

/* In the shape that the model has it. */
static aenc_status gradient_write(const struct trial *t, const char *name, const float *values) {
    aenc_tensor *tensor = NULL;
    CHECK_STATUS(t->ctx, aenc_model_tensor_get(t->model, name, &tensor), AENC_OK);
    CHECK_STATUS(t->ctx, aenc_tensor_write(tensor, values, aenc_tensor_count(tensor)), AENC_OK);
    aenc_status status = aenc_model_gradient_set(t->model, name, tensor);
    aenc_tensor_free(tensor);
    return status;
}

/* Two models, whose gradients are averaged name by name: as one on the whole. Clipping sees what was set. */
static void test_loop(void) {
    static float g[2][TRIAL_NUMBERS];
    for (int clipped = 0; clipped < 2; clipped++) {
        struct trial two[2] = {trial_create(plain, 4, 1), trial_create(plain, 4, 2)}, one = trial_create(plain, 4, 1);
        aenc_optimizer *steps[3] = {NULL, NULL, NULL};
        for (int i = 0; i < 3; i++) {
            const struct trial *t = i < 2 ? &two[i] : &one;
            CHECK_STATUS(t->ctx, aenc_optimizer_create(t->model, "adam:lr=0.02", &steps[i]), AENC_OK);
            CHECK_STATUS(t->ctx, aenc_optimizer_set_clipping(steps[i], clipped * 0.05, 0), AENC_OK);
        }
        for (int k = 0; k < STEPS; k++) {
            const aenc_batch all = {.struct_size = sizeof all, .input = {data + k * BATCH * IN, BATCH, IN, 0}};
            CHECK_STATUS(one.ctx, aenc_model_step(one.model, steps[2], &all, NULL), AENC_OK);
            for (int i = 0; i < 2; i++) {
                const aenc_batch rows = {.struct_size = sizeof rows, .input = {half[i] + k * BATCH / 2 * IN, BATCH / 2, IN, 0}};
                CHECK_STATUS(two[i].ctx, aenc_model_gradients(two[i].model, &rows, NULL), AENC_OK);
            }
            for (size_t n = 0; n < aenc_model_tensor_count(one.model); n++) {
                const char *name = aenc_model_tensor_name(one.model, n);
                size_t count = gradient_read(&two[0], name, g[0]);
                CHECK(gradient_read(&two[1], name, g[1]) == count);
                for (size_t i = 0; i < count; i++) g[0][i] = 0.5f * (g[0][i] + g[1][i]);
                for (int i = 0; i < 2; i++) CHECK_STATUS(two[i].ctx, gradient_write(&two[i], name, g[0]), AENC_OK);
                CHECK(gradient_read(&two[0], name, g[1]) == count && memcmp(g[0], g[1], count * sizeof **g) == 0); /* weight 8 */
            }
            for (int i = 0; i < 2; i++) CHECK_STATUS(two[i].ctx, aenc_optimizer_apply(steps[i]), AENC_OK);
        }
        CHECK(trial_same(&two[0], &two[1]));
        double far = distance(&one, &two[0]);
        if (!CHECK(far < 2e-6)) fprintf(stderr, "  loop, clipped %d: %g\n", clipped, far);
        for (int i = 0; i < 3; i++) aenc_optimizer_free(steps[i]);
        trial_free(&two[0]), trial_free(&two[1]), trial_free(&one);
    }
}

/* A layer with a parameter that no term reaches. */
static aenc_node *idle(void *user, aenc_recorder *r, aenc_node *in) {
    (void)user;
    const size_t dims[] = {3};
    (void)aenc_node_parameter(r, "idle", dims, 1, "constant:gain=1");
    return in;
}

static void test_set(void) {
    static const char text[] = "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3},"
                               "{\"type\":\"batch_norm\"},{\"type\":\"idle\"}]}}";
    const aenc_plugin plugin = {.struct_size = sizeof plugin, .kind = AENC_PLUGIN_LAYER, .name = "idle", .layer = idle,
                                .mirror_role = AENC_MIRROR_REPEATED};
    const aenc_batch batch = {.struct_size = sizeof batch, .input = {data, 10, IN, 0}};
    const char *name = "encoder.0.weight", *unused = "encoder.2.idle";
    float values[3 * IN] = {0}, seen[3];
    struct trial t = {NULL, NULL};
    const aenc_context_options options = {.struct_size = sizeof options, .seed = 1};
    CHECK(aenc_context_create(&options, &t.ctx) == AENC_OK);
    CHECK_STATUS(t.ctx, aenc_register(t.ctx, &plugin), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_parse(t.ctx, text, strlen(text), &t.model), AENC_OK);
    aenc_optimizer *sgd = NULL;
    aenc_tensor *wrong = NULL;
    CHECK_STATUS(t.ctx, aenc_optimizer_create(t.model, "sgd:lr=1", &sgd), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_tensor_create(t.ctx, AENC_TYPE_F32, (const size_t[]){IN, 3}, 2, &wrong), AENC_OK);
    CHECK_STATUS(t.ctx, gradient_write(&t, name, values), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(t.ctx), "no gradients wait") != NULL);
    CHECK_STATUS(t.ctx, aenc_model_gradients(t.model, &batch, NULL), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_gradient_set(t.model, name, wrong), AENC_ERR_SHAPE);
    CHECK(strstr(aenc_message(t.ctx), "aenc_model_gradient_set: the tensor has shape (6, 3); 'encoder.0.weight' has (3, 6)") != NULL);
    values[7] = NAN;
    CHECK_STATUS(t.ctx, gradient_write(&t, name, values), AENC_ERR_NONFINITE);
    CHECK(strstr(aenc_message(t.ctx), "[1, 1] is nan") != NULL);
    values[7] = 1e38f;
    CHECK_STATUS(t.ctx, gradient_write(&t, name, values), AENC_ERR_NONFINITE);
    CHECK(strstr(aenc_message(t.ctx), "[1, 1] is 1e38; over the batch, whose weight is 10") != NULL);
    CHECK_STATUS(t.ctx, gradient_write(&t, "encoder.1.running_mean", values), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(t.ctx), "is a state") != NULL);
    CHECK_STATUS(t.ctx, aenc_model_freeze(t.model, "encoder.1.weight", 1), AENC_OK);
    CHECK_STATUS(t.ctx, gradient_write(&t, "encoder.1.weight", values), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(t.ctx), "is frozen") != NULL);
    CHECK_STATUS(t.ctx, aenc_model_gradients(t.model, &batch, NULL), AENC_OK); /* a freeze drops those that wait */
    /* one that no term reaches moves by what was set, counts in the norm, and is clear in the next batch */
    for (size_t i = 0; i < aenc_model_tensor_count(t.model); i++) {
        aenc_tensor_info info = {.struct_size = sizeof info};
        CHECK_STATUS(t.ctx, aenc_model_tensor_info(t.model, i, &info), AENC_OK);
        memset(values, 0, sizeof values);
        if (strcmp(info.name, unused) == 0) values[0] = 30, values[1] = -40;
        if (info.kind == AENC_TENSOR_PARAMETER && !info.frozen) CHECK_STATUS(t.ctx, gradient_write(&t, info.name, values), AENC_OK);
    }
    CHECK_STATUS(t.ctx, aenc_optimizer_set_clipping(sgd, 5, 0), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_optimizer_apply(sgd), AENC_OK);
    CHECK(trial_read(&t, unused, seen, 3) == 3);
    CHECK_NEAR(seen[0], 1 - 3, 1e-5);
    CHECK_NEAR(seen[1], 1 + 4, 1e-5);
    CHECK(seen[2] == 1);
    CHECK_STATUS(t.ctx, aenc_model_gradients(t.model, &batch, NULL), AENC_OK);
    CHECK(gradient_read(&t, unused, seen) == 3 && seen[0] == 0 && seen[1] == 0 && seen[2] == 0);
    CHECK(aenc_model_gradient_set(NULL, name, wrong) == AENC_ERR_ARGUMENT);
    CHECK_STATUS(t.ctx, aenc_model_gradient_set(t.model, NULL, wrong), AENC_ERR_ARGUMENT);
    CHECK_STATUS(t.ctx, aenc_model_gradient_set(t.model, name, NULL), AENC_ERR_ARGUMENT);
    aenc_tensor_free(wrong);
    aenc_optimizer_free(sgd);
    trial_free(&t);
}

int main(void) {
    snprintf(path, sizeof path, "reduce_test.%ld", (long)getpid());
    data_make();
    test_halves();
    test_epochs();
    test_bits();
    test_results();
    test_elsewhere();
    test_loop();
    test_set();
    return check_finish();
}
