/* sort.h - one stable sort that allocates nothing and takes n log n comparisons on every input.
 *
 * The C library's qsort promises neither, and what is sorted here comes out of files.
 */
#ifndef AENC_IO_SORT_H
#define AENC_IO_SORT_H

#include <stddef.h>

/* Sorts count items of size bytes, at most PTRDIFF_MAX in all; scratch has room for as many. compare answers below, at
 * or above zero. */
void aenc_sort(void *items, void *scratch, size_t count, size_t size, int (*compare)(const void *, const void *));

#endif
