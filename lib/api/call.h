/* call.h - public calls that come back through a callback.
 *
 * A context is used by one thread at a time; still a call can find it in use, because a callback calls the library
 * again. Each public call that changes something, runs callbacks or uses the workers passes here first:
 * aenc_call_begin and aenc_call_end around it,
 *
 *     struct call call = {.held = {.model = model, .source = source}};
 *     aenc_status status = aenc_call_begin(&call, "aenc_fit_source", CALL_TRAINS);
 *     if (status == AENC_OK) status = ...;
 *     return aenc_call_end(&call, status);
 *
 * or, where it is short and calls nobody, aenc_call_check. Between the two, this thread is in the library's own
 * floating-point mode (base/cpu_mode.h). What then may be done is decided in one place:
 *
 *     in use by        calls that     read    compare   change     train
 *     nobody                          yes     yes       yes        yes
 *     a call, itself                  no      no        no         no
 *     a call's callback in between    yes     not a     not a      no
 *     two steps of its work                   student   model in
 *                                                       training
 *
 * A call that may come to a callback keeps alive what it works on: a handle that the callback frees goes when the
 * call ends.
 */
#ifndef AENC_API_CALL_H
#define AENC_API_CALL_H

#include "layer/handle.h"
#include "model/model.h"
#include "train/row_source.h"

struct aenc_optimizer;
struct aenc_detector;

enum call_kind {
    CALL_READS,    /* leaves what is there as it is; may make something new */
    CALL_WRITES,   /* the same, and hands it to a callback, in the middle of the call */
    CALL_REPORTS,  /* the same, with callbacks between two steps of its work */
    CALL_COMPARES, /* the same, with targets, which a student's tasks have in another form */
    CALL_CHANGES,  /* a model, or what belongs to it */
    CALL_TRAINS    /* in many steps, with callbacks in between */
};

/* What a call works on; members that are NULL are not there. The model of a detector or of an optimizer follows from it. */
struct held {
    aenc_context *ctx;
    struct aenc_model *model, *other;
    struct aenc_source *source;
    struct aenc_optimizer *optimizer;
    struct aenc_detector *detector;
    const struct aenc_layer *layer[2];
};

struct call {
    struct held held; /* the caller's to fill in */
    enum call_kind kind;
    bool kept;            /* held is retained */
    int before;           /* enum inside, of the context; negative: the call did not begin */
    struct cpu_mode mode; /* that the call found: of CALL_REPORTS and CALL_TRAINS, callbacks run in it */
};

/* AENC_ERR_BUSY, with a message on the context's own thread, where such a call has to wait. `name` is the call's;
 * model may be NULL. Writes nothing. */
aenc_status aenc_call_check(aenc_context *ctx, const char *name, enum call_kind kind, const struct aenc_model *model);
/* The same, in the library's mode; then the call has begun. AENC_ERR_ARGUMENT where call->held has neither a context nor
 * anything that belongs to one. */
aenc_status aenc_call_begin(struct call *call, const char *name, enum call_kind kind);
/* status, also where it did not begin; back in the caller's mode. The handles may be gone afterwards. */
aenc_status aenc_call_end(struct call *call, aenc_status status);

#endif
