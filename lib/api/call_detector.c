/* call_detector.c - the public calls of detectors. */
#include <math.h>

#include "api/call_save.h"
#include "io/message_text.h"
#include "use/detector.h"

static aenc_status detector_create(aenc_context *ctx, const aenc_matrix *x, const aenc_detector_options *options,
                                   aenc_detector **out) {
    aenc_detector_options o;
    aenc_status status = aenc_options_read(ctx, "aenc_detector_options", options, sizeof o, &o);
    if (status == AENC_OK && !(o.noise >= 0 && o.noise <= 1e6))
        status = aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_detector_options.noise is %s; it is from 0 to 1e6",
                           aenc_shown(o.noise).text);
    if (status == AENC_OK && (o.steps < 0 || o.steps > INT32_MAX))
        status = aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_detector_options.steps is %lld; it is from 0 to %d",
                           (long long)o.steps, INT32_MAX);
    const char *lone = o.likelihood != NULL ? "likelihood"
                       : o.score != NULL    ? "score"
                       : o.samples > 0      ? "samples"
                                            : NULL;
    if (status == AENC_OK && o.bottleneck == NULL && lone != NULL)
        status =
            aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_detector_options.%s is given, and goes with a bottleneck", lone);
    if (status == AENC_OK && o.samples > DETECTOR_SAMPLES_MAX)
        status = aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_detector_options.samples is %zu; it is at most %d", o.samples,
                           DETECTOR_SAMPLES_MAX);
    if (status == AENC_OK) status = aenc_matrix_check(ctx, "x", x, x == NULL ? 0 : x->cols);
    if (status == AENC_OK && x->cols == 0) status = aenc_fail(ctx, AENC_ERR_SHAPE, "x: cols is 0");
    if (status != AENC_OK) return status;
    struct rows rows = aenc_rows_of(x);
    return aenc_detector_fit(ctx, &rows, (int64_t)x->cols, &o, out);
}

aenc_status aenc_detector_create(aenc_context *ctx, const aenc_matrix *x, const aenc_detector_options *options,
                                 aenc_detector **out) {
    struct call call = {.held = {.ctx = ctx}};
    if (out == NULL) return aenc_null(ctx, "aenc_detector_create", "out");
    *out = NULL;
    aenc_status status = aenc_call_begin(&call, "aenc_detector_create", CALL_REPORTS);
    if (status == AENC_OK) status = detector_create(ctx, x, options, out);
    return aenc_call_end(&call, status);
}

void aenc_detector_free(aenc_detector *detector) { aenc_detector_end(detector); }

/* Room for `each` results of every row. */
static aenc_status use_check(aenc_detector *d, const char *call, const aenc_matrix *x, const void *out, size_t room,
                             size_t each) {
    aenc_context *ctx = d->model->ctx;
    aenc_status status = aenc_matrix_check(ctx, "x", x, (size_t)d->model->input_size);
    return status == AENC_OK ? aenc_room_check(ctx, call, out, room, x->rows, each) : status;
}

static aenc_status detector_score(aenc_detector *detector, const aenc_matrix *x, float *out, size_t out_floats) {
    aenc_status status = use_check(detector, "aenc_detector_score", x, out, out_floats, 1);
    if (status != AENC_OK) return status;
    struct rows rows = aenc_rows_of(x);
    return aenc_detector_energy(detector, &rows, out, NULL);
}

aenc_status aenc_detector_score(aenc_detector *detector, const aenc_matrix *x, float *out, size_t out_floats) {
    struct call call = {.held = {.detector = detector}};
    aenc_status status = aenc_call_begin(&call, "aenc_detector_score", CALL_READS);
    if (status == AENC_OK) status = detector_score(detector, x, out, out_floats);
    return aenc_call_end(&call, status);
}

static aenc_status detector_score_features(aenc_detector *detector, const aenc_matrix *x, float *out,
                                           size_t out_floats) {
    size_t cols = (size_t)detector->model->input_size;
    aenc_status status = use_check(detector, "aenc_detector_score_features", x, out, out_floats, cols);
    if (status != AENC_OK) return status;
    struct rows rows = aenc_rows_of(x);
    return aenc_detector_energy(detector, &rows, NULL, out);
}

aenc_status aenc_detector_score_features(aenc_detector *detector, const aenc_matrix *x, float *out, size_t out_floats) {
    struct call call = {.held = {.detector = detector}};
    aenc_status status = aenc_call_begin(&call, "aenc_detector_score_features", CALL_READS);
    if (status == AENC_OK) status = detector_score_features(detector, x, out, out_floats);
    return aenc_call_end(&call, status);
}

static aenc_status detector_probability(aenc_detector *detector, const aenc_matrix *x, float *out, size_t out_floats) {
    aenc_status status = use_check(detector, "aenc_detector_probability", x, out, out_floats, 1);
    if (status != AENC_OK) return status;
    struct rows rows = aenc_rows_of(x);
    status = aenc_detector_energy(detector, &rows, out, NULL);
    for (size_t r = 0; status == AENC_OK && r < x->rows; r++)
        out[r] = fminf((float)aenc_detector_chance(detector, (double)out[r]), 0.99999994f);
    return status;
}

aenc_status aenc_detector_probability(aenc_detector *detector, const aenc_matrix *x, float *out, size_t out_floats) {
    struct call call = {.held = {.detector = detector}};
    aenc_status status = aenc_call_begin(&call, "aenc_detector_probability", CALL_READS);
    if (status == AENC_OK) status = detector_probability(detector, x, out, out_floats);
    return aenc_call_end(&call, status);
}

static aenc_status detector_flag(aenc_detector *detector, const aenc_matrix *x, uint8_t *out, size_t out_bytes) {
    aenc_status status = aenc_matrix_check(detector->model->ctx, "x", x, (size_t)detector->model->input_size);
    if (status == AENC_OK)
        status = aenc_room_check_as(detector->model->ctx, "aenc_detector_flag", (struct room_names){"out", "bytes"},
                                    out, out_bytes, x->rows, 1);
    if (status != AENC_OK) return status;
    float *score = aenc_alloc_raw(detector->model->ctx, x->rows, sizeof *score);
    if (score == NULL) return AENC_ERR_NO_MEMORY;
    struct rows rows = aenc_rows_of(x);
    status = aenc_detector_energy(detector, &rows, score, NULL);
    for (size_t r = 0; status == AENC_OK && r < x->rows; r++) out[r] = (double)score[r] > detector->threshold;
    aenc_release(detector->model->ctx, score);
    return status;
}

aenc_status aenc_detector_flag(aenc_detector *detector, const aenc_matrix *x, uint8_t *out, size_t out_bytes) {
    struct call call = {.held = {.detector = detector}};
    aenc_status status = aenc_call_begin(&call, "aenc_detector_flag", CALL_READS);
    if (status == AENC_OK) status = detector_flag(detector, x, out, out_bytes);
    return aenc_call_end(&call, status);
}

double aenc_detector_threshold(const aenc_detector *detector) { return detector == NULL ? NAN : detector->threshold; }

const char *aenc_detector_threshold_spec(const aenc_detector *detector) {
    return detector == NULL ? NULL : detector->threshold_spec;
}

size_t aenc_detector_rows(const aenc_detector *detector) { return detector == NULL ? 0 : (size_t)detector->rows; }

aenc_status aenc_detector_set_threshold(aenc_detector *detector, double threshold) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (detector == NULL) return AENC_ERR_ARGUMENT;
    if (threshold - threshold != 0)
        return aenc_fail(detector->model->ctx, AENC_ERR_NONFINITE, "aenc_detector_set_threshold: threshold is %s",
                         aenc_shown(threshold).text);
    aenc_status status = aenc_call_check(detector->model->ctx, "aenc_detector_set_threshold", CALL_READS, NULL);
    if (status != AENC_OK) return status;
    detector->threshold = threshold;
    return aenc_detector_spec_set(detector, NULL);
}

aenc_model *aenc_detector_model(aenc_detector *detector) { return detector == NULL ? NULL : detector->model; }

static aenc_status draft(const struct held *held, struct arena *arena, struct safetensors_draft *out) {
    return aenc_detector_draft(held->detector, arena, out);
}

aenc_status aenc_detector_save(aenc_detector *detector, const char *path) {
    struct call call = {.held = {.detector = detector}};
    aenc_status status = aenc_call_begin(&call, "aenc_detector_save", CALL_READS);
    if (status == AENC_OK) status = aenc_save_path(&call, "aenc_detector_save", draft, path);
    return aenc_call_end(&call, status);
}

aenc_status aenc_detector_save_memory(aenc_detector *detector, void *bytes, size_t capacity, size_t *size) {
    struct call call = {.held = {.detector = detector}};
    aenc_status status = aenc_call_begin(&call, "aenc_detector_save_memory", CALL_READS);
    if (status == AENC_OK) status = aenc_save_memory(&call, "aenc_detector_save_memory", draft, bytes, capacity, size);
    return aenc_call_end(&call, status);
}

aenc_status aenc_detector_write(aenc_detector *detector, aenc_write_callback write, void *user) {
    struct call call = {.held = {.detector = detector}};
    aenc_status status = aenc_call_begin(&call, "aenc_detector_write", CALL_WRITES);
    if (status == AENC_OK) status = aenc_save_callback(&call, "aenc_detector_write", draft, write, user);
    return aenc_call_end(&call, status);
}

static aenc_status take(const struct loading *loading, const struct loaded_bytes *from) {
    return aenc_detector_from_bytes(loading->held->ctx, from, loading->out);
}

aenc_status aenc_detector_load(aenc_context *ctx, const char *path, aenc_detector **out) {
    struct call call = {.held = {.ctx = ctx}};
    const struct loading loading = {&call.held, "aenc_detector_load", NULL, out};
    if (out == NULL) return aenc_null(ctx, loading.name, "out");
    *out = NULL;
    aenc_status status = aenc_call_begin(&call, loading.name, CALL_READS);
    if (status == AENC_OK) status = aenc_load_path(&loading, take, path);
    return aenc_call_end(&call, status);
}

aenc_status aenc_detector_load_memory(aenc_context *ctx, const void *bytes, size_t size, aenc_detector **out) {
    struct call call = {.held = {.ctx = ctx}};
    const struct loading loading = {&call.held, "aenc_detector_load_memory", NULL, out};
    if (out == NULL) return aenc_null(ctx, loading.name, "out");
    *out = NULL;
    aenc_status status = aenc_call_begin(&call, loading.name, CALL_READS);
    if (status == AENC_OK) status = aenc_load_memory(&loading, take, bytes, size, "the detector in memory");
    return aenc_call_end(&call, status);
}
