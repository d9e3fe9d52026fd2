/* exact_test.c - what training reports and leaves behind, against the same numbers computed from other calls: distillation's
 * losses, partial fits with targets of their own, terms across a resume, the last row of a stream, a scaling beside held-out
 * rows, and the norm by which gradients are clipped. */
#include <stddef.h>
#include <unistd.h>

#include "train/trial.h"

/* MANY: more than the 1024 rows that are taught at a time. */
enum { COLS = 6, MANY = 1100, ROWS = 50, OUT = 3, STRIDE = COLS + 2 };

static const char linear[] = "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3}}";
static const char curved[] = "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3,\"activation\":\"tanh\"}}";
static const char narrow[] = "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":2}}";
static const char outward[] =
    "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":4,\"activation\":\"tanh\"},"
    "\"decoder\":{\"type\":\"dense\",\"units\":3},\"loss\":\"mse\"}";

static float numbers[MANY * STRIDE], targets[MANY * STRIDE];

/* ---- Distillation ---- */

static double mean_square(const float *a, const float *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum / (double)count;
}

/* Of rows in more than one piece, in any stride: the losses are those of the outputs and codes that both models give. */
static void test_distill(const char *student, const char *teacher, size_t rows, size_t stride) {
    static float out[2][MANY * COLS], code[2][MANY * OUT];
    struct trial s = trial_create(student, 3, 1), t = trial_create(teacher, 4, 1);
    const aenc_matrix x = {numbers, rows, COLS, stride};
    double output = -1, distance = -1, alone[2] = {-1, -1};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .optimizer = "adam:lr=0.01"};
    aenc_distill_options o = {.struct_size = sizeof o, .fit = &fit, .output_weight = 0.5, .output_loss = &output,
                              .code_loss = &distance};
    CHECK_STATUS(s.ctx, aenc_distill(s.model, t.model, &x, &o), AENC_OK);
    size_t codes[2] = {aenc_model_code_size(s.model), aenc_model_code_size(t.model)};
    const struct trial *both[2] = {&s, &t};
    for (int i = 0; i < 2; i++) {
        CHECK_STATUS(both[i]->ctx, aenc_reconstruct(both[i]->model, &x, out[i], MANY * COLS), AENC_OK);
        CHECK_STATUS(both[i]->ctx, aenc_encode(both[i]->model, &x, code[i], MANY * OUT), AENC_OK);
    }
    double want = mean_square(out[0], out[1], rows * COLS);
    CHECK(want > 1e-3);
    CHECK_NEAR(output, want, 1e-6 * want);
    if (codes[0] == codes[1]) {
        want = mean_square(code[0], code[1], rows * codes[0]);
        CHECK(want > 1e-3);
        CHECK_NEAR(distance, want, 1e-6 * want);
    } else CHECK(isnan(distance));
    /* each asked for without the other */
    fit.optimizer = "sgd:lr=0";
    o.code_loss = NULL;
    o.output_loss = &alone[0];
    CHECK_STATUS(s.ctx, aenc_distill(s.model, t.model, &x, &o), AENC_OK);
    o.code_loss = &alone[1];
    o.output_loss = NULL;
    CHECK_STATUS(s.ctx, aenc_distill(s.model, t.model, &x, &o), AENC_OK);
    CHECK(alone[0] == output && (alone[1] == distance || isnan(distance)));
    trial_free(&s);
    trial_free(&t);
}

struct told {
    aenc_progress last;
    double train_loss;
};

static int listen(void *user, const aenc_progress *now) {
    ((struct told *)user)->last = *now;
    return 0;
}

/* Before the first step moves anything, the loss that is trained is the weighted sum of the two. */
static void test_weights(double output_weight, double code_weight) {
    struct trial s = trial_create(linear, 3, 1), t = trial_create(curved, 4, 1);
    const aenc_matrix x = {numbers, ROWS, COLS, 0};
    double output = -1, code = -1;
    struct told told = {{0}, 0};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .optimizer = "sgd:lr=0", .progress = listen,
                            .progress_user = &told};
    aenc_distill_options o = {.struct_size = sizeof o, .fit = &fit, .output_weight = output_weight, .code_weight = code_weight,
                              .output_loss = &output, .code_loss = &code};
    CHECK_STATUS(s.ctx, aenc_distill(s.model, t.model, &x, &o), AENC_OK);
    bool neither = output_weight == 0 && code_weight == 0;
    double want = (neither ? 1 : output_weight) * output + (neither ? 1 : code_weight) * code;
    CHECK_NEAR(told.last.train_loss, want, 1e-6 * want);
    trial_free(&s);
    trial_free(&t);
}

/* ---- Partial fits ---- */

struct counted {
    int64_t steps, stop;
    double rate, loss, norm;
    int64_t planned;
};

static int count(void *user, const aenc_progress *now) {
    struct counted *c = user;
    CHECK(now->event == AENC_EVENT_STEP && now->epoch == 1 && now->epochs == 1 && now->step == c->steps + 1);
    CHECK(isnan(now->valid_loss) && isnan(now->best_valid_loss) && now->best_epoch == 0 && now->seconds >= 0);
    c->steps = now->step;
    c->planned = now->steps;
    c->rate = now->learning_rate;
    c->loss = now->train_loss;
    c->norm = now->gradient_norm;
    return now->step == c->stop;
}

/* The steps by hand, and what is told of them. */
static void test_partial(size_t stride, double clip_norm, double clip_value, int64_t stop) {
    enum { BATCH = 8 };
    struct trial a = trial_create(outward, 5, 1), hand = trial_create(outward, 5, 2);
    const aenc_matrix x = {numbers, ROWS, COLS, stride}, target = {targets, ROWS, OUT, stride};
    struct counted c = {.stop = stop};
    aenc_fit_options o = {.struct_size = sizeof o, .optimizer = "momentum:lr=0.03", .batch = BATCH, .target = &target,
                          .clip_norm = clip_norm, .clip_value = clip_value, .progress = count, .progress_user = &c};
    CHECK_STATUS(a.ctx, aenc_partial_fit(a.model, &x, &o), AENC_OK);
    aenc_optimizer *optimizer;
    double sum = 0, seen = 0, loss = 0, norm = 0;
    int64_t steps = 0;
    CHECK_STATUS(hand.ctx, aenc_optimizer_create(hand.model, "momentum:lr=0.03", &optimizer), AENC_OK);
    CHECK_STATUS(hand.ctx, aenc_optimizer_set_clipping(optimizer, clip_norm, clip_value), AENC_OK);
    for (size_t at = 0; at < ROWS && (stop == 0 || steps < stop); at += BATCH, steps++) {
        size_t rows = ROWS - at < BATCH ? ROWS - at : BATCH;
        aenc_batch batch = {.struct_size = sizeof batch,
                            .input = {numbers + at * (stride > 0 ? stride : COLS), rows, COLS, stride},
                            .target = {targets + at * (stride > 0 ? stride : OUT), rows, OUT, stride}};
        CHECK_STATUS(hand.ctx, aenc_model_gradients(hand.model, &batch, &loss), AENC_OK);
        norm = 0;
        for (size_t i = 0; i < aenc_model_tensor_count(hand.model); i++) {
            float g[64];
            aenc_tensor *tensor;
            CHECK_STATUS(hand.ctx, aenc_model_gradient_get(hand.model, aenc_model_tensor_name(hand.model, i), &tensor), AENC_OK);
            size_t values = aenc_tensor_count(tensor);
            CHECK_STATUS(hand.ctx, aenc_tensor_read(tensor, g, values), AENC_OK);
            for (size_t k = 0; k < values; k++) norm += (double)g[k] * (double)g[k];
            aenc_tensor_free(tensor);
        }
        CHECK_STATUS(hand.ctx, aenc_optimizer_apply(optimizer), AENC_OK);
        sum += loss * (double)rows;
        seen += (double)rows;
    }
    CHECK(trial_same(&a, &hand) && c.steps == steps && c.planned == 7 && c.rate == 0.03);
    CHECK_NEAR(c.loss, sum / seen, 1e-9);
    CHECK_NEAR(c.norm, sqrt(norm), 1e-6);
    aenc_optimizer_free(optimizer);
    trial_free(&a);
    trial_free(&hand);
}

/* ---- Terms ---- */

static const char penalized[] =
    "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3,\"activation\":\"tanh\"},"
    "\"penalties\":[{\"type\":\"l1\",\"weight\":0.3},{\"type\":\"l1\",\"weight\":0.02}]}";

/* Stops behind that many steps; keeps the terms of every step. */
struct terms {
    const struct trial *trial;
    int64_t stop, seen;
    double value[64][3];
};

static int keep_terms(void *user, const aenc_progress *now) {
    struct terms *t = user;
    double sum = 0;
    if (now->event != AENC_EVENT_STEP) return 0;
    for (size_t i = 0; i < 3; i++) sum += t->value[t->seen][i] = aenc_model_term_value(t->trial->model, i);
    CHECK_NEAR(sum, now->train_loss, 1e-9);
    return ++t->seen == t->stop;
}

static struct trial terms_run(const char *path, struct terms *terms, int64_t resume) {
    struct trial trial = trial_create(penalized, 8, 1);
    const aenc_matrix x = {numbers, ROWS, COLS, 0};
    aenc_fit_options o = {.struct_size = sizeof o, .epochs = 3, .batch = 8, .checkpoint = path, .resume = resume,
                          .progress = keep_terms, .progress_user = terms};
    terms->trial = &trial;
    CHECK(aenc_model_term_count(trial.model) == 3);
    CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &x, &o), AENC_OK);
    return trial;
}

/* The terms of an epoch that was broken off anywhere and resumed, in each of its steps and in the history. */
static void test_terms(void) {
    enum { STEPS = 7, EPOCHS = 3 };
    char path[64];
    snprintf(path, sizeof path, "exact_test.%ld.checkpoint", (long)getpid());
    static struct terms whole, first, second;
    whole = (struct terms){.stop = 0};
    struct trial want = terms_run(NULL, &whole, AENC_RESUME_NEVER);
    CHECK(whole.seen == STEPS * EPOCHS);
    for (int64_t stop = 1; stop < STEPS * EPOCHS; stop += 2) {
        first = (struct terms){.stop = stop};
        second = (struct terms){.stop = 0};
        struct trial a = terms_run(path, &first, AENC_RESUME_NEVER), b = terms_run(path, &second, AENC_RESUME_REQUIRED);
        CHECK(first.seen == stop && first.seen + second.seen == whole.seen);
        CHECK(memcmp(second.value, whole.value[stop], (size_t)second.seen * sizeof *whole.value) == 0);
        for (size_t epoch = 0; epoch < EPOCHS; epoch++) {
            for (size_t term = 0; term < 3; term++) {
                double got = -1, be = -2;
                CHECK_STATUS(b.ctx, aenc_model_history_term(b.model, epoch, term, &got), AENC_OK);
                CHECK_STATUS(want.ctx, aenc_model_history_term(want.model, epoch, term, &be), AENC_OK);
                CHECK(got == be && be > 0);
            }
        }
        trial_free(&a);
        trial_free(&b);
    }
    remove(path);
    trial_free(&want);
}

/* ---- The last row of a stream ---- */

struct tape {
    size_t at, rows;
};

static int tape_read(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    struct tape *tape = user;
    (void)target, (void)weight;
    *got = rows < tape->rows - tape->at ? rows : tape->rows - tape->at;
    memcpy(input, numbers + tape->at * COLS, *got * COLS * sizeof *input);
    tape->at += *got;
    return 0;
}

static int tape_seek(void *user, uint64_t position) {
    ((struct tape *)user)->at = (size_t)position;
    return 0;
}

/* However many rows are left over behind the whole batches, none is lost: each epoch has all its steps, read ahead or not. */
static void test_left_over(size_t rows, size_t batch, int64_t ahead) {
    struct trial a = trial_create(linear, 5, 1), hand = trial_create(linear, 5, 1);
    struct tape tape = {0, rows};
    const int64_t steps = (int64_t)((rows + batch - 1) / batch);
    aenc_source_callbacks calls = {.struct_size = sizeof calls, .cols = COLS, .rows = rows, .read = tape_read, .seek = tape_seek,
                                   .user = &tape, .read_ahead = ahead};
    aenc_source *source;
    aenc_optimizer *optimizer;
    aenc_fit_options o = {.struct_size = sizeof o, .epochs = 2, .batch = (int64_t)batch};
    CHECK_STATUS(a.ctx, aenc_source_callback(a.ctx, &calls, &source), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_fit_source(a.model, source, &o), AENC_OK);
    CHECK_STATUS(hand.ctx, aenc_optimizer_create(hand.model, "adam", &optimizer), AENC_OK);
    for (size_t epoch = 0; epoch < 2; epoch++) {
        double sum = 0;
        aenc_progress now = {.struct_size = sizeof now};
        for (size_t at = 0; at < rows; at += batch) {
            size_t taken = rows - at < batch ? rows - at : batch;
            aenc_batch one = {.struct_size = sizeof one, .input = {numbers + at * COLS, taken, COLS, 0}};
            double loss;
            CHECK_STATUS(hand.ctx, aenc_model_step(hand.model, optimizer, &one, &loss), AENC_OK);
            sum += loss * (double)taken;
        }
        CHECK_STATUS(a.ctx, aenc_model_history(a.model, epoch, &now), AENC_OK);
        CHECK(now.step == steps && now.steps == steps);
        CHECK_NEAR(now.train_loss, sum / (double)rows, 1e-9);
    }
    CHECK(aenc_model_history_count(a.model) == 2 && trial_same(&a, &hand));
    aenc_optimizer_free(optimizer);
    aenc_source_free(source);
    trial_free(&a);
    trial_free(&hand);
}

/* ---- Scaling beside held-out rows ---- */

/* Row r is one in column r alone, so that the column's mean tells whether the row was among those it was learned from. */
static void test_held_out(const char *scaling, bool from_source) {
    enum { N = 20, HELD = 5 };
    char text[160];
    float x[N * N] = {0}, shift[N], scale[N];
    snprintf(text, sizeof text, "{\"input\":[20],\"encoder\":{\"type\":\"dense\",\"units\":2},\"scaling\":\"%s\"}", scaling);
    struct trial t = trial_create(text, 6, 1);
    for (int r = 0; r < N; r++) x[r * N + r] = 1;
    const aenc_matrix rows = {x, N, N, 0};
    aenc_fit_options o = {.struct_size = sizeof o, .epochs = 1, .batch = 4, .validation_fraction = (double)HELD / N};
    if (from_source) {
        aenc_source *source;
        CHECK_STATUS(t.ctx, aenc_source_matrix(t.ctx, &rows, &source), AENC_OK);
        CHECK_STATUS(t.ctx, aenc_fit_source(t.model, source, &o), AENC_OK);
        aenc_source_free(source);
    } else CHECK_STATUS(t.ctx, aenc_fit(t.model, &rows, &o), AENC_OK);
    trial_read(&t, "scaling.shift", shift, N);
    trial_read(&t, "scaling.scale", scale, N);
    int held = 0;
    double part = 1.0 / (N - HELD);
    bool robust = strcmp(scaling, "robust") == 0;
    for (int r = 0; r < N; r++) {
        bool seen = fabs((double)scale[r] - 1) > 1e-3;
        held += !seen;
        CHECK_NEAR(shift[r], seen && !robust ? part : 0, 1e-7);
        CHECK_NEAR(scale[r], seen ? sqrt(part * (1 - part)) : 1, 1e-7);
    }
    CHECK(held == HELD);
    trial_free(&t);
}

/* From a stream: what an epoch takes of its pass, and no row more; the pass where that is shorter. stated 0: it does not say. */
static void test_scaling_stream(size_t rows, uint64_t stated, int64_t steps, int64_t ahead, size_t taken) {
    static const char *const kinds[] = {"standard", "minmax"};
    for (int kind = 0; kind < 2; kind++) {
        char text[160];
        float shift[COLS], scale[COLS];
        snprintf(text, sizeof text, "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":2},\"scaling\":\"%s\"}", kinds[kind]);
        struct trial t = trial_create(text, 6, 1);
        struct tape tape = {0, rows};
        aenc_source_callbacks calls = {.struct_size = sizeof calls, .cols = COLS, .rows = stated, .read = tape_read,
                                       .seek = tape_seek, .user = &tape, .read_ahead = ahead};
        aenc_source *source;
        aenc_fit_options o = {.struct_size = sizeof o, .epochs = 1, .batch = 8, .steps_per_epoch = steps};
        CHECK_STATUS(t.ctx, aenc_source_callback(t.ctx, &calls, &source), AENC_OK);
        CHECK_STATUS(t.ctx, aenc_fit_source(t.model, source, &o), AENC_OK);
        trial_read(&t, "scaling.shift", shift, COLS);
        trial_read(&t, "scaling.scale", scale, COLS);
        for (int c = 0; c < COLS; c++) {
            double mean = 0, square = 0, low = INFINITY, high = -INFINITY;
            for (size_t r = 0; r < taken; r++) mean += (double)numbers[r * COLS + (size_t)c] / (double)taken;
            for (size_t r = 0; r < taken; r++) {
                double x = (double)numbers[r * COLS + (size_t)c];
                square += (x - mean) * (x - mean) / (double)taken;
                low = fmin(low, x);
                high = fmax(high, x);
            }
            CHECK_NEAR(shift[c], kind == 0 ? mean : low, 1e-6);
            CHECK_NEAR(scale[c], kind == 0 ? sqrt(square) : high - low, 1e-6);
        }
        aenc_source_free(source);
        trial_free(&t);
    }
}

/* ---- When a checkpoint is written ---- */

/* Of every step, from 1: what the file was like then, before the step's own is written. */
struct pages {
    const char *path;
    uint64_t sum[64];
    int64_t seen, stop;
};

static uint64_t page_sum(const char *path) {
    FILE *file = fopen(path, "rb");
    uint64_t sum = 14695981039346656037u;
    if (file == NULL) return 0;
    for (int c = fgetc(file); c != EOF; c = fgetc(file)) sum = (sum ^ (uint64_t)c) * 1099511628211u;
    fclose(file);
    return sum;
}

static int page_look(void *user, const aenc_progress *now) {
    struct pages *p = user;
    if (now->event != AENC_EVENT_STEP) return 0;
    p->sum[++p->seen] = page_sum(p->path);
    return p->seen == p->stop;
}

/* every: checkpoint_steps; 0: behind each epoch. The file changes behind those steps, and at the end. */
static void test_checkpoint_times(int64_t every, int64_t stop) {
    enum { STEPS = 7, EPOCHS = 3, ALL = STEPS * EPOCHS };
    char path[64];
    struct trial t = trial_create(linear, 5, 1);
    const aenc_matrix x = {numbers, ROWS, COLS, 0};
    snprintf(path, sizeof path, "exact_test.%ld.times", (long)getpid());
    struct pages p = {.path = path, .stop = stop};
    aenc_fit_options o = {.struct_size = sizeof o, .epochs = EPOCHS, .batch = 8, .checkpoint = path, .checkpoint_steps = every,
                          .progress = page_look, .progress_user = &p};
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &o), AENC_OK);
    int64_t last = stop > 0 ? stop : ALL, period = every > 0 ? every : STEPS;
    CHECK(p.seen == last && p.sum[1] == 0);
    for (int64_t s = 2; s <= last; s++) CHECK((p.sum[s] != p.sum[s - 1]) == ((s - 1) % period == 0));
    CHECK(page_sum(path) != 0 && (page_sum(path) != p.sum[last] || last == 1));
    /* the end is on file: resumed, nothing is left to do, or the rest */
    p = (struct pages){.path = path};
    o.resume = AENC_RESUME_REQUIRED;
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &o), AENC_OK);
    CHECK(p.seen == ALL - last);
    remove(path);
    trial_free(&t);
}

/* ---- Held-out rows of a taught student ---- */

struct valids {
    double loss[4];
};

static int valid_keep(void *user, const aenc_progress *now) {
    if (now->event == AENC_EVENT_EPOCH && now->epoch <= 4) ((struct valids *)user)->loss[now->epoch - 1] = now->valid_loss;
    return 0;
}

/* More of them than are taught at a time: from a source as from rows in memory, and as the models' outputs have it. */
static void test_taught_valid(void) {
    static float out[2][MANY * COLS];
    const aenc_matrix x = {numbers, ROWS, COLS, 0}, valid = {targets, MANY, COLS, STRIDE};
    struct valids seen[2];
    for (int way = 0; way < 2; way++) {
        struct trial s = trial_create(linear, 3, 1);
        aenc_model *teacher;
        aenc_source *source;
        CHECK_STATUS(s.ctx, aenc_model_parse(s.ctx, curved, strlen(curved), &teacher), AENC_OK);
        CHECK_STATUS(s.ctx, aenc_source_matrix(s.ctx, &x, &source), AENC_OK);
        aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 3, .valid = &valid, .progress = valid_keep,
                                .progress_user = &seen[way]};
        aenc_distill_options o = {.struct_size = sizeof o, .fit = &fit, .output_weight = 1};
        if (way == 0) CHECK_STATUS(s.ctx, aenc_distill(s.model, teacher, &x, &o), AENC_OK);
        else CHECK_STATUS(s.ctx, aenc_distill_source(s.model, teacher, source, &o), AENC_OK);
        CHECK_STATUS(s.ctx, aenc_reconstruct(s.model, &valid, out[0], MANY * COLS), AENC_OK);
        CHECK_STATUS(s.ctx, aenc_reconstruct(teacher, &valid, out[1], MANY * COLS), AENC_OK);
        double best = fmin(seen[way].loss[0], fmin(seen[way].loss[1], seen[way].loss[2]));
        CHECK_NEAR(mean_square(out[0], out[1], MANY * COLS), best, 1e-6 * best); /* the best epoch is kept */
        aenc_source_free(source);
        aenc_model_free(teacher);
        trial_free(&s);
    }
    for (int i = 0; i < 3; i++) CHECK_NEAR(seen[0].loss[i], seen[1].loss[i], 1e-9);
}

/* ---- The history's borders ---- */

static void test_history(void) {
    struct trial t = trial_create(penalized, 5, 1);
    const aenc_matrix x = {numbers, ROWS, COLS, 0};
    aenc_fit_options o = {.struct_size = sizeof o, .epochs = 2};
    aenc_progress now = {.struct_size = sizeof now};
    double value = 0;
    CHECK_STATUS(t.ctx, aenc_fit(t.model, &x, &o), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_history(t.model, 1, &now), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_history(t.model, 2, &now), AENC_ERR_ARGUMENT);
    CHECK_STATUS(t.ctx, aenc_model_history_term(t.model, 1, 2, &value), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_history_term(t.model, 2, 2, &value), AENC_ERR_ARGUMENT);
    CHECK_STATUS(t.ctx, aenc_model_history_term(t.model, 1, 3, &value), AENC_ERR_ARGUMENT);
    CHECK_STATUS(t.ctx, aenc_model_history_term(t.model, 1, 2, NULL), AENC_ERR_ARGUMENT);
    CHECK(strcmp(aenc_model_term_name(t.model, 0), "reconstruction") == 0 && strcmp(aenc_model_term_name(t.model, 2), "l1_2") == 0);
    CHECK(aenc_model_term_name(t.model, 3) == NULL && isnan(aenc_model_term_value(t.model, 3)));
    CHECK(aenc_model_term_value(t.model, 2) > 0);
    now.struct_size = sizeof(size_t) - 1;
    CHECK_STATUS(t.ctx, aenc_model_history(t.model, 0, &now), AENC_ERR_ARGUMENT);
    now = (aenc_progress){.struct_size = offsetof(aenc_progress, epochs), .epochs = 77};
    CHECK_STATUS(t.ctx, aenc_model_history(t.model, 0, &now), AENC_OK);
    CHECK(now.epoch == 1 && now.epochs == 77 && now.struct_size == offsetof(aenc_progress, epochs));
    const double bad[] = {-1, -1e-300, (double)NAN, (double)INFINITY, 9007199254740994.0};
    for (int i = 0; i < 5; i++) CHECK_STATUS(t.ctx, aenc_model_set_epochs(t.model, bad[i]), AENC_ERR_ARGUMENT);
    CHECK_STATUS(t.ctx, aenc_model_set_epochs(t.model, 9007199254740992.0), AENC_OK);
    CHECK_STATUS(t.ctx, aenc_model_set_epochs(t.model, 0), AENC_OK);
    trial_free(&t);
}

/* ---- Clipping ---- */

/* With weights that do not add up to the rows: the norm is that of the mean gradient, as it can be read, and each value moves by
 * its gradient times limit / (norm + 1e-6); where the limit is above, by all of it. Both ways to take a step. */
static void test_clipping(double share, bool at_once) {
    struct trial a = trial_create(curved, 4, 1);
    const float weight[] = {3, 0.5f, 7, 2};
    float g[64], before[64], after[64];
    double norm = 0;
    size_t used = 0;
    aenc_batch batch = {.struct_size = sizeof batch, .input = {numbers, 4, COLS, 0}, .weight = weight,
                        .weight_count = 4};
    aenc_optimizer *optimizer;
    CHECK_STATUS(a.ctx, aenc_model_gradients(a.model, &batch, NULL), AENC_OK);
    for (size_t i = 0; i < aenc_model_tensor_count(a.model); i++) {
        aenc_tensor *tensor;
        CHECK_STATUS(a.ctx, aenc_model_gradient_get(a.model, aenc_model_tensor_name(a.model, i), &tensor), AENC_OK);
        size_t values = aenc_tensor_count(tensor);
        CHECK_STATUS(a.ctx, aenc_tensor_read(tensor, g + used, values), AENC_OK);
        used += values;
        aenc_tensor_free(tensor);
    }
    for (size_t i = 0; i < used; i++) norm += (double)g[i] * (double)g[i];
    norm = sqrt(norm);
    double limit = share * norm, factor = share < 1 ? limit / (norm + 1e-6) : 1;
    CHECK_STATUS(a.ctx, aenc_optimizer_create(a.model, "sgd:lr=1", &optimizer), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_optimizer_set_clipping(optimizer, limit, 0), AENC_OK);
    trial_numbers(&a, before);
    if (at_once) CHECK_STATUS(a.ctx, aenc_model_step(a.model, optimizer, &batch, NULL), AENC_OK);
    else CHECK_STATUS(a.ctx, aenc_optimizer_apply(optimizer), AENC_OK);
    trial_numbers(&a, after);
    CHECK(norm > 0.1 && used == 3 * COLS + 3 + COLS * 3 + COLS);
    for (size_t i = 0; i < used; i++) CHECK_NEAR((double)before[i] - (double)after[i], factor * (double)g[i], 2e-7);
    aenc_optimizer_free(optimizer);
    trial_free(&a);
}

int main(void) {
    trial_fill(numbers, MANY * STRIDE, 9);
    trial_fill(targets, MANY * STRIDE, 10);
    test_distill(linear, curved, MANY, 0);
    test_distill(curved, linear, MANY, STRIDE);
    test_distill(linear, curved, 1, 0);
    test_distill(narrow, linear, MANY, 0);
    test_distill(linear, narrow, ROWS, 0);
    test_weights(0, 0);
    test_weights(2, 0);
    test_weights(0, 3);
    test_weights(0.5, 4);
    test_partial(0, 0, 0, 0);
    test_partial(STRIDE, 0, 0, 0);
    test_partial(0, 0.05, 0, 0);
    test_partial(0, 0, 0.02, 3);
    test_terms();
    for (int64_t ahead = 0; ahead < 2; ahead++) {
        for (size_t rows = 15; rows <= 18; rows++) test_left_over(rows, 8, ahead);
        test_left_over(1, 8, ahead);
        test_left_over(5, 1, ahead);
    }
    for (int source = 0; source < 2; source++) {
        test_held_out("standard", source != 0);
        test_held_out("robust", source != 0);
    }
    for (int64_t ahead = 0; ahead < 2; ahead++) {
        test_scaling_stream(ROWS, 0, 3, ahead, 24);
        test_scaling_stream(ROWS, ROWS, 3, ahead, 24);
        test_scaling_stream(ROWS, ROWS, 0, ahead, ROWS);
        test_scaling_stream(20, 20, 3, ahead, 20);
        test_scaling_stream(20, 0, 5, ahead, 20);
    }
    for (int64_t every = 0; every < 9; every += 3) test_checkpoint_times(every, 0);
    test_checkpoint_times(3, 10);
    test_checkpoint_times(0, 10);
    test_taught_valid();
    test_history();
    for (int at_once = 0; at_once < 2; at_once++) {
        test_clipping(0.1, at_once != 0);
        test_clipping(0.999, at_once != 0);
        test_clipping(1.01, at_once != 0);
    }
    return check_finish();
}
