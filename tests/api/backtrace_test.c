/* backtrace_test.c - a stack that is unwound inside a callback, or where the library itself faults, goes through the library
 * to its caller. Crash reports and debuggers without symbols depend on it; it takes unwind tables in every object. */
#define _GNU_SOURCE
#include <autoenc/ops.h>
#include <execinfo.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { ROWS = 32, COLS = 6, CODE = 2, DEPTH = 128 };

/* The frames around main, as main saw them; the first is a place in main. */
static void *outer[DEPTH];
static int outer_count;

/* The callbacks. Each counts the unwindings that came to main and those that did not. */
enum place { ALLOCATE, PROGRESS, FORWARD, BACKWARD, READ, PLACES };
static const char *const place_names[PLACES] = {"allocate", "progress", "forward", "backward", "read"};
static int whole[PLACES], broken[PLACES];

/* The stack here ends as main's did. Main itself is elsewhere by now: its frame may differ. */
static bool reaches_main(void) {
    void *inner[DEPTH];
    int count = backtrace(inner, DEPTH), above = outer_count - 1;
    return count > outer_count && count < DEPTH &&
           memcmp(inner + count - above, outer + 1, (size_t)above * sizeof *inner) == 0;
}

static void look(enum place place) {
    bool reached = reaches_main();
    whole[place] += reached;
    broken[place] += !reached;
}

static void *allocate(void *user, size_t size, size_t alignment) {
    (void)user;
    look(ALLOCATE);
    size_t unit = alignment < 64 ? 64 : alignment;
    return aligned_alloc(unit, (size + unit - 1) / unit * unit);
}

static void release(void *user, void *block, size_t size, size_t alignment) {
    (void)user;
    (void)size;
    (void)alignment;
    free(block);
}

static int progress(void *user, const aenc_progress *now) {
    (void)user;
    (void)now;
    look(PROGRESS);
    return 0;
}

static int halve(void *user, const aenc_operation_call *call) {
    const float *in = call->x[0];
    float *out = call->y;
    const size_t rows = call->rows;
    const size_t in_size = call->x_size[0];
    (void)user;
    look(FORWARD);
    for (size_t i = 0; i < rows * in_size; i++) out[i] = 0.5f * in[i];
    return 0;
}

static int halve_backward(void *user, const aenc_operation_call *call) {
    const float *dy = call->dy;
    float *dx = call->dx;
    const size_t rows = call->rows;
    const size_t in_size = call->x_size[0];
    (void)user;
    look(BACKWARD);
    for (size_t i = 0; i < rows * in_size; i++) dx[i] += 0.5f * dy[i];
    return 0;
}

static aenc_node *half(void *user, aenc_recorder *r, aenc_node *n) {
    (void)user;
    aenc_operation operation = {.struct_size = sizeof operation, .name = "halve", .forward = halve,
                                .backward = halve_backward};
    size_t dims[AENC_RANK_MAX];
    for (size_t i = 0; i < aenc_node_rank(n); i++) dims[i] = aenc_node_dim(n, i);
    return aenc_node_operation(r, &operation, (aenc_node *[]){n}, 1, dims, aenc_node_rank(n));
}

static int read_rows(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    (void)user;
    (void)target;
    (void)weight;
    look(READ);
    for (size_t i = 0; i < rows * COLS; i++) input[i] = (float)(i * 7 % 11) / 11.0f;
    *got = rows;
    return 0;
}

static aenc_layer *make_encoder(aenc_context *ctx) {
    static const char *const specs[] = {"dense:units=2", "half"};
    aenc_layer *encoder = NULL;
    CHECK_STATUS(ctx, aenc_layer_create(ctx, "sequential", &encoder), AENC_OK);
    for (int i = 0; i < 2; i++) {
        aenc_layer *layer = NULL;
        CHECK_STATUS(ctx, aenc_layer_create(ctx, specs[i], &layer), AENC_OK);
        CHECK_STATUS(ctx, aenc_layer_add(encoder, layer), AENC_OK);
        aenc_layer_free(layer);
    }
    return encoder;
}

/* One thread: what other threads run does not come from main. */
static aenc_status make_model(aenc_context **ctx, aenc_model **model) {
    aenc_context_options context = {.struct_size = sizeof context, .threads = 1, .allocate = allocate,
                                    .release = release};
    aenc_plugin plugin = {.struct_size = sizeof plugin, .kind = AENC_PLUGIN_LAYER, .name = "half", .layer = half};
    plugin.mirror_role = AENC_MIRROR_REPEATED;
    size_t input = COLS;
    aenc_model_options options = {.struct_size = sizeof options, .input = &input, .input_rank = 1};
    CHECK(aenc_context_create(&context, ctx) == AENC_OK);
    CHECK_STATUS(*ctx, aenc_register(*ctx, &plugin), AENC_OK);
    aenc_layer *encoder = make_encoder(*ctx);
    options.encoder_layers = encoder;
    aenc_status status = aenc_model_create(*ctx, &options, model);
    aenc_layer_free(encoder);
    return status;
}

static void test_callbacks(aenc_context *ctx, aenc_model *model) {
    aenc_source *source = NULL;
    aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = COLS, .read = read_rows};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 2, .batch = 16, .steps_per_epoch = 3};
    fit.progress = progress;
    CHECK_STATUS(ctx, aenc_source_callback(ctx, &callbacks, &source), AENC_OK);
    CHECK_STATUS(ctx, aenc_fit_source(model, source, &fit), AENC_OK);
    aenc_source_free(source);
    for (int i = 0; i < PLACES; i++) {
        bool good = whole[i] > 0 && broken[i] == 0;
        if (!good) fprintf(stderr, "%s: %d stacks whole, %d broken\n", place_names[i], whole[i], broken[i]);
        CHECK(good);
    }
}

static void on_fault(int signal_number) {
    (void)signal_number;
    _exit(reaches_main() ? 0 : 1);
}

/* A fault of the library itself, in a child: rows that cannot be read. */
static void test_fault(aenc_model *model) {
    void *nothing = mmap(NULL, ROWS * COLS * sizeof(float), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!CHECK(nothing != MAP_FAILED)) return;
    pid_t child = fork();
    if (child == 0) {
        float code[ROWS * CODE];
        aenc_matrix x = {.data = nothing, .rows = ROWS, .cols = COLS};
        struct sigaction action = {.sa_handler = on_fault};
        (void)sigaction(SIGSEGV, &action, NULL);
        (void)sigaction(SIGBUS, &action, NULL);
        (void)aenc_encode(model, &x, code, ROWS * CODE);
        _exit(2);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    (void)munmap(nothing, ROWS * COLS * sizeof(float));
}

int main(void) {
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    outer_count = backtrace(outer, DEPTH);
    if (CHECK(outer_count >= 2 && outer_count < DEPTH) && CHECK_STATUS(ctx, make_model(&ctx, &model), AENC_OK)) {
        test_callbacks(ctx, model);
        test_fault(model);
    }
    aenc_model_free(model);
    aenc_context_free(ctx);
    return check_finish();
}
