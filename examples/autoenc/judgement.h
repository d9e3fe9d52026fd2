/* judgement.h - what a detector states about rows: scores, probabilities, flags, the columns behind them; as a
 * table. */
#ifndef TOOL_JUDGEMENT_H
#define TOOL_JUDGEMENT_H

#include "options.h"

struct judgement {
    size_t rows;
    float *score, *probability;
    size_t *column; /* whose feature has the highest score, from 0; NULL: not wanted */
    double threshold;
    size_t flagged; /* rows with a score above the threshold */
};

/* Of every row of data. With `whole` the probabilities and columns too. tool_judgement_free also after a failure. */
int tool_judgement_make(const struct options *options, aenc_context *ctx, aenc_detector *detector,
                        const struct data *data, bool whole, struct judgement *out);
void tool_judgement_free(struct judgement *judgement);
/* A header and a line for each row: row (from 1), score, probability, flag, column (its name, or its number from 1). */
int tool_judgement_write(const char *path, const struct judgement *judgement, const struct data *data);

/* The threshold as text: the largest float that is not above it, printed as scores are. A score is above it, as
 * number and as text, where it is above the threshold. At least 24 bytes. */
void tool_threshold_print(double threshold, char *out);
/* "quantile:q=0.95 of the scores of 300 rows", or what is known of that. */
void tool_threshold_origin(const aenc_detector *detector, char *out, size_t size);
/* The detector in a file, or NULL where it has none; other failures are reported. */
int tool_detector_find(const struct options *options, aenc_context *ctx, const char *path, aenc_detector **out);

#endif
