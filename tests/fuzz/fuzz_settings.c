/* fuzz_settings.c - "name:key=value,key=value", as text and wherever the public interface takes one. */
#include "fuzz/fuzz.h"
#include "io/settings.h"

static void parse(struct fuzz_world *world, const char *text) {
    struct arena arena;
    struct json *spec = NULL;
    char *written = NULL;
    aenc_arena_create(world->ctx, &arena);
    if (fuzz_made(world, aenc_settings_parse(&arena, "layer", text, &spec), spec)) {
        FUZZ_DEMAND(aenc_settings_type(spec)[0] != '\0');
        aenc_status status = aenc_json_write(world->ctx, spec, &written, NULL);
        FUZZ_DEMAND(status == AENC_OK || status == AENC_ERR_NO_MEMORY);
        fuzz_made(world, status, written);
        aenc_release(world->ctx, written);
    }
    aenc_arena_free(&arena);
}

/* The text as the setting `which` of a small model. */
static aenc_model *model_with(struct fuzz_world *world, int which, const char *text) {
    const size_t input[] = {2, 3}, widths[] = {4, 2};
    aenc_model_options options = {
        .struct_size = sizeof options, .input = input, .input_rank = 2, .encoder_widths = widths, .encoder_count = 2};
    if (which == 1) options.activation = text;
    if (which == 2) options.code_activation = text;
    if (which == 3) options.output = text;
    if (which == 4) options.loss = text;
    if (which == 5) options.init = text;
    aenc_model *model = NULL;
    aenc_status status = aenc_model_create(world->ctx, &options, &model);
    return fuzz_made(world, status, model) ? model : NULL;
}

static void layer(struct fuzz_world *world, const char *text) {
    const size_t input[] = {2, 3};
    aenc_layer *made = NULL, *outer = NULL;
    aenc_model *model = NULL;
    fuzz_made(world, aenc_layer_create(world->ctx, text, &made), made);
    fuzz_made(world, aenc_layer_create(world->ctx, "sequential", &outer), outer);
    if (made != NULL && outer != NULL && fuzz_good(world, aenc_layer_add(outer, made))) {
        aenc_model_options options = {
            .struct_size = sizeof options, .input = input, .input_rank = 2, .encoder_layers = outer};
        if (fuzz_made(world, aenc_model_create(world->ctx, &options, &model), model)) fuzz_model_use(world, model);
    }
    aenc_layer_free(outer);
    aenc_model_free(model);
    aenc_layer_free(made);
}

static void training(struct fuzz_world *world, const char *text) {
    static const float rows[] = {0, 1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 0};
    const aenc_matrix x = {rows, 2, 6, 0};
    aenc_model *model = model_with(world, 0, NULL);
    if (model == NULL) return;
    aenc_optimizer *optimizer = NULL;
    aenc_batch batch = {.struct_size = sizeof batch, .input = x};
    if (fuzz_made(world, aenc_optimizer_create(model, text, &optimizer), optimizer))
        fuzz_good(world, aenc_model_step(model, optimizer, &batch, NULL));
    aenc_optimizer_free(optimizer);
    aenc_fit_options options = {.struct_size = sizeof options, .schedule = text, .epochs = 3};
    fuzz_good(world, aenc_fit(model, &x, &options));
    aenc_model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = fuzz_input_open(data, size);
    struct fuzz_world world;
    char *text = malloc(input.size + 1);
    FUZZ_DEMAND(text != NULL);
    memcpy(text, input.bytes, input.size);
    text[input.size] = '\0';
    fuzz_world_open(&world, input.control, (size_t)2 << 20, 1);
    parse(&world, text);
    /* the control byte chooses one place, or all of them */
    unsigned place = (input.control & 0x7F) % 8;
    if (place == 0 || place == 6) layer(&world, text);
    for (int which = 1; which <= 5; which++) {
        if (place != 0 && place != (unsigned)which) continue;
        aenc_model *model = model_with(&world, which, text);
        if (model != NULL) fuzz_model_use(&world, model);
        aenc_model_free(model);
    }
    if (place == 0 || place == 7) training(&world, text);
    fuzz_world_close(&world);
    free(text);
    fuzz_input_close(&input);
    return 0;
}
