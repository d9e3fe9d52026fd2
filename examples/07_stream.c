/* 07_stream.c - an endless stream trains a model; the run is stopped in the middle, and another goes on from its
 * checkpoint as if nothing had happened. */
#include <autoenc/autoenc.h>
#include <math.h>
#include <stdio.h>

enum { COLS = 16, CODE = 2 };

static const char checkpoint[] = "07_stream.checkpoint";

/* Waves of every phase and two frequencies: row r is a function of r, so that the stream can begin anywhere. */
struct waves {
    uint64_t row;
};

static int read_waves(void *user, float *input, float *target, float *weight, size_t rows, size_t *got) {
    struct waves *waves = user;
    (void)target; /* the input */
    (void)weight; /* all 1 */
    for (size_t r = 0; r < rows; r++, waves->row++) {
        double phase = 0.618 * (double)(waves->row % 10007), frequency = waves->row % 2 == 0 ? 0.2 : 0.4;
        for (int c = 0; c < COLS; c++) *input++ = (float)sin(phase + frequency * c);
    }
    *got = rows;
    return 0;
}

static int seek_waves(void *user, uint64_t position) {
    ((struct waves *)user)->row = position;
    return 0;
}

/* Prints the epochs; asks for a stop in the middle of the third, once. */
static int progress(void *user, const aenc_progress *now) {
    int *stop = user;
    if (now->event == AENC_EVENT_EPOCH)
        (void)printf("epoch %d of %d steps: loss %.4f\n", (int)now->epoch, (int)now->step, now->train_loss);
    return *stop && now->epoch == 3 && now->step == 20;
}

/* A process of its own, as it were: it knows of the other only by the file. */
static int run(int stop) {
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    aenc_source *source = NULL;
    struct waves waves = {0};
    aenc_model_options options = {.struct_size = sizeof options};
    options.input = (const size_t[]){COLS};
    options.input_rank = 1;
    options.encoder_widths = (const size_t[]){32, CODE};
    options.encoder_count = 2;
    options.activation = "tanh";
    aenc_source_callbacks callbacks = {.struct_size = sizeof callbacks, .cols = COLS, .read_ahead = 1};
    callbacks.read = read_waves;
    callbacks.seek = seek_waves;
    callbacks.user = &waves;
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 5, .batch = 64, .steps_per_epoch = 50};
    fit.schedule = "cosine";
    fit.checkpoint = checkpoint;
    fit.resume = AENC_RESUME_IF_THERE;
    fit.progress = progress;
    fit.progress_user = &stop;
    if (aenc_context_create(NULL, &ctx) != AENC_OK) return 1;
    aenc_status status = aenc_model_create(ctx, &options, &model);
    if (status == AENC_OK) status = aenc_source_callback(ctx, &callbacks, &source);
    if (status == AENC_OK) status = aenc_fit_source(model, source, &fit);
    if (status != AENC_OK) (void)fprintf(stderr, "%s\n", aenc_message(ctx));
    aenc_source_free(source);
    aenc_model_free(model);
    aenc_context_free(ctx);
    return status == AENC_OK ? 0 : 1;
}

int main(void) {
    (void)remove(checkpoint);
    (void)printf("stopped on its way:\n");
    int failed = run(1);
    (void)printf("and on from there:\n");
    failed += run(0);
    (void)remove(checkpoint);
    return failed;
}
