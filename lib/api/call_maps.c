/* call_maps.c - maps of rows in the plane: validate, call, translate. */
#include "use/codes.h"

#include <math.h>

#include "api/api.h"
#include "io/message_text.h"

enum { EXACT_ROWS = 2000 }; /* below: all pairs, as long as nobody asks for less */

static aenc_status range_fail(aenc_context *ctx, const char *name, double value, const char *range) {
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_tsne_options.%s is %s; it is %s", name, aenc_shown(value).text,
                     range);
}

static aenc_status tsne(aenc_context *ctx, const aenc_matrix *x, const aenc_tsne_options *options, float *out,
                        size_t out_floats, double *divergence) {
    static const aenc_tsne_options usual = {.struct_size = sizeof usual};
    aenc_tsne_options o;
    double unwanted;
    aenc_status status = aenc_options_read(ctx, "aenc_tsne_options", options == NULL ? &usual : options, sizeof o, &o);
    if (status == AENC_OK) status = aenc_codes_check(ctx, "x", x, 0);
    if (status == AENC_OK) status = aenc_room_check(ctx, "aenc_tsne", out, out_floats, x->rows, 2);
    if (status != AENC_OK) return status;
    if (x->rows > INT32_MAX)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "aenc_tsne: x has %zu rows; at most %d can be mapped", x->rows,
                         INT32_MAX);
    double most = fmax((double)x->rows - 1, 1);
    if (o.perplexity != 0 && !(o.perplexity >= 1 && o.perplexity <= most))
        return range_fail(ctx, "perplexity", o.perplexity, "from 1 to less than the rows, or 0: 30");
    if (!(o.theta >= 0 && o.theta <= 0.7)) return range_fail(ctx, "theta", o.theta, "from 0 to 0.7");
    if (o.iterations < 0) return range_fail(ctx, "iterations", (double)o.iterations, "not negative");
    const struct tsne wanted = {
        .x = aenc_rows_of(x),
        .cols = (int64_t)x->cols,
        .iterations = o.iterations == 0 ? 1000 : o.iterations,
        .perplexity = o.perplexity > 0 ? o.perplexity : fmax(1, fmin(30, most / 3)),
        .theta = o.theta > 0            ? o.theta
                 : x->rows < EXACT_ROWS ? 0
                                        : 0.5,
        .progress = {"aenc_tsne_options.progress", o.progress, o.progress_user},
    };
    return aenc_tsne_find(ctx, &wanted, out, divergence == NULL ? &unwanted : divergence);
}

aenc_status aenc_tsne(aenc_context *ctx, const aenc_matrix *x, const aenc_tsne_options *options, float *out,
                      size_t out_floats, double *divergence) {
    struct call call = {.held = {.ctx = ctx}};
    aenc_status status = aenc_call_begin(&call, "aenc_tsne", CALL_REPORTS);
    if (status == AENC_OK) status = tsne(ctx, x, options, out, out_floats, divergence);
    return aenc_call_end(&call, status);
}

static aenc_status trustworthiness(aenc_context *ctx, const aenc_matrix *x, const aenc_matrix *map, size_t k,
                                   double *out) {
    const char *call = "aenc_trustworthiness";
    aenc_status status = aenc_codes_check(ctx, "x", x, 0);
    if (status == AENC_OK) status = aenc_codes_check(ctx, "map", map, 0);
    if (status == AENC_OK && out == NULL) status = aenc_null(ctx, call, "out");
    if (status != AENC_OK) return status;
    if (map->rows != x->rows)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: map has %zu rows; %zu are needed", call, map->rows, x->rows);
    if (k < 1 || k >= (x->rows + 1) / 2)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: k is %zu; it is from 1 to less than half of the %zu rows", call,
                         k, x->rows);
    const struct rows rows = aenc_rows_of(x), mapped = aenc_rows_of(map);
    return aenc_map_trust(ctx, &rows, (int64_t)x->cols, &mapped, (int64_t)map->cols, (int64_t)k, out);
}

aenc_status aenc_trustworthiness(aenc_context *ctx, const aenc_matrix *x, const aenc_matrix *map, size_t k,
                                 double *out) {
    struct call call = {.held = {.ctx = ctx}};
    aenc_status status = aenc_call_begin(&call, "aenc_trustworthiness", CALL_READS);
    if (status == AENC_OK) status = trustworthiness(ctx, x, map, k, out);
    return aenc_call_end(&call, status);
}
