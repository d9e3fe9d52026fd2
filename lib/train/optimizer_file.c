/* optimizer_file.c - what training goes on from besides the model: moments, counts of steps and epochs, settings.
 *
 * A safetensors file of its own: tensors "moment.K.NAME" in the shapes of the parameters, and JSON in the metadata. It is checked
 * against the model and the optimizer, and everything has its memory, before a number changes.
 */
#include <string.h>

#include "io/bytes.h"
#include "io/message_text.h"
#include "train/facts.h"
#include "train/parts.h"
#include "train/training.h"

#define OPTIMIZER_KEY "autoenc.optimizer"
enum { FORMAT = 1 };

/* ---- What belongs to it ---- */

static aenc_status parts_list(const struct aenc_model *model, const struct optimizer *optimizer, struct arena *arena,
                              struct part **out, size_t *count) {
    const struct store *store = &model->store;
    struct part *part = *out = aenc_arena_alloc(arena, store->entry_count, MOMENTS_MAX * sizeof *part);
    *count = 0;
    for (size_t i = 0; i < store->entry_count && part != NULL; i++) {
        const struct entry *entry = &store->entry[i];
        if (entry->kind != ENTRY_PARAMETER) continue;
        const struct optimizer *own = aenc_optim_of(optimizer, entry->player);
        for (int m = 0; m < MOMENTS_MAX; m++)
            if (own->uses[m])
                part[(*count)++] = (struct part){aenc_arena_format(arena, "moment.%d.%s", m, entry->name), entry,
                                                 aenc_optim_moment(own, entry, m), own->squares[m]};
    }
    return arena->failed ? AENC_ERR_NO_MEMORY : AENC_OK;
}

/* ---- Writing ---- */

aenc_status aenc_optimizer_draft(const struct aenc_model *model, const struct optimizer *optimizer, const char *spec,
                                 struct arena *arena, struct safetensors_draft *out) {
    struct part *part;
    size_t count;
    char *text = NULL;
    if (optimizer == NULL && model->training != NULL) {
        optimizer = model->training->online.optimizer;
        spec = model->training->online.spec;
    }
    if (optimizer == NULL)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT,
                         "aenc_model_save_optimizer: optimizer is NULL, and no partial fit has made one");
    aenc_status status = parts_list(model, optimizer, arena, &part, &count);
    struct tensor_source *source = aenc_arena_alloc(arena, count + 1, sizeof *source);
    struct json *object = aenc_json_root(arena, JSON_OBJECT);
    aenc_json_add_number(arena, object, "format", FORMAT);
    aenc_json_add_text(arena, object, "optimizer", spec);
    aenc_json_add_number(arena, object, "learning_rate", aenc_optim_learning_rate(optimizer));
    aenc_json_add_number(arena, object, "base", optimizer->base);
    aenc_json_add_number(arena, object, "clip_norm", optimizer->clip_norm);
    aenc_json_add_number(arena, object, "clip_value", optimizer->clip_value);
    aenc_json_add_number(arena, object, "clock", model->clock);
    aenc_json_add_u64(arena, object, "step", (uint64_t)optimizer->step);
    aenc_json_add_u64(arena, object, "update", model->step);
    aenc_json_add_u64(arena, object, "shuffle", model->epoch);
    aenc_facts_add_players(model, arena, object);
    if (status == AENC_OK && arena->failed) status = AENC_ERR_NO_MEMORY;
    for (size_t i = 0; status == AENC_OK && i < count; i++) aenc_part_source(&part[i], &source[i]);
    if (status == AENC_OK) status = aenc_json_write(model->ctx, object, &text, NULL);
    const struct metadata_entry metadata = {OPTIMIZER_KEY, text};
    if (status == AENC_OK) status = aenc_safetensors_draft(model->ctx, source, count, &metadata, 1, out);
    aenc_release(model->ctx, text);
    return status;
}

/* ---- Reading ---- */

struct reading {
    struct aenc_model *model;
    const char *what;
    struct arena arena;
    struct safetensors file;
    const struct json *object;
    const char *spec;
    uint64_t step, update, shuffle;
    double rate, base, norm, value, clock;
};

static aenc_status wrong(const struct reading *r, const char *how) {
    return aenc_fail(r->model->ctx, AENC_ERR_FORMAT, "%s: %s", r->what, how);
}

static bool real(const struct reading *r, const char *key, double *out) {
    const struct json *number = aenc_json_member(r->object, key);
    if (number == NULL || number->kind != JSON_NUMBER || !(number->number >= 0)) return false;
    *out = number->number;
    return true;
}

static aenc_status facts_read(struct reading *r) {
    const char *text = aenc_safetensors_metadata(&r->file, OPTIMIZER_KEY);
    struct json *object;
    uint64_t format = 0;
    if (text == NULL) return wrong(r, "it is no state of an optimizer (metadata '" OPTIMIZER_KEY "')");
    aenc_status status = aenc_json_parse(&r->arena, text, strlen(text), "the optimizer's metadata", &object);
    if (status != AENC_OK) return status;
    r->object = object;
    if (!aenc_json_whole(aenc_json_member(object, "format"), &format) || format == 0)
        return wrong(r, "it states no format");
    if (format > FORMAT)
        return aenc_fail(r->model->ctx, AENC_ERR_VERSION, "%s: it has format %llu; this library reads up to %d",
                         r->what, (unsigned long long)format, FORMAT);
    const struct json *spec = aenc_json_member(object, "optimizer");
    r->spec = spec != NULL && spec->kind == JSON_TEXT ? spec->text : NULL;
    bool good = r->spec != NULL && aenc_json_u64(aenc_json_member(object, "step"), &r->step) && r->step < 1ull << 40 &&
                aenc_json_u64(aenc_json_member(object, "update"), &r->update) &&
                aenc_json_u64(aenc_json_member(object, "shuffle"), &r->shuffle) && real(r, "learning_rate", &r->rate) &&
                r->rate <= (double)NUM_MAX && real(r, "base", &r->base) && r->base <= (double)NUM_MAX &&
                real(r, "clip_norm", &r->norm) && real(r, "clip_value", &r->value) && real(r, "clock", &r->clock) &&
                r->clock <= 0x1p53;
    return good ? AENC_OK : wrong(r, "its settings and counts are none that an optimizer can have");
}

/* Into the optimizer and the counts of the model: nothing, or all of it. */
static aenc_status moments_read(struct reading *r, struct optimizer *optimizer) {
    struct part *part;
    size_t count;
    aenc_status status = parts_list(r->model, optimizer, &r->arena, &part, &count);
    const struct tensor_entry **tensor = aenc_arena_alloc(&r->arena, count + 1, sizeof *tensor);
    if (status == AENC_OK && tensor == NULL) status = AENC_ERR_NO_MEMORY;
    for (size_t i = 0; status == AENC_OK && i < count; i++)
        status = aenc_part_find(r->model->ctx, r->what, &r->file, &part[i], &tensor[i]);
    if (status == AENC_OK && r->file.tensor_count != count) status = wrong(r, "it has tensors that no moment is in");
    for (size_t i = 0; status == AENC_OK && i < count; i++)
        aenc_bytes_copy_little(part[i].values, tensor[i]->bytes, (size_t)part[i].entry->count, sizeof(num));
    if (status != AENC_OK) return status;
    for (struct optimizer *o = optimizer; o != NULL; o = o->next)
        if (r->model->player[o->player].optimizer == NULL)
            o->base = r->base; /* of the fit; the first has none of its own */
    aenc_optim_set_learning_rate(optimizer, r->rate);
    aenc_optim_set_clipping(optimizer, r->norm, r->value);
    aenc_train_resumed(r->model, optimizer, (int64_t)r->step);
    r->model->step = r->update;
    r->model->epoch = r->shuffle;
    r->model->clock = r->clock;
    return AENC_OK;
}

/* The model's own, made anew from the settings in the file. */
static aenc_status online_read(struct reading *r) {
    struct aenc_model *model = r->model;
    struct online online = {NULL, NULL};
    struct json *spec;
    size_t length = strlen(r->spec);
    aenc_status status = aenc_json_parse(&r->arena, r->spec, length, "the optimizer's settings", &spec);
    if (status == AENC_OK) status = aenc_train_optimizer(model, spec, &online.optimizer);
    if (status == AENC_OK && aenc_training(model) == NULL) status = AENC_ERR_NO_MEMORY;
    if (status == AENC_OK && (online.spec = aenc_text_copy(model->ctx, r->spec, length)) == NULL)
        status = AENC_ERR_NO_MEMORY;
    if (status == AENC_OK) status = moments_read(r, online.optimizer);
    if (status == AENC_OK) {
        aenc_train_forget(model);
        model->training->online = online;
        return AENC_OK;
    }
    aenc_optim_free(model->ctx, online.optimizer);
    aenc_release(model->ctx, online.spec);
    return status;
}

aenc_status aenc_optimizer_restore(struct aenc_model *model, struct optimizer *optimizer, const char *spec,
                                   const struct loaded_bytes *from) {
    struct reading r = {.model = model, .what = from->what};
    aenc_status status = aenc_safetensors_read(model->ctx, from->bytes, from->size, from->what, &r.file);
    if (status != AENC_OK) return status;
    aenc_arena_create(model->ctx, &r.arena);
    status = facts_read(&r);
    if (status == AENC_OK && optimizer != NULL && strcmp(spec, r.spec) != 0)
        status = aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "%s: it is of the optimizer %.200s; this one is %.200s",
                           r.what, aenc_quoted(r.spec).text, spec);
    if (status == AENC_OK) status = aenc_facts_check_players(model, &r.arena, r.object, AENC_ERR_ARGUMENT, r.what);
    if (status == AENC_OK) status = optimizer != NULL ? moments_read(&r, optimizer) : online_read(&r);
    aenc_arena_free(&r.arena);
    aenc_safetensors_free(&r.file);
    return status;
}
