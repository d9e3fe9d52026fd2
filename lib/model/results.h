/* results.h - what a model gives, by name, several at once. */
#ifndef AENC_MODEL_RESULTS_H
#define AENC_MODEL_RESULTS_H

#include "model/model.h"

enum result { RESULT_CODE, RESULT_OUTPUT, RESULT_SCORE, RESULT_FEATURES, RESULT_JACOBIAN, RESULT_COUNT };

/* "code", "output" ...; RESULT_COUNT: none of that name. */
enum result aenc_result_find(const char *name);
const char *aenc_result_name(enum result result);
/* Of one row. */
struct shape aenc_result_shape(const struct aenc_model *model, enum result result);
/* Whether the result reads the field of that number of the model; the target counts where the input cannot stand in. Records the
 * task for one row. */
aenc_status aenc_result_needs(struct aenc_model *model, enum result result, int field, bool *out);

/* Where a result goes: row r to out + r * stride. */
struct result_room {
    enum result result;
    float *out;
    int64_t stride;
};
/* Every row of the batch through the model, once for each result. Where the batch has a code and no input, the output is that of
 * the code. */
aenc_status aenc_model_results(struct aenc_model *model, const struct batch *batch, const struct result_room *room,
                               int count);

#endif
