/* fuzz_description.c - JSON, as a tree that is written and read again, and as the description of a model. */
#include "fuzz/fuzz.h"
#include "io/json.h"

static bool equal(const struct json *a, const struct json *b) {
    if (a->kind != b->kind || a->count != b->count || (a->key == NULL) != (b->key == NULL)) return false;
    if (a->key != NULL && strcmp(a->key, b->key) != 0) return false;
    if (a->kind == JSON_BOOL && a->truth != b->truth) return false;
    if (a->kind == JSON_NUMBER && memcmp(&a->number, &b->number, sizeof a->number) != 0) return false;
    if (a->kind == JSON_TEXT && strcmp(a->text, b->text) != 0) return false;
    const struct json *y = b->first;
    for (const struct json *x = a->first; x != NULL; x = x->next, y = y->next)
        if (!equal(x, y)) return false;
    return true;
}

static void tree(struct fuzz_world *world, const struct fuzz_input *input) {
    struct arena arena;
    struct json *value = NULL, *again = NULL;
    char *text = NULL;
    size_t length = 0;
    aenc_arena_create(world->ctx, &arena);
    aenc_status status = aenc_json_parse(&arena, (const char *)input->bytes, input->size, "the text", &value);
    if (fuzz_made(world, status, value)) {
        status = aenc_json_write(world->ctx, value, &text, &length);
        FUZZ_DEMAND(status == AENC_OK || status == AENC_ERR_NO_MEMORY);
        fuzz_made(world, status, text);
    }
    if (text != NULL) {
        FUZZ_DEMAND(strlen(text) == length);
        status = aenc_json_parse(&arena, text, length, "its copy", &again);
        FUZZ_DEMAND(status == AENC_OK || status == AENC_ERR_NO_MEMORY);
        if (fuzz_made(world, status, again)) FUZZ_DEMAND(equal(value, again));
    }
    aenc_release(world->ctx, text);
    aenc_arena_free(&arena);
}

static void description(struct fuzz_world *world, const struct fuzz_input *input) {
    aenc_model *model = NULL;
    if (fuzz_made(world, aenc_model_parse(world->ctx, (const char *)input->bytes, input->size, &model), model)) {
        aenc_model *same = NULL;
        const char *text = aenc_model_description(model);
        aenc_status status = aenc_model_parse(world->ctx, text, strlen(text), &same);
        FUZZ_DEMAND(status == AENC_OK || status == AENC_ERR_NO_MEMORY);
        if (fuzz_made(world, status, same)) FUZZ_DEMAND(strcmp(text, aenc_model_description(same)) == 0);
        aenc_model_free(same);
        fuzz_model_round_trip(world, model);
        fuzz_model_use(world, model);
    }
    aenc_model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = fuzz_input_open(data, size);
    struct fuzz_world world;
    fuzz_world_open(&world, input.control, (size_t)2 << 20, 1);
    tree(&world, &input);
    description(&world, &input);
    fuzz_world_close(&world);
    fuzz_input_close(&input);
    return 0;
}
