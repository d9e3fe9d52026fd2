/* call_results.h - the fields and results of a call, by name. */
#ifndef AENC_API_CALL_RESULTS_H
#define AENC_API_CALL_RESULTS_H

#include "api/call_array.h"
#include "model/results.h"

/* Whose they are, and where messages go: a runner has a context of its own. */
struct named_call {
    aenc_context *ctx;
    const aenc_model *model;
    const char *call;
};

/* Where results go. */
struct results {
    struct result_room room[RESULTS_WANTED];
    int64_t rows[RESULTS_WANTED]; /* that there is room for */
    int count;
    bool compares, fieldless;
    struct draws draws; /* of a source */
};

/* Whether a list is there and not too long. */
aenc_status aenc_list_check(const struct named_call *call, const char *list, const void *given, size_t count,
                            size_t most);
/* The result's number; -1 with AENC_ERR_ARGUMENT's message. */
int aenc_result_named(const struct named_call *call, const char *name);
/* The field's number; -1 likewise. */
int aenc_field_named(const struct named_call *call, const char *name);
/* Arrays as columns of the fields, all of as many rows. */
aenc_status aenc_call_fields(const struct named_call *call, const aenc_array *const *in, size_t count,
                             struct batch *out);
/* Arrays of declared fields beside the rows of a batch that has been checked, as columns of it; `fields` of the struct call->call. */
aenc_status aenc_fields_beside(const struct named_call *call, const aenc_array *const *fields, size_t count,
                               struct batch *batch);
/* Arrays as rooms for results, at least one. */
aenc_status aenc_call_results(const struct named_call *call, const aenc_array *const *out, size_t count,
                              struct results *results);
/* Whether each result has as many rows as the batch. */
aenc_status aenc_result_rows_check(const struct named_call *call, const struct batch *batch,
                                   const struct results *results);

#endif
