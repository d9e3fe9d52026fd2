/* fuzz_api.c - bytes as calls of the public header, in any order, on whatever handles there are (freed ones are NULL). Each
 * call must keep its word, whatever it is given: see fuzz_good. */
#include "fuzz/fuzz_api.h"

#include <unistd.h>

enum { CALLS_MAX = 80 };

static const char *const specs[] = {
    "dense:units=3", "dense:units=5,activation=tanh", "relu", "sequential", "residual", "batch_norm", "layer_norm",
    "dropout:rate=0.5", "flatten", "reshape:dims=2x3", "mse", "bce", "gaussian_nll", "huber:delta=0.5", "mae", "cosine",
    "adam", "adamw:lr=0.1,weight_decay=0.01", "sgd:lr=1e30", "momentum", "nesterov", "rmsprop", "sigmoid", "identity",
    "leaky_relu:slope=0.1", "gelu", "cosine:warmup=0.5", "step:every=1,factor=0.5", "plateau:patience=0", "warmup:steps=3",
    "he_normal", "orthogonal", "nonsense", "dense:units=-1", "", NULL,
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

void fuzz_api_told(struct calls *c, const void *handle, aenc_status status) {
    if (handle != NULL) fuzz_good(&c->world, status);
    else FUZZ_DEMAND(status != AENC_OK && status != AENC_ERR_INTERNAL);
    c->world.memory.refused = 0;
}

static void tensor_make(struct calls *c) {
    static const int32_t types[] = {AENC_F32, AENC_I32, AENC_U8, 0};
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
    FUZZ_DEMAND(aenc_tensor_dim(t, rank) == 0);
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
    if ((how & 0x40) != 0) options.valid_share = (double)next(c) / 200.0;
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
    if ((how & 0x10) != 0 && batch.input.rows <= 5) batch.weight = weight;
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
    switch (next(c) % 5) {
    case 0: fuzz_api_told(c, m, aenc_model_parameter_set(m, name, *slot)); return;
    case 1: fuzz_api_told(c, m, aenc_model_gradient_get(m, name, &got)); break;
    case 2: fuzz_api_told(c, m, aenc_model_freeze(m, name, (int32_t)(next(c) % 2))); return;
    case 3: fuzz_api_told(c, m, aenc_model_parameter_get(m, name, &got)); break;
    default:
        FUZZ_DEMAND(m == NULL || aenc_model_description(m) != NULL);
        for (size_t i = 0; i < aenc_model_parameter_count(m); i++) FUZZ_DEMAND(aenc_model_parameter_name(m, i) != NULL);
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
    switch (next(c) % 6) {
    case 0: aenc_layer_free(c->layer[slot]); c->layer[slot] = NULL; return;
    case 1: aenc_model_free(c->model[slot]); c->model[slot] = NULL; return;
    case 2: aenc_tensor_free(c->tensor[slot]); c->tensor[slot] = NULL; return;
    case 3: aenc_optimizer_free(c->optimizer[slot]); c->optimizer[slot] = NULL; return;
    case 4: fuzz_api_runner_end(c, slot); return;
    default: fuzz_api_source_end(c, slot);
    }
}

static void (*const calls[])(struct calls *) = {
    tensor_make, tensor_use, layer_make, layer_add, model_make, model_make, model_infer, model_infer,
    model_fit, model_loop, model_loop, model_names, model_copy, free_something,
    fuzz_api_runner_make, fuzz_api_runner_use, fuzz_api_runner_use, fuzz_api_runner_refresh, fuzz_api_source_make,
    fuzz_api_source_fit, fuzz_api_partial_fit, fuzz_api_checkpoint_fit, fuzz_api_endure, fuzz_api_file,
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
    for (int count = 0; c.at < c.size && count < CALLS_MAX; count++)
        calls[next(&c) % (sizeof calls / sizeof *calls)](&c);
    /* handles keep the context alive */
    aenc_context_free(c.world.ctx);
    for (unsigned i = 0; i < SLOTS; i++) {
        aenc_layer_free(c.layer[i]);
        aenc_model_free(c.model[i]);
        aenc_tensor_free(c.tensor[i]);
        aenc_optimizer_free(c.optimizer[i]);
        fuzz_api_runner_end(&c, i);
        fuzz_api_source_end(&c, i);
    }
    fuzz_api_clean(&c);
    c.world.ctx = NULL;
    fuzz_world_close(&c.world);
    fuzz_input_close(&input);
    return 0;
}
