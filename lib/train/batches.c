/* batches.c - splitting rows and shuffling them. */
#include "io/message_text.h"
#include "train/train.h"

static void swap(int64_t *a, int64_t *b) {
    int64_t keep = *a;
    *a = *b;
    *b = keep;
}

/* Fisher & Yates 1938, in Durstenfeld's form: every order equally likely. */
static void shuffle(uint64_t seed, const char *stream, uint64_t step, int64_t *row, int64_t count) {
    struct draw draw = {seed, aenc_random_stream(stream), step, 0, 0};
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t k = (int64_t)aenc_random_below(&draw, (uint64_t)i, (uint64_t)i + 1);
        swap(&row[i], &row[k]);
    }
}

int64_t aenc_batches_held(int64_t rows, double validation_fraction) {
    int64_t held = (int64_t)((double)rows * validation_fraction + 0.5);
    return validation_fraction > 0 && held < 1 ? 1 : held;
}

aenc_status aenc_batch_check(const struct aenc_model *model, int64_t rows) {
    if (rows >= model->least_rows) return AENC_OK;
    return aenc_fail(model->ctx, AENC_ERR_ARGUMENT,
                     "%s cannot be trained on a batch of %lld row: it takes at least %lld", model->least_for,
                     (long long)rows, (long long)model->least_rows);
}

aenc_status aenc_batches_create(const struct aenc_model *model, int64_t rows, double validation_fraction,
                                struct batches *out) {
    aenc_context *ctx = model->ctx;
    *out = (struct batches){.ctx = ctx, .seed = model->seed};
    int64_t valid = aenc_batches_held(rows, validation_fraction);
    if (valid >= rows)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "validation_fraction %s leaves none of the %lld rows to train on",
                         aenc_shown(validation_fraction).text, (long long)rows);
    out->train = aenc_alloc_raw(ctx, (size_t)rows, sizeof *out->train);
    if (out->train == NULL) return AENC_ERR_NO_MEMORY;
    for (int64_t i = 0; i < rows; i++) out->train[i] = i;
    out->train_count = rows - valid;
    out->valid_count = valid;
    if (valid == 0) return AENC_OK;
    shuffle(out->seed, "fit.split", 0, out->train, rows);
    out->valid = out->train + out->train_count;
    return AENC_OK;
}

void aenc_batches_free(struct batches *batches) {
    if (batches->ctx != NULL) aenc_release(batches->ctx, batches->train);
    *batches = (struct batches){.ctx = NULL};
}

static void sift(int64_t *row, int64_t root, int64_t count) {
    for (int64_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && row[child + 1] > row[child]) child++;
        if (row[root] >= row[child]) return;
        swap(&row[root], &row[child]);
        root = child;
    }
}

/* Heapsort (Williams 1964). */
static void sort(int64_t *row, int64_t count) {
    for (int64_t i = count / 2; i-- > 0;) sift(row, i, count);
    for (int64_t end = count - 1; end > 0; end--) {
        swap(&row[0], &row[end]);
        sift(row, 0, end);
    }
}

void aenc_batches_shuffle(struct batches *batches, uint64_t epoch) {
    sort(batches->train, batches->train_count);
    shuffle(batches->seed, "fit.shuffle", epoch, batches->train, batches->train_count);
}
