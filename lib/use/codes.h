/* codes.h - what people do with codes: move between them, search, group and question them.
 *
 * Everything here takes rows of floats as they are, from an encoder or from anywhere. Results are exact (no approximate
 * indices) and have the same bits on any number of threads: a job owns what it writes, and sums go in the order of
 * rows. The callers have checked shapes, rooms and that every number is finite.
 */
#ifndef AENC_USE_CODES_H
#define AENC_USE_CODES_H

#include "base/report.h"
#include "io/settings.h"
#include "model/model.h"

static inline const float *rows_at(const struct rows *rows, int64_t r) { return rows->data + r * rows->stride; }

/* The square of the distance of two rows, summed in double in the order of the columns. */
static inline double rows_square(const float *a, const float *b, int64_t cols) {
    double sum = 0;
    for (int64_t i = 0; i < cols; i++) {
        double difference = (double)a[i] - (double)b[i];
        sum += difference * difference;
    }
    return sum;
}

/* ---- interpolate.c ---- */

/* (a.count * steps, cols): from each row of a to that of b. AENC_ERR_ARGUMENT names the row where a sphere has no
 * shortest way. */
aenc_status aenc_codes_between(aenc_context *ctx, const struct rows *a, const struct rows *b, int64_t cols,
                               int64_t steps, bool spherical, float *out);
/* (weights.count, cols): weights (weights.count, codes.count) times codes. */
aenc_status aenc_codes_sum(aenc_context *ctx, const struct rows *weights, const struct rows *codes, int64_t cols,
                           float *out);
/* (cols): the mean of the rows labelled `with` minus that of those labelled `without`. */
aenc_status aenc_codes_difference(aenc_context *ctx, const struct rows *codes, int64_t cols, const int32_t *labels,
                                  int32_t without, int32_t with, float *out);
/* (count, cols): quantiles of each column. */
aenc_status aenc_codes_shares(aenc_context *ctx, const struct rows *codes, int64_t cols, const double *share,
                              int64_t count, float *out);
/* (cols * steps, cols): the code with one element after the other moved from range[0] to range[1], rows of a (2,
 * cols). */
void aenc_codes_walk(const float *code, const struct rows *range, int64_t cols, int64_t steps, float *out);

/* ---- neighbours.c ---- */

struct near {
    double distance; /* euclidean: squared; cosine: 2 (1 - cos) */
    int64_t row;
};

struct search {
    struct rows base, query;
    int64_t cols, k; /* k at most as many as can be found */
    bool cosine;
    bool others; /* query is base, and no row is its own neighbour */
};

/* (query.count, k), the nearest first, among equals the lower row. */
aenc_status aenc_search(aenc_context *ctx, const struct search *search, struct near *out);

/* ---- kmeans.c ---- */

struct kmeans {
    struct rows x;
    int64_t cols, clusters, restarts, iterations;
    struct reported progress; /* its epochs are the restarts, its steps the iterations, its loss the inertia */
};

/* centers (clusters, cols), label (rows), *inertia: of the best of the restarts, as far as the callback let them go. */
aenc_status aenc_kmeans_find(aenc_context *ctx, const struct kmeans *kmeans, float *centers, int32_t *label,
                             double *inertia);

/* ---- tsne.c, map_trust.c ---- */

struct tsne {
    struct rows x;
    int64_t cols, iterations;
    double perplexity; /* from 1 to less than the rows */
    double theta;      /* 0: all pairs; otherwise at most 0.7 */
    struct reported progress;
};

/* out (x.count, 2); *left: KL(p || q) in nats. */
aenc_status aenc_tsne_find(aenc_context *ctx, const struct tsne *tsne, float *out, double *left);
/* Of map (x->count rows), with its k nearest, k below half the rows: from 0 to 1. */
aenc_status aenc_map_trust(aenc_context *ctx, const struct rows *x, int64_t cols, const struct rows *map,
                           int64_t map_cols, int64_t k, double *out);

/* ---- probe.c ---- */

struct labelled {
    struct rows x;
    const int32_t *label;
};

/* predicted (test.count) may be NULL. */
aenc_status aenc_probe_ask(aenc_context *ctx, const char *spec, int64_t cols, const struct labelled *train,
                           const struct labelled *test, int32_t *predicted, double *accuracy);
/* probe_softmax.c: cls (train.count) and the answer's are in [0, classes). l2 is half the factor of the weights'
 * squares. */
aenc_status aenc_probe_softmax(aenc_context *ctx, const struct rows *train, const int64_t *cls, int64_t classes,
                               int64_t cols, double l2, int64_t iterations, const struct rows *test, int64_t *answer);

/* ---- rate.c ---- */

/* One point for each step; those of the caller's struct that it knows of are filled in. */
aenc_status aenc_rate_find(struct aenc_model *model, const struct rows *x, const double *step, int64_t count,
                           double peak, aenc_rate_point *out, size_t point_size);

/* ---- sweep.c ---- */

struct sweep {
    struct rows set[3]; /* train, valid, test; without data: not asked for */
    int64_t cols, count;
    const size_t *codes;
    /* A trained model with a code of so many numbers. */
    aenc_status (*train)(void *user, size_t code, struct aenc_model **out);
    void *user;
    aenc_sweep_callback progress;
    void *progress_user;
};

aenc_status aenc_sweep_run(aenc_context *ctx, const struct sweep *sweep, aenc_sweep_point *out, size_t point_size);

#endif
