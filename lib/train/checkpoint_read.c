/* checkpoint_read.c - continuing a run.
 *
 * Everything is read, compared and given memory before the first number of the model changes. The sum detects damage,
 * not intent: a file with a right sum may hold anything, so every number must be one that a run can have.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/bytes.h"
#include "train/fit.h"

/* One reading. */
struct reading {
    struct fit *fit;
    aenc_context *ctx;
    const char *path;
    struct arena arena;
    void *bytes;
    size_t size;
    struct safetensors file; /* its arena says whether it is open */
    struct json *run;        /* the text under CHECKPOINT_KEY */
    struct place_field field[PLACE_FIELDS];
    uint64_t whole[PLACE_FIELDS];
    double real[PLACE_FIELDS];
    struct part *part;
    const struct tensor_entry **tensor; /* of each part */
    size_t part_count;
    const struct tensor_entry *history, *terms; /* terms NULL: a model without penalties */
};

static aenc_status damaged(const struct reading *r, const char *how) {
    return aenc_fail(r->ctx, AENC_ERR_FORMAT, "checkpoint '%s': %s", r->path, how);
}

/* ---- The file ---- */

static bool sum_good(const struct reading *r, const char *description, const char *run, const char *stated) {
    struct checkpoint_sum sum = aenc_checkpoint_sum_begin(description, run);
    for (size_t i = 0; i < r->file.tensor_count; i++) {
        const struct tensor_entry *t = &r->file.tensor[i];
        aenc_checkpoint_sum_tensor(&sum, t->name, t->type, t->rank, t->dim,
                                   &(struct file_piece){t->bytes, (size_t)t->size, 1});
    }
    if (strlen(stated) != 16) return false;
    for (size_t i = 0; i < 16; i++)
        if (stated[15 - i] != "0123456789abcdef"[sum.value >> 4 * i & 15]) return false;
    return true;
}

static aenc_status file_read(struct reading *r) {
    aenc_status status = aenc_file_read(r->ctx, r->path, 0, &r->bytes, &r->size);
    if (status == AENC_OK) status = aenc_safetensors_read(r->ctx, r->bytes, r->size, r->path, &r->file);
    if (status != AENC_OK) return status;
    const char *description = aenc_safetensors_metadata(&r->file, MODEL_KEY);
    const char *run = aenc_safetensors_metadata(&r->file, CHECKPOINT_KEY);
    const char *sum = aenc_safetensors_metadata(&r->file, CHECKPOINT_SUM_KEY);
    if (description == NULL || run == NULL || sum == NULL)
        return damaged(r, "is no checkpoint (it lacks '" CHECKPOINT_KEY "' or its sum)");
    if (!sum_good(r, description, run, sum)) return damaged(r, "its sum is not that of its contents: it is damaged");
    status = aenc_json_parse(&r->arena, run, strlen(run), "the checkpoint's '" CHECKPOINT_KEY "'", &r->run);
    if (status != AENC_OK) return status;
    const struct json *format = aenc_json_member(r->run, "format");
    uint64_t number;
    if (!aenc_json_whole(format, &number) || number == 0) return damaged(r, "states no format");
    if (number < CHECKPOINT_FORMAT)
        return aenc_fail(
            r->ctx, AENC_ERR_UNSUPPORTED,
            "checkpoint '%s' has format %llu, of an earlier version, which knew the data by some rows only; this "
            "library reads %d. It can be loaded as a model",
            r->path, (unsigned long long)number, CHECKPOINT_FORMAT);
    if (number > CHECKPOINT_FORMAT)
        return aenc_fail(r->ctx, AENC_ERR_VERSION, "checkpoint '%s' has format %llu; this library reads up to %d",
                         r->path, (unsigned long long)number, CHECKPOINT_FORMAT);
    if (strcmp(description, r->fit->model->description_text) == 0) return AENC_OK;
    return aenc_fail(r->ctx, AENC_ERR_ARGUMENT, "checkpoint '%s' is of another model: its description is %s", r->path,
                     aenc_quoted(description).text);
}

/* ---- Is it this run? ---- */

static aenc_status run_compare(struct reading *r) {
    struct difference d;
    aenc_status status = aenc_facts_compare(&r->arena, aenc_json_member(r->run, "run"), r->fit->facts, &d);
    if (status != AENC_OK || d.name == NULL) return status;
    return aenc_fail(r->ctx, AENC_ERR_ARGUMENT, "checkpoint '%s' is of another run: %s was %.200s and is %.200s",
                     r->path, d.name, d.then, d.now);
}

/* Not refused: the run is the same, its last bits may not be. */
static aenc_status machine_compare(struct reading *r) {
    struct json *machine = aenc_machine_facts(r->fit, &r->arena);
    struct difference d;
    if (machine == NULL) return AENC_ERR_NO_MEMORY;
    aenc_status status = aenc_facts_compare(&r->arena, aenc_json_member(r->run, "machine"), machine, &d);
    if (status != AENC_OK || d.name == NULL) return status;
    struct aenc_model *model = r->fit->model;
    snprintf(model->notice, sizeof model->notice,
             "resumed where %s is %.80s; the checkpoint was written where it was %.80s: the last bits may differ",
             d.name, d.now, d.then);
    return AENC_OK;
}

/* ---- Its place ---- */

static bool parse_real(const struct json *member, double *out) {
    static const char *const words[] = {"nan", "inf", "-inf"};
    static const double values[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    if (member->kind == JSON_NUMBER) {
        *out = member->number;
        return true;
    }
    for (int i = 0; i < 3 && member->kind == JSON_TEXT; i++) {
        if (strcmp(member->text, words[i]) != 0) continue;
        *out = values[i];
        return true;
    }
    return false;
}

static aenc_status field_read(struct reading *r, int i) {
    const struct place_field *field = &r->field[i];
    const struct json *member = aenc_json_member(aenc_json_member(r->run, "place"), field->name);
    bool good = member != NULL;
    if (good && field->kind == PLACE_REAL)
        good = parse_real(member, &r->real[i]);
    else if (good)
        good = member->kind == JSON_TEXT && aenc_json_u64(member, &r->whole[i]);
    if (good && field->kind == PLACE_COUNT) good = r->whole[i] < UINT64_C(1) << 53;
    if (good) return AENC_OK;
    return aenc_fail(r->ctx, AENC_ERR_FORMAT, "checkpoint '%s': its place has no usable '%s'", r->path, field->name);
}

static int field_at(const struct reading *r, const char *name) {
    int i = 0;
    while (strcmp(r->field[i].name, name) != 0) i++;
    return i;
}
static uint64_t whole_of(const struct reading *r, const char *name) { return r->whole[field_at(r, name)]; }
static double real_of(const struct reading *r, const char *name) { return r->real[field_at(r, name)]; }

/* Finite, or NaN where a number is not known yet. */
static bool plain(double x) { return x - x == 0; }
static bool plain_or_unknown(double x) { return x - x == 0 || x != x; }

/* Counts against each other. A row of a stream that does not state its rows can only be as far as all steps
 * together. */
static bool counts_good(const struct reading *r) {
    const struct fit *fit = r->fit;
    const struct aenc_source *stream = fit->data.stream;
    uint64_t epochs = whole_of(r, "epochs_done"), step = whole_of(r, "step"), position = whole_of(r, "position");
    double steps = (double)epochs * (double)fit->now.steps + (double)step;
    bool inside = epochs <= INT32_MAX && step <= (uint64_t)fit->now.steps && whole_of(r, "shuffle") >= epochs;
    bool behind = whole_of(r, "waited") <= epochs && whole_of(r, "best_epoch") <= epochs &&
                  whole_of(r, "plateau_bad_epochs") <= epochs && (double)whole_of(r, "optimizer_step") <= steps;
    bool place = stream == NULL          ? position == 0
                 : stream->call.rows > 0 ? position <= stream->call.rows
                                         : (double)position <= steps * (double)fit->batch;
    return inside && behind && place;
}

static bool losses_good(const struct reading *r) {
    bool begun = whole_of(r, "step") > 0, best = whole_of(r, "best_epoch") > 0;
    double reached = real_of(r, "plateau_reached"), weight = real_of(r, "weight_sum"),
           lowest = real_of(r, "plateau_best");
    bool sums = plain(real_of(r, "loss_sum")) && (begun ? weight > 0 && plain(weight) : weight == 0);
    bool known = plain_or_unknown(real_of(r, "train_loss")) && plain_or_unknown(real_of(r, "valid_loss"));
    bool kept = best ? r->fit->validated && plain(real_of(r, "best_valid_loss"))
                     : plain_or_unknown(real_of(r, "best_valid_loss"));
    return sums && known && kept && reached >= 0 && reached <= 1 && (plain(lowest) || lowest == (double)INFINITY);
}

static bool rates_good(const struct reading *r) {
    static const char *const names[] = {"learning_rate", "gradient_norm", "seconds"};
    for (int i = 0; i < 3; i++)
        if (!(real_of(r, names[i]) >= 0) || !plain(real_of(r, names[i]))) return false;
    return true;
}

static aenc_status place_read(struct reading *r) {
    aenc_checkpoint_fields(r->fit, r->field);
    for (int i = 0; i < PLACE_FIELDS; i++) {
        aenc_status status = field_read(r, i);
        if (status != AENC_OK) return status;
    }
    bool good = counts_good(r) && losses_good(r) && rates_good(r);
    return good ? AENC_OK : damaged(r, "its place is none that a run can be in");
}

/* ---- Its tensors ---- */

static aenc_status tensors_find(struct reading *r) {
    bool best = whole_of(r, "best_epoch") > 0;
    aenc_status status = AENC_OK;
    if (best) status = aenc_snapshot_take(r->fit->model, &r->fit->best); /* the memory; the numbers follow */
    if (status == AENC_OK) status = aenc_checkpoint_parts(r->fit, best, &r->arena, &r->part, &r->part_count);
    if (status != AENC_OK) return status;
    const char *what = aenc_arena_format(&r->arena, "checkpoint '%s'", r->path);
    r->tensor = aenc_arena_alloc(&r->arena, r->part_count, sizeof *r->tensor);
    if (what == NULL || r->tensor == NULL) return AENC_ERR_NO_MEMORY;
    for (size_t i = 0; i < r->part_count && status == AENC_OK; i++)
        status = aenc_part_find(r->ctx, what, &r->file, &r->part[i], &r->tensor[i]);
    if (status != AENC_OK) return status;
    bool terms = r->fit->model->terms.count > 1;
    if (r->file.tensor_count != r->part_count + 1 + terms) return damaged(r, "it has tensors that no run has");
    return AENC_OK;
}

/* Row i of the history; false where it is none of a finished epoch. */
static bool epoch_read(const struct reading *r, size_t i, aenc_progress *out) {
    double n[HISTORY_NUMBERS];
    aenc_bytes_copy_little(n, r->history->bytes + i * sizeof n, HISTORY_NUMBERS, sizeof *n);
    for (int k = 0; k < HISTORY_NUMBERS; k++) { /* whole numbers that can be cast */
        bool whole = k < 5 || k == 11, unknown = k == 6 || k == 10;
        if (whole && !(n[k] >= 0 && n[k] < 9007199254740992.0 && n[k] == (double)(int64_t)n[k])) return false;
        if (!(unknown ? plain_or_unknown(n[k]) : plain(n[k]))) return false;
    }
    *out = (aenc_progress){sizeof(aenc_progress),
                           (int64_t)n[0],
                           (int64_t)n[1],
                           (int64_t)n[2],
                           (int64_t)n[3],
                           (int64_t)n[4],
                           n[5],
                           n[6],
                           n[7],
                           n[8],
                           n[9],
                           n[10],
                           (int64_t)n[11]};
    return out->event == AENC_EVENT_EPOCH && out->epoch == (int64_t)i + 1 && out->epochs <= INT32_MAX &&
           out->steps == r->fit->now.steps && out->step > 0 && out->step <= out->steps &&
           out->best_epoch <= out->epoch && out->learning_rate >= 0 && out->gradient_norm >= 0 && out->seconds >= 0;
}

static aenc_status terms_find(struct reading *r) {
    const struct terms *own = &r->fit->model->terms;
    size_t width = own->count;
    if (width == 1) return AENC_OK;
    const struct tensor_entry *terms = r->terms = aenc_safetensors_find(&r->file, CHECKPOINT_TERMS);
    if (terms == NULL || terms->type != TENSOR_F64 || terms->rank != 2 || terms->dim[0] != r->history->dim[0] + 1 ||
        (terms->dim[1] != width && terms->dim[1] != 2 * width))
        return damaged(r, "its terms are not there");
    for (uint64_t i = 0; i < terms->dim[0] * terms->dim[1]; i++) {
        double value;
        aenc_bytes_copy_little(&value, terms->bytes + i * sizeof value, 1, sizeof value);
        bool summed = i % terms->dim[1] < width && own->role[i % width] != TERM_MEASURE;
        if (summed && !plain(value)) return damaged(r, "a term of its loss is not finite");
    }
    return AENC_OK;
}

static aenc_status history_find(struct reading *r) {
    const struct tensor_entry *t = aenc_safetensors_find(&r->file, CHECKPOINT_HISTORY);
    r->history = t;
    if (t == NULL || t->type != TENSOR_F64 || t->rank != 2 || t->dim[1] != HISTORY_NUMBERS)
        return damaged(r, "its history is not there");
    if (t->dim[0] != whole_of(r, "epochs_done")) return damaged(r, "its history is not that of its epochs");
    for (size_t i = 0; i < (size_t)t->dim[0]; i++) {
        aenc_progress epoch;
        if (!epoch_read(r, i, &epoch)) return damaged(r, "its history is none that a run can have");
    }
    aenc_status status = aenc_history_reserve(r->fit->model, (size_t)t->dim[0] + 1);
    return status == AENC_OK ? terms_find(r) : status;
}

/* ---- The change ---- */

static void history_load(struct reading *r) {
    struct history *history = &r->fit->model->training->history;
    history->count = (size_t)r->history->dim[0];
    for (size_t i = 0; i < history->count; i++) (void)epoch_read(r, i, &history->epoch[i]);
}

/* After history and place: without penalties the reconstruction is all of the loss. */
static void terms_load(struct reading *r) {
    struct history *history = &r->fit->model->training->history;
    struct fit *fit = r->fit;
    struct terms *terms = &fit->model->terms;
    size_t width = terms->count, wide = width == 1 ? 2 : (size_t)r->terms->dim[1];
    for (size_t i = 0; i <= history->count; i++) {
        bool running = i == history->count;
        double *row = running ? fit->term_sum : history->term + 2 * i * width;
        if (width > 1) {
            /* versions before 0.2 wrote the terms of training alone */
            for (size_t k = width; k < 2 * width; k++) row[k] = NAN;
            aenc_bytes_copy_little(row, r->terms->bytes + i * wide * sizeof *row, wide, sizeof *row);
        } else {
            row[0] = running ? fit->place.loss_sum : history->epoch[i].train_loss;
            row[1] = running ? 0 : history->epoch[i].valid_loss;
        }
    }
    /* the running epoch's so far; between two, those of the one that has ended */
    const double *last = history->count > 0 ? history->term + 2 * (history->count - 1) * width : NULL;
    for (size_t i = 0; i < width; i++) {
        bool between = fit->now.step == 0 && last != NULL;
        terms->value[i] = fit->now.step > 0 ? fit->term_sum[i] / fit->place.weight_sum
                          : between         ? last[i]
                                            : (double)NAN;
        terms->valid[i] = between ? last[width + i] : (double)NAN;
    }
}

static void place_load(struct reading *r) {
    for (int i = 0; i < PLACE_FIELDS; i++) {
        void *value = r->field[i].value;
        if (r->field[i].kind == PLACE_REAL)
            *(double *)value = r->real[i];
        else if (r->field[i].kind == PLACE_U64)
            *(uint64_t *)value = r->whole[i];
        else
            *(int64_t *)value = (int64_t)r->whole[i];
    }
    struct fit *fit = r->fit;
    aenc_train_resumed(fit->model, fit->optimizer, fit->optimizer->step);
    fit->model->scaling_known = true;
    fit->model->clock = (double)fit->model->epoch; /* where no step is left that would tell it */
    fit->resumed = true;
    fit->seconds_before = fit->now.seconds;
    if (fit->options->patience > 0 && fit->place.waited >= fit->options->patience)
        aenc_fit_stop(fit, AENC_STOPPED_PATIENCE);
}

aenc_status aenc_checkpoint_resume(struct fit *fit) {
    struct reading r = {.fit = fit, .ctx = fit->model->ctx, .path = fit->options->checkpoint};
    aenc_arena_create(r.ctx, &r.arena);
    aenc_status status = file_read(&r);
    if (status == AENC_OK) status = run_compare(&r);
    if (status == AENC_OK) status = machine_compare(&r);
    if (status == AENC_OK) status = place_read(&r);
    if (status == AENC_OK) status = aenc_store_own(&fit->model->store);
    if (status == AENC_OK) status = tensors_find(&r);
    if (status == AENC_OK) status = history_find(&r);
    if (status == AENC_OK) {
        for (size_t i = 0; i < r.part_count; i++)
            aenc_bytes_copy_little(r.part[i].values, r.tensor[i]->bytes, (size_t)r.part[i].entry->count, sizeof(num));
        history_load(&r);
        place_load(&r);
        terms_load(&r);
    }
    if (r.file.arena.ctx != NULL) aenc_safetensors_free(&r.file);
    aenc_release(r.ctx, r.bytes);
    aenc_arena_free(&r.arena);
    return status;
}
