/* growth_test.c - what loading and use take grows no faster than the file: files of one kind, ten times as large, may take twelve
 * times the memory, counted by the caller's allocator, and not many times more time, on a thread with a stack of 128 kB. */
#include <pthread.h>
#include <time.h>

#include "api/memory.h"
#include "io/bytes.h"

enum { STACK = 128 * 1024, TEXT = 1 << 21, ALLOWED = 12 };

/* ---- What is counted ---- */

struct peak {
    struct memory memory;
    size_t most;
};

static void *peak_allocate(void *user, size_t size, size_t alignment) {
    struct peak *peak = user;
    void *block = memory_allocate(&peak->memory, size, alignment);
    if (peak->memory.bytes > peak->most) peak->most = peak->memory.bytes;
    return block;
}

static void peak_release(void *user, void *block, size_t size, size_t alignment) {
    memory_release(&((struct peak *)user)->memory, block, size, alignment);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- Descriptions, which grow with n ---- */

struct text {
    char *at;
    size_t used;
};

static void add(struct text *t, const char *words) {
    size_t length = strlen(words);
    memcpy(t->at + t->used, words, length + 1);
    t->used += length;
}

/* {"input":[2],"encoder": sequential of n layers and what stands behind, and the rest. */
static void describe(struct text *t, int n, const char *first, const char *layer, const char *rest) {
    t->used = 0;
    add(t, "{\"input\":[2],\"encoder\":{\"type\":\"sequential\",\"layers\":[");
    add(t, first);
    for (int i = 0; i < n; i++) add(t, ","), add(t, layer);
    add(t, "]},\"decoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":2}]}");
    add(t, rest);
    add(t, "}");
}

#define DENSE "{\"type\":\"dense\",\"units\":2}"
static const struct kind {
    const char *name, *layer, *rest;
    int layers; /* of the smaller one */
} kinds[] = {
    {"a chain of views", "{\"type\":\"flatten\"}", ",\"penalties\":[{\"type\":\"contractive\",\"weight\":0.1}]", 2000},
    {"a chain of views below a probability", "{\"type\":\"flatten\"}", ",\"loss\":\"bce\",\"output\":\"sigmoid\"", 2000},
    {"a chain of dense layers", DENSE, ",\"penalties\":[{\"type\":\"contractive\",\"weight\":0.1}]", 300},
    {"a weight with many uses", "{\"type\":\"dense\",\"units\":2,\"tied\":\"encoder.0\"}", "", 300},
    {"batches that end levels", "{\"type\":\"batch_norm\"}", "", 150},
};

/* ---- Loading and using ---- */

static const float numbers[8] = {0.1f, 0.4f, 0.3f, 0.2f, 0.5f, 0.9f, 0.6f, 0.2f};

/* A file of a model, loaded, used and trained for a step. */
static void use(aenc_context *ctx, const void *bytes, size_t size) {
    aenc_model *model = NULL;
    float out[8];
    const aenc_matrix x = {numbers, 4, 2, 0};
    const aenc_batch batch = {.struct_size = sizeof batch, .input = x};
    double loss;
    if (CHECK_STATUS(ctx, aenc_model_load_memory(ctx, bytes, size, &model), AENC_OK)) {
        CHECK_STATUS(ctx, aenc_encode(model, &x, out, 8), AENC_OK);
        CHECK_STATUS(ctx, aenc_score(model, &x, NULL, out, 4), AENC_OK);
        CHECK_STATUS(ctx, aenc_model_gradients(model, &batch, &loss), AENC_OK);
    }
    aenc_model_free(model);
}

static void *file_make(aenc_context *ctx, const struct text *text, size_t *size) {
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, text->at, text->used, &model), AENC_OK);
    CHECK_STATUS(ctx, aenc_model_save_memory(model, NULL, 0, size), AENC_OK);
    void *bytes = malloc(*size);
    CHECK_STATUS(ctx, aenc_model_save_memory(model, bytes, *size, size), AENC_OK);
    aenc_model_free(model);
    return bytes;
}

static void grow(const struct kind *kind, struct text *text) {
    size_t size[2], most[2];
    double took[2];
    for (int i = 0; i < 2; i++) {
        struct peak peak = {.most = 0};
        aenc_context_options options = {.struct_size = sizeof options, .allocate = peak_allocate, .release = peak_release,
                                        .allocator_user = &peak};
        aenc_context *ctx = NULL;
        CHECK(aenc_context_create(&options, &ctx) == AENC_OK);
        describe(text, kind->layers * (i == 0 ? 1 : 10), DENSE, kind->layer, kind->rest);
        void *bytes = file_make(ctx, text, &size[i]);
        peak.most = peak.memory.bytes;
        double before = seconds();
        use(ctx, bytes, size[i]);
        took[i] = seconds() - before;
        most[i] = peak.most;
        free(bytes);
        aenc_context_free(ctx);
        memory_check_empty(&peak.memory);
    }
    double times = (double)size[1] / (double)size[0];
    fprintf(stderr, "%s: %zu and %zu bytes; %zu and %zu of memory; %.3f and %.3f s\n", kind->name, size[0], size[1], most[0],
            most[1], took[0], took[1]);
    CHECK((double)most[1] <= 1.2 * times * (double)most[0]);
    /* a quadratic walk would take a hundred times as much, less what the smaller file's time has besides */
    CHECK(took[1] <= 3 * ALLOWED * (took[0] + 0.002));
}

/* ---- Files that ask for more than they are ---- */

/* A header (and nothing behind it) in its own context: what it takes at most, refused or not. */
static size_t header_peak(const char *header, size_t length) {
    struct peak peak = {.most = 0};
    aenc_context_options options = {.struct_size = sizeof options, .allocate = peak_allocate, .release = peak_release,
                                    .allocator_user = &peak};
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    unsigned char *bytes = malloc(length + 8);
    CHECK(bytes != NULL && aenc_context_create(&options, &ctx) == AENC_OK);
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)length >> 8 * i);
    memcpy(bytes + 8, header, length);
    peak.most = peak.memory.bytes;
    size_t before = peak.most;
    CHECK(aenc_model_load_memory(ctx, bytes, length + 8, &model) != AENC_OK && model == NULL);
    free(bytes);
    aenc_context_free(ctx);
    return peak.most - before;
}

static void test_headers(struct text *text) {
    static const char *const descriptions[] = {
        "{\\\"input\\\":[8],\\\"encoder\\\":{\\\"type\\\":\\\"dense\\\",\\\"units\\\":20000},\\\"penalties\\\":["
        "\\\"orthogonal:weight=1\\\",\\\"decorrelation:weight=1\\\"]}",
        "{\\\"input\\\":[2000000],\\\"encoder\\\":{\\\"type\\\":\\\"dense\\\",\\\"units\\\":2000000,\\\"init\\\":"
        "\\\"orthogonal\\\"}}",
    };
    for (int i = 0; i < 2; i++) {
        text->used = 0;
        add(text, "{\"__metadata__\":{\"autoenc\":\""), add(text, descriptions[i]), add(text, "\"}}");
        CHECK(header_peak(text->at, text->used) < 200000);
    }
    text->used = 0;
    add(text, "{\"a\":[1");
    while (text->used < 400000) add(text, ",1,1,1,1,1,1,1,1");
    add(text, "]}");
    CHECK(header_peak(text->at, text->used) < 100000);
    text->used = 0;
    add(text, "{");
    for (int i = 0; text->used < 400000; i++) {
        char entry[80];
        snprintf(entry, sizeof entry, "%s\"%d\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}", i > 0 ? "," : "", i);
        add(text, entry);
    }
    add(text, "}");
    CHECK(header_peak(text->at, text->used) < 8 * text->used);
}

/* One row of a model with large activations takes the memory of few rows. */
static void test_rows(void) {
    static const char words[] = "{\"input\":[65536,1],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\","
                                "\"units\":4,\"activation\":\"tanh\"},{\"type\":\"dense\",\"units\":1}]},\"decoder\":"
                                "{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":1}]}}";
    enum { IN = 65536, ROW = 4 * IN * (int)sizeof(float) };
    struct peak peak = {.most = 0};
    aenc_context_options options = {.struct_size = sizeof options, .allocate = peak_allocate, .release = peak_release,
                                    .allocator_user = &peak};
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    float *x = calloc(3 * IN, sizeof *x), *out = malloc(3 * IN * sizeof *out), *again = malloc(IN * sizeof *again);
    CHECK(x != NULL && out != NULL && again != NULL && aenc_context_create(&options, &ctx) == AENC_OK);
    for (int i = 0; i < 3 * IN; i++) x[i] = (float)(i % 17) / 17.0f;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, words, strlen(words), &model), AENC_OK);
    aenc_matrix one = {x, 1, IN, 0}, three = {x, 3, IN, 0};
    CHECK_STATUS(ctx, aenc_encode(model, &one, again, IN), AENC_OK);
    CHECK(peak.most < 4 * (size_t)ROW);
    CHECK_STATUS(ctx, aenc_encode(model, &three, out, 3 * IN), AENC_OK);
    CHECK(memcmp(out, again, IN * sizeof *out) == 0);
    CHECK_STATUS(ctx, aenc_encode(model, &one, out, IN), AENC_OK);
    CHECK(memcmp(out, again, IN * sizeof *out) == 0);
    aenc_model_free(model);
    aenc_context_free(ctx);
    memory_check_empty(&peak.memory);
    free(x), free(out), free(again);
}

/* Initial values that a file replaces are not computed: those of an orthogonal start take longer than all the rest. */
static void test_start(void) {
    static const char words[] = "{\"input\":[400],\"encoder\":{\"type\":\"dense\",\"units\":400,\"init\":\"orthogonal\"}}";
    struct memory memory = {0};
    aenc_context *ctx = memory_context(&memory, 1, 1);
    const struct text text = {(char *)words, sizeof words - 1};
    aenc_model *model = NULL;
    size_t size = 0;
    double before = seconds();
    void *bytes = file_make(ctx, &text, &size);
    double made = seconds() - before;
    before = seconds();
    CHECK_STATUS(ctx, aenc_model_load_memory(ctx, bytes, size, &model), AENC_OK);
    CHECK(seconds() - before < made / 2);
    aenc_model_free(model);
    aenc_context_free(ctx);
    free(bytes);
}

static void *on_small_stack(void *user) {
    struct text text = {user, 0};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) grow(&kinds[i], &text);
    test_headers(&text);
    test_rows();
    test_start();
    return NULL;
}

int main(void) {
    pthread_attr_t attributes;
    pthread_t thread;
    char *text = malloc(TEXT);
    CHECK(text != NULL && pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, STACK) == 0);
    if (CHECK(pthread_create(&thread, &attributes, on_small_stack, text) == 0)) pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    free(text);
    return check_finish();
}
