/* safetensors.h - plain tensors under names, with text metadata.
 *
 * u64 little-endian header length; a JSON header {"name": {"dtype", "shape", "data_offsets"}, ..., "__metadata__":
 * {text: text}}; one byte buffer. The reader trusts nothing: header at most 100 MB and inside the file, first byte
 * '{', no duplicate names, known types, shapes multiplied with overflow checks, tensors sorted by offset contiguous
 * from 0 to the last byte of the file, bytes equal to shape times type. It works on bytes in memory and copies
 * nothing; whoever owns the bytes keeps them alive.
 */
#ifndef AENC_IO_SAFETENSORS_H
#define AENC_IO_SAFETENSORS_H

#include "io/file.h"
#include "io/json.h"

enum tensor_type {
    TENSOR_F64,
    TENSOR_F32,
    TENSOR_F16,
    TENSOR_BF16,
    TENSOR_I64,
    TENSOR_I32,
    TENSOR_I16,
    TENSOR_I8,
    TENSOR_U8,
    TENSOR_U16,
    TENSOR_U32,
    TENSOR_U64,
    TENSOR_BOOL
};

enum { TENSOR_RANK_MAX = 8, SAFETENSORS_HEADER_MAX = 100000000 };

struct tensor_entry {
    const char *name;
    enum tensor_type type;
    int rank;
    uint64_t dim[TENSOR_RANK_MAX];
    uint64_t count;             /* elements */
    const unsigned char *bytes; /* little-endian, not aligned */
    uint64_t size;              /* bytes */
};

struct safetensors {
    struct arena arena;
    struct tensor_entry *tensor; /* sorted by offset */
    size_t tensor_count;
    const struct tensor_entry **by_name; /* the same, sorted by name */
    const struct json *metadata;         /* object of texts; NULL: none */
};

/* AENC_ERR_FORMAT with what is wrong and where (tensor name, offset). `what` names the source ("model.safetensors"). On
 * success the caller ends with aenc_safetensors_free; on failure there is nothing to free. */
aenc_status aenc_safetensors_read(aenc_context *ctx, const void *bytes, size_t size, const char *what,
                                  struct safetensors *out);
void aenc_safetensors_free(struct safetensors *file);
const struct tensor_entry *aenc_safetensors_find(const struct safetensors *file, const char *name);
const char *aenc_safetensors_metadata(const struct safetensors *file, const char *key); /* NULL: none */
/* Converts F32, F16, BF16 (and F64, rounded) to float. AENC_ERR_UNSUPPORTED for other types, by name; AENC_ERR_SHAPE
 * when count is not the tensor's. */
aenc_status aenc_tensor_entry_floats(aenc_context *ctx, const struct tensor_entry *entry, float *out, size_t count);

/* The writer: the caller states tensors and metadata, and receives the pieces of the file. Tensors are laid out by type in
 * descending alignment, then by name, and the header is padded to 8 bytes: the bytes are those of the reference
 * writer. */
struct tensor_source {
    const char *name;
    enum tensor_type type;
    int rank;
    uint64_t dim[TENSOR_RANK_MAX];
    const void *values; /* native byte order, dense; may be NULL when there are no elements */
};
struct metadata_entry {
    const char *key, *text;
};
/* A file that is not assembled: its pieces refer to the header and to the caller's values. */
struct safetensors_draft {
    struct arena arena;
    unsigned char *header;    /* the length in front and the blanks behind it; may be changed where its length stays */
    size_t header_size, size; /* bytes; of the whole file */
    struct file_piece *piece; /* the header, then one for each tensor, in the order of the file */
    const struct tensor_source **tensor; /* in that order */
    size_t piece_count;
};
/* AENC_ERR_ARGUMENT for a name that is there twice, is not UTF-8 or is "__metadata__", and for a rank above 8;
 * AENC_ERR_SHAPE for sizes that overflow. On failure there is nothing to free. */
aenc_status aenc_safetensors_draft(aenc_context *ctx, const struct tensor_source *tensor, size_t tensor_count,
                                   const struct metadata_entry *metadata, size_t metadata_count,
                                   struct safetensors_draft *out);
void aenc_safetensors_draft_free(struct safetensors_draft *draft);
const char *aenc_tensor_type_name(enum tensor_type type); /* "F32" */
uint64_t aenc_tensor_type_size(enum tensor_type type);    /* bytes of an element */

#endif
