/* layers_test.c - layers by name: what is refused and in which words, and what training and evaluation make of them.
 * Values and gradients are golden_test.c's affair. */
#include "check.h"
#include "layer/layer.h"
#include "replay.h"

/* A layer recorded on an input of rows of two axes at most, and what it came to. */
struct scene {
    struct arena arena;
    struct store store;
    struct tape tape;
    struct node *x, *y;
};

static void scene_begin(aenc_context *ctx, struct scene *s, const char *json, enum tape_mode mode, int64_t rows,
                        const int64_t *dims, int rank) {
    struct json *spec = NULL;
    aenc_arena_create(ctx, &s->arena);
    aenc_store_create(ctx, &s->store);
    aenc_tape_create(ctx, mode, rows, &s->tape);
    struct site site = {.tape = &s->tape, .store = &s->store};
    s->x = aenc_tape_input(&s->tape, "x", dims, rank);
    s->y = NULL;
    CHECK_STATUS(ctx, aenc_json_parse(&s->arena, json, strlen(json), "a spec", &spec), AENC_OK);
    if (CHECK_STATUS(ctx, aenc_layer_check(ctx, spec), AENC_OK)) s->y = aenc_layer_record(&site, "net", spec, s->x);
    aenc_tape_output(&s->tape, s->y);
}

static void scene_end(struct scene *s) {
    aenc_tape_free(&s->tape);
    aenc_store_free(&s->store);
    aenc_arena_free(&s->arena);
}

/* ---- Refusals ---- */

struct refusal {
    const char *json, *words;
};

static const struct refusal refused_specs[] = {
    {"[1]", "a layer must be an object with a 'type'"},
    {"{}", "unknown layer ''; known: dense, "},
    {"{\"type\":\"dens\",\"units\":3}", "unknown layer 'dens'; known: dense, dropout, "},
    {"{\"type\":\"dense\"}", "setting 'units' is missing"},
    {"{\"type\":\"dense\",\"unit\":3}", "layer 'dense': unknown setting 'unit'; known: units, bias, activation, init"},
    {"{\"type\":\"dense\",\"units\":0}", "setting 'units' is 0"},
    {"{\"type\":\"dense\",\"units\":3,\"activation\":\"rleu\"}", "unknown activation 'rleu'; known: identity, relu, "},
    {"{\"type\":\"dense\",\"units\":3,\"activation\":\"elu:slope=1\"}", "unknown setting 'slope'; known: alpha"},
    {"{\"type\":\"dense\",\"units\":3,\"init\":\"he\"}", "unknown init 'he'"},
    {"{\"type\":\"dropout\",\"rate\":1}", "setting 'rate' is 1"},
    {"{\"type\":\"leaky_relu\",\"slope\":-1}", "setting 'slope' is -1"},
    {"{\"type\":\"sequential\"}", "setting 'layers' is missing"},
    {"{\"type\":\"sequential\",\"layers\":[{\"type\":\"residual\",\"layers\":[{\"type\":\"nose\"}]}]}",
     "unknown layer 'nose'"},
};

static void specs_test(aenc_context *ctx) {
    for (size_t i = 0; i < sizeof refused_specs / sizeof *refused_specs; i++) {
        const struct refusal *refusal = &refused_specs[i];
        struct arena arena;
        struct json *spec = NULL;
        aenc_arena_create(ctx, &arena);
        CHECK_STATUS(ctx, aenc_json_parse(&arena, refusal->json, strlen(refusal->json), "a spec", &spec), AENC_OK);
        CHECK_STATUS(ctx, aenc_layer_check(ctx, spec), AENC_ERR_ARGUMENT);
        if (!CHECK(strstr(aenc_message(ctx), refusal->words) != NULL))
            fprintf(stderr, "  '%s' does not say '%s'\n", aenc_message(ctx), refusal->words);
        aenc_arena_free(&arena);
    }
}

/* On rows of shape (2, 3). */
static const struct refusal refused_shapes[] = {
    {"{\"type\":\"reshape\",\"dims\":[5]}", "net: layer 'reshape': a row of shape (rows, 2, 3) has 6 numbers"},
    {"{\"type\":\"residual\",\"layers\":[{\"type\":\"dense\",\"units\":4}]}",
     "net: layer 'residual': the layers inside turn shape (rows, 2, 3) into (rows, 2, 4); they must keep it"},
    {"{\"type\":\"sequential\",\"layers\":[{\"type\":\"relu\"},{\"type\":\"reshape\",\"dims\":[4,2]}]}",
     "net.1: layer 'reshape'"},
};

static void shapes_test(aenc_context *ctx) {
    const int64_t dims[] = {2, 3};
    for (size_t i = 0; i < sizeof refused_shapes / sizeof *refused_shapes; i++) {
        struct scene s;
        scene_begin(ctx, &s, refused_shapes[i].json, MODE_TRAIN, 4, dims, 2);
        CHECK(s.y == NULL);
        CHECK_STATUS(ctx, s.tape.status, AENC_ERR_SHAPE);
        if (!CHECK(strstr(aenc_message(ctx), refused_shapes[i].words) != NULL))
            fprintf(stderr, "  '%s' does not say '%s'\n", aenc_message(ctx), refused_shapes[i].words);
        scene_end(&s);
    }
    const char *hungry[] = {"{\"type\":\"dense\",\"units\":2}", "{\"type\":\"batch_norm\"}",
                            "{\"type\":\"layer_norm\"}"};
    for (size_t i = 0; i < sizeof hungry / sizeof *hungry; i++) {
        struct scene s;
        scene_begin(ctx, &s, hungry[i], MODE_TRAIN, 4, NULL, 0);
        CHECK(s.y == NULL);
        CHECK_STATUS(ctx, s.tape.status, AENC_ERR_SHAPE);
        scene_end(&s);
    }
}

/* ---- Names and starts ---- */

static void names_test(aenc_context *ctx) {
    const int64_t dims[] = {5};
    struct scene s;
    scene_begin(
        ctx, &s,
        "{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":4,\"activation\":\"relu\"},"
        "{\"type\":\"residual\",\"layers\":[{\"type\":\"batch_norm\"},{\"type\":\"dense\",\"units\":4,"
        "\"bias\":false,\"init\":\"constant:gain=0.5\"}]},{\"type\":\"dense\",\"units\":2,\"init\":\"he_normal\"}]}",
        MODE_TRAIN, 3, dims, 1);
    const char *names[] = {"net.0.weight",        "net.0.bias",     "net.1.0.running_mean",
                           "net.1.0.running_var", "net.1.0.weight", "net.1.0.bias",
                           "net.1.1.weight",      "net.2.weight",   "net.2.bias"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!CHECK(aenc_store_find(&s.store, names[i]) != NULL)) fprintf(stderr, "  %s\n", names[i]);
    CHECK(s.store.entry_count == sizeof names / sizeof *names);
    const struct entry *weight = aenc_store_find(&s.store, "net.0.weight");
    CHECK(weight->shape.rank == 2 && weight->shape.dim[0] == 4 && weight->shape.dim[1] == 5 && weight->decays);
    CHECK(!aenc_store_find(&s.store, "net.0.bias")->decays && !aenc_store_find(&s.store, "net.1.0.weight")->decays);
    CHECK_STATUS(ctx, replay_store(&s.store, 3), AENC_OK);
    CHECK(s.store.parameter[aenc_store_find(&s.store, "net.1.0.weight")->offset] == 1);
    CHECK(s.store.parameter[aenc_store_find(&s.store, "net.1.1.weight")->offset] == (num)0.5);
    CHECK(s.store.parameter[aenc_store_find(&s.store, "net.2.bias")->offset] == 0);
    CHECK(s.store.parameter[aenc_store_find(&s.store, "net.0.bias")->offset] != 0);
    CHECK(s.store.state[aenc_store_find(&s.store, "net.1.0.running_var")->offset] == 1);
    CHECK(s.tape.stage_count == 2);
    scene_end(&s);
}

/* The same names again: every parameter is found, none declared. */
static void again_test(aenc_context *ctx) {
    const int64_t dims[] = {3};
    const char *json =
        "{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3},{\"type\":\"batch_norm\"}]}";
    struct scene s;
    struct tape evaluate;
    struct json *spec;
    scene_begin(ctx, &s, json, MODE_TRAIN, 3, dims, 1);
    size_t count = s.store.entry_count;
    CHECK_STATUS(ctx, replay_store(&s.store, 3), AENC_OK);
    aenc_tape_create(ctx, MODE_EVALUATE, 3, &evaluate);
    struct site site = {.tape = &evaluate, .store = &s.store};
    CHECK_STATUS(ctx, aenc_json_parse(&s.arena, json, strlen(json), "a spec", &spec), AENC_OK);
    struct node *x = aenc_tape_input(&evaluate, "x", dims, 1);
    CHECK(aenc_layer_record(&site, "net", spec, x) != NULL);
    CHECK_STATUS(ctx, evaluate.status, AENC_OK);
    CHECK(s.store.entry_count == count && evaluate.stage_count == 0);
    aenc_tape_free(&evaluate);
    scene_end(&s);
}

/* ---- Dropout ---- */

enum { DROP_ROWS = 200, DROP_COLS = 50 };

/* How many of the elements, all 1 going in, came out as 0; the others must be 1 / (1 - rate). */
static int64_t dropped(aenc_context *ctx, struct replay *replay, const struct node *y, double rate) {
    int64_t zeros = 0, others = 0;
    const num *value = aenc_value(&replay->run, y);
    (void)ctx;
    for (int64_t i = 0; i < DROP_ROWS * DROP_COLS; i++) {
        if (value[i] == 0) zeros++;
        else others += fabs((double)value[i] * (1 - rate) - 1) < 1e-6;
    }
    CHECK(zeros + others == DROP_ROWS * DROP_COLS);
    return zeros;
}

static void dropout_test(aenc_context *ctx) {
    static float ones[DROP_ROWS * DROP_COLS];
    static num before[DROP_ROWS * DROP_COLS];
    const int64_t dims[] = {DROP_COLS};
    const float *inputs[] = {ones};
    struct scene s;
    struct replay replay;
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++) ones[i] = 1;
    scene_begin(ctx, &s, "{\"type\":\"dropout\",\"rate\":0.25}", MODE_TRAIN, DROP_ROWS, dims, 1);
    CHECK_STATUS(ctx, replay_store(&s.store, 1), AENC_OK);
    CHECK_STATUS(ctx, replay_once(&s.tape, &s.store, false, DROP_ROWS, inputs, &replay), AENC_OK);
    int64_t zeros = dropped(ctx, &replay, s.y, 0.25);
    CHECK_NEAR((double)zeros, 2500, 4 * sqrt(10000 * 0.25 * 0.75));
    memcpy(before, aenc_value(&replay.run, s.y), sizeof before);
    aenc_run_replay(&replay.run, ctx->pool);
    CHECK(memcmp(before, aenc_value(&replay.run, s.y), sizeof before) == 0);
    /* Row r of a chunk is row first_row + r of the batch. */
    replay.run.first_row = 100;
    replay.run.live[0] = 100;
    aenc_run_replay(&replay.run, ctx->pool);
    CHECK(memcmp(before + 100 * DROP_COLS, aenc_value(&replay.run, s.y), sizeof before / 2) == 0);
    replay.run.first_row = 0;
    replay.run.step = 1;
    aenc_run_replay(&replay.run, ctx->pool);
    CHECK(memcmp(before, aenc_value(&replay.run, s.y), sizeof before / 2) != 0);
    replay_free(ctx, &replay);
    scene_end(&s);
    scene_begin(ctx, &s, "{\"type\":\"dropout\"}", MODE_EVALUATE, 4, dims, 1);
    CHECK(s.y == s.x);
    scene_end(&s);
}

int main(void) {
    aenc_context *ctx;
    if (aenc_context_create(NULL, &ctx) != AENC_OK) return 1;
    specs_test(ctx);
    shapes_test(ctx);
    names_test(ctx);
    again_test(ctx);
    dropout_test(ctx);
    aenc_context_free(ctx);
    return check_finish();
}
