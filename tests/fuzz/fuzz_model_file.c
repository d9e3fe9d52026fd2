/* fuzz_model_file.c - a whole model file; and the same bytes as a file of another program. */
#include "fuzz/fuzz.h"

static const char named[] =
    "{\"input\":[4],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":3},"
    "{\"type\":\"dense\",\"units\":2}]},\"aliases\":{\"encoder.\":\"net.\",\"decoder.0.bias\":\"b\"}}";

static void foreign(struct fuzz_world *world, const struct fuzz_input *input) {
    aenc_model *model = NULL;
    if (!fuzz_made(world, aenc_model_parse(world->ctx, named, strlen(named), &model), model)) return;
    fuzz_good(world, aenc_model_load_tensors_memory(model, "", input->bytes, input->size));
    fuzz_good(world, aenc_model_load_tensors_memory(model, "encoder", input->bytes, input->size));
    fuzz_model_round_trip(world, model);
    aenc_model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = fuzz_input_open(data, size);
    struct fuzz_world world;
    aenc_model *model = NULL;
    fuzz_world_open(&world, input.control, (size_t)4 << 20, 1);
    aenc_status status = aenc_model_load_memory(world.ctx, input.bytes, input.size, &model);
    if (fuzz_made(&world, status, model)) {
        fuzz_model_round_trip(&world, model);
        fuzz_model_use(&world, model);
        fuzz_good(&world, aenc_model_load_tensors_memory(model, "", input.bytes, input.size));
    }
    aenc_model_free(model);
    foreign(&world, &input);
    fuzz_world_close(&world);
    fuzz_input_close(&input);
    return 0;
}
