/* model.c - declaring a model from its description, and ending it. */
#include <math.h>
#include <string.h>

#include "io/bytes.h"
#include "model/pca.h"
#include "model/results.h"

static aenc_status description_read(struct aenc_model *model) {
    const struct json *input = aenc_json_member(model->description, "input");
    for (const struct json *d = input->first; d != NULL; d = d->next)
        model->input.dim[model->input.rank++] = (int64_t)d->number;
    model->loss_spec = aenc_json_member(model->description, "loss");
    model->loss = aenc_loss_find(model->ctx, model->loss_spec);
    if (model->loss == NULL) return AENC_ERR_ARGUMENT;
    model->seed = model->ctx->seed;
    (void)aenc_json_u64(aenc_json_member(model->description, "seed"), &model->seed);
    model->scaling = aenc_json_member(model->description, "scaling");
    model->field_count = aenc_fields_read(aenc_json_member(model->description, "fields"), model->field);
    model->unit_target = model->loss->unit_target && model->scaling == NULL;
    model->classes = aenc_loss_classes(model->loss, model->loss_spec);
    model->output_factor = aenc_loss_factor(model->loss, model->loss_spec);
    return aenc_json_write(model->ctx, model->description, &model->description_text, NULL);
}

/* The terms of the recording, by name. */
static aenc_status terms_take(struct aenc_model *model, const struct tape *tape) {
    struct terms *terms = &model->terms;
    struct arena *arena = &model->arena;
    terms->count = tape->term_count;
    terms->name = aenc_arena_alloc(arena, terms->count, sizeof *terms->name);
    terms->role = aenc_arena_alloc(arena, terms->count, sizeof *terms->role);
    terms->player = aenc_arena_alloc(arena, terms->count, sizeof *terms->player);
    terms->value = aenc_arena_alloc(arena, terms->count, 2 * sizeof *terms->value);
    if (terms->name == NULL || terms->role == NULL || terms->player == NULL || terms->value == NULL)
        return AENC_ERR_NO_MEMORY;
    terms->valid = terms->value + terms->count;
    for (size_t i = 0; i < terms->count; i++) {
        terms->name[i] = aenc_arena_text(arena, tape->term[i].name);
        terms->role[i] = tape->term[i].role;
        terms->player[i] = tape->term[i].player;
        terms->value[i] = terms->valid[i] = NAN;
        if (tape->term[i].warning == NULL) continue;
        terms->watched = i;
        terms->warning = tape->term[i].warning;
        terms->least = tape->term[i].least;
    }
    return arena->failed ? AENC_ERR_NO_MEMORY : AENC_OK;
}

/* Once the sizes are known. */
static void fields_describe(struct aenc_model *model) {
    const struct field_spec own[FIELD_DECLARED] = {
        [FIELD_INPUT] = {"input", model->input, model->input_size, FIELD_NUMBER, 0, true},
        [FIELD_TARGET] = {"target",
                          {1, {model->target_size}},
                          model->target_size,
                          model->classes > 0   ? FIELD_CLASSES
                          : model->unit_target ? FIELD_UNIT
                                               : FIELD_NUMBER,
                          model->classes,
                          !aenc_target_optional(model)},
        [FIELD_WEIGHT] = {"weight", {0, {0}}, 1, FIELD_NUMBER, 0, false},
        [FIELD_CODE] = {"code", model->code, model->code_size, FIELD_NUMBER, 0, false},
    };
    memcpy(model->field, own, sizeof own);
}

static aenc_status output_check(struct aenc_model *model) {
    int64_t factor = model->output_factor;
    int64_t last = model->output.rank == 0 ? 1 : model->output.dim[model->output.rank - 1];
    if (model->scaling != NULL && model->classes == 0 && model->target_size != model->input_size)
        return aenc_fail(model->ctx, AENC_ERR_SHAPE, "scaling '%s': an output of %lld numbers is not an input of %lld",
                         aenc_settings_type(model->scaling), (long long)model->target_size,
                         (long long)model->input_size);
    if (model->classes > 0 && last != model->classes)
        return aenc_fail(model->ctx, AENC_ERR_SHAPE, "loss '%s' has %lld classes; the decoder's last axis has %lld",
                         model->loss->name, (long long)model->classes, (long long)last);
    if (model->classes > 0 || last % factor == 0) return AENC_OK;
    return aenc_fail(model->ctx, AENC_ERR_SHAPE,
                     "loss '%s' takes %d numbers per output element; the decoder's last axis of %lld does not divide",
                     model->loss->name, (int)factor, (long long)last);
}

/* Code and output are recorded: the sizes follow. */
static aenc_status sizes_take(struct aenc_model *model, const struct site *site) {
    model->code = aenc_row_shape(site->code);
    model->output = aenc_row_shape(site->output);
    model->input_size = aenc_shape_count(&model->input);
    model->code_size = aenc_shape_count(&model->code);
    model->output_size = aenc_shape_count(&model->output);
    model->target_size = model->output_size / model->output_factor;
    fields_describe(model);
    aenc_status status = aenc_results_take(model, site);
    return status == AENC_OK ? output_check(model) : status;
}

/* Records everything once in training mode on a tape that is thrown away: the store now knows every parameter, and the
 * model its shapes and terms. */
static aenc_status declare(struct aenc_model *model) {
    struct tape tape;
    aenc_tape_create(model->ctx, MODE_TRAIN, 1, &tape);
    aenc_task_train_record(model, &tape, true, sizes_take);
    aenc_status status = tape.status;
    model->least_rows = tape.least_rows > 1 ? tape.least_rows : 1;
    if (status == AENC_OK && tape.least_for != NULL) {
        model->least_for = aenc_arena_text(&model->arena, tape.least_for);
        if (model->least_for == NULL) status = AENC_ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < tape.field_count && status == AENC_OK; i++) {
        int field = aenc_field_find(model->field, model->field_count, tape.field[i].name);
        if (field >= FIELD_DECLARED) model->field[field].trained = true;
    }
    if (status == AENC_OK) status = terms_take(model, &tape);
    model->pca = aenc_json_member(model->description, "pca");
    if (status == AENC_OK && model->pca != NULL) {
        struct site site = {.tape = &tape, .store = &model->store};
        aenc_pca_declare(&site, model->input_size, model->code_size);
        status = tape.status;
    }
    aenc_tape_free(&tape);
    return status;
}

aenc_status aenc_model_declare(aenc_context *ctx, struct arena *arena, const struct json *description,
                               struct aenc_model **out) {
    *out = NULL;
    struct aenc_model *model = aenc_alloc(ctx, 1, sizeof *model);
    if (model == NULL) {
        aenc_arena_free(arena);
        return AENC_ERR_NO_MEMORY;
    }
    atomic_init(&model->references, 1);
    atomic_init(&model->cancel, 0);
    model->ctx = ctx;
    aenc_context_retain(ctx);
    model->arena = *arena;
    model->description = description;
    aenc_store_create(ctx, &model->store);
    aenc_status status = description_read(model);
    if (status == AENC_OK) status = declare(model);
    if (status == AENC_OK) status = aenc_aliases_declare(model);
    if (status == AENC_OK)
        *out = model;
    else
        aenc_model_release(model);
    return status;
}

aenc_status aenc_model_make(aenc_context *ctx, struct arena *arena, const struct json *description,
                            struct aenc_model **out) {
    struct aenc_model *model;
    *out = NULL;
    aenc_status status = aenc_model_declare(ctx, arena, description, &model);
    if (status == AENC_OK) status = aenc_store_allocate(&model->store, model->seed);
    if (status == AENC_OK)
        *out = model;
    else
        aenc_model_release(model);
    return status;
}

bool aenc_model_reconstructs(const struct aenc_model *model) {
    return model->output_factor == 1 && model->output_size == model->input_size;
}

void aenc_model_retain(struct aenc_model *model) {
    atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
}

bool aenc_model_cancelled(const struct aenc_model *model) {
    return atomic_load_explicit(&model->cancel, memory_order_relaxed) != 0 || aenc_context_cancelled(model->ctx);
}

void aenc_model_uncancel(struct aenc_model *model) { atomic_store_explicit(&model->cancel, 0, memory_order_relaxed); }

void aenc_model_forget_tasks(struct aenc_model *model) {
    for (int own = 0; own < 2; own++) aenc_task_free(model->ctx, &model->train_task[own]);
    for (int i = 0; i < TASKS_KEPT; i++) aenc_task_free(model->ctx, &model->infer_task[i]);
    for (int p = 1; p < model->player_count && model->player_task != NULL; p++)
        for (int own = 0; own < 2; own++) aenc_task_free(model->ctx, &model->player_task[p - 1][own]);
}

/* ---- What is frozen ---- */

size_t aenc_model_freeze_below(struct aenc_model *model, const char *path, bool frozen) {
    size_t found = 0;
    for (size_t i = 0; i < model->store.entry_count; i++) {
        struct entry *entry = &model->store.entry[i];
        if (entry->kind != ENTRY_PARAMETER || aenc_path_below(entry->name, path) == NULL) continue;
        entry->frozen = frozen;
        found++;
    }
    if (found > 0) aenc_model_forget_tasks(model);
    return found;
}

aenc_status aenc_model_freeze_listed(struct aenc_model *model, const struct json *paths) {
    if (paths != NULL && paths->kind != JSON_ARRAY)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "model: 'frozen' must be a list of names of parameters");
    int scans = 0; /* a file must not take time out of proportion */
    for (const struct json *path = paths == NULL ? NULL : paths->first; path != NULL; path = path->next) {
        const char *text = path->kind == JSON_TEXT ? path->text : "something that is not a text";
        struct entry *entry = aenc_store_find(&model->store, text);
        if (entry != NULL && entry->kind == ENTRY_PARAMETER) {
            entry->frozen = true;
            continue;
        }
        if (path->kind != JSON_TEXT || scans++ == SPECS_MAX || aenc_model_freeze_below(model, text, true) == 0)
            return aenc_fail(model->ctx, AENC_ERR_ARGUMENT,
                             "model: 'frozen' has '%s'; no parameter is called so or lies below it, or there are more "
                             "than %d paths besides whole names",
                             aenc_quoted(text).text, SPECS_MAX);
    }
    return AENC_OK;
}

struct json *aenc_model_frozen(const struct aenc_model *model, struct arena *arena) {
    struct json *list = aenc_json_root(arena, JSON_ARRAY);
    for (size_t i = 0; i < model->store.entry_count; i++)
        if (model->store.entry[i].frozen) aenc_json_add_text(arena, list, NULL, model->store.entry[i].name);
    return list;
}

void aenc_model_release(struct aenc_model *model) {
    if (model == NULL) return;
    if (atomic_fetch_sub_explicit(&model->references, 1, memory_order_acq_rel) != 1) return;
    aenc_context *ctx = model->ctx;
    aenc_model_forget_tasks(model);
    if (model->training_free != NULL) model->training_free(model);
    aenc_store_free(&model->store);
    aenc_release(ctx, model->description_text);
    aenc_arena_free(&model->arena);
    aenc_release(ctx, model);
    aenc_context_release(ctx);
}
