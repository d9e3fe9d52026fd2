/* fuzz_api.c - bytes as calls of the public header, in any order, on whatever handles there are (freed ones are NULL). Each
 * call must keep its word, whatever it is given: see fuzz_good. */
#include "fuzz/fuzz_api.h"

#include <unistd.h>

/* What an input may cost, in units of a cheap call. */
enum { EFFORT = 240 };

static const char *const specs[] = {
    "dense:units=3", "dense:units=5,activation=tanh", "relu", "sequential", "residual", "batch_norm", "layer_norm",
    "dropout:rate=0.5", "flatten", "reshape:dims=2x3", "mse", "bce", "gaussian_nll", "huber:delta=0.5", "mae", "cosine",
    "adam", "adamw:lr=0.1,weight_decay=0.01", "sgd:lr=1e30", "momentum", "nesterov", "rmsprop", "sigmoid", "identity",
    "leaky_relu:slope=0.1", "gelu", "cosine:warmup=0.5", "step:every=1,factor=0.5", "plateau:patience=0", "warmup:steps=3",
    "he_normal", "orthogonal", "nonsense", "dense:units=-1", "", NULL, "p0", "p1", "p2", "p0:a=2", "p1:a=-3", "p2:level=0.5",
    "cross_entropy:classes=3", "cross_entropy:classes=2,smoothing=0.1", "cross_entropy:classes=1", "dense:units=2", "elu",
    "softplus", "silu", "mae", "dense:units=4,activation=sigmoid", "dense:units=3,activation=relu", "huber", "adam:lr=0.01",
};
static const char *const names[] = {
    "encoder.0.weight", "encoder.0.bias", "encoder.1.weight", "decoder.0.weight", "encoder", "", "decoder", "nothing", NULL,
};

const char *fuzz_api_spec(struct calls *c) { return specs[next(c) % (sizeof specs / sizeof *specs)]; }
static const char *next_name(struct calls *c) { return names[next(c) % (sizeof names / sizeof *names)]; }

aenc_matrix fuzz_api_matrix(struct calls *c, size_t cols) {
    unsigned how = next(c);
    aenc_matrix x = {c->data, 1 + how % 5, cols, 0};
    if (how >= 0x40 && how < 0x50) c->data[how % 16] = (float)(how % 2 == 0 ? NAN : INFINITY);
    else c->data[how % 16] = (float)how / 64.0f;
    if (how >= 0xF0) x.rows = how == 0xFF ? SIZE_MAX : how % 3;
    if (how >= 0xE0 && how < 0xF0) x.cols = how % 4;
    if (how >= 0xD0 && how < 0xE0) x.stride = how % 2 == 0 ? cols + 1 : how % 16;
    if (how >= 0xC0 && how < 0xD0) x.data = NULL;
    /* the caller's promise: rows * stride floats are there */
    size_t stride = x.stride == 0 ? x.cols : x.stride;
    if (stride != 0 && x.rows > FLOATS / stride && x.rows != SIZE_MAX) x.rows = FLOATS / stride;
    return x;
}

void *fuzz_api_block(struct calls *c, unsigned slot, size_t bytes) {
    FUZZ_DEMAND(slot < BLOCKS);
    free(c->block[slot]);
    c->block[slot] = malloc(bytes == 0 ? 1 : bytes);
    FUZZ_DEMAND(c->block[slot] != NULL);
    return c->block[slot];
}

static float table_number(unsigned how, uint32_t drawn, size_t i) {
    switch (how % 8) {
    case 0: return (float)(i * 7 % 13) / 13.0f;
    case 1: return 0.5f;
    case 2: return (float)(drawn % 3);
    case 3: return ((float)drawn / 4294967296.0f - 0.5f) * 4;
    case 4: return ((float)drawn / 4294967296.0f - 0.5f) * 1e38f;
    case 5: return drawn % 8 == 0 ? 1e4f : (float)drawn / 4294967296.0f;
    case 6: return (float)(drawn % 5) * 1e-40f;
    default: return drawn % 2 == 0 ? 0.0f : -1.0f;
    }
}

aenc_matrix fuzz_api_table(struct calls *c, unsigned slot, size_t cols) {
    unsigned how = next(c), kind = next(c);
    uint32_t drawn = how * 2654435761u + kind;
    if (cols > 64) cols = 64;
    aenc_matrix x = {NULL, 1 + how % 20, cols, (how & 0x40) != 0 ? cols + 1 : 0};
    size_t stride = x.stride == 0 ? cols : x.stride, floats = x.rows * stride - (stride - cols); /* no gap after the last */
    float *data = fuzz_api_block(c, slot, floats * sizeof(float));
    for (size_t i = 0; i < floats; i++) {
        drawn = drawn * 1664525u + 1013904223u;
        data[i] = table_number(kind, drawn >> 8 << 8, i);
    }
    if (kind >= 0xE0 && floats > 0) data[kind % floats] = kind % 2 == 0 ? NAN : -INFINITY;
    if (kind == 0xDF) x.cols++, x.rows = 0;
    x.data = data;
    return x;
}

int32_t *fuzz_api_labels(struct calls *c, unsigned slot, size_t count) {
    static const int32_t odd[] = {-1, INT32_MAX, INT32_MIN, 1 << 24};
    unsigned how = next(c);
    uint32_t drawn = how;
    int32_t *labels = fuzz_api_block(c, slot, count * sizeof *labels);
    for (size_t i = 0; i < count; i++) {
        drawn = drawn * 1664525u + 1013904223u;
        labels[i] = how >= 0xE0 && i == how % count ? odd[how % 4] : (int32_t)((drawn >> 16) % (1 + how % 4));
    }
    return labels;
}

struct room fuzz_api_room(struct calls *c, unsigned slot, size_t needed) {
    struct room room = {NULL, needed - (needed > 0 && next(c) > 0xF0), needed};
    room.at = fuzz_api_block(c, slot, room.floats * sizeof(float));
    return room;
}

bool fuzz_api_filled(struct calls *c, const void *handle, aenc_status status, struct room room) {
    fuzz_api_told(c, handle, status);
    FUZZ_DEMAND(status != AENC_OK || room.floats >= room.needed);
    return status == AENC_OK;
}

void fuzz_api_again(const struct calls *c, aenc_status first, aenc_status second, const void *a, const void *b, size_t bytes) {
    if (first == AENC_ERR_NO_MEMORY || second == AENC_ERR_NO_MEMORY || (c->fickle && first != second)) return;
    FUZZ_DEMAND(first == second && (first != AENC_OK || memcmp(a, b, bytes) == 0));
}

const void *fuzz_api_saved(struct calls *c, aenc_model *m, unsigned slot, size_t *size) {
    void *bytes = fuzz_api_block(c, slot, sizeof c->file);
    aenc_status status = aenc_model_save_memory(m, bytes, sizeof c->file, size);
    fuzz_api_told(c, m, status);
    if (status != AENC_OK) *size = 0;
    return bytes;
}

void fuzz_api_told(struct calls *c, const void *handle, aenc_status status) {
    if (handle != NULL) fuzz_good(&c->world, status);
    else FUZZ_DEMAND(status != AENC_OK && status != AENC_ERR_INTERNAL);
    c->world.memory.refused = 0;
}

static void tensor_make(struct calls *c) {
    static const int32_t types[] = {AENC_TYPE_F32, AENC_TYPE_I32, AENC_TYPE_U8, 0};
    size_t dims[8];
    aenc_tensor **slot = next_tensor(c);
    int32_t type = types[next(c) % 4];
    size_t rank = next(c) % 8;
    for (size_t i = 0; i < rank; i++) dims[i] = next(c) % 0x20;
    if (rank > 0 && next(c) > 0xF0) dims[0] = SIZE_MAX / 3;
    aenc_tensor_free(*slot);
    fuzz_made(&c->world, aenc_tensor_create(c->world.ctx, type, dims, rank, slot), *slot);
}

static void tensor_use(struct calls *c) {
    aenc_tensor *t = *next_tensor(c);
    size_t count = aenc_tensor_count(t), rank = aenc_tensor_rank(t), product = 1;
    for (size_t i = 0; i < rank; i++) product *= aenc_tensor_dim(t, i);
    FUZZ_DEMAND(t == NULL || product == count);
    FUZZ_DEMAND(aenc_tensor_dim(t, rank) == 0 && (aenc_tensor_data(t) == NULL) == (t == NULL));
    if (count > FLOATS) return;
    fuzz_api_told(c, t, aenc_tensor_read(t, c->out, count));
    fuzz_api_told(c, t, aenc_tensor_write(t, c->data, count));
    if (t != NULL) FUZZ_DEMAND(aenc_tensor_read(t, c->out, count + 1) != AENC_OK);
}

static void layer_make(struct calls *c) {
    aenc_layer **slot = next_layer(c);
    aenc_layer_free(*slot);
    fuzz_made(&c->world, aenc_layer_create(c->world.ctx, fuzz_api_spec(c), slot), *slot);
}

static void layer_add(struct calls *c) {
    aenc_layer *to = *next_layer(c);
    fuzz_api_told(c, to, aenc_layer_add(to, *next_layer(c)));
}

static void model_make(struct calls *c) {
    static const size_t dims[] = {6, 2, 3, 1}, hidden[] = {4, 2, 3};
    unsigned how = next(c);
    aenc_model_options options = {.struct_size = sizeof options};
    aenc_model **slot = next_model(c);
    options.input = how % 3 == 0 ? dims : dims + 1;
    options.input_rank = how % 3 == 0 ? 1 : how % 3 + 1;
    if ((how & 0x08) != 0) options.encoder_layers = *next_layer(c);
    else options.encoder_widths = hidden, options.encoder_count = 1 + how % 3;
    if ((how & 0x10) != 0) options.decoder_layers = *next_layer(c);
    if ((how & 0x20) != 0) options.activation = fuzz_api_spec(c);
    if ((how & 0x40) != 0) options.output = fuzz_api_spec(c);
    if ((how & 0x80) != 0) options.loss = fuzz_api_spec(c);
    aenc_model_free(*slot);
    fuzz_made(&c->world, aenc_model_create(c->world.ctx, &options, slot), *slot);
}

static void model_infer(struct calls *c) {
    aenc_model *m = *next_model(c);
    unsigned how = next(c);
    size_t cols = how % 5 == 1 ? aenc_model_code_size(m) : aenc_model_input_size(m);
    aenc_matrix x = fuzz_api_matrix(c, cols), target = fuzz_api_matrix(c, aenc_model_output_size(m));
    size_t room = how >= 0xF0 ? how % 8 : FLOATS;
    switch (how % 5) {
    case 0: fuzz_api_told(c, m, aenc_encode(m, &x, c->out, room)); return;
    case 1: fuzz_api_told(c, m, aenc_decode(m, &x, c->out, room)); return;
    case 2: fuzz_api_told(c, m, aenc_reconstruct(m, &x, c->out, room)); return;
    case 3: fuzz_api_told(c, m, aenc_score(m, &x, (how & 0x20) != 0 ? &target : NULL, c->out, room)); return;
    default: fuzz_api_told(c, m, aenc_score_features(m, &x, (how & 0x20) != 0 ? &target : NULL, c->out, room));
    }
}

int fuzz_api_progress(void *user, const aenc_progress *now) {
    const struct fuzz_api_stop *stop = user;
    FUZZ_DEMAND(now->epoch >= 1 && now->epoch <= now->epochs && now->step >= 1 && now->step <= now->steps);
    return now->epoch * 10 + now->step > stop->after;
}

static void model_fit(struct calls *c) {
    aenc_model *m = *next_model(c);
    unsigned how = next(c);
    aenc_matrix x = fuzz_api_matrix(c, aenc_model_input_size(m)), target = fuzz_api_matrix(c, aenc_model_output_size(m));
    struct fuzz_api_stop stop = {how % 40};
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 1 + how % 3, .batch = how % 4};
    options.progress = (how & 0x08) != 0 ? fuzz_api_progress : NULL;
    options.progress_user = &stop;
    if ((how & 0x10) != 0) options.target = &target;
    if ((how & 0x20) != 0) options.valid = &x, options.patience = 1;
    if ((how & 0x40) != 0) options.validation_fraction = (double)next(c) / 200.0;
    if ((how & 0x80) != 0) options.optimizer = fuzz_api_spec(c), options.schedule = fuzz_api_spec(c);
    if (next(c) > 0x80) options.clip_norm = 0.5, options.clip_value = 0.1;
    fuzz_api_told(c, m, aenc_fit(m, &x, &options));
    aenc_progress last = {.struct_size = sizeof last};
    size_t epochs = aenc_model_history_count(m);
    if (epochs > 0) fuzz_api_told(c, m, aenc_model_history(m, epochs - 1, &last));
    if (m != NULL) FUZZ_DEMAND(aenc_model_history(m, epochs, &last) != AENC_OK);
}

static void model_loop(struct calls *c) {
    aenc_model *m = *next_model(c);
    aenc_optimizer **slot = next_optimizer(c);
    unsigned how = next(c);
    double loss;
    float weight[5] = {1, 0.5f, 0, 2, (how & 0x80) != 0 ? -1.0f : 1.0f};
    aenc_batch batch = {.struct_size = sizeof batch, .input = fuzz_api_matrix(c, aenc_model_input_size(m))};
    if ((how & 0x08) != 0) batch.target = fuzz_api_matrix(c, aenc_model_output_size(m));
    if ((how & 0x10) != 0 && batch.input.rows <= 5) batch.weight = weight, batch.weight_count = batch.input.rows;
    switch (how % 6) {
    case 0:
        aenc_optimizer_free(*slot);
        *slot = NULL;
        fuzz_api_told(c, m, aenc_optimizer_create(m, fuzz_api_spec(c), slot));
        return;
    case 1: fuzz_api_told(c, m, aenc_model_gradients(m, &batch, &loss)); return;
    case 2: fuzz_api_told(c, *slot, aenc_optimizer_apply(*slot)); return;
    case 3: fuzz_api_told(c, m, aenc_model_step(m, *slot, &batch, NULL)); return;
    case 4: fuzz_api_told(c, m, aenc_model_evaluate(m, &batch, &loss)); return;
    default:
        fuzz_api_told(c, *slot, aenc_optimizer_set_clipping(*slot, (double)next(c) - 10, (double)next(c)));
        fuzz_api_told(c, *slot, aenc_optimizer_set_learning_rate(*slot, (double)next(c) / 100 - 0.1));
        FUZZ_DEMAND(*slot == NULL || aenc_optimizer_learning_rate(*slot) >= 0);
    }
}

static void model_names(struct calls *c) {
    aenc_model *m = *next_model(c);
    aenc_tensor **slot = next_tensor(c), *got = NULL;
    const char *name = next_name(c);
    switch (next(c) % 6) {
    case 0: fuzz_api_told(c, m, aenc_model_tensor_set(m, name, *slot)); return;
    case 4: fuzz_api_told(c, m, aenc_model_gradient_set(m, name, *slot)); return;
    case 1: fuzz_api_told(c, m, aenc_model_gradient_get(m, name, &got)); break;
    case 2: fuzz_api_told(c, m, aenc_model_freeze(m, name, (int32_t)(next(c) % 2))); return;
    case 3: fuzz_api_told(c, m, aenc_model_tensor_get(m, name, &got)); break;
    default:
        FUZZ_DEMAND(m == NULL || aenc_model_description(m) != NULL);
        for (size_t i = 0; i <= aenc_model_tensor_count(m); i++) {
            aenc_tensor_info info = {.struct_size = sizeof info};
            aenc_status status = aenc_model_tensor_info(m, i, &info);
            fuzz_api_told(c, m, status);
            FUZZ_DEMAND(aenc_model_tensor_name(m, i) == info.name && (status == AENC_OK) == (info.name != NULL));
        }
        return;
    }
    aenc_tensor_free(*slot);
    *slot = got;
}

static void model_copy(struct calls *c) {
    aenc_model *m = *next_model(c), **slot = next_model(c), *loaded = NULL;
    size_t size = 0, room = next(c) > 0xF8 ? 100 : sizeof c->file;
    aenc_status status = aenc_model_save_memory(m, c->file, room, &size);
    fuzz_api_told(c, m, status);
    if (status != AENC_OK) return;
    if (next(c) > 0xC0) c->file[next(c) % size] ^= 1;
    fuzz_made(&c->world, aenc_model_load_memory(c->world.ctx, c->file, size, &loaded), loaded);
    if (loaded == NULL) return;
    aenc_model_free(*slot);
    *slot = loaded;
}

static void free_something(struct calls *c) {
    unsigned slot = next(c) % SLOTS;
    switch (next(c) % 7) {
    case 6: aenc_detector_free(c->detector[slot]); c->detector[slot] = NULL; return;
    case 0: aenc_layer_free(c->layer[slot]); c->layer[slot] = NULL; return;
    case 1: aenc_model_free(c->model[slot]); c->model[slot] = NULL; return;
    case 2: aenc_tensor_free(c->tensor[slot]); c->tensor[slot] = NULL; return;
    case 3: aenc_optimizer_free(c->optimizer[slot]); c->optimizer[slot] = NULL; return;
    case 4: fuzz_api_runner_end(c, slot); return;
    default: fuzz_api_source_end(c, slot);
    }
}

static const struct {
    void (*make)(struct calls *);
    int effort;
} calls[] = {
    {tensor_make, 1}, {tensor_use, 1}, {layer_make, 1}, {layer_add, 1}, {model_make, 1}, {model_make, 1}, {model_infer, 1},
    {model_infer, 1}, {model_fit, 4}, {model_loop, 1}, {model_loop, 1}, {model_names, 1}, {model_copy, 1},
    {free_something, 1}, {fuzz_api_runner_make, 1}, {fuzz_api_runner_use, 1}, {fuzz_api_runner_use, 1},
    {fuzz_api_runner_refresh, 3}, {fuzz_api_source_make, 1}, {fuzz_api_source_fit, 4}, {fuzz_api_partial_fit, 2},
    {fuzz_api_checkpoint_fit, 5}, {fuzz_api_endure, 12}, {fuzz_api_file, 1},
    {fuzz_api_model_full, 1}, {fuzz_api_model_full, 1}, {fuzz_api_model_terms, 1}, {fuzz_api_pca, 1}, {fuzz_api_angles, 1},
    {fuzz_api_classes, 1}, {fuzz_api_answers, 1}, {fuzz_api_copy, 1}, {fuzz_api_grow, 1}, {fuzz_api_pretrain, 8},
    {fuzz_api_distill, 6}, {fuzz_api_gradients, 6}, {fuzz_api_metrics, 1}, {fuzz_api_threshold, 1},
    {fuzz_api_detector_make, 10}, {fuzz_api_detector_use, 2}, {fuzz_api_codes, 1}, {fuzz_api_neighbours, 1},
    {fuzz_api_kmeans, 2}, {fuzz_api_probe, 3}, {fuzz_api_rates, 2}, {fuzz_api_sweep, 12}, {fuzz_api_register, 1},
    {fuzz_api_register, 1}, {fuzz_api_map, 3},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct calls c;
    struct fuzz_input input = fuzz_input_open(data, size);
    memset(&c, 0, sizeof c);
    c.bytes = input.bytes;
    c.size = input.size;
    for (size_t i = 0; i < FLOATS; i++) c.data[i] = (float)(i % 13) / 13.0f;
    c.control = input.control;
    /* files that are synced all the time are better not on a disk */
    snprintf(c.path, sizeof c.path, "%s/aenc_fuzz_api.%ld", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (long)getpid());
    fuzz_world_open(&c.world, input.control, (size_t)8 << 20, (input.control & 0x40) != 0 ? 2 : 1);
    for (int effort = EFFORT; c.at < c.size && effort > 0;) {
        unsigned which = next(&c) % (sizeof calls / sizeof *calls);
        if (getenv("AENC_FUZZ_TELL") != NULL) fprintf(stderr, "call %u, up to byte %zu\n", which, c.at);
        calls[which].make(&c);
        effort -= calls[which].effort;
    }
    /* handles keep the context alive */
    aenc_context_free(c.world.ctx);
    for (unsigned i = 0; i < SLOTS; i++) {
        aenc_layer_free(c.layer[i]);
        aenc_model_free(c.model[i]);
        aenc_tensor_free(c.tensor[i]);
        aenc_optimizer_free(c.optimizer[i]);
        fuzz_api_runner_end(&c, i);
        fuzz_api_source_end(&c, i);
        aenc_detector_free(c.detector[i]);
    }
    fuzz_api_clean(&c);
    c.world.ctx = NULL;
    fuzz_world_close(&c.world);
    fuzz_api_plugins_end(&c);
    for (unsigned i = 0; i < BLOCKS; i++) free(c.block[i]);
    fuzz_input_close(&input);
    return 0;
}
