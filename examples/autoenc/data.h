/* data.h - tables of numbers in files: .npy, .npz, CSV and IDX, told apart by what the file begins with.
 *
 * Numbers are read as double, --offset is subtracted, and the result is rounded to float once. What a float cannot hold
 * is refused by its place: what is infinite or too large, and what would become 0. Whole numbers that are rounded, and
 * neighbours that become equal, are counted and reported in one line on standard error.
 */
#ifndef TOOL_DATA_H
#define TOOL_DATA_H

#include <autoenc/autoenc.h>

#include "csv_dialect.h"
#include "source.h"

/* What is done about a cell that is empty, NA or NaN: refuse the file, leave out its row, or take the column's mean. */
enum missing { MISSING_REFUSE, MISSING_DROP, MISSING_MEAN };

/* How a file is read; zeros: the defaults. Texts are borrowed. */
struct data_options {
    bool raw_bytes; /* unsigned bytes stay 0 to 255; otherwise they are divided by 255, in IDX and .npy alike */
    struct csv_options csv;
    enum missing missing;
    const char *columns, *drop; /* "time,3,5-7": columns by name or by place from 1; NULL: all, none */
    const char *offset;         /* "time=1.7e9,3=5": subtracted in double */
    const char *array;          /* of a .npz */
    bool verbose;               /* report how the file is read */
    bool typed;                 /* keep integers of binary files as they are */
};

struct fields;

struct data {
    const char *name; /* for messages; the path, borrowed */
    float *values;    /* (rows, cols) dense */
    void *typed;      /* the same in place of values, of `type` */
    int32_t type;     /* AENC_TYPE_U8 or _I32 of typed; 0: there are values */
    size_t rows, cols;
    char **names;             /* of the columns, from a CSV's header; NULL: none. One block. */
    size_t *places;           /* of the columns in the file, from 0; NULL: as they stand
                                 here */
    struct image_shape image; /* from the file's dimensions; channels 0: a row is no picture */
    bool flat;                /* a binary file of one dimension: rows of one number */
    bool text, header;        /* from a CSV; from one with a header */
    bool unit;                /* from unsigned bytes, divided by 255 */
    struct fields *fields;    /* what rows have besides (row_fields.h), borrowed; NULL: nothing */
};

/* Reads the whole of path ("-": standard input; "FILE.npz:NAME": an array of an archive). Values are finite and
 * there is at least one. On failure there is nothing to free. */
int tool_data_read(const char *path, const struct data_options *options, struct data *out);
/* The name of the array in "FILE.npz:NAME"; NULL where the path is that of a file. */
const char *tool_array_of(const char *path);
void tool_data_free(struct data *data);
aenc_matrix tool_data_matrix(const struct data *data);
/* Whether rows have `wanted` numbers (0: any number will do), as `whose` ("model.safetensors") takes them. option
 * (NULL: none) is what the data were given with. */
int tool_data_fits(const struct data *data, const char *option, const char *whose, size_t wanted);
/* For a message about labels (or the like) that are not one for each of `rows`: whether a line more or less was
 * taken for a header; otherwise "". */
const char *tool_data_header_hint(const struct data *labels, size_t rows);

/* ---- for the readers ---- */

int tool_npy_read(struct source *source, const struct data_options *options, struct data *out);
int tool_npz_read(struct source *source, const struct data_options *options, struct data *out);
int tool_idx_read(struct source *source, const struct data_options *options, struct data *out);
int tool_csv_read(struct source *source, const struct data_options *options, struct data *out);

/* A number type in a binary file. kind: 'f', 'i', 'u' (divided by divisor) or 'b'; size 1, 2, 4 or 8 bytes. */
struct element {
    char kind;
    size_t size;
    bool big_endian;
    double divisor;
    bool column_major; /* the first dimension varies fastest */
};

enum { DIMS_MAX = 32 };

/* Rows are dim[0]; the columns are the others multiplied. Refuses what overflows or has no elements. Two further
 * dimensions make pictures. */
int tool_data_shape(const char *name, const size_t *dims, size_t rank, struct data *out);
/* Reads the rows * cols elements of out, and nothing may follow them. Memory grows with what really arrives. */
int tool_data_elements(struct source *source, const struct element *element, const struct data_options *options,
                       struct data *out);
/* Makes room for `needed` floats, at most doubling what there is. */
int tool_data_reserve(const char *name, float **values, size_t *capacity, size_t needed);

#endif
