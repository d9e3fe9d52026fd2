/* results.h - what a model gives, by name, several at once. */
#ifndef AENC_MODEL_RESULTS_H
#define AENC_MODEL_RESULTS_H

#include "model/model.h"

/* Makes model->result, once the sizes are known, from a recording that has code and output. */
aenc_status aenc_results_take(struct aenc_model *model, const struct site *site);
/* By name ("code", "mean", "encoder.1"); -1: there is none. */
int aenc_result_find(const struct aenc_model *model, const char *name);
/* Whether every model has a result of that name. */
bool aenc_result_built_in(const char *name);
/* Whether it compares with the target. */
static inline bool aenc_result_compares(int result) {
    return result >= RESULT_SCORE && result <= RESULT_RECONSTRUCTION;
}
/* Whether the result reads the field of that number of the model; the target counts where the input cannot stand in. Records the
 * task for one row. */
aenc_status aenc_result_needs(struct aenc_model *model, int result, int field, bool *out);
/* Sorts the rooms by result, so that one task serves every order, and makes them a key of an input without a target. Returns whether
 * any compares with the target. */
bool aenc_results_key(struct result_room *room, int count, struct task_key *key);
/* Every row of the batch through the model in one pass; the rooms, one for each result, are sorted. Where the batch has a code and
 * no input, the output is that of the code. */
aenc_status aenc_model_results(struct aenc_model *model, const struct batch *batch, struct result_room *room, int count,
                               const struct draws *draws);

#endif
