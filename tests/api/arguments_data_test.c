/* arguments_data_test.c - data by the names of fields: what is wrong with an array is said with its place; any type gives what the same
 * numbers give as floats; several results at once are those of the single calls; ports say what a model takes and gives. */
#include <stdint.h>

#include "api/wrong.h"

enum { ROWS = WORLD_ROWS, COLS = WORLD_COLS };

static const size_t dims[] = {ROWS, COLS}, code_dims[] = {ROWS, WORLD_CODE}, one_dims[] = {ROWS};

static aenc_array array(const char *name, void *data, size_t size, const size_t *shape, size_t rank) {
    return (aenc_array){.struct_size = sizeof(aenc_array), .name = name, .data = data, .size = size, .dims = shape, .rank = rank};
}

/* ---- What is wrong ---- */

static void refuse(struct wrong *s, aenc_array bad, aenc_status want, const char *words) {
    float out[ROWS * COLS];
    const aenc_array good = array("output", out, sizeof out, dims, 2);
    const aenc_array *in[] = {&bad}, *results[] = {&good};
    CHECK_FAILS(&s->w, aenc_run(s->model, NULL, in, 1, results, 1), want, words);
    aenc_source *source;
    if (want != AENC_ERR_NONFINITE && strcmp(bad.name == NULL ? "" : bad.name, "input") == 0 && strstr(words, "model") == NULL && bad.struct_size > 0)
        CHECK_FAILS(&s->w, aenc_source_arrays(s->ctx, in, 1, &source), want, "arrays[0]");
}

static void test_arrays(struct wrong *s) {
    float *x = s->w.data;
    const size_t bytes = sizeof s->w.data, empty[] = {0, COLS}, huge[] = {SIZE_MAX / 2, COLS}, narrow[] = {ROWS, COLS - 1};
    const size_t many[] = {ROWS, 1, 1, 1, 1, 1, 1, COLS};
    const int64_t sparse[] = {COLS, 2}, close[] = {COLS - 1, 1}, backwards[] = {-COLS, 1};
    aenc_array a = array("input", x, bytes, dims, 2), b = a;
    b.struct_size = 0, refuse(s, b, AENC_ERR_ARGUMENT, "aenc_array.struct_size|0"), b = a;
    b.name = NULL, refuse(s, b, AENC_ERR_ARGUMENT, "in[0].name is NULL"), b = a;
    b.name = "", refuse(s, b, AENC_ERR_ARGUMENT, "in[0].name is ''"), b = a;
    b.name = "inptu", refuse(s, b, AENC_ERR_ARGUMENT, "no field 'inptu'"), b = a;
    b.data = NULL, refuse(s, b, AENC_ERR_ARGUMENT, "[0] 'input': data is NULL"), b = a;
    b.data = (char *)x + 1, refuse(s, b, AENC_ERR_ARGUMENT, "[0] 'input': data is not aligned"), b = a;
    b.size = bytes - 1, refuse(s, b, AENC_ERR_SHAPE, "[0] 'input': size is 95 bytes"), b = a;
    b.dims = NULL, refuse(s, b, AENC_ERR_ARGUMENT, "[0] 'input': dims is NULL"), b = a;
    b.dims = empty, refuse(s, b, AENC_ERR_SHAPE, "[0] 'input': dims[0] is 0"), b = a;
    b.dims = huge, refuse(s, b, AENC_ERR_SHAPE, "[0] 'input': "), b = a;
    b.dims = narrow, refuse(s, b, AENC_ERR_SHAPE, "a row of 'input' has shape (5); the model's has (6)"), b = a;
    b.dims = many, b.rank = 8, refuse(s, b, AENC_ERR_SHAPE, "[0] 'input': rank is 8"), b = a;
    b.rank = 0, refuse(s, b, AENC_ERR_SHAPE, "[0] 'input': rank is 0"), b = a;
    b.type = 11, refuse(s, b, AENC_ERR_ARGUMENT, "[0] 'input': type is 11"), b = a;
    b.device = 2, refuse(s, b, AENC_ERR_UNSUPPORTED, "[0] 'input': device is 2"), b = a;
    b.strides = sparse, refuse(s, b, AENC_ERR_UNSUPPORTED, "[0] 'input': strides[1] is 2"), b = a;
    b.strides = close, refuse(s, b, AENC_ERR_SHAPE, "[0] 'input': strides[0] is 5"), b = a;
    b.strides = backwards, refuse(s, b, AENC_ERR_SHAPE, "[0] 'input': strides[0] is -6"), b = a;
    float broken[ROWS * COLS];
    memcpy(broken, x, sizeof broken);
    broken[2 * COLS + 3] = (float)NAN;
    b.data = broken, refuse(s, b, AENC_ERR_NONFINITE, "input[2, 3] is nan");
}

static void test_run_refuses(struct wrong *s) {
    float code[ROWS * WORLD_CODE], one[ROWS], wide[ROWS * COLS];
    aenc_array x = array("input", s->w.data, sizeof s->w.data, dims, 2), y = array("code", code, sizeof code, code_dims, 2);
    aenc_array score = array("score", one, sizeof one, one_dims, 1), other = array("scroe", one, sizeof one, one_dims, 1);
    aenc_array target = array("target", wide, sizeof wide, dims, 2), short_code = y;
    const size_t fewer[] = {ROWS - 1, WORLD_CODE}, column[] = {ROWS, 2};
    const aenc_array *in[] = {&x, &x}, *out[] = {&y, &y}, *none[] = {NULL}, *unknown[] = {&other}, *scores[] = {&score};
    const aenc_run_options unset = {.struct_size = 0};
    aenc_posterior measured = {.struct_size = sizeof measured};
    memset(wide, 0, sizeof wide);
    CHECK(wrong_reset(s->ctx) != AENC_OK);
    MUTE(aenc_run(NULL, NULL, in, 1, out, 1));
    MUTE(aenc_posterior_measure(NULL, NULL, in, 1, &measured));
    MUTE(aenc_sample(NULL, NULL, NULL, 0, out, 1));
    MUTE(aenc_runner_run_arrays(NULL, in, 1, out, 1));
    WRONG(aenc_run(s->model, &unset, in, 1, out, 1), "aenc_run_options.struct_size");
    WRONG(aenc_run(s->model, NULL, NULL, 1, out, 1), "in is NULL");
    WRONG(aenc_run(s->model, NULL, in, 17, out, 1), "in_count is 17");
    WRONG(aenc_run(s->model, NULL, in, 0, out, 1), "no field is given");
    WRONG(aenc_run(s->model, NULL, none, 1, out, 1), "in[0] is NULL");
    WRONG(aenc_run(s->model, NULL, in, 2, out, 1), "field 'input' is given twice");
    WRONG(aenc_run(s->model, NULL, in, 1, NULL, 1), "out is NULL");
    WRONG(aenc_run(s->model, NULL, in, 1, out, 0), "out_count is 0");
    WRONG(aenc_run(s->model, NULL, in, 1, none, 1), "out[0] is NULL");
    WRONG(aenc_run(s->model, NULL, in, 1, out, 2), "result 'code' is wanted twice");
    CHECK_FAILS(&s->w, aenc_run(s->model, NULL, in, 1, unknown, 1), AENC_ERR_ARGUMENT, "result|'scroe'|score");
    const aenc_sample_options older = {.struct_size = 0}, cold = {.struct_size = sizeof cold, .temperature = -1};
    const aenc_posterior_options narrow = {.struct_size = sizeof narrow, .kl = (double[]){0}, .units = 0}, former = {.struct_size = 0};
    WRONG(aenc_posterior_measure(s->model, NULL, in, 1, NULL), "out is NULL");
    WRONG(aenc_posterior_measure(s->model, &former, in, 1, &measured), "aenc_posterior_options.struct_size");
    WRONG(aenc_posterior_measure(s->model, &narrow, in, 1, &measured), "aenc_posterior_options: kl has room for 0 units");
    WRONG(aenc_posterior_measure(s->model, NULL, none, 1, &measured), "in[0] is NULL");
    WRONG(aenc_sample(s->model, &older, NULL, 0, out, 1), "aenc_sample_options.struct_size");
    WRONG(aenc_sample(s->model, &cold, NULL, 0, out, 1), "aenc_sample_options.temperature is -1");
    WRONG(aenc_sample(s->model, NULL, NULL, 1, out, 1), "in is NULL");
    WRONG(aenc_sample(s->model, NULL, none, 1, out, 1), "in[0] is NULL");
    WRONG(aenc_sample(s->model, NULL, NULL, 0, NULL, 1), "out is NULL");
    WRONG(aenc_sample(s->model, NULL, NULL, 0, out, 0), "out_count is 0");
    WRONG(aenc_sample(s->model, NULL, NULL, 0, out, 2), "result 'code' is wanted twice");
    short_code.dims = fewer;
    const aenc_array *shorter[] = {&short_code};
    CHECK_FAILS(&s->w, aenc_run(s->model, NULL, in, 1, shorter, 1), AENC_ERR_SHAPE, "'code' has 3 rows|fields have 4");
    short_code.dims = column;
    CHECK_FAILS(&s->w, aenc_run(s->model, NULL, in, 1, shorter, 1), AENC_ERR_SHAPE, "a row of 'code' has shape (2)|(3)");
    y.type = AENC_TYPE_U8;
    CHECK_FAILS(&s->w, aenc_run(s->model, NULL, in, 1, out, 1), AENC_ERR_ARGUMENT, "result 'code' is of type AENC_TYPE_F32");
    const aenc_array *alone[] = {&target}, *both[] = {&x, &target};
    CHECK_FAILS(&s->w, aenc_run(s->model, NULL, alone, 1, scores, 1), AENC_ERR_ARGUMENT,
                "field 'input' is needed and was not given");
    target.dims = fewer, target.size = sizeof wide;
    const size_t rows[] = {ROWS - 1, COLS};
    target.dims = rows;
    CHECK_FAILS(&s->w, aenc_run(s->model, NULL, both, 2, scores, 1), AENC_ERR_SHAPE, "'target' has 3 rows");
}

static int read_none(void *user, aenc_fill *fill) { return (void)user, (void)fill, 0; }

static void test_sources_refuse(struct wrong *s) {
    aenc_source *source;
    aenc_array x = array("input", s->w.data, sizeof s->w.data, dims, 2), label = array("label", s->w.data, 96, one_dims, 1);
    const aenc_array *list[] = {&x, &x}, *labels[] = {&label}, *none[] = {NULL};
    const char *names[] = {"input", NULL, "input"}, *paths[] = {"no/such/file", NULL};
    const char *long_names[] = {"a123456789012345678901234567890123456789012345678901234567890123"};
    float code[ROWS * WORLD_CODE];
    aenc_array y = array("code", code, sizeof code, code_dims, 2);
    const aenc_array *out[] = {&y};
    size_t rows;
    WRONG(aenc_source_arrays(s->ctx, NULL, 1, &source), "arrays is NULL");
    WRONG(aenc_source_arrays(s->ctx, list, 0, &source), "there are 0 arrays");
    WRONG(aenc_source_arrays(s->ctx, none, 1, &source), "arrays[0] is NULL");
    WRONG(aenc_source_arrays(s->ctx, list, 2, &source), "field 'input' is given twice");
    WRONG(aenc_source_arrays(s->ctx, labels, 1, &source), "field 'input' is needed");
    WRONG(aenc_source_arrays(s->ctx, list, 1, NULL), "out is NULL");
    MUTE(aenc_source_arrays(NULL, list, 1, &source));
    WRONG(aenc_source_files(s->ctx, NULL, paths, 1, &source), "names is NULL");
    WRONG(aenc_source_files(s->ctx, names, NULL, 1, &source), "paths is NULL");
    WRONG(aenc_source_files(s->ctx, names, paths, 17, &source), "there are 17 names");
    WRONG(aenc_source_files(s->ctx, names + 1, paths, 1, &source), "names[0] is NULL");
    WRONG(aenc_source_files(s->ctx, names, paths + 1, 1, &source), "paths[0] is NULL");
    WRONG(aenc_source_files(s->ctx, long_names, paths, 1, &source), "names[0] is no name");
    WRONG(aenc_source_files(s->ctx, names, paths, 1, &source), "cannot open 'no/such/file'");
    WRONG(aenc_source_files(s->ctx, names, paths, 1, NULL), "out is NULL");
    MUTE(aenc_source_files(NULL, names, paths, 1, &source));
    x.dims++, x.rank--;
    aenc_stream good = {.struct_size = sizeof good, .fields = list, .field_count = 1, .read = read_none}, bad = good;
    WRONG(aenc_source_stream(s->ctx, NULL, &source), "stream is NULL");
    WRONG(aenc_source_stream(s->ctx, &good, NULL), "out is NULL");
    bad.struct_size = 3, WRONG(aenc_source_stream(s->ctx, &bad, &source), "aenc_stream.struct_size"), bad = good;
    bad.read = NULL, WRONG(aenc_source_stream(s->ctx, &bad, &source), "aenc_stream.read"), bad = good;
    bad.read_ahead = 2, WRONG(aenc_source_stream(s->ctx, &bad, &source), "aenc_stream.read_ahead"), bad = good;
    bad.rows = UINT64_MAX, WRONG(aenc_source_stream(s->ctx, &bad, &source), "aenc_stream.rows"), bad = good;
    bad.fields = NULL, WRONG(aenc_source_stream(s->ctx, &bad, &source), "fields is NULL"), bad = good;
    bad.field_count = 2, WRONG(aenc_source_stream(s->ctx, &bad, &source), "field 'input' is given twice"), bad = good;
    MUTE(aenc_source_stream(NULL, &good, &source));
    CHECK_STATUS(s->ctx, aenc_source_stream(s->ctx, &good, &source), AENC_OK);
    CHECK(aenc_source_rows(source) == 0 && aenc_source_cols(source) == COLS);
    WRONG(aenc_run_source(s->model, NULL, NULL, out, 1, &rows), "source is NULL");
    WRONG(aenc_run_source(s->model, NULL, source, NULL, 1, &rows), "out is NULL");
    WRONG(aenc_run_source(NULL, NULL, source, out, 1, &rows), "model is NULL");
    CHECK_FAILS(&s->w, aenc_run_source(s->model, NULL, source, out, 1, &rows), AENC_ERR_SHAPE, "the source has no rows");
    aenc_source_free(source);
}

static void test_ports_refuse(struct wrong *s) {
    aenc_port port = {.struct_size = 0};
    int32_t needed;
    WRONG(aenc_model_port(s->model, 0, NULL), "port is NULL");
    WRONG(aenc_model_port(s->model, 0, &port), "aenc_port.struct_size");
    port.struct_size = sizeof port;
    WRONG(aenc_model_port(s->model, 99, &port), "index is 99");
    MUTE(aenc_model_port(NULL, 0, &port));
    MUTE(aenc_model_port_needs(NULL, "code", "input", &needed));
    WRONG(aenc_model_port_needs(s->model, NULL, "input", &needed), "result is NULL");
    WRONG(aenc_model_port_needs(s->model, "code", NULL, &needed), "field is NULL");
    WRONG(aenc_model_port_needs(s->model, "code", "nothing", &needed), "the model has no field 'nothing'");
    WRONG(aenc_model_port_needs(s->model, "code", "input", NULL), "needed is NULL");
    CHECK_FAILS(&s->w, aenc_model_port_needs(s->model, "cod", "input", &needed), AENC_ERR_ARGUMENT, "result|'cod'");
}

/* ---- What is right ---- */

/* In rows that lie apart, several at once, from memory and from a source. */
static void test_results(struct wrong *s) {
    enum { APART = COLS + 2 };
    float code[ROWS * WORLD_CODE], output[ROWS * APART], score[ROWS], features[ROWS * COLS], norm[ROWS], x[ROWS * APART];
    float want_score[ROWS], want_features[ROWS * COLS], want_norm[ROWS];
    const int64_t apart[] = {APART, 1};
    aenc_array in = array("input", x, sizeof x, dims, 2), outs[] = {
        array("code", code, sizeof code, code_dims, 2), array("output", output, sizeof output, dims, 2),
        array("score", score, sizeof score, one_dims, 1), array("features", features, sizeof features, dims, 2),
        array("jacobian_norm", norm, sizeof norm, one_dims, 1)};
    const aenc_array *list[] = {&in}, *wanted[5];
    for (int i = 0; i < 5; i++) wanted[i] = &outs[i];
    in.strides = outs[1].strides = apart;
    for (int r = 0; r < ROWS; r++) memcpy(x + r * APART, s->w.data + r * COLS, COLS * sizeof *x);
    CHECK_STATUS(s->ctx, aenc_score(s->model, s->x, NULL, want_score, ROWS), AENC_OK);
    CHECK_STATUS(s->ctx, aenc_score_features(s->model, s->x, NULL, want_features, ROWS * COLS), AENC_OK);
    CHECK_STATUS(s->ctx, aenc_jacobian_norm(s->model, s->x, want_norm, ROWS), AENC_OK);
    for (int way = 0; way < 2; way++) {
        aenc_source *source = NULL;
        size_t rows = 0;
        memset(code, 0, sizeof code), memset(output, 0, sizeof output), memset(score, 0, sizeof score);
        if (way == 0) {
            CHECK_STATUS(s->ctx, aenc_run(s->model, NULL, list, 1, wanted, 5), AENC_OK);
        } else {
            CHECK_STATUS(s->ctx, aenc_source_arrays(s->ctx, list, 1, &source), AENC_OK);
            CHECK_STATUS(s->ctx, aenc_run_source(s->model, NULL, source, wanted, 5, &rows), AENC_OK);
            CHECK(rows == ROWS);
        }
        aenc_source_free(source);
        CHECK(memcmp(code, s->w.code, sizeof code) == 0);
        for (int r = 0; r < ROWS; r++) CHECK_NEAR(output[r * APART], s->w.output[r * COLS], 1e-6);
        for (int r = 0; r < ROWS; r++) CHECK_NEAR(output[r * APART + COLS - 1], s->w.output[r * COLS + COLS - 1], 1e-6);
        CHECK(output[COLS] == 0 && output[COLS + 1] == 0); /* between rows nothing is written */
        CHECK(memcmp(score, want_score, sizeof score) == 0 && memcmp(features, want_features, sizeof features) == 0);
        CHECK(memcmp(norm, want_norm, sizeof norm) == 0);
    }
    aenc_array codes = array("code", s->w.code, sizeof s->w.code, code_dims, 2), plain = array("output", features, sizeof features, dims, 2);
    const aenc_array *from[] = {&codes}, *to[] = {&plain};
    CHECK_STATUS(s->ctx, aenc_run(s->model, NULL, from, 1, to, 1), AENC_OK);
    for (int i = 0; i < ROWS * COLS; i++) CHECK_NEAR(features[i], s->w.output[i], 1e-6);
    CHECK_FAILS(&s->w, aenc_run(s->model, NULL, from, 1, wanted + 2, 1), AENC_ERR_ARGUMENT, "field 'input' is needed");
}

/* uint8 stands for 0 to 1, int32 for itself. */
static void test_types(struct wrong *s) {
    uint8_t bytes[ROWS * COLS];
    int32_t words[ROWS * COLS];
    float floats[ROWS * COLS], got[ROWS * WORLD_CODE], want[ROWS * WORLD_CODE];
    for (int i = 0; i < ROWS * COLS; i++) bytes[i] = (uint8_t)(i * 37), words[i] = i % 5 - 2;
    for (int way = 0; way < 2; way++) {
        aenc_array in = array("input", bytes, sizeof bytes, dims, 2), out = array("code", got, sizeof got, code_dims, 2);
        if (way == 1) in.data = words, in.size = sizeof words;
        in.type = way == 0 ? AENC_TYPE_U8 : AENC_TYPE_I32;
        const aenc_array *from[] = {&in}, *to[] = {&out};
        for (int i = 0; i < ROWS * COLS; i++) floats[i] = way == 0 ? (float)(1.0 / 255) * (float)bytes[i] : (float)words[i];
        const aenc_matrix x = {floats, ROWS, COLS, 0};
        CHECK_STATUS(s->ctx, aenc_run(s->model, NULL, from, 1, to, 1), AENC_OK);
        CHECK_STATUS(s->ctx, aenc_encode(s->model, &x, want, ROWS * WORLD_CODE), AENC_OK);
        CHECK(memcmp(got, want, sizeof got) == 0);
    }
}

static void test_ports(void) {
    static const char text[] = "{\"input\":[2,3],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"flatten\"},"
                               "{\"type\":\"dense\",\"units\":4}]},\"loss\":\"cross_entropy:classes=5\","
                               "\"fields\":{\"mask\":{\"type\":\"binary\",\"dims\":[2,3]},\"length\":\"length:count=9\"}}";
    struct world w;
    aenc_model *model;
    aenc_port port = {.struct_size = sizeof port};
    int32_t needed;
    world_create(&w);
    CHECK_STATUS(w.ctx, aenc_model_parse(w.ctx, text, strlen(text), &model), AENC_OK);
    size_t fields = 0, results = 0;
    for (size_t i = 0; i < aenc_model_port_count(model); i++) {
        CHECK_STATUS(w.ctx, aenc_model_port(model, i, &port), AENC_OK);
        fields += port.kind == AENC_PORT_FIELD, results += port.kind == AENC_PORT_RESULT;
        if (strcmp(port.name, "input") == 0)
            CHECK(port.rank == 2 && port.dims[0] == 2 && port.dims[1] == 3 && port.size == 6 && port.trained == 1 &&
                  port.rule == AENC_RULE_NUMBER && port.type == AENC_TYPE_F32);
        if (strcmp(port.name, "target") == 0)
            CHECK(port.rule == AENC_RULE_CLASSES && port.count == 5 && port.trained == 1 && port.type == AENC_TYPE_I32);
        if (strcmp(port.name, "mask") == 0) CHECK(port.rule == AENC_RULE_BINARY && port.size == 6 && port.trained == 0);
        if (strcmp(port.name, "length") == 0) CHECK(port.rule == AENC_RULE_LENGTH && port.rank == 0 && port.size == 1);
        if (port.kind == AENC_PORT_RESULT && strcmp(port.name, "code") == 0) CHECK(port.size == 4);
    }
    CHECK(fields == 6 && results >= 5 && aenc_model_port_count(NULL) == 0);
    CHECK_STATUS(w.ctx, aenc_model_port_needs(model, "score", "target", &needed), AENC_OK);
    CHECK(needed == 1);
    CHECK_STATUS(w.ctx, aenc_model_port_needs(model, "code", "target", &needed), AENC_OK);
    CHECK(needed == 0);
    CHECK_STATUS(w.ctx, aenc_model_port_needs(w.model, "score", "target", &needed), AENC_OK);
    CHECK(needed == 0);
    /* a rule, of a field that nothing reads */
    float x[6] = {0}, code[4];
    int32_t length = 10;
    const size_t rows[] = {1, 6}, single[] = {1}, of_code[] = {1, 4}, image[] = {1, 2, 3}, turned[] = {1, 3, 2};
    aenc_array a = array("input", x, sizeof x, rows, 2), b = array("length", &length, sizeof length, single, 1);
    aenc_array out = array("code", code, sizeof code, of_code, 2);
    const aenc_array *in[] = {&a, &b}, *to[] = {&out};
    b.type = AENC_TYPE_I32;
    CHECK_FAILS(&w, aenc_run(model, NULL, in, 2, to, 1), AENC_ERR_ARGUMENT, "length[0] is 10; it is whole, from 1 to 9");
    length = 9;
    CHECK_STATUS(w.ctx, aenc_run(model, NULL, in, 2, to, 1), AENC_OK);
    a.dims = image, a.rank = 3;
    CHECK_STATUS(w.ctx, aenc_run(model, NULL, in, 2, to, 1), AENC_OK);
    a.dims = turned;
    CHECK_FAILS(&w, aenc_run(model, NULL, in, 2, to, 1), AENC_ERR_SHAPE, "a row of 'input' has shape (3, 2); the model's has (2, 3)");
    aenc_model_free(model);
    world_free(&w);
}

/* Rows of a quarter of a megabyte go through some at a time: 128 of them at once would take four times the memory there is. */
static void test_chunks(void) {
    enum { WIDE = 65536, MANY = 100 };
    static const char text[] = "{\"input\":[65536],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"relu\"},"
                               "{\"type\":\"relu\"}]},\"decoder\":{\"type\":\"relu\"}}";
    struct memory memory = {.limit = (size_t)20 << 20};
    aenc_context *ctx = memory_context(&memory, 1, 1);
    aenc_model *model;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text, strlen(text), &model), AENC_OK);
    float *x = malloc(sizeof *x * MANY * WIDE), *y = malloc(sizeof *y * MANY * WIDE);
    if (x == NULL || y == NULL) exit(2);
    for (size_t i = 0; i < (size_t)MANY * WIDE; i++) x[i] = (float)(i % 1009) - 500;
    const aenc_matrix all = {x, MANY, WIDE, 0};
    CHECK_STATUS(ctx, aenc_encode(model, &all, y, (size_t)MANY * WIDE), AENC_OK);
    size_t wrong = 0;
    for (size_t i = 0; i < (size_t)MANY * WIDE; i++) wrong += y[i] != (x[i] < 0 ? 0 : x[i]);
    CHECK(wrong == 0);
    free(x);
    free(y);
    aenc_model_free(model);
    aenc_context_free(ctx);
    memory_check_empty(&memory);
}

int main(void) {
    struct wrong scene;
    wrong_create(&scene);
    test_arrays(&scene);
    test_run_refuses(&scene);
    test_sources_refuse(&scene);
    test_ports_refuse(&scene);
    test_results(&scene);
    test_types(&scene);
    world_free(&scene.w);
    test_ports();
    test_chunks();
    return check_finish();
}
