/* runner_fields_test.c - runners with declared fields and several results: what aenc_run gives, in any parts with the same bits, without
 * an allocation; and what is refused when they are made and when they run. */
#include <autoenc/ops.h>

#include "model/nets.h"

enum { ROOM = NET_ROWS * NET_OUT, CLASSES = 3 };

static float data[NET_ROWS * NET_COLS];
static int32_t label[NET_ROWS];

static const char conditional[] = NET("{\"type\":\"dense\",\"units\":16,\"activation\":\"tanh\"}",
                                      "\"fields\":{\"label\":\"classes:count=3\"},\"condition\":[\"label\"],\"output\":\"sigmoid\","
                                      "\"bottleneck\":\"gaussian:units=4\",\"loss\":\"bce:reduction=sum\"");
static const size_t rows[] = {NET_ROWS}, x_dims[] = {NET_ROWS, NET_COLS}, code_dims[] = {NET_ROWS, 4}, deep_dims[] = {NET_ROWS, 16};
static const char *const field_names[] = {"label", "input"};
static const char *const result_names[] = {"output", "mean", "score", "code", "decoder.1", "sample"};
enum { RESULTS = 6 };

/* Room for all of them, one after the other. */
struct room {
    float output[NET_ROWS * NET_COLS], mean[NET_ROWS * 4], score[NET_ROWS], code[NET_ROWS * 4], deep[NET_ROWS * 16], sample[NET_ROWS * 4];
};

struct scene {
    struct memory memory;
    aenc_context *ctx;
    aenc_model *model;
    aenc_array in[2], out[RESULTS];
    const aenc_array *fields[2], *results[RESULTS];
};

static aenc_array array_of(const char *name, void *values, size_t bytes, const size_t *dims, size_t rank) {
    return (aenc_array){.struct_size = sizeof(aenc_array), .name = name, .data = values, .size = bytes, .dims = dims, .rank = rank};
}

static void scene_room(struct scene *s, struct room *room) {
    s->out[0] = array_of("output", room->output, sizeof room->output, x_dims, 2);
    s->out[1] = array_of("mean", room->mean, sizeof room->mean, code_dims, 2);
    s->out[2] = array_of("score", room->score, sizeof room->score, rows, 1);
    s->out[3] = array_of("code", room->code, sizeof room->code, code_dims, 2);
    s->out[4] = array_of("decoder.1", room->deep, sizeof room->deep, deep_dims, 2);
    s->out[5] = array_of("sample", room->sample, sizeof room->sample, code_dims, 2);
}

static void scene_create(struct scene *s, struct room *room) {
    memset(s, 0, sizeof *s);
    s->ctx = memory_context(&s->memory, 7, 1);
    CHECK_STATUS(s->ctx, aenc_model_parse(s->ctx, conditional, sizeof conditional - 1, &s->model), AENC_OK);
    s->in[0] = array_of("input", data, sizeof data, x_dims, 2);
    s->in[1] = array_of("label", label, sizeof label, rows, 1);
    s->in[1].type = AENC_TYPE_I32;
    scene_room(s, room);
    for (int i = 0; i < 2; i++) s->fields[i] = &s->in[i];
    for (int i = 0; i < RESULTS; i++) s->results[i] = &s->out[i];
}

static void scene_free(struct scene *s) {
    aenc_model_free(s->model);
    aenc_context_free(s->ctx);
    memory_check_empty(&s->memory);
}

static aenc_runner_options options_of(int64_t at_once) {
    return (aenc_runner_options){.struct_size = sizeof(aenc_runner_options), .rows = at_once, .results = result_names,
                                 .result_count = RESULTS, .fields = field_names, .field_count = 2};
}

static aenc_status run(struct scene *s, aenc_runner *runner) { return aenc_runner_run_arrays(runner, s->fields, 2, s->results, RESULTS); }

static void test_values(void) {
    static struct room want, got, parts;
    static char block[1 << 18];
    struct scene s;
    scene_create(&s, &want);
    CHECK_STATUS(s.ctx, aenc_run(s.model, NULL, s.fields, 2, s.results, RESULTS), AENC_OK);
    aenc_runner *whole = NULL;
    aenc_runner_options options = options_of(NET_ROWS);
    CHECK_STATUS(s.ctx, aenc_runner_create(s.model, &options, &whole), AENC_OK);
    scene_room(&s, &got);
    CHECK(run(&s, whole) == AENC_OK);
    const float *a = want.output, *b = got.output;
    for (size_t i = 0; i < sizeof want / sizeof(float); i++) CHECK_NEAR((double)b[i], (double)a[i], 2e-5);
    for (int64_t at_once = 1; at_once < NET_ROWS; at_once += 5) {
        aenc_runner *runner = NULL;
        size_t bytes = 0;
        options = options_of(at_once);
        CHECK_STATUS(s.ctx, aenc_runner_size(s.model, &options, &bytes), AENC_OK);
        CHECK(bytes <= sizeof block);
        options.memory = block;
        options.memory_size = bytes;
        CHECK_STATUS(s.ctx, aenc_runner_create(s.model, &options, &runner), AENC_OK);
        memset(&parts, 0, sizeof parts);
        scene_room(&s, &parts);
        long calls = s.memory.calls;
        for (int i = 0; i < RESULTS; i++) s.results[i] = &s.out[(i + (int)at_once) % RESULTS];
        CHECK(run(&s, runner) == AENC_OK);
        CHECK(s.memory.calls == calls);
        CHECK(memcmp(&parts, &got, sizeof got) == 0);
        aenc_runner_free(runner);
    }
    aenc_runner_free(whole);
    scene_free(&s);
}

/* The runner of a task takes arrays as well, a target beside the input, and codes. */
static void test_tasks(void) {
    static struct room room;
    static float want[NET_ROWS], target[NET_ROWS * NET_COLS];
    struct scene s;
    scene_create(&s, &room);
    for (size_t i = 0; i < NET_ROWS * NET_COLS; i++) target[i] = 1 - data[i];
    aenc_array wished = array_of("target", target, sizeof target, x_dims, 2);
    const aenc_array *three[] = {&s.in[0], &wished, &s.in[1]}, *score[] = {&s.out[2]}, *output[] = {&s.out[0]}, *codes[] = {&s.out[3], &s.in[1]};
    aenc_runner *runner = NULL, *decoder = NULL;
    aenc_runner_options options = {.struct_size = sizeof options, .task = AENC_RUN_SCORE};
    CHECK_STATUS(s.ctx, aenc_runner_create(s.model, &options, &runner), AENC_OK);
    for (int k = 0; k < 2; k++) {
        const size_t count = k == 0 ? 3 : 2;
        const aenc_array *const *given = k == 0 ? three : s.fields;
        s.out[2].data = want;
        CHECK_STATUS(s.ctx, aenc_run(s.model, NULL, given, count, score, 1), AENC_OK);
        s.out[2].data = room.score;
        CHECK(aenc_runner_run_arrays(runner, given, count, score, 1) == AENC_OK);
        for (int r = 0; r < NET_ROWS; r++) CHECK_NEAR((double)room.score[r], (double)want[r], 1e-4);
    }
    static const char *const given[] = {"code", "label"}, *const wanted[] = {"output"};
    const aenc_runner_options decodes = {.struct_size = sizeof options, .results = wanted, .result_count = 1, .fields = given, .field_count = 2};
    CHECK_STATUS(s.ctx, aenc_runner_create(s.model, &decodes, &decoder), AENC_OK);
    CHECK(aenc_runner_run_arrays(decoder, codes, 2, output, 1) == AENC_OK);
    float once[NET_COLS];
    memcpy(once, room.output, sizeof once);
    CHECK_STATUS(s.ctx, aenc_run(s.model, NULL, codes, 2, output, 1), AENC_OK);
    for (int i = 0; i < NET_COLS; i++) CHECK_NEAR((double)once[i], (double)room.output[i], 2e-6);
    aenc_runner_free(runner);
    aenc_runner_free(decoder);
    scene_free(&s);
}

/* ---- What is refused ---- */

static void make_refused(struct scene *s, aenc_runner_options options, const char *words) {
    aenc_runner *none = (void *)s;
    CHECK_STATUS(s->ctx, aenc_runner_create(s->model, &options, &none), AENC_ERR_ARGUMENT);
    if (!CHECK(none == NULL && strstr(aenc_message(s->ctx), words) != NULL))
        fprintf(stderr, "  lacks '%s': %s\n", words, aenc_message(s->ctx));
}

static void test_made_refused(void) {
    static struct room room;
    static const char *const twice[] = {"code", "code"}, *const unknown[] = {"cod"}, *const null[] = {NULL}, *const input[] = {"input"},
                      *const stray[] = {"colour"}, *const score[] = {"score"}, *const both[] = {"input", "label"};
    struct scene s;
    scene_create(&s, &room);
    aenc_runner_options o = options_of(1), bad = o;
    bad.task = AENC_RUN_ENCODE, make_refused(&s, bad, "aenc_runner_options.task is 10 beside results"), bad = o;
    bad.result_count = 0, make_refused(&s, bad, "aenc_runner_options.result_count is 0"), bad = o;
    bad.result_count = 17, make_refused(&s, bad, "result_count is 17; it is at most 16"), bad = o;
    bad.results = NULL, make_refused(&s, bad, "result is NULL"), bad = o;
    bad.results = twice, bad.result_count = 2, make_refused(&s, bad, "aenc_runner_options.results has 'code' twice"), bad = o;
    bad.results = unknown, bad.result_count = 1, make_refused(&s, bad, "unknown result 'cod'"), bad = o;
    bad.results = null, bad.result_count = 1, make_refused(&s, bad, "aenc_runner_options.results[0] is NULL"), bad = o;
    bad.fields = stray, bad.field_count = 1, make_refused(&s, bad, "no field 'colour'"), bad = o;
    bad.fields = input, bad.field_count = 1, make_refused(&s, bad, "aenc_runner_options.fields lacks 'label'"), bad = o;
    bad.results = NULL, bad.result_count = 0, make_refused(&s, bad, "fields is given without results"), bad = o;
    /* a field more than needed is no harm; without any the results decide */
    bad.results = score, bad.result_count = 1, bad.fields = both;
    aenc_runner *runner = NULL;
    CHECK_STATUS(s.ctx, aenc_runner_create(s.model, &bad, &runner), AENC_OK);
    aenc_runner_free(runner);
    bad.fields = NULL, bad.field_count = 0;
    CHECK_STATUS(s.ctx, aenc_runner_create(s.model, &bad, &runner), AENC_OK);
    aenc_runner_free(runner);
    scene_free(&s);
}

static void run_refused(aenc_runner *runner, aenc_status status, aenc_status wanted, const char *words) {
    if (!CHECK(status == wanted && strstr(aenc_runner_message(runner), words) != NULL))
        fprintf(stderr, "  lacks '%s': %s\n", words, aenc_runner_message(runner));
}

static void test_run_refused(void) {
    static struct room room;
    struct scene s;
    scene_create(&s, &room);
    aenc_runner *runner = NULL;
    const aenc_runner_options options = options_of(4);
    const aenc_matrix x = {data, NET_ROWS, NET_COLS, 0};
    CHECK_STATUS(s.ctx, aenc_runner_create(s.model, &options, &runner), AENC_OK);
    (void)aenc_message(s.ctx);
    CHECK(aenc_runner_run_arrays(NULL, s.fields, 2, s.results, RESULTS) == AENC_ERR_ARGUMENT);
    run_refused(runner, aenc_runner_run_arrays(runner, NULL, 1, s.results, RESULTS), AENC_ERR_ARGUMENT, "in is NULL");
    run_refused(runner, aenc_runner_run_arrays(runner, s.fields, 0, s.results, RESULTS), AENC_ERR_ARGUMENT, "no field is given");
    run_refused(runner, aenc_runner_run_arrays(runner, s.fields, 1, s.results, RESULTS), AENC_ERR_ARGUMENT, "field 'label' is needed");
    run_refused(runner, aenc_runner_run_arrays(runner, s.fields, 2, NULL, 1), AENC_ERR_ARGUMENT, "out is NULL");
    run_refused(runner, aenc_runner_run_arrays(runner, s.fields, 2, s.results, RESULTS - 1), AENC_ERR_ARGUMENT,
                "there is no room for result 'sample'");
    s.out[3].name = "log_variance";
    run_refused(runner, run(&s, runner), AENC_ERR_ARGUMENT, "there is no room for result 'code'");
    run_refused(runner, aenc_runner_run(runner, &x, NULL, room.output, NET_ROWS * NET_COLS), AENC_ERR_ARGUMENT, "aenc_runner_run_arrays");
    scene_room(&s, &room);
    label[3] = CLASSES;
    run_refused(runner, run(&s, runner), AENC_ERR_ARGUMENT, "label[3] is 3");
    label[3] = 0;
    s.out[5].name = "encoder";
    run_refused(runner, run(&s, runner), AENC_ERR_SHAPE, "'encoder'");
    CHECK(aenc_message(s.ctx)[0] == '\0');
    aenc_runner_free(runner);
    scene_free(&s);
}

int main(void) {
    net_data(data);
    for (int r = 0; r < NET_ROWS; r++) label[r] = r % CLASSES;
    test_values();
    test_tasks();
    test_made_refused();
    test_run_refused();
    return check_finish();
}
