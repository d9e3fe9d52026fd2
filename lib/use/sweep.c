/* sweep.c - how large must the code be? Error against the size of the code, with PCA's beside it.
 *
 * PCA with k components is the best linear code of k numbers (Eckart & Young 1936): what a model does not gain over
 * it, its layers are not worth. Its error on rows x, with mean m and components v_i of the training rows, is |x -
 * m|^2 - sum_{i <= k} (v_i . (x - m))^2, so one pass over the rows gives every k.
 */
#include <math.h>
#include <string.h>

#include "math/blas.h"
#include "math/moments.h"
#include "train/train.h"
#include "use/codes.h"

enum { BLOCK = 256 };

struct pca {
    int64_t cols, count; /* count: components */
    double *mean;        /* (cols) */
    num *component;      /* (count, cols) */
    num *block;          /* (BLOCK, cols): rows less the mean */
    num *product;        /* (BLOCK, count) */
    double *energy;      /* (count + 1): sums of (v_i . (x - m))^2; last of |x - m|^2 */
};

/* Rows first .. of x less the mean into the block; answers how many. */
static int64_t center(const struct pca *pca, const struct rows *x, int64_t first) {
    int64_t rows = x->count - first < BLOCK ? x->count - first : BLOCK;
    for (int64_t i = 0; i < rows * pca->cols; i++)
        pca->block[i] = (num)((double)rows_at(x, first + i / pca->cols)[i % pca->cols] - pca->mean[i % pca->cols]);
    return rows;
}

/* Mean and components of x, largest first. */
static aenc_status pca_fit(aenc_context *ctx, struct pca *pca, const struct rows *x) {
    struct moments moments;
    struct spectrum spectrum = {.ctx = NULL};
    aenc_status status = aenc_moments_create(ctx, pca->cols, 0, 0, &moments);
    if (status == AENC_OK) status = aenc_spectrum_create(&moments, &spectrum);
    double *direction = aenc_alloc_raw(ctx, (size_t)pca->count, (size_t)pca->cols * sizeof *direction);
    if (status == AENC_OK && direction == NULL) status = AENC_ERR_NO_MEMORY;
    bool good = true;
    for (int64_t r = 0; r < x->count && status == AENC_OK && good; r += moments.block) {
        int64_t rows = x->count - r < moments.block ? x->count - r : moments.block;
        good = aenc_moments_add(&moments, &spectrum, rows_at(x, r), x->stride, rows);
        status = aenc_cancel_check(ctx);
    }
    if (status == AENC_OK && !(good && aenc_moments_spectrum(&moments, &spectrum)))
        status = aenc_fail(ctx, AENC_ERR_INTERNAL, "pca: the eigenvalues did not converge");
    if (status == AENC_OK) {
        aenc_moments_directions(&moments, &spectrum, pca->count, direction);
        for (int64_t i = 0; i < pca->count * pca->cols; i++) pca->component[i] = (num)direction[i];
        memcpy(pca->mean, moments.mean, (size_t)pca->cols * sizeof *pca->mean);
    }
    aenc_release(ctx, direction);
    aenc_spectrum_free(&spectrum);
    aenc_moments_free(&moments);
    return status;
}

/* Fills energy from the rows of x. */
static aenc_status pca_measure(aenc_context *ctx, const struct pca *pca, const struct rows *x) {
    memset(pca->energy, 0, (size_t)(pca->count + 1) * sizeof *pca->energy);
    aenc_status status = AENC_OK;
    for (int64_t first = 0; first < x->count && status == AENC_OK; first += BLOCK) {
        int64_t rows = center(pca, x, first);
        aenc_blas_gemm(false, true, rows, pca->count, pca->cols, pca->block, pca->cols, pca->component, pca->cols, 0,
                       pca->product, pca->count);
        for (int64_t i = 0; i < rows * pca->count; i++)
            pca->energy[i % pca->count] += (double)pca->product[i] * (double)pca->product[i];
        for (int64_t i = 0; i < rows * pca->cols; i++)
            pca->energy[pca->count] += (double)pca->block[i] * (double)pca->block[i];
        status = aenc_cancel_check(ctx);
    }
    double whole = 0;
    for (int64_t i = 0; i <= pca->count; i++) whole += pca->energy[i];
    if (whole - whole == 0 || status != AENC_OK) return status;
    return aenc_fail(ctx, AENC_ERR_NONFINITE, "PCA: the numbers of x are too large for their squares");
}

/* Mean squared error per element of k components, from what was measured on `rows` rows. */
static double pca_error(const struct pca *pca, int64_t k, int64_t rows) {
    double left = pca->energy[pca->count];
    for (int64_t i = 0; i < k && i < pca->count; i++) left -= pca->energy[i];
    return k >= pca->cols ? 0 : fmax(left, 0) / (double)(rows * pca->cols);
}

static aenc_status pca_create(aenc_context *ctx, struct pca *pca) {
    size_t n = (size_t)pca->cols, count = (size_t)pca->count, square;
    if (!aenc_size_multiply(n, n, &square) || square > INT32_MAX)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "PCA of %zu columns does not fit into memory", n);
    pca->mean = aenc_alloc(ctx, n, sizeof *pca->mean);
    pca->component = aenc_alloc_raw(ctx, count, n * sizeof *pca->component);
    pca->block = aenc_alloc_raw(ctx, BLOCK, n * sizeof *pca->block);
    pca->product = aenc_alloc_raw(ctx, BLOCK, count * sizeof *pca->product);
    pca->energy = aenc_alloc(ctx, count + 1, sizeof *pca->energy);
    bool good = pca->mean != NULL && pca->component != NULL && pca->block != NULL && pca->product != NULL &&
                pca->energy != NULL;
    return good ? AENC_OK : AENC_ERR_NO_MEMORY;
}

static void pca_free(aenc_context *ctx, struct pca *pca) {
    aenc_release(ctx, pca->mean);
    aenc_release(ctx, pca->component);
    aenc_release(ctx, pca->block);
    aenc_release(ctx, pca->product);
    aenc_release(ctx, pca->energy);
}

/* ---- The models ---- */

/* Mean squared error per element of the reconstructions of x, some rows at a time. */
static aenc_status model_error(struct aenc_model *model, const struct rows *x, float *output, double *out) {
    int64_t cols = model->output_size;
    double sum = 0;
    for (int64_t first = 0; first < x->count; first += INFER_ROWS * 8) {
        int64_t rows = x->count - first < INFER_ROWS * 8 ? x->count - first : INFER_ROWS * 8;
        struct rows part = {rows_at(x, first), x->stride, rows, NULL};
        aenc_status status = aenc_model_infer_rows(model, TASK_RECONSTRUCT, &part, output);
        if (status != AENC_OK) return status;
        for (int64_t i = 0; i < rows * cols; i++) {
            double difference = (double)output[i] - (double)rows_at(&part, i / cols)[i % cols];
            sum += difference * difference;
        }
    }
    *out = sum / (double)(x->count * cols);
    return AENC_OK;
}

/* One model: trained, measured and freed. errors: train, valid, test. */
static aenc_status model_point(aenc_context *ctx, const struct sweep *sweep, size_t code, double errors[3],
                               aenc_sweep_point *point) {
    struct aenc_model *model = NULL;
    aenc_status status = sweep->train(sweep->user, code, &model);
    if (status != AENC_OK) return status;
    if (model->output_size != sweep->cols)
        status = aenc_fail(ctx, AENC_ERR_SHAPE,
                           "a sweep compares outputs with inputs: the output has %lld numbers and "
                           "the input %lld",
                           (long long)model->output_size, (long long)sweep->cols);
    float *output = aenc_alloc_raw(ctx, INFER_ROWS * 8, (size_t)sweep->cols * sizeof *output);
    if (status == AENC_OK && output == NULL) status = AENC_ERR_NO_MEMORY;
    for (int i = 0; i < 3 && status == AENC_OK; i++)
        if (sweep->set[i].data != NULL) status = model_error(model, &sweep->set[i], output, &errors[i]);
    point->epochs = (int64_t)aenc_train_history(model)->count;
    for (size_t i = 0; i < model->store.entry_count; i++)
        if (model->store.entry[i].kind == ENTRY_PARAMETER) point->parameters += (size_t)model->store.entry[i].count;
    aenc_release(ctx, output);
    aenc_model_release(model);
    return status;
}

static aenc_status run(aenc_context *ctx, const struct sweep *sweep, const struct pca *pca, double *energy,
                       aenc_sweep_point *out, size_t point_size) {
    aenc_status status = AENC_OK;
    struct pca measured = *pca;
    for (int64_t i = 0; i < sweep->count && status == AENC_OK; i++) {
        double error[3] = {NAN, NAN, NAN}, linear[3] = {NAN, NAN, NAN};
        aenc_sweep_point point = {.struct_size = point_size, .code = sweep->codes[i]};
        for (int s = 0; s < 3; s++) {
            measured.energy = energy + s * (pca->count + 1);
            if (sweep->set[s].data != NULL) linear[s] = pca_error(&measured, (int64_t)point.code, sweep->set[s].count);
        }
        status = model_point(ctx, sweep, point.code, error, &point);
        if (status != AENC_OK) break;
        point.train = error[0], point.valid = error[1], point.test = error[2];
        point.pca_train = linear[0], point.pca_valid = linear[1], point.pca_test = linear[2];
        memcpy((char *)out + (size_t)i * point_size, &point, point_size < sizeof point ? point_size : sizeof point);
        struct outside outside = aenc_callback_begin(ctx);
        int result = sweep->progress != NULL ? sweep->progress(sweep->progress_user, &point) : 0;
        aenc_callback_end(ctx, outside);
        status = aenc_callback_result(ctx, "aenc_sweep_options.progress", result);
        if (result > 0) break;
    }
    return status;
}

aenc_status aenc_sweep_run(aenc_context *ctx, const struct sweep *sweep, aenc_sweep_point *out, size_t point_size) {
    struct pca pca = {.cols = sweep->cols, .count = 1};
    for (int64_t i = 0; i < sweep->count; i++)
        if ((int64_t)sweep->codes[i] > pca.count) pca.count = (int64_t)sweep->codes[i];
    if (pca.count > pca.cols) pca.count = pca.cols;
    double *energy = aenc_alloc(ctx, (size_t)pca.count + 1, 3 * sizeof *energy);
    aenc_status status = energy == NULL ? AENC_ERR_NO_MEMORY : pca_create(ctx, &pca);
    if (status == AENC_OK) status = pca_fit(ctx, &pca, &sweep->set[0]);
    for (int s = 0; s < 3 && status == AENC_OK; s++) {
        if (sweep->set[s].data == NULL) continue;
        status = pca_measure(ctx, &pca, &sweep->set[s]);
        memcpy(energy + s * (pca.count + 1), pca.energy, (size_t)(pca.count + 1) * sizeof *energy);
    }
    if (status == AENC_OK) status = run(ctx, sweep, &pca, energy, out, point_size);
    pca_free(ctx, &pca);
    aenc_release(ctx, energy);
    return status;
}
