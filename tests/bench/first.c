/* first.c - a program's first score: load a model, score one row, end. Who starts it takes the time.
 *
 *     bench_first MODEL             loads and scores
 *     bench_first MODEL NETWORK     writes the model
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"

int main(int count, char **argument) {
    if (count != 2 && count != 3) bench_die("usage: bench_first MODEL [NETWORK]");
    aenc_context *ctx = bench_context(1);
    aenc_model *model;
    if (count == 3) {
        struct bench_network network = bench_network_parse(argument[2]);
        model = bench_model(ctx, &network);
        bench_good(ctx, aenc_model_save(model, argument[1]));
    } else {
        bench_good(ctx, aenc_model_load(ctx, argument[1], &model));
        size_t cols = aenc_model_input_size(model);
        float score, *row = bench_data(NULL, 1, cols);
        aenc_matrix x = {row, 1, cols, 0};
        bench_good(ctx, aenc_score(model, &x, NULL, &score, 1));
        printf("%.6f\n", (double)score);
        free(row);
    }
    aenc_model_free(model);
    aenc_context_free(ctx);
    return 0;
}
