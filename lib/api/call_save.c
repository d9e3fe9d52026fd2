/* call_save.c - the pieces of a file to a path, into memory, or to a callback of the caller's; and its bytes from either. */
#include "api/call_save.h"

#include <string.h>

/* Where the pieces go; one of the three. */
struct target {
    const struct call *call;
    const char *name;
    const char *path;
    char *bytes;
    size_t capacity, *size;
    aenc_write_callback write;
    void *user;
};

static int put_in_memory(void *user, const void *bytes, size_t size) {
    struct target *to = user;
    memcpy(to->bytes, bytes, size);
    to->bytes += size;
    return 0;
}

static int put_to_caller(void *user, const void *bytes, size_t size) {
    const struct target *to = user;
    struct cpu_mode found = to->call->mode;
    aenc_cpu_mode_restore(&found);
    int result = to->write(to->user, bytes, size);
    aenc_cpu_mode_set(CPU_MODE_EXACT);
    return result;
}

static aenc_status deliver(struct target *to, const struct safetensors_draft *file) {
    aenc_context *ctx = to->call->held.ctx;
    if (to->path != NULL) return aenc_file_save_pieces(ctx, to->path, file->piece, file->piece_count);
    if (to->write == NULL) {
        *to->size = file->size;
        if (to->bytes != NULL && to->capacity < file->size)
            return aenc_fail(ctx, AENC_ERR_SHAPE, "%s: capacity is %zu; %zu bytes are needed", to->name, to->capacity,
                             file->size);
        if (to->bytes != NULL) aenc_pieces_put(file->piece, file->piece_count, put_in_memory, to);
        return AENC_OK;
    }
    int result = aenc_pieces_put(file->piece, file->piece_count, put_to_caller, to);
    if (result == 0) return AENC_OK;
    return aenc_fail(ctx, result < 0 ? AENC_ERR_CALLBACK : AENC_ERR_CANCELLED,
                     "%s: write returned %lld; what it has been given is not the whole file", to->name,
                     (long long)result);
}

static aenc_status save(struct target *to, save_draft *draft) {
    struct arena arena;
    struct safetensors_draft file;
    aenc_arena_create(to->call->held.ctx, &arena);
    aenc_status status = draft(&to->call->held, &arena, &file);
    if (status == AENC_OK) {
        status = deliver(to, &file);
        aenc_safetensors_draft_free(&file);
    }
    aenc_arena_free(&arena);
    return status;
}

aenc_status aenc_save_path(const struct call *call, const char *name, save_draft *draft, const char *path) {
    if (path == NULL) return aenc_null(call->held.ctx, name, "path");
    return save(&(struct target){.call = call, .name = name, .path = path}, draft);
}

aenc_status aenc_save_memory(const struct call *call, const char *name, save_draft *draft, void *bytes, size_t capacity,
                             size_t *size) {
    if (size == NULL) return aenc_null(call->held.ctx, name, "size");
    *size = 0;
    return save(&(struct target){.call = call, .name = name, .bytes = bytes, .capacity = capacity, .size = size},
                draft);
}

aenc_status aenc_save_callback(const struct call *call, const char *name, save_draft *draft, aenc_write_callback write,
                               void *user) {
    if (write == NULL) return aenc_null(call->held.ctx, name, "write");
    return save(&(struct target){.call = call, .name = name, .write = write, .user = user}, draft);
}

/* ---- Loading ---- */

aenc_status aenc_load_path(const struct loading *loading, load_take *take, const char *path) {
    aenc_context *ctx = loading->held->ctx;
    struct loaded_bytes from = {.what = path};
    void *bytes = NULL;
    if (path == NULL) return aenc_null(ctx, loading->name, "path");
    aenc_status status = aenc_file_read(ctx, path, 0, &bytes, &from.size);
    from.bytes = bytes;
    if (status == AENC_OK) status = take(loading, &from);
    aenc_release(ctx, bytes);
    return status;
}

aenc_status aenc_load_memory(const struct loading *loading, load_take *take, const void *bytes, size_t size,
                             const char *what) {
    if (bytes == NULL) return aenc_null(loading->held->ctx, loading->name, "bytes");
    return take(loading, &(struct loaded_bytes){bytes, size, what});
}
