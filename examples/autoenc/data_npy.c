/* data_npy.c - NumPy's .npy, versions 1 to 3: a magic, a version, the length of a header, the header (a Python
 * dictionary with 'descr', 'fortran_order' and 'shape'), the elements. Pickled objects and records are refused. */
#include "data.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 65536 };

struct npy {
    const char *name;
    const char *at; /* in the header, NUL-terminated */
    struct element element;
    bool fortran, have_type, have_order, have_shape;
    size_t dims[DIMS_MAX];
    size_t rank;
};

static int fail_header(const struct npy *npy) {
    return tool_fail("%s: its .npy header is damaged near '%.20s'", npy->name, npy->at);
}

static void skip_blanks(struct npy *npy) {
    while (*npy->at == ' ' || *npy->at == '\n' || *npy->at == '\t') npy->at++;
}

static bool skip(struct npy *npy, char expected) {
    skip_blanks(npy);
    if (*npy->at != expected) return false;
    npy->at++;
    return true;
}

/* A quoted word without escapes, into out of size bytes. */
static bool read_word(struct npy *npy, char *out, size_t size) {
    char quote = '\'';
    if (!skip(npy, '\'')) {
        quote = '"';
        if (!skip(npy, '"')) return false;
    }
    size_t length = 0;
    while (*npy->at != quote) {
        if (*npy->at == '\0' || length + 1 >= size) return false;
        out[length++] = *npy->at++;
    }
    npy->at++;
    out[length] = '\0';
    return true;
}

static int read_type(struct npy *npy) {
    char type[32];
    if (!read_word(npy, type, sizeof type)) {
        return tool_fail("%s: holds records, not numbers of one type", npy->name);
    }
    char order = type[0] != '\0' ? type[0] : '?';
    char kind = order != '?' ? type[1] : '?';
    size_t size = kind != '?' && kind != '\0' && strlen(type) == 3 ? (size_t)(type[2] - '0') : 0;
    bool whole = (kind == 'i' || kind == 'u') && (size == 1 || size == 2 || size == 4 || size == 8);
    bool real = kind == 'f' && (size == 2 || size == 4 || size == 8);
    bool truth = kind == 'b' && size == 1;
    if (strchr("<>|=", order) == NULL || !(whole || real || truth)) {
        return tool_fail("%s: its type '%s' is not supported; known: f2, f4, f8, i1 to i8, u1 to u8, b1", npy->name,
                         type);
    }
    npy->element = (struct element){.kind = kind, .size = size, .big_endian = order == '>', .divisor = 1.0};
    npy->have_type = true;
    return TOOL_OK;
}

static int read_order(struct npy *npy) {
    skip_blanks(npy);
    npy->fortran = strncmp(npy->at, "True", 4) == 0;
    if (!npy->fortran && strncmp(npy->at, "False", 5) != 0) return fail_header(npy);
    npy->at += npy->fortran ? 4 : 5;
    npy->have_order = true;
    return TOOL_OK;
}

static int read_shape(struct npy *npy) {
    if (!skip(npy, '(')) return fail_header(npy);
    while (!skip(npy, ')')) {
        size_t value = 0;
        if (*npy->at < '0' || *npy->at > '9') return fail_header(npy);
        if (npy->rank == DIMS_MAX) return tool_fail("%s: has more than %d dimensions", npy->name, (int)DIMS_MAX);
        for (; *npy->at >= '0' && *npy->at <= '9'; npy->at++) {
            size_t digit = (size_t)(*npy->at - '0');
            if (value > (SIZE_MAX - digit) / 10) {
                return tool_fail("%s: a dimension is more than memory can address", npy->name);
            }
            value = value * 10 + digit;
        }
        if (*npy->at == 'L') npy->at++; /* Python 2 wrote long integers so */
        npy->dims[npy->rank++] = value;
        if (!skip(npy, ',') && *npy->at != ')') return fail_header(npy);
    }
    npy->have_shape = true;
    return TOOL_OK;
}

static int read_dictionary(struct npy *npy) {
    if (!skip(npy, '{')) return fail_header(npy);
    while (!skip(npy, '}')) {
        char key[32];
        int status = TOOL_OK;
        if (!read_word(npy, key, sizeof key) || !skip(npy, ':')) return fail_header(npy);
        if (strcmp(key, "descr") == 0 && !npy->have_type)
            status = read_type(npy);
        else if (strcmp(key, "fortran_order") == 0 && !npy->have_order)
            status = read_order(npy);
        else if (strcmp(key, "shape") == 0 && !npy->have_shape)
            status = read_shape(npy);
        else
            status = fail_header(npy);
        if (status != TOOL_OK) return status;
        if (!skip(npy, ',') && *npy->at != '}') return fail_header(npy);
    }
    if (npy->have_type && npy->have_order && npy->have_shape) return TOOL_OK;
    return tool_fail("%s: its .npy header lacks 'descr', 'fortran_order' or 'shape'", npy->name);
}

/* The header as text from malloc; NULL after a failure that was reported. */
static char *read_header(struct source *source) {
    unsigned char start[12];
    if (tool_source_read(source, start, 8) != 8) goto cut;
    size_t wide = start[6] == 1 ? 2 : 4;
    if (start[6] < 1 || start[6] > 3) {
        (void)tool_fail("%s: is .npy version %u; known: 1, 2, 3", source->name, (unsigned)start[6]);
        return NULL;
    }
    if (tool_source_read(source, start + 8, wide) != wide) goto cut;
    size_t length = 0;
    for (size_t i = wide; i-- > 0;) length = length << 8 | start[8 + i];
    if (length > HEADER_MAX) {
        (void)tool_fail("%s: its .npy header claims %zu bytes", source->name, length);
        return NULL;
    }
    char *header = tool_allocate(source->name, length + 1, 1);
    if (header == NULL) return NULL;
    header[length] = '\0';
    if (tool_source_read(source, header, length) == length) return header;
    free(header);
cut:
    if (!source->failed) (void)tool_fail("%s: ends within its .npy header", source->name);
    return NULL;
}

/* Fortran order: index = i0 + d0 (i1 + d1 (i2 + ...)). Turns it into C order. */
static int reorder(const struct npy *npy, struct data *data) {
    size_t total = data->rows * data->cols;
    float *out = tool_allocate(npy->name, total, sizeof *out);
    if (out == NULL) return TOOL_FAILED;
    for (size_t i = 0; i < total; i++) {
        size_t rest = i, to = 0;
        for (size_t axis = 0; axis < npy->rank; axis++) {
            size_t after = 1;
            for (size_t later = axis + 1; later < npy->rank; later++) after *= npy->dims[later];
            to += rest % npy->dims[axis] * after;
            rest /= npy->dims[axis];
        }
        out[to] = data->values[i];
    }
    free(data->values);
    data->values = out;
    return TOOL_OK;
}

int tool_npy_read(struct source *source, const struct data_options *options, struct data *out) {
    struct npy npy = {.name = source->name};
    char *header = read_header(source);
    if (header == NULL) return TOOL_FAILED;
    npy.at = header;
    int status = read_dictionary(&npy);
    free(header);
    npy.at = "";
    if (status == TOOL_OK) status = tool_data_shape(source->name, npy.dims, npy.rank, out);
    npy.element.column_major = npy.fortran && npy.rank > 1;
    if (npy.element.kind == 'u' && npy.element.size == 1 && !options->raw_bytes) npy.element.divisor = 255.0;
    if (status == TOOL_OK && npy.element.column_major && npy.rank > 2 && options->offset != NULL) {
        status = tool_fail("%s: --offset is not for Fortran order of more than two dimensions", source->name);
    }
    if (status == TOOL_OK) status = tool_data_elements(source, &npy.element, options, out);
    if (status == TOOL_OK && npy.fortran && npy.rank > 1) status = reorder(&npy, out);
    return status;
}
