/* session.c - a configuration trained on a number of threads, from its beginning or from a checkpoint. */
#include "nightly/nightly.h"

/* ---- Hashes and files ---- */

uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size) {
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++) hash = (hash ^ at[i]) * 0x100000001B3u;
    return hash;
}

uint64_t model_hash(aenc_model *model, unsigned char **bytes, size_t *size) {
    size_t needed = 0;
    FUZZ_DEMAND(aenc_model_save_memory(model, NULL, 0, &needed) == AENC_OK);
    unsigned char *file = malloc(needed);
    FUZZ_DEMAND(file != NULL && aenc_model_save_memory(model, file, needed, &needed) == AENC_OK);
    uint64_t hash = hash_bytes(1, file, needed);
    if (size != NULL) *size = needed;
    if (bytes != NULL) *bytes = file;
    else free(file);
    return hash;
}

unsigned char *file_read(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) return NULL;
    FUZZ_DEMAND(fseek(file, 0, SEEK_END) == 0);
    long length = ftell(file);
    unsigned char *bytes = malloc((size_t)length + 1);
    FUZZ_DEMAND(length >= 0 && bytes != NULL && fseek(file, 0, SEEK_SET) == 0);
    FUZZ_DEMAND(fread(bytes, 1, (size_t)length, file) == (size_t)length);
    fclose(file);
    *size = (size_t)length;
    return bytes;
}

void file_put(const char *path, const unsigned char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    FUZZ_DEMAND(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

/* ---- Sessions ---- */

void session_open(struct session *s, const struct configuration *c, int64_t threads) {
    memset(s, 0, sizeof *s);
    s->c = c;
    fuzz_world_open(&s->world, 0, (size_t)1 << 30, threads);
    structure_plugins_register(&s->world);
    if (c->call == CALL_DETECTOR) return;
    const struct words *d = &c->description;
    FUZZ_DEMAND(aenc_model_parse(s->world.ctx, d->at, d->used, &s->model) == AENC_OK);
    if (c->call != CALL_DISTILL && c->call != CALL_DISTILL_SOURCE) return;
    const aenc_matrix x = session_x(s);
    const aenc_fit_options once = {.struct_size = sizeof once, .optimizer = "sgd:lr=0.5"};
    FUZZ_DEMAND(aenc_model_parse(s->world.ctx, d->at, d->used, &s->teacher) == AENC_OK);
    (void)aenc_partial_fit(s->teacher, &x, &once); /* refused where its targets have another size */
}

void session_close(struct session *s) {
    aenc_detector_free(s->detector);
    aenc_model_free(s->teacher);
    if (s->detector == NULL) aenc_model_free(s->model);
    fuzz_world_close(&s->world);
}

aenc_matrix session_x(const struct session *s) { return (aenc_matrix){s->c->x, s->c->rows, s->c->in, 0}; }

aenc_fit_options session_options(const struct session *s, aenc_matrix *target) {
    const struct configuration *c = s->c;
    aenc_fit_options options = c->fit;
    *target = (aenc_matrix){c->wanted, c->rows, c->target, 0};
    if (c->labels != NULL && c->call != CALL_PARTIAL) {
        options.labels = c->labels;
        options.label_count = c->rows * c->target;
    } else if (c->wanted != NULL) options.target = target;
    return options;
}

/* ---- Callbacks ---- */

static int stop_at(void *user, const aenc_progress *now) {
    struct interruption *stop = user;
    if (now->event != AENC_EVENT_STEP || ++stop->steps != stop->at) return 0;
    if (stop->copy != NULL) {
        size_t size = 0;
        unsigned char *bytes = file_read(stop->checkpoint, &size);
        if (bytes != NULL) file_put(stop->copy, bytes, size);
        stop->copied = bytes != NULL;
        free(bytes);
    }
    return 1;
}

static int stop_layer_at(void *user, int64_t layer, int64_t layers, const aenc_progress *now) {
    (void)layer, (void)layers;
    return stop_at(user, now);
}

static int stream_read(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    struct session *s = user;
    const struct configuration *c = s->c;
    size_t left = c->rows - s->position, count = left < rows ? left : rows;
    memcpy(input, c->x + s->position * c->in, count * c->in * sizeof *input);
    if (target != NULL) memcpy(target, c->wanted + s->position * c->target, count * c->target * sizeof *target);
    for (size_t i = 0; i < count; i++) weight[i] = (float)(1 + (s->position + i) % 3);
    s->position += count;
    *got = count;
    return 0;
}

static int stream_seek(void *user, uint64_t position) {
    ((struct session *)user)->position = (size_t)position;
    return 0;
}

/* ---- Training ---- */

static aenc_source *source_open(struct session *s) {
    const struct configuration *c = s->c;
    const aenc_matrix x = session_x(s);
    aenc_source *source = NULL;
    const aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = c->in, .rows = c->rows,
                                             .target_cols = c->wanted != NULL ? c->target : 0, .read = stream_read,
                                             .seek = stream_seek, .user = s, .read_ahead = c->read_ahead};
    if (c->call == CALL_STREAM) FUZZ_DEMAND(aenc_source_callback(s->world.ctx, &callbacks, &source) == AENC_OK);
    else FUZZ_DEMAND(aenc_source_matrix(s->world.ctx, &x, &source) == AENC_OK);
    return source;
}

static aenc_status train_source(struct session *s, aenc_fit_options *options) {
    const aenc_distill_options distill = {.struct_size = sizeof distill, .fit = options};
    aenc_source *source = source_open(s);
    options->target = NULL;
    aenc_status status = s->c->call == CALL_DISTILL_SOURCE ? aenc_distill_source(s->model, s->teacher, source, &distill)
                                                           : aenc_fit_source(s->model, source, options);
    aenc_source_free(source);
    return status;
}

static aenc_status train_partial(struct session *s, const aenc_fit_options *options, void (*between)(struct session *)) {
    const aenc_matrix x = session_x(s);
    aenc_status status = aenc_partial_fit(s->model, &x, options);
    if (between != NULL) between(s);
    return status == AENC_OK ? aenc_partial_fit(s->model, &x, options) : status;
}

aenc_status session_train(struct session *s, const char *checkpoint, int64_t resume, void (*between)(struct session *)) {
    const aenc_matrix x = session_x(s);
    aenc_matrix target;
    aenc_fit_options options = session_options(s, &target);
    aenc_pretrain_options pretrain = {.struct_size = sizeof pretrain, .fit = &options};
    const aenc_distill_options distill = {.struct_size = sizeof distill, .fit = &options};
    if (checkpoint != NULL) {
        options.checkpoint = checkpoint;
        options.checkpoint_steps = s->c->checkpoint_steps;
        options.resume = resume;
    }
    if (s->c->call == CALL_PRETRAIN) {
        pretrain.progress = stop_layer_at;
        pretrain.progress_user = &s->stop;
    } else if (!s->c->pca) {
        options.progress = stop_at;
        options.progress_user = &s->stop;
    }
    switch (s->c->call) {
    case CALL_FIT: return aenc_fit(s->model, &x, &options);
    case CALL_PARTIAL: return train_partial(s, &options, between);
    case CALL_PRETRAIN: return aenc_pretrain(s->model, &x, &pretrain);
    case CALL_DISTILL: return aenc_distill(s->model, s->teacher, &x, &distill);
    case CALL_DETECTOR: {
        aenc_status status = aenc_detector_create(s->world.ctx, &x, &s->c->detector, &s->detector);
        s->model = aenc_detector_model(s->detector);
        return status;
    }
    default: return train_source(s, &options);
    }
}

/* ---- What came out ---- */

static uint64_t hash_history(aenc_model *model) {
    uint64_t hash = 1;
    for (size_t i = 0; i < aenc_model_history_count(model); i++) {
        aenc_progress now = {.struct_size = sizeof now};
        FUZZ_DEMAND(aenc_model_history(model, i, &now) == AENC_OK);
        const double losses[] = {now.train_loss, now.valid_loss, now.learning_rate, now.gradient_norm, now.best_valid_loss};
        hash = hash_bytes(hash, losses, sizeof losses);
        for (size_t t = 0; t < aenc_model_term_count(model); t++) {
            double term = 0;
            FUZZ_DEMAND(aenc_model_history_term(model, i, t, &term) == AENC_OK);
            hash = hash_bytes(hash, &term, sizeof term);
        }
    }
    return hash;
}

struct outcome session_outcome(struct session *s, aenc_status status) {
    const struct configuration *c = s->c;
    struct outcome out = {.status = status};
    const aenc_matrix x = session_x(s), target = {c->wanted, c->rows, c->target, 0};
    if (s->model == NULL) return out;
    size_t most = c->rows * aenc_model_code_size(s->model);
    float *code = calloc(most, sizeof *code), *score = calloc(c->rows, sizeof *score);
    FUZZ_DEMAND(code != NULL && score != NULL);
    out.weights = model_hash(s->model, NULL, NULL);
    out.losses = hash_history(s->model);
    status = aenc_encode(s->model, &x, code, most);
    out.codes = hash_bytes(hash_bytes(1, &status, sizeof status), code, most * sizeof *code);
    status = s->detector != NULL ? aenc_detector_score(s->detector, &x, score, c->rows)
                                 : aenc_score(s->model, &x, c->wanted != NULL ? &target : NULL, score, c->rows);
    out.scores = hash_bytes(hash_bytes(1, &status, sizeof status), score, c->rows * sizeof *score);
    if (s->detector != NULL) {
        double threshold = aenc_detector_threshold(s->detector);
        out.scores = hash_bytes(out.scores, &threshold, sizeof threshold);
    }
    free(code);
    free(score);
    return out;
}
