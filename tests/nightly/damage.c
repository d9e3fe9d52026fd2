/* damage.c - files with one bit flipped. A checkpoint has a checksum, so each is refused and the model is as it was. A model file
 * has none: one with a flipped bit, or with a value made NaN or infinite, is refused, or loads with finite values and can be
 * used. */
#include <math.h>

#include "nightly/nightly.h"

static size_t flip(struct choices *choices, unsigned char *bytes, size_t size) {
    size_t at = 0;
    for (int i = 0; i < 4; i++) at = at * 256 + choose(choices, 256);
    if (one_in(choices, 2) && size > 2000) at %= 2000; /* the header, mostly */
    at %= size;
    bytes[at] ^= (unsigned char)(1u << choose(choices, 8));
    return at;
}

int damage_checkpoint(struct session *s, const char *path, int count) {
    struct choices choices = {.state = s->c->seed * 37 + 5};
    size_t size = 0;
    unsigned char *whole = file_read(path, &size), *bytes = malloc(size + 1);
    int bad = 0;
    FUZZ_DEMAND(whole != NULL && bytes != NULL);
    uint64_t before = model_hash(s->model, NULL, NULL);
    for (int i = 0; i < count; i++) {
        memcpy(bytes, whole, size);
        size_t at = flip(&choices, bytes, size);
        file_put(path, bytes, size);
        aenc_status status = session_train(s, path, AENC_RESUME_REQUIRED, NULL);
        bool kept = model_hash(s->model, NULL, NULL) == before;
        if (status != AENC_OK && kept) continue;
        fprintf(stderr, "  checkpoint, byte %zu: %s%s\n", at, status == AENC_OK ? "accepted" : aenc_message(s->world.ctx),
                kept ? "" : ", and the model has changed");
        bad++;
        if (!kept) break;
    }
    file_put(path, whole, size);
    free(whole);
    free(bytes);
    return bad;
}

/* One value of a tensor becomes NaN or infinite. */
static size_t spoil(struct choices *choices, unsigned char *bytes, size_t size) {
    const float wrong = one_in(choices, 2) ? NAN : INFINITY;
    size_t header = 8;
    for (int i = 0; i < 8; i++) header += (size_t)bytes[i] << 8 * i;
    size_t at = header + ((size_t)choose(choices, 256) * 256 + choose(choices, 256)) % ((size - header) / 4) * 4;
    memcpy(bytes + at, &wrong, sizeof wrong);
    return at;
}

static bool values_finite(const aenc_model *model) {
    for (size_t i = 0; i < aenc_model_tensor_count(model); i++) {
        aenc_tensor *tensor = NULL;
        if (aenc_model_tensor_get(model, aenc_model_tensor_name(model, i), &tensor) != AENC_OK) return false;
        size_t count = aenc_tensor_count(tensor);
        float *values = malloc(count * sizeof *values + 1);
        bool good = values != NULL && aenc_tensor_read(tensor, values, count) == AENC_OK;
        for (size_t k = 0; good && k < count; k++) good = isfinite(values[k]);
        free(values);
        aenc_tensor_free(tensor);
        if (!good) return false;
    }
    return true;
}

int damage_model(struct session *s, int count) {
    struct choices choices = {.state = s->c->seed * 41 + 3};
    size_t size = 0;
    unsigned char *bytes = NULL;
    int bad = 0;
    model_hash(s->model, &bytes, &size);
    for (int i = 0; i < count; i++) {
        unsigned char *damaged = malloc(size);
        aenc_model *loaded = NULL;
        FUZZ_DEMAND(damaged != NULL);
        memcpy(damaged, bytes, size);
        size_t at = i % 4 == 3 ? spoil(&choices, damaged, size) : flip(&choices, damaged, size);
        aenc_status status = aenc_model_load_memory(s->world.ctx, damaged, size, &loaded);
        bool good = status == AENC_OK ? loaded != NULL && values_finite(loaded) : loaded == NULL;
        if (!good) fprintf(stderr, "  model, byte %zu: loaded with values that are not finite\n", at);
        if (loaded != NULL) fuzz_model_use(&s->world, loaded);
        bad += !good;
        aenc_model_free(loaded);
        free(damaged);
    }
    free(bytes);
    return bad;
}
