/* batch.h - making batches, and looking at their values.
 *
 * Everything that passes data passes a struct batch (fields.h): columns by the number of their field. A struct rows is one
 * float matrix, for what really is no more than that.
 */
#ifndef AENC_MODEL_BATCH_H
#define AENC_MODEL_BATCH_H

#include <autoenc/autoenc.h>

#include "layer/fields.h"

/* Rows somewhere in the caller's memory: row r begins at data + row[r] * stride (row NULL: r * stride). */
struct rows {
    const float *data; /* NULL: none */
    int64_t stride, count;
    const int64_t *row;
};

struct rows aenc_rows_of(const aenc_matrix *matrix);
/* At most so many of them, from `first` on. */
struct rows aenc_rows_piece(const struct rows *rows, int64_t first, int64_t most);

/* A batch of one field. */
struct batch aenc_batch_of(int field, const struct rows *rows);
/* The matrix as another field of the batch, whose rows it has; without data: the field is not given. */
void aenc_batch_set(struct batch *batch, int field, const struct rows *rows);
/* At most so many of its rows, from `first` on. */
struct batch aenc_batch_piece(const struct batch *batch, int64_t first, int64_t most);

static inline bool aenc_batch_has(const struct batch *batch, int field) { return batch->column[field].data != NULL; }
/* The row index of a column's rows; NULL: in order. */
static inline const int64_t *aenc_batch_index(const struct batch *batch, int field) {
    return batch->column[field].dense ? NULL : batch->row;
}
size_t aenc_value_bytes(enum value_type type);

/* One value of row i, as it is; and as the field is fed with it. */
double aenc_batch_raw(const struct batch *batch, int field, int64_t i, int64_t value);
float aenc_batch_value(const struct batch *batch, int field, const struct field_spec *spec, int64_t i, int64_t value);
/* All of row i as the field is fed with them: those in memory, or converted into buffer (spec->size floats). */
const float *aenc_batch_floats(const struct batch *batch, int field, const struct field_spec *spec, int64_t i,
                               float *buffer);
/* The total weight of its rows, which have been checked. */
double aenc_batch_weight(const struct batch *batch);

/* Whether every value is finite and keeps the field's rule. `what` is the column's name in messages, `first` the number of its
 * first row there, where the rows have no numbers of their own; loss (NULL: none) wants the rule. */
struct column_names {
    const char *what;
    uint64_t first;
    const char *loss;
};
aenc_status aenc_column_check(aenc_context *ctx, struct column_names names, const struct batch *batch, int field,
                              const struct field_spec *spec);
/* Whether each weight is finite and not negative; and their sum. */
aenc_status aenc_weights_check(aenc_context *ctx, struct column_names names, const struct batch *batch, double *sum);
/* Whether every number of a matrix is finite. */
aenc_status aenc_rows_check(aenc_context *ctx, const char *what, const struct rows *rows, int64_t cols);

#endif
