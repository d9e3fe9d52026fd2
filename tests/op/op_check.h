/* op_check.h - does an op's gradient agree with its values?
 *
 * A case builds a few nodes around one op from leaves of given kinds and shapes. The checker records it under every
 * choice of leaf kinds, under every subset of leaves that need a gradient, with the leaves read by nothing else, by
 * something before and by something after; replays it in one shard and in several, with whole tiles and with tiles of
 * one index, over memory full of NaN; and compares each element of each gradient, with its sign, with fourth-order
 * central differences. Ops with a tangent are checked further: the tangent against differences along a direction,
 * without rows and along two directions at once too, and then the gradient of the tangent. Only the double build is
 * accurate enough for this.
 */
#ifndef AENC_TESTS_OP_OP_CHECK_H
#define AENC_TESTS_OP_OP_CHECK_H

#include <stdio.h>

#include "op/builders.h"
#include "tape/run.h"

enum { CASE_LEAVES = 4 };
/* What a leaf may be: an input with rows; a parameter; a node without rows computed from a parameter. STILL: the op's
 * tangent knows no direction of it. */
enum leaf_kind { LEAF_ROW = 1, LEAF_PARAMETER = 2, LEAF_BATCH = 4, LEAF_FLAT = 6, LEAF_ANY = 7, LEAF_STILL = 8 };

struct leaf {
    int kinds; /* of enum leaf_kind: each is tried */
    double low, high;
    int rank; /* of one row */
    int64_t dim[RANK_MAX];
};

struct op_case {
    const char *op; /* the name of the op that it is a case for */
    const char *label;
    /* Records the case and answers its result, of which a fixed random combination is the objective. */
    struct node *(*build)(struct tape *tape, struct node *const *leaf, const struct op_case *c);
    int leaf_count;
    struct leaf leaf[CASE_LEAVES];
    int choice; /* what build makes of these is its affair */
    double number[2];
    /* Where the gradient is stated rather than derived: what is passed on to an element x of a leaf, element by
     * element. NULL: the derivative. */
    double (*formula)(double x);
};

/* The number of mismatches; the first few are described in log (NULL: nowhere). */
int op_check_case(aenc_context *ctx, const struct op_case *c, FILE *log);

/* Records the case alone, with the first kind that each leaf may be; tape's status. The caller frees the tape. */
aenc_status op_check_record(aenc_context *ctx, const struct op_case *c, struct tape *tape);

/* Case number `index` of the library's ops; false beyond the last. */
bool op_case_get(size_t index, struct op_case *out);

#endif
