/* rows.c - rows that nobody has looked at before they are trained on. */
#include "train/source.h"

static int64_t bad_column(const float *row, int64_t cols, bool unit) {
    for (int64_t c = 0; c < cols; c++)
        if (row[c] - row[c] != 0 || (unit && !(row[c] >= 0 && row[c] <= 1))) return c;
    return -1;
}

/* The same answer sooner, mostly: whether a row is as it should be. */
static bool row_good(const float *row, int64_t cols, bool unit) {
    if (unit || sizeof(num) != sizeof(float)) return bad_column(row, cols, unit) < 0;
    return aenc_kernels()->elementwise->finite((const num *)(const void *)row, cols);
}

aenc_status aenc_rows_check(aenc_context *ctx, struct row_names names, const struct rows *rows, int64_t cols, bool unit,
                            const char *loss) {
    for (int64_t r = 0; r < rows->count && rows->data != NULL; r++) {
        int64_t number = rows->row != NULL ? rows->row[r] : r;
        const float *row = rows->data + number * rows->stride;
        if (row_good(row, cols, unit)) continue;
        int64_t c = bad_column(row, cols, unit);
        unsigned long long at = names.first + (unsigned long long)number;
        if (row[c] - row[c] != 0)
            return aenc_fail(ctx, AENC_ERR_NONFINITE, "%s: row %llu, column %lld is %g", names.what, at, (long long)c,
                             (double)row[c]);
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: row %llu, column %lld is %g; loss '%s' takes targets from 0 to 1",
                         names.what, at, (long long)c, (double)row[c], loss);
    }
    return AENC_OK;
}
