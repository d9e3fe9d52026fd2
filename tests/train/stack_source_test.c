/* stack_source_test.c - stacks and distillations from sources: rows larger than memory, streams, and what is wrong with
 * them; and broken off, resumed from their checkpoints. */
#define _POSIX_C_SOURCE 200809L

#include <math.h>
#include <unistd.h>

#include "api/memory.h"
#include "train/trial.h"

enum { ROWS = 50, IN = 6, BATCH = 8, LAYERS = 3, ROOM = 4096 };

static const char deep[] =
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5,\"activation\":"
    "\"sigmoid\"},{\"type\":\"batch_norm\"},{\"type\":\"dense\",\"units\":4,\"activation\":\"tanh\"},"
    "{\"type\":\"dropout\",\"rate\":0.2},{\"type\":\"dense\",\"units\":3}]}}";
static const char second[] =
    "{\"input\":[5],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":4,\"activation\":"
    "\"tanh\"},{\"type\":\"dropout\",\"rate\":0.2}]},\"loss\":\"mse\"}";
static const char first[] =
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5,\"activation\":"
    "\"sigmoid\"},{\"type\":\"batch_norm\"}]}}";
static const char head[] =
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5,\"activation\":"
    "\"relu\"},{\"type\":\"dense\",\"units\":4,\"activation\":\"relu\"}]},\"loss\":\"cross_entropy:classes=3\"}";
static const char scaled[] =
    "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5},"
    "{\"type\":\"dense\",\"units\":3}]},\"scaling\":\"standard\"}";
static const char small[] = "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3}}";

static float data[ROWS * IN];
static const aenc_matrix x = {data, ROWS, IN, 0};
static char path[64], name[96];

static bool says(const struct trial *t, const char *words) {
    bool found = strstr(aenc_message(t->ctx), words) != NULL;
    if (!found) fprintf(stderr, "  wanted '%s' in: %s\n", words, aenc_message(t->ctx));
    return found;
}

static aenc_fit_options plain(void) {
    return (aenc_fit_options){.struct_size = sizeof(aenc_fit_options), .epochs = 3, .batch = BATCH};
}

/* ---- A stream of the same rows ---- */

struct reader {
    uint64_t at, rows;
    size_t portion;
    uint64_t fail_at; /* a row; 0: none */
    bool targets, weights;
};

static int reader_read(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    struct reader *reader = user;
    size_t count = 1 + reader->portion++ % 5;
    uint64_t left = reader->rows - reader->at;
    if (count > rows) count = rows;
    if (count > left) count = (size_t)left;
    if (reader->fail_at > 0 && reader->at + count > reader->fail_at) return -7;
    for (size_t r = 0; r < count; r++) {
        uint64_t row = reader->at + r;
        memcpy(input + r * IN, data + row % ROWS * IN, IN * sizeof *input);
        if (reader->targets) target[r] = (float)(row % 3);
        if (reader->weights) weight[r] = (float)(1 + row % 3);
    }
    reader->at += count;
    *got = count;
    return 0;
}

static int reader_seek(void *user, uint64_t position) {
    struct reader *reader = user;
    reader->at = position;
    return 0;
}

static aenc_source *open_reader(aenc_context *ctx, struct reader *reader, uint64_t stated, bool ahead, bool seeks) {
    aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = IN, .rows = stated,
                                       .target_cols = reader->targets ? 1 : 0, .read = reader_read,
                                       .seek = seeks ? reader_seek : NULL, .user = reader, .read_ahead = ahead};
    aenc_source *source;
    CHECK_STATUS(ctx, aenc_source_callback(ctx, &callbacks, &source), AENC_OK);
    return source;
}

static void file_write(void) {
    unsigned char header[128] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 118, 0};
    static const char dict[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (50, 6), }";
    memset(header + 10, ' ', 117);
    memcpy(header + 10, dict, strlen(dict));
    header[127] = '\n';
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(header, 1, 128, file) != 128 || fwrite(data, 1, sizeof data, file) != sizeof data) exit(2);
    fclose(file);
}

/* ---- The same ---- */

static bool near(const struct trial *a, const struct trial *b) {
    static float p[TRIAL_NUMBERS], q[TRIAL_NUMBERS];
    size_t count = trial_numbers(a, p);
    bool good = trial_numbers(b, q) == count;
    for (size_t i = 0; i < count; i++) good = good && fabsf(p[i] - q[i]) < 1e-4f;
    return good;
}

/* A matrix as such, as a source, as a file: the first layer in the same bits, the others up to rounding; source and file
 * wholly, on any number of threads. */
static void test_matrix(const char *description) {
    struct trial a = trial_create(description, 3, 1), b = trial_create(description, 3, 1), c = trial_create(description, 3, 3);
    double losses[2][LAYERS] = {{0}, {0}};
    aenc_fit_options fit = plain();
    aenc_pretrain_options o = {.struct_size = sizeof o, .fit = &fit, .count = 1};
    aenc_source *matrix, *file;
    fit.validation_fraction = 0.2;
    fit.patience = 2;
    file_write();
    CHECK_STATUS(b.ctx, aenc_source_matrix(b.ctx, &x, &matrix), AENC_OK);
    CHECK_STATUS(c.ctx, aenc_source_npy(c.ctx, path, &file), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_pretrain(a.model, &x, &o), AENC_OK);
    CHECK_STATUS(b.ctx, aenc_pretrain_source(b.model, matrix, &o), AENC_OK);
    CHECK_STATUS(c.ctx, aenc_pretrain_source(c.model, file, &o), AENC_OK);
    CHECK(trial_same(&a, &b) && trial_same(&a, &c));
    o.count = 0;
    o.losses = losses[0];
    o.loss_count = LAYERS;
    CHECK_STATUS(a.ctx, aenc_pretrain(a.model, &x, &o), AENC_OK);
    o.losses = losses[1];
    CHECK_STATUS(b.ctx, aenc_pretrain_source(b.model, matrix, &o), AENC_OK);
    CHECK_STATUS(c.ctx, aenc_pretrain_source(c.model, file, &o), AENC_OK);
    CHECK(near(&a, &b) && trial_same(&b, &c));
    for (int i = 0; i < 2; i++) CHECK_NEAR(losses[0][i], losses[1][i], 1e-5);
    aenc_source_free(matrix);
    aenc_source_free(file);
    remove(path);
    trial_free(&a);
    trial_free(&b);
    trial_free(&c);
}

/* The second layer of a stream, by hand: batches of codes, in order, weights and all. */
static struct trial second_by_hand(const struct trial *stack, bool weights) {
    struct trial below = trial_create(first, 5, 1), hand = trial_create(second, 5, 1);
    aenc_optimizer *optimizer;
    float weight[BATCH], codes[BATCH * 5];
    CHECK_STATUS(below.ctx, aenc_model_copy(below.model, "encoder", stack->model, "encoder.0"), AENC_ERR_ARGUMENT);
    CHECK_STATUS(below.ctx, aenc_model_copy(below.model, "encoder.0", stack->model, "encoder.0"), AENC_OK);
    CHECK_STATUS(below.ctx, aenc_model_copy(below.model, "encoder.1", stack->model, "encoder.1"), AENC_OK);
    CHECK_STATUS(hand.ctx, aenc_model_copy(hand.model, "encoder.0", stack->model, "encoder.2"), AENC_OK);
    CHECK_STATUS(hand.ctx, aenc_optimizer_create(hand.model, "adam", &optimizer), AENC_OK);
    for (int epoch = 0; epoch < 3; epoch++) {
        for (size_t at = 0; at < ROWS; at += BATCH) {
            size_t count = ROWS - at < BATCH ? ROWS - at : BATCH;
            aenc_matrix rows = {data + at * IN, count, IN, 0};
            aenc_batch batch = {.struct_size = sizeof batch, .input = {codes, count, 5, 0}};
            CHECK_STATUS(below.ctx, aenc_encode(below.model, &rows, codes, BATCH * 5), AENC_OK);
            for (size_t r = 0; r < count; r++) weight[r] = (float)(1 + (at + r) % 3);
            if (weights) batch.weight = weight, batch.weight_count = count;
            CHECK_STATUS(hand.ctx, aenc_model_step(hand.model, optimizer, &batch, NULL), AENC_OK);
        }
    }
    aenc_optimizer_free(optimizer);
    trial_free(&below);
    return hand;
}

static void test_stream(void) {
    for (int kind = 0; kind < 8; kind++) { /* stated or not, ahead or not, with weights or not */
        bool stated = kind % 2 == 0, ahead = kind / 2 % 2 == 1, weights = kind / 4 == 1;
        struct reader reader = {.rows = ROWS, .weights = weights};
        struct trial a = trial_create(deep, 5, 1), b = trial_create(deep, 5, 3);
        aenc_fit_options fit = plain();
        aenc_pretrain_options o = {.struct_size = sizeof o, .fit = &fit, .count = 1};
        fit.steps_per_epoch = stated ? 0 : (ROWS + BATCH - 1) / BATCH;
        aenc_source *source = open_reader(a.ctx, &reader, stated ? ROWS : 0, ahead, true);
        CHECK_STATUS(a.ctx, aenc_pretrain_source(a.model, source, &o), AENC_OK);
        struct trial hand = second_by_hand(&a, weights);
        o.first = 1;
        CHECK_STATUS(a.ctx, aenc_pretrain_source(a.model, source, &o), AENC_OK);
        float p[ROOM], q[ROOM];
        size_t count = trial_read(&a, "encoder.2.weight", p, ROOM);
        CHECK(trial_read(&hand, "encoder.0.weight", q, ROOM) == count && memcmp(p, q, count * sizeof *p) == 0);
        count = trial_read(&a, "decoder.1.weight", p, ROOM);
        CHECK(trial_read(&hand, "decoder.0.weight", q, ROOM) == count && memcmp(p, q, count * sizeof *p) == 0);
        aenc_source_free(source);
        /* in one call, on more threads */
        o = (aenc_pretrain_options){.struct_size = sizeof o, .fit = &fit, .count = 2};
        reader.portion = 0;
        source = open_reader(b.ctx, &reader, stated ? ROWS : 0, ahead, true);
        CHECK_STATUS(b.ctx, aenc_pretrain_source(b.model, source, &o), AENC_OK);
        CHECK(trial_same(&a, &b));
        aenc_source_free(source);
        trial_free(&a);
        trial_free(&b);
        trial_free(&hand);
    }
}

/* Targets of a stream are for those who want them; held-out rows may come as a matrix; what has no end serves all layers. */
static void test_stream_others(void) {
    struct reader targets = {.rows = ROWS, .targets = true}, without = {.rows = ROWS}, endless = {.rows = UINT64_MAX};
    struct trial a = trial_create(head, 6, 1), b = trial_create(head, 6, 1), c = trial_create(deep, 6, 1);
    aenc_fit_options fit = plain();
    aenc_pretrain_options o = {.struct_size = sizeof o, .fit = &fit};
    fit.valid = &x;
    fit.patience = 1;
    aenc_source *source = open_reader(a.ctx, &targets, ROWS, true, true);
    CHECK_STATUS(a.ctx, aenc_pretrain_source(a.model, source, &o), AENC_OK);
    aenc_source_free(source);
    source = open_reader(b.ctx, &without, ROWS, false, true);
    CHECK_STATUS(b.ctx, aenc_pretrain_source(b.model, source, &o), AENC_OK);
    aenc_source_free(source);
    CHECK(trial_same(&a, &b));
    fit.steps_per_epoch = 4;
    source = open_reader(c.ctx, &endless, 0, true, false);
    CHECK_STATUS(c.ctx, aenc_pretrain_source(c.model, source, &o), AENC_OK);
    aenc_source_free(source);
    CHECK(trial_finite(&c));
    trial_free(&a);
    trial_free(&b);
    trial_free(&c);
}

/* ---- Larger than memory ---- */

static int generate(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    enum { WIDE = 64 };
    uint64_t *at = user;
    (void)target, (void)weight;
    trial_fill(input, rows * WIDE, *at);
    *at += rows;
    *got = rows;
    return 0;
}

/* 100,000 rows of 64 are 25 MB, their codes 12 MB; a limit of 4 MB is kept. */
static void test_memory(void) {
    static const char wide[] = "{\"input\":[64],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":32,"
                               "\"activation\":\"relu\"},{\"type\":\"dense\",\"units\":8}]}}";
    struct memory memory = {.limit = 4 << 20};
    aenc_context *ctx = memory_context(&memory, 3, 1);
    aenc_model *model, *student;
    aenc_source *source;
    uint64_t at = 1;
    aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = 64, .read = generate, .user = &at};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .batch = 1000, .steps_per_epoch = 100};
    aenc_pretrain_options o = {.struct_size = sizeof o, .fit = &fit};
    aenc_distill_options d = {.struct_size = sizeof d, .fit = &fit};
    CHECK_STATUS(ctx, aenc_model_parse(ctx, wide, strlen(wide), &model), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_parse(ctx, wide, strlen(wide), &student), AENC_OK);
    CHECK_STATUS(ctx, aenc_source_callback(ctx, &callbacks, &source), AENC_OK);
    CHECK_STATUS(ctx, aenc_pretrain_source(model, source, &o), AENC_OK);
    CHECK(at == 1 + 2 * 100000);
    CHECK_STATUS(ctx, aenc_distill_source(student, model, source, &d), AENC_OK);
    CHECK(at == 1 + 3 * 100000 && memory.refused == 0);
    aenc_source_free(source);
    aenc_model_free(model);
    aenc_model_free(student);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
}

/* ---- What is wrong with a source ---- */

static void refuse(struct reader reader, int64_t from, uint64_t stated, aenc_fit_options fit, aenc_status want,
                   const char *words) {
    struct trial a = trial_create(deep, 7, 1), before = trial_create(deep, 7, 1);
    aenc_pretrain_options o = {.struct_size = sizeof o, .fit = &fit, .first = from};
    aenc_source *source = open_reader(a.ctx, &reader, stated, from % 2 == 1, true);
    CHECK_STATUS(a.ctx, aenc_pretrain_source(a.model, source, &o), want);
    CHECK(says(&a, words) && trial_same(&a, &before));
    aenc_distill_options d = {.struct_size = sizeof d, .fit = &fit, .output_weight = 1};
    struct trial student = trial_create(small, 7, 1);
    aenc_source *other = open_reader(student.ctx, &reader, stated, true, true);
    reader.at = 0;
    CHECK_STATUS(student.ctx, aenc_distill_source(student.model, a.model, other, &d), want);
    CHECK(says(&student, words) && trial_finite(&student));
    aenc_source_free(source);
    aenc_source_free(other);
    trial_free(&a);
    trial_free(&before);
    trial_free(&student);
}

static void test_refused(void) {
    struct reader good = {.rows = ROWS};
    aenc_fit_options share = plain(), checkpoint = plain();
    share.validation_fraction = 0.2;
    checkpoint.resume = AENC_RESUME_REQUIRED;
    for (int64_t from = 0; from < 3; from++) {
        refuse((struct reader){.rows = ROWS, .fail_at = 19}, from, ROWS, plain(), AENC_ERR_CALLBACK, "returned -7 for source[1");
        refuse(good, from, ROWS + 1, plain(), AENC_ERR_SHAPE, "after 50 rows");
        refuse(good, from, 0, plain(), AENC_ERR_ARGUMENT, "steps_per_epoch is 0");
        refuse(good, from, ROWS, share, AENC_ERR_ARGUMENT, "validation_fraction");
        refuse(good, from, ROWS, checkpoint, AENC_ERR_ARGUMENT, "checkpoint is NULL");
        float kept = data[20 * IN + 2];
        data[20 * IN + 2] = (float)NAN;
        refuse(good, from, ROWS, plain(), AENC_ERR_NONFINITE, "source[20, 2] is nan");
        data[20 * IN + 2] = kept;
    }
    struct trial a = trial_create(deep, 7, 1), b = trial_create(deep, 7, 1);
    const aenc_matrix narrow = {data, ROWS, IN - 1, IN};
    aenc_source *source, *few;
    CHECK_STATUS(a.ctx, aenc_source_matrix(a.ctx, &x, &source), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_source_matrix(a.ctx, &narrow, &few), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_pretrain_source(a.model, few, NULL), AENC_ERR_SHAPE);
    CHECK(says(&a, "the source has 5 columns; the model takes 6"));
    CHECK_STATUS(a.ctx, aenc_pretrain_source(a.model, NULL, NULL), AENC_ERR_ARGUMENT);
    CHECK_STATUS(b.ctx, aenc_pretrain_source(b.model, source, NULL), AENC_ERR_ARGUMENT);
    CHECK(says(&b, "another context"));
    CHECK(aenc_pretrain_source(NULL, source, NULL) == AENC_ERR_ARGUMENT);
    CHECK_STATUS(b.ctx, aenc_distill_source(b.model, a.model, source, NULL), AENC_ERR_ARGUMENT);
    CHECK_STATUS(b.ctx, aenc_distill_source(b.model, a.model, NULL, NULL), AENC_ERR_ARGUMENT);
    CHECK_STATUS(a.ctx, aenc_distill_source(a.model, b.model, few, NULL), AENC_ERR_SHAPE);
    CHECK(aenc_distill_source(NULL, a.model, source, NULL) == AENC_ERR_ARGUMENT);
    aenc_source_free(source);
    aenc_source_free(few);
    trial_free(&a);
    trial_free(&b);
}

/* ---- Distillation ---- */

static void test_distill(void) {
    struct trial teacher = trial_create(small, 11, 1), s[3];
    struct reader reader = {.rows = ROWS};
    double output[3], code[3];
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 400, .batch = ROWS, .optimizer = "adam:lr=0.02", .valid = &x};
    for (int kind = 0; kind < 3; kind++) {
        aenc_distill_options o = {.struct_size = sizeof o, .fit = &fit, .output_loss = &output[kind], .code_loss = &code[kind]};
        aenc_source *source = NULL;
        s[kind] = trial_create(small, 10, kind == 0 ? 1 : 3);
        if (kind == 1) CHECK_STATUS(s[1].ctx, aenc_source_matrix(s[1].ctx, &x, &source), AENC_OK);
        if (kind == 2) source = open_reader(s[2].ctx, &reader, ROWS, true, true);
        if (kind == 0) CHECK_STATUS(s[0].ctx, aenc_distill(s[0].model, teacher.model, &x, &o), AENC_OK);
        else CHECK_STATUS(s[kind].ctx, aenc_distill_source(s[kind].model, teacher.model, source, &o), AENC_OK);
        aenc_source_free(source);
    }
    CHECK(output[0] < 1e-4 && output[1] < 1e-4 && code[0] < 1e-4 && code[1] < 1e-4);
    CHECK(output[2] != output[2] && code[2] != code[2]); /* a stream has gone by */
    float want[ROWS * 3], got[ROWS * 3];
    CHECK_STATUS(teacher.ctx, aenc_encode(teacher.model, &x, want, ROWS * 3), AENC_OK);
    CHECK_STATUS(s[2].ctx, aenc_encode(s[2].model, &x, got, ROWS * 3), AENC_OK);
    for (int i = 0; i < ROWS * 3; i++) CHECK_NEAR(got[i], want[i], 0.1);
    for (int kind = 0; kind < 3; kind++) trial_free(&s[kind]);
    trial_free(&teacher);
}

/* A student whose loss wants numbers within [0, 1] says whose answer is none. */
static void test_bad_teacher(void) {
    static const char bits[] = "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":3},\"output\":\"sigmoid\",\"loss\":\"bce\"}";
    struct trial teacher = trial_create(small, 11, 1), student = trial_create(bits, 10, 1);
    aenc_source *source;
    CHECK_STATUS(student.ctx, aenc_source_matrix(student.ctx, &x, &source), AENC_OK);
    CHECK_STATUS(student.ctx, aenc_distill(student.model, teacher.model, &x, NULL), AENC_ERR_ARGUMENT);
    CHECK(says(&student, "the teacher's output["));
    CHECK_STATUS(student.ctx, aenc_distill_source(student.model, teacher.model, source, NULL), AENC_ERR_ARGUMENT);
    CHECK(says(&student, "the teacher's output in a batch["));
    aenc_source_free(source);
    trial_free(&teacher);
    trial_free(&student);
}

/* ---- Scaling ---- */

/* The bottom layer learns it, and all above see scaled numbers; a student compares in its own units. */
static void test_scaling(void) {
    struct trial a = trial_create(scaled, 12, 1), fitted = trial_create(scaled, 12, 1);
    float shift[2][IN], wild[ROWS * IN];
    for (int i = 0; i < ROWS * IN; i++) wild[i] = 1000 + 300 * data[i];
    const aenc_matrix far = {wild, ROWS, IN, 0};
    double losses[2], output;
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 200};
    aenc_pretrain_options o = {.struct_size = sizeof o, .fit = &fit, .losses = losses, .loss_count = 2};
    CHECK_STATUS(a.ctx, aenc_pretrain(a.model, &far, &o), AENC_OK);
    CHECK(losses[0] < 2 && losses[1] < 2);
    CHECK_STATUS(fitted.ctx, aenc_fit(fitted.model, &far, &fit), AENC_OK);
    trial_read(&a, "scaling.shift", shift[0], IN);
    trial_read(&fitted, "scaling.shift", shift[1], IN);
    CHECK(memcmp(shift[0], shift[1], sizeof shift[0]) == 0);
    struct trial student = trial_create(scaled, 13, 1);
    fit.optimizer = "adam:lr=0.02";
    aenc_distill_options d = {.struct_size = sizeof d, .fit = &fit, .output_loss = &output};
    CHECK_STATUS(student.ctx, aenc_distill(student.model, fitted.model, &far, &d), AENC_OK);
    CHECK(output < 0.1);
    trial_free(&a);
    trial_free(&fitted);
    trial_free(&student);
}

/* ---- Broken off and resumed ---- */

struct stopper {
    int64_t left; /* steps */
};

static int stop(void *user, int64_t layer, int64_t layers, const aenc_progress *now) {
    struct stopper *stopper = user;
    (void)layer, (void)layers;
    return now->event == AENC_EVENT_STEP && --stopper->left == 0;
}

static int stop_fit(void *user, const aenc_progress *now) { return stop(user, 0, 0, now); }

static bool exists(int layer) {
    snprintf(name, sizeof name, "%s.layer-%d", path, layer);
    return access(name, F_OK) == 0;
}

static void clean(void) {
    for (int layer = 1; layer <= LAYERS; layer++)
        if (exists(layer)) remove(name);
    remove(path);
}

/* The rows of the kind: a matrix, a source of it, a stream. */
static aenc_status pretrain(const struct trial *t, int kind, const aenc_pretrain_options *o) {
    struct reader reader = {.rows = ROWS, .weights = true};
    aenc_source *source;
    if (kind == 0) return aenc_pretrain(t->model, &x, o);
    if (kind == 1) CHECK_STATUS(t->ctx, aenc_source_matrix(t->ctx, &x, &source), AENC_OK);
    else source = open_reader(t->ctx, &reader, ROWS, kind == 3, true);
    aenc_status status = aenc_pretrain_source(t->model, source, o);
    aenc_source_free(source);
    return status;
}

static void test_resume(int kind) {
    aenc_fit_options fit = plain();
    double whole[LAYERS], parts[LAYERS];
    aenc_pretrain_options o = {.struct_size = sizeof o, .fit = &fit, .losses = whole, .loss_count = LAYERS};
    fit.valid = &x;
    struct trial peace = trial_create(deep, 8, 1);
    CHECK_STATUS(peace.ctx, pretrain(&peace, kind, &o), AENC_OK);
    o.losses = parts;
    fit.checkpoint = path;
    fit.checkpoint_steps = 2;
    struct stopper stopper = {0};
    o.progress = stop;
    o.progress_user = &stopper;
    int runs = 0;
    for (fit.resume = AENC_RESUME_NEVER; stopper.left <= 0; fit.resume = AENC_RESUME_REQUIRED, runs++) {
        struct trial part = trial_create(deep, 8, 1 + runs % 3);
        stopper.left = 10;
        CHECK_STATUS(part.ctx, pretrain(&part, kind, &o), AENC_OK);
        CHECK(exists(1) && exists(LAYERS) == (stopper.left > 0 || runs >= 4));
        if (stopper.left > 0) CHECK(trial_same(&part, &peace) && memcmp(whole, parts, sizeof whole) == 0);
        trial_free(&part);
    }
    CHECK(runs == 7 && exists(2)); /* 63 steps in tens */
    /* nothing is left to do; a new stack takes the files of the old one away */
    struct trial again = trial_create(deep, 8, 1);
    stopper.left = 1;
    CHECK_STATUS(again.ctx, pretrain(&again, kind, &o), AENC_OK);
    CHECK(stopper.left == 1 && trial_same(&again, &peace));
    fit.resume = AENC_RESUME_NEVER;
    CHECK_STATUS(again.ctx, pretrain(&again, kind, &o), AENC_OK);
    CHECK(exists(1) && !exists(2) && !exists(3));
    clean();
    fit.resume = AENC_RESUME_REQUIRED;
    CHECK_STATUS(again.ctx, pretrain(&again, kind, &o), AENC_ERR_IO);
    CHECK(says(&again, ".layer-1"));
    trial_free(&again);
    trial_free(&peace);
}

/* A checkpoint of a layer on other layers than these is none of this stack. */
static void test_resume_refused(int kind) {
    aenc_fit_options fit = plain();
    aenc_pretrain_options o = {.struct_size = sizeof o, .fit = &fit};
    struct trial a = trial_create(deep, 9, 1), b = trial_create(deep, 9, 1);
    fit.checkpoint = path;
    CHECK_STATUS(a.ctx, pretrain(&a, kind, &o), AENC_OK);
    fit.resume = AENC_RESUME_REQUIRED;
    fit.epochs = 4;
    CHECK_STATUS(b.ctx, pretrain(&b, kind, &o), AENC_ERR_ARGUMENT); /* the first goes on, the second then saw other codes */
    CHECK(says(&b, kind == 0 ? "data was" : "row transform was") && says(&b, ".layer-2"));
    fit.epochs = 3;
    fit.batch = BATCH + 1;
    CHECK_STATUS(a.ctx, pretrain(&a, kind, &o), AENC_ERR_ARGUMENT);
    CHECK(says(&a, "batch was 8"));
    clean();
    trial_free(&a);
    trial_free(&b);
}

static void test_distill_resume(int kind) {
    struct trial teacher = trial_create(deep, 11, 1);
    struct stopper stopper = {0};
    aenc_fit_options fit = plain();
    aenc_distill_options o = {.struct_size = sizeof o, .fit = &fit, .output_weight = 1, .code_weight = 0.5};
    float whole[ROOM], parts[ROOM];
    size_t count = 0;
    for (int part = 0; part < 4; part++) {
        struct reader reader = {.rows = ROWS};
        struct trial student = trial_create(small, 10, 1);
        aenc_source *source = NULL;
        if (kind == 1) CHECK_STATUS(student.ctx, aenc_source_matrix(student.ctx, &x, &source), AENC_OK);
        if (kind == 2) source = open_reader(student.ctx, &reader, ROWS, true, true);
        stopper.left = part == 1 ? 9 : 1000;
        fit.checkpoint = part == 0 ? NULL : path;
        fit.resume = part >= 2 ? AENC_RESUME_REQUIRED : AENC_RESUME_NEVER;
        o.code_weight = part == 3 ? 0.25 : 0.5;
        fit.progress = stop_fit;
        fit.progress_user = &stopper;
        aenc_status status = kind == 0 ? aenc_distill(student.model, teacher.model, &x, &o)
                                       : aenc_distill_source(student.model, teacher.model, source, &o);
        CHECK_STATUS(student.ctx, status, part == 3 ? AENC_ERR_ARGUMENT : AENC_OK);
        if (part == 3) CHECK(says(&student, "code_weight was 0.5"));
        count = trial_numbers(&student, part == 0 ? whole : parts);
        if (part == 1 || part == 2) CHECK((memcmp(whole, parts, count * sizeof *whole) == 0) == (part == 2));
        aenc_source_free(source);
        trial_free(&student);
    }
    remove(path);
    trial_free(&teacher);
}

int main(void) {
    snprintf(path, sizeof path, "stack_source_test.%ld", (long)getpid());
    trial_fill(data, ROWS * IN, 9);
    test_matrix(deep);
    test_matrix(scaled);
    test_stream();
    test_stream_others();
    test_memory();
    test_refused();
    test_distill();
    test_bad_teacher();
    test_scaling();
    for (int kind = 0; kind < 4; kind++) test_resume(kind);
    for (int kind = 0; kind < 3; kind++) test_resume_refused(kind);
    for (int kind = 0; kind < 3; kind++) test_distill_resume(kind);
    return check_finish();
}
