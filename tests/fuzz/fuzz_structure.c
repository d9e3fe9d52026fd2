/* fuzz_structure.c - a description out of choices (structure.h), made into a file; what can be loaded is used by every call. */
#include <unistd.h>

#include "fuzz/structure.h"
#include "io/written.h"
#include "model/model.h"

/* ---- Files ---- */

/* Values of the tensors, which are the last bytes of a file, become others; now and then some that no model may have. */
static void values_change(struct choices *c, unsigned char *bytes, size_t size, size_t floats) {
    static const float liked[] = {0, 1, -1, 1e30f, -3e38f, 1e-40f, 0.5f, 100, 3, 1e10f};
    if (floats == 0 || !one_in(c, 3)) return;
    for (unsigned count = 1 + choose(c, 12); count > 0; count--) {
        size_t at = (size_t)choose(c, 256) * 256 + choose(c, 256);
        float value = one_in(c, 64) ? 1e30f * 1e30f : liked[choose(c, 10)];
        memcpy(bytes + size - (at % floats + 1) * sizeof value, &value, sizeof value);
    }
}

/* The model with that metadata (NULL: none) as a file in memory; NULL after a refusal of the allocator. */
static unsigned char *file_make(struct fuzz_world *world, struct choices *c, aenc_model *model, const char *text, size_t *size) {
    const struct metadata_entry entry = {"autoenc.detector", text};
    void *bytes = NULL;
    aenc_status status = written_model(model, text == NULL ? NULL : &entry, &bytes, size);
    if (!fuzz_made(world, status, bytes)) return NULL;
    unsigned char *copy = malloc(*size);
    FUZZ_DEMAND(copy != NULL);
    memcpy(copy, bytes, *size);
    aenc_release(world->ctx, bytes);
    values_change(c, copy, *size, aenc_model_parameter_size(model));
    return copy;
}

static bool file_write(const char *path, const unsigned char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    bool good = file != NULL && fwrite(bytes, 1, size, file) == size;
    return file != NULL && fclose(file) == 0 && good;
}

static void detector_use(struct scene *s, const unsigned char *bytes, size_t size) {
    aenc_detector *detector = NULL;
    FUZZ_DEMAND(file_write(s->path, bytes, size));
    if (!fuzz_made(s->world, aenc_detector_load(s->world->ctx, s->path, &detector), detector)) return;
    s->rows = 1 + choose(s->c, 5);
    structure_use_detector(s, detector);
    if (one_in(s->c, 4)) { /* its model is one like any other */
        s->model = aenc_detector_model(detector);
        structure_use_model(s);
        s->rows = 2;
        structure_use_detector(s, detector);
    }
    aenc_detector_free(detector);
}

/* A model of the same kind: of the same description, or of another. */
static aenc_model *another(struct fuzz_world *world, struct choices *c, enum kind kind, const struct words *same) {
    struct words *words = malloc(sizeof *words);
    aenc_model *model = NULL;
    FUZZ_DEMAND(words != NULL);
    *words = *same;
    if (one_in(c, 2)) structure_description(c, kind, words);
    if (!fuzz_made(world, aenc_model_parse(world->ctx, words->at, words->used, &model), model)) model = NULL;
    free(words);
    return model;
}

static void case_run(struct fuzz_world *world, struct choices *c, struct words *words) {
    static const unsigned wildness[] = {0, 0, 0, 60, 60, 25, 25, 6};
    enum kind kind = (enum kind)choose(c, KIND_COUNT);
    struct scene s = {.c = c, .world = world};
    struct words more;
    aenc_model *model = NULL;
    size_t size = 0;
    c->wild = wildness[choose(c, 8)];
    snprintf(s.path, sizeof s.path, "%s/aenc_fuzz_structure.%ld", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
             (long)getpid());
    structure_description(c, kind, words);
    if (getenv("AENC_FUZZ_TELL") != NULL) fprintf(stderr, "%s\n", words->at);
    if (!fuzz_made(world, aenc_model_parse(world->ctx, words->at, words->used, &model), model)) return;
    if (kind == KIND_DETECTOR) structure_detector(c, aenc_model_input_size(model), &more);
    unsigned char *bytes = file_make(world, c, model, kind == KIND_DETECTOR ? more.at : NULL, &size);
    aenc_model_free(model);
    if (bytes == NULL) return;
    if (kind == KIND_DETECTOR) detector_use(&s, bytes, size);
    else if (fuzz_made(world, aenc_model_load_memory(world->ctx, bytes, size, &s.model), s.model)) {
        s.other = another(world, c, kind, words);
        structure_use_model(&s);
        aenc_model_free(s.other);
        aenc_model_free(s.model);
    }
    free(bytes);
    unlink(s.path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = fuzz_input_open(data, size);
    struct fuzz_world world;
    struct words *words = malloc(sizeof *words);
    struct choices choices = {.bytes = input.bytes, .size = input.size, .state = 0x9E3779B97F4A7C15u};
    FUZZ_DEMAND(words != NULL);
    for (size_t i = 0; i < input.size; i++) choices.state = (choices.state ^ input.bytes[i]) * 0x100000001B3u;
    fuzz_world_open(&world, input.control, (size_t)4 << 20, (input.control & 0x40) != 0 ? 2 : 1);
    world.memory.state = 0;
    structure_plugins_register(&world);
    world.memory.state = fuzz_seed(input.control);
    case_run(&world, &choices, words);
    free(words);
    fuzz_world_close(&world);
    fuzz_input_close(&input);
    return 0;
}
