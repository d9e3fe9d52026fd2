/* jacobian_test.c - in double: the squared norm of an encoder's Jacobian against differences of the encoder, its gradient
 * against differences of the norm, and the estimate by random directions against the norm. */
#include "penalty/jacobian.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "layer/layer.h"
#include "replay.h"

enum { ROWS = 5, NUMBERS = 4096 };

/* f'(x) = sum of share f(x + place h) / 12 h, with an error of h^4 */
static const double place[4] = {-2, -1, 1, 2}, share[4] = {1, -8, 8, -1};

struct scene {
    aenc_context *ctx;
    struct arena arena;
    const struct json *encoder;
    struct store store;
    struct tape tape;
    struct node *code, *norm;
    struct replay replay;
    float x[NUMBERS];
    int64_t size; /* of one row */
};

static void record(struct scene *s, enum tape_mode mode, const struct shape *input, int64_t probes) {
    aenc_tape_create(s->ctx, mode, ROWS, &s->tape);
    struct site site = {.tape = &s->tape, .store = &s->store};
    struct node *x = aenc_tape_input(&s->tape, "input", input->dim, input->rank);
    s->code = aenc_layer_record(&site, "encoder", s->encoder, x);
    s->norm = aenc_jacobian_norm_record(&s->tape, x, s->code, probes);
    aenc_tape_term(&s->tape, "norm", s->norm, 1, NULL);
    aenc_tape_output(&s->tape, s->code);
}

/* The first time the parameters are drawn; statistics are given values, as after some training. */
static void fill(struct scene *s) {
    CHECK_STATUS(s->ctx, replay_store(&s->store, 3), AENC_OK);
    for (int64_t i = 0; i < s->store.state_size; i++) s->store.state[i] = (num)(0.5 + 0.125 * (double)(i % 5));
    for (int64_t i = 0; i < s->store.parameter_size; i++) s->store.parameter[i] *= (num)1.5;
    for (int i = 0; i < NUMBERS; i++) s->x[i] = (float)((i * 37) % 127 - 63) / 64.0f;
}

static bool scene_create(struct scene *s, const char *text, const struct shape *input, enum tape_mode mode, int64_t probes) {
    struct json *encoder;
    memset(s, 0, sizeof *s);
    if (!CHECK(aenc_context_create(NULL, &s->ctx) == AENC_OK)) return false;
    aenc_arena_create(s->ctx, &s->arena);
    aenc_store_create(s->ctx, &s->store);
    s->size = aenc_shape_count(input);
    aenc_status status = aenc_json_parse(&s->arena, text, strlen(text), "the encoder", &encoder);
    if (status == AENC_OK) status = aenc_layer_check(s->ctx, s->encoder = encoder);
    if (status == AENC_OK) {
        record(s, mode, input, probes);
        status = s->tape.status;
    }
    if (status == AENC_OK) {
        fill(s);
        const float *inputs[] = {s->x};
        status = replay_once(&s->tape, &s->store, true, ROWS, inputs, &s->replay);
    }
    if (!CHECK_STATUS(s->ctx, status, AENC_OK)) fprintf(stderr, "  %s\n", text);
    return status == AENC_OK;
}

static void scene_free(struct scene *s) {
    replay_free(s->ctx, &s->replay);
    aenc_tape_free(&s->tape);
    aenc_store_free(&s->store);
    aenc_arena_free(&s->arena);
    aenc_context_free(s->ctx);
}

static double norm_of(const struct scene *s, int64_t row) {
    const num *value = aenc_value(&s->replay.run, s->norm);
    return (double)(s->norm->kind == NODE_ROW ? value[row] : value[0]);
}

/* Sum over rows, replayed. */
static double objective(struct scene *s) {
    aenc_run_replay(&s->replay.run, NULL);
    return aenc_run_term(&s->replay.run, &s->tape.term[0]);
}

/* ---- Values ---- */

/* dz/dx_i of every row at once, by differences of fourth order; every step is exact in float. */
static void add_column(struct scene *s, int64_t i, double *squares) {
    const double h = 1.0 / 2048;
    static double difference[NUMBERS];
    int64_t codes = aenc_node_row_size(s->code);
    memset(difference, 0, sizeof difference);
    for (int p = 0; p < 4; p++) {
        for (int r = 0; r < ROWS; r++) s->x[r * s->size + i] += (float)(place[p] * h);
        objective(s);
        for (int r = 0; r < ROWS; r++) s->x[r * s->size + i] -= (float)(place[p] * h);
        for (int64_t k = 0; k < ROWS * codes; k++)
            difference[k] += share[p] * (double)aenc_value(&s->replay.run, s->code)[k] / (12 * h);
    }
    for (int64_t k = 0; k < ROWS * codes; k++) squares[k / codes] += difference[k] * difference[k];
}

static void check_values(struct scene *s, const char *what) {
    double squares[ROWS] = {0};
    for (int64_t i = 0; i < s->size; i++) add_column(s, i, squares);
    objective(s);
    for (int r = 0; r < ROWS; r++)
        if (!CHECK_NEAR(norm_of(s, r), squares[r], 1e-8 * (1e-3 + squares[r]))) fprintf(stderr, "  %s, row %d\n", what, r);
}

/* ---- Gradients ---- */

/* Whether the norm depends on the parameter. */
static bool reached(const struct scene *s, const struct entry *entry) {
    for (size_t i = 0; i < s->tape.node_count; i++) {
        const struct node *n = s->tape.node[i];
        if (n->kind == NODE_PARAMETER && n->offset == entry->offset) return n->active;
    }
    return false;
}

static void check_entry(struct scene *s, const struct entry *entry, const char *what) {
    static double gradient[NUMBERS];
    const double h = 1e-4;
    objective(s);
    for (int64_t i = 0; i < entry->count; i++)
        gradient[i] = reached(s, entry) ? (double)s->store.gradient[entry->offset + i] : 0;
    for (int64_t i = 0; i < entry->count; i++) {
        num *w = &s->store.parameter[entry->offset + i];
        const num keep = *w;
        double want = 0;
        for (int p = 0; p < 4; p++) {
            *w = keep + (num)(place[p] * h);
            want += share[p] * objective(s) / (12 * h);
        }
        *w = keep;
        double scale = fmax(1, fabs(want));
        if (!CHECK_NEAR(gradient[i] / scale, want / scale, 1e-9))
            fprintf(stderr, "  %s: %s[%d]\n", what, entry->name, (int)i);
    }
}

static void check_gradient(struct scene *s, const char *what) {
    for (size_t t = 0; t < s->store.entry_count; t++)
        if (s->store.entry[t].kind == ENTRY_PARAMETER) check_entry(s, &s->store.entry[t], what);
}

/* ---- Encoders ---- */

static void check_encoder(const char *text, struct shape input) {
    struct scene s;
    if (scene_create(&s, text, &input, MODE_EVALUATE, 0)) check_values(&s, text);
    scene_free(&s);
    for (int64_t probes = 0; probes <= 3; probes += 3) {
        if (scene_create(&s, text, &input, MODE_TRAIN, probes)) check_gradient(&s, text);
        scene_free(&s);
    }
}

/* Dense layers of these widths, 0 the end. */
static void dense_text(const int *widths, const char *inside, const char *end, char *text, size_t size) {
    size_t used = (size_t)snprintf(text, size, "{\"type\":\"sequential\",\"layers\":[");
    for (const int *w = widths + 1; *w != 0; w++)
        used += (size_t)snprintf(text + used, size - used, "%s{\"type\":\"dense\",\"units\":%d,\"activation\":\"%s\"}",
                                 w == widths + 1 ? "" : ",", *w, w[1] == 0 ? end : inside);
    snprintf(text + used, size - used, "]}");
}

static void test_dense(void) {
    static const int nets[][5] = {{6, 3},       {3, 6},       {6, 4, 2},    {3, 5, 7},    {2, 9, 3},   {9, 4, 5},
                                  {7, 5, 4, 3}, {3, 5, 6, 8}, {8, 2, 6, 4}, {12, 2, 3, 2}, {2, 8, 3, 7}};
    static const char *const ends[] = {"identity", "sigmoid"};
    char text[1024];
    for (size_t n = 0; n < sizeof nets / sizeof *nets; n++) {
        for (int e = 0; e < 2; e++) {
            dense_text(nets[n], "tanh", ends[e], text, sizeof text);
            check_encoder(text, (struct shape){1, {nets[n][0]}});
        }
    }
}

static void test_activations(void) {
    static const char *const functions[] = {"identity", "relu", "leaky_relu:slope=0.25", "elu:alpha=0.75", "gelu",
                                            "silu",     "sigmoid", "tanh", "softplus"};
    static const int deep[] = {5, 4, 3, 2, 0}, wide[] = {2, 4, 5, 6, 0}, single[] = {4, 3, 0};
    char text[1024];
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
        dense_text(deep, functions[f], functions[f], text, sizeof text);
        check_encoder(text, (struct shape){1, {5}});
        dense_text(wide, functions[f], functions[f], text, sizeof text);
        check_encoder(text, (struct shape){1, {2}});
        dense_text(single, functions[f], functions[f], text, sizeof text);
        check_encoder(text, (struct shape){1, {4}});
    }
}

#define LAYERS(inside) "{\"type\":\"sequential\",\"layers\":[" inside "]}"
#define DENSE(units) "{\"type\":\"dense\",\"units\":" #units "}"

/* Statistics of the batch count as constants, which is what evaluation makes of them. */
static void test_other_layers(void) {
    static const char *const encoders[] = {
        LAYERS(DENSE(4) ",{\"type\":\"batch_norm\"},{\"type\":\"tanh\"}," DENSE(2)),
        LAYERS(DENSE(4) ",{\"type\":\"batch_norm\"},{\"type\":\"relu\"}," DENSE(9) ",{\"type\":\"batch_norm\"},"
               "{\"type\":\"sigmoid\"}"),
        LAYERS(DENSE(4) ",{\"type\":\"layer_norm\"},{\"type\":\"gelu\"}," DENSE(3)),
        LAYERS(DENSE(4) ",{\"type\":\"tanh\"},{\"type\":\"dropout\",\"rate\":0.4}," DENSE(3)),
        LAYERS("{\"type\":\"residual\",\"layers\":[{\"type\":\"dense\",\"units\":6,\"activation\":\"tanh\"}]}," DENSE(2)),
        LAYERS(DENSE(3) ",{\"type\":\"residual\",\"layers\":[" DENSE(3) ",{\"type\":\"silu\"}]},{\"type\":\"softplus\"}"),
        LAYERS("{\"type\":\"reshape\",\"dims\":[2,3]},{\"type\":\"dense\",\"units\":4,\"activation\":\"tanh\"},"
               "{\"type\":\"flatten\"}," DENSE(3) ",{\"type\":\"reshape\",\"dims\":[3,1]},{\"type\":\"sigmoid\"}"),
        LAYERS("{\"type\":\"reshape\",\"dims\":[3,2]},{\"type\":\"dense\",\"units\":3,\"activation\":\"elu\"}"),
        LAYERS("{\"type\":\"layer_norm\"}"),
        LAYERS("{\"type\":\"sigmoid\"},{\"type\":\"dropout\",\"rate\":0.25}"),
    };
    for (size_t i = 0; i < sizeof encoders / sizeof *encoders; i++)
        check_encoder(encoders[i], (struct shape){1, {6}});
    check_encoder(LAYERS("{\"type\":\"flatten\"},{\"type\":\"dense\",\"units\":2,\"activation\":\"tanh\"}," DENSE(2)),
                  (struct shape){2, {2, 4}});
}

/* ---- The estimate ---- */

/* The mean over many steps is within five of its standard errors. */
static void check_estimate(const int *widths, int64_t probes) {
    enum { STEPS = 4000 };
    char text[1024];
    struct shape input = {1, {widths[0]}};
    struct scene s;
    double exact[ROWS], sum[ROWS] = {0}, square[ROWS] = {0};
    dense_text(widths, "tanh", "sigmoid", text, sizeof text);
    if (scene_create(&s, text, &input, MODE_TRAIN, 0))
        for (int r = 0; r < ROWS; r++) exact[r] = norm_of(&s, r);
    scene_free(&s);
    if (scene_create(&s, text, &input, MODE_TRAIN, probes)) {
        for (uint64_t step = 0; step < STEPS; step++) {
            s.replay.run.step = step;
            aenc_run_replay(&s.replay.run, NULL);
            for (int r = 0; r < ROWS; r++) {
                sum[r] += norm_of(&s, r);
                square[r] += norm_of(&s, r) * norm_of(&s, r);
            }
        }
        for (int r = 0; r < ROWS; r++) {
            double mean = sum[r] / STEPS, variance = square[r] / STEPS - mean * mean;
            CHECK(variance > 0);
            if (!CHECK_NEAR((mean - exact[r]) / sqrt(variance / STEPS), 0, 5)) fprintf(stderr, "  %s\n", text);
        }
    }
    scene_free(&s);
}

static void test_estimate(void) {
    static const int narrow[] = {9, 6, 4, 0}, wide[] = {3, 6, 9, 0}, single[] = {6, 5, 0};
    check_estimate(narrow, 1);
    check_estimate(narrow, 4);
    check_estimate(wide, 2);
    check_estimate(single, 3);
}

/* An op without the derivative is named. */
static void test_refusal(void) {
    aenc_context *ctx = NULL;
    struct tape tape;
    const int64_t dims[] = {4};
    CHECK(aenc_context_create(NULL, &ctx) == AENC_OK);
    aenc_tape_create(ctx, MODE_TRAIN, ROWS, &tape);
    struct node *x = aenc_tape_input(&tape, "input", dims, 1);
    struct node *code = aenc_op_reduce(&tape, REDUCE_MAXIMUM, x, 1, true);
    CHECK(aenc_jacobian_norm_record(&tape, x, code, 0) == NULL);
    CHECK(tape.status == AENC_ERR_UNSUPPORTED && strstr(ctx->message, "maximum") != NULL);
    aenc_tape_free(&tape);
    aenc_tape_create(ctx, MODE_TRAIN, ROWS, &tape);
    x = aenc_tape_input(&tape, "input", dims, 1);
    CHECK(aenc_jacobian_norm_record(&tape, x, aenc_op_stop_gradient(&tape, x), 0) == NULL);
    CHECK(tape.status == AENC_ERR_UNSUPPORTED);
    aenc_tape_free(&tape);
    aenc_context_free(ctx);
}

int main(void) {
    test_dense();
    test_activations();
    test_other_layers();
    test_estimate();
    test_refusal();
    return check_finish();
}
