/* fuzz_npy.c - .npy through the library's reader and the tool's: each must hold, and where both accept a file they must
 * agree on what it says. */
#include <math.h>

#include "fuzz/fuzz.h"
#include "fuzz/fuzz_tool.h"
#include "io/npy.h"

enum { ROWS_MAX = 4096 };

static void write_again(struct fuzz_world *world, const struct npy *array, const float *values) {
    void *bytes = NULL;
    size_t size = 0;
    struct npy again;
    aenc_status status = aenc_npy_write(world->ctx, array->dim, array->rank, values, &bytes, &size);
    FUZZ_DEMAND(status == AENC_OK || status == AENC_ERR_NO_MEMORY);
    if (!fuzz_made(world, status, bytes)) return;
    FUZZ_DEMAND(aenc_npy_read(world->ctx, bytes, size, "what was written", &again) == AENC_OK);
    FUZZ_DEMAND(again.rank == array->rank && again.count == array->count && again.item == 4 && again.kind == 'f');
    FUZZ_DEMAND(memcmp(again.dim, array->dim, (size_t)array->rank * sizeof *array->dim) == 0);
    FUZZ_DEMAND(array->count == 0 || memcmp(again.bytes, values, array->count * sizeof *values) == 0);
    aenc_release(world->ctx, bytes);
}

static bool same_float(float a, float b) { return a == b || (isnan(a) && isnan(b)); }

static void compare(const struct npy *array, const float *values, const struct fuzz_table *table) {
    FUZZ_DEMAND(table->rows == array->rows && table->cols == array->row_size);
    for (uint64_t i = 0; i < array->count; i++) FUZZ_DEMAND(same_float(values[i], table->values[i]));
}

/* All floats, from malloc; NULL where there are none to compare. */
static float *floats_of(struct fuzz_world *world, const struct npy *array) {
    if (array->count == 0) {
        float none = 0;
        uint64_t rows = array->rows < ROWS_MAX ? array->rows : ROWS_MAX;
        if (array->row_size == 0) fuzz_good(world, aenc_npy_floats(world->ctx, array, array->rows - rows, rows, &none));
        return NULL;
    }
    float *values = malloc(array->count * sizeof *values), *row = malloc(array->row_size * sizeof *row);
    FUZZ_DEMAND(values != NULL && row != NULL);
    FUZZ_DEMAND(aenc_npy_floats(world->ctx, array, 0, array->rows, values) == AENC_OK);
    FUZZ_DEMAND(aenc_npy_floats(world->ctx, array, array->rows - 1, 1, row) == AENC_OK);
    for (uint64_t i = 0; i < array->row_size; i++)
        FUZZ_DEMAND(same_float(row[i], values[(array->rows - 1) * array->row_size + i]));
    FUZZ_DEMAND(aenc_npy_floats(world->ctx, array, array->rows, 1, row) == AENC_ERR_SHAPE);
    free(row);
    return values;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input input = fuzz_input_open(data, size);
    struct fuzz_world world;
    struct npy array;
    struct fuzz_table table;
    fuzz_world_open(&world, input.control, (size_t)8 << 20, 1);
    bool read = fuzz_tool_read(&input, FUZZ_TOOL_NPY, &table);
    if (fuzz_good(&world, aenc_npy_read(world.ctx, input.bytes, input.size, "the array", &array))) {
        float *values = floats_of(&world, &array);
        if (values != NULL) write_again(&world, &array, values);
        if (values != NULL && read) compare(&array, values, &table);
        free(values);
    }
    fuzz_table_free(&table);
    fuzz_world_close(&world);
    fuzz_input_close(&input);
    return 0;
}
