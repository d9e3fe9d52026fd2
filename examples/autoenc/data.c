/* data.c - which reader a file gets, and what binary formats have in common. */
#include "data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 8192 }; /* elements decoded at a time */

static bool ends_with(const char *text, const char *tail) {
    size_t length = strlen(text), tail_length = strlen(tail);
    return length >= tail_length && strcmp(text + length - tail_length, tail) == 0;
}

static int check_finite(const struct data *data) {
    size_t count = data->rows * data->cols;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(data->values[i])) continue;
        const char *what = isnan(data->values[i]) ? "is NaN" : "is infinite, or too large for a float32";
        return tool_fail("%s: row %zu, column %zu %s", data->name, i / data->cols + 1, i % data->cols + 1, what);
    }
    return TOOL_OK;
}

static int read_source(struct source *source, const struct data_options *options, struct data *out) {
    size_t count = 0;
    const unsigned char *start = tool_source_peek(source, 6, &count);
    if (source->failed) return TOOL_FAILED;
    if (count == 0) return tool_fail("%s: is empty", source->name);
    if (count >= 6 && memcmp(start, "\x93NUMPY", 6) == 0) return tool_npy_read(source, out);
    if (ends_with(source->name, ".npy")) return tool_fail("%s: does not begin like a .npy file", source->name);
    if (start[0] == 0 && (count < 2 || start[1] == 0)) return tool_idx_read(source, options->raw_bytes, out);
    if (source->gunzip != NULL) {
        return tool_fail("%s: gzip is read for .npy and IDX, which declare their size; for CSV: gzip -dc FILE | "
                         "autoenc ... -",
                         source->name);
    }
    return tool_csv_read(source, options->header, out);
}

int tool_data_read(const char *path, const struct data_options *options, struct data *out) {
    struct source source;
    *out = (struct data){.name = path};
    int status = tool_source_open(&source, path);
    if (status != TOOL_OK) return status;
    out->name = source.name;
    status = read_source(&source, options, out);
    tool_source_close(&source);
    if (status == TOOL_OK) status = check_finite(out);
    if (status != TOOL_OK) tool_data_free(out);
    return status;
}

void tool_data_free(struct data *data) {
    free(data->values);
    data->values = NULL;
}

aenc_matrix tool_data_matrix(const struct data *data) {
    return (aenc_matrix){.data = data->values, .rows = data->rows, .cols = data->cols};
}

int tool_data_shape(const char *name, const size_t *dims, size_t rank, struct data *out) {
    if (rank == 0) return tool_fail("%s: holds a single number, not rows of numbers", name);
    size_t cols = 1;
    for (size_t i = 0; i < rank; i++) {
        if (dims[i] == 0) return tool_fail("%s: dimension %zu is 0, so it holds nothing", name, i + 1);
        if (i > 0 && cols > SIZE_MAX / sizeof(double) / dims[i]) {
            return tool_fail("%s: its dimensions are more than memory can address", name);
        }
        if (i > 0) cols *= dims[i];
    }
    if (dims[0] > SIZE_MAX / sizeof(double) / cols) {
        return tool_fail("%s: its dimensions are more than memory can address", name);
    }
    out->rows = dims[0];
    out->cols = cols;
    if (rank == 3) out->image = (struct image_shape){1, dims[1], dims[2]};
    return TOOL_OK;
}

int tool_data_reserve(const char *name, float **values, size_t *capacity, size_t needed) {
    if (needed <= *capacity) return TOOL_OK;
    size_t count = *capacity < CHUNK ? CHUNK : *capacity;
    while (count < needed) count = count > SIZE_MAX / 2 ? needed : count * 2;
    float *grown = count > SIZE_MAX / sizeof *grown ? NULL : realloc(*values, count * sizeof *grown);
    if (grown == NULL) return tool_fail("%s: no memory for %zu numbers", name, count);
    *values = grown;
    *capacity = count;
    return TOOL_OK;
}

/* IEEE 754 half: sign, 5 bits of exponent, 10 of fraction. */
static double half_value(uint64_t bits) {
    int exponent = (int)(bits >> 10 & 31);
    double fraction = (double)(bits & 1023);
    double size = exponent == 0 ? ldexp(fraction, -24) : ldexp(fraction + 1024.0, exponent - 25);
    if (exponent == 31) size = fraction != 0.0 ? (double)NAN : (double)INFINITY;
    return (bits >> 15) != 0 ? -size : size;
}

static double float_value(uint64_t bits, size_t size) {
    if (size == 2) return half_value(bits);
    double wide;
    float narrow;
    uint32_t low = (uint32_t)bits;
    memcpy(&wide, &bits, sizeof wide);
    memcpy(&narrow, &low, sizeof narrow);
    return size == 4 ? (double)narrow : wide;
}

/* Two's complement of `size` bytes, rounded once. */
static float signed_value(uint64_t bits, size_t size) {
    uint64_t sign = (uint64_t)1 << (8 * size - 1);
    return (bits & sign) == 0 ? (float)bits : -(float)((~bits & (sign - 1)) + 1);
}

static float element_value(const struct element *element, const unsigned char *bytes) {
    uint64_t bits = 0;
    for (size_t i = 0; i < element->size; i++) {
        bits = bits << 8 | bytes[element->big_endian ? i : element->size - 1 - i];
    }
    if (element->kind == 'f') return (float)float_value(bits, element->size);
    if (element->kind == 'i') return signed_value(bits, element->size);
    if (element->kind == 'b') return bits != 0 ? 1.0f : 0.0f;
    return element->divisor == 1.0 ? (float)bits : (float)((double)bits / element->divisor);
}

static int check_size(const struct source *source, const struct element *element, const struct data *data) {
    uint64_t count = (uint64_t)data->rows * data->cols;
    if (!source->size_known) return TOOL_OK;
    uint64_t left = source->size - source->taken;
    if (count * element->size <= left) return TOOL_OK;
    return tool_fail("%s: its header declares %zu rows of %zu numbers, %llu bytes, but only %llu follow", source->name,
                     data->rows, data->cols, (unsigned long long)(count * element->size), (unsigned long long)left);
}

int tool_data_elements(struct source *source, const struct element *element, struct data *out) {
    unsigned char bytes[CHUNK * 8];
    size_t total = out->rows * out->cols, capacity = 0;
    int status = check_size(source, element, out);
    if (status == TOOL_OK && source->size_known) {
        status = tool_data_reserve(source->name, &out->values, &capacity, total);
    }
    for (size_t done = 0; status == TOOL_OK && done < total;) {
        size_t wanted = total - done < CHUNK ? total - done : CHUNK;
        size_t count = tool_source_read(source, bytes, wanted * element->size) / element->size;
        if (source->failed) return TOOL_FAILED;
        status = tool_data_reserve(source->name, &out->values, &capacity, done + count);
        if (status != TOOL_OK) return status;
        for (size_t i = 0; i < count; i++) out->values[done + i] = element_value(element, bytes + i * element->size);
        done += count;
        if (count < wanted) {
            return tool_fail("%s: ends in row %zu of the %zu that its header declares", source->name,
                             done / out->cols + 1, out->rows);
        }
    }
    return status == TOOL_OK ? tool_source_expect_end(source) : status;
}
