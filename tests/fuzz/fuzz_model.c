/* fuzz_model.c - everything a consumer would do with a model that was loaded. */
#include <math.h>

#include "fuzz/fuzz.h"

static void names_walk(struct fuzz_world *world, aenc_model *model) {
    size_t total = 0;
    bool all = true; /* memory sufficed for a copy of each */
    for (size_t i = 0; i < aenc_model_tensor_count(model); i++) {
        aenc_tensor *tensor = NULL;
        const char *name = aenc_model_tensor_name(model, i);
        FUZZ_DEMAND(name != NULL);
        if (!fuzz_made(world, aenc_model_tensor_get(model, name, &tensor), tensor)) {
            all = false;
            continue;
        }
        total += aenc_tensor_count(tensor);
        fuzz_good(world, aenc_model_tensor_set(model, name, tensor));
        aenc_tensor_free(tensor);
    }
    FUZZ_DEMAND(!all || total >= aenc_model_parameter_size(model));
    FUZZ_DEMAND(aenc_model_tensor_name(model, aenc_model_tensor_count(model)) == NULL);
    FUZZ_DEMAND(aenc_model_description(model) != NULL);
}

static void step(struct fuzz_world *world, aenc_model *model, const aenc_matrix *x, const aenc_matrix *target) {
    aenc_optimizer *optimizer = NULL;
    aenc_batch batch = {.struct_size = sizeof batch, .input = *x, .target = *target};
    double loss = 0;
    fuzz_good(world, aenc_model_evaluate(model, &batch, &loss));
    if (!fuzz_made(world, aenc_optimizer_create(model, "adam", &optimizer), optimizer)) return;
    fuzz_good(world, aenc_model_step(model, optimizer, &batch, &loss));
    aenc_optimizer_free(optimizer);
}

void fuzz_model_use(struct fuzz_world *world, aenc_model *model) {
    enum { ROWS = 2 };
    size_t in = aenc_model_input_size(model), code = aenc_model_code_size(model), out = aenc_model_output_size(model);
    size_t widest = in > code ? in : code;
    FUZZ_DEMAND(in > 0 && code > 0 && out > 0);
    names_walk(world, model);
    if (out > widest) widest = out;
    if (widest > FUZZ_WIDTH_MAX) return;
    float *from = calloc(ROWS * widest, sizeof *from), *to = malloc(ROWS * widest * sizeof *to);
    FUZZ_DEMAND(from != NULL && to != NULL);
    for (size_t i = 0; i < ROWS * widest; i++) from[i] = (float)(i % 7) / 7.0f;
    aenc_matrix x = {from, ROWS, in, 0}, z = {from, ROWS, code, 0}, y = {from, ROWS, out, 0};
    aenc_matrix none = {NULL, 0, 0, 0};
    fuzz_good(world, aenc_encode(model, &x, to, ROWS * widest));
    fuzz_good(world, aenc_decode(model, &z, to, ROWS * widest));
    fuzz_good(world, aenc_reconstruct(model, &x, to, ROWS * widest));
    fuzz_good(world, aenc_score(model, &x, NULL, to, ROWS * widest));
    fuzz_good(world, aenc_score(model, &x, &y, to, ROWS * widest));
    fuzz_good(world, aenc_score_features(model, &x, NULL, to, ROWS * widest));
    step(world, model, &x, &none);
    fuzz_good(world, aenc_encode(model, &x, to, ROWS * widest));
    free(from);
    free(to);
}

/* NULL after a failure that was told. */
static unsigned char *saved(struct fuzz_world *world, aenc_model *model, size_t *size) {
    if (!fuzz_good(world, aenc_model_save_memory(model, NULL, 0, size))) return NULL;
    unsigned char *bytes = malloc(*size);
    FUZZ_DEMAND(bytes != NULL && *size > 0);
    if (fuzz_good(world, aenc_model_save_memory(model, bytes, *size, size))) return bytes;
    free(bytes);
    return NULL;
}

void fuzz_model_round_trip(struct fuzz_world *world, aenc_model *model) {
    size_t size = 0, again_size = 0;
    aenc_model *loaded = NULL;
    unsigned char *bytes = saved(world, model, &size), *again = NULL;
    if (bytes == NULL) return;
    aenc_status status = aenc_model_load_memory(world->ctx, bytes, size, &loaded);
    FUZZ_DEMAND(status == AENC_OK || status == AENC_ERR_NO_MEMORY);
    if (fuzz_made(world, status, loaded)) again = saved(world, loaded, &again_size);
    if (again != NULL) FUZZ_DEMAND(size == again_size && memcmp(bytes, again, size) == 0);
    aenc_model_free(loaded);
    free(again);
    free(bytes);
}
