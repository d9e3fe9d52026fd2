/* products.c - the floor: the bare sgemm calls of a training step.
 *
 * For every layer y = x W^T, dW = dy^T x and, but for the first, dx = dy W, with W (out, in). No bias, activation, loss
 * or update. The prototype stands here because providers' headers differ in name and place.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };

void cblas_sgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                 const float *b, int ldb, float beta, float *c, int ldc);

/* Small and never zero, so that no product meets denormals. */
static float *filled(size_t count, float scale) {
    float *block = bench_floats(count);
    unsigned state = 12345;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        block[i] = scale * ((float)(state >> 8) / 8388608 - 1);
    }
    return block;
}

void bench_products_create(struct bench_products *products, const struct bench_network *network, const float *data,
                           size_t batches, size_t batch, size_t shard) {
    memset(products, 0, sizeof *products);
    products->network = *network;
    products->data = data;
    products->batches = batches;
    products->batch = batch;
    products->shard = shard;
    products->layers = 2 * (network->count - 1);
    for (size_t i = 0; i <= products->layers; i++) {
        size_t mirrored = i < network->count ? i : products->layers - i;
        products->width[i] = network->width[mirrored];
        products->gradient[i] = filled(batch * products->width[i], 1);
        if (i == 0) continue;
        size_t weights = products->width[i - 1] * products->width[i];
        products->value[i] = filled(batch * products->width[i], 1);
        products->weight[i] = filled(weights, 0.05f);
        products->weight_gradient[i] = filled(weights, 1);
    }
}

void bench_products_free(struct bench_products *products) {
    for (size_t i = 0; i <= products->layers; i++) {
        free(products->gradient[i]);
        free(products->value[i]);
        free(products->weight[i]);
        free(products->weight_gradient[i]);
    }
}

static const float *value_of(const struct bench_products *p, size_t layer, size_t first) {
    const float *values = layer == 0 ? p->data + p->next * p->batch * p->width[0] : p->value[layer];
    return values + first * p->width[layer];
}

static void activations(const struct bench_products *p, size_t first, size_t rows) {
    for (size_t i = 1; i <= p->layers; i++) {
        int in = (int)p->width[i - 1], out = (int)p->width[i];
        cblas_sgemm(ROW_MAJOR, PLAIN, TRANSPOSED, (int)rows, out, in, 1, value_of(p, i - 1, first), in, p->weight[i],
                    in, 0, p->value[i] + first * p->width[i], out);
    }
    for (size_t i = p->layers; i > 1; i--) {
        int in = (int)p->width[i - 1], out = (int)p->width[i];
        cblas_sgemm(ROW_MAJOR, PLAIN, PLAIN, (int)rows, in, out, 1, p->gradient[i] + first * p->width[i], out,
                    p->weight[i], in, 0, p->gradient[i - 1] + first * p->width[i - 1], in);
    }
}

void bench_products_run(void *products, long steps) {
    struct bench_products *p = products;
    for (long step = 0; step < steps; step++) {
        for (size_t first = 0; first < p->batch; first += p->shard)
            activations(p, first, p->batch - first < p->shard ? p->batch - first : p->shard);
        for (size_t i = 1; i <= p->layers; i++) {
            int in = (int)p->width[i - 1], out = (int)p->width[i];
            cblas_sgemm(ROW_MAJOR, TRANSPOSED, PLAIN, out, in, (int)p->batch, 1, p->gradient[i], out,
                        value_of(p, i - 1, 0), in, 0, p->weight_gradient[i], in);
        }
        p->next = (p->next + 1) % p->batches;
    }
}
