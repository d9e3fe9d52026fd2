/* model_file.c - a model as safetensors: every parameter and state under its name, the description in the metadata.
 *
 * Reading first declares the model from its description and compares every name and shape with the file, and only then
 * allocates: a description cannot ask for more memory than the file has bytes.
 */
#include <string.h>

#include "io/bytes.h"
#include "io/message_text.h"
#include "io/safetensors.h"
#include "model/model.h"

/* ---- Writing ---- */

/* The entry's values as floats: where they are, unless the library computes in double. */
static const void *floats_of(struct arena *arena, const struct entry *entry, const num *values) {
    if (sizeof(num) == sizeof(float)) return values;
    float *floats = aenc_arena_alloc(arena, (size_t)entry->count, sizeof *floats);
    for (int64_t i = 0; floats != NULL && i < entry->count; i++) floats[i] = (float)values[i];
    return floats;
}

static aenc_status source_fill(const struct aenc_model *model, struct arena *arena, const struct entry *entry,
                               struct tensor_source *source) {
    const num *values = aenc_store_values(&model->store, entry);
    int64_t bad = aenc_entry_bad(entry, values);
    if (bad >= 0)
        return aenc_entry_refuse(model->ctx, AENC_ERR_NONFINITE, "the model", entry, bad, (double)values[bad]);
    source->name = entry->name;
    source->type = TENSOR_F32;
    source->rank = entry->shape.rank;
    for (int i = 0; i < entry->shape.rank; i++) source->dim[i] = (uint64_t)entry->shape.dim[i];
    source->values = floats_of(arena, entry, values);
    return source->values == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
}

/* The description with what is frozen. */
static const char *description_text(const struct aenc_model *model, struct arena *arena) {
    const struct json *frozen = aenc_model_frozen(model, arena);
    char *text;
    if (!arena->failed && frozen->count == 0) return model->description_text;
    struct json *whole = aenc_json_add_copy(arena, NULL, NULL, model->description);
    aenc_json_add_copy(arena, whole, "frozen", frozen);
    if (arena->failed || aenc_json_write(model->ctx, whole, &text, NULL) != AENC_OK) return NULL;
    const char *kept = aenc_arena_text(arena, text);
    aenc_release(model->ctx, text);
    return kept;
}

aenc_status aenc_model_draft(struct aenc_model *model, struct arena *arena, const struct metadata_entry *more,
                             struct safetensors_draft *out) {
    const struct store *store = &model->store;
    struct tensor_source *source = aenc_arena_alloc(arena, store->entry_count, sizeof *source);
    struct metadata_entry metadata[3] = {{MODEL_KEY, description_text(model, arena)}};
    size_t texts = 1;
    if (model->scaling != NULL)
        metadata[texts++] = (struct metadata_entry){SCALING_KEY, model->scaling_known ? "known" : "unknown"};
    if (more != NULL) metadata[texts++] = *more;
    if (source == NULL || metadata[0].text == NULL) return AENC_ERR_NO_MEMORY;
    for (size_t i = 0; i < store->entry_count; i++) {
        aenc_status status = source_fill(model, arena, &store->entry[i], &source[i]);
        if (status != AENC_OK) return status;
    }
    return aenc_safetensors_draft(model->ctx, source, store->entry_count, metadata, texts, out);
}

/* ---- Reading ---- */

/* One file for one model. */
struct reading {
    struct aenc_model *model;
    const struct safetensors *file;
    const char *what;        /* names the file in messages */
    const char *const *name; /* of each entry in the file; NULL: its own */
    const char *path;        /* only what lies below it is read */
};

static bool wanted(const struct reading *r, size_t i) {
    return aenc_path_below(r->model->store.entry[i].name, r->path) != NULL;
}

static const struct tensor_entry *tensor_find(const struct reading *r, size_t i) {
    return aenc_safetensors_find(r->file, r->name != NULL ? r->name[i] : r->model->store.entry[i].name);
}

static aenc_status entry_check(const struct reading *r, size_t i) {
    const struct entry *entry = &r->model->store.entry[i];
    const struct tensor_entry *tensor = tensor_find(r, i);
    const char *name = r->name != NULL ? r->name[i] : entry->name;
    if (tensor == NULL && r->name != NULL)
        return aenc_fail(r->model->ctx, AENC_ERR_FORMAT, "%s has no tensor '%s', here '%s'", r->what,
                         aenc_quoted(name).text, aenc_quoted(entry->name).text);
    if (tensor == NULL)
        return aenc_fail(r->model->ctx, AENC_ERR_FORMAT, "%s has no tensor '%s'", r->what, aenc_quoted(name).text);
    bool same = tensor->rank == entry->shape.rank;
    for (int k = 0; same && k < tensor->rank; k++) same = tensor->dim[k] == (uint64_t)entry->shape.dim[k];
    if (same) return AENC_OK;
    return aenc_fail(r->model->ctx, AENC_ERR_FORMAT, "%s: tensor '%s' has shape %s; by the description it has %s",
                     r->what, aenc_quoted(name).text, aenc_dims((const int64_t *)tensor->dim, tensor->rank, false).text,
                     aenc_dims(entry->shape.dim, entry->shape.rank, false).text);
}

/* A checkpoint's tensors besides the model. */
static bool of_the_run(const char *name) { return strncmp(name, CHECKPOINT_PREFIX, strlen(CHECKPOINT_PREFIX)) == 0; }

static aenc_status tensors_check(const struct reading *r) {
    for (size_t i = 0; i < r->model->store.entry_count; i++) {
        aenc_status status = wanted(r, i) ? entry_check(r, i) : AENC_OK;
        if (status != AENC_OK) return status;
    }
    return AENC_OK;
}

/* A file of our own has nothing else. */
static aenc_status tensors_all(const struct reading *r) {
    const struct aenc_model *model = r->model;
    const struct safetensors *file = r->file;
    bool checkpoint = aenc_safetensors_metadata(file, CHECKPOINT_KEY) != NULL;
    for (size_t i = 0; i < file->tensor_count; i++) {
        const char *name = file->tensor[i].name;
        if (aenc_store_find(&model->store, name) != NULL || (checkpoint && of_the_run(name))) continue;
        return aenc_fail(model->ctx, AENC_ERR_FORMAT, "%s: tensor '%s' has no place in the description", r->what, name);
    }
    return AENC_OK;
}

static aenc_status tensor_load(const struct reading *r, size_t i, float *floats) {
    struct aenc_model *model = r->model;
    const struct entry *entry = &model->store.entry[i];
    aenc_status status = aenc_tensor_entry_floats(model->ctx, tensor_find(r, i), floats, (size_t)entry->count);
    if (status != AENC_OK) return status;
    num *values = aenc_store_values(&model->store, entry);
    for (int64_t k = 0; k < entry->count; k++) values[k] = (num)floats[k];
    int64_t bad = aenc_entry_bad(entry, values);
    if (bad < 0) return AENC_OK;
    bool finite = values[bad] - values[bad] == 0;
    return aenc_entry_refuse(model->ctx, finite ? AENC_ERR_FORMAT : AENC_ERR_NONFINITE, r->what, entry, bad,
                             (double)values[bad]);
}

static aenc_status tensors_load(const struct reading *r) {
    struct aenc_model *model = r->model;
    int64_t largest = 1;
    for (size_t i = 0; i < model->store.entry_count; i++)
        if (model->store.entry[i].count > largest) largest = model->store.entry[i].count;
    float *floats = aenc_alloc_raw(model->ctx, (size_t)largest, sizeof *floats);
    aenc_status status = floats == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
    for (size_t i = 0; i < model->store.entry_count && status == AENC_OK; i++)
        if (wanted(r, i)) status = tensor_load(r, i, floats);
    aenc_release(model->ctx, floats);
    return status;
}

static aenc_status description_load(aenc_context *ctx, const struct safetensors *file, const char *what,
                                    struct aenc_model **out) {
    const char *text = aenc_safetensors_metadata(file, MODEL_KEY);
    if (text == NULL)
        return aenc_fail(ctx, AENC_ERR_FORMAT, "%s has no model description (metadata '%s')", what, MODEL_KEY);
    struct arena arena;
    aenc_arena_create(ctx, &arena);
    struct json *given;
    const struct json *description;
    aenc_status status = aenc_json_parse(&arena, text, strlen(text), "the model description", &given);
    if (status == AENC_OK) status = aenc_description_complete(ctx, &arena, given, &description);
    if (status != AENC_OK) {
        aenc_arena_free(&arena);
        return status;
    }
    status = aenc_model_declare(ctx, &arena, description, out);
    return status == AENC_OK ? aenc_model_freeze_listed(*out, aenc_json_member(given, "frozen")) : status;
}

/* A checkpoint has the list among what makes it this run. */
static aenc_status checkpoint_frozen(struct aenc_model *model, const struct safetensors *file) {
    const char *text = aenc_safetensors_metadata(file, CHECKPOINT_KEY);
    if (text == NULL) return AENC_OK;
    struct arena arena;
    struct json *run;
    aenc_arena_create(model->ctx, &arena);
    aenc_status status = aenc_json_parse(&arena, text, strlen(text), "the checkpoint's '" CHECKPOINT_KEY "'", &run);
    if (status == AENC_OK)
        status = aenc_model_freeze_listed(model, aenc_json_member(aenc_json_member(run, "run"), "frozen"));
    aenc_arena_free(&arena);
    return status;
}

/* A run that has been saved has its scaling; older files do not say. */
static aenc_status scaling_load(struct aenc_model *model, const struct safetensors *file, const char *what) {
    const char *text = aenc_safetensors_metadata(file, SCALING_KEY);
    if (model->scaling == NULL) return AENC_OK;
    bool identity = aenc_scaling_identity(model), known = text != NULL && strcmp(text, "known") == 0;
    model->scaling_known = known || !identity || aenc_safetensors_metadata(file, CHECKPOINT_KEY) != NULL;
    if (text == NULL || known || (identity && strcmp(text, "unknown") == 0)) return AENC_OK;
    return aenc_fail(model->ctx, AENC_ERR_FORMAT,
                     "%s: metadata '%s' is %s; it is 'known', or 'unknown' where shifts are 0 and "
                     "scales 1",
                     what, SCALING_KEY, aenc_quoted(text).text);
}

aenc_status aenc_model_from_bytes(aenc_context *ctx, const struct loaded_bytes *from, struct aenc_model **out) {
    *out = NULL;
    struct safetensors file;
    struct reading r = {.file = &file, .what = from->what, .path = ""};
    aenc_status status = aenc_safetensors_read(ctx, from->bytes, from->size, from->what, &file);
    if (status != AENC_OK) return status;
    status = description_load(ctx, &file, from->what, &r.model);
    if (status == AENC_OK) status = tensors_check(&r);
    if (status == AENC_OK) status = tensors_all(&r);
    if (status == AENC_OK) status = aenc_store_allocate_zero(&r.model->store);
    if (status == AENC_OK) status = tensors_load(&r);
    if (status == AENC_OK) status = scaling_load(r.model, &file, from->what);
    if (status == AENC_OK) status = checkpoint_frozen(r.model, &file);
    if (status == AENC_OK)
        *out = r.model;
    else
        aenc_model_release(r.model);
    aenc_safetensors_free(&file);
    return status;
}

/* ---- Foreign files ---- */

/* The model has numbers of its own for the while: those before stay for who has them, or for a failure. */
static aenc_status tensors_replace(const struct reading *r) {
    struct store *store = &r->model->store;
    const struct store before = *store;
    aenc_weights_retain(before.weights);
    aenc_status status = aenc_store_own(store);
    if (status == AENC_OK) status = tensors_load(r);
    if (status != AENC_OK) aenc_store_share(store, &before);
    aenc_weights_release(r->model->ctx, before.weights);
    return status;
}

aenc_status aenc_model_tensors_load(struct aenc_model *model, const char *path, const struct loaded_bytes *from) {
    struct safetensors file;
    struct arena arena;
    struct reading r = {.model = model, .file = &file, .what = from->what, .path = path};
    bool found = false, scaling = false;
    for (size_t i = 0; i < model->store.entry_count; i++) {
        found = found || wanted(&r, i);
        scaling = scaling || (wanted(&r, i) && aenc_scaling_entry(&model->store.entry[i]));
    }
    if (!found)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "'%s' is no tensor of the model, and none lies below it",
                         aenc_quoted(path).text);
    aenc_status status = aenc_safetensors_read(model->ctx, from->bytes, from->size, from->what, &file);
    if (status != AENC_OK) return status;
    aenc_arena_create(model->ctx, &arena);
    status = aenc_aliases_names(model, &arena, &r.name);
    if (status == AENC_OK) status = tensors_check(&r);
    if (status == AENC_OK) status = tensors_replace(&r);
    if (status == AENC_OK && scaling) model->scaling_known = true;
    aenc_arena_free(&arena);
    aenc_safetensors_free(&file);
    return status;
}
