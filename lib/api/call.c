/* call.c - who may come in while somebody is inside, and what is kept alive meanwhile. */
#include "api/call.h"

#include "api/api.h"
#include "use/detector.h"

/* ---- Who may come in ---- */

static aenc_status busy(aenc_context *ctx, const char *name, const char *why) {
    return aenc_fail(ctx, AENC_ERR_BUSY, "%s: %s", name, why);
}

aenc_status aenc_call_check(aenc_context *ctx, const char *name, enum call_kind kind, const struct aenc_model *model) {
    int inside = atomic_load_explicit(&ctx->inside, memory_order_relaxed);
    if (inside == INSIDE_NOTHING) return AENC_OK;
    if (!pthread_equal(ctx->thread, pthread_self())) return AENC_ERR_BUSY;
    if (inside == INSIDE_CALL)
        return busy(ctx, name, "the context is in the middle of another call, which called this back");
    if (kind == CALL_TRAINS) return busy(ctx, name, "a call is running that called this back, and this one trains");
    if (kind == CALL_CHANGES && model != NULL && model->train_calls > 0)
        return busy(ctx, name, "the model is in use by the running call, which called this back");
    if (kind == CALL_COMPARES && model != NULL && model->taught != NULL)
        return busy(ctx, name, "the model is being taught by the running call, and compares with its teacher");
    return AENC_OK;
}

/* ---- What is kept alive ---- */

/* A handle that only its owner and running calls refer to. */
static void keep(atomic_size_t *references) { atomic_fetch_add_explicit(references, 1, memory_order_relaxed); }

static void held_keep(const struct held *held) {
    if (held->ctx != NULL) aenc_context_retain(held->ctx);
    if (held->model != NULL) aenc_model_retain(held->model);
    if (held->other != NULL) aenc_model_retain(held->other);
    if (held->source != NULL) keep(&held->source->references);
    if (held->optimizer != NULL) keep(&held->optimizer->references);
    if (held->detector != NULL) keep(&held->detector->references);
    for (int i = 0; i < 2; i++)
        if (held->layer[i] != NULL) keep(&((struct aenc_layer *)(uintptr_t)held->layer[i])->references);
}

static void held_release(const struct held *held) {
    for (int i = 0; i < 2; i++) aenc_layer_free((struct aenc_layer *)(uintptr_t)held->layer[i]);
    aenc_detector_end(held->detector);
    aenc_optimizer_free(held->optimizer);
    aenc_source_release(held->source);
    aenc_model_release(held->other);
    aenc_model_release(held->model);
    aenc_context_release(held->ctx);
}

/* Whether the call may come to a callback, in which the user can free anything. Plug-ins are called in the middle of
 * any call. */
static bool calls_back(const aenc_context *ctx, enum call_kind kind) {
    return kind == CALL_TRAINS || kind == CALL_REPORTS || kind == CALL_WRITES || ctx->plugins != NULL;
}

static void training_count(const struct held *held, int change) {
    if (held->model != NULL) held->model->train_calls += change;
    if (held->other != NULL) held->other->train_calls += change;
}

aenc_status aenc_call_begin(struct call *call, const char *name, enum call_kind kind) {
    struct held *held = &call->held;
    call->mode = aenc_cpu_mode_set(CPU_MODE_EXACT);
    call->before = -1;
    if (held->detector != NULL) held->model = held->detector->model;
    if (held->model == NULL && held->optimizer != NULL) held->model = held->optimizer->model;
    aenc_context *ctx = held->ctx != NULL ? held->ctx : held->model != NULL ? held->model->ctx : NULL;
    if (ctx == NULL) return AENC_ERR_ARGUMENT;
    aenc_status status = aenc_call_check(ctx, name, kind, held->model);
    if (status == AENC_OK && kind == CALL_TRAINS) {
        status = aenc_cancel_check(ctx);
        if (status != AENC_OK && held->model != NULL) held->model->stopped = AENC_STOPPED_NOT;
    }
    if (status != AENC_OK) return status;
    call->kind = kind;
    call->kept = calls_back(ctx, kind);
    held->ctx = ctx;
    if (call->kept) held_keep(held);
    if (kind == CALL_TRAINS) training_count(held, 1);
    if (kind == CALL_TRAINS || kind == CALL_REPORTS) ctx->caller_mode = call->mode;
    if (kind == CALL_TRAINS && held->model != NULL) {
        aenc_model_uncancel(held->model);
        held->model->stopped = AENC_STOPPED_NOT;
    }
    call->before = atomic_load_explicit(&ctx->inside, memory_order_relaxed);
    if (call->before == INSIDE_NOTHING) ctx->thread = pthread_self();
    atomic_store_explicit(&ctx->inside, INSIDE_CALL, memory_order_relaxed);
    return AENC_OK;
}

aenc_status aenc_call_end(struct call *call, aenc_status status) {
    const struct held *held = &call->held;
    if (call->before >= 0) {
        atomic_store_explicit(&held->ctx->inside, call->before, memory_order_relaxed);
        if (call->kind == CALL_TRAINS) training_count(held, -1);
        if (call->kind == CALL_TRAINS && held->model != NULL && status != AENC_OK)
            held->model->stopped = AENC_STOPPED_NOT;
        if (call->kept) held_release(held);
    }
    aenc_cpu_mode_restore(&call->mode);
    return status;
}
