/* data.h - tables of numbers in files: .npy, CSV and IDX, told apart by what the file begins with. */
#ifndef TOOL_DATA_H
#define TOOL_DATA_H

#include <autoenc/autoenc.h>

#include "source.h"

enum header { HEADER_AUTO, HEADER_YES, HEADER_NO };

/* raw_bytes: IDX bytes stay 0 to 255 (labels); otherwise they are scaled to [0, 1]. */
struct data_options {
    bool raw_bytes;
    enum header header; /* does a CSV begin with names? */
};

struct data {
    const char *name; /* for messages; the path, borrowed */
    float *values;    /* (rows, cols) dense */
    size_t rows, cols;
    struct image_shape image; /* from the file's dimensions; channels 0: a row is no picture */
};

/* Reads the whole of path ("-": standard input). Values are finite and there is at least one. On failure there is
 * nothing to free. */
int tool_data_read(const char *path, const struct data_options *options, struct data *out);
void tool_data_free(struct data *data);
aenc_matrix tool_data_matrix(const struct data *data);

/* ---- for the readers ---- */

int tool_npy_read(struct source *source, struct data *out);
int tool_idx_read(struct source *source, bool raw_bytes, struct data *out);
int tool_csv_read(struct source *source, enum header header, struct data *out);

/* A number type in a binary file. kind: 'f', 'i', 'u' (divided by divisor) or 'b'; size 1, 2, 4 or 8 bytes. */
struct element {
    char kind;
    size_t size;
    bool big_endian;
    double divisor;
};

enum { DIMS_MAX = 32 };

/* Rows are dim[0]; the columns are the others multiplied. Refuses what overflows or has no elements. Two further
 * dimensions make pictures. */
int tool_data_shape(const char *name, const size_t *dims, size_t rank, struct data *out);
/* Reads the rows * cols elements of out, and nothing may follow them. Memory grows with what really arrives. */
int tool_data_elements(struct source *source, const struct element *element, struct data *out);
/* Makes room for `needed` floats, at most doubling what there is. */
int tool_data_reserve(const char *name, float **values, size_t *capacity, size_t needed);

#endif
