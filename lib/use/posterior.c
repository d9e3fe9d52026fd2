/* posterior.c - what a Gaussian code keeps of the rows, and how its aggregate posterior lies to the prior.
 *
 * With q(z) = (1 / n) sum_n q(z | x_n) over the rows (Hoffman & Johnson 2016), in nats:
 *
 *     rate                mean over n of KL(q(z | x_n) | p(z)) = mutual information + KL(q(z) | p(z))
 *     mutual information  mean over n of log q(z_n | x_n) - log q(z_n), z_n drawn from q(z | x_n)
 *
 * log q(z_n) is a sum over all pairs of so many rows, spread evenly. With m of them the estimate is log m at most. Of element j by
 * itself, with the mean m_j and variance v_j of q(z_j), KL(N(m_j, v_j) | N(0, 1)) = (m_j^2 + v_j - 1 - log v_j) / 2.
 */
#include <math.h>
#include <string.h>

#include "model/results.h"
#include "use/use.h"

enum { PIECE = 1024, PAIR_ROWS = 16 };
enum { MEAN, LOG_VARIANCE, KL, SAMPLE, WANTED };
static const char *const names[WANTED] = {"mean", "log_variance", "kl", "sample"};
static const double active_variance = 0.01; /* of the mean, above which an element is active (Burda et al. 2016) */

/* (pairs, units) of the rows that are compared, and what comes of it. */
struct pairs {
    aenc_context *ctx;
    int64_t count, units;
    double *mean, *precision, *sample;
    double *constant; /* (pairs): -(1 / 2) sum_j log_variance_j */
    double *gain;     /* (pairs): log q(z | x) - log q(z) */
    atomic_bool left_out;
};

/* log q(z_i | x_n), but for a constant */
static double log_density(const struct pairs *p, int64_t i, int64_t n) {
    const double *z = p->sample + i * p->units, *m = p->mean + n * p->units, *w = p->precision + n * p->units;
    double sum = 0;
    for (int64_t j = 0; j < p->units; j++) sum += (z[j] - m[j]) * (z[j] - m[j]) * w[j];
    return p->constant[n] - sum / 2;
}

static void pairs_job(void *user, int64_t index, int worker) {
    struct pairs *p = user;
    (void)worker;
    if (aenc_job_left_out(p->ctx, &p->left_out)) return;
    for (int64_t i = index * PAIR_ROWS; i < (index + 1) * PAIR_ROWS && i < p->count; i++) {
        double own = log_density(p, i, i), most = own, sum = 0;
        for (int64_t n = 0; n < p->count; n++) {
            double each = log_density(p, i, n);
            sum = each > most ? sum * exp(most - each) + 1 : sum + exp(each - most);
            most = fmax(most, each);
        }
        p->gain[i] = own - most - log(sum / (double)p->count);
    }
}

/* The sums of the rows so far, (units) each. */
struct sums {
    double *mean, *square, *variance, *kl;
};

struct work {
    struct aenc_model *model;
    struct sums sums;
    struct pairs pairs;
    float *room[WANTED];
    int64_t size[WANTED];
    int result[WANTED];
};

static void piece_add(struct work *w, int64_t first, int64_t rows, int64_t all) {
    struct pairs *p = &w->pairs;
    int64_t units = p->units;
    for (int64_t r = 0; r < rows; r++) {
        const float *mean = w->room[MEAN] + r * units, *log_variance = w->room[LOG_VARIANCE] + r * units,
                    *kl = w->room[KL] + r * units, *sample = w->room[SAMPLE] + r * w->size[SAMPLE];
        /* the row of the pairs that lies here, if one does */
        int64_t at = ((first + r) * p->count + all - 1) / all;
        bool paired = at < p->count && at * all / p->count == first + r;
        for (int64_t j = 0; j < units; j++) {
            double m = (double)mean[j], off = m - w->sums.mean[j], v = (double)log_variance[j];
            w->sums.mean[j] += off / (double)(first + r + 1);
            w->sums.square[j] += off * (m - w->sums.mean[j]);
            w->sums.variance[j] += exp(v);
            w->sums.kl[j] += (double)kl[j];
            if (!paired) continue;
            p->mean[at * units + j] = m;
            p->precision[at * units + j] = exp(-v);
            p->sample[at * units + j] = (double)sample[j];
            p->constant[at] -= v / 2;
        }
    }
}

static aenc_status rows_measure(struct work *w, const struct batch *batch, uint64_t seed) {
    aenc_status status = AENC_OK;
    for (int64_t first = 0; first < batch->count && status == AENC_OK; first += PIECE) {
        const struct batch piece = aenc_batch_piece(batch, first, PIECE);
        const struct draws draws = {.seed = seed, .first_row = first};
        struct result_room room[WANTED];
        for (int k = 0; k < WANTED; k++) room[k] = (struct result_room){w->result[k], w->room[k], w->size[k]};
        status = aenc_model_results(w->model, &piece, room, WANTED, &draws);
        if (status == AENC_OK) piece_add(w, first, piece.count, batch->count);
        if (status == AENC_OK) status = aenc_cancel_check(w->model->ctx);
    }
    return status;
}

static void hand_over(const struct work *w, double rows, const struct posterior_room *room, aenc_posterior *out) {
    double gain = 0;
    for (int64_t i = 0; i < w->pairs.count; i++) gain += w->pairs.gain[i] / (double)w->pairs.count;
    for (int64_t j = 0; j < w->pairs.units; j++) {
        const struct sums *s = &w->sums;
        double of_mean = s->square[j] / rows, variance = s->variance[j] / rows + of_mean;
        out->rate += s->kl[j] / rows;
        out->active_units += of_mean > active_variance;
        if (room->mean != NULL) room->mean[j] = s->mean[j];
        if (room->variance != NULL) room->variance[j] = variance;
        if (room->kl != NULL) room->kl[j] = s->kl[j] / rows;
        if (room->marginal_kl != NULL)
            room->marginal_kl[j] = (s->mean[j] * s->mean[j] + variance - 1 - log(variance)) / 2;
    }
    out->mutual_information = gain;
    out->marginal_kl = out->rate - gain;
}

/* Results that a Gaussian code has, and a prior and a covariance that the formulas are of. */
static aenc_status kind_check(struct work *w) {
    const struct aenc_model *model = w->model;
    const struct json *bottleneck = aenc_json_member(model->description, "bottleneck");
    const struct json *covariance = bottleneck == NULL ? NULL : aenc_json_member(bottleneck, "covariance");
    const char *type = bottleneck == NULL ? "plain" : aenc_settings_type(bottleneck);
    for (int k = 0; k < WANTED; k++) {
        w->result[k] = aenc_result_find(model, names[k]);
        w->size[k] = w->result[k] < 0 ? 0 : aenc_shape_count(&model->result[w->result[k]].shape);
        if (k == SAMPLE ? w->size[k] < model->code_size : w->size[k] != model->code_size)
            return aenc_fail(model->ctx, AENC_ERR_UNSUPPORTED, "bottleneck '%s' has no result '%s' of the code's size",
                             type, names[k]);
    }
    bool full = covariance != NULL && covariance->kind == JSON_TEXT && strcmp(covariance->text, "full") == 0;
    if (!full && aenc_json_member(bottleneck, "prior") == NULL) return AENC_OK;
    return aenc_fail(model->ctx, AENC_ERR_UNSUPPORTED, "bottleneck '%s': the aggregate posterior is measured with %s",
                     type, full ? "a diagonal covariance alone" : "a standard normal prior alone");
}

aenc_status aenc_posterior_find(struct aenc_model *model, const struct batch *batch, uint64_t seed,
                                const struct posterior_room *room, aenc_posterior *out) {
    struct work w = {.model = model, .pairs = {.ctx = model->ctx, .units = model->code_size}};
    struct pairs *p = &w.pairs;
    p->count = batch->count < room->pairs ? batch->count : room->pairs;
    aenc_status status = kind_check(&w);
    if (status != AENC_OK) return status;
    int64_t units = p->units, numbers = units * p->count, floats = 0;
    for (int k = 0; k < WANTED; k++) floats += PIECE * w.size[k];
    double *block = aenc_alloc(model->ctx, (size_t)(4 * units + 3 * numbers + 2 * p->count), sizeof *block);
    float *rooms = block == NULL ? NULL : aenc_alloc_raw(model->ctx, (size_t)floats, sizeof *rooms);
    if (rooms == NULL) {
        aenc_release(model->ctx, block);
        return AENC_ERR_NO_MEMORY;
    }
    w.sums = (struct sums){block, block + units, block + 2 * units, block + 3 * units};
    p->mean = block + 4 * units;
    p->precision = p->mean + numbers;
    p->sample = p->precision + numbers;
    p->constant = p->sample + numbers;
    p->gain = p->constant + p->count;
    w.room[0] = rooms;
    for (int k = 1; k < WANTED; k++) w.room[k] = w.room[k - 1] + PIECE * w.size[k - 1];
    status = rows_measure(&w, batch, seed);
    atomic_init(&p->left_out, false);
    if (status == AENC_OK) aenc_pool_run(model->ctx->pool, (p->count + PAIR_ROWS - 1) / PAIR_ROWS, pairs_job, p);
    if (status == AENC_OK) status = aenc_jobs_whole(model->ctx, &p->left_out);
    if (status == AENC_OK) hand_over(&w, (double)batch->count, room, out);
    aenc_release(model->ctx, block);
    aenc_release(model->ctx, rooms);
    return status;
}
