/* data_idx.c - IDX, the format of MNIST (LeCun): two zero bytes, a type, the number of dimensions, each dimension
 * and the elements, all big-endian. */
#include "data.h"

struct idx_type {
    unsigned char code;
    struct element element;
};

static const struct idx_type idx_types[] = {
    {0x08, {'u', 1, true, 1.0, false}}, {0x09, {'i', 1, true, 1.0, false}}, {0x0B, {'i', 2, true, 1.0, false}},
    {0x0C, {'i', 4, true, 1.0, false}}, {0x0D, {'f', 4, true, 1.0, false}}, {0x0E, {'f', 8, true, 1.0, false}},
};

int tool_idx_read(struct source *source, const struct data_options *options, struct data *out) {
    unsigned char start[4], size[4];
    size_t dims[DIMS_MAX];
    const struct idx_type *type = NULL;
    if (tool_source_read(source, start, 4) != 4) {
        return source->failed ? TOOL_FAILED : tool_fail("%s: is too short to be IDX", source->name);
    }
    for (size_t i = 0; i < sizeof idx_types / sizeof *idx_types; i++) {
        if (idx_types[i].code == start[2]) type = &idx_types[i];
    }
    if (type == NULL || start[3] == 0 || start[3] > 8) {
        return tool_fail("%s: is not .npy, IDX or CSV (it begins with bytes %02x %02x %02x %02x)", source->name,
                         (unsigned)start[0], (unsigned)start[1], (unsigned)start[2], (unsigned)start[3]);
    }
    for (size_t i = 0; i < start[3]; i++) {
        if (tool_source_read(source, size, 4) != 4) {
            return source->failed ? TOOL_FAILED : tool_fail("%s: ends within its dimensions", source->name);
        }
        dims[i] = (size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | (size_t)size[3];
    }
    int status = tool_data_shape(source->name, dims, start[3], out);
    if (status != TOOL_OK) return status;
    struct element element = type->element;
    if (element.kind == 'u' && !options->raw_bytes) element.divisor = 255.0;
    return tool_data_elements(source, &element, options, out);
}
