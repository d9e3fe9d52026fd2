/* fuzz_api_run.c - the calls of target `api` that outlive one call: runners, sources, partial_fit, checkpoints, files. */
#include "fuzz/fuzz_api.h"

#include <unistd.h>

enum { FILE_ROOM = 1 << 15, PATHS = 80 };

/* ---- Runners ---- */

void fuzz_api_runner_end(struct calls *c, unsigned slot) {
    aenc_runner_free(c->runner[slot]);
    free(c->runner_memory[slot]);
    c->runner[slot] = NULL;
    c->runner_memory[slot] = NULL;
}

void fuzz_api_runner_make(struct calls *c) {
    static const int64_t tasks[] = {0, AENC_RUN_ENCODE, AENC_RUN_DECODE, AENC_RUN_RECONSTRUCT, AENC_RUN_SCORE,
                                       AENC_RUN_SCORE_FEATURES, 7};
    static const int64_t rows[] = {0, 1, 2, 3, 8, -1};
    unsigned slot = next(c) % SLOTS, how;
    aenc_model *m = *next_model(c);
    aenc_runner_options options = {.struct_size = sizeof options, .task = tasks[next(c) % 7], .rows = rows[next(c) % 6]};
    size_t bytes = 0;
    fuzz_api_runner_end(c, slot);
    aenc_status status = aenc_runner_size(m, &options, &bytes);
    fuzz_api_told(c, m, status);
    how = next(c);
    if (status == AENC_OK && how % 2 == 1) {
        /* a block of exactly what was asked for, beginning anywhere; or of one byte less */
        unsigned shift = how % 16, missing = (how & 0x80) != 0;
        char *block = malloc(bytes + shift);
        FUZZ_DEMAND(block != NULL && bytes > 0);
        c->runner_memory[slot] = block;
        options.memory = block + shift;
        options.memory_size = bytes - (missing ? (size_t)(1 + next(c) * 16) : 0);
        if (options.memory_size > bytes) options.memory_size = 0;
    }
    status = aenc_runner_create(m, &options, &c->runner[slot]);
    FUZZ_DEMAND((status == AENC_OK) == (c->runner[slot] != NULL));
    FUZZ_DEMAND(status != AENC_OK || aenc_runner_message(c->runner[slot])[0] == '\0');
    fuzz_api_told(c, m, status);
}

/* Its own message, and nothing of the context's memory. */
static aenc_status run(struct calls *c, aenc_runner *runner, const aenc_matrix *x, const aenc_matrix *target, float *out) {
    struct fuzz_memory before = c->world.memory;
    aenc_status status = aenc_runner_run(runner, x, target, out, FLOATS);
    FUZZ_DEMAND(memcmp(&before, &c->world.memory, sizeof before) == 0);
    FUZZ_DEMAND(strcmp(aenc_status_name(status), "unknown status") != 0);
    FUZZ_DEMAND(status != AENC_ERR_INTERNAL && status != AENC_ERR_NO_MEMORY);
    FUZZ_DEMAND(status == AENC_OK || aenc_runner_message(runner)[0] != '\0');
    return status;
}

/* A row's result has the same bits whatever rows go with it. */
void fuzz_api_runner_use(struct calls *c) {
    static float one[FLOATS];
    aenc_runner *runner = c->runner[next(c) % SLOTS];
    unsigned how = next(c);
    aenc_model *like = *next_model(c);
    size_t cols = how % 4 == 1 ? aenc_model_code_size(like) : aenc_model_input_size(like);
    aenc_matrix x = fuzz_api_matrix(c, cols), target = fuzz_api_matrix(c, aenc_model_output_size(like));
    const aenc_matrix *beside = (how & 0x20) != 0 ? &target : NULL;
    if ((how & 0x40) != 0) target.rows = x.rows;
    for (int i = 0; i < FLOATS; i++) c->out[i] = one[i] = -77.0f;
    if (run(c, runner, &x, beside, c->out) != AENC_OK) return;
    size_t width = 0;
    for (size_t r = 0; r < x.rows; r++) {
        aenc_matrix x1 = {x.data + r * (x.stride == 0 ? x.cols : x.stride), 1, x.cols, x.stride}, t1 = target;
        if (beside != NULL) t1.data += r * (target.stride == 0 ? target.cols : target.stride);
        t1.rows = 1;
        FUZZ_DEMAND(run(c, runner, &x1, beside == NULL ? NULL : &t1, one) == AENC_OK);
        if (r == 0) /* how wide a result is shows in what was written */
            for (width = FLOATS; width > 0 && one[width - 1] == -77.0f; width--) continue;
        FUZZ_DEMAND(width * x.rows <= FLOATS);
        FUZZ_DEMAND(c->mixed || memcmp(one, c->out + r * width, width * sizeof *one) == 0);
    }
}

/* A runner keeps the weights that it was made with until it is told. */
void fuzz_api_runner_refresh(struct calls *c) {
    static float before[FLOATS];
    aenc_runner *runner = c->runner[next(c) % SLOTS];
    aenc_model *m = *next_model(c);
    aenc_matrix x = fuzz_api_matrix(c, next(c) % 2 == 0 ? aenc_model_input_size(m) : aenc_model_code_size(m));
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 1, .batch = 2, .optimizer = "sgd:lr=0.1"};
    aenc_status status = run(c, runner, &x, NULL, c->out);
    memcpy(before, c->out, sizeof before);
    fuzz_api_told(c, m, next(c) % 2 == 0 ? aenc_fit(m, &x, &options) : aenc_partial_fit(m, &x, &options));
    FUZZ_DEMAND(run(c, runner, &x, NULL, c->out) == status);
    FUZZ_DEMAND(memcmp(before, c->out, sizeof before) == 0);
    FUZZ_DEMAND((aenc_runner_refresh(runner) == AENC_OK) == (runner != NULL));
    (void)run(c, runner, &x, NULL, c->out);
}

/* ---- Sources ---- */

/* how: 0x07 what goes wrong and where, 0x08 weights, 0x40 nothing is known of the number of rows. */
static int feed_read(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    struct feed *feed = user;
    FUZZ_DEMAND(feed->held && rows > 0 && input != NULL && weight != NULL && (target != NULL) == (feed->target_cols > 0));
    for (size_t i = 0; i < rows; i++) FUZZ_DEMAND(weight[i] == 1.0f);
    if ((feed->how & 0x07) == 4 && feed->at >= 3) return 5;
    size_t count = rows;
    if (feed->rows > 0 && count > feed->rows - feed->at) count = (size_t)(feed->rows - feed->at);
    if ((feed->how & 0x07) == 3 && count > 1) count = 1; /* in small portions */
    for (size_t i = 0; i < count * feed->cols; i++) input[i] = (float)((feed->at * feed->cols + i) % 11) / 11.0f;
    for (size_t i = 0; i < count * feed->target_cols; i++) target[i] = (float)(i % 5) / 5.0f;
    if ((feed->how & 0x08) != 0)
        for (size_t i = 0; i < count; i++) weight[i] = (float)((feed->at + i) % 3);
    if ((feed->how & 0x07) == 6 && feed->at >= 2 && count > 0) input[0] = NAN;
    if ((feed->how & 0x07) == 7 && feed->at >= 2 && count > 0) weight[0] = feed->at % 2 == 0 ? -1.0f : INFINITY;
    feed->at += count;
    *got = (feed->how & 0x07) == 5 && feed->at >= 4 ? rows + 1 : count;
    return 0;
}

static int feed_seek(void *user, uint64_t position) {
    struct feed *feed = user;
    FUZZ_DEMAND(feed->held && (feed->rows == 0 || position <= feed->rows));
    feed->at = position;
    return (feed->how & 0x0F) == 0x0C && position > 0 ? 9 : 0;
}

static void feed_release(void *user) {
    struct feed *feed = user;
    FUZZ_DEMAND(feed->held);
    feed->held = false;
}

/* A PCA, which has no steps to stop at. */
static bool closed_form(const aenc_model *m) {
    return m != NULL && strstr(aenc_model_description(m), "\"pca\"") != NULL;
}

bool fuzz_api_endless(const struct calls *c, const aenc_source *source) {
    for (unsigned i = 0; i < SLOTS; i++)
        if (source != NULL && c->source[i] == source) return c->feed[i].held && c->feed[i].rows == 0;
    return false;
}

void fuzz_api_source_end(struct calls *c, unsigned slot) {
    aenc_source_free(c->source[slot]);
    c->source[slot] = NULL;
    FUZZ_DEMAND(!c->feed[slot].held);
}

static void callback_make(struct calls *c, unsigned slot, size_t cols) {
    struct feed *feed = &c->feed[slot];
    unsigned how = next(c);
    *feed = (struct feed){.cols = cols, .target_cols = next(c) % 4 == 0 ? cols : 0, .how = how};
    feed->rows = next(c) % 12;
    aenc_source_callbacks calls = {.struct_size = sizeof calls, .cols = cols, .target_cols = feed->target_cols,
                                   .rows = (how & 0x40) != 0 ? 0 : feed->rows, .read = feed_read,
                                   .seek = (how & 0x20) != 0 ? NULL : feed_seek, .release = feed_release, .user = feed,
                                   .read_ahead = (how & 0x10) != 0};
    if ((how & 0x80) != 0) calls.rows += next(c) % 3; /* states more than there are */
    feed->held = true;
    fuzz_made(&c->world, aenc_source_callback(c->world.ctx, &calls, &c->source[slot]), c->source[slot]);
    if (c->source[slot] == NULL) feed->held = false;
}

/* A file of floats, mostly whole. */
static void npy_make(struct calls *c, unsigned slot, size_t cols) {
    unsigned char bytes[128 + 16 * 16 * sizeof(float)] = "\x93NUMPY\x01\x00\x76";
    char path[PATHS];
    size_t rows = 1 + next(c) % 15, size = 128 + rows * cols * sizeof(float);
    memset(bytes + 10, ' ', 118);
    snprintf((char *)bytes + 10, 100, "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", rows, cols);
    *strchr((char *)bytes + 10, '\0') = ' ';
    bytes[127] = '\n';
    memcpy(bytes + 128, c->data, rows * cols * sizeof(float));
    if (next(c) > 0xC0) bytes[next(c) % size] ^= (unsigned char)(1u << next(c) % 8);
    if (next(c) > 0xE0) size = next(c) % size;
    snprintf(path, sizeof path, "%s.%u.npy", c->path, slot);
    FILE *file = fopen(path, "wb");
    FUZZ_DEMAND(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
    fuzz_made(&c->world, aenc_source_npy(c->world.ctx, path, &c->source[slot]), c->source[slot]);
    unlink(path); /* what is mapped stays */
}

void fuzz_api_source_make(struct calls *c) {
    unsigned slot = next(c) % SLOTS, how = next(c);
    size_t cols = aenc_model_input_size(*next_model(c));
    fuzz_api_source_end(c, slot);
    if (how % 16 == 15) cols = how / 16;
    if (cols > 16) cols = 16;
    if (how % 3 == 0) {
        callback_make(c, slot, cols);
    } else if (how % 3 == 1 && cols > 0) {
        npy_make(c, slot, cols);
    } else {
        aenc_matrix x = fuzz_api_matrix(c, cols);
        fuzz_made(&c->world, aenc_source_matrix(c->world.ctx, &x, &c->source[slot]), c->source[slot]);
    }
    aenc_source *source = c->source[slot];
    FUZZ_DEMAND(source == NULL ? aenc_source_cols(source) == 0 && aenc_source_rows(source) == 0 : aenc_source_cols(source) > 0);
}

/* ---- Training ---- */

/* What every kind of fit has in common. */
static aenc_fit_options fit_options(struct calls *c, struct fuzz_api_stop *stop) {
    unsigned how = next(c);
    *stop = (struct fuzz_api_stop){next(c) % 48};
    aenc_fit_options options = {.struct_size = sizeof options, .epochs = 1 + how % 3, .batch = (how >> 2) % 4};
    if ((how & 0x10) != 0) options.progress = fuzz_api_progress, options.progress_user = stop;
    if ((how & 0x20) != 0) options.optimizer = fuzz_api_spec(c);
    if ((how & 0x40) != 0) options.schedule = fuzz_api_spec(c);
    if ((how & 0x80) != 0) options.clip_norm = 0.5;
    return options;
}

static void checkpoint_options(struct calls *c, aenc_fit_options *options) {
    static const int64_t resume[] = {AENC_RESUME_IF_THERE, AENC_RESUME_REQUIRED, AENC_RESUME_NEVER, AENC_RESUME_IF_THERE};
    unsigned how = next(c);
    options->checkpoint = c->path;
    options->resume = resume[how % 4];
    options->checkpoint_steps = (how >> 2) % 4;
    if ((how & 0x10) != 0) options->checkpoint_seconds = 1e-9;
}

void fuzz_api_source_fit(struct calls *c) {
    aenc_model *m = *next_model(c);
    aenc_source *source = c->source[next(c) % SLOTS];
    struct fuzz_api_stop stop;
    aenc_fit_options options = fit_options(c, &stop);
    aenc_matrix x = fuzz_api_matrix(c, aenc_model_input_size(m)), target = fuzz_api_matrix(c, aenc_model_output_size(m));
    unsigned how = next(c);
    options.steps_per_epoch = how % 5;
    if ((how & 0x10) != 0) options.valid = &x, options.patience = 1;
    if ((how & 0x20) != 0) options.validation_fraction = 0.3;
    if ((how & 0x40) != 0) options.target = &target;
    if ((how & 0x80) != 0) checkpoint_options(c, &options);
    unsigned cancel = next(c);
    aenc_source *valid = c->source[(cancel >> 2) % SLOTS];
    if ((cancel & 0x43) == 0x41 && !fuzz_api_endless(c, valid)) options.valid_source = valid;
    if (cancel > 0xF0) aenc_model_cancel(m);
    if (cancel == 0xF0) aenc_context_cancel(c->world.ctx);
    FUZZ_DEMAND(aenc_model_stopped(m) >= 0 && aenc_model_stopped(m) <= AENC_STOPPED_SOURCE);
    if (closed_form(m) && fuzz_api_endless(c, source)) {
        aenc_context_clear_cancel(c->world.ctx);
        return;
    }
    fuzz_api_told(c, m, aenc_fit_source(m, source, &options));
    FUZZ_DEMAND(aenc_context_clear_cancel(c->world.ctx) == (cancel == 0xF0));
}

void fuzz_api_partial_fit(struct calls *c) {
    aenc_model *m = *next_model(c);
    struct fuzz_api_stop stop;
    aenc_fit_options options = fit_options(c, &stop);
    aenc_matrix x = fuzz_api_matrix(c, aenc_model_input_size(m)), target = fuzz_api_matrix(c, aenc_model_output_size(m));
    unsigned how = next(c);
    if ((how & 0x03) != 0) options.epochs = 0;
    if ((how & 0x0C) != 0) options.schedule = NULL;
    if ((how & 0x10) != 0) options.target = &target;
    if ((how & 0x20) != 0) aenc_model_forget_optimizer(m);
    if ((how & 0xC0) == 0xC0) aenc_model_cancel(m);
    size_t epochs = aenc_model_history_count(m);
    fuzz_api_told(c, m, aenc_partial_fit(m, &x, &options));
    FUZZ_DEMAND(aenc_model_history_count(m) == epochs && aenc_model_notice(m) != NULL);
}

/* A file that is there, cut off or with one bit turned. */
static void file_damage(struct calls *c) {
    static unsigned char bytes[FILE_ROOM];
    FILE *file = fopen(c->path, "rb");
    if (file == NULL) return;
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    if (size == 0) return;
    size_t at = (next(c) << 8 | next(c)) % size;
    if (next(c) % 2 == 0) size = at;
    else bytes[at] ^= (unsigned char)(1u << next(c) % 8);
    file = fopen(c->path, "wb");
    FUZZ_DEMAND(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

/* What is refused leaves the model as it was. */
void fuzz_api_checkpoint_fit(struct calls *c) {
    static unsigned char again[FILE_ROOM];
    aenc_model *m = *next_model(c);
    struct fuzz_api_stop stop;
    aenc_fit_options options = fit_options(c, &stop);
    aenc_matrix x = fuzz_api_matrix(c, aenc_model_input_size(m));
    checkpoint_options(c, &options);
    unsigned how = next(c);
    if ((how & 0x10) != 0) options.validation_fraction = 0.4, options.patience = 2;
    if ((how & 0xC0) == 0xC0) file_damage(c);
    size_t size = 0, again_size = 0;
    aenc_status saved = aenc_model_save_memory(m, c->file, sizeof c->file, &size);
    fuzz_api_told(c, m, saved);
    aenc_status status = aenc_fit(m, &x, &options);
    fuzz_api_told(c, m, status);
    bool refused = status != AENC_OK && status != AENC_ERR_DIVERGED && status != AENC_ERR_NO_MEMORY;
    if (saved != AENC_OK || !refused) return;
    saved = aenc_model_save_memory(m, again, sizeof again, &again_size);
    fuzz_api_told(c, m, saved);
    FUZZ_DEMAND(saved != AENC_OK || (size == again_size && memcmp(c->file, again, size) == 0));
}

struct trained {
    aenc_status status;
    size_t size;
    unsigned char bytes[FILE_ROOM];
};

/* The model in c->file, trained in a context of its own. */
static void train(struct calls *c, size_t size, int64_t threads, const aenc_matrix *x, const aenc_fit_options *options,
                  struct trained *out) {
    struct fuzz_world world;
    aenc_model *m = NULL;
    fuzz_world_open(&world, c->control, (size_t)8 << 20, threads);
    out->status = aenc_model_load_memory(world.ctx, c->file, size, &m);
    if (fuzz_made(&world, out->status, m)) {
        out->status = aenc_fit(m, x, options);
        fuzz_good(&world, out->status);
        FUZZ_DEMAND(aenc_model_notice(m)[0] == '\0');
    }
    if (out->status == AENC_OK) {
        out->status = aenc_model_save_memory(m, out->bytes, sizeof out->bytes, &out->size);
        fuzz_good(&world, out->status);
    }
    aenc_model_free(m);
    fuzz_world_close(&world);
}

/* A run that is stopped and resumed, each part on another number of threads, ends with the bits of one that was not. */
void fuzz_api_endure(struct calls *c) {
    static struct trained whole, part;
    static const int64_t threads[] = {1, 2, 3, 1};
    aenc_model *m = *next_model(c);
    struct fuzz_api_stop stop;
    aenc_fit_options options = fit_options(c, &stop);
    aenc_matrix x = fuzz_api_matrix(c, aenc_model_input_size(m));
    unsigned how = next(c);
    size_t size = 0;
    if ((how & 0x10) != 0) options.validation_fraction = 0.4, options.patience = 1 + how % 2;
    options.progress = NULL;
    aenc_status saved = aenc_model_save_memory(m, c->file, sizeof c->file, &size);
    fuzz_api_told(c, m, saved);
    if (saved != AENC_OK || closed_form(m)) return;
    train(c, size, threads[how % 4], &x, &options, &whole);
    unlink(c->path);
    options.checkpoint = c->path;
    options.checkpoint_steps = (how >> 2) % 4;
    options.resume = AENC_RESUME_IF_THERE;
    options.progress_user = &stop;
    for (unsigned i = 1; i < 4; i++) {
        options.progress = i < 3 ? fuzz_api_progress : NULL;
        train(c, size, threads[(how + i) % 4], &x, &options, &part);
        if (part.status != AENC_OK) break;
        stop.after += 10;
    }
    if (whole.status == AENC_ERR_NO_MEMORY || part.status == AENC_ERR_NO_MEMORY) return;
    FUZZ_DEMAND(whole.status == part.status);
    if (whole.status != AENC_OK) return;
    FUZZ_DEMAND(whole.size == part.size && memcmp(whole.bytes, part.bytes, whole.size) == 0);
}

/* ---- Files ---- */

/* Takes as many bytes as are left. */
static int left_write(void *user, const void *data, size_t size) {
    size_t *left = user;
    FUZZ_DEMAND(data != NULL && size > 0 && size <= 16384);
    if (size >= *left) return *left % 3 == 0 ? 1 : -1;
    *left -= size;
    return 0;
}

void fuzz_api_file(struct calls *c) {
    aenc_model *m = *next_model(c), **slot = next_model(c), *loaded = NULL;
    unsigned how = next(c);
    if ((how & 1) != 0) fuzz_api_told(c, m, aenc_model_save(m, c->path));
    if ((how & 8) != 0) {
        size_t left = how / 16 * 1000;
        aenc_status status = aenc_model_write(m, left_write, &left);
        fuzz_api_told(c, m, status);
        FUZZ_DEMAND(status != AENC_OK || left > 0);
    }
    if ((how & 2) != 0) file_damage(c);
    if ((how & 4) == 0) return;
    fuzz_made(&c->world, aenc_model_load(c->world.ctx, c->path, &loaded), loaded);
    if (loaded == NULL) return;
    aenc_model_free(*slot);
    *slot = loaded;
}

void fuzz_api_clean(struct calls *c) {
    char layer[sizeof c->path + 16];
    unlink(c->path);
    for (int k = 1; k <= 4; k++) {
        snprintf(layer, sizeof layer, "%s.layer-%d", c->path, k);
        unlink(layer);
    }
}
