/* evaluate.c - the loss as evaluation sees it, and its terms: of rows in memory, and of a pass of a stream.
 *
 * Both are sums over rows in their order, in double, by pieces of EVALUATE_ROWS; a stream comes in whole chunks of such a piece. So
 * the same rows have the same bits, wherever they are.
 */
#include <math.h>

#include "io/message_text.h"
#include "train/fit.h"

enum { EVALUATE_ROWS = 32 * INFER_ROWS }; /* scored at a time */

/* Of rows that have been scored so far. */
struct evaluation {
    double sum, total; /* of losses, each times its weight; of weights */
    double *term;      /* of each term, likewise */
    int64_t rows;
};

/* Whether the loss is not the reconstruction alone, or something is measured beside it. */
static bool several_terms(const struct terms *terms) {
    size_t count = 0;
    for (size_t i = 0; i < terms->count; i++) count += terms->role[i] != TERM_TRAINING;
    return count > 1;
}

/* For so many rows of `width` numbers; it stays. */
static float *scores_room(struct aenc_model *model, size_t width) {
    struct training *training = aenc_training(model);
    if (training != NULL && training->scores == NULL)
        training->scores = aenc_alloc_raw(model->ctx, EVALUATE_ROWS * sizeof *training->scores, width);
    return training == NULL ? NULL : training->scores;
}

/* term: room for the model's. */
static struct evaluation evaluation_begin(const struct aenc_model *model, double *term) {
    for (size_t i = 0; i < model->terms.count; i++) term[i] = 0;
    return (struct evaluation){.term = term};
}

/* Rows behind those before, whose weights have been checked. */
static aenc_status evaluation_add(struct aenc_model *model, const struct batch *batch, struct evaluation *e) {
    const struct terms *terms = &model->terms;
    bool weighted = aenc_batch_has(batch, FIELD_WEIGHT), several = several_terms(terms);
    size_t width = several ? 1 + terms->count : 1;
    float one[EVALUATE_ROWS], *score = several ? scores_room(model, width) : one;
    aenc_status status = score == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
    for (int64_t first = 0, done; first < batch->count && status == AENC_OK; first += done) {
        int64_t at = e->rows % EVALUATE_ROWS;
        const struct batch piece = aenc_batch_piece(batch, first, EVALUATE_ROWS - at);
        done = piece.count;
        status = aenc_model_infer_from(model, several ? TASK_TERMS : TASK_SCORE, &piece, at, score);
        for (int64_t r = 0; r < done && status == AENC_OK; r++) {
            const float *row = score + (size_t)r * width;
            double weight = weighted ? aenc_batch_raw(&piece, FIELD_WEIGHT, r, 0) : 1;
            e->sum += (double)row[0] * weight;
            e->total += weight;
            for (size_t i = 1; i < width; i++) e->term[i - 1] += (double)row[i] * weight;
        }
        e->rows += done;
    }
    return status;
}

/* What model->terms.valid is then; after a failure nothing is known. */
static aenc_status evaluation_end(struct aenc_model *model, const struct evaluation *e, aenc_status status,
                                  double *loss) {
    const struct terms *terms = &model->terms;
    bool several = several_terms(terms);
    for (size_t i = 0; i < terms->count; i++)
        terms->valid[i] = status == AENC_OK && several ? e->term[i] / e->total : NAN;
    if (status == AENC_OK) *loss = e->sum / e->total;
    if (status == AENC_OK && !several) terms->valid[0] = *loss;
    return status;
}

aenc_status aenc_train_evaluate(struct aenc_model *model, const struct batch *batch, double *loss) {
    double total;
    struct evaluation e = evaluation_begin(model, model->terms.valid);
    aenc_status status = aenc_weight_sum(model->ctx, batch, &total);
    if (status == AENC_OK) status = evaluation_add(model, batch, &e);
    return evaluation_end(model, &e, status, loss);
}

/* ---- Of a stream ---- */

static const size_t READ_BYTES = (size_t)16 << 20;

/* Rows read at a time: as many chunks of inference as fit into READ_BYTES, but one at least. */
static int64_t rows_at_a_time(const struct aenc_source *source) {
    size_t row = 0;
    for (int f = 0; f < source->field_count; f++)
        row += (size_t)source->field[f].size * aenc_value_bytes(source->field[f].column.type);
    int64_t rows = EVALUATE_ROWS;
    while (rows > INFER_ROWS && row > READ_BYTES / (size_t)rows) rows /= 2;
    return rows;
}

/* The next rows of the pass, looked at and scored. */
static aenc_status piece_add(struct fit *fit, const struct batch *rows, uint64_t first, struct evaluation *e) {
    double total = 0;
    aenc_status status = aenc_fit_rows_check(fit, VALID_SOURCE, aenc_batch_has(rows, FIELD_TARGET), rows, first);
    if (status == AENC_OK && aenc_batch_has(rows, FIELD_WEIGHT))
        status = aenc_weights_check(fit->model->ctx, (struct column_names){VALID_SOURCE ".weight", first, NULL}, rows,
                                    &total);
    return status == AENC_OK ? evaluation_add(fit->model, rows, e) : status;
}

/* One pass. The source's callbacks may evaluate the model on other rows: what there is so far is not where that goes. */
aenc_status aenc_fit_evaluate_stream(struct fit *fit, double *loss) {
    const struct aenc_source *source = fit->data.valid_source;
    struct aenc_model *model = fit->model;
    int64_t rows = rows_at_a_time(source), stated = (int64_t)source->call.rows;
    struct evaluation e = evaluation_begin(model, fit->term_sum + model->terms.count);
    struct stream_want want = {rows, 1, stated == 0 ? INT64_MAX : (stated - 1) / rows + 1, VALID_SOURCE, true};
    struct stream stream;
    struct stream_batch *got;
    if (stated > 0 && stated < rows) want.rows = stated;
    aenc_status status = aenc_stream_open(source, want, 0, &stream);
    for (bool more = true; more && status == AENC_OK;) {
        status = aenc_stream_next(&stream, &got);
        if (status == AENC_OK && stream.stopped) status = aenc_ended(model->ctx, VALID_SOURCE);
        if (status != AENC_OK || got->count == 0) break;
        const struct batch piece = aenc_stream_rows(&stream, got, fit->data.valid_field);
        status = piece_add(fit, &piece, got->first, &e);
        more = got->after != 0;
    }
    aenc_stream_close(&stream);
    if (status == AENC_OK && !(e.total > 0))
        status =
            aenc_fail(model->ctx, AENC_ERR_ARGUMENT, VALID_SOURCE ".weight adds up to %s", aenc_shown(e.total).text);
    return evaluation_end(model, &e, status, loss);
}
