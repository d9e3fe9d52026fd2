/* parts.c - tensors of a file that belong to entries of a model. */
#include "train/parts.h"

#include "io/bytes.h"
#include "io/message_text.h"

static const enum tensor_type number_type = sizeof(num) == 8 ? TENSOR_F64 : TENSOR_F32;

void aenc_part_source(const struct part *part, struct tensor_source *source) {
    const struct shape *shape = &part->entry->shape;
    source->name = part->name;
    source->type = number_type;
    source->rank = shape->rank;
    for (int i = 0; i < shape->rank; i++) source->dim[i] = (uint64_t)shape->dim[i];
    source->values = part->values;
}

/* Every value what its entry takes, means of squares not negative. */
static aenc_status values_check(aenc_context *ctx, const char *what, const struct part *part,
                                const struct tensor_entry *tensor) {
    enum { PIECE = 256 };
    num values[PIECE];
    for (int64_t at = 0, now; at < part->entry->count; at += now) {
        now = part->entry->count - at < PIECE ? part->entry->count - at : PIECE;
        aenc_bytes_copy_little(values, tensor->bytes + (size_t)at * sizeof *values, (size_t)now, sizeof *values);
        for (int64_t i = 0; i < now; i++)
            if (!aenc_entry_takes(part->entry, (double)values[i]) || (part->squares && values[i] < 0))
                return aenc_fail(ctx, AENC_ERR_FORMAT, "%s: '%s'%s is %s", what, part->name,
                                 aenc_element(part->entry->shape.dim, part->entry->shape.rank, at + i).text,
                                 aenc_shown_num(values[i]).text);
    }
    return AENC_OK;
}

aenc_status aenc_part_find(aenc_context *ctx, const char *what, const struct safetensors *file, const struct part *part,
                           const struct tensor_entry **out) {
    const struct tensor_entry *tensor = *out = aenc_safetensors_find(file, part->name);
    const struct shape *shape = &part->entry->shape;
    bool good = tensor != NULL && tensor->type == number_type && tensor->rank == shape->rank;
    for (int i = 0; good && i < shape->rank; i++) good = tensor->dim[i] == (uint64_t)shape->dim[i];
    if (good) return values_check(ctx, what, part, tensor);
    return aenc_fail(ctx, AENC_ERR_FORMAT, "%s: tensor '%s' is not there in the model's shape, %s", what, part->name,
                     aenc_dims(shape->dim, shape->rank, false).text);
}
