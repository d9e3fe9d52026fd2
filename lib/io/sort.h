/* sort.h - things in order: one stable sort that allocates nothing and takes n log n comparisons on every input, and what is then
 * found in them.
 *
 * The C library's qsort promises neither, and what is sorted here comes out of files.
 */
#ifndef AENC_IO_SORT_H
#define AENC_IO_SORT_H

#include <stddef.h>

/* Sorts count items of size bytes, at most PTRDIFF_MAX in all; scratch has room for as many. compare answers below, at
 * or above zero. */
void aenc_sort(void *items, void *scratch, size_t count, size_t size, int (*compare)(const void *, const void *));
/* Of items in that order one that compare(key, item) finds equal; NULL: none. */
const void *aenc_sorted_find(const void *key, const void *items, size_t count, size_t size,
                             int (*compare)(const void *, const void *));

/* Floats that are no NaN, upwards; behind them is room for as many. */
void aenc_sort_floats(float *values, size_t count);
/* The value below which `share` of at least one sorted float lies, between two of them in a line (type 7 of Hyndman & Fan 1996, as
 * numpy.percentile). */
double aenc_sorted_quantile(const float *sorted, size_t count, double share);

#endif
