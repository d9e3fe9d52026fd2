/* run_facts.c - what makes a run this run and no other.
 *
 * Data are known by their sizes and by a fingerprint of all their numbers. Files that are mapped and larger than
 * FILE_BYTES_ALL are known by SAMPLE_ROWS rows spread over them, the first and the last among them: they may be
 * larger than memory. Of a stream nothing can be known but what it states.
 */
#include <string.h>

#include "math/blas.h"
#include "math/fingerprint.h"
#include "train/fit.h"

enum { SAMPLE_ROWS = 4096 };
static const int64_t FILE_BYTES_ALL = INT64_C(1) << 30;

/* ---- Data ---- */

/* Of integers the values as floats that hold them exactly; of whole words their bits. */
static uint64_t row_sum(uint64_t sum, const struct column *column, int64_t r, int64_t cols) {
    enum { PIECE = 256 };
    const char *data = (const char *)column->data + r * column->stride * (int64_t)aenc_value_bytes(column->type);
    float values[PIECE];
    if (column->type == VALUE_F32) return aenc_fingerprint_row(sum, (const float *)(const void *)data, cols);
    for (int64_t first = 0; first < cols; first += PIECE) {
        int64_t count = cols - first < PIECE ? cols - first : PIECE;
        if (column->type == VALUE_I32) memcpy(values, data + first * 4, (size_t)count * sizeof *values);
        for (int64_t i = 0; i < count && column->type == VALUE_U8; i++)
            values[i] = (float)((const unsigned char *)data)[first + i];
        sum = aenc_fingerprint_row(sum, values, count);
    }
    return sum;
}

/* at most: so many rows, spread over all. */
static uint64_t fingerprint(const struct batch *rows, int f, int64_t cols, int64_t most) {
    const struct column *column = &rows->column[f];
    const int64_t *row = aenc_batch_index(rows, f);
    uint64_t sum = aenc_fingerprint_mix(aenc_fingerprint_mix(1, (uint64_t)rows->count), (uint64_t)cols);
    int64_t samples = rows->count < most ? rows->count : most;
    if (column->type != VALUE_F32) sum = aenc_fingerprint_mix(sum, (uint64_t)column->type);
    for (int64_t s = 0; s < samples; s++) {
        int64_t r = s;
        if (samples < rows->count) r = (int64_t)((double)(rows->count - 1) * ((double)s / (double)(samples - 1)));
        sum = row_sum(sum, column, row != NULL ? row[r] : r, cols);
    }
    return sum;
}

/* Of what is mapped (`file`) only a sample may be looked at. */
static struct json *add_column(struct arena *arena, struct json *object, const char *key, const struct batch *rows,
                               int f, int64_t cols, bool file) {
    if (!aenc_batch_has(rows, f) || rows->count == 0) return aenc_json_add(arena, object, key, JSON_NULL);
    bool sample = file && rows->count > FILE_BYTES_ALL / (int64_t)aenc_value_bytes(rows->column[f].type) / cols;
    const char *text =
        aenc_arena_format(arena, "%lld rows of %lld, %s %016llx", (long long)rows->count, (long long)cols,
                          sample ? "fingerprint of a sample" : "fingerprint",
                          (unsigned long long)fingerprint(rows, f, cols, sample ? SAMPLE_ROWS : INT64_MAX));
    return text == NULL ? NULL : aenc_json_add_text(arena, object, key, text);
}

/* The fields behind input and target, where they are given. */
static void add_others(const struct fit *fit, struct arena *arena, struct json *object, const char *of,
                       const struct batch *rows, bool file) {
    for (int f = FIELD_WEIGHT; f < fit->model->field_count; f++) {
        const struct field_spec *spec = aenc_fit_spec(fit, f);
        const char *key = aenc_arena_format(arena, "%s.%s", of, spec->name);
        bool given = aenc_batch_has(rows, f) && rows->count > 0 && f != FIELD_CODE;
        if (given && key != NULL) add_column(arena, object, key, rows, f, spec->size, file);
    }
}

/* Nothing of a stream can be known but what it states. */
static void add_stream(struct arena *arena, struct json *object, const char *of, const struct aenc_source *source) {
    const struct source_field *input = aenc_source_field(source, "input"),
                              *target = aenc_source_field(source, "target");
    const char *text = aenc_arena_format(
        arena, "a stream of %llu rows of %lld, targets of %lld", (unsigned long long)source->call.rows,
        (long long)(input == NULL ? 0 : input->size), (long long)(target == NULL ? 0 : target->size));
    aenc_json_add_text(arena, object, of, text == NULL ? "" : text);
    for (int f = 0; f < source->field_count; f++) {
        const struct source_field *field = &source->field[f];
        bool told = field == input || field == target || strcmp(field->name, "weight") == 0;
        const char *key = told ? NULL : aenc_arena_format(arena, "%s.%s", of, field->name);
        if (key != NULL) aenc_json_add_number(arena, object, key, (double)field->size);
    }
}

/* What data pass through is known by the bits of all its numbers. */
static uint64_t transform_sum(const struct row_transform *transform) {
    const struct store *store = &transform->model->store;
    uint64_t sum = 1;
    for (size_t i = 0; i < store->entry_count; i++) {
        const num *values = aenc_store_values(store, &store->entry[i]);
        for (int64_t k = 0; k < store->entry[i].count; k++) {
            uint64_t bits = 0;
            memcpy(&bits, &values[k], sizeof *values);
            sum = aenc_fingerprint_mix(sum, bits);
        }
    }
    return sum;
}

static struct json *add_data(struct fit *fit, struct arena *arena, struct json *object) {
    const struct aenc_model *model = fit->model;
    int64_t cols = aenc_fit_spec(fit, FIELD_INPUT)->size;
    if (fit->data.stream != NULL)
        add_stream(arena, object, "data", fit->data.stream);
    else
        add_column(arena, object, "data", &fit->data.rows, FIELD_INPUT, cols, fit->data.unchecked);
    if (fit->data.transform != NULL)
        aenc_json_add_u64(arena, object, "row transform", transform_sum(fit->data.transform));
    for (int i = 0; i < 2 && model->taught != NULL; i++)
        aenc_json_add_number(arena, object, i == 0 ? "output_weight" : "code_weight", model->taught[i]);
    bool apart = fit->data.valid.count > 0; /* else held out of the data, which are known already */
    bool file = fit->data.unchecked;
    add_column(arena, object, "target", &fit->data.rows, FIELD_TARGET, model->target_size, false);
    add_others(fit, arena, object, "data", &fit->data.rows, file);
    if (apart) add_others(fit, arena, object, "valid", &fit->valid, file);
    if (aenc_valid_streams(&fit->data))
        add_stream(arena, object, "valid", fit->data.valid_source);
    else
        add_column(arena, object, "valid", &fit->valid, FIELD_INPUT, cols, file && !apart);
    return add_column(arena, object, "valid_target", &fit->valid, FIELD_TARGET, model->target_size, false);
}

struct json *aenc_run_facts(struct fit *fit, struct arena *arena) {
    const aenc_fit_options *o = fit->options;
    struct json *object = aenc_json_root(arena, JSON_OBJECT);
    aenc_json_add_u64(arena, object, "seed", fit->model->seed);
    add_data(fit, arena, object);
    aenc_json_add_text(arena, object, "run_key", o->run_key == NULL ? "" : o->run_key);
    aenc_json_add_u64(arena, object, "batch", (uint64_t)fit->batch);
    aenc_json_add_u64(arena, object, "steps_per_epoch", (uint64_t)fit->now.steps);
    aenc_json_add_copy(arena, object, "optimizer", fit->optimizer_spec);
    aenc_json_add_copy(arena, object, "schedule", fit->schedule_spec);
    aenc_json_add_number(arena, object, "validation_fraction", o->validation_fraction);
    aenc_json_add_u64(arena, object, "patience", (uint64_t)o->patience);
    aenc_json_add_number(arena, object, "min_improvement", o->min_improvement);
    aenc_json_add_number(arena, object, "clip_norm", o->clip_norm);
    aenc_json_add_number(arena, object, "clip_value", o->clip_value);
    if (o->reduce != NULL) aenc_json_add_bool(arena, object, "reduce", true);
    aenc_json_add_copy(arena, object, "frozen", aenc_model_frozen(fit->model, arena));
    aenc_facts_add_players(fit->model, arena, object);
    return arena->failed ? NULL : object;
}

/* ---- What the bits depend on besides ---- */

static void add_known(struct arena *arena, struct json *object, const char *key, const char *text) {
    aenc_json_add_text(arena, object, key, text == NULL ? "unknown" : text);
}

struct json *aenc_machine_facts(struct fit *fit, struct arena *arena) {
    struct blas_info blas;
    struct task *task;
    aenc_blas_describe(&blas);
    const struct task_key key = aenc_task_training(0, aenc_fit_own_target(fit));
    if (aenc_task_prepare(fit->model, &key, fit->batch, &task) != AENC_OK) return NULL;
    struct json *object = aenc_json_root(arena, JSON_OBJECT);
    add_known(arena, object, "library",
              aenc_arena_format(arena, "%d.%d.%d", AENC_VERSION_MAJOR, AENC_VERSION_MINOR, AENC_VERSION_PATCH));
    add_known(arena, object, "instruction set", aenc_kernels()->isa);
    add_known(arena, object, "blas", blas.provider);
    add_known(arena, object, "blas configuration", blas.config);
    add_known(arena, object, "blas kernels", blas.kernels);
    aenc_json_add_u64(arena, object, "rows of a shard", (uint64_t)task->plan.shard_rows[0]);
    return arena->failed ? NULL : object;
}
