/* safetensors.c - the reader: header to JSON, JSON to entries, entries against the buffer they claim to fill. */
#include "io/safetensors.h"

#include <string.h>

#include "io/bytes.h"
#include "io/message_text.h"
#include "io/sort.h"

enum { PREFIX = 8 }; /* bytes of the header's length */
/* Values inside a tensor's entry: three members, the dimensions, two offsets, and some to be refused with a better
 * message; and texts of metadata. */
enum { ENTRY_VALUES = 4 * TENSOR_RANK_MAX, METADATA_MAX = 65536 };
#define METADATA "__metadata__"

struct reader {
    aenc_context *ctx;
    const char *what;
    const unsigned char *data; /* the byte buffer behind the header */
    uint64_t data_size;
    struct safetensors *file;
    size_t capacity; /* of file->tensor */
};

/* ---- Types ---- */

struct type_fact {
    const char *name;
    uint64_t size;
};

static const struct type_fact types[] = {
    [TENSOR_F64] = {"F64", 8},   [TENSOR_F32] = {"F32", 4}, [TENSOR_F16] = {"F16", 2}, [TENSOR_BF16] = {"BF16", 2},
    [TENSOR_I64] = {"I64", 8},   [TENSOR_I32] = {"I32", 4}, [TENSOR_I16] = {"I16", 2}, [TENSOR_I8] = {"I8", 1},
    [TENSOR_U8] = {"U8", 1},     [TENSOR_U16] = {"U16", 2}, [TENSOR_U32] = {"U32", 4}, [TENSOR_U64] = {"U64", 8},
    [TENSOR_BOOL] = {"BOOL", 1},
};

enum { TYPES = sizeof types / sizeof *types };

const char *aenc_tensor_type_name(enum tensor_type type) { return types[type].name; }

uint64_t aenc_tensor_type_size(enum tensor_type type) { return types[type].size; }

/* ---- One tensor ---- */

static aenc_status fail_tensor(const struct reader *reader, const char *name, const char *problem) {
    return aenc_fail(reader->ctx, AENC_ERR_FORMAT, "%s: tensor '%s': %s", reader->what, aenc_quoted(name).text,
                     problem);
}

static aenc_status read_type(const struct reader *reader, const struct json *dtype, struct tensor_entry *entry) {
    if (dtype->kind != JSON_TEXT) return fail_tensor(reader, entry->name, "'dtype' is not a text");
    for (int type = 0; type < TYPES; type++) {
        if (strcmp(types[type].name, dtype->text) != 0) continue;
        entry->type = (enum tensor_type)type;
        return AENC_OK;
    }
    return aenc_fail(reader->ctx, AENC_ERR_FORMAT, "%s: tensor '%s': unknown type '%s'", reader->what,
                     aenc_quoted(entry->name).text, aenc_quoted(dtype->text).text);
}

static aenc_status read_shape(const struct reader *reader, const struct json *shape, struct tensor_entry *entry) {
    if (shape->kind != JSON_ARRAY) return fail_tensor(reader, entry->name, "'shape' is not an array");
    if (shape->count > TENSOR_RANK_MAX)
        return aenc_fail(reader->ctx, AENC_ERR_FORMAT, "%s: tensor '%s': %zu dimensions; at most %d", reader->what,
                         aenc_quoted(entry->name).text, shape->count, TENSOR_RANK_MAX);
    for (const struct json *dim = shape->first; dim != NULL; dim = dim->next)
        if (!aenc_json_whole(dim, &entry->dim[entry->rank++]))
            return aenc_fail(reader->ctx, AENC_ERR_FORMAT,
                             "%s: tensor '%s': dimension %d is not a whole number below 2^53", reader->what,
                             aenc_quoted(entry->name).text, entry->rank - 1);
    if (!aenc_shape_extent(entry->dim, entry->rank, types[entry->type].size, &entry->count, &entry->size))
        return fail_tensor(reader, entry->name, "the product of 'shape' overflows");
    return AENC_OK;
}

static aenc_status read_offsets(const struct reader *reader, const struct json *offsets, struct tensor_entry *entry) {
    uint64_t begin, end;
    if (offsets->kind != JSON_ARRAY || offsets->count != 2 || !aenc_json_whole(offsets->first, &begin) ||
        !aenc_json_whole(offsets->last, &end))
        return fail_tensor(reader, entry->name, "'data_offsets' is not an array of two whole numbers below 2^53");
    if (begin > end || end > reader->data_size)
        return aenc_fail(reader->ctx, AENC_ERR_FORMAT,
                         "%s: tensor '%s': data_offsets %llu to %llu are not a range in a buffer of %llu bytes",
                         reader->what, aenc_quoted(entry->name).text, (unsigned long long)begin,
                         (unsigned long long)end, (unsigned long long)reader->data_size);
    if (end - begin != entry->size)
        return aenc_fail(reader->ctx, AENC_ERR_FORMAT,
                         "%s: tensor '%s': data_offsets hold %llu bytes, shape and type need %llu", reader->what,
                         aenc_quoted(entry->name).text, (unsigned long long)(end - begin),
                         (unsigned long long)entry->size);
    entry->bytes = reader->data + begin;
    return AENC_OK;
}

static aenc_status read_tensor(const struct reader *reader, const struct json *member, struct tensor_entry *entry) {
    entry->name = member->key;
    const struct json *dtype = aenc_json_member(member, "dtype");
    const struct json *shape = aenc_json_member(member, "shape");
    const struct json *offsets = aenc_json_member(member, "data_offsets");
    if (dtype == NULL || shape == NULL || offsets == NULL || member->count != 3)
        return fail_tensor(reader, entry->name, "not an object of exactly 'dtype', 'shape' and 'data_offsets'");
    aenc_status status = read_type(reader, dtype, entry);
    if (status == AENC_OK) status = read_shape(reader, shape, entry);
    return status == AENC_OK ? read_offsets(reader, offsets, entry) : status;
}

/* ---- All of them ---- */

/* Empty tensors stand in front of the one that begins where they do. */
static int compare_offsets(const void *a, const void *b) {
    const struct tensor_entry *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? -1 : 1;
    if (x->size != y->size) return x->size < y->size ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* No holes, no overlaps, nothing behind the last: the same bytes cannot be two tensors, or something else besides. */
static aenc_status check_cover(const struct reader *reader, const struct safetensors *file) {
    uint64_t covered = 0;
    for (size_t i = 0; i < file->tensor_count; i++) {
        const struct tensor_entry *entry = &file->tensor[i];
        uint64_t begin = (uint64_t)(entry->bytes - reader->data);
        if (begin != covered)
            return aenc_fail(
                reader->ctx, AENC_ERR_FORMAT, "%s: tensor '%s' begins at byte %llu of the buffer, %s byte %llu",
                reader->what, aenc_quoted(entry->name).text, (unsigned long long)begin,
                begin < covered ? "inside the one that ends at" : "behind a hole from", (unsigned long long)covered);
        covered += entry->size;
    }
    if (covered == reader->data_size) return AENC_OK;
    return aenc_fail(reader->ctx, AENC_ERR_FORMAT, "%s: the tensors end at byte %llu of a buffer of %llu bytes",
                     reader->what, (unsigned long long)covered, (unsigned long long)reader->data_size);
}

static aenc_status check_metadata(const struct reader *reader, const struct json *metadata) {
    if (metadata->kind != JSON_OBJECT)
        return aenc_fail(reader->ctx, AENC_ERR_FORMAT, "%s: '__metadata__' is not an object", reader->what);
    for (const struct json *entry = metadata->first; entry != NULL; entry = entry->next)
        if (entry->kind != JSON_TEXT)
            return aenc_fail(reader->ctx, AENC_ERR_FORMAT, "%s: metadata '%s' is not a text", reader->what,
                             aenc_quoted(entry->key).text);
    return AENC_OK;
}

static int compare_names(const void *a, const void *b) {
    const struct tensor_entry *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static aenc_status fail_twice(const struct reader *reader, const char *name) {
    return aenc_fail(reader->ctx, AENC_ERR_FORMAT, "the header of %s has the key '%s' twice", reader->what,
                     aenc_quoted(name).text);
}

/* What finding goes by: a file may have a million tensors. */
static aenc_status sort_names(const struct reader *reader, struct safetensors *file) {
    const size_t count = file->tensor_count;
    file->by_name = aenc_arena_alloc(&file->arena, count, 2 * sizeof *file->by_name);
    if (file->by_name == NULL) return AENC_ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) file->by_name[i] = &file->tensor[i];
    aenc_sort(file->by_name, file->by_name + count, count, sizeof *file->by_name, compare_names);
    for (size_t i = 1; i < count; i++)
        if (compare_names(&file->by_name[i - 1], &file->by_name[i]) == 0)
            return fail_twice(reader, file->by_name[i]->name);
    return AENC_OK;
}

static size_t values_max(void *user, const char *key) {
    (void)user;
    return strcmp(key, METADATA) == 0 ? METADATA_MAX : ENTRY_VALUES;
}

/* One member of the header. */
static aenc_status take(void *user, const struct json *member, bool *keep) {
    struct reader *reader = user;
    struct safetensors *file = reader->file;
    if (strcmp(member->key, METADATA) == 0) {
        if (file->metadata != NULL) return fail_twice(reader, METADATA);
        file->metadata = member;
        *keep = true;
        return check_metadata(reader, member);
    }
    void *tensors = file->tensor;
    aenc_status status =
        aenc_reserve(reader->ctx, &tensors, &reader->capacity, file->tensor_count + 1, sizeof *file->tensor);
    file->tensor = tensors;
    if (status != AENC_OK) return status;
    struct tensor_entry *entry = &file->tensor[file->tensor_count++];
    memset(entry, 0, sizeof *entry);
    return read_tensor(reader, member, entry);
}

static aenc_status sort_entries(const struct reader *reader, struct safetensors *file) {
    const size_t count = file->tensor_count;
    struct tensor_entry *scratch = aenc_alloc_raw(reader->ctx, count, sizeof *scratch);
    if (scratch == NULL) return AENC_ERR_NO_MEMORY;
    aenc_sort(file->tensor, scratch, count, sizeof *file->tensor, compare_offsets);
    aenc_release(reader->ctx, scratch);
    aenc_status status = sort_names(reader, file);
    return status == AENC_OK ? check_cover(reader, file) : status;
}

static aenc_status read_header(struct reader *reader, const unsigned char *bytes, size_t size,
                               struct safetensors *file) {
    if (size < PREFIX)
        return aenc_fail(reader->ctx, AENC_ERR_FORMAT, "%s: %zu bytes are too few for a safetensors file", reader->what,
                         size);
    const uint64_t length = aenc_bytes_u64(bytes);
    if (length > SAFETENSORS_HEADER_MAX || length > size - PREFIX)
        return aenc_fail(reader->ctx, AENC_ERR_FORMAT,
                         "%s: a header of %llu bytes in a file of %zu (at most %d); is it a safetensors file?",
                         reader->what, (unsigned long long)length, size, SAFETENSORS_HEADER_MAX);
    if (length == 0 || bytes[PREFIX] != '{')
        return aenc_fail(reader->ctx, AENC_ERR_FORMAT, "%s, byte %d: the header does not begin with '{'", reader->what,
                         PREFIX);
    reader->data = bytes + PREFIX + length;
    reader->data_size = size - PREFIX - length;
    const char *what = aenc_arena_format(&file->arena, "the header of %s", reader->what);
    const struct json_taker taker = {values_max, take, reader};
    if (what == NULL) return AENC_ERR_NO_MEMORY;
    aenc_status status =
        aenc_json_parse_members(&file->arena, (const char *)bytes + PREFIX, (size_t)length, what, &taker);
    return status == AENC_OK ? sort_entries(reader, file) : status;
}

aenc_status aenc_safetensors_read(aenc_context *ctx, const void *bytes, size_t size, const char *what,
                                  struct safetensors *out) {
    struct reader reader = {.ctx = ctx, .what = what, .file = out};
    memset(out, 0, sizeof *out);
    aenc_arena_create(ctx, &out->arena);
    aenc_status status = read_header(&reader, bytes, size, out);
    if (status != AENC_OK) aenc_safetensors_free(out);
    return status;
}

void aenc_safetensors_free(struct safetensors *file) {
    if (file->arena.ctx != NULL) aenc_release(file->arena.ctx, file->tensor);
    aenc_arena_free(&file->arena);
    memset(file, 0, sizeof *file);
}

/* ---- Use ---- */

const struct tensor_entry *aenc_safetensors_find(const struct safetensors *file, const char *name) {
    const struct tensor_entry key = {.name = name}, *wanted = &key;
    const struct tensor_entry *const *found =
        aenc_sorted_find(&wanted, file->by_name, file->tensor_count, sizeof *file->by_name, compare_names);
    return found == NULL ? NULL : *found;
}

const char *aenc_safetensors_metadata(const struct safetensors *file, const char *key) {
    const struct json *entry = aenc_json_member(file->metadata, key);
    return entry != NULL ? entry->text : NULL;
}

aenc_status aenc_tensor_entry_floats(aenc_context *ctx, const struct tensor_entry *entry, float *out, size_t count) {
    const unsigned char *bytes = entry->bytes;
    if (count != entry->count)
        return aenc_fail(ctx, AENC_ERR_SHAPE, "tensor '%s' has shape %s, not %zu elements",
                         aenc_quoted(entry->name).text, aenc_dims((const int64_t *)entry->dim, entry->rank, false).text,
                         count);
    switch (entry->type) {
    case TENSOR_F32: aenc_bytes_copy_little(out, bytes, count, 4); return AENC_OK;
    case TENSOR_F64:
        for (size_t i = 0; i < count; i++) out[i] = (float)aenc_bytes_f64(bytes + 8 * i);
        return AENC_OK;
    case TENSOR_F16:
        for (size_t i = 0; i < count; i++) out[i] = aenc_float_from_half(aenc_bytes_u16(bytes + 2 * i));
        return AENC_OK;
    case TENSOR_BF16:
        for (size_t i = 0; i < count; i++) out[i] = aenc_float_from_bfloat16(aenc_bytes_u16(bytes + 2 * i));
        return AENC_OK;
    default:
        return aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "tensor '%s' is %s; only F32, F16, BF16 and F64 become floats",
                         aenc_quoted(entry->name).text, types[entry->type].name);
    }
}
