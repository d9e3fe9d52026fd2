/* fuzz_checkpoint.c - checkpoints whose sum is right and whose contents are not.
 *
 * Each kind of run writes its checkpoint once. An input is a list of edits of that file; the sum is set right behind them, so
 * that every edit reaches the reader. Either the file is refused and the model is as it was, or the run goes on to its end,
 * and then the model can be saved and loaded. So the corpus does not depend on the format. */
#include <math.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "io/bytes.h"
#include "train/fit.h"

enum { KINDS = 4, ROWS = 24, COLS = 5, ROOM = 1 << 16 };

static const char *const descriptions[KINDS] = {
    ("{\"input\":[5],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":4},{\"type\":\"batch_norm\"},"
     "{\"type\":\"relu\"},{\"type\":\"dense\",\"units\":2}]}}"),
    "{\"input\":[5],\"encoder\":{\"type\":\"dense\",\"units\":3},\"penalties\":[\"l1:weight=1e-3\",\"l2_weights:weight=1e-3\"]}",
    "{\"input\":[5],\"encoder\":{\"type\":\"dense\",\"units\":2},\"scaling\":\"standard\"}",
    "{\"input\":[5],\"encoder\":{\"type\":\"dense\",\"units\":2}}"};
static const char *const optimizers[KINDS] = {"adam", "rmsprop:centered=true,momentum=0.5", "momentum:lr=0.01", "sgd:lr=0.01"};
static const char *const schedules[KINDS] = {"cosine:warmup=0.1", "plateau:patience=0", "step:every=1", "warmup:steps=9"};

struct honest {
    unsigned char bytes[ROOM];
    size_t size;
};
static struct honest honest[KINDS];
static float data[ROWS * COLS];
static char path[64];

/* ---- The run ---- */

struct run_of {
    int kind;
    uint64_t at;        /* of the source */
    int64_t stop_after; /* steps; 0: never */
};

static int progress(void *user, const aenc_progress *now) {
    struct run_of *run = user;
    if (now->event != AENC_EVENT_STEP || run->stop_after == 0) return 0;
    return --run->stop_after == 0;
}

static int source_read(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    struct run_of *run = user;
    (void)target, (void)weight;
    *got = run->at >= ROWS ? 0 : rows < ROWS - run->at ? rows : (size_t)(ROWS - run->at);
    if (*got > 0) memcpy(input, data + run->at * COLS, *got * COLS * sizeof *input);
    run->at += *got;
    return 0;
}

/* A place that the rows do not have never comes here. */
static int source_seek(void *user, uint64_t position) {
    struct run_of *run = user;
    FUZZ_DEMAND(position <= ROWS);
    run->at = position;
    return 0;
}

static aenc_status train(aenc_context *ctx, aenc_model *model, struct run_of *run, int64_t resume) {
    const aenc_matrix x = {data, ROWS, COLS, 0};
    const aenc_fit_options o = {.struct_size = sizeof o, .optimizer = optimizers[run->kind],
                                .schedule = schedules[run->kind], .epochs = 4, .batch = 7,
                                .validation_fraction = run->kind == 0 || run->kind == 1 ? 0.3 : 0,
                                .patience = run->kind == 0 ? 2 : 0, .checkpoint = path, .checkpoint_steps = 1000,
                                .resume = resume, .progress = progress, .progress_user = run};
    if (run->kind != 3) return aenc_fit(model, &x, &o);
    const aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = COLS, .rows = ROWS, .read = source_read,
                                             .seek = source_seek, .user = run};
    aenc_source *source;
    aenc_status status = aenc_source_callback(ctx, &callbacks, &source);
    if (status != AENC_OK) return status;
    status = aenc_fit_source(model, source, &o);
    aenc_source_free(source);
    return status;
}

static void file_put(const unsigned char *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    FUZZ_DEMAND(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

static void honest_make(int kind) {
    aenc_context *ctx;
    aenc_model *model;
    struct run_of run = {kind, 0, 6};
    const aenc_context_options o = {.struct_size = sizeof o, .seed = 1};
    FUZZ_DEMAND(aenc_context_create(&o, &ctx) == AENC_OK);
    FUZZ_DEMAND(aenc_model_parse(ctx, descriptions[kind], strlen(descriptions[kind]), &model) == AENC_OK);
    aenc_status status = train(ctx, model, &run, AENC_RESUME_NEVER);
    if (status != AENC_OK) fprintf(stderr, "%s\n", aenc_message(ctx));
    FUZZ_DEMAND(status == AENC_OK);
    FILE *file = fopen(path, "rb");
    FUZZ_DEMAND(file != NULL);
    honest[kind].size = fread(honest[kind].bytes, 1, ROOM, file);
    FUZZ_DEMAND(honest[kind].size > 0 && honest[kind].size < ROOM && fclose(file) == 0);
    aenc_model_free(model);
    aenc_context_free(ctx);
}

/* ---- Edits ---- */

/* What is left of the input. */
struct edits {
    const uint8_t *at;
    size_t left;
};

static unsigned next(struct edits *edits) {
    if (edits->left == 0) return 0;
    edits->left--;
    return *edits->at++;
}

static size_t place_of(struct edits *edits, size_t size) {
    size_t place = next(edits);
    place |= (size_t)next(edits) << 8;
    return size == 0 ? 0 : place % size;
}

static void edit_bytes(struct edits *edits, unsigned char *bytes, size_t size) {
    size_t at = place_of(edits, size), count = 1 + next(edits) % 8;
    for (size_t i = at; i < size && i < at + count; i++) bytes[i] = (unsigned char)next(edits);
}

/* A number of a tensor. */
static void edit_value(struct edits *edits, struct safetensors *file, unsigned char *bytes) {
    static const double values[] = {(double)NAN, (double)INFINITY, -(double)INFINITY, -1, 0, 1, 1e300, -1e300, 1e38, 1e-45,
                                    0.5, 10, 20, 9007199254740992.0, 3, 1e18};
    if (file->tensor_count == 0) return;
    const struct tensor_entry *tensor = &file->tensor[place_of(edits, file->tensor_count)];
    size_t item = tensor->type == TENSOR_F64 ? 8 : 4, at = place_of(edits, (size_t)tensor->size / item);
    double value = values[next(edits) % 16];
    float single = value > 3e38 ? INFINITY : value < -3e38 ? -INFINITY : (float)value;
    if ((at + 1) * item > tensor->size) return;
    aenc_bytes_copy_little(bytes + (tensor->bytes - bytes) + at * item, item == 8 ? (const void *)&value : &single, 1, item);
}

/* What stands behind a name of the run's text. */
static void edit_text(struct edits *edits, unsigned char *bytes, size_t size) {
    static const char end[] = "\\\":";
    size_t wanted = next(edits), seen = 0;
    for (size_t at = 8; at + 16 < size; at++) {
        if (memcmp(bytes + at, end, sizeof end - 1) != 0 || seen++ != wanted) continue;
        at += sizeof end - 1;
        if (bytes[at] == '\\') at += 2;
        size_t count = 1 + next(edits) % 6;
        for (size_t i = 0; i < count; i++) bytes[at + i] = (unsigned char)next(edits);
        return;
    }
}

static bool file_open(aenc_context *ctx, const unsigned char *bytes, size_t size, struct safetensors *out) {
    return aenc_safetensors_read(ctx, bytes, size, "the edited file", out) == AENC_OK;
}

static void sum_set(aenc_context *ctx, unsigned char *bytes, size_t size) {
    static const char key[] = CHECKPOINT_SUM_KEY "\":\"";
    struct safetensors file;
    char digits[17];
    if (!file_open(ctx, bytes, size, &file)) return;
    const char *description = aenc_safetensors_metadata(&file, MODEL_KEY), *run = aenc_safetensors_metadata(&file, CHECKPOINT_KEY);
    if (description != NULL && run != NULL) {
        struct checkpoint_sum sum = aenc_checkpoint_sum_begin(description, run);
        for (size_t i = 0; i < file.tensor_count; i++) {
            const struct tensor_entry *t = &file.tensor[i];
            const struct file_piece values = {t->bytes, (size_t)t->size, 1};
            aenc_checkpoint_sum_tensor(&sum, t->name, t->type, t->rank, t->dim, &values);
        }
        snprintf(digits, sizeof digits, "%016llx", (unsigned long long)sum.value);
        for (size_t at = 8; at + sizeof key + 16 < size; at++)
            if (memcmp(bytes + at, key, sizeof key - 1) == 0) memcpy(bytes + at + sizeof key - 1, digits, 16);
    }
    aenc_safetensors_free(&file);
}

static void edit_all(struct edits *edits, unsigned char *bytes, size_t size) {
    aenc_context *ctx;
    struct safetensors file;
    FUZZ_DEMAND(aenc_context_create(NULL, &ctx) == AENC_OK);
    while (edits->left > 0) {
        unsigned kind = next(edits) % 4;
        if (kind == 0) edit_bytes(edits, bytes, size);
        else if (kind == 1) edit_text(edits, bytes, size);
        else if (file_open(ctx, bytes, size, &file)) {
            edit_value(edits, &file, bytes);
            aenc_safetensors_free(&file);
        }
    }
    sum_set(ctx, bytes, size);
    aenc_context_free(ctx);
}

/* ---- One input ---- */

static size_t model_bytes(aenc_model *model, unsigned char *bytes) {
    size_t size = 0;
    return aenc_model_save_memory(model, bytes, ROOM, &size) == AENC_OK ? size : 0;
}

static void resume(struct fuzz_world *world, aenc_model *model, int kind) {
    static unsigned char before[ROOM], after[ROOM];
    struct run_of run = {kind, 0, 0};
    uint64_t refusing = world->memory.state;
    world->memory.state = 0;
    size_t size = model_bytes(model, before);
    world->memory.state = refusing;
    aenc_status status = train(world->ctx, model, &run, AENC_RESUME_REQUIRED);
    (void)fuzz_good(world, status);
    world->memory.state = 0;
    bool same = model_bytes(model, after) == size && memcmp(before, after, size) == 0;
    bool late = status == AENC_ERR_DIVERGED || status == AENC_ERR_NO_MEMORY; /* perhaps behind a step */
    FUZZ_DEMAND(status == AENC_OK || late || same);
    if (status == AENC_OK) fuzz_model_round_trip(world, model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data_in, size_t size) {
    static unsigned char edited[ROOM];
    struct fuzz_input input = fuzz_input_open(data_in, size);
    struct fuzz_world world;
    int kind = input.control % KINDS;
    aenc_model *model = NULL;
    if (path[0] == '\0') {
        snprintf(path, sizeof path, "%s/aenc_fuzz_checkpoint.%ld", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
                 (long)getpid());
        for (size_t i = 0; i < ROWS * COLS; i++) data[i] = (float)((i * 31) % 101) / 101.0f;
    }
    if (honest[kind].size == 0) honest_make(kind);
    memcpy(edited, honest[kind].bytes, honest[kind].size);
    struct edits edits = {input.bytes, input.size};
    edit_all(&edits, edited, honest[kind].size);
    file_put(edited, honest[kind].size);
    fuzz_world_open(&world, 0, (size_t)8 << 20, 1);
    FUZZ_DEMAND(aenc_model_parse(world.ctx, descriptions[kind], strlen(descriptions[kind]), &model) == AENC_OK);
    world.memory.state = fuzz_seed(input.control);
    resume(&world, model, kind);
    aenc_model_free(model);
    fuzz_world_close(&world);
    fuzz_input_close(&input);
    unlink(path);
    return 0;
}
