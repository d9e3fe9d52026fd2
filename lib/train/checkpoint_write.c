/* checkpoint_write.c - a run as one safetensors file.
 *
 * Parameters and states stand under their own names, so that the file can be loaded as a model; what else is a tensor
 * under names that begin with "checkpoint.". docs/format.md lists all of it.
 */
#include <string.h>

#include "io/bytes.h"
#include "train/fit.h"

/* ---- What belongs to it ---- */

static void part_add(struct arena *arena, struct part *part, size_t *count, const char *prefix,
                     const struct entry *entry, num *values) {
    const char *name = prefix == NULL ? entry->name : aenc_arena_format(arena, "%s.%s", prefix, entry->name);
    part[(*count)++] = (struct part){name, entry, values, false};
}

aenc_status aenc_checkpoint_parts(struct fit *fit, bool best, struct arena *arena, struct part **out, size_t *count) {
    static const char *const moments[MOMENTS_MAX] = {"checkpoint.moment.0", "checkpoint.moment.1",
                                                     "checkpoint.moment.2"};
    const struct store *store = &fit->model->store;
    struct part *part = aenc_arena_alloc(arena, store->entry_count, (2 + MOMENTS_MAX) * sizeof *part);
    *out = part;
    *count = 0;
    if (part == NULL) return AENC_ERR_NO_MEMORY;
    for (size_t i = 0; i < store->entry_count; i++) {
        const struct entry *entry = &store->entry[i];
        bool trained = entry->kind == ENTRY_PARAMETER;
        const struct optimizer *optimizer = aenc_optim_of(fit->optimizer, entry->player);
        part_add(arena, part, count, NULL, entry, aenc_store_values(store, entry));
        for (int m = 0; m < MOMENTS_MAX && trained; m++) {
            if (!optimizer->uses[m]) continue;
            part_add(arena, part, count, moments[m], entry, aenc_optim_moment(optimizer, entry, m));
            part[*count - 1].squares = optimizer->squares[m];
        }
        num *kept = trained ? fit->best.parameter : fit->best.state;
        if (best) part_add(arena, part, count, "checkpoint.best", entry, kept + entry->offset);
    }
    return arena->failed ? AENC_ERR_NO_MEMORY : AENC_OK;
}

void aenc_checkpoint_fields(struct fit *fit, struct place_field out[PLACE_FIELDS]) {
    const struct place_field fields[PLACE_FIELDS] = {
        {"update", PLACE_U64, &fit->model->step},
        {"shuffle", PLACE_U64, &fit->model->epoch},
        {"position", PLACE_U64, &fit->place.position},
        {"optimizer_step", PLACE_COUNT, &fit->optimizer->step},
        {"epochs_done", PLACE_COUNT, &fit->place.epochs_done},
        {"step", PLACE_COUNT, &fit->now.step},
        {"waited", PLACE_COUNT, &fit->place.waited},
        {"best_epoch", PLACE_COUNT, &fit->now.best_epoch},
        {"plateau_bad_epochs", PLACE_COUNT, &fit->schedule.bad_epochs},
        {"loss_sum", PLACE_REAL, &fit->place.loss_sum},
        {"weight_sum", PLACE_REAL, &fit->place.weight_sum},
        {"train_loss", PLACE_REAL, &fit->now.train_loss},
        {"valid_loss", PLACE_REAL, &fit->now.valid_loss},
        {"best_valid_loss", PLACE_REAL, &fit->now.best_valid_loss},
        {"learning_rate", PLACE_REAL, &fit->now.learning_rate},
        {"gradient_norm", PLACE_REAL, &fit->now.gradient_norm},
        {"seconds", PLACE_REAL, &fit->now.seconds},
        {"plateau_best", PLACE_REAL, &fit->schedule.best},
        {"plateau_reached", PLACE_REAL, &fit->schedule.reached},
    };
    memcpy(out, fields, sizeof fields);
}

/* ---- The sum ---- */

static uint64_t sum_word(uint64_t sum, uint64_t word) {
    /* every step is a bijection of the word and of the sum: a change of one word never goes unnoticed */
    sum = (sum ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return sum ^ sum >> 29;
}

static uint64_t sum_piece(uint64_t sum, const struct file_piece *piece) {
    unsigned char bytes[4096];
    const char *from = piece->values;
    for (size_t left = piece->count, now; left > 0; left -= now) {
        now = left < sizeof bytes / piece->item ? left : sizeof bytes / piece->item;
        size_t size = now * piece->item, whole = size / 8 * 8;
        aenc_bytes_copy_little(bytes, from, now, piece->item);
        for (size_t i = 0; i < whole; i += 8) sum = sum_word(sum, aenc_bytes_u64(bytes + i));
        for (size_t i = whole; i < size; i++) sum = sum_word(sum, bytes[i]);
        from += size;
    }
    return sum_word(sum, (uint64_t)piece->count * piece->item);
}

static uint64_t sum_text(uint64_t sum, const char *text) {
    return sum_piece(sum, &(struct file_piece){text, strlen(text), 1});
}

struct checkpoint_sum aenc_checkpoint_sum_begin(const char *description, const char *run) {
    return (struct checkpoint_sum){sum_text(sum_text(CHECKPOINT_FORMAT, description), run)};
}

void aenc_checkpoint_sum_tensor(struct checkpoint_sum *sum, const char *name, enum tensor_type type, int rank,
                                const uint64_t *dim, const struct file_piece *values) {
    uint64_t value = sum_word(sum_text(sum->value, name), (uint64_t)type << 8 | (uint64_t)rank);
    for (int axis = 0; axis < rank; axis++) value = sum_word(value, dim[axis]);
    sum->value = sum_piece(value, values);
}

/* ---- The texts ---- */

static struct json *add_field(struct arena *arena, struct json *object, const struct place_field *field) {
    if (field->kind == PLACE_REAL) {
        double x = *(const double *)field->value;
        if (x - x == 0) return aenc_json_add_number(arena, object, field->name, x);
        return aenc_json_add_text(arena, object, field->name, x > 0 ? "inf" : x < 0 ? "-inf" : "nan");
    }
    uint64_t whole =
        field->kind == PLACE_U64 ? *(const uint64_t *)field->value : (uint64_t) * (const int64_t *)field->value;
    return aenc_json_add_u64(arena, object, field->name, whole);
}

/* The text under CHECKPOINT_KEY, from aenc_alloc. */
static aenc_status run_text(struct fit *fit, struct arena *arena, char **out) {
    struct place_field field[PLACE_FIELDS];
    struct json *object = aenc_json_root(arena, JSON_OBJECT);
    aenc_json_add_number(arena, object, "format", CHECKPOINT_FORMAT);
    aenc_json_add_copy(arena, object, "run", fit->facts);
    struct json *machine = aenc_machine_facts(fit, arena);
    if (machine == NULL) return AENC_ERR_NO_MEMORY;
    aenc_json_add_copy(arena, object, "machine", machine);
    struct json *place = aenc_json_add(arena, object, "place", JSON_OBJECT);
    aenc_checkpoint_fields(fit, field);
    for (int i = 0; i < PLACE_FIELDS; i++) add_field(arena, place, &field[i]);
    if (arena->failed) return AENC_ERR_NO_MEMORY;
    return aenc_json_write(fit->model->ctx, object, out, NULL);
}

/* ---- The tensors ---- */

/* One row of HISTORY_NUMBERS per epoch, in the order of aenc_progress. */
static aenc_status history_source(const struct history *history, struct arena *arena, struct tensor_source *source) {
    double *row = aenc_arena_alloc(arena, history->count + 1, HISTORY_NUMBERS * sizeof *row);
    *source = (struct tensor_source){CHECKPOINT_HISTORY, TENSOR_F64, 2, {history->count, HISTORY_NUMBERS}, row};
    if (row == NULL) return AENC_ERR_NO_MEMORY;
    for (size_t i = 0; i < history->count; i++, row += HISTORY_NUMBERS) {
        const aenc_progress *e = &history->epoch[i];
        const double numbers[HISTORY_NUMBERS] = {(double)e->event, (double)e->epoch,   (double)e->epochs,
                                                 (double)e->step,  (double)e->steps,   e->train_loss,
                                                 e->valid_loss,    e->learning_rate,   e->gradient_norm,
                                                 e->seconds,       e->best_valid_loss, (double)e->best_epoch};
        memcpy(row, numbers, sizeof numbers);
    }
    return AENC_OK;
}

/* The terms of each epoch in training and validation, and below them the sums of the running one. */
static aenc_status terms_source(struct fit *fit, struct arena *arena, struct tensor_source *source) {
    const struct history *history = &fit->model->training->history;
    size_t width = 2 * fit->model->terms.count, used = history->count * width;
    double *row = aenc_arena_alloc(arena, used + width, sizeof *row);
    *source = (struct tensor_source){CHECKPOINT_TERMS, TENSOR_F64, 2, {history->count + 1, width}, row};
    if (row == NULL) return AENC_ERR_NO_MEMORY;
    if (used > 0) memcpy(row, history->term, used * sizeof *row);
    memcpy(row + used, fit->term_sum, width / 2 * sizeof *row);
    return AENC_OK;
}

/* The file states its own sum, where its header was written with zeros. */
static void sum_put(struct safetensors_draft *draft, const struct metadata_entry *metadata) {
    static const char zeros[] = "\"" CHECKPOINT_SUM_KEY "\":\"0000000000000000\"";
    struct checkpoint_sum sum = aenc_checkpoint_sum_begin(metadata[0].text, metadata[1].text);
    for (size_t i = 0; i + 1 < draft->piece_count; i++) {
        const struct tensor_source *t = draft->tensor[i];
        aenc_checkpoint_sum_tensor(&sum, t->name, t->type, t->rank, t->dim, &draft->piece[i + 1]);
    }
    unsigned char *at = draft->header + 8;
    while (memcmp(at, zeros, sizeof zeros - 1) != 0) at++;
    at += sizeof zeros - 3; /* the last digit */
    for (size_t i = 0; i < 16; i++) *(at - i) = (unsigned char)"0123456789abcdef"[sum.value >> 4 * i & 15];
}

/* Nothing of the run is copied but its history: the file is written from where its numbers are. */
static aenc_status parts_save(struct fit *fit, struct arena *arena, const char *run) {
    aenc_context *ctx = fit->model->ctx;
    struct safetensors_draft draft;
    struct part *part;
    size_t count;
    aenc_status status = aenc_checkpoint_parts(fit, fit->now.best_epoch > 0, arena, &part, &count);
    if (status != AENC_OK) return status;
    struct tensor_source *source = aenc_arena_alloc(arena, count + 2, sizeof *source);
    if (source == NULL) return AENC_ERR_NO_MEMORY;
    for (size_t i = 0; i < count; i++) aenc_part_source(&part[i], &source[i]);
    status = history_source(&fit->model->training->history, arena, &source[count++]);
    if (status == AENC_OK && fit->model->terms.count > 1) status = terms_source(fit, arena, &source[count++]);
    const struct metadata_entry metadata[] = {
        {MODEL_KEY, fit->model->description_text}, {CHECKPOINT_KEY, run}, {CHECKPOINT_SUM_KEY, "0000000000000000"}};
    if (status == AENC_OK) status = aenc_safetensors_draft(ctx, source, count, metadata, 3, &draft);
    if (status != AENC_OK) return status;
    sum_put(&draft, metadata);
    status = aenc_file_save_pieces(ctx, fit->options->checkpoint, draft.piece, draft.piece_count);
    aenc_safetensors_draft_free(&draft);
    return status;
}

aenc_status aenc_checkpoint_save(struct fit *fit) {
    aenc_context *ctx = fit->model->ctx;
    struct arena arena;
    char *run = NULL;
    aenc_arena_create(ctx, &arena);
    aenc_status status = run_text(fit, &arena, &run);
    if (status == AENC_OK) status = parts_save(fit, &arena, run);
    aenc_release(ctx, run);
    aenc_arena_free(&arena);
    return status;
}
