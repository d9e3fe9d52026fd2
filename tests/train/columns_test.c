/* columns_test.c - fits on data of any type with all their fields: the same bits from bytes and from the floats they stand for, from
 * memory and from a stream; weights and held-out rows as the options and as a source give them; resumed with all of them. */
#define _POSIX_C_SOURCE 200809L

#include <unistd.h>

#include "train/trial.h"

enum { ROWS = 60, IN = 6, EPOCHS = 4, STOP = 9 };

static const char net[] = "{\"input\":[6],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":5,"
                          "\"activation\":\"relu\"},{\"type\":\"dense\",\"units\":3}]}}";
static const char classes[] = "{\"input\":[6],\"encoder\":{\"type\":\"dense\",\"units\":4},\"loss\":\"cross_entropy:classes=3\","
                              "\"fields\":{\"age\":\"length:count=90\"}}";

static uint8_t bytes[ROWS * IN];
static float floats[ROWS * IN], weight[ROWS];
static int32_t label[ROWS], age[ROWS];
static const aenc_matrix x = {floats, ROWS, IN, 0};
static const size_t dims[] = {ROWS, IN}, single[] = {ROWS};

static aenc_array array(const char *name, void *data, size_t size, int32_t type, bool wide) {
    return (aenc_array){.struct_size = sizeof(aenc_array), .name = name, .data = data, .size = size, .dims = wide ? dims : single,
                        .rank = wide ? 2 : 1, .type = type};
}

static aenc_fit_options plain(void) {
    return (aenc_fit_options){.struct_size = sizeof(aenc_fit_options), .epochs = EPOCHS, .batch = 16};
}

static aenc_source *made(const struct trial *t, const aenc_array *const *list, size_t count) {
    aenc_source *source = NULL;
    CHECK_STATUS(t->ctx, aenc_source_arrays(t->ctx, list, count, &source), AENC_OK);
    return source;
}

static void test_bytes(void) {
    struct trial a = trial_create(net, 5, 1), b = trial_create(net, 5, 2);
    aenc_fit_options options = plain();
    aenc_array in = array("input", bytes, sizeof bytes, AENC_TYPE_U8, true), w = array("weight", weight, sizeof weight, 0, false);
    const aenc_array *list[] = {&in, &w};
    options.validation_fraction = 0.25;
    aenc_source *source = made(&b, list, 2);
    CHECK_STATUS(b.ctx, aenc_fit_source(b.model, source, &options), AENC_OK);
    options.weight = weight, options.weight_count = ROWS;
    CHECK_STATUS(a.ctx, aenc_fit(a.model, &x, &options), AENC_OK);
    CHECK(trial_same(&a, &b));
    CHECK(aenc_fit_source(b.model, source, &options) == AENC_ERR_ARGUMENT && strstr(aenc_message(b.ctx), "weight") != NULL);
    aenc_source_free(source);
    trial_free(&a);
    trial_free(&b);
}

/* A weight of 2 is a row that is there twice; of 0 one that is not. */
static void test_weights(void) {
    struct trial a = trial_create(net, 5, 1), b = trial_create(net, 5, 1);
    float twice[2] = {2, 0}, rows[2 * IN];
    aenc_fit_options options = plain();
    memcpy(rows, floats, sizeof rows);
    const aenc_matrix one = {rows, 1, IN, 0}, two = {rows, 2, IN, 0};
    CHECK_STATUS(a.ctx, aenc_partial_fit(a.model, &one, &(aenc_fit_options){.struct_size = sizeof options}), AENC_OK);
    options = (aenc_fit_options){.struct_size = sizeof options, .weight = twice, .weight_count = 2};
    CHECK_STATUS(b.ctx, aenc_partial_fit(b.model, &two, &options), AENC_OK);
    static float p[TRIAL_NUMBERS], q[TRIAL_NUMBERS];
    size_t count = trial_numbers(&a, p);
    CHECK(trial_numbers(&b, q) == count);
    for (size_t i = 0; i < count; i++) CHECK_NEAR(p[i], q[i], 1e-6);
    twice[0] = -1;
    CHECK(aenc_partial_fit(b.model, &two, &options) == AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(b.ctx), "aenc_fit_options.weight[0] is -1") != NULL);
    twice[0] = (float)NAN;
    CHECK(aenc_partial_fit(b.model, &two, &options) == AENC_ERR_NONFINITE);
    twice[0] = 0;
    CHECK(aenc_partial_fit(b.model, &two, &options) == AENC_ERR_ARGUMENT);
    options.weight_count = 1;
    CHECK(aenc_partial_fit(b.model, &two, &options) == AENC_ERR_SHAPE);
    options.weight = NULL;
    CHECK(aenc_partial_fit(b.model, &two, &options) == AENC_ERR_ARGUMENT);
    trial_free(&a);
    trial_free(&b);
}

struct reader {
    size_t at, portion;
    bool typed;
};

static int read_rows(void *user, aenc_fill *fill) {
    struct reader *r = user;
    if (fill->struct_size < sizeof *fill || fill->field_count != 3 || fill->got != 0) return 4;
    if (fill->size[0] != fill->rows * IN || fill->size[1] != fill->rows * 4 || fill->size[2] != fill->rows * 4) return 5;
    size_t left = ROWS - r->at, count = fill->rows < left ? fill->rows : left;
    if (count > r->portion) count = r->portion;
    memcpy(fill->data[0], bytes + r->at * IN, count * IN);
    memcpy(fill->data[1], label + r->at, count * 4);
    memcpy(fill->data[2], age + r->at, count * 4);
    fill->got = count;
    r->at += count;
    return 0;
}

static int seek_row(void *user, uint64_t position) { return ((struct reader *)user)->at = (size_t)position, 0; }

static aenc_source *stream(const struct trial *t, struct reader *reader, bool ahead) {
    aenc_array in = array("input", NULL, 0, AENC_TYPE_U8, true), y = array("target", NULL, 0, AENC_TYPE_I32, false);
    aenc_array z = array("age", NULL, 0, AENC_TYPE_I32, false);
    in.dims++, in.rank = 1, y.rank = z.rank = 0;
    const aenc_array *list[] = {&in, &y, &z};
    const aenc_stream s = {.struct_size = sizeof s, .fields = list, .field_count = 3, .rows = ROWS, .read = read_rows,
                           .seek = seek_row, .user = reader, .read_ahead = ahead};
    aenc_source *source = NULL;
    CHECK_STATUS(t->ctx, aenc_source_stream(t->ctx, &s, &source), AENC_OK);
    return source;
}

static int stop_at(void *user, const aenc_progress *now) {
    int *left = user;
    return now->event == AENC_EVENT_STEP && --*left == 0;
}

/* Labels as options, as a column and out of a stream; broken off and resumed. */
static void test_streams(const char *path) {
    for (int ahead = 0; ahead < 2; ahead++) {
        struct trial a = trial_create(classes, 5, 1), b = trial_create(classes, 5, 2), c = trial_create(classes, 5, 1);
        struct reader first = {.portion = 7}, second = {.portion = 100};
        aenc_source *p = stream(&a, &first, ahead), *q = stream(&b, &second, ahead), *r = stream(&c, &second, ahead);
        aenc_fit_options options = plain();
        int left = STOP;
        CHECK_STATUS(a.ctx, aenc_fit_source(a.model, p, &options), AENC_OK);
        options.checkpoint = path, options.progress = stop_at, options.progress_user = &left;
        CHECK_STATUS(b.ctx, aenc_fit_source(b.model, q, &options), AENC_OK);
        CHECK(!trial_same(&a, &b));
        options.resume = AENC_RESUME_REQUIRED, options.progress = NULL, options.progress_user = NULL;
        CHECK_STATUS(c.ctx, aenc_fit_source(c.model, r, &options), AENC_OK);
        CHECK(trial_same(&a, &c));
        float code[ROWS * 4];
        const size_t of_code[] = {ROWS, 4};
        aenc_array out = array("code", code, sizeof code, 0, true);
        out.dims = of_code;
        const aenc_array *to[] = {&out};
        size_t rows = 0;
        CHECK_STATUS(a.ctx, aenc_run_source(a.model, NULL, p, to, 1, &rows), AENC_OK);
        float want[ROWS * 4];
        CHECK_STATUS(a.ctx, aenc_encode(a.model, &x, want, ROWS * 4), AENC_OK);
        CHECK(rows == ROWS && memcmp(code, want, sizeof code) == 0);
        age[3] = 91;
        CHECK(aenc_fit_source(a.model, p, NULL) == AENC_ERR_ARGUMENT);
        CHECK(strstr(aenc_message(a.ctx), "source.age[3] is 91; it is whole, from 1 to 90") != NULL);
        age[3] = 4;
        label[5] = 3;
        CHECK(aenc_fit_source(a.model, p, NULL) == AENC_ERR_ARGUMENT);
        CHECK(strstr(aenc_message(a.ctx), "source.target[5, 0] is 3; loss 'cross_entropy' takes whole classes") != NULL);
        label[5] = 2;
        aenc_source_free(p), aenc_source_free(q), aenc_source_free(r);
        trial_free(&a), trial_free(&b), trial_free(&c);
        unlink(path);
    }
}

/* Every column is part of what makes a run this run. */
static void test_resume(const char *path) {
    struct trial a = trial_create(classes, 5, 1), b = trial_create(classes, 5, 1), c = trial_create(classes, 5, 1);
    aenc_array in = array("input", bytes, sizeof bytes, AENC_TYPE_U8, true), y = array("target", label, sizeof label, AENC_TYPE_I32, false);
    aenc_array z = array("age", age, sizeof age, AENC_TYPE_I32, false), w = array("weight", weight, sizeof weight, 0, false);
    const aenc_array *list[] = {&in, &y, &z, &w};
    aenc_source *p = made(&a, list, 4), *q = made(&b, list, 4), *r = made(&c, list, 4);
    aenc_fit_options options = plain();
    int left = STOP;
    options.valid_source = p;
    options.patience = 3;
    CHECK_STATUS(a.ctx, aenc_fit_source(a.model, p, &options), AENC_OK);
    options.valid_source = q;
    options.checkpoint = path, options.progress = stop_at, options.progress_user = &left;
    CHECK_STATUS(b.ctx, aenc_fit_source(b.model, q, &options), AENC_OK);
    options.resume = AENC_RESUME_REQUIRED, options.progress = NULL, options.progress_user = NULL;
    options.valid_source = r;
    static const char *const words[] = {"of another run: data was", "target was", "data.age was", "data.weight was"};
    for (int i = 0; i < 4; i++) {
        bytes[7] ^= i == 0, age[4] ^= i == 2;
        if (i == 1) label[4] = (label[4] + 1) % 3;
        if (i == 3) weight[4]++;
        CHECK(aenc_fit_source(c.model, r, &options) == AENC_ERR_ARGUMENT);
        if (!CHECK(strstr(aenc_message(c.ctx), words[i]) != NULL)) fprintf(stderr, "  %s\n", aenc_message(c.ctx));
        bytes[7] ^= i == 0, age[4] ^= i == 2;
        if (i == 1) label[4] = (label[4] + 2) % 3;
        if (i == 3) weight[4]--;
    }
    CHECK_STATUS(c.ctx, aenc_fit_source(c.model, r, &options), AENC_OK);
    CHECK(trial_same(&a, &c));
    CHECK(isfinite(aenc_model_term_value(c.model, 0)));
    options.valid_source = p;
    CHECK(aenc_fit_source(c.model, r, &options) == AENC_ERR_ARGUMENT && strstr(aenc_message(c.ctx), "valid_source") != NULL);
    aenc_source_free(p), aenc_source_free(q), aenc_source_free(r);
    trial_free(&a), trial_free(&b), trial_free(&c);
    unlink(path);
}

int main(void) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/aenc-fields-test-%ld", (long)getpid());
    for (int i = 0; i < ROWS * IN; i++) bytes[i] = (uint8_t)(i * 41 % 251), floats[i] = (float)(1.0 / 255) * (float)bytes[i];
    for (int i = 0; i < ROWS; i++) weight[i] = 0.5f + (float)(i % 4), label[i] = i % 3, age[i] = 1 + i;
    test_bytes();
    test_weights();
    test_streams(path);
    test_resume(path);
    return check_finish();
}
