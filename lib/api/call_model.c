/* call_model.c - creating a model and asking what it is. */

#include "api/api.h"
#include "api/tensor.h"
#include "io/message_text.h"

aenc_status aenc_model_from_options(aenc_context *ctx, const aenc_model_options *options, aenc_model **out) {
    struct arena arena;
    const struct json *description;
    *out = NULL;
    aenc_arena_create(ctx, &arena);
    aenc_status status = aenc_model_fields_check(ctx, options);
    if (status == AENC_OK) status = aenc_description_from_options(ctx, &arena, options, &description);
    if (status == AENC_OK) return aenc_model_make(ctx, &arena, description, out);
    aenc_arena_free(&arena);
    return status;
}

aenc_status aenc_model_create(aenc_context *ctx, const aenc_model_options *options, aenc_model **out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    struct call call = {.held = {.ctx = ctx}};
    aenc_model_options o;
    if (out == NULL) return aenc_null(ctx, "aenc_model_create", "out");
    *out = NULL;
    if (ctx == NULL) return AENC_ERR_ARGUMENT;
    if (options == NULL) return aenc_null(ctx, "aenc_model_create", "options");
    aenc_status status = aenc_options_read(ctx, "aenc_model_options", options, sizeof o, &o);
    if (status != AENC_OK) return status;
    call.held.layer[0] = o.encoder_layers, call.held.layer[1] = o.decoder_layers;
    status = aenc_call_begin(&call, "aenc_model_create", CALL_READS);
    if (status == AENC_OK) status = aenc_model_from_options(ctx, &o, out);
    return aenc_call_end(&call, status);
}

static aenc_status model_parse(aenc_context *ctx, const char *json, size_t length, aenc_model **out) {
    if (json == NULL) return aenc_null(ctx, "aenc_model_parse", "json");
    struct arena arena;
    aenc_arena_create(ctx, &arena);
    struct json *given;
    const struct json *description;
    aenc_status status = aenc_json_parse(&arena, json, length, "the model description", &given);
    if (status == AENC_OK) status = aenc_description_complete(ctx, &arena, given, &description);
    if (status != AENC_OK) {
        aenc_arena_free(&arena);
        return status;
    }
    struct aenc_model *model;
    status = aenc_model_make(ctx, &arena, description, &model);
    if (status == AENC_OK) status = aenc_model_freeze_listed(model, aenc_json_member(given, "frozen"));
    if (status == AENC_OK)
        *out = model;
    else
        aenc_model_release(model);
    return status;
}

aenc_status aenc_model_parse(aenc_context *ctx, const char *json, size_t length, aenc_model **out) {
    struct call call = {.held = {.ctx = ctx}};
    if (out == NULL) return aenc_null(ctx, "aenc_model_parse", "out");
    *out = NULL;
    aenc_status status = aenc_call_begin(&call, "aenc_model_parse", CALL_READS);
    if (status == AENC_OK) status = model_parse(ctx, json, length, out);
    return aenc_call_end(&call, status);
}

static aenc_status model_clone(aenc_context *ctx, const aenc_model *model, bool training, aenc_model **out) {
    aenc_model *made = NULL;
    if (model == NULL) return aenc_null(ctx, "aenc_model_clone", "model");
    if (ctx != model->ctx && atomic_load_explicit(&model->ctx->inside, memory_order_relaxed) == INSIDE_CALL)
        return aenc_fail(ctx, AENC_ERR_BUSY, "aenc_model_clone: the model's context is in the middle of a call");
    aenc_status status = aenc_model_duplicate(ctx, model, &made);
    if (status == AENC_OK && training) status = aenc_train_copy(made, model);
    if (status == AENC_OK)
        *out = made;
    else
        aenc_model_release(made);
    return status;
}

aenc_status aenc_model_clone(aenc_context *ctx, aenc_model *model, int32_t training, aenc_model **out) {
    struct call call = {.held = {.ctx = ctx, .model = model}};
    if (out == NULL) return aenc_null(ctx == NULL && model != NULL ? model->ctx : ctx, "aenc_model_clone", "out");
    *out = NULL;
    aenc_status status = aenc_call_begin(&call, "aenc_model_clone", CALL_READS);
    if (status == AENC_OK) status = model_clone(call.held.ctx, model, training != 0, out);
    return aenc_call_end(&call, status);
}

void aenc_model_free(aenc_model *model) { aenc_model_release(model); }

const char *aenc_model_description(const aenc_model *model) { return model == NULL ? "" : model->description_text; }
size_t aenc_model_input_size(const aenc_model *model) { return model == NULL ? 0 : (size_t)model->input_size; }
size_t aenc_model_code_size(const aenc_model *model) { return model == NULL ? 0 : (size_t)model->code_size; }
size_t aenc_model_output_size(const aenc_model *model) { return model == NULL ? 0 : (size_t)model->output_size; }

size_t aenc_model_parameter_size(const aenc_model *model) {
    size_t size = 0;
    for (size_t i = 0; model != NULL && i < model->store.entry_count; i++)
        if (model->store.entry[i].kind == ENTRY_PARAMETER) size += (size_t)model->store.entry[i].count;
    return size;
}

/* ---- Tensors ---- */

size_t aenc_model_tensor_count(const aenc_model *model) { return model == NULL ? 0 : model->store.entry_count; }

/* Parameters first, then states, each in order of declaration. NULL beyond the end. */
static const struct entry *entry_at(const aenc_model *model, size_t index) {
    for (int kind = ENTRY_PARAMETER; kind <= ENTRY_STATE; kind++)
        for (size_t i = 0; i < model->store.entry_count; i++)
            if ((int)model->store.entry[i].kind == kind && index-- == 0) return &model->store.entry[i];
    return NULL;
}

const char *aenc_model_tensor_name(const aenc_model *model, size_t index) {
    const struct entry *entry = model == NULL ? NULL : entry_at(model, index);
    return entry == NULL ? NULL : entry->name;
}

aenc_status aenc_model_tensor_info(const aenc_model *model, size_t index, aenc_tensor_info *info) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (model == NULL) return AENC_ERR_ARGUMENT;
    if (info == NULL) return aenc_null(model->ctx, "aenc_model_tensor_info", "info");
    const struct entry *entry = entry_at(model, index);
    if (entry == NULL)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_model_tensor_info: index is %zu; there are %zu tensors",
                         index, model->store.entry_count);
    bool trained = entry->kind == ENTRY_PARAMETER;
    aenc_tensor_info known = {.name = entry->name,
                              .rank = (size_t)entry->shape.rank,
                              .size = (size_t)entry->count,
                              .type = AENC_TYPE_F32,
                              .kind = trained ? AENC_TENSOR_PARAMETER : AENC_TENSOR_STATE,
                              .frozen = entry->frozen,
                              .decays = trained && entry->decays};
    for (int i = 0; i < entry->shape.rank; i++) known.dims[i] = (size_t)entry->shape.dim[i];
    return aenc_struct_write(model->ctx, "aenc_tensor_info", &known, sizeof known, info);
}

static struct entry *entry_find(const aenc_model *model, const char *call, const char *name) {
    if (name == NULL) {
        aenc_null(model->ctx, call, "name");
        return NULL;
    }
    struct entry *entry = aenc_store_find(&model->store, name);
    if (entry == NULL) aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "%s: the model has no tensor '%s'", call, name);
    return entry;
}

/* A tensor of the entry's shape with `scale` times the numbers. */
static aenc_status tensor_from(const aenc_model *model, const struct entry *entry, const num *values, double scale,
                               aenc_tensor **out) {
    size_t dims[RANK_MAX];
    for (int i = 0; i < entry->shape.rank; i++) dims[i] = (size_t)entry->shape.dim[i];
    aenc_tensor *tensor;
    aenc_status status = aenc_tensor_create(model->ctx, AENC_TYPE_F32, dims, (size_t)entry->shape.rank, &tensor);
    float *floats = aenc_alloc_raw(model->ctx, (size_t)entry->count, sizeof *floats);
    if (status == AENC_OK && floats == NULL) status = AENC_ERR_NO_MEMORY;
    for (int64_t i = 0; status == AENC_OK && i < entry->count; i++) floats[i] = (float)(scale * (double)values[i]);
    if (status == AENC_OK) status = aenc_tensor_write(tensor, floats, (size_t)entry->count);
    aenc_release(model->ctx, floats);
    if (status == AENC_OK)
        *out = tensor;
    else
        aenc_tensor_free(tensor);
    return status;
}

aenc_status aenc_model_tensor_get(const aenc_model *model, const char *name, aenc_tensor **out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (out == NULL) return aenc_null(model == NULL ? NULL : model->ctx, "aenc_model_tensor_get", "out");
    *out = NULL;
    if (model == NULL) return AENC_ERR_ARGUMENT;
    aenc_status status = aenc_call_check(model->ctx, "aenc_model_tensor_get", CALL_READS, model);
    if (status != AENC_OK) return status;
    const struct entry *entry = entry_find(model, "aenc_model_tensor_get", name);
    if (entry == NULL) return AENC_ERR_ARGUMENT;
    return tensor_from(model, entry, aenc_store_values(&model->store, entry), 1, out);
}

/* The gradient that waits, with its entry and what makes it a mean; NULL where there is none, with a message. */
static const num *gradient_find(const aenc_model *model, const char *call, const char *name, const struct entry **entry,
                                double *scale) {
    *entry = entry_find(model, call, name);
    if (*entry == NULL) return NULL;
    const num *gradient = NULL;
    if ((*entry)->kind != ENTRY_PARAMETER)
        aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "%s: '%s' is a state and not trained", call, name);
    else if ((*entry)->frozen)
        aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "%s: '%s' is frozen, and its gradient is not computed", call, name);
    else if ((gradient = aenc_train_gradient(model, *entry, scale)) == NULL)
        aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "%s: no gradients wait; call aenc_model_gradients first", call);
    return gradient;
}

aenc_status aenc_model_gradient_get(const aenc_model *model, const char *name, aenc_tensor **out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (out == NULL) return aenc_null(model == NULL ? NULL : model->ctx, "aenc_model_gradient_get", "out");
    *out = NULL;
    if (model == NULL) return AENC_ERR_ARGUMENT;
    aenc_status status = aenc_call_check(model->ctx, "aenc_model_gradient_get", CALL_READS, model);
    if (status != AENC_OK) return status;
    double scale;
    const struct entry *entry;
    const num *gradient = gradient_find(model, "aenc_model_gradient_get", name, &entry, &scale);
    return gradient == NULL ? AENC_ERR_ARGUMENT : tensor_from(model, entry, gradient, scale, out);
}

static aenc_status shape_fail(const aenc_model *model, const char *call, const aenc_tensor *value,
                              const struct entry *entry) {
    int64_t dim[RANK_MAX];
    int rank = (int)aenc_tensor_rank(value);
    for (int i = 0; i < rank; i++) dim[i] = (int64_t)aenc_tensor_dim(value, (size_t)i);
    return aenc_fail(model->ctx, AENC_ERR_SHAPE, "%s: the tensor has shape %s; '%s' has %s", call,
                     aenc_dims(dim, rank, false).text, entry->name,
                     aenc_dims(entry->shape.dim, entry->shape.rank, false).text);
}

/* The numbers of a tensor in the entry's shape, all of them finite, and, of `range`, such as it takes; from aenc_alloc, NULL on
 * failure. */
static aenc_status numbers_read(const aenc_model *model, const char *call, const struct entry *entry,
                                const aenc_tensor *value, bool range, float **out) {
    bool same = aenc_tensor_rank(value) == (size_t)entry->shape.rank;
    for (int i = 0; same && i < entry->shape.rank; i++)
        same = aenc_tensor_dim(value, (size_t)i) == (size_t)entry->shape.dim[i];
    *out = NULL;
    if (!same) return shape_fail(model, call, value, entry);
    float *floats = aenc_alloc_raw(model->ctx, (size_t)entry->count, sizeof *floats);
    if (floats == NULL) return AENC_ERR_NO_MEMORY;
    aenc_status status = aenc_tensor_read(value, floats, (size_t)entry->count);
    for (int64_t i = 0; status == AENC_OK && i < entry->count; i++)
        if (floats[i] - floats[i] != 0)
            status =
                aenc_fail(model->ctx, AENC_ERR_NONFINITE, "%s: '%s'%s is %s", call, entry->name,
                          aenc_element(entry->shape.dim, entry->shape.rank, i).text, aenc_shown_float(floats[i]).text);
        else if (range && !aenc_entry_takes(entry, (double)floats[i]))
            status = aenc_entry_refuse(model->ctx, AENC_ERR_ARGUMENT, call, entry, i, (double)floats[i]);
    if (status == AENC_OK)
        *out = floats;
    else
        aenc_release(model->ctx, floats);
    return status;
}

/* Of a call that sets a tensor: the handles, and whether it may. */
static aenc_status set_check(const aenc_model *model, const char *call, const aenc_tensor *value) {
    if (model == NULL) return aenc_null(value == NULL ? NULL : value->ctx, call, "model");
    aenc_status status = aenc_call_check(model->ctx, call, CALL_CHANGES, model);
    return status == AENC_OK && value == NULL ? aenc_null(model->ctx, call, "value") : status;
}

aenc_status aenc_model_tensor_set(aenc_model *model, const char *name, const aenc_tensor *value) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    const char *call = "aenc_model_tensor_set";
    float *floats;
    aenc_status status = set_check(model, call, value);
    if (status != AENC_OK) return status;
    const struct entry *entry = entry_find(model, call, name);
    if (entry == NULL) return AENC_ERR_ARGUMENT;
    status = numbers_read(model, call, entry, value, true, &floats);
    if (status == AENC_OK) status = aenc_store_own(&model->store);
    for (int64_t i = 0; status == AENC_OK && i < entry->count; i++)
        aenc_store_values(&model->store, entry)[i] = (num)floats[i];
    if (status == AENC_OK && aenc_scaling_entry(entry)) model->scaling_known = true;
    aenc_release(model->ctx, floats);
    return status;
}

aenc_status aenc_model_gradient_set(aenc_model *model, const char *name, const aenc_tensor *value) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    const char *call = "aenc_model_gradient_set";
    const struct entry *entry;
    double scale;
    float *floats;
    aenc_status status = set_check(model, call, value);
    if (status != AENC_OK) return status;
    if (gradient_find(model, call, name, &entry, &scale) == NULL) return AENC_ERR_ARGUMENT;
    status = numbers_read(model, call, entry, value, false, &floats);
    if (status == AENC_OK) status = aenc_train_gradient_set(model, entry, floats);
    aenc_release(model->ctx, floats);
    return status;
}

aenc_status aenc_model_copy(aenc_model *dst, const char *dst_prefix, const aenc_model *src, const char *src_prefix) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (dst == NULL) return aenc_null(src == NULL ? NULL : src->ctx, "aenc_model_copy", "dst");
    const char *missing = dst_prefix == NULL   ? "dst_prefix"
                          : src == NULL        ? "src"
                          : src_prefix == NULL ? "src_prefix"
                                               : NULL;
    if (missing != NULL) return aenc_null(dst->ctx, "aenc_model_copy", missing);
    aenc_status status = aenc_call_check(dst->ctx, "aenc_model_copy", CALL_CHANGES, dst);
    if (status != AENC_OK) return status;
    return aenc_model_transplant(dst, dst_prefix, (struct model_path){src, src_prefix}, true);
}

aenc_status aenc_model_freeze(aenc_model *model, const char *prefix, int32_t frozen) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (model == NULL) return AENC_ERR_ARGUMENT;
    if (prefix == NULL) return aenc_null(model->ctx, "aenc_model_freeze", "prefix");
    aenc_status status = aenc_call_check(model->ctx, "aenc_model_freeze", CALL_CHANGES, model);
    if (status != AENC_OK) return status;
    if (aenc_model_freeze_below(model, prefix, frozen != 0) > 0) return AENC_OK;
    return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_model_freeze: no parameter is called '%s' or lies below it",
                     prefix);
}
