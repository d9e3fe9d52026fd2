/* jacobian.h - the squared Frobenius norm of one node's derivative with respect to another, row by row. */
#ifndef AENC_PENALTY_JACOBIAN_H
#define AENC_PENALTY_JACOBIAN_H

#include "op/builders.h"

/* Records |d code / d input|_F^2, (rows) or, where no row differs, a scalar of the batch. probes 0: exactly; else its
 * estimate by the mean over that many random directions, drawn anew for every row and step. Statistics of the batch
 * count as constants. NULL with tape->status set: AENC_ERR_UNSUPPORTED names an op on the way without the derivative
 * that is needed. */
struct node *aenc_jacobian_norm_record(struct tape *tape, struct node *input, struct node *code, int64_t probes);

#endif
