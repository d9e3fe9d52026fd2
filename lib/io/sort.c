/* sort.c - merge sort from the bottom up: runs of 1, 2, 4, ... between two arrays. */
#include "io/sort.h"

#include <string.h>

/* Merges from[begin, middle) and from[middle, end) into to[begin, end); all in bytes. */
static void merge(const char *from, char *to, size_t begin, size_t middle, size_t end, size_t size,
                  int (*compare)(const void *, const void *)) {
    size_t left = begin, right = middle;
    for (size_t at = begin; at < end; at += size) {
        int from_left = right == end || (left < middle && compare(from + left, from + right) <= 0);
        memcpy(to + at, from + (from_left ? left : right), size);
        if (from_left)
            left += size;
        else
            right += size;
    }
}

void aenc_sort(void *items, void *scratch, size_t count, size_t size, int (*compare)(const void *, const void *)) {
    char *from = items, *to = scratch;
    const size_t end = count * size;
    for (size_t run = size; run < end; run *= 2) {
        for (size_t begin = 0; begin < end;) {
            size_t middle = end - begin > run ? begin + run : end;
            size_t stop = end - middle > run ? middle + run : end;
            merge(from, to, begin, middle, stop, size, compare);
            begin = stop;
        }
        char *swap = from;
        from = to;
        to = swap;
    }
    if (from != items) memcpy(items, from, end);
}

const void *aenc_sorted_find(const void *key, const void *items, size_t count, size_t size,
                             int (*compare)(const void *, const void *)) {
    size_t begin = 0, end = count;
    while (begin < end) {
        size_t middle = begin + (end - begin) / 2;
        const char *item = (const char *)items + middle * size;
        int order = compare(key, item);
        if (order == 0) return item;
        if (order < 0)
            end = middle;
        else
            begin = middle + 1;
    }
    return NULL;
}

static int compare_floats(const void *a, const void *b) {
    const float *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

void aenc_sort_floats(float *values, size_t count) {
    aenc_sort(values, values + count, count, sizeof *values, compare_floats);
}

double aenc_sorted_quantile(const float *sorted, size_t count, double share) {
    double at = share * (double)(count - 1);
    size_t below = (size_t)at, above = below + 1 < count ? below + 1 : below;
    return (double)sorted[below] + (at - (double)below) * ((double)sorted[above] - (double)sorted[below]);
}
