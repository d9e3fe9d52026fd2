/* world.h - a small model with data, and the checks that belong to a call that must fail: the right status, a message
 * with the words in it, and a model that answers the same bits as before. */
#ifndef AENC_TESTS_API_WORLD_H
#define AENC_TESTS_API_WORLD_H

#include <stdio.h>

#include "api/memory.h"

enum { WORLD_ROWS = 4, WORLD_COLS = 6, WORLD_CODE = 3 };

struct world {
    struct memory memory;
    aenc_context *ctx;
    aenc_model *model; /* 6-5-3-5-6, mse */
    float data[WORLD_ROWS * WORLD_COLS];
    aenc_matrix x;
    float code[WORLD_ROWS * WORLD_CODE], output[WORLD_ROWS * WORLD_COLS]; /* of x */
};

static inline void world_answers(struct world *world, float *code, float *output) {
    size_t codes = WORLD_ROWS * WORLD_CODE, outputs = WORLD_ROWS * WORLD_COLS;
    CHECK_STATUS(world->ctx, aenc_encode(world->model, &world->x, code, codes), AENC_OK);
    CHECK_STATUS(world->ctx, aenc_reconstruct(world->model, &world->x, output, outputs), AENC_OK);
}

static inline void world_create(struct world *world) {
    static const size_t input[] = {WORLD_COLS}, widths[] = {5, WORLD_CODE};
    memset(world, 0, sizeof *world);
    world->memory.limit = (size_t)64 << 20;
    world->ctx = memory_context(&world->memory, 1, 1);
    aenc_model_options options = {
        .struct_size = sizeof options, .input = input, .input_rank = 1, .encoder_widths = widths, .encoder_count = 2};
    CHECK_STATUS(world->ctx, aenc_model_create(world->ctx, &options, &world->model), AENC_OK);
    for (size_t i = 0; i < WORLD_ROWS * WORLD_COLS; i++) world->data[i] = (float)((i * 7) % 11) / 11.0f;
    world->x = (aenc_matrix){world->data, WORLD_ROWS, WORLD_COLS, 0};
    world_answers(world, world->code, world->output);
}

static inline void world_free(struct world *world) {
    aenc_model_free(world->model);
    aenc_context_free(world->ctx);
    memory_check_empty(&world->memory);
}

static inline bool world_intact(struct world *world) {
    float code[WORLD_ROWS * WORLD_CODE], output[WORLD_ROWS * WORLD_COLS];
    world_answers(world, code, output);
    return memcmp(code, world->code, sizeof code) == 0 && memcmp(output, world->output, sizeof output) == 0;
}

/* Whether every word, separated by '|', is in the message. */
static inline bool message_has(const char *message, const char *words) {
    char word[128];
    while (*words != '\0') {
        size_t length = strcspn(words, "|");
        snprintf(word, sizeof word, "%.*s", (int)length, words);
        if (strstr(message, word) == NULL) return false;
        words += length + (words[length] == '|');
    }
    return true;
}

static inline void check_fails(struct world *world, aenc_status got, aenc_status want, const char *words,
                               const char *file, int line, const char *what) {
    check_status(got, want, aenc_message(world->ctx), file, line, what);
    bool says = message_has(aenc_message(world->ctx), words);
    if (!says) fprintf(stderr, "  wanted \"%s\" in: %s\n", words, aenc_message(world->ctx));
    check_report(says, file, line, what);
    check_report(world_intact(world), file, line, what);
    /* another message, so that the next check cannot see this one */
    aenc_tensor *none;
    CHECK(aenc_tensor_create(world->ctx, -1, NULL, 0, &none) != AENC_OK);
}

/* The call fails with that status and those words ("field|value"). */
#define CHECK_FAILS(world, call, want, words) check_fails((world), (call), (want), (words), __FILE__, __LINE__, #call)
/* The same for a call with a result, which must be NULL. */
#define CHECK_NONE(world, call, out, want, words) \
    (check_fails((world), (call), (want), (words), __FILE__, __LINE__, #call), \
     check_report((out) == NULL, __FILE__, __LINE__, #call " leaves its result NULL"))

#endif
