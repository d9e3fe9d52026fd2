/* context.c - creating, sharing and ending a context; how a failure gets its sentence. */
#include "base/context.h"

#include <string.h>

#include "base/format.h"
#include "base/mem.h"
#include "base/plugin.h"
#include "base/pool.h"
#include "base/text.h"

aenc_status aenc_fail(aenc_context *ctx, aenc_status status, const char *format, ...) {
    if (ctx == NULL) return status;
    ctx->status = status;
    va_list arguments;
    va_start(arguments, format);
    char text[MESSAGE_SIZE];
    int written = aenc_text_format(text, sizeof text, format, arguments);
    va_end(arguments);
    if (written < 0) text[0] = '\0';
    aenc_text_escape(ctx->message, sizeof ctx->message, text);
    return status;
}

aenc_status aenc_ended(aenc_context *ctx, const char *who) {
    return aenc_fail(ctx, AENC_ERR_CANCELLED, "%s ended the call before there was a result", who);
}

aenc_status aenc_jobs_whole(aenc_context *ctx, const atomic_bool *left_out) {
    return atomic_load(left_out) ? aenc_ended(ctx, "aenc_context_cancel") : AENC_OK;
}

aenc_status aenc_cancel_check(aenc_context *ctx) {
    return aenc_context_cancelled(ctx) ? aenc_ended(ctx, "aenc_context_cancel") : AENC_OK;
}

aenc_status aenc_callback_result(aenc_context *ctx, const char *name, int result) {
    return result >= 0 ? AENC_OK : aenc_fail(ctx, AENC_ERR_CALLBACK, "%s returned %lld", name, (long long)result);
}

void aenc_context_retain(aenc_context *ctx) { atomic_fetch_add_explicit(&ctx->references, 1, memory_order_relaxed); }

void aenc_context_release(aenc_context *ctx) {
    if (ctx == NULL) return;
    if (atomic_fetch_sub_explicit(&ctx->references, 1, memory_order_acq_rel) != 1) return;
    aenc_plugins_end(ctx);
    aenc_pool_free(ctx, ctx->pool);
    ctx->release(ctx->allocator_user, ctx, sizeof *ctx, 64);
}
