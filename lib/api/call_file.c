/* call_file.c - saving and loading: models, and what training goes on from. */
#include "api/call_save.h"

static aenc_status draft(const struct held *held, struct arena *arena, struct safetensors_draft *out) {
    return aenc_model_draft(held->model, arena, NULL, out);
}

aenc_status aenc_model_save(aenc_model *model, const char *path) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_model_save", CALL_READS);
    if (status == AENC_OK) status = aenc_save_path(&call, "aenc_model_save", draft, path);
    return aenc_call_end(&call, status);
}

aenc_status aenc_model_save_memory(aenc_model *model, void *bytes, size_t capacity, size_t *size) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_model_save_memory", CALL_READS);
    if (status == AENC_OK) status = aenc_save_memory(&call, "aenc_model_save_memory", draft, bytes, capacity, size);
    return aenc_call_end(&call, status);
}

aenc_status aenc_model_write(aenc_model *model, aenc_write_callback write, void *user) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_model_write", CALL_WRITES);
    if (status == AENC_OK) status = aenc_save_callback(&call, "aenc_model_write", draft, write, user);
    return aenc_call_end(&call, status);
}

static aenc_status model_load(aenc_context *ctx, const char *path, aenc_model **out) {
    if (path == NULL) return aenc_null(ctx, "aenc_model_load", "path");
    void *bytes = NULL;
    size_t size;
    aenc_status status = aenc_file_read(ctx, path, 0, &bytes, &size);
    if (status == AENC_OK) status = aenc_model_from_bytes(ctx, bytes, size, path, out);
    aenc_release(ctx, bytes);
    return status;
}

aenc_status aenc_model_load(aenc_context *ctx, const char *path, aenc_model **out) {
    struct call call = {.held = {.ctx = ctx}};
    if (out == NULL) return aenc_null(ctx, "aenc_model_load", "out");
    *out = NULL;
    aenc_status status = aenc_call_begin(&call, "aenc_model_load", CALL_READS);
    if (status == AENC_OK) status = model_load(ctx, path, out);
    return aenc_call_end(&call, status);
}

static aenc_status model_load_memory(aenc_context *ctx, const void *bytes, size_t size, aenc_model **out) {
    if (bytes == NULL) return aenc_null(ctx, "aenc_model_load_memory", "bytes");
    return aenc_model_from_bytes(ctx, bytes, size, "the model in memory", out);
}

aenc_status aenc_model_load_memory(aenc_context *ctx, const void *bytes, size_t size, aenc_model **out) {
    struct call call = {.held = {.ctx = ctx}};
    if (out == NULL) return aenc_null(ctx, "aenc_model_load_memory", "out");
    *out = NULL;
    aenc_status status = aenc_call_begin(&call, "aenc_model_load_memory", CALL_READS);
    if (status == AENC_OK) status = model_load_memory(ctx, bytes, size, out);
    return aenc_call_end(&call, status);
}

/* ---- Optimizers ---- */

static aenc_status owner_check(const struct held *held, const char *name) {
    const struct aenc_model *model = held->model;
    if (model->pca != NULL) return aenc_fail(model->ctx, AENC_ERR_UNSUPPORTED, "%s: a PCA has no optimizer", name);
    if (held->optimizer == NULL || held->optimizer->model == model) return AENC_OK;
    return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "%s: the optimizer belongs to another model", name);
}

static aenc_status optimizer_draft(const struct held *held, struct arena *arena, struct safetensors_draft *out) {
    const struct aenc_model *model = held->model;
    aenc_status status = owner_check(held, "aenc_model_save_optimizer");
    if (status != AENC_OK) return status;
    if (held->optimizer == NULL) return aenc_optimizer_draft(model, NULL, NULL, arena, out);
    return aenc_optimizer_draft(model, held->optimizer->optimizer, held->optimizer->spec, arena, out);
}

aenc_status aenc_model_save_optimizer(aenc_model *model, aenc_optimizer *optimizer, const char *path) {
    struct call call = {.held = {.model = model, .optimizer = optimizer}};
    aenc_status status = aenc_call_begin(&call, "aenc_model_save_optimizer", CALL_READS);
    if (status == AENC_OK && model == NULL) status = aenc_null(call.held.ctx, "aenc_model_save_optimizer", "model");
    if (status == AENC_OK) status = aenc_save_path(&call, "aenc_model_save_optimizer", optimizer_draft, path);
    return aenc_call_end(&call, status);
}

aenc_status aenc_model_save_optimizer_memory(aenc_model *model, aenc_optimizer *optimizer, void *bytes, size_t capacity,
                                             size_t *size) {
    struct call call = {.held = {.model = model, .optimizer = optimizer}};
    const char *name = "aenc_model_save_optimizer_memory";
    aenc_status status = aenc_call_begin(&call, name, CALL_READS);
    if (status == AENC_OK && model == NULL) status = aenc_null(call.held.ctx, name, "model");
    if (status == AENC_OK) status = aenc_save_memory(&call, name, optimizer_draft, bytes, capacity, size);
    return aenc_call_end(&call, status);
}

static aenc_status restore(const struct held *held, const char *name, const struct loaded_bytes *from) {
    const aenc_optimizer *optimizer = held->optimizer;
    aenc_status status = owner_check(held, name);
    if (status != AENC_OK) return status;
    if (optimizer == NULL) return aenc_optimizer_restore(held->model, NULL, NULL, from);
    return aenc_optimizer_restore(held->model, optimizer->optimizer, optimizer->spec, from);
}

static aenc_status load_optimizer(const struct held *held, const aenc_model *model, const char *path) {
    const char *name = "aenc_model_load_optimizer";
    if (model == NULL) return aenc_null(held->ctx, name, "model");
    if (path == NULL) return aenc_null(held->ctx, name, "path");
    void *bytes = NULL;
    size_t size;
    aenc_status status = aenc_file_read(held->ctx, path, 0, &bytes, &size);
    if (status == AENC_OK) status = restore(held, name, &(struct loaded_bytes){bytes, size, path});
    aenc_release(held->ctx, bytes);
    return status;
}

aenc_status aenc_model_load_optimizer(aenc_model *model, aenc_optimizer *optimizer, const char *path) {
    struct call call = {.held = {.model = model, .optimizer = optimizer}};
    aenc_status status = aenc_call_begin(&call, "aenc_model_load_optimizer", CALL_CHANGES);
    if (status == AENC_OK) status = load_optimizer(&call.held, model, path);
    return aenc_call_end(&call, status);
}

static aenc_status load_optimizer_memory(const struct held *held, const aenc_model *model, const void *bytes,
                                         size_t size) {
    const char *name = "aenc_model_load_optimizer_memory";
    if (model == NULL) return aenc_null(held->ctx, name, "model");
    if (bytes == NULL) return aenc_null(held->ctx, name, "bytes");
    return restore(held, name, &(struct loaded_bytes){bytes, size, "the optimizer in memory"});
}

aenc_status aenc_model_load_optimizer_memory(aenc_model *model, aenc_optimizer *optimizer, const void *bytes,
                                             size_t size) {
    struct call call = {.held = {.model = model, .optimizer = optimizer}};
    aenc_status status = aenc_call_begin(&call, "aenc_model_load_optimizer_memory", CALL_CHANGES);
    if (status == AENC_OK) status = load_optimizer_memory(&call.held, model, bytes, size);
    return aenc_call_end(&call, status);
}
