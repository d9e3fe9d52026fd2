/* data.c - which reader a file gets, and what binary formats have in common. */
#include "data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data_columns.h"
#include "number.h"

enum { CHUNK = 8192 }; /* elements decoded at a time */

static bool ends_with(const char *text, const char *tail) {
    size_t length = strlen(text), tail_length = strlen(tail);
    return length >= tail_length && strcmp(text + length - tail_length, tail) == 0;
}

static int read_source(struct source *source, const struct data_options *options, struct data *out) {
    size_t count = 0;
    const unsigned char *start = tool_source_peek(source, 6, &count);
    if (source->failed) return TOOL_FAILED;
    if (count == 0) return tool_fail("%s: is empty", source->name);
    if (count >= 4 && (memcmp(start, "PK\3\4", 4) == 0 || memcmp(start, "PK\5\6", 4) == 0)) {
        return tool_npz_read(source, options, out);
    }
    if (options->array != NULL) return tool_usage("--array %s: %s is no .npz archive", options->array, source->name);
    if (count >= 6 && memcmp(start, "\x93NUMPY", 6) == 0) return tool_npy_read(source, options, out);
    if (ends_with(source->name, ".npy")) return tool_fail("%s: does not begin like a .npy file", source->name);
    if (ends_with(source->name, ".npz")) return tool_fail("%s: does not begin like a .npz file", source->name);
    if (start[0] == 0 && (count < 2 || start[1] == 0)) return tool_idx_read(source, options, out);
    return tool_csv_read(source, options, out);
}

/* Bytes that are 0 and 1 were hardly meant to become 0 and 1 / 255. */
static void tell_bits(const struct data *data) {
    size_t i = 0, count = data->rows * data->cols;
    while (i < count && data->values[i] <= 1.0F / 255) i++;
    if (i == count) tool_note("%s: its bytes are 0 or 1, and were divided by 255; --u8 raw keeps them", data->name);
}

/* What was chosen while a text was read is done for a binary file here. */
static int finish(const struct data_options *options, struct data *out) {
    struct columns columns;
    if (out->typed != NULL) return TOOL_OK;
    if (!out->text && (options->columns != NULL || options->drop != NULL)) {
        int status = tool_columns_choose(options, out->name, NULL, out->cols, &columns);
        if (status != TOOL_OK) return status;
        status = tool_columns_apply(&columns, out);
        tool_columns_free(&columns);
        if (status != TOOL_OK) return status;
    }
    if (!out->text && options->verbose) {
        tool_note("%s: binary; %zu rows, %zu columns%s", out->name, out->rows, out->cols,
                  out->unit ? "; unsigned bytes are divided by 255, --u8 raw keeps them" : "");
    }
    if (out->unit) tell_bits(out);
    return tool_missing_fill(options, out);
}

const char *tool_array_of(const char *path) {
    const char *colon = strrchr(path, ':');
    bool archive = colon != NULL && colon - path >= 4 && memcmp(colon - 4, ".npz", 4) == 0;
    return archive && access(path, F_OK) != 0 ? colon + 1 : NULL;
}

/* The path of the archive, from malloc; *array: the name behind it. NULL: an ordinary file. */
static char *split_array(const char *path, const char **array) {
    const char *name = tool_array_of(path);
    size_t length = name != NULL ? (size_t)(name - 1 - path) : 0;
    char *archive = name != NULL ? tool_allocate(path, length + 1, 1) : NULL;
    if (name == NULL) return NULL;
    if (archive != NULL) memcpy(archive, path, length);
    *array = name;
    return archive;
}

int tool_data_read(const char *path, const struct data_options *options, struct data *out) {
    struct source source;
    struct data_options how = *options;
    char *archive = split_array(path, &how.array);
    *out = (struct data){.name = path};
    int status = tool_source_open(&source, archive != NULL ? archive : path);
    if (status == TOOL_OK) {
        if (archive == NULL) out->name = source.name;
        status = read_source(&source, &how, out);
        tool_source_close(&source);
        if (status == TOOL_OK) status = finish(&how, out);
        if (status != TOOL_OK) tool_data_free(out);
    }
    free(archive);
    return status;
}

void tool_data_free(struct data *data) {
    free(data->values);
    free(data->typed);
    free(data->names);
    free(data->places);
    data->values = NULL;
    data->typed = NULL;
    data->names = NULL;
    data->places = NULL;
}

int tool_data_fits(const struct data *data, const char *option, const char *whose, size_t wanted) {
    if (wanted == 0 || data->cols == wanted) return TOOL_OK;
    const char *hint = "";
    if (data->flat)
        hint = "; an array of one dimension is rows of one number";
    else if (data->text && data->cols == 1)
        hint = "; a separator may not have been found, see --separator and -v";
    bool named = option != NULL;
    return tool_fail("%s%s%s%s: has rows of %zu number%s, and %s takes rows of %zu%s", named ? "--" : "",
                     named ? option : "", named ? " " : "", data->name, data->cols, data->cols == 1 ? "" : "s", whose,
                     wanted, hint);
}

aenc_matrix tool_data_matrix(const struct data *data) {
    return (aenc_matrix){.data = data->values, .rows = data->rows, .cols = data->cols};
}

const char *tool_data_header_hint(const struct data *labels, size_t rows) {
    if (!labels->text) return "";
    if (labels->header && labels->rows + 1 == rows) return "; its first line was read as a header: --labels-header no";
    if (!labels->header && labels->rows == rows + 1) return "; if its first line is a header: --labels-header yes";
    return "";
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
    out->flat = rank == 1;
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

/* The same before it is rounded to float; 64-bit integers beyond 2^53 are rounded to double here. */
static double element_wide(const struct element *element, const unsigned char *bytes) {
    uint64_t bits = 0;
    for (size_t i = 0; i < element->size; i++) {
        bits = bits << 8 | bytes[element->big_endian ? i : element->size - 1 - i];
    }
    uint64_t sign = (uint64_t)1 << (8 * element->size - 1);
    if (element->kind == 'f') return float_value(bits, element->size);
    if (element->kind == 'i') return (bits & sign) == 0 ? (double)bits : -(double)((~bits & (sign - 1)) + 1);
    if (element->kind == 'b') return bits != 0 ? 1.0 : 0.0;
    return (double)bits / element->divisor;
}

static int check_size(const struct source *source, const struct element *element, const struct data *data) {
    uint64_t count = (uint64_t)data->rows * data->cols;
    if (!source->size_known) return TOOL_OK;
    uint64_t left = source->size - source->taken;
    if (count * element->size <= left) return TOOL_OK;
    return tool_fail("%s: its header declares %zu rows of %zu numbers, %llu bytes, but only %llu follow", source->name,
                     data->rows, data->cols, (unsigned long long)(count * element->size), (unsigned long long)left);
}

/* How elements become the floats of a table. */
struct intake {
    const struct element *element;
    struct columns columns; /* count 0: all, nothing subtracted */
    struct watch *watch;    /* (cols); NULL: the elements are no wider than a float */
    struct data *out;
};

static int begin_intake(struct intake *intake, const struct data_options *options) {
    const struct element *element = intake->element;
    struct data *out = intake->out;
    bool wide = element->size == 8 || (element->size == 4 && element->kind != 'f');
    if (options->offset != NULL) {
        int status = tool_columns_choose(options, out->name, NULL, out->cols, &intake->columns);
        if (status != TOOL_OK) return status;
    }
    if (!wide && options->offset == NULL) return TOOL_OK;
    intake->watch = tool_allocate(out->name, out->cols, sizeof *intake->watch);
    return intake->watch != NULL ? TOOL_OK : TOOL_FAILED;
}

/* Element i, counted as the file has them. What is infinite or NaN is found later. */
static int take_element(struct intake *intake, const unsigned char *bytes, size_t i) {
    struct data *out = intake->out;
    if (intake->watch == NULL) {
        out->values[i] = element_value(intake->element, bytes);
        return TOOL_OK;
    }
    bool column_major = intake->element->column_major;
    size_t row = column_major ? i % out->rows : i / out->cols, col = column_major ? i / out->rows : i % out->cols;
    double value = element_wide(intake->element, bytes);
    bool shifted = intake->columns.offset != NULL;
    if (shifted) value -= intake->columns.offset[col];
    float rounded = (float)value;
    int number = isfinite(value) ? tool_watch_round(&intake->watch[col], value, &rounded) : (int)NUMBER_OK;
    if (number == (int)NUMBER_TINY) {
        return tool_fail("%s: %s: %s is too small for a float32, which would make it 0", out->name,
                         tool_cell_text(out, row, col).text, tool_value(value).text);
    }
    out->values[i] = shifted ? rounded : element_value(intake->element, bytes);
    return TOOL_OK;
}

static int take_elements(struct source *source, struct intake *intake) {
    unsigned char bytes[CHUNK * 8];
    struct data *out = intake->out;
    size_t size = intake->element->size, total = out->rows * out->cols, capacity = 0;
    int status = check_size(source, intake->element, out);
    if (status == TOOL_OK && source->size_known) {
        status = tool_data_reserve(source->name, &out->values, &capacity, total);
    }
    for (size_t done = 0; status == TOOL_OK && done < total;) {
        size_t wanted = total - done < CHUNK ? total - done : CHUNK;
        size_t count = tool_source_read(source, bytes, wanted * size) / size;
        if (source->failed) return TOOL_FAILED;
        status = tool_data_reserve(source->name, &out->values, &capacity, done + count);
        for (size_t i = 0; status == TOOL_OK && i < count; i++) {
            status = take_element(intake, bytes + i * size, done + i);
        }
        if (status != TOOL_OK) return status;
        done += count;
        if (count < wanted) {
            return tool_fail("%s: ends in %s of the %zu that its header declares", source->name,
                             tool_row_text(done / out->cols).text, out->rows);
        }
    }
    return status == TOOL_OK ? tool_source_expect_end(source) : status;
}

/* ---- Integers as they are ---- */

/* Elements of up to one byte without sign stay bytes, others become int32, where they fit. */
static int take_typed(struct source *source, const struct element *element, bool byte, struct data *out) {
    unsigned char bytes[CHUNK * 8];
    size_t size = element->size, total = out->rows * out->cols, item = byte ? 1 : sizeof(int32_t), room = 0;
    int status = check_size(source, element, out);
    for (size_t done = 0; status == TOOL_OK && done < total;) {
        size_t wanted = total - done < CHUNK ? total - done : CHUNK;
        if (done + wanted > room) {
            room = source->size_known || room > total / 2 ? total : 2 * room + CHUNK; /* no more than what arrives */
            void *grown = realloc(out->typed, room * item);
            if (grown == NULL) return tool_fail("%s: no memory for %zu bytes", source->name, room * item);
            out->typed = grown;
        }
        size_t count = tool_source_read(source, bytes, wanted * size) / size;
        for (size_t i = 0; i < count; i++) {
            double value = byte ? 0.0 : element_wide(element, bytes + i * size);
            if (byte) {
                bool truth = element->kind == 'b' && bytes[i] != 0;
                ((uint8_t *)out->typed)[done + i] = truth ? 1 : bytes[i];
            } else if (value >= INT32_MIN && value <= INT32_MAX) {
                ((int32_t *)out->typed)[done + i] = (int32_t)value;
            } else {
                return tool_fail("%s: %s is %s, and whole numbers of a field are from -2147483648 to 2147483647",
                                 source->name, tool_cell_text(out, (done + i) / out->cols, (done + i) % out->cols).text,
                                 tool_value(value).text);
            }
        }
        if (source->failed) return TOOL_FAILED;
        done += count;
        if (count < wanted) {
            return tool_fail("%s: ends in %s of the %zu that its header declares", source->name,
                             tool_row_text(done / out->cols).text, out->rows);
        }
    }
    out->type = byte ? AENC_TYPE_U8 : AENC_TYPE_I32;
    return status == TOOL_OK ? tool_source_expect_end(source) : status;
}

int tool_data_elements(struct source *source, const struct element *element, const struct data_options *options,
                       struct data *out) {
    if (options->typed && element->kind != 'f' && !element->column_major) {
        bool byte = element->size == 1 && element->kind != 'i' && !options->raw_bytes;
        struct element plain = *element;
        plain.divisor = 1.0;
        return take_typed(source, &plain, byte, out);
    }
    struct intake intake = {.element = element, .out = out};
    out->unit = element->divisor > 1.0;
    int status = begin_intake(&intake, options);
    if (status == TOOL_OK) status = take_elements(source, &intake);
    if (status == TOOL_OK && intake.watch != NULL) tool_watch_report(intake.watch, out);
    tool_columns_free(&intake.columns);
    free(intake.watch);
    return status;
}
