/* reducer.c - gradients that the program changes between their sum and the update.
 *
 * In a loop of its own it writes the gradients that wait, one by one. In a fit it is called in every step, with all that is a sum over
 * rows, to add up what several processes have, each from rows of its own: data-parallel training. The mean gradient of all rows is
 *
 *     sum over processes of gradients / sum over processes of weights
 *
 * which is that of one process on all of them, but for rounding and for what is computed over a batch as a whole.
 */
#include <math.h>
#include <string.h>

#include "io/message_text.h"
#include "train/training.h"

double aenc_gradients_square(const struct aenc_model *model, int player, const char **culprit) {
    const struct store *store = &model->store;
    double sum = 0;
    for (size_t i = 0; i < store->entry_count; i++) {
        const struct entry *entry = &store->entry[i];
        if (!aenc_entry_trained(entry, player)) continue;
        double square = aenc_kernels()->optimizer->square_sum(store->gradient + entry->offset, entry->count);
        if (square - square != 0 && *culprit == NULL) *culprit = entry->name;
        sum += square;
    }
    return sum;
}

aenc_status aenc_train_gradient_set(struct aenc_model *model, const struct entry *entry, const float *mean) {
    struct training *training = model->training;
    num *gradient = model->store.gradient + entry->offset;
    const char *culprit = NULL;
    for (int64_t i = 0; i < entry->count; i++) {
        double sum = (double)mean[i] * training->gradient_weight;
        if (!(fabs(sum) <= (double)NUM_MAX))
            return aenc_fail(
                model->ctx, AENC_ERR_NONFINITE,
                "aenc_model_gradient_set: '%s'%s is %s; over the batch, whose weight is %s, it is no float",
                entry->name, aenc_element(entry->shape.dim, entry->shape.rank, i).text, aenc_shown_float(mean[i]).text,
                aenc_shown(training->gradient_weight).text);
    }
    for (int64_t i = 0; i < entry->count; i++) gradient[i] = (num)((double)mean[i] * training->gradient_weight);
    training->gradients_written = true;
    training->gradient_norm = sqrt(aenc_gradients_square(model, entry->player, &culprit)) / training->gradient_weight;
    return AENC_OK;
}

/* ---- In a fit ---- */

static aenc_status call(struct aenc_model *model, const struct reducer *reduction, aenc_sums *sums) {
    static const char name[] = "aenc_fit_options.reduce";
    aenc_context *ctx = model->ctx;
    aenc_cpu_mode_restore(&ctx->caller_mode);
    int result = reduction->call(reduction->user, sums);
    aenc_cpu_mode_set(CPU_MODE_EXACT);
    if (result > 0) return aenc_ended(ctx, name);
    aenc_status status = aenc_callback_result(ctx, name, result);
    if (status != AENC_OK || (sums->weight > 0 && sums->weight - sums->weight == 0)) return status;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: it has set the weight of the step to %s", name,
                     aenc_shown(sums->weight).text);
}

aenc_status aenc_sums_reduce(struct aenc_model *model, const struct task *task, double *mean) {
    struct training *training = model->training;
    const struct reducer *reduction = training->reduction;
    const struct tape *tape = &task->tape;
    size_t terms = model->terms.count;
    aenc_sums sums = {sizeof sums,
                      (float *)(void *)model->store.gradient,
                      (size_t)model->store.parameter_size,
                      reduction->terms,
                      terms,
                      training->gradient_weight};
    memset(sums.terms, 0, terms * sizeof *sums.terms);
    for (size_t i = 0; i < tape->term_count; i++)
        sums.terms[tape->term[i].number] = aenc_run_term(task->run, &tape->term[i]);
    training->gradients_written = true;
    aenc_status status = call(model, reduction, &sums);
    if (status != AENC_OK) return status;
    training->gradient_weight = sums.weight;
    *mean = 0;
    for (size_t i = 0; i < tape->term_count; i++) {
        const struct term *term = &tape->term[i];
        double value = reduction->terms[term->number] / sums.weight;
        model->terms.value[term->number] = value;
        if (term->role != TERM_MEASURE) *mean += value;
    }
    return AENC_OK;
}
