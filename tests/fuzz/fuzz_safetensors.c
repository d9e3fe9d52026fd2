/* fuzz_safetensors.c - the container format: what the reader accepts, the writer can write and the reader finds again. */
#include "fuzz/fuzz.h"
#include "io/written.h"

enum { ENTRIES_MAX = 256 };

static unsigned touch(const unsigned char *bytes, uint64_t size) {
    unsigned sum = 0;
    for (uint64_t i = 0; i < size; i++) sum += bytes[i];
    return sum;
}

static void entry_walk(struct fuzz_world *world, const struct safetensors *file, const struct tensor_entry *entry) {
    FUZZ_DEMAND(aenc_safetensors_find(file, entry->name) == entry);
    FUZZ_DEMAND(entry->size == entry->count * aenc_tensor_type_size(entry->type));
    FUZZ_DEMAND(aenc_tensor_type_name(entry->type) != NULL && touch(entry->bytes, entry->size) < UINT32_MAX);
    float *floats = malloc(entry->count == 0 ? 1 : entry->count * sizeof *floats);
    FUZZ_DEMAND(floats != NULL);
    fuzz_good(world, aenc_tensor_entry_floats(world->ctx, entry, floats, entry->count));
    FUZZ_DEMAND(aenc_tensor_entry_floats(world->ctx, entry, floats, entry->count + 1) == AENC_ERR_SHAPE);
    free(floats);
}

static void compare(const struct safetensors *file, const struct safetensors *again) {
    FUZZ_DEMAND(file->tensor_count == again->tensor_count);
    for (size_t i = 0; i < file->tensor_count; i++) {
        const struct tensor_entry *a = &file->tensor[i], *b = aenc_safetensors_find(again, a->name);
        FUZZ_DEMAND(b != NULL && a->type == b->type && a->rank == b->rank && a->size == b->size);
        FUZZ_DEMAND(memcmp(a->dim, b->dim, (size_t)a->rank * sizeof *a->dim) == 0);
        FUZZ_DEMAND(a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
    }
    for (const struct json *m = file->metadata == NULL ? NULL : file->metadata->first; m != NULL; m = m->next)
        FUZZ_DEMAND(strcmp(aenc_safetensors_metadata(again, m->key), m->text) == 0);
}

static void write_again(struct fuzz_world *world, const struct safetensors *file) {
    struct tensor_source source[ENTRIES_MAX];
    struct metadata_entry metadata[ENTRIES_MAX];
    size_t count = 0;
    if (file->tensor_count > ENTRIES_MAX || (file->metadata != NULL && file->metadata->count > ENTRIES_MAX)) return;
    memset(source, 0, sizeof source);
    for (size_t i = 0; i < file->tensor_count; i++) {
        const struct tensor_entry *entry = &file->tensor[i];
        source[i] = (struct tensor_source){entry->name, entry->type, entry->rank, {0}, entry->bytes};
        memcpy(source[i].dim, entry->dim, sizeof entry->dim);
    }
    for (const struct json *m = file->metadata == NULL ? NULL : file->metadata->first; m != NULL; m = m->next)
        metadata[count++] = (struct metadata_entry){m->key, m->text};
    void *bytes = NULL;
    size_t size = 0;
    struct safetensors again;
    aenc_status status = written_tensors(world->ctx, source, file->tensor_count, metadata, count, &bytes, &size);
    FUZZ_DEMAND(status == AENC_OK || status == AENC_ERR_NO_MEMORY);
    if (!fuzz_made(world, status, bytes)) return;
    status = aenc_safetensors_read(world->ctx, bytes, size, "what was written", &again);
    FUZZ_DEMAND(status == AENC_OK || status == AENC_ERR_NO_MEMORY);
    if (fuzz_good(world, status)) {
        compare(file, &again);
        aenc_safetensors_free(&again);
    }
    aenc_release(world->ctx, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = fuzz_input_open(data, size);
    struct fuzz_world world;
    struct safetensors file;
    fuzz_world_open(&world, input.control, (size_t)8 << 20, 1);
    if (fuzz_good(&world, aenc_safetensors_read(world.ctx, input.bytes, input.size, "the file", &file))) {
        for (size_t i = 0; i < file.tensor_count && i < ENTRIES_MAX; i++) entry_walk(&world, &file, &file.tensor[i]);
        for (const struct json *m = file.metadata == NULL ? NULL : file.metadata->first; m != NULL; m = m->next)
            FUZZ_DEMAND(aenc_safetensors_metadata(&file, m->key) == m->text);
        FUZZ_DEMAND(aenc_safetensors_find(&file, "__metadata__") == NULL);
        write_again(&world, &file);
        aenc_safetensors_free(&file);
    }
    fuzz_world_close(&world);
    fuzz_input_close(&input);
    return 0;
}
