/* detector_file.c - a detector's file: that of its model, with what its scores mean in the metadata.
 *
 * Format 3 states what the scores of a model with a bottleneck are, and how many draws they take. Format 2 has, beside the numbers, the middle and unit of each column. A detector of format 1 has neither; its
 * scores are computed as they were then, of cells without bounds, so that its threshold still holds.
 */
#include <string.h>

#include "io/message_text.h"
#include "io/safetensors.h"
#include "use/detector.h"

#define DETECTOR_KEY "autoenc.detector"
enum { FORMAT = 3 };

/* ---- Writing ---- */

static const char *const keys[] = {"threshold", "center", "spread", "lowest", "outside"};
enum { NUMBERS = sizeof keys / sizeof *keys, NUMBERS_OF_1 = 3 };

static void columns_write(const struct aenc_detector *detector, struct arena *arena, struct json *object) {
    struct json *middle = aenc_json_add(arena, object, "middle", JSON_ARRAY);
    struct json *unit = aenc_json_add(arena, object, "unit", JSON_ARRAY);
    for (int64_t c = 0; c < detector->model->input_size; c++) {
        aenc_json_add_number(arena, middle, NULL, detector->column[c].middle);
        aenc_json_add_number(arena, unit, NULL, detector->column[c].unit);
    }
}

aenc_status aenc_detector_draft(struct aenc_detector *detector, struct arena *arena, struct safetensors_draft *out) {
    aenc_context *ctx = detector->model->ctx;
    const double values[] = {detector->threshold, detector->center, detector->spread, detector->lowest,
                             detector->outside};
    bool bounded = detector->column != NULL, variational = detector->score != DETECTOR_ENERGY;
    char *text = NULL;
    struct json *object = aenc_json_root(arena, JSON_OBJECT);
    aenc_json_add_number(arena, object, "format", variational ? FORMAT : bounded ? 2 : 1);
    for (int i = 0; i < (bounded ? NUMBERS : NUMBERS_OF_1); i++)
        aenc_json_add_number(arena, object, keys[i], values[i]);
    if (detector->rows > 0) aenc_json_add_number(arena, object, "rows", (double)detector->rows);
    if (detector->threshold_spec != NULL) aenc_json_add_text(arena, object, "threshold_spec", detector->threshold_spec);
    if (bounded) columns_write(detector, arena, object);
    if (variational) {
        aenc_json_add_text(arena, object, "score", aenc_detector_score_name(detector->score));
        aenc_json_add_number(arena, object, "samples", (double)detector->samples);
    }
    aenc_status status = arena->failed ? AENC_ERR_NO_MEMORY : aenc_json_write(ctx, object, &text, NULL);
    struct metadata_entry entry = {DETECTOR_KEY, text};
    if (status == AENC_OK) status = aenc_model_draft(detector->model, arena, &entry, out);
    aenc_release(ctx, text);
    return status;
}

/* ---- Reading ---- */

struct reading {
    aenc_context *ctx;
    const char *what;
    const struct json *object;
};

static aenc_status numbers_read(const struct reading *reading, int count, struct aenc_detector *d) {
    double *const values[] = {&d->threshold, &d->center, &d->spread, &d->lowest, &d->outside};
    for (int i = 0; i < count; i++) {
        const struct json *number = aenc_json_member(reading->object, keys[i]);
        bool good = number != NULL && number->kind == JSON_NUMBER;
        if (good && i == 2) good = number->number > 0;
        if (good && i == 3) good = number->number <= 0;
        if (good && i == 4) good = number->number > 0 && number->number <= 0.5;
        if (!good)
            return aenc_fail(reading->ctx, AENC_ERR_FORMAT, "%s: the detector's '%s' is not a number that it can be",
                             reading->what, keys[i]);
        *values[i] = number->number;
    }
    return AENC_OK;
}

/* Of what the threshold was made; both may be missing. */
static aenc_status origin_read(const struct reading *reading, struct aenc_detector *d) {
    const struct json *rows = aenc_json_member(reading->object, "rows");
    const struct json *spec = aenc_json_member(reading->object, "threshold_spec");
    uint64_t count = 0;
    if (rows != NULL && !aenc_json_whole(rows, &count))
        return aenc_fail(reading->ctx, AENC_ERR_FORMAT, "%s: the detector's 'rows' is not a count", reading->what);
    d->rows = (int64_t)count;
    if (spec == NULL) return AENC_OK;
    if (spec->kind != JSON_TEXT)
        return aenc_fail(reading->ctx, AENC_ERR_FORMAT, "%s: the detector's 'threshold_spec' is not a text",
                         reading->what);
    return aenc_detector_spec_set(d, spec->text);
}

static aenc_status columns_read(const struct reading *reading, struct aenc_detector *d) {
    const struct json *middle = aenc_json_member(reading->object, "middle"),
                      *unit = aenc_json_member(reading->object, "unit");
    size_t cols = (size_t)d->model->input_size;
    bool good = middle != NULL && unit != NULL && middle->kind == JSON_ARRAY && unit->kind == JSON_ARRAY &&
                middle->count == cols && unit->count == cols;
    const struct json *m = good ? middle->first : NULL, *u = good ? unit->first : NULL;
    for (size_t c = 0; good && c < cols; c++, m = m->next, u = u->next) {
        good = m->kind == JSON_NUMBER && u->kind == JSON_NUMBER;
        if (good) d->column[c] = (struct column_facts){.middle = m->number, .unit = u->number};
    }
    if (good && aenc_detector_columns_good(d)) {
        aenc_detector_columns_bound(d);
        return AENC_OK;
    }
    return aenc_fail(reading->ctx, AENC_ERR_FORMAT,
                     "%s: the detector's 'middle' and 'unit' are not a value and a deviation for each of %zu columns",
                     reading->what, cols);
}

/* What scores are, of format 3. */
static aenc_status score_read(const struct reading *reading, struct aenc_detector *d) {
    const struct json *name = aenc_json_member(reading->object, "score"),
                      *samples = aenc_json_member(reading->object, "samples");
    uint64_t count = 0;
    if (name == NULL || name->kind != JSON_TEXT || samples == NULL || !aenc_json_whole(samples, &count) || count == 0 ||
        count > DETECTOR_SAMPLES_MAX)
        return aenc_fail(reading->ctx, AENC_ERR_FORMAT,
                         "%s: the detector's 'score' is no name, or 'samples' no number from 1 to %d", reading->what,
                         DETECTOR_SAMPLES_MAX);
    d->samples = (int64_t)count;
    aenc_status status = aenc_detector_score_named(reading->ctx, name->text, &d->score);
    return status == AENC_OK ? aenc_detector_score_check(d->model, d->score) : status;
}

/* The energy is of scaled inputs and of outputs that stand for them. */
static aenc_status kind_check(const struct aenc_model *model, const char *what) {
    const char *lack = model->scaling == NULL            ? "its model has no scaling"
                       : !aenc_model_reconstructs(model) ? "its model's output is not a value for each column"
                                                         : NULL;
    return lack == NULL ? AENC_OK : aenc_fail(model->ctx, AENC_ERR_FORMAT, "%s is no detector: %s", what, lack);
}

/* The metadata, parsed into the arena, and its format. */
static aenc_status metadata_read(struct reading *reading, const struct safetensors *file, struct arena *arena,
                                 int *version) {
    const char *text = aenc_safetensors_metadata(file, DETECTOR_KEY);
    struct json *object;
    *version = 1;
    if (text == NULL)
        return aenc_fail(reading->ctx, AENC_ERR_FORMAT, "%s is no detector: it has no metadata '%s'", reading->what,
                         DETECTOR_KEY);
    aenc_status status = aenc_json_parse(arena, text, strlen(text), "the detector's metadata", &object);
    if (status != AENC_OK) return status;
    reading->object = object;
    const struct json *format = aenc_json_member(object, "format");
    if (format == NULL) return AENC_OK;
    bool known =
        format->kind == JSON_NUMBER && (format->number == 1 || format->number == 2 || format->number >= FORMAT);
    if (!known)
        return aenc_fail(reading->ctx, AENC_ERR_FORMAT, "%s: the detector's 'format' is not a whole number from 1",
                         reading->what);
    if (format->number > FORMAT)
        return aenc_fail(reading->ctx, AENC_ERR_VERSION, "%s: the detector has format %s; this library reads up to %d",
                         reading->what, aenc_shown(format->number).text, FORMAT);
    *version = (int)format->number;
    return AENC_OK;
}

aenc_status aenc_detector_from_bytes(aenc_context *ctx, const struct loaded_bytes *from, struct aenc_detector **out) {
    struct safetensors file;
    struct arena arena;
    struct reading reading = {ctx, from->what, NULL};
    struct aenc_model *model = NULL;
    struct aenc_detector *detector = NULL;
    int version;
    *out = NULL;
    aenc_status status = aenc_safetensors_read(ctx, from->bytes, from->size, from->what, &file);
    if (status != AENC_OK) return status;
    aenc_arena_create(ctx, &arena);
    status = metadata_read(&reading, &file, &arena, &version);
    if (status == AENC_OK) status = aenc_model_from_bytes(ctx, from, &model);
    if (status == AENC_OK) status = kind_check(model, from->what);
    if (status == AENC_OK) {
        status = aenc_detector_new(model, version >= 2, &detector);
        model = NULL;
    }
    if (status == AENC_OK) status = numbers_read(&reading, version >= 2 ? NUMBERS : NUMBERS_OF_1, detector);
    if (status == AENC_OK) status = origin_read(&reading, detector);
    if (status == AENC_OK && version >= 2) status = columns_read(&reading, detector);
    if (status == AENC_OK && version == 3) status = score_read(&reading, detector);
    if (status == AENC_OK)
        *out = detector;
    else
        aenc_detector_end(detector);
    aenc_model_release(model);
    aenc_arena_free(&arena);
    aenc_safetensors_free(&file);
    return status;
}
