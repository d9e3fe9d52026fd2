/* 06_runner.c - four threads score rows with one model, each with a runner of its own. The runners live in a static
 * array: once they are there, scoring allocates nothing, takes no lock and calls the system for nothing. */
#include <autoenc/autoenc.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>

enum { ROWS = 2000, COLS = 12, THREADS = 4, SHARE = ROWS / THREADS, ROOM = 1 << 17 };

static float data[ROWS * COLS], score[ROWS];
static unsigned char room[THREADS][ROOM];

/* One thread's part of the rows. */
struct part {
    aenc_runner *runner;
    size_t first;
    aenc_status status;
};

/* Waves; in every hundredth row, one reading is stuck. */
static void make_data(void) {
    for (int i = 0; i < ROWS * COLS; i++) data[i] = (float)sin(0.11 * (i / COLS) + 0.5 * (i % COLS));
    for (int r = 50; r < ROWS; r += 100) data[r * COLS + r % COLS] = 3;
}

static aenc_status train(aenc_context *ctx, aenc_model **model) {
    aenc_matrix x = {.data = data, .rows = ROWS, .cols = COLS};
    aenc_model_options options = {.struct_size = sizeof options};
    options.input = (const size_t[]){COLS};
    options.input_rank = 1;
    options.encoder_widths = (const size_t[]){16, 2};
    options.encoder_count = 2;
    options.activation = "tanh";
    aenc_status status = aenc_model_create(ctx, &options, model);
    return status == AENC_OK ? aenc_fit(*model, &x, NULL) : status;
}

/* One row at a time, as a stream of readings would come. */
static void *score_part(void *argument) {
    struct part *part = argument;
    for (size_t r = part->first; r < part->first + SHARE && part->status == AENC_OK; r++) {
        aenc_matrix row = {.data = data + r * COLS, .rows = 1, .cols = COLS};
        part->status = aenc_runner_run(part->runner, &row, NULL, &score[r], 1);
    }
    return NULL;
}

/* The runners belong to the model's thread; only running them belongs to the others. */
static aenc_status score_all(aenc_model *model, struct part *part) {
    pthread_t thread[THREADS];
    int started = 0;
    aenc_status status = AENC_OK;
    for (size_t i = 0; i < THREADS && status == AENC_OK; i++) {
        aenc_runner_options options = {.struct_size = sizeof options, .task = AENC_RUN_SCORE};
        size_t bytes;
        status = aenc_runner_size(model, &options, &bytes);
        if (status == AENC_OK && i == 0) (void)printf("a runner takes %zu bytes\n", bytes);
        options.memory = room[i];
        options.memory_size = ROOM;
        part[i] = (struct part){NULL, i * SHARE, AENC_OK};
        if (status == AENC_OK) status = aenc_runner_create(model, &options, &part[i].runner);
    }
    if (status != AENC_OK) return status;
    while (started < THREADS && pthread_create(&thread[started], NULL, score_part, &part[started]) == 0) started++;
    for (int i = started; i < THREADS; i++) (void)score_part(&part[i]);
    for (int i = 0; i < started; i++) (void)pthread_join(thread[i], NULL);
    for (int i = 0; i < THREADS && status == AENC_OK; i++) status = part[i].status;
    return status;
}

/* How many of the rows with the highest scores are those with a stuck reading. */
static int found(void) {
    int count = 0;
    for (int r = 50; r < ROWS; r += 100) {
        int above = 0;
        for (int other = 0; other < ROWS; other++) above += score[other] > score[r];
        count += above < ROWS / 100;
    }
    return count;
}

int main(void) {
    aenc_context *ctx = NULL;
    aenc_model *model = NULL;
    struct part part[THREADS] = {{NULL, 0, AENC_OK}};
    make_data();
    if (aenc_context_create(NULL, &ctx) != AENC_OK) return 1;
    aenc_status status = train(ctx, &model);
    if (status == AENC_OK) status = score_all(model, part);
    if (status != AENC_OK) (void)printf("failed: %s %s\n", aenc_message(ctx), aenc_runner_message(part[0].runner));
    if (status == AENC_OK) (void)printf("%d of %d stuck readings found\n", found(), ROWS / 100);
    for (int i = 0; i < THREADS; i++) aenc_runner_free(part[i].runner);
    aenc_model_free(model);
    aenc_context_free(ctx);
    return status == AENC_OK && found() > ROWS / 200 ? 0 : 1;
}
