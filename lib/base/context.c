/* context.c - creating, sharing and ending a context; how a failure gets its sentence. */
#include "base/context.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/plugin.h"
#include "base/pool.h"
#include "base/text.h"

/* The decimal comma of some locales becomes a point; only a digit on both sides marks one. */
static void undo_locale(char *text) {
    for (char *c = text; *c != '\0'; c++) {
        bool between = c != text && c[-1] >= '0' && c[-1] <= '9' && c[1] >= '0' && c[1] <= '9';
        if (*c == ',' && between) *c = '.';
    }
}

aenc_status aenc_fail(aenc_context *ctx, aenc_status status, const char *format, ...) {
    if (ctx == NULL) return status;
    ctx->status = status;
    va_list arguments;
    va_start(arguments, format);
    char text[MESSAGE_SIZE];
    int written = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (written < 0) text[0] = '\0';
    undo_locale(text);
    aenc_text_escape(ctx->message, sizeof ctx->message, text);
    return status;
}

void aenc_context_retain(aenc_context *ctx) { atomic_fetch_add_explicit(&ctx->references, 1, memory_order_relaxed); }

void aenc_context_release(aenc_context *ctx) {
    if (ctx == NULL) return;
    if (atomic_fetch_sub_explicit(&ctx->references, 1, memory_order_acq_rel) != 1) return;
    aenc_plugins_end(ctx);
    aenc_pool_free(ctx, ctx->pool);
    ctx->release(ctx->allocator_user, ctx, sizeof *ctx, 64);
}
