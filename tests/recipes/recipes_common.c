/* recipes_common.c - data, digests and the plain model of the recipes. */
#include "recipes/recipes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Data ---- */

static unsigned next_byte(uint64_t *state) {
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(*state >> 56);
}

/* A prototype's element is high or low by a hash of its place; noise moves it by up to a quarter. */
static void prototypes_fill(uint64_t seed, size_t rows, size_t cols, float *out, int32_t *label) {
    uint64_t state = seed;
    for (size_t r = 0; r < rows; r++) {
        unsigned kind = next_byte(&state) % CLASSES;
        if (label != NULL) label[r] = (int32_t)kind;
        for (size_t i = 0; i < cols; i++) {
            unsigned high = ((kind + 1) * 2654435761u >> (i % 23)) & 1;
            unsigned value = (high ? 160 : 32) + next_byte(&state) / 4;
            out[r * cols + i] = (float)value / 255;
        }
    }
}

void recipe_data_fill(struct recipe_data *data) {
    prototypes_fill(1, ROWS, COLS, data->x, data->label);
    prototypes_fill(2, VALID_ROWS, COLS, data->valid, data->valid_label);
    prototypes_fill(3, WIDE_ROWS, WIDE_COLS, data->wide, NULL);
    for (size_t i = 0; i < ROWS * COLS; i++) {
        size_t column = i % COLS, row = i / COLS;
        data->inverse[i] = 1 - data->x[i];
        data->raw[i] = data->x[i] * (float)(3 * column + 1);
        data->raw[i] -= 10;
        if (column < CODE) data->part[row * CODE + column] = data->x[i];
    }
    for (size_t r = 0; r < ROWS; r++) data->weight[r] = 0.5F * (float)(r % 4);
}

aenc_matrix recipe_x(const struct recipe_data *data, size_t rows) { return (aenc_matrix){data->x, rows, COLS, 0}; }
aenc_matrix recipe_valid(const struct recipe_data *data) { return (aenc_matrix){data->valid, VALID_ROWS, COLS, 0}; }
aenc_matrix recipe_wide(const struct recipe_data *data) { return (aenc_matrix){data->wide, WIDE_ROWS, WIDE_COLS, 0}; }

/* ---- Digests ---- */

static const uint64_t fnv_basis = 14695981039346656037ULL;

/* FNV-1a. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size) {
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++) hash = (hash ^ byte[i]) * 1099511628211ULL;
    return hash;
}

int recipe_good(struct recipe_run *run, aenc_status status) {
    if (status == AENC_OK) return 1;
    if (run->failure[0] == '\0')
        snprintf(run->failure, sizeof run->failure, "%s: %s", aenc_status_name(status), aenc_message(run->ctx));
    return 0;
}

void recipe_digest(struct recipe_run *run, int which, const void *bytes, size_t size) {
    uint64_t *digest = &run->digest[which];
    *digest = hash_bytes(*digest == 0 ? fnv_basis : *digest, bytes, size);
}

void recipe_digest_doubles(struct recipe_run *run, int which, const double *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i]))
            recipe_digest(run, which, "nan", 3);
        else
            recipe_digest(run, which, &values[i], sizeof values[i]);
    }
}

static uint64_t tensor_hash(struct recipe_run *run, const char *name, const aenc_tensor *tensor) {
    size_t count = aenc_tensor_count(tensor);
    float *values = malloc((count + 1) * sizeof *values);
    uint64_t hash = hash_bytes(fnv_basis, name, strlen(name));
    for (size_t axis = 0; axis < aenc_tensor_rank(tensor); axis++) {
        uint64_t dim = aenc_tensor_dim(tensor, axis);
        hash = hash_bytes(hash, &dim, sizeof dim);
    }
    if (values != NULL && recipe_good(run, aenc_tensor_read(tensor, values, count)))
        hash = hash_bytes(hash, values, count * sizeof *values);
    free(values);
    /* The hashes of all tensors are added up: stir each one first (the end of MurmurHash3). */
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdULL;
    hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53ULL;
    return hash ^ hash >> 33;
}

void recipe_digest_weights(struct recipe_run *run, const aenc_model *model) {
    uint64_t sum = 0;
    const char *name;
    for (size_t i = 0; (name = aenc_model_tensor_name(model, i)) != NULL; i++) {
        aenc_tensor *tensor;
        if (!recipe_good(run, aenc_model_tensor_get(model, name, &tensor))) return;
        sum += tensor_hash(run, name, tensor);
        aenc_tensor_free(tensor);
    }
    recipe_digest(run, DIGEST_WEIGHTS, &sum, sizeof sum);
}

void recipe_digest_history(struct recipe_run *run, const aenc_model *model) {
    for (size_t i = 0; i < aenc_model_history_count(model); i++) {
        aenc_progress now = {.struct_size = sizeof now};
        if (!recipe_good(run, aenc_model_history(model, i, &now))) return;
        double values[] = {(double)now.epoch, (double)now.step,  now.train_loss,      now.valid_loss,
                           now.learning_rate, now.gradient_norm, now.best_valid_loss, (double)now.best_epoch};
        recipe_digest_doubles(run, DIGEST_LOSSES, values, sizeof values / sizeof *values);
        for (size_t term = 0; term < aenc_model_term_count(model); term++) {
            double value;
            if (!recipe_good(run, aenc_model_history_term(model, i, term, &value))) return;
            recipe_digest_doubles(run, DIGEST_LOSSES, &value, 1);
        }
    }
}

void recipe_digest_outputs(struct recipe_run *run, aenc_model *model, const aenc_matrix *x) {
    int classes = aenc_model_class_count(model) > 0;
    int scores = !classes && aenc_model_output_size(model) == aenc_model_input_size(model);
    size_t code = x->rows * aenc_model_code_size(model), output = x->rows * aenc_model_output_size(model);
    float *room = malloc((code + output + x->rows) * sizeof *room);
    if (room == NULL) {
        recipe_good(run, AENC_ERR_NO_MEMORY);
        return;
    }
    size_t count = code + output;
    int good = recipe_good(run, aenc_encode(model, x, room, code)) &&
               recipe_good(run, classes ? aenc_class_probabilities(model, x, room + code, output)
                                        : aenc_reconstruct(model, x, room + code, output));
    if (good && scores && (good = recipe_good(run, aenc_score(model, x, NULL, room + count, x->rows))))
        count += x->rows;
    if (good) recipe_digest(run, DIGEST_OUTPUTS, room, count * sizeof *room);
    free(room);
}

void recipe_finish(struct recipe_run *run, aenc_model *model, const aenc_matrix *x) {
    if (model != NULL) {
        recipe_digest_weights(run, model);
        recipe_digest_history(run, model);
        recipe_digest_outputs(run, model, x);
    }
    aenc_model_free(model);
}

void recipe_path(const struct recipe_run *run, const char *name, char path[RECIPE_PATH]) {
    snprintf(path, RECIPE_PATH, "%s/%s", run->folder, name);
}

/* ---- The plain model ---- */

aenc_model *recipe_model(struct recipe_run *run) {
    static const size_t input[] = {COLS}, widths[] = {16, CODE};
    aenc_model_options options = {.struct_size = sizeof options,
                                  .input = input,
                                  .input_rank = 1,
                                  .encoder_widths = widths,
                                  .encoder_count = 2,
                                  .activation = "tanh"};
    aenc_model *model;
    recipe_good(run, aenc_model_create(run->ctx, &options, &model));
    return model;
}

aenc_fit_options recipe_fit(void) {
    return (aenc_fit_options){
        .struct_size = sizeof(aenc_fit_options), .optimizer = "adam:lr=1e-2", .epochs = 3, .batch = 96};
}

static aenc_layer *layer_of(struct recipe_run *run, const char *spec) {
    static const char residual[] = "residual ";
    aenc_layer *layer = NULL, *child = NULL;
    if (strncmp(spec, residual, sizeof residual - 1) != 0) {
        recipe_good(run, aenc_layer_create(run->ctx, spec, &layer));
        return layer;
    }
    if (recipe_good(run, aenc_layer_create(run->ctx, "residual", &layer)) &&
        recipe_good(run, aenc_layer_create(run->ctx, spec + sizeof residual - 1, &child)))
        recipe_good(run, aenc_layer_add(layer, child));
    aenc_layer_free(child);
    return layer;
}

aenc_layer *recipe_layers(struct recipe_run *run, const char *const *specs) {
    aenc_layer *sequential;
    recipe_good(run, aenc_layer_create(run->ctx, "sequential", &sequential));
    for (size_t i = 0; specs[i] != NULL; i++) {
        aenc_layer *child = layer_of(run, specs[i]);
        if (child != NULL) recipe_good(run, aenc_layer_add(sequential, child));
        aenc_layer_free(child);
    }
    return sequential;
}
