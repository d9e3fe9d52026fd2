/* valid_stream_test.c - held-out rows that a stream gives: losses, terms, patience, the best epoch and what is resumed have the bits
 * that the same rows in memory give; what is wrong with the stream is said of it. */
#include <math.h>
#include <unistd.h>

#include "train/trial.h"

enum { ROWS = 60, VALID = 4300, IN = 4, EPOCHS = 12 };

static const char net[] = "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5,"
                          "\"activation\":\"relu\"},{\"type\":\"dense\",\"units\":3}]}}";
/* Draws in validation too, terms of the objective, measures. */
static const char drawn[] = "{\"input\":[4],\"encoder\":{\"type\":\"dense\",\"units\":6,\"activation\":\"tanh\"},"
                            "\"bottleneck\":\"gaussian:units=2\",\"penalties\":[\"l2_weights:weight=0.001\"],"
                            "\"fields\":{\"kind\":\"classes:count=3\"},\"condition\":[\"kind\"]}";
static const char classes[] = "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"batch_norm\"},"
                              "{\"type\":\"dense\",\"units\":4}]},\"loss\":\"cross_entropy:classes=3\"}";

static float data[ROWS * IN], held[VALID * IN], weight[VALID];
static int32_t label[ROWS], held_label[VALID];
static char path[64];

/* ---- Sources ---- */

enum trouble { NONE, FAILS, STOPS, SEEK_FAILS, SEEK_STOPS, SHORT, EMPTY, NOT_A_NUMBER, BAD_LABEL, BAD_WEIGHT, NO_WEIGHT, TOO_MANY, CANCELS, EVALUATES };

/* What the stream's user is: the held-out rows. */
struct reader {
    size_t at, portion, rows; /* a call gives at most so many */
    int64_t read, seeks;      /* rows given so far */
    bool labelled, weighted;
    enum trouble trouble;
    int64_t from; /* the trouble begins when so many rows have been given */
    aenc_model *model;
};

static int read_rows(void *user, aenc_fill *fill) {
    struct reader *r = user;
    bool now = r->read >= r->from;
    size_t left = r->rows - r->at, count = fill->rows < left ? fill->rows : left, field = 1;
    double loss;
    const aenc_batch other = {.struct_size = sizeof other, .input = {data, 7, IN, 0}};
    if (count > r->portion) count = r->portion;
    if (now && r->trouble == FAILS) return -3;
    if (now && r->trouble == STOPS) return 3;
    if (now && (r->trouble == SHORT || r->trouble == EMPTY)) count = 0;
    if (r->trouble == CANCELS && now) aenc_model_cancel(r->model);
    if (r->trouble == EVALUATES) CHECK(aenc_model_evaluate(r->model, &other, &loss) == AENC_OK);
    memcpy(fill->data[0], held + r->at * IN, count * IN * sizeof *held);
    if (now && r->trouble == NOT_A_NUMBER && count > 1) ((float *)fill->data[0])[IN + 2] = NAN;
    if (r->labelled) memcpy(fill->data[field], held_label + r->at, count * sizeof *held_label);
    if (r->labelled && now && r->trouble == BAD_LABEL) ((int32_t *)fill->data[field])[0] = 3;
    field += r->labelled;
    if (r->weighted) memcpy(fill->data[field], weight + r->at, count * sizeof *weight);
    for (size_t i = 0; r->weighted && r->trouble == NO_WEIGHT && i < count; i++) ((float *)fill->data[field])[i] = 0;
    if (r->weighted && now && r->trouble == BAD_WEIGHT) ((float *)fill->data[field])[0] = -2;
    r->at += count;
    r->read += (int64_t)count;
    fill->got = now && r->trouble == TOO_MANY ? fill->rows + 1 : count;
    return 0;
}

static int seek_row(void *user, uint64_t position) {
    struct reader *r = user;
    r->at = (size_t)position;
    r->seeks++;
    bool now = r->read >= r->from;
    return now && r->trouble == SEEK_FAILS ? -5 : now && r->trouble == SEEK_STOPS ? 5 : 0;
}

/* `name`: of the field of labels; NULL: there is none. */
static aenc_source *stream_of(const struct trial *t, struct reader *r, const char *name, bool states, bool ahead) {
    static const size_t width[] = {IN};
    const aenc_array in = {.struct_size = sizeof in, .name = "input", .dims = width, .rank = 1},
                     y = {.struct_size = sizeof y, .name = name, .type = AENC_TYPE_I32}, w = {.struct_size = sizeof w, .name = "weight"};
    const aenc_array *list[3] = {&in};
    size_t count = 1;
    r->labelled = name != NULL;
    if (name != NULL) list[count++] = &y;
    if (r->weighted) list[count++] = &w;
    const aenc_stream s = {.struct_size = sizeof s, .fields = list, .field_count = count, .rows = states ? r->rows : 0,
                           .read = read_rows, .seek = seek_row, .user = r, .read_ahead = ahead};
    aenc_source *source = NULL;
    CHECK_STATUS(t->ctx, aenc_source_stream(t->ctx, &s, &source), AENC_OK);
    return source;
}

static aenc_source *arrays_of(const struct trial *t, float *input, size_t rows, const char *name, int32_t *labels, float *weights) {
    const size_t dims[] = {rows, IN};
    const aenc_array in = {.struct_size = sizeof in, .name = "input", .data = input, .size = rows * IN * 4, .dims = dims, .rank = 2},
                     y = {.struct_size = sizeof y, .name = name, .data = labels, .size = rows * 4, .dims = dims, .rank = 1,
                          .type = AENC_TYPE_I32},
                     w = {.struct_size = sizeof w, .name = "weight", .data = weights, .size = rows * 4, .dims = dims, .rank = 1};
    const aenc_array *list[3] = {&in};
    size_t count = 1;
    if (name != NULL) list[count++] = &y;
    if (weights != NULL) list[count++] = &w;
    aenc_source *source = NULL;
    CHECK_STATUS(t->ctx, aenc_source_arrays(t->ctx, list, count, &source), AENC_OK);
    return source;
}

static const struct {
    const char *text, *field; /* the model, and its field of labels */
} nets[] = {{net, NULL}, {drawn, "kind"}, {classes, "target"}};

static aenc_fit_options options_of(const aenc_source *valid) {
    return (aenc_fit_options){.struct_size = sizeof(aenc_fit_options), .optimizer = "adam:lr=0.05", .schedule = "plateau:patience=1",
                              .epochs = EPOCHS, .batch = 16, .patience = 3, .valid_source = valid};
}

/* ---- The same bits ---- */

static void check_same(const struct trial *a, const struct trial *b) {
    size_t epochs = aenc_model_history_count(a->model);
    CHECK(trial_same(a, b) && epochs > 0 && epochs == aenc_model_history_count(b->model));
    CHECK(aenc_model_stopped(a->model) == aenc_model_stopped(b->model));
    for (size_t i = 0; i < epochs; i++) {
        aenc_progress p = {.struct_size = sizeof p}, q = p;
        CHECK_STATUS(a->ctx, aenc_model_history(a->model, i, &p), AENC_OK);
        CHECK_STATUS(b->ctx, aenc_model_history(b->model, i, &q), AENC_OK);
        CHECK(p.valid_loss == q.valid_loss && p.train_loss == q.train_loss && p.best_epoch == q.best_epoch && p.best_epoch > 0);
        for (size_t t = 0; t < aenc_model_term_count(a->model); t++) {
            double x[2] = {0, 0};
            CHECK_STATUS(a->ctx, aenc_model_history_term_valid(a->model, i, t, &x[0]), AENC_OK);
            CHECK_STATUS(b->ctx, aenc_model_history_term_valid(b->model, i, t, &x[1]), AENC_OK);
            CHECK(memcmp(&x[0], &x[1], sizeof *x) == 0 || (isnan(x[0]) && isnan(x[1])));
        }
    }
}

static void test_bits(size_t which, bool weighted, size_t rows, int64_t threads, bool states, bool ahead) {
    struct trial a = trial_create(nets[which].text, 5, 1), b = trial_create(nets[which].text, 5, threads);
    const char *field = nets[which].field;
    struct reader r = {.portion = 37, .rows = rows, .weighted = weighted, .model = b.model, .trouble = ahead ? NONE : EVALUATES};
    if (which == 1) r.trouble = NONE; /* its rows need a condition */
    if (which == 2) r.trouble = NONE;
    aenc_source *train[2] = {arrays_of(&a, data, ROWS, field, label, NULL), arrays_of(&b, data, ROWS, field, label, NULL)};
    aenc_source *valid[2] = {arrays_of(&a, held, rows, field, held_label, weighted ? weight : NULL), stream_of(&b, &r, field, states, ahead)};
    aenc_fit_options o = options_of(valid[0]);
    CHECK_STATUS(a.ctx, aenc_fit_source(a.model, train[0], &o), AENC_OK);
    o.valid_source = valid[1];
    CHECK_STATUS(b.ctx, aenc_fit_source(b.model, train[1], &o), AENC_OK);
    check_same(&a, &b);
    int64_t epochs = (int64_t)aenc_model_history_count(b.model);
    CHECK(r.read == epochs * (int64_t)rows && r.seeks == epochs); /* once in each */
    for (int i = 0; i < 2; i++) aenc_source_free(train[i]), aenc_source_free(valid[i]);
    trial_free(&a);
    trial_free(&b);
}

/* Rows of which 4096 would take too much memory are read fewer at a time. */
enum { WIDE = 6000, MANY = 700 };
static float wide[MANY * WIDE];
struct wide_reader {
    size_t at, most;
};
static int read_wide(void *user, float *input, float *target, float *weights, size_t rows, size_t *got) {
    struct wide_reader *r = user;
    (void)target, (void)weights;
    *got = rows < MANY - r->at ? rows : MANY - r->at;
    if (rows > r->most) r->most = rows;
    memcpy(input, wide + r->at * WIDE, *got * WIDE * sizeof *input);
    r->at += *got;
    return 0;
}
static int seek_wide(void *user, uint64_t position) { return ((struct wide_reader *)user)->at = (size_t)position, 0; }

static void test_wide(void) {
    static const char text[] = "{\"input\":[6000],\"encoder\":{\"type\":\"dense\",\"units\":2}}";
    const aenc_matrix x = {wide, 40, WIDE, 0}, valid = {wide, MANY, WIDE, 0};
    struct wide_reader r = {0, 0};
    const aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = WIDE, .read = read_wide, .seek = seek_wide, .user = &r};
    struct trial a = trial_create(text, 5, 1), b = trial_create(text, 5, 2);
    aenc_fit_options o = {.struct_size = sizeof o, .epochs = 2, .batch = 20, .valid = &valid};
    aenc_source *source = NULL;
    trial_fill(wide, MANY * WIDE, 7);
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &o), AENC_OK);
    CHECK_STATUS(b.ctx, aenc_source_callback(b.ctx, &callbacks, &source), AENC_OK);
    o.valid = NULL, o.valid_source = source;
    CHECK_STATUS(b.ctx, aenc_fit(b.model, &x, &o), AENC_OK);
    check_same(&a, &b);
    CHECK(r.most * WIDE * sizeof *wide <= (size_t)16 << 20 && r.most % 128 == 0);
    aenc_source_free(source);
    trial_free(&a);
    trial_free(&b);
}

/* ---- Resumed ---- */

static int stop_at(void *user, const aenc_progress *now) {
    int *left = user;
    return now->event == AENC_EVENT_STEP && --*left == 0;
}

/* Stopped at a step, or by the stream in a validation, and resumed: the bits of a run that was not, read from the stream's beginning. */
static void test_resume(bool in_validation, int64_t threads) {
    struct trial whole = trial_create(drawn, 5, 1), a = trial_create(drawn, 5, threads), b = trial_create(drawn, 5, 1);
    struct reader r = {.portion = 50, .rows = 500, .weighted = true};
    int left = 11;
    aenc_source *train[3], *valid = stream_of(&whole, &r, "kind", true, false);
    const struct trial *of[3] = {&whole, &a, &b};
    for (int i = 0; i < 3; i++) train[i] = arrays_of(of[i], data, ROWS, "kind", label, NULL);
    aenc_fit_options o = options_of(valid);
    CHECK_STATUS(whole.ctx, aenc_fit_source(whole.model, train[0], &o), AENC_OK);
    aenc_source_free(valid);

    valid = stream_of(&a, &r, "kind", true, true);
    o = options_of(valid);
    o.checkpoint = path, o.resume = AENC_RESUME_IF_THERE;
    if (in_validation) r.trouble = STOPS, r.read = 0, r.from = 1200;
    else o.progress = stop_at, o.progress_user = &left;
    CHECK_STATUS(a.ctx, aenc_fit_source(a.model, train[1], &o), AENC_OK);
    CHECK(aenc_model_stopped(a.model) == AENC_STOPPED_CALLBACK && aenc_model_history_count(a.model) == 3);
    r.trouble = NONE;
    o.progress = NULL;
    aenc_source_free(valid);

    valid = stream_of(&b, &r, "kind", true, false);
    o.valid_source = valid;
    CHECK_STATUS(b.ctx, aenc_fit_source(b.model, train[2], &o), AENC_OK);
    check_same(&whole, &b);
    aenc_source_free(valid);
    r.rows = 501; /* another stream by what it states */
    valid = stream_of(&b, &r, "kind", true, false);
    o.valid_source = valid;
    CHECK_STATUS(b.ctx, aenc_fit_source(b.model, train[2], &o), AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(b.ctx), "valid was a stream of 500 rows of 4, targets of 0 and is a stream of 501 rows") != NULL);
    aenc_source_free(valid);
    for (int i = 0; i < 3; i++) aenc_source_free(train[i]);
    trial_free(&whole), trial_free(&a), trial_free(&b);
    remove(path);
}

/* ---- What is wrong with it ---- */

/* In the second epoch, whose steps stay. */
static void test_troubles(bool ahead) {
    static const struct {
        enum trouble trouble;
        aenc_status status;
        int32_t stopped;
        const char *message;
    } cases[] = {
        {FAILS, AENC_ERR_CALLBACK, AENC_STOPPED_NOT, "the valid_source's read returned -3 for valid_source[30]"},
        {STOPS, AENC_OK, AENC_STOPPED_CALLBACK, NULL},
        {SEEK_FAILS, AENC_ERR_CALLBACK, AENC_STOPPED_NOT, "the valid_source's seek returned -5"},
        {SEEK_STOPS, AENC_OK, AENC_STOPPED_CALLBACK, NULL},
        {SHORT, AENC_ERR_SHAPE, AENC_STOPPED_NOT, "the valid_source ended after 30 rows; it had stated 90"},
        {NOT_A_NUMBER, AENC_ERR_NONFINITE, AENC_STOPPED_NOT, "valid_source[31, 2] is nan"},
        {BAD_LABEL, AENC_ERR_ARGUMENT, AENC_STOPPED_NOT, "valid_source.target[30, 0] is 3"},
        {BAD_WEIGHT, AENC_ERR_ARGUMENT, AENC_STOPPED_NOT, "valid_source.weight[30] is -2"},
        {TOO_MANY, AENC_ERR_ARGUMENT, AENC_STOPPED_NOT, "the valid_source's read says for valid_source[30] that it wrote more rows than fit"},
        {CANCELS, AENC_OK, AENC_STOPPED_CANCEL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct trial t = trial_create(classes, 5, 2);
        struct reader r = {.portion = 30, .rows = 90, .weighted = true, .trouble = cases[i].trouble, .from = 120, .model = t.model};
        if (r.trouble == SEEK_FAILS || r.trouble == SEEK_STOPS) r.from = 90;
        aenc_source *train = arrays_of(&t, data, ROWS, "target", label, NULL), *valid = stream_of(&t, &r, "target", true, ahead);
        aenc_fit_options o = options_of(valid);
        aenc_progress last = {.struct_size = sizeof last};
        aenc_status got = aenc_fit_source(t.model, train, &o);
        bool good = got == cases[i].status && aenc_model_stopped(t.model) == cases[i].stopped && trial_finite(&t) &&
                    (cases[i].message == NULL || strstr(aenc_message(t.ctx), cases[i].message) != NULL);
        if (!CHECK(good)) fprintf(stderr, "  trouble %d: %s: %s\n", (int)r.trouble, aenc_status_name(got), aenc_message(t.ctx));
        if (got == AENC_OK) {
            CHECK(aenc_model_history_count(t.model) == 2);
            CHECK_STATUS(t.ctx, aenc_model_history(t.model, 1, &last), AENC_OK);
            CHECK(isnan(last.valid_loss) == (r.trouble != CANCELS) && last.best_epoch > 0);
        }
        aenc_source_free(train);
        aenc_source_free(valid);
        trial_free(&t);
    }
}

static void refused(const struct trial *t, aenc_source *train, const aenc_source *valid, aenc_status status, const char *message) {
    aenc_fit_options o = options_of(valid);
    CHECK_STATUS(t->ctx, aenc_fit_source(t->model, train, &o), status);
    if (!CHECK(strstr(aenc_message(t->ctx), message) != NULL)) fprintf(stderr, "  %s\n", aenc_message(t->ctx));
}

static void test_refused(void) {
    struct trial t = trial_create(classes, 5, 1), other = trial_create(classes, 5, 1);
    struct reader r = {.portion = 30, .rows = 90}, none = {.portion = 30, .rows = 0}, light = {.portion = 30, .rows = 90, .weighted = true, .trouble = NO_WEIGHT};
    struct wide_reader w = {0, 0};
    aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = IN, .target_cols = 1, .rows = 90, .read = read_wide, .user = &w};
    aenc_source *train = arrays_of(&t, data, ROWS, "target", label, NULL), *valid = stream_of(&t, &r, "target", false, false);
    aenc_source *plain = stream_of(&t, &(struct reader){.rows = 90}, NULL, true, false), *no_seek = NULL, *narrow = NULL;
    aenc_source *empty = stream_of(&t, &none, "target", false, false), *foreign = stream_of(&other, &r, "target", true, false);
    aenc_source *weightless = stream_of(&t, &light, "target", true, false);
    CHECK_STATUS(t.ctx, aenc_source_callback(t.ctx, &callbacks, &no_seek), AENC_OK);
    callbacks.cols = 3, callbacks.seek = seek_wide;
    CHECK_STATUS(t.ctx, aenc_source_callback(t.ctx, &callbacks, &narrow), AENC_OK);
    refused(&t, train, no_seek, AENC_ERR_UNSUPPORTED, "aenc_fit_options.valid_source has no seek");
    refused(&t, train, narrow, AENC_ERR_SHAPE, "aenc_fit_options.valid_source");
    refused(&t, train, plain, AENC_ERR_ARGUMENT, "aenc_fit_options.valid_source has no 'target'");
    refused(&t, train, foreign, AENC_ERR_ARGUMENT, "aenc_fit_options.valid_source belongs to another context");
    refused(&t, valid, valid, AENC_ERR_ARGUMENT, "aenc_fit_options.valid_source is the source that is trained on");
    refused(&t, train, empty, AENC_ERR_SHAPE, "the valid_source has no rows");
    refused(&t, train, weightless, AENC_ERR_ARGUMENT, "valid_source.weight adds up to 0");
    aenc_source_free(weightless), aenc_source_free(empty), aenc_source_free(foreign), aenc_source_free(narrow), aenc_source_free(no_seek);
    aenc_source_free(plain), aenc_source_free(valid), aenc_source_free(train);
    trial_free(&t), trial_free(&other);
}

/* ---- Freed in a callback: it goes when the run ends ---- */

static int free_it(void *user, const aenc_progress *now) {
    aenc_source **source = user;
    if (now->event == AENC_EVENT_STEP) aenc_source_free(*source), *source = NULL;
    return 0;
}

static void test_freed(bool streams) {
    struct trial a = trial_create(net, 5, 1), b = trial_create(net, 5, 1);
    struct reader r = {.portion = 30, .rows = 200};
    const aenc_matrix x = {data, ROWS, IN, 0}, valid = {held, 200, IN, 0};
    aenc_source *source = streams ? stream_of(&b, &r, NULL, true, true) : arrays_of(&b, held, 200, NULL, NULL, NULL);
    aenc_fit_options o = options_of(NULL);
    o.valid = &valid;
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &o), AENC_OK);
    o.valid = NULL, o.valid_source = source, o.progress = free_it, o.progress_user = &source;
    CHECK_STATUS(b.ctx, aenc_fit(b.model, &x, &o), AENC_OK);
    CHECK(source == NULL);
    check_same(&a, &b);
    trial_free(&a);
    trial_free(&b);
}

int main(void) {
    snprintf(path, sizeof path, "valid_stream_test.%ld", (long)getpid());
    trial_fill(data, ROWS * IN, 3);
    trial_fill(held, VALID * IN, 4);
    for (int i = 0; i < ROWS; i++) label[i] = i % 3;
    for (int i = 0; i < VALID; i++) held_label[i] = i * 7 % 3, weight[i] = 0.5f * (float)(i % 4);
    for (size_t which = 0; which < sizeof nets / sizeof *nets; which++)
        for (int way = 0; way < 8; way++)
            test_bits(which, way & 1, way & 2 ? VALID : 150, way & 4 ? 3 : 1, way % 3 != 0, way & 4);
    test_wide();
    for (int64_t threads = 1; threads < 3; threads++) {
        test_resume(false, threads);
        test_resume(true, threads);
    }
    for (int ahead = 0; ahead < 2; ahead++) test_troubles(ahead);
    test_refused();
    test_freed(false);
    test_freed(true);
    return check_finish();
}
