/* structure_use.c - every public call on a model or a detector that trains nothing, on rows of the model's own sizes in blocks of
 * exactly their sizes, so that a sanitizer sees one value too far. */
#include <math.h>

#include "fuzz/structure.h"

#define COUNT_OF(list) (sizeof(list) / sizeof *(list))

void *structure_block(struct scene *s, size_t bytes) {
    unsigned at = 0;
    while (at < BLOCKS && s->block[at] != NULL) at++;
    FUZZ_DEMAND(at < BLOCKS);
    s->block[at] = malloc(bytes == 0 ? 1 : bytes);
    FUZZ_DEMAND(s->block[at] != NULL);
    return s->block[at];
}

static void blocks_free(struct scene *s) {
    for (unsigned i = 0; i < BLOCKS; i++) {
        free(s->block[i]);
        s->block[i] = NULL;
    }
}

static float value(unsigned how, size_t i) {
    float unit = (float)(i * 7919 % 61) / 61.0f;
    switch (how) {
    case 0: return 0.5f;
    case 1: return unit * 200 - 100;
    case 2: return unit * 1e20f;
    case 3: return unit * 1e-40f;
    case 4: return (unit - 0.5f) * 3e38f * 2;
    case 5: return (float)(i % 2);
    default: return unit;
    }
}

aenc_matrix structure_matrix(struct scene *s, size_t rows, size_t cols) {
    unsigned how = choose(s->c, 12);
    float *data = structure_block(s, rows * cols * sizeof *data);
    for (size_t i = 0; i < rows * cols; i++) data[i] = value(how, i);
    if (how == 6 && rows * cols > 0 && one_in(s->c, 8)) data[choose(s->c, 16) % (rows * cols)] = NAN;
    return (aenc_matrix){data, rows, cols, 0};
}

static float *room(struct scene *s, size_t count) { return structure_block(s, count * sizeof(float)); }
static bool good(struct scene *s, aenc_status status) { return fuzz_good(s->world, status); }

/* ---- Inference ---- */

static void encode(struct scene *s) {
    aenc_matrix x = structure_matrix(s, s->rows, s->in);
    good(s, aenc_encode(s->model, &x, room(s, s->rows * s->code), s->rows * s->code));
}

static void decode(struct scene *s) {
    aenc_matrix x = structure_matrix(s, s->rows, s->code);
    good(s, aenc_decode(s->model, &x, room(s, s->rows * s->out), s->rows * s->out));
}

static void reconstruct(struct scene *s) {
    aenc_matrix x = structure_matrix(s, s->rows, s->in);
    good(s, aenc_reconstruct(s->model, &x, room(s, s->rows * s->out), s->rows * s->out));
}

static void score(struct scene *s) {
    aenc_matrix x = structure_matrix(s, s->rows, s->in), target = structure_matrix(s, s->rows, s->target);
    good(s, aenc_score(s->model, &x, one_in(s->c, 2) ? NULL : &target, room(s, s->rows), s->rows));
}

static void features(struct scene *s) {
    aenc_matrix x = structure_matrix(s, s->rows, s->in), target = structure_matrix(s, s->rows, s->target);
    size_t floats = s->rows * s->out; /* or as many as targets have */
    if (one_in(s->c, 2)) floats = s->rows * s->target;
    good(s, aenc_score_features(s->model, &x, one_in(s->c, 2) ? NULL : &target, room(s, floats), floats));
}

static void denoising(struct scene *s) {
    aenc_matrix x = structure_matrix(s, s->rows, s->in);
    good(s, aenc_denoising_score(s->model, &x, 0.5, room(s, s->rows * s->in), s->rows * s->in));
}

static void jacobian(struct scene *s) {
    aenc_matrix x = structure_matrix(s, s->rows, s->in);
    good(s, aenc_jacobian_norm(s->model, &x, room(s, s->rows), s->rows));
}

static void classes(struct scene *s) {
    aenc_matrix x = structure_matrix(s, s->rows, s->in);
    size_t answers = s->rows * s->target, count = aenc_model_class_count(s->model);
    int32_t *label = structure_block(s, answers * sizeof *label), *wanted = structure_block(s, answers * sizeof *wanted);
    double share;
    FUZZ_DEMAND(aenc_model_label_size(s->model) == (count > 0 ? s->target : 0));
    for (size_t i = 0; i < answers; i++) wanted[i] = (int32_t)choose(s->c, 3);
    aenc_status status = aenc_classify(s->model, &x, label, answers);
    FUZZ_DEMAND(status != AENC_OK || count > 0);
    for (size_t i = 0; good(s, status) && i < answers; i++) FUZZ_DEMAND(label[i] >= 0 && (size_t)label[i] < count);
    good(s, aenc_class_probabilities(s->model, &x, room(s, s->rows * s->out), s->rows * s->out));
    good(s, aenc_accuracy(s->model, &x, wanted, answers, &share));
}

static void between(struct scene *s) {
    aenc_matrix a = structure_matrix(s, s->rows, s->in), b = structure_matrix(s, s->rows, s->in);
    int32_t way = one_in(s->c, 2) ? AENC_INTERPOLATE_SPHERICAL : AENC_INTERPOLATE_LINEAR;
    good(s, aenc_interpolate(s->model, &a, &b, 3, way, room(s, s->rows * 3 * s->out), s->rows * 3 * s->out));
}

static void traverse(struct scene *s) {
    aenc_matrix code = structure_matrix(s, 1, s->code), range = structure_matrix(s, 2, s->code);
    if (s->code * s->out > FUZZ_WIDTH_MAX) return;
    good(s, aenc_traverse(s->model, &code, &range, 2, room(s, 2 * s->code * s->out), 2 * s->code * s->out));
}

static void rate(struct scene *s) {
    aenc_matrix x = structure_matrix(s, s->rows, s->in);
    const double steps[] = {0.25, 1e-30};
    aenc_rate_point *point = structure_block(s, 2 * sizeof *point);
    memset(point, 0, 2 * sizeof *point);
    point[0].struct_size = sizeof *point;
    good(s, aenc_rate_distortion(s->model, &x, steps, 2, 0, point));
}

static void angles(struct scene *s) {
    aenc_model *b = s->other == NULL ? s->model : s->other;
    size_t code = aenc_model_code_size(b), count = s->code < code ? s->code : code;
    double *angle = structure_block(s, count * sizeof *angle);
    if (s->in * (s->in + s->code) > FUZZ_WIDTH_MAX) return;
    good(s, aenc_subspace_angles(s->world->ctx, s->model, b, angle, count));
}

static void evaluate(struct scene *s) {
    aenc_batch batch = {.struct_size = sizeof batch, .input = structure_matrix(s, s->rows, s->in)};
    double loss;
    if (one_in(s->c, 2)) batch.target = structure_matrix(s, s->rows, s->target);
    good(s, aenc_model_evaluate(s->model, &batch, &loss));
}

/* ---- Runners ---- */

static void runner(struct scene *s) {
    static const int64_t tasks[] = {AENC_RUN_ENCODE, AENC_RUN_DECODE, AENC_RUN_RECONSTRUCT, AENC_RUN_SCORE, AENC_RUN_SCORE_FEATURES};
    aenc_runner_options options = {.struct_size = sizeof options, .task = tasks[choose(s->c, 5)], .rows = 1 + choose(s->c, 4)};
    aenc_runner *made = NULL;
    size_t bytes = 0, in = options.task == AENC_RUN_DECODE ? s->code : s->in;
    size_t each[] = {s->code, s->out, s->out, 1, s->target};
    if (!good(s, aenc_runner_size(s->model, &options, &bytes))) return;
    if (one_in(s->c, 2)) {
        options.memory = structure_block(s, bytes);
        options.memory_size = bytes;
    }
    if (!fuzz_made(s->world, aenc_runner_create(s->model, &options, &made), made)) return;
    aenc_matrix x = structure_matrix(s, s->rows, in), target = structure_matrix(s, s->rows, s->target);
    bool judged = options.task == AENC_RUN_SCORE || options.task == AENC_RUN_SCORE_FEATURES;
    size_t floats = s->rows * each[options.task / 10 - 1];
    aenc_status status = aenc_runner_run(made, &x, judged && one_in(s->c, 2) ? &target : NULL, room(s, floats), floats);
    FUZZ_DEMAND(status == AENC_OK || aenc_runner_message(made)[0] != '\0');
    FUZZ_DEMAND(aenc_runner_refresh(made) == AENC_OK);
    aenc_runner_free(made);
}

/* ---- Names, values, copies ---- */

static void values(struct scene *s) {
    size_t count = aenc_model_tensor_count(s->model);
    FUZZ_DEMAND(aenc_model_description(s->model) != NULL && aenc_model_tensor_name(s->model, count) == NULL);
    for (size_t i = 0; i < count; i++) {
        aenc_tensor *tensor = NULL;
        const char *name = aenc_model_tensor_name(s->model, i);
        if (!fuzz_made(s->world, aenc_model_tensor_get(s->model, name, &tensor), tensor)) continue;
        size_t floats = aenc_tensor_count(tensor);
        aenc_tensor_info info = {.struct_size = sizeof info};
        FUZZ_DEMAND(aenc_model_tensor_info(s->model, i, &info) == AENC_OK && info.size == floats && info.name == name);
        if (one_in(s->c, 8) && floats <= FUZZ_WIDTH_MAX) {
            aenc_matrix x = structure_matrix(s, 1, floats);
            FUZZ_DEMAND(aenc_tensor_write(tensor, x.data, floats) == AENC_OK);
            blocks_free(s);
        }
        good(s, aenc_model_tensor_set(s->model, name, tensor));
        aenc_tensor_free(tensor);
        tensor = NULL;
        if (!fuzz_made(s->world, aenc_model_gradient_get(s->model, name, &tensor), tensor)) continue;
        good(s, aenc_model_gradient_set(s->model, name, tensor));
        aenc_tensor_free(tensor);
    }
}

static void terms(struct scene *s) {
    size_t count = aenc_model_term_count(s->model), epochs = aenc_model_history_count(s->model);
    aenc_progress last = {.struct_size = sizeof last};
    double term;
    for (size_t i = 0; i < count; i++) FUZZ_DEMAND(aenc_model_term_name(s->model, i) != NULL && aenc_model_term_role(s->model, i) > 0);
    FUZZ_DEMAND(isnan(aenc_model_term_valid(s->model, count)));
    FUZZ_DEMAND(isnan(aenc_model_term_value(s->model, count)) && aenc_model_notice(s->model) != NULL);
    FUZZ_DEMAND(aenc_model_stopped(s->model) >= AENC_STOPPED_NOT && aenc_model_stopped(s->model) <= AENC_STOPPED_SOURCE);
    if (epochs > 0) good(s, aenc_model_history(s->model, epochs - 1, &last));
    if (epochs > 0) good(s, aenc_model_history_term(s->model, epochs - 1, count - 1, &term));
    if (epochs > 0) good(s, aenc_model_history_term_valid(s->model, epochs - 1, count - 1, &term));
    good(s, aenc_model_set_epochs(s->model, (double)choose(s->c, 4) / 2));
    aenc_model_forget_optimizer(s->model);
}

static void copy(struct scene *s) {
    static const char *const prefixes[] = {"", "encoder", "decoder", "encoder.0", "scaling", "pca", "decoder.0.weight"};
    const char *to = prefixes[choose(s->c, 7)], *from = prefixes[choose(s->c, 7)];
    if (s->other == NULL) return;
    good(s, aenc_model_copy(s->other, to, s->model, one_in(s->c, 2) ? to : from));
    good(s, aenc_model_copy(s->model, "", s->other, ""));
}

/* What it was cloned from may have changed the parameters that they share. */
static void clone(struct scene *s) {
    aenc_model *made = NULL;
    if (fuzz_made(s->world, aenc_model_clone(s->world->ctx, s->model, (int32_t)choose(s->c, 2), &made), made))
        good(s, aenc_model_copy(made, "", s->model, ""));
    aenc_model_free(made);
}

static void freeze(struct scene *s) {
    static const char *const prefixes[] = {"encoder", "decoder", "", "encoder.0", "pca"};
    good(s, aenc_model_freeze(s->model, prefixes[choose(s->c, 5)], (int32_t)choose(s->c, 2)));
}

static void grow(struct scene *s) {
    aenc_layer *layer = NULL, *inside = NULL;
    aenc_model *deeper = NULL;
    if (!fuzz_made(s->world, aenc_layer_create(s->world->ctx, structure_spec(s->c), &layer), layer)) return;
    if (fuzz_made(s->world, aenc_layer_create(s->world->ctx, structure_spec(s->c), &inside), inside))
        good(s, aenc_layer_add(layer, inside));
    if (fuzz_made(s->world, aenc_model_grow(s->model, layer, &deeper), deeper)) {
        aenc_matrix x = structure_matrix(s, s->rows, s->in);
        size_t floats = s->rows * aenc_model_output_size(deeper);
        good(s, aenc_reconstruct(deeper, &x, room(s, floats), floats));
    }
    aenc_model_free(deeper);
    aenc_layer_free(inside);
    aenc_layer_free(layer);
}

static int count_bytes(void *user, const void *data, size_t size) {
    size_t *sum = user;
    (void)data;
    *sum += size;
    return 0;
}

/* What was saved can be loaded, but for values that training has driven out of range; loaded and saved again the bytes are the
 * same. */
static void save(struct scene *s) {
    aenc_model *loaded = NULL;
    size_t size = 0;
    if (good(s, aenc_model_save_memory(s->model, NULL, 0, &size))) FUZZ_DEMAND(size > 0);
    if (good(s, aenc_model_save_optimizer(s->model, NULL, s->path)))
        good(s, aenc_model_load_optimizer(s->model, NULL, s->path));
    if (good(s, aenc_model_save_optimizer_memory(s->model, NULL, NULL, 0, &size))) FUZZ_DEMAND(size > 0);
    good(s, aenc_model_load_optimizer_memory(s->model, NULL, "{", 1));
    good(s, aenc_model_load_tensors_memory(s->model, "encoder", "{", 1));
    size = 0;
    good(s, aenc_model_save_memory(s->model, NULL, 0, &size));
    size_t written = 0;
    if (good(s, aenc_model_write(s->model, count_bytes, &written))) FUZZ_DEMAND(written == size || size == 0);
    if (!good(s, aenc_model_save(s->model, s->path))) return;
    good(s, aenc_model_load_tensors(s->model, "decoder", s->path));
    aenc_status status = aenc_model_load(s->world->ctx, s->path, &loaded);
    FUZZ_DEMAND(status == AENC_OK || status == AENC_ERR_NO_MEMORY || status == AENC_ERR_NONFINITE);
    if (fuzz_made(s->world, status, loaded)) fuzz_model_round_trip(s->world, loaded);
    aenc_model_free(loaded);
}

/* ---- In any order ---- */

static void (*const calls[])(struct scene *) = {structure_data, encode, decode, reconstruct, score, features, denoising, jacobian, classes, between,
                                                traverse, rate, angles, evaluate, runner, values, terms, copy, clone, freeze, grow, save};
enum { CALLS = COUNT_OF(calls) + STRUCTURE_TRAINING };

static void call(struct scene *s, unsigned which) {
    if (getenv("AENC_FUZZ_TELL") != NULL) fprintf(stderr, "call %u\n", which);
    if (which < COUNT_OF(calls)) calls[which](s);
    else structure_train(s, which - (unsigned)COUNT_OF(calls));
    blocks_free(s);
}

void structure_use_model(struct scene *s) {
    unsigned order[CALLS], skipped = choose(s->c, 4);
    s->in = aenc_model_input_size(s->model);
    s->code = aenc_model_code_size(s->model);
    s->out = aenc_model_output_size(s->model);
    size_t most = s->in > s->code ? s->in : s->code, count = aenc_model_class_count(s->model);
    most = most > s->out ? most : s->out;
    FUZZ_DEMAND(s->in > 0 && s->code > 0 && s->out > 0 && aenc_model_parameter_size(s->model) < SIZE_MAX / 8);
    if (most > FUZZ_WIDTH_MAX) return;
    const char *description = aenc_model_description(s->model);
    bool three = strstr(description, "plug_loss_3") != NULL || strstr(description, "categorical") != NULL;
    bool two = strstr(description, "gaussian_nll") != NULL || strstr(description, "\"learned\":\"output\"") != NULL;
    s->target = s->out / (count > 0 ? count : three ? 3 : two ? 2 : 1);
    for (unsigned i = 0; i < CALLS; i++) order[i] = i;
    for (unsigned i = CALLS; i > 1; i--) {
        unsigned other = choose(s->c, i), kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
    for (unsigned i = 0; i < CALLS; i++) {
        static const unsigned rows[] = {1, 2, 3, 5, 2, 3, 4, 130};
        s->rows = rows[choose(s->c, most > 64 ? 7 : 8)];
        if (skipped == 0 || choose(s->c, 4) >= skipped) call(s, order[i]);
    }
}

void structure_use_detector(struct scene *s, aenc_detector *d) {
    aenc_model *model = aenc_detector_model(d);
    aenc_detector *again = NULL;
    FUZZ_DEMAND(model != NULL && isfinite(aenc_detector_threshold(d)));
    size_t cols = aenc_model_input_size(model), rows = s->rows;
    if (cols > FUZZ_WIDTH_MAX) return;
    aenc_matrix x = structure_matrix(s, rows, cols);
    good(s, aenc_detector_score(d, &x, room(s, rows), rows));
    good(s, aenc_detector_score_features(d, &x, room(s, rows * cols), rows * cols));
    float *chance = room(s, rows);
    if (good(s, aenc_detector_probability(d, &x, chance, rows)))
        for (size_t r = 0; r < rows; r++) FUZZ_DEMAND(!(chance[r] < 0) && !(chance[r] >= 1));
    good(s, aenc_detector_flag(d, &x, structure_block(s, rows), rows));
    (void)aenc_detector_rows(d);
    const char *spec = aenc_detector_threshold_spec(d);
    FUZZ_DEMAND(spec == NULL || strlen(spec) < SIZE_MAX); /* a sanitizer sees what is no text */
    good(s, aenc_detector_set_threshold(d, 0.5));
    size_t size = 0, written = 0;
    if (good(s, aenc_detector_save_memory(d, NULL, 0, &size)) && good(s, aenc_detector_write(d, count_bytes, &written)))
        FUZZ_DEMAND(written == size);
    if (good(s, aenc_detector_save(d, s->path)) &&
        fuzz_made(s->world, aenc_detector_load(s->world->ctx, s->path, &again), again))
        aenc_detector_free(again);
    blocks_free(s);
}
