/* fuzz_model_file.c - a whole model file. */
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = fuzz_input_open(data, size);
    struct fuzz_world world;
    aenc_model *model = NULL;
    fuzz_world_open(&world, input.control, (size_t)4 << 20, 1);
    aenc_status status = aenc_model_load_memory(world.ctx, input.bytes, input.size, &model);
    if (fuzz_made(&world, status, model)) {
        fuzz_model_round_trip(&world, model);
        fuzz_model_use(&world, model);
    }
    aenc_model_free(model);
    fuzz_world_close(&world);
    fuzz_input_close(&input);
    return 0;
}
