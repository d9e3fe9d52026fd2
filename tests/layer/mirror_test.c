/* mirror_test.c - the decoder that mirrors an encoder, as JSON. */
#include <string.h>

#include "check.h"
#include "layer/layer.h"

struct mirrored {
    const char *input;             /* of one row, "28x28" */
    const char *encoder, *decoder; /* the layers */
};

#define DENSE(units) "{\"type\":\"dense\",\"units\":" #units "}"
#define DENSE_AS(units, activation) "{\"type\":\"dense\",\"units\":" #units ",\"activation\":\"" activation "\"}"
#define LAYER(type) "{\"type\":\"" #type "\"}"

static const struct mirrored cases[] = {
    {"784", DENSE_AS(128, "relu") "," DENSE_AS(64, "relu") "," DENSE(32),
     DENSE_AS(64, "relu") "," DENSE_AS(128, "relu") "," DENSE(784)},
    /* The activation of the code is not repeated; each hidden one stays with its width. */
    {"9", DENSE_AS(8, "tanh") "," DENSE_AS(7, "relu") "," DENSE_AS(2, "sigmoid"),
     DENSE_AS(7, "relu") "," DENSE_AS(8, "tanh") "," DENSE(9)},
    {"784", DENSE(128) "," LAYER(batch_norm) "," LAYER(relu) "," DENSE(32),
     DENSE(128) "," LAYER(batch_norm) "," LAYER(relu) "," DENSE(784)},
    {"6", LAYER(batch_norm) ",{\"type\":\"dropout\",\"rate\":0.1}," DENSE_AS(4, "relu") "," LAYER(dropout) "," DENSE(2),
     DENSE_AS(4, "relu") "," DENSE(6)},
    {"28x28", LAYER(flatten) "," DENSE_AS(64, "relu") "," DENSE(8),
     DENSE_AS(64, "relu") "," DENSE(784) ",{\"type\":\"reshape\",\"dims\":[28,28]}"},
    /* A fused activation behind which the mirror is no dense layer becomes a layer. */
    {"5", DENSE_AS(12, "elu:alpha=0.5") ",{\"type\":\"reshape\",\"dims\":[3,4]}," DENSE(2),
     DENSE(4) ",{\"type\":\"reshape\",\"dims\":[12]},{\"type\":\"elu\",\"alpha\":0.5}," DENSE(5)},
    {"5", "{\"type\":\"sequential\",\"layers\":[" DENSE_AS(4, "relu") "]}," DENSE_AS(3, "tanh") "," DENSE(2),
     DENSE_AS(3, "tanh") "," DENSE_AS(4, "relu") "," DENSE(5)},
    {"6", DENSE_AS(4, "relu") ",{\"type\":\"residual\",\"layers\":[" DENSE_AS(8, "tanh") "," DENSE(4) "]}," DENSE(2),
     DENSE(4) ",{\"type\":\"residual\",\"layers\":[" DENSE_AS(8, "tanh") "," DENSE(4) "]}," LAYER(relu) "," DENSE(6)},
    {"6", "{\"type\":\"dense\",\"units\":3,\"bias\":false,\"init\":\"orthogonal\"}",
     "{\"type\":\"dense\",\"units\":6,\"bias\":false,\"init\":\"orthogonal\"}"},
    {"6", "", ""},
};

static struct shape shape_of(const char *text) {
    struct shape shape = {0, {0}};
    for (const char *c = text; *c != '\0'; c++) {
        if (c == text || *c == 'x') shape.rank++;
        if (*c != 'x') shape.dim[shape.rank - 1] = shape.dim[shape.rank - 1] * 10 + (*c - '0');
    }
    return shape;
}

static struct json *sequential(struct arena *arena, const char *layers) {
    struct json *spec = NULL;
    const char *text = aenc_arena_format(arena, "{\"type\":\"sequential\",\"layers\":[%s]}", layers);
    CHECK_STATUS(arena->ctx, aenc_json_parse(arena, text, strlen(text), "a spec", &spec), AENC_OK);
    return spec;
}

static void mirror_test(aenc_context *ctx, const struct mirrored *mirrored) {
    struct arena arena;
    char *got = NULL, *want = NULL;
    aenc_arena_create(ctx, &arena);
    struct shape input = shape_of(mirrored->input);
    const struct json *encoder = sequential(&arena, mirrored->encoder);
    CHECK_STATUS(ctx, aenc_layer_check(ctx, encoder), AENC_OK);
    const struct json *decoder = aenc_layer_mirror(ctx, &arena, encoder, &input);
    if (CHECK(decoder != NULL)) {
        CHECK_STATUS(ctx, aenc_layer_check(ctx, decoder), AENC_OK);
        CHECK_STATUS(ctx, aenc_json_write(ctx, decoder, &got, NULL), AENC_OK);
        CHECK_STATUS(ctx, aenc_json_write(ctx, sequential(&arena, mirrored->decoder), &want, NULL), AENC_OK);
        if (!CHECK(strcmp(got, want) == 0)) fprintf(stderr, "  got  %s\n  want %s\n", got, want);
    } else {
        fprintf(stderr, "  %s\n", aenc_message(ctx));
    }
    aenc_release(ctx, got);
    aenc_release(ctx, want);
    aenc_arena_free(&arena);
}

/* An encoder that cannot be recorded has no mirror. */
static void failure_test(aenc_context *ctx) {
    struct arena arena;
    aenc_arena_create(ctx, &arena);
    struct shape input = shape_of("6");
    const struct json *encoder = sequential(&arena, "{\"type\":\"reshape\",\"dims\":[5]}");
    CHECK(aenc_layer_mirror(ctx, &arena, encoder, &input) == NULL);
    CHECK(strstr(aenc_message(ctx), "layer 'reshape'") != NULL);
    aenc_arena_free(&arena);
}

int main(void) {
    aenc_context *ctx;
    if (aenc_context_create(NULL, &ctx) != AENC_OK) return 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) mirror_test(ctx, &cases[i]);
    failure_test(ctx);
    aenc_context_free(ctx);
    return check_finish();
}
