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

static aenc_status take(const struct loading *loading, const struct loaded_bytes *from) {
    return aenc_model_from_bytes(loading->held->ctx, from, loading->out);
}

aenc_status aenc_model_load(aenc_context *ctx, const char *path, aenc_model **out) {
    struct call call = {.held = {.ctx = ctx}};
    const struct loading loading = {&call.held, "aenc_model_load", NULL, out};
    if (out == NULL) return aenc_null(ctx, loading.name, "out");
    *out = NULL;
    aenc_status status = aenc_call_begin(&call, loading.name, CALL_READS);
    if (status == AENC_OK) status = aenc_load_path(&loading, take, path);
    return aenc_call_end(&call, status);
}

aenc_status aenc_model_load_memory(aenc_context *ctx, const void *bytes, size_t size, aenc_model **out) {
    struct call call = {.held = {.ctx = ctx}};
    const struct loading loading = {&call.held, "aenc_model_load_memory", NULL, out};
    if (out == NULL) return aenc_null(ctx, loading.name, "out");
    *out = NULL;
    aenc_status status = aenc_call_begin(&call, loading.name, CALL_READS);
    if (status == AENC_OK) status = aenc_load_memory(&loading, take, bytes, size, "the model in memory");
    return aenc_call_end(&call, status);
}

/* ---- Tensors of foreign files ---- */

static aenc_status tensors_take(const struct loading *loading, const struct loaded_bytes *from) {
    if (loading->prefix == NULL) return aenc_null(loading->held->ctx, loading->name, "prefix");
    return aenc_model_tensors_load(loading->held->model, loading->prefix, from);
}

aenc_status aenc_model_load_tensors(aenc_model *model, const char *prefix, const char *path) {
    struct call call = {.held = {.model = model}};
    const struct loading loading = {&call.held, "aenc_model_load_tensors", prefix, NULL};
    aenc_status status = aenc_call_begin(&call, loading.name, CALL_CHANGES);
    if (status == AENC_OK) status = aenc_load_path(&loading, tensors_take, path);
    return aenc_call_end(&call, status);
}

aenc_status aenc_model_load_tensors_memory(aenc_model *model, const char *prefix, const void *bytes, size_t size) {
    struct call call = {.held = {.model = model}};
    const struct loading loading = {&call.held, "aenc_model_load_tensors_memory", prefix, NULL};
    aenc_status status = aenc_call_begin(&call, loading.name, CALL_CHANGES);
    if (status == AENC_OK) status = aenc_load_memory(&loading, tensors_take, bytes, size, "the file in memory");
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

static aenc_status restore(const struct loading *loading, const struct loaded_bytes *from) {
    const struct held *held = loading->held;
    const aenc_optimizer *optimizer = held->optimizer;
    aenc_status status = owner_check(held, loading->name);
    if (status != AENC_OK) return status;
    if (optimizer == NULL) return aenc_optimizer_restore(held->model, NULL, NULL, from);
    return aenc_optimizer_restore(held->model, optimizer->optimizer, optimizer->spec, from);
}

aenc_status aenc_model_load_optimizer(aenc_model *model, aenc_optimizer *optimizer, const char *path) {
    struct call call = {.held = {.model = model, .optimizer = optimizer}};
    const struct loading loading = {&call.held, "aenc_model_load_optimizer", NULL, NULL};
    aenc_status status = aenc_call_begin(&call, loading.name, CALL_CHANGES);
    if (status == AENC_OK && model == NULL) status = aenc_null(call.held.ctx, loading.name, "model");
    if (status == AENC_OK) status = aenc_load_path(&loading, restore, path);
    return aenc_call_end(&call, status);
}

aenc_status aenc_model_load_optimizer_memory(aenc_model *model, aenc_optimizer *optimizer, const void *bytes,
                                             size_t size) {
    struct call call = {.held = {.model = model, .optimizer = optimizer}};
    const struct loading loading = {&call.held, "aenc_model_load_optimizer_memory", NULL, NULL};
    aenc_status status = aenc_call_begin(&call, loading.name, CALL_CHANGES);
    if (status == AENC_OK && model == NULL) status = aenc_null(call.held.ctx, loading.name, "model");
    if (status == AENC_OK) status = aenc_load_memory(&loading, restore, bytes, size, "the optimizer in memory");
    return aenc_call_end(&call, status);
}
