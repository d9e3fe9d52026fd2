/* source_test.c - rows from files and streams train as rows in memory do, and what is wrong with them is said with its
 * row. */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <unistd.h>

#include "train/trial.h"

enum { ROWS = 50, IN = 4, OUT = 3, BATCH = 8, EPOCHS = 3, STEPS = 7 };

static const char dropping[] =
    "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":6},{\"type\":\"batch_norm\"},"
    "{\"type\":\"relu\"},{\"type\":\"dropout\",\"rate\":0.3},{\"type\":\"dense\",\"units\":2}]}}";
static const char wider[] = "{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":3},"
                            "\"decoder\":{\"type\":\"sequential\",\"layers\":[]},\"loss\":\"mse\"}";

static char path[64];
static float data[ROWS * IN], targets[ROWS * OUT];
static const aenc_matrix x = {data, ROWS, IN, 0};

static aenc_fit_options plain(void) {
    return (aenc_fit_options){.struct_size = sizeof(aenc_fit_options), .epochs = EPOCHS, .batch = BATCH};
}

/* ---- Files ---- */

static void file_put(const char *dict, size_t shape_bytes, const void *bytes) {
    unsigned char header[128] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 118, 0};
    memset(header + 10, ' ', 117);
    memcpy(header + 10, dict, strlen(dict));
    header[127] = '\n';
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(header, 1, 128, file) != 128 || fwrite(bytes, 1, shape_bytes, file) != shape_bytes) exit(2);
    fclose(file);
}

static void test_same(const char *dict) {
    struct trial a = trial_create(dropping, 3, 1), b = trial_create(dropping, 3, 1), c = trial_create(dropping, 3, 2);
    aenc_fit_options options = plain();
    options.validation_fraction = 0.2;
    options.patience = 2;
    aenc_source *matrix, *file;
    file_put(dict, sizeof data, data);
    CHECK_STATUS(b.ctx, aenc_source_matrix(b.ctx, &x, &matrix), AENC_OK);
    CHECK_STATUS(c.ctx, aenc_source_npy(c.ctx, path, &file), AENC_OK);
    CHECK(aenc_source_rows(file) == ROWS && aenc_source_cols(file) == IN && aenc_source_rows(matrix) == ROWS);
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &options), AENC_OK);
    CHECK_STATUS(b.ctx, aenc_fit_source(b.model, matrix, &options), AENC_OK);
    remove(path); /* what is mapped stays */
    CHECK_STATUS(c.ctx, aenc_fit_source(c.model, file, &options), AENC_OK);
    CHECK(trial_same(&a, &b) && trial_same(&a, &c));
    trial_free(&a);
    trial_free(&b);
    trial_free(&c);
    aenc_source_free(matrix); /* after its context's last other handle */
    aenc_source_free(file);
}

static void refuse_file(const char *dict, size_t bytes, aenc_status want, const char *word) {
    struct trial a = trial_create(dropping, 3, 1);
    aenc_source *source = (aenc_source *)&a;
    file_put(dict, bytes, data);
    CHECK_STATUS(a.ctx, aenc_source_npy(a.ctx, path, &source), want);
    if (!CHECK(source == NULL && strstr(aenc_message(a.ctx), word) != NULL && strstr(aenc_message(a.ctx), path) != NULL))
        fprintf(stderr, "  %s\n", aenc_message(a.ctx));
    remove(path);
    trial_free(&a);
}

static void test_refused_files(void) {
    refuse_file("{'descr': '<f8', 'fortran_order': False, 'shape': (25, 4), }", 800, AENC_ERR_UNSUPPORTED, "'f8'");
    refuse_file("{'descr': '<u4', 'fortran_order': False, 'shape': (50, 4), }", 800, AENC_ERR_UNSUPPORTED, "'u4'");
    refuse_file("{'descr': '>f4', 'fortran_order': False, 'shape': (50, 4), }", 800, AENC_ERR_UNSUPPORTED, "byte order");
    refuse_file("{'descr': '<f4', 'fortran_order': True, 'shape': (50, 4), }", 800, AENC_ERR_UNSUPPORTED, "Fortran");
    refuse_file("{'descr': '<f4', 'fortran_order': False, 'shape': (200,), }", 800, AENC_ERR_SHAPE, "1 dimensions");
    refuse_file("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4), }", 0, AENC_ERR_SHAPE, "no elements");
    refuse_file("{'descr': '<f4', 'fortran_order': False, 'shape': (50, 4), }", 799, AENC_ERR_FORMAT, "");
    struct trial a = trial_create(dropping, 3, 1);
    aenc_source *source;
    CHECK_STATUS(a.ctx, aenc_source_npy(a.ctx, "no/such/file", &source), AENC_ERR_IO);
    CHECK_STATUS(a.ctx, aenc_source_npy(a.ctx, "/", &source), AENC_ERR_IO);
    trial_free(&a);
}

/* A file of 64 GiB, most of it holes: what is trained on is paged in, nothing else is. */
static void test_large(void) {
    enum { WIDE = 1 << 16, MANY = 1 << 18 };
    static const char wide[] = "{\"input\":[65536],\"encoder\":{\"type\":\"dense\",\"units\":1}}";
    struct trial a = trial_create(wide, 3, 1);
    aenc_source *source;
    file_put("{'descr': '<f4', 'fortran_order': False, 'shape': (262144, 256, 256), }", 0, data);
    bool room = sizeof(off_t) == 8 && truncate(path, 128 + (off_t)WIDE * MANY * 4) == 0;
    aenc_fit_options options = plain();
    options.steps_per_epoch = 2;
    options.epochs = 1;
    if (room && CHECK(aenc_source_npy(a.ctx, path, &source) == AENC_OK)) {
        CHECK_STATUS(a.ctx, aenc_fit_source(a.model, source, &options), AENC_OK);
        aenc_source_free(source);
    }
    remove(path);
    trial_free(&a);
}

/* ---- Streams ---- */

/* The rows of `data`, in portions of varying size. */
struct reader {
    uint64_t at, rows; /* of a pass */
    size_t portion;
    int64_t fail_at, reads, seeks, released; /* fail_at: a row; -1: none */
    int answer;                              /* there */
    bool with_target, with_weight;
};

static int reader_read(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    struct reader *reader = user;
    size_t count = 1 + reader->portion++ % 5;
    uint64_t left = reader->rows - reader->at;
    if (count > rows) count = rows;
    if (count > left) count = (size_t)left;
    reader->reads++;
    if (reader->fail_at >= 0 && reader->at + count > (uint64_t)reader->fail_at) return reader->answer;
    memcpy(input, data + reader->at * IN, count * IN * sizeof *input);
    if (reader->with_target) memcpy(target, targets + reader->at * OUT, count * OUT * sizeof *target);
    else CHECK(target == NULL);
    for (size_t r = 0; r < count; r++) {
        CHECK(weight[r] == 1);
        if (reader->with_weight) weight[r] = (float)(1 + (reader->at + r) % 3);
    }
    reader->at += count;
    *got = count;
    return 0;
}

static int reader_seek(void *user, uint64_t position) {
    struct reader *reader = user;
    reader->at = position;
    reader->seeks++;
    return 0;
}

static void reader_release(void *user) { ((struct reader *)user)->released++; }

static aenc_source *open_reader(aenc_context *ctx, struct reader *reader, uint64_t stated, bool ahead, bool seeks) {
    aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = IN,
                                       .target_cols = reader->with_target ? OUT : 0, .rows = stated,
                                       .read = reader_read, .seek = seeks ? reader_seek : NULL,
                                       .release = reader_release, .user = reader, .read_ahead = ahead};
    aenc_source *source;
    CHECK_STATUS(ctx, aenc_source_callback(ctx, &callbacks, &source), AENC_OK);
    return source;
}

/* What a stream's batches are, by hand. */
static struct trial by_hand(const char *description, bool with_target, bool with_weight) {
    struct trial trial = trial_create(description, 5, 1);
    aenc_optimizer *optimizer;
    float weight[BATCH];
    CHECK_STATUS(trial.ctx, aenc_optimizer_create(trial.model, "adam", &optimizer), AENC_OK);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        for (size_t at = 0; at < ROWS; at += BATCH) {
            size_t count = ROWS - at < BATCH ? ROWS - at : BATCH;
            aenc_batch batch = {.struct_size = sizeof batch, .input = {data + at * IN, count, IN, 0}};
            if (with_target) batch.target = (aenc_matrix){targets + at * OUT, count, OUT, 0};
            for (size_t r = 0; r < count; r++) weight[r] = (float)(1 + (at + r) % 3);
            if (with_weight) batch.weight = weight, batch.weight_count = count;
            CHECK_STATUS(trial.ctx, aenc_model_step(trial.model, optimizer, &batch, NULL), AENC_OK);
        }
    }
    aenc_optimizer_free(optimizer);
    return trial;
}

static void test_stream(const char *description, bool with_target, bool with_weight) {
    struct trial hand = by_hand(description, with_target, with_weight);
    for (int kind = 0; kind < 4; kind++) { /* stated rows or not; ahead or not */
        bool stated = kind % 2 == 0, ahead = kind / 2 == 1;
        struct reader reader = {.rows = ROWS, .fail_at = -1, .with_target = with_target, .with_weight = with_weight};
        struct trial a = trial_create(description, 5, 1);
        aenc_source *source = open_reader(a.ctx, &reader, stated ? ROWS : 0, ahead, true);
        aenc_fit_options options = plain();
        options.steps_per_epoch = stated ? 0 : STEPS;
        CHECK_STATUS(a.ctx, aenc_fit_source(a.model, source, &options), AENC_OK);
        CHECK(trial_same(&a, &hand));
        CHECK(aenc_model_history_count(a.model) == EPOCHS && reader.seeks == EPOCHS && reader.released == 0);
        aenc_source_free(source);
        CHECK(reader.released == 1);
        trial_free(&a);
    }
    trial_free(&hand);
}

/* A source without seek has one pass, and the run ends with it. */
static void test_one_pass(void) {
    for (int ahead = 0; ahead < 2; ahead++) {
        struct reader reader = {.rows = ROWS, .fail_at = -1};
        struct trial a = trial_create(dropping, 5, 1);
        aenc_source *source = open_reader(a.ctx, &reader, 0, ahead == 1, false);
        aenc_progress last = {.struct_size = sizeof last};
        aenc_fit_options options = plain();
        options.steps_per_epoch = 4;
        CHECK_STATUS(a.ctx, aenc_fit_source(a.model, source, &options), AENC_OK);
        CHECK(aenc_model_history_count(a.model) == 2); /* of 4 and 3 steps */
        CHECK_STATUS(a.ctx, aenc_model_history(a.model, 1, &last), AENC_OK);
        CHECK(last.step == 3 && last.steps == 4);
        CHECK_STATUS(a.ctx, aenc_fit_source(a.model, source, &options), AENC_ERR_SHAPE);
        CHECK(strstr(aenc_message(a.ctx), "no rows") != NULL);
        aenc_source_free(source);
        trial_free(&a);
    }
}

static int stop_after(void *user, const aenc_progress *now) {
    int64_t *left = user;
    return now->event == AENC_EVENT_STEP && --*left == 0;
}

static void test_resume(void) {
    struct trial hand = by_hand(dropping, false, true);
    for (int64_t after = 1; after < EPOCHS * STEPS; after += 4) {
        for (int kind = 0; kind < 4; kind++) {
            int64_t left = after;
            struct trial part[2];
            for (int p = 0; p < 2; p++) {
                struct reader reader = {.rows = ROWS, .fail_at = -1, .with_weight = true};
                part[p] = trial_create(dropping, 5, 1);
                aenc_source *source = open_reader(part[p].ctx, &reader, kind % 2 == 0 ? ROWS : 0, kind / 2 == 1, true);
                aenc_fit_options options = plain();
                options.steps_per_epoch = STEPS;
                options.checkpoint = path;
                options.checkpoint_steps = 1000;
                options.resume = p == 0 ? AENC_RESUME_NEVER : AENC_RESUME_REQUIRED;
                options.progress = stop_after;
                options.progress_user = &left;
                CHECK_STATUS(part[p].ctx, aenc_fit_source(part[p].model, source, &options), AENC_OK);
                aenc_source_free(source);
            }
            CHECK(trial_same(&part[1], &hand));
            trial_free(&part[0]);
            trial_free(&part[1]);
        }
    }
    struct reader reader = {.rows = ROWS, .fail_at = -1, .with_weight = true};
    struct trial a = trial_create(dropping, 5, 1);
    aenc_source *source = open_reader(a.ctx, &reader, ROWS, false, false);
    aenc_fit_options options = plain();
    options.checkpoint = path;
    options.resume = AENC_RESUME_REQUIRED;
    CHECK_STATUS(a.ctx, aenc_fit_source(a.model, source, &options), AENC_ERR_UNSUPPORTED);
    CHECK(strstr(aenc_message(a.ctx), "no seek") != NULL);
    aenc_source_free(source);
    trial_free(&a);
    trial_free(&hand);
    remove(path);
}

/* ---- What is wrong with a stream ---- */

static int read_nothing(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    (void)user, (void)input, (void)target, (void)weight, (void)rows;
    *got = 0;
    return 0;
}

static int read_too_much(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    (void)user, (void)input, (void)target, (void)weight;
    *got = rows + 1;
    return 0;
}

static int seek_never(void *user, uint64_t position) {
    (void)user, (void)position;
    return -3;
}

static void refuse(struct reader *reader, aenc_source_callbacks change, int64_t steps, aenc_status want, const char *word,
                   int64_t good_steps) {
    const aenc_source_callbacks given = change;
    for (int64_t ahead = 0; ahead < 2; ahead++) {
        struct trial a = trial_create(dropping, 5, 1);
        struct reader own = *reader;
        int64_t left = good_steps;
        change.struct_size = sizeof change;
        change.cols = change.cols == 0 ? IN : change.cols;
        change.read = change.read == NULL ? reader_read : change.read;
        change.user = &own;
        change.read_ahead = ahead;
        aenc_source *source;
        aenc_fit_options options = plain();
        options.steps_per_epoch = steps;
        options.progress = stop_after;
        options.progress_user = &left;
        left = 1000;
        CHECK_STATUS(a.ctx, aenc_source_callback(a.ctx, &change, &source), AENC_OK);
        CHECK_STATUS(a.ctx, aenc_fit_source(a.model, source, &options), want);
        if (!CHECK(strstr(aenc_message(a.ctx), word) != NULL)) fprintf(stderr, "  %s\n", aenc_message(a.ctx));
        CHECK(1000 - left == good_steps && trial_finite(&a) && own.released == 0);
        change.rows = UINT64_MAX, change.release = reader_release; /* a source that is refused gives its user back, too */
        aenc_source *none;
        CHECK_STATUS(a.ctx, aenc_source_callback(a.ctx, &change, &none), AENC_ERR_SHAPE);
        CHECK(none == NULL && own.released == 1);
        CHECK(aenc_source_callback(NULL, &change, &none) == AENC_ERR_ARGUMENT && own.released == 2);
        const aenc_stream stream = {.struct_size = sizeof stream, .release = reader_release, .user = &own};
        CHECK_STATUS(a.ctx, aenc_source_stream(a.ctx, &stream, &none), AENC_ERR_ARGUMENT);
        CHECK(none == NULL && own.released == 3);
        change.rows = given.rows, change.release = given.release;
        aenc_source_free(source);
        trial_free(&a);
    }
}

static void test_refusals(void) {
    struct reader good = {.rows = ROWS, .fail_at = -1}, failing = {.rows = ROWS, .fail_at = 19, .answer = -7};
    const aenc_source_callbacks none = {.rows = ROWS};
    refuse(&failing, none, 0, AENC_ERR_CALLBACK, "read returned -7 for source[1", 2);
    refuse(&good, (aenc_source_callbacks){.rows = 0}, 0, AENC_ERR_ARGUMENT, "steps_per_epoch", 0);
    refuse(&good, (aenc_source_callbacks){.rows = ROWS + 1}, 0, AENC_ERR_SHAPE, "after 50 rows", 6);
    refuse(&good, (aenc_source_callbacks){.rows = ROWS, .read = read_too_much}, 0, AENC_ERR_ARGUMENT, "more rows", 0);
    refuse(&good, (aenc_source_callbacks){.rows = 0, .read = read_nothing}, 3, AENC_ERR_SHAPE, "no rows", 0);
    refuse(&good, (aenc_source_callbacks){.rows = ROWS, .seek = seek_never}, 0, AENC_ERR_CALLBACK, "seek returned -3", 0);
    refuse(&good, (aenc_source_callbacks){.rows = ROWS, .cols = IN + 1}, 0, AENC_ERR_SHAPE, "5 columns", 0);
    float kept = data[20 * IN + 2];
    data[20 * IN + 2] = NAN;
    refuse(&good, none, 0, AENC_ERR_NONFINITE, "source[20, 2] is nan", 2);
    struct trial a = trial_create(dropping, 5, 1), b = trial_create(dropping, 5, 1);
    aenc_source *source;
    aenc_fit_options options = plain();
    CHECK_STATUS(a.ctx, aenc_source_matrix(a.ctx, &x, &source), AENC_OK);
    CHECK_STATUS(a.ctx, aenc_fit_source(a.model, source, &options), AENC_ERR_NONFINITE);
    CHECK(strstr(aenc_message(a.ctx), "source[20, 2]") != NULL && trial_finite(&a));
    data[20 * IN + 2] = kept;
    CHECK_STATUS(b.ctx, aenc_fit_source(b.model, source, &options), AENC_ERR_ARGUMENT); /* another context's */
    CHECK_STATUS(a.ctx, aenc_fit_source(a.model, NULL, &options), AENC_ERR_ARGUMENT);
    aenc_source_free(source);
    aenc_source_free(NULL);
    CHECK(aenc_source_matrix(NULL, &x, &source) == AENC_ERR_ARGUMENT && source == NULL);
    CHECK_STATUS(a.ctx, aenc_source_matrix(a.ctx, NULL, &source), AENC_ERR_ARGUMENT);
    CHECK_STATUS(a.ctx, aenc_source_matrix(a.ctx, &x, NULL), AENC_ERR_ARGUMENT);
    CHECK(aenc_source_npy(NULL, path, &source) == AENC_ERR_ARGUMENT);
    CHECK_STATUS(a.ctx, aenc_source_npy(a.ctx, NULL, &source), AENC_ERR_ARGUMENT);
    CHECK_STATUS(a.ctx, aenc_source_npy(a.ctx, path, NULL), AENC_ERR_ARGUMENT);
    CHECK(aenc_source_callback(NULL, NULL, &source) == AENC_ERR_ARGUMENT);
    CHECK_STATUS(a.ctx, aenc_source_callback(a.ctx, NULL, &source), AENC_ERR_ARGUMENT);
    CHECK_STATUS(a.ctx, aenc_source_callback(a.ctx, NULL, NULL), AENC_ERR_ARGUMENT);
    aenc_source_callbacks empty = {.struct_size = sizeof empty, .cols = 1};
    CHECK_STATUS(a.ctx, aenc_source_callback(a.ctx, &empty, &source), AENC_ERR_ARGUMENT);
    empty.read = read_nothing;
    empty.read_ahead = 2;
    CHECK_STATUS(a.ctx, aenc_source_callback(a.ctx, &empty, &source), AENC_ERR_ARGUMENT);
    empty.cols = 0;
    CHECK_STATUS(a.ctx, aenc_source_callback(a.ctx, &empty, &source), AENC_ERR_SHAPE);
    CHECK(aenc_source_rows(NULL) == 0 && aenc_source_cols(NULL) == 0);
    CHECK(aenc_fit_source(NULL, NULL, NULL) == AENC_ERR_ARGUMENT);
    source = open_reader(a.ctx, &good, ROWS, false, true);
    options.validation_fraction = 0.1;
    CHECK_STATUS(a.ctx, aenc_fit_source(a.model, source, &options), AENC_ERR_ARGUMENT);
    options.validation_fraction = 0;
    options.target = &x;
    CHECK_STATUS(a.ctx, aenc_fit_source(a.model, source, &options), AENC_ERR_ARGUMENT);
    aenc_source_free(source);
    trial_free(&a);
    trial_free(&b);
}

int main(void) {
    snprintf(path, sizeof path, "source_test.%ld.npy", (long)getpid());
    trial_fill(data, ROWS * IN, 13);
    trial_fill(targets, ROWS * OUT, 14);
    test_same("{'descr': '<f4', 'fortran_order': False, 'shape': (50, 4), }");
    test_same("{'descr': '<f4', 'fortran_order': False, 'shape': (50, 2, 2), }");
    test_refused_files();
    test_large();
    test_stream(dropping, false, false);
    test_stream(dropping, false, true);
    test_stream(wider, true, true);
    test_one_pass();
    test_resume();
    test_refusals();
    return check_finish();
}
