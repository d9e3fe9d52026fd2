/* npy.h - NumPy's array files, read into rows of floats and written as float32.
 *
 * "\x93NUMPY", version, header length, a Python dict of exactly 'descr', 'fortran_order' and 'shape', then the
 * elements. The reader takes versions 1 to 3 with a grammar of just that dict: headers of at most 10000 bytes, floats
 * of 2, 4 and 8 bytes, integers of 1 to 8, booleans, either byte order, either axis order, exactly as many bytes as
 * the shape needs. Objects (pickles) and structured types are refused. It works on bytes in memory and copies nothing;
 * whoever owns the bytes keeps them alive.
 */
#ifndef AENC_IO_NPY_H
#define AENC_IO_NPY_H

#include "base/mem.h"

enum {
    NPY_RANK_MAX = 8,
    NPY_HEADER_READ_MAX = 10000, /* bytes of the dict, as NumPy itself limits it */
    NPY_HEADER_MAX = 256         /* bytes of a header as written here, with everything in front of it */
};

struct npy {
    char kind; /* 'f', 'i', 'u' or 'b' */
    int item;  /* bytes of an element: 1, 2, 4 or 8 */
    bool big_endian;
    bool fortran_order;
    int rank;
    uint64_t dim[NPY_RANK_MAX];
    uint64_t count;             /* elements */
    uint64_t rows, row_size;    /* the first dimension, and elements of the others; rank 0: one row of one */
    const unsigned char *bytes; /* not aligned */
};

/* Reads the header and checks it against size. AENC_ERR_FORMAT with what is wrong and where; AENC_ERR_UNSUPPORTED for
 * an element type that is not read, by name. `what` names the source ("x.npy"). Nothing to free, either way. */
aenc_status aenc_npy_read(aenc_context *ctx, const void *bytes, size_t size, const char *what, struct npy *out);

/* Rows first .. first + rows - 1 into out (rows, row_size), row-major whatever the file's order; numbers that a float
 * cannot hold exactly are rounded, booleans are 0 and 1. AENC_ERR_SHAPE beyond the last row. */
aenc_status aenc_npy_floats(aenc_context *ctx, const struct npy *array, uint64_t first, uint64_t rows, float *out);

/* The header (version 1.0, '<f4', row-major) of an array; the elements follow it, little-endian. Answers its length, a
 * multiple of 64. rank at most NPY_RANK_MAX. */
size_t aenc_npy_header(const uint64_t *dim, int rank, unsigned char out[NPY_HEADER_MAX]);
/* The whole file, header and values (native, row-major); *out from aenc_alloc, NULL on failure. AENC_ERR_SHAPE when the
 * shape overflows, AENC_ERR_ARGUMENT for a rank above NPY_RANK_MAX. */
aenc_status aenc_npy_write(aenc_context *ctx, const uint64_t *dim, int rank, const float *values, void **out,
                           size_t *size);

#endif
