/* shape_layers.c - the numbers of a row in other axes. */
#include <inttypes.h>

#include "layer/layer.h"

/* A reshape to the dimensions of `in`. */
static struct json *mirror(aenc_context *ctx, struct arena *arena, const struct json *spec, const struct shape *in) {
    (void)spec;
    if (in->rank == 0) {
        aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "a row without an axis cannot be mirrored");
        return NULL;
    }
    struct json *reshape = aenc_layer_spec_new(arena, "reshape");
    struct json *dims = aenc_json_add(arena, reshape, "dims", JSON_ARRAY);
    for (int i = 0; i < in->rank; i++) aenc_json_add_number(arena, dims, NULL, (double)in->dim[i]);
    return reshape;
}

static const struct setting_rule reshape_rules[] = {
    {.name = "dims", .kind = SETTING_SIZES, .required = true, .low = 1, .high = 2147483647},
    {.name = NULL},
};

static struct node *reshape_record(struct site *site, const struct json *spec, struct node *x) {
    int64_t dims[6], product = 1;
    int rank = aenc_setting_sizes(spec, reshape_rules, "dims", dims);
    int64_t size = aenc_node_row_size(x);
    bool fits = rank < RANK_MAX;
    for (int i = 0; i < rank && fits; i++) {
        fits = dims[i] <= size / product;
        product *= dims[i];
    }
    if (fits && product == size) return aenc_op_reshape(site->tape, x, dims, rank);
    char text[SHAPE_TEXT];
    aenc_tape_fail(site->tape, AENC_ERR_SHAPE,
                   "layer 'reshape': a row of shape %s has %" PRId64
                   " numbers; 'dims' must multiply to that, and be at most %d",
                   aenc_shape_text(x, text), size, RANK_MAX - 1);
    return NULL;
}

const struct layer_type aenc_layer_reshape = {"reshape", reshape_rules, MIRROR_BLOCK, NULL, reshape_record, mirror};

static const struct setting_rule flatten_rules[] = {{.name = NULL}};

static struct node *flatten_record(struct site *site, const struct json *spec, struct node *x) {
    (void)spec;
    return aenc_op_flatten(site->tape, x);
}

const struct layer_type aenc_layer_flatten = {"flatten", flatten_rules, MIRROR_BLOCK, NULL, flatten_record, mirror};
