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
