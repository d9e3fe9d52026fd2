/* checkpoint_test.c - a run that is interrupted anywhere and continued is the run that was not; what cannot be continued
 * is refused and changes nothing. */
#include <unistd.h>

#include "io/bytes.h"
#include "train/fit.h"
#include "train/trial.h"

enum { ROWS = 50, IN = 4, EPOCHS = 5, STEPS = 5, ALL = EPOCHS * STEPS };

static const char dropping[] =
    "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":6},{\"type\":\"batch_norm\"},"
    "{\"type\":\"relu\"},{\"type\":\"dropout\",\"rate\":0.3},{\"type\":\"dense\",\"units\":2}]}}";

static char path[64];

/* Stops the run in its n-th step; at an epoch's end behind it when `at_epoch`. */
struct stop {
    int64_t after, seen;
    bool at_epoch;
};

static int stop_there(void *user, const aenc_progress *now) {
    struct stop *stop = user;
    if (now->event == AENC_EVENT_STEP) stop->seen++;
    bool there = (now->event == AENC_EVENT_EPOCH) == stop->at_epoch;
    return stop->after > 0 && stop->seen >= stop->after && there;
}

struct setup {
    const char *optimizer, *schedule;
    double validation_fraction;
    int64_t patience, threads;
};

static aenc_fit_options options_of(const struct setup *setup, struct stop *stop) {
    return (aenc_fit_options){.struct_size = sizeof(aenc_fit_options),
                              .optimizer = setup->optimizer,
                              .schedule = setup->schedule,
                              .epochs = EPOCHS,
                              .batch = setup->validation_fraction > 0 ? 8 : 10,
                              .validation_fraction = setup->validation_fraction,
                              .patience = setup->patience,
                              .clip_norm = 2,
                              .progress = stop_there,
                              .progress_user = stop};
}

static float data[ROWS * IN];
static const aenc_matrix x = {data, ROWS, IN, 0};

static bool same_number(double a, double b) { return memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b); }

/* All but the seconds. */
static bool history_same(const struct trial *a, const struct trial *b) {
    size_t count = aenc_model_history_count(a->model);
    if (aenc_model_history_count(b->model) != count) return false;
    for (size_t i = 0; i < count; i++) {
        aenc_progress p = {.struct_size = sizeof p}, q = {.struct_size = sizeof q};
        CHECK_STATUS(a->ctx, aenc_model_history(a->model, i, &p), AENC_OK);
        CHECK_STATUS(b->ctx, aenc_model_history(b->model, i, &q), AENC_OK);
        bool same = p.epoch == q.epoch && p.step == q.step && p.steps == q.steps && p.best_epoch == q.best_epoch &&
                    p.event == q.event && same_number(p.train_loss, q.train_loss) &&
                    same_number(p.valid_loss, q.valid_loss) && same_number(p.learning_rate, q.learning_rate) &&
                    same_number(p.gradient_norm, q.gradient_norm) && same_number(p.best_valid_loss, q.best_valid_loss);
        if (!same) return false;
    }
    return true;
}

/* ---- Continued ---- */

/* One process' part of the run, in a context and a model of its own. */
static struct trial part_run(const struct setup *setup, struct stop *stop, int64_t resume, aenc_status want) {
    struct trial trial = trial_create(dropping, 12, setup->threads);
    aenc_fit_options options = options_of(setup, stop);
    options.checkpoint = path;
    options.checkpoint_steps = 9;
    options.resume = resume;
    CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &x, &options), want);
    CHECK(strcmp(aenc_model_notice(trial.model), "") == 0);
    return trial;
}

static void test_continue(const struct setup *setup, int64_t stride) {
    struct stop never = {0, 0, false};
    struct trial whole = trial_create(dropping, 12, 1);
    aenc_fit_options options = options_of(setup, &never);
    CHECK_STATUS(whole.ctx, aenc_fit(whole.model, &x, &options), AENC_OK);
    for (int at_epoch = 0; at_epoch < 2; at_epoch++) {
        for (int64_t after = 1; after <= never.seen; after += stride) {
            struct stop first = {after, 0, at_epoch != 0}, second = {3, 0, false}, third = {0, 0, false};
            struct trial a = part_run(setup, &first, AENC_RESUME_NEVER, AENC_OK);
            struct trial b = part_run(setup, &second, AENC_RESUME_REQUIRED, AENC_OK);
            struct trial c = part_run(setup, &third, AENC_RESUME_IF_THERE, AENC_OK);
            CHECK(first.seen + second.seen + third.seen == never.seen);
            CHECK(trial_same(&c, &whole) && history_same(&c, &whole));
            trial_free(&a);
            trial_free(&b);
            trial_free(&c);
        }
    }
    remove(path);
    trial_free(&whole);
}

/* A run that has ended has nothing more to do; with more epochs it goes on, as if they had been planned. */
static void test_end(void) {
    const struct setup setup = {"adam:lr=0.01", NULL, 0.2, 0, 1};
    struct stop never = {0, 0, false}, again = {0, 0, false}, more = {0, 0, false}, both = {0, 0, false};
    struct trial a = part_run(&setup, &never, AENC_RESUME_IF_THERE, AENC_OK);
    struct trial b = part_run(&setup, &again, AENC_RESUME_REQUIRED, AENC_OK);
    CHECK(never.seen == ALL && again.seen == 0);
    CHECK(trial_same(&a, &b) && history_same(&a, &b));
    /* what comes after it follows the same clock, and sees the same terms */
    CHECK(a.model->clock == EPOCHS && b.model->clock == EPOCHS && a.model->epoch == b.model->epoch);
    CHECK(same_number(aenc_model_term_value(a.model, 0), aenc_model_term_value(b.model, 0)));
    struct trial c = trial_create(dropping, 12, 1), d = trial_create(dropping, 12, 1);
    aenc_fit_options options = options_of(&setup, &more);
    options.checkpoint = path;
    options.resume = AENC_RESUME_REQUIRED;
    options.epochs = EPOCHS + 3;
    CHECK_STATUS(c.ctx, aenc_fit(c.model, &x, &options), AENC_OK);
    CHECK(more.seen == 3 * STEPS && aenc_model_history_count(c.model) == EPOCHS + 3);
    options = options_of(&setup, &both);
    options.epochs = EPOCHS + 3;
    CHECK_STATUS(d.ctx, aenc_fit(d.model, &x, &options), AENC_OK);
    CHECK(trial_same(&c, &d));
    /* a checkpoint is a model too: the one of the last step */
    aenc_model *loaded;
    CHECK_STATUS(a.ctx, aenc_model_load(a.ctx, path, &loaded), AENC_OK);
    aenc_model_free(loaded);
    remove(path);
    trial_free(&a);
    trial_free(&b);
    trial_free(&c);
    trial_free(&d);
}

/* ---- Refused ---- */

static void refuse(const aenc_fit_options *options, const aenc_matrix *rows, uint64_t seed, aenc_status want,
                   const char *word) {
    struct trial fresh = trial_create(dropping, seed, 1), same = trial_create(dropping, seed, 1);
    CHECK_STATUS(fresh.ctx, aenc_fit(fresh.model, rows, options), want);
    if (!CHECK(strstr(aenc_message(fresh.ctx), word) != NULL))
        fprintf(stderr, "  '%s' is not in: %s\n", word, aenc_message(fresh.ctx));
    CHECK(trial_same(&fresh, &same) && aenc_model_history_count(fresh.model) == 0);
    trial_free(&fresh);
    trial_free(&same);
}

static void test_refusals(void) {
    const struct setup setup = {"adam:lr=0.01", "cosine", 0.2, 3, 1};
    struct stop stop = {7, 0, false}, never = {0, 0, false};
    struct trial a = part_run(&setup, &stop, AENC_RESUME_NEVER, AENC_OK);
    trial_free(&a);
    aenc_fit_options right = options_of(&setup, &never);
    right.checkpoint = path;
    right.resume = AENC_RESUME_REQUIRED;
    float other[ROWS * IN], more[IN] = {0};
    memcpy(other, data, sizeof other);
    other[(ROWS - 1) * IN] += 1;
    const aenc_matrix changed = {other, ROWS, IN, 0}, fewer = {data, ROWS - 1, IN, 0}, held = {more, 1, IN, 0};
    refuse(&right, &changed, 12, AENC_ERR_ARGUMENT, "data was");
    refuse(&right, &fewer, 12, AENC_ERR_ARGUMENT, "data was");
    refuse(&right, &x, 13, AENC_ERR_ARGUMENT, "seed was 12 and is 13");
    aenc_fit_options o = right;
    o.batch = 9;
    refuse(&o, &x, 12, AENC_ERR_ARGUMENT, "batch was 8 and is 9");
    o = right, o.optimizer = "adam:lr=0.02";
    refuse(&o, &x, 12, AENC_ERR_ARGUMENT, "optimizer.lr was 0.01 and is 0.02");
    o = right, o.schedule = "constant";
    refuse(&o, &x, 12, AENC_ERR_ARGUMENT, "schedule.type was cosine and is constant");
    o = right, o.patience = 4;
    refuse(&o, &x, 12, AENC_ERR_ARGUMENT, "patience was 3 and is 4");
    o = right, o.clip_norm = 3;
    refuse(&o, &x, 12, AENC_ERR_ARGUMENT, "clip_norm was 2 and is 3");
    o = right, o.target = &x;
    refuse(&o, &x, 12, AENC_ERR_ARGUMENT, "target was");
    o = right, o.valid = &held;
    refuse(&o, &x, 12, AENC_ERR_ARGUMENT, "valid");
    o = right, o.checkpoint = "no/such/file";
    refuse(&o, &x, 12, AENC_ERR_IO, "no/such/file");
    o = right, o.checkpoint = NULL;
    refuse(&o, &x, 12, AENC_ERR_ARGUMENT, "checkpoint is NULL");
    o = right, o.resume = 11;
    refuse(&o, &x, 12, AENC_ERR_ARGUMENT, "AENC_RESUME_");
    o = right, o.checkpoint_seconds = -1;
    refuse(&o, &x, 12, AENC_ERR_ARGUMENT, "checkpoint_seconds");
    /* another model */
    struct trial b = trial_create("{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":2}}", 12, 1);
    CHECK_STATUS(b.ctx, aenc_fit(b.model, &x, &right), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(b.ctx), "another model") != NULL);
    /* a model file */
    CHECK_STATUS(b.ctx, aenc_model_save(b.model, path), AENC_OK);
    trial_free(&b);
    refuse(&right, &x, 12, AENC_ERR_FORMAT, "is no checkpoint");
    remove(path);
}

/* ---- Damaged ---- */

static size_t file_get(unsigned char *bytes, size_t room) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) exit(2);
    size_t size = fread(bytes, 1, room, file);
    fclose(file);
    return size;
}

static void file_put(const unsigned char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size) exit(2);
    fclose(file);
}

static void test_damage(void) {
    static unsigned char bytes[1 << 16];
    const struct setup setup = {"adam:lr=0.01", "cosine", 0.2, 3, 1};
    struct stop stop = {13, 0, false}, never = {0, 0, false};
    struct trial a = part_run(&setup, &stop, AENC_RESUME_NEVER, AENC_OK);
    struct trial b = trial_create(dropping, 12, 1), same = trial_create(dropping, 12, 1);
    aenc_fit_options options = options_of(&setup, &never);
    options.checkpoint = path;
    options.resume = AENC_RESUME_REQUIRED;
    size_t size = file_get(bytes, sizeof bytes);
    CHECK(size > 1000 && size < sizeof bytes);
    for (size_t cut = 0; cut < size; cut += cut < 64 || cut + 64 > size ? 1 : 41) {
        file_put(bytes, cut);
        CHECK_STATUS(b.ctx, aenc_fit(b.model, &x, &options), AENC_ERR_FORMAT);
    }
    for (size_t at = 0; at < size; at += at < 16 ? 1 : 7) {
        bytes[at] ^= (unsigned char)(1u << at % 8);
        file_put(bytes, size);
        bytes[at] ^= (unsigned char)(1u << at % 8);
        if (!CHECK(aenc_fit(b.model, &x, &options) == AENC_ERR_FORMAT))
            fprintf(stderr, "  byte %zu: %s\n", at, aenc_message(b.ctx));
    }
    CHECK(never.seen == 0 && trial_same(&b, &same));
    file_put(bytes, size);
    CHECK_STATUS(b.ctx, aenc_fit(b.model, &x, &options), AENC_OK);
    CHECK(never.seen == ALL - 13);
    remove(path);
    trial_free(&a);
    trial_free(&b);
    trial_free(&same);
}

/* ---- Forged: the sum is right, the contents are not ---- */

/* Sets the sum right. */
static bool sum_set(aenc_context *ctx, unsigned char *bytes, size_t size) {
    static const char sum_key[] = CHECKPOINT_SUM_KEY "\":\"";
    struct safetensors file;
    char digits[17];
    size_t at;
    if (!CHECK(aenc_safetensors_read(ctx, bytes, size, "forged", &file) == AENC_OK)) return false;
    struct checkpoint_sum sum = aenc_checkpoint_sum_begin(aenc_safetensors_metadata(&file, MODEL_KEY),
                                                          aenc_safetensors_metadata(&file, CHECKPOINT_KEY));
    for (size_t i = 0; i < file.tensor_count; i++) {
        const struct tensor_entry *t = &file.tensor[i];
        const struct file_piece values = {t->bytes, (size_t)t->size, 1};
        aenc_checkpoint_sum_tensor(&sum, t->name, t->type, t->rank, t->dim, &values);
    }
    aenc_safetensors_free(&file);
    snprintf(digits, sizeof digits, "%016llx", (unsigned long long)sum.value);
    for (at = 8; memcmp(bytes + at, sum_key, sizeof sum_key - 1) != 0;) at++;
    memcpy(bytes + at + sizeof sum_key - 1, digits, 16);
    return true;
}

/* Replaces what follows `key` by as many bytes of `text`; answers whether key was there. */
static bool forge(aenc_context *ctx, unsigned char *bytes, size_t size, const char *key, const char *text) {
    size_t at = 8, length = strlen(key);
    while (at + length < size && memcmp(bytes + at, key, length) != 0) at++;
    if (at + length >= size) return false;
    memcpy(bytes + at + length, text, strlen(text));
    return sum_set(ctx, bytes, size);
}

/* Puts value, as F32 or F64, into element `at` of a tensor. */
static bool forge_value(aenc_context *ctx, unsigned char *bytes, size_t size, const char *name, size_t at, double value) {
    struct safetensors file;
    const float single = (float)value;
    if (!CHECK(aenc_safetensors_read(ctx, bytes, size, "forged", &file) == AENC_OK)) return false;
    const struct tensor_entry *tensor = aenc_safetensors_find(&file, name);
    size_t item = tensor == NULL ? 0 : tensor->type == TENSOR_F64 ? 8 : 4;
    bool there = tensor != NULL && (at + 1) * item <= tensor->size;
    if (there) aenc_bytes_copy_little(bytes + (tensor->bytes - bytes) + at * item,
                                      item == 8 ? (const void *)&value : &single, 1, item);
    aenc_safetensors_free(&file);
    return there && sum_set(ctx, bytes, size);
}

/* Numbers that no run has, in every kind of tensor. */
static void test_forged_values(void) {
    static const struct {
        const char *name;
        size_t at;
        double value;
    } cases[] = {
        {"encoder.0.weight", 3, NAN}, {"encoder.0.bias", 0, INFINITY}, {"encoder.1.running_mean", 1, NAN},
        {"checkpoint.best.encoder.4.weight", 2, NAN}, {"checkpoint.best.encoder.1.running_var", 0, -INFINITY},
        {"encoder.1.running_var", 0, -1}, {"checkpoint.best.encoder.1.running_var", 2, -0.5},
        {"checkpoint.moment.0.encoder.0.weight", 1, NAN}, {"checkpoint.moment.1.encoder.0.weight", 5, INFINITY},
        {"checkpoint.moment.1.encoder.0.weight", 5, -1}, /* a mean of squares */
        {"checkpoint.history", 0, 10}, {"checkpoint.history", 1, 2}, {"checkpoint.history", 12 + 1, 2.5},
        {"checkpoint.history", 2, -1}, {"checkpoint.history", 3, 9}, {"checkpoint.history", 4, 1e18},
        {"checkpoint.history", 5, NAN}, {"checkpoint.history", 6, INFINITY}, {"checkpoint.history", 7, NAN},
        {"checkpoint.history", 8, -INFINITY}, {"checkpoint.history", 9, NAN}, {"checkpoint.history", 10, -INFINITY},
        {"checkpoint.history", 11, 7},
    };
    static unsigned char whole[1 << 16], bytes[1 << 16];
    const struct setup setup = {"adam:lr=0.01", "cosine", 0.2, 3, 1};
    struct stop stop = {13, 0, false}, never = {0, 0, false};
    struct trial a = part_run(&setup, &stop, AENC_RESUME_NEVER, AENC_OK);
    size_t size = file_get(whole, sizeof whole);
    aenc_fit_options options = options_of(&setup, &never);
    options.checkpoint = path;
    options.resume = AENC_RESUME_REQUIRED;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(bytes, whole, size);
        if (!CHECK(forge_value(a.ctx, bytes, size, cases[i].name, cases[i].at, cases[i].value)))
            fprintf(stderr, "  %s\n", cases[i].name);
        file_put(bytes, size);
        refuse(&options, &x, 12, AENC_ERR_FORMAT, "checkpoint");
    }
    CHECK(never.seen == 0);
    remove(path);
    trial_free(&a);
}

/* ---- A stream's place ---- */

static uint64_t source_at, seeks_beyond;

static int source_read(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    (void)user, (void)target, (void)weight;
    *got = source_at >= ROWS ? 0 : source_at + rows < ROWS ? rows : (size_t)(ROWS - source_at);
    if (*got > 0) memcpy(input, data + source_at * IN, *got * IN * sizeof *input);
    source_at += *got;
    return 0;
}

static int source_seek(void *user, uint64_t position) {
    (void)user;
    seeks_beyond += position > ROWS;
    source_at = position;
    return 0;
}

static aenc_status stream_fit(struct trial *trial, uint64_t rows, struct stop *stop, int64_t resume) {
    const aenc_source_callbacks callbacks = {
        .struct_size = sizeof callbacks, .cols = IN, .rows = rows, .read = source_read, .seek = source_seek};
    const aenc_fit_options o = {.struct_size = sizeof o, .epochs = 3, .batch = 10, .steps_per_epoch = 5, .checkpoint = path,
                                .checkpoint_steps = 1, .resume = resume, .progress = stop_there, .progress_user = stop};
    aenc_source *source = NULL;
    CHECK_STATUS(trial->ctx, aenc_source_callback(trial->ctx, &callbacks, &source), AENC_OK);
    aenc_status status = aenc_fit_source(trial->model, source, &o);
    aenc_source_free(source);
    return status;
}

/* rows: as the source states them; 0: not. text: a position beyond what the run can have read. */
static void test_forged_position(uint64_t rows, const char *text) {
    static unsigned char bytes[1 << 16];
    struct stop stop = {7, 0, false}, never = {0, 0, false};
    struct trial a = trial_create(dropping, 12, 1), b = trial_create(dropping, 12, 1), same = trial_create(dropping, 12, 1);
    CHECK_STATUS(a.ctx, stream_fit(&a, rows, &stop, AENC_RESUME_NEVER), AENC_OK);
    size_t size = file_get(bytes, sizeof bytes);
    CHECK(forge(a.ctx, bytes, size, "\\\"position\\\":\\\"", text));
    file_put(bytes, size);
    CHECK_STATUS(b.ctx, stream_fit(&b, rows, &never, AENC_RESUME_REQUIRED), AENC_ERR_FORMAT);
    CHECK(seeks_beyond == 0 && never.seen == 0 && trial_same(&b, &same));
    remove(path);
    trial_free(&a);
    trial_free(&b);
    trial_free(&same);
}

/* ---- The data ---- */

/* Any cell of any field that is changed by any bit is noticed. */
static void test_cells(void) {
    enum { WIDE = 19, MANY = 11 };
    static const char wide[] = "{\"input\":[19],\"encoder\":{\"type\":\"dense\",\"units\":2}}";
    static float field[4][MANY * WIDE];
    const aenc_matrix rows[4] = {
        {field[0], MANY, WIDE, 0}, {field[1], MANY, WIDE, 0}, {field[2], MANY, WIDE, 0}, {field[3], MANY, WIDE, 0}};
    aenc_fit_options o = {.struct_size = sizeof o, .epochs = 1, .checkpoint = path, .target = &rows[1], .valid = &rows[2],
                          .valid_target = &rows[3]};
    struct trial a = trial_create(wide, 1, 1);
    for (int f = 0; f < 4; f++) trial_fill(field[f], MANY * WIDE, (uint64_t)f + 1);
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &rows[0], &o), AENC_OK);
    o.resume = AENC_RESUME_REQUIRED;
    int missed = 0;
    for (int cell = 0; cell < 4 * MANY * WIDE; cell++) {
        float *at = &field[cell / (MANY * WIDE)][cell % (MANY * WIDE)], before = *at;
        uint32_t bits;
        memcpy(&bits, at, sizeof bits);
        bits ^= (uint32_t)1 << cell % 23; /* stays finite */
        memcpy(at, &bits, sizeof bits);
        missed += aenc_fit(a.model, &rows[0], &o) != AENC_ERR_ARGUMENT;
        *at = before;
    }
    CHECK_NEAR(missed, 0, 0);
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &rows[0], &o), AENC_OK);
    o.run_key = "another";
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &rows[0], &o), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(a.ctx), "run_key") != NULL);
    o.run_key = "\xff";
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &rows[0], &o), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(a.ctx), "not UTF-8") != NULL);
    remove(path);
    trial_free(&a);
}

/* The fingerprint does not depend on how the rows lie in memory. */
static void test_stride(void) {
    static float apart[ROWS * (IN + 3)];
    const struct setup setup = {"adam:lr=0.01", NULL, 0.2, 0, 1};
    struct stop stop = {7, 0, false}, never = {0, 0, false};
    struct trial a = part_run(&setup, &stop, AENC_RESUME_NEVER, AENC_OK), b = trial_create(dropping, 12, 1);
    for (size_t r = 0; r < ROWS; r++) memcpy(apart + r * (IN + 3), data + r * IN, IN * sizeof *data);
    const aenc_matrix same = {apart, ROWS, IN, IN + 3};
    aenc_fit_options options = options_of(&setup, &never);
    options.checkpoint = path;
    options.resume = AENC_RESUME_REQUIRED;
    CHECK_STATUS(b.ctx, aenc_fit(b.model, &same, &options), AENC_OK);
    remove(path);
    trial_free(&a);
    trial_free(&b);
}

static void test_forged(void) {
    static const struct {
        const char *key, *text;
        aenc_status want;
        const char *word;
    } cases[] = {
        {"\\\"instruction set\\\":\\\"", "z", AENC_OK, "instruction set"},
        {"checkpoint\":\"{\\\"format\\\":", "3", AENC_ERR_VERSION, "format 3"},
        {"checkpoint\":\"{\\\"format\\\":", "1", AENC_ERR_UNSUPPORTED, "format 1"},
        {"\\\"step\\\":\\\"", "x", AENC_ERR_FORMAT, "'step'"},
        {"\\\"step\\\":\\\"", "9", AENC_ERR_FORMAT, "place"},
        {"\\\"best_epoch\\\":\\\"", "8", AENC_ERR_FORMAT, "place"},
        {"\\\"best_epoch\\\":\\\"", "0", AENC_ERR_FORMAT, "tensors"},
        {"\\\"epochs_done\\\":\\\"", "1", AENC_ERR_FORMAT, "place"}, /* more updates than steps */
        {"\\\"epochs_done\\\":\\\"", "3", AENC_ERR_FORMAT, "place"},
        {"\\\"position\\\":\\\"", "1", AENC_ERR_FORMAT, "place"}, /* of rows in memory */
        {"\\\"waited\\\":\\\"", "9", AENC_ERR_FORMAT, "place"},
        {"\\\"plateau_bad_epochs\\\":\\\"", "9", AENC_ERR_FORMAT, "place"},
        {"\\\"optimizer_step\\\":\\\"", "99", AENC_ERR_FORMAT, "place"},
        {"\\\"shuffle\\\":\\\"", "1", AENC_ERR_FORMAT, "place"},
        {"\\\"loss_sum\\\":", "1e999", AENC_ERR_FORMAT, ""},
        {"\\\"weight_sum\\\":", "-", AENC_ERR_FORMAT, "place"},
        {"\\\"learning_rate\\\":", "-1", AENC_ERR_FORMAT, "place"},
        {"\\\"gradient_norm\\\":", "-1", AENC_ERR_FORMAT, "place"},
        {"\\\"plateau_reached\\\":", "7", AENC_ERR_FORMAT, "place"},
        {"\\\"wait", "x", AENC_ERR_FORMAT, "'waited'"},
        {"\\\"seed\\\":\\\"", "9", AENC_ERR_ARGUMENT, "seed was 92 and is 12"},
        {"\\\"pat", "x", AENC_ERR_ARGUMENT, "patience was not there"},
    };
    static unsigned char whole[1 << 16], bytes[1 << 16];
    const struct setup setup = {"adam:lr=0.01", "cosine", 0.2, 3, 1};
    struct stop stop = {13, 0, false};
    struct trial a = part_run(&setup, &stop, AENC_RESUME_NEVER, AENC_OK);
    size_t size = file_get(whole, sizeof whole);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial b = trial_create(dropping, 12, 1);
        struct stop never = {0, 0, false};
        aenc_fit_options options = options_of(&setup, &never);
        options.checkpoint = path;
        options.resume = AENC_RESUME_REQUIRED;
        memcpy(bytes, whole, size);
        if (!CHECK(forge(a.ctx, bytes, size, cases[i].key, cases[i].text))) fprintf(stderr, "  %s\n", cases[i].key);
        file_put(bytes, size);
        CHECK_STATUS(b.ctx, aenc_fit(b.model, &x, &options), cases[i].want);
        const char *said = cases[i].want == AENC_OK ? aenc_model_notice(b.model) : aenc_message(b.ctx);
        if (!CHECK(strstr(said, cases[i].word) != NULL)) fprintf(stderr, "  '%s' is not in: %s\n", cases[i].word, said);
        trial_free(&b);
    }
    remove(path);
    trial_free(&a);
}

/* ---- What cannot be written ---- */

/* The model has its last whole step. */
static void test_unwritable(void) {
    const struct setup setup = {"adam:lr=0.01", NULL, 0, 0, 1};
    struct stop never = {0, 0, false}, six = {6, 0, false};
    struct trial a = trial_create(dropping, 12, 1), b = trial_create(dropping, 12, 1);
    aenc_fit_options options = options_of(&setup, &never);
    options.checkpoint = "no/such/directory/file";
    options.checkpoint_steps = 6;
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &options), AENC_ERR_IO);
    CHECK(strstr(aenc_message(a.ctx), "no/such/directory/file") != NULL && never.seen == 6);
    options = options_of(&setup, &six);
    CHECK_STATUS(b.ctx, aenc_fit(b.model, &x, &options), AENC_OK);
    CHECK(trial_same(&a, &b));
    trial_free(&a);
    trial_free(&b);
}

/* The seconds count from the run's begin: a run shorter than them is saved at its end alone. */
static void test_seconds(void) {
    const struct setup setup = {"adam:lr=0.01", NULL, 0, 0, 1};
    struct stop never = {0, 0, false};
    struct trial trial = trial_create(dropping, 12, 1);
    aenc_fit_options options = options_of(&setup, &never);
    options.checkpoint = "no/such/directory/file";
    options.checkpoint_seconds = 60;
    CHECK_STATUS(trial.ctx, aenc_fit(trial.model, &x, &options), AENC_ERR_IO);
    CHECK(never.seen == ALL);
    trial_free(&trial);
}

int main(void) {
    static const struct setup setups[] = {
        {"adam:lr=0.01", "cosine:warmup=0.2", 0.2, 3, 1},
        {"momentum:lr=0.05", "plateau:patience=0,factor=0.5", 0.2, 0, 2},
        {"rmsprop:lr=0.01,centered=true,momentum=0.5", "step:every=2", 0, 0, 1},
        {"sgd:lr=0.1", NULL, 0, 0, 1},
    };
    snprintf(path, sizeof path, "checkpoint_test.%ld.safetensors", (long)getpid());
    trial_fill(data, ROWS * IN, 13);
    for (size_t i = 0; i < sizeof setups / sizeof *setups; i++) test_continue(&setups[i], i == 0 ? 1 : 6);
    test_end();
    test_refusals();
    test_damage();
    test_forged();
    test_forged_values();
    test_forged_position(ROWS, "99");
    test_forged_position(0, "99");
    test_cells();
    test_stride();
    test_unwritable();
    test_seconds();
    return check_finish();
}
