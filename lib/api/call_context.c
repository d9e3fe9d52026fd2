/* call_context.c - creating a context, and what it says of the machine underneath. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "io/bytes.h"
#include "math/blas.h"

enum { THREADS_MAX = 1024 };

static void *default_allocate(void *user, size_t size, size_t alignment) {
    (void)user;
    size_t rounded = (size + alignment - 1) / alignment * alignment;
    return aligned_alloc(alignment, rounded);
}

static void default_release(void *user, void *block, size_t size, size_t alignment) {
    (void)user;
    (void)size;
    (void)alignment;
    free(block);
}

/* ---- What runs underneath ---- */

/* Appends "key: value\n", as far as there is room. */
static void info_add(aenc_context *ctx, const char *key, const char *value) {
    size_t used = strlen(ctx->build_info);
    if (value != NULL && used < sizeof ctx->build_info)
        snprintf(ctx->build_info + used, sizeof ctx->build_info - used, "%s: %s\n", key, value);
}

static void info_fill(aenc_context *ctx, const struct blas_info *blas) {
    char number[32];
    ctx->build_info[0] = '\0';
    info_add(ctx, "version", aenc_version_string());
    info_add(ctx, "instruction set", aenc_kernels()->isa);
    snprintf(number, sizeof number, "%d", aenc_pool_workers(ctx->pool));
    info_add(ctx, "threads", number);
    info_add(ctx, "blas", blas->provider);
    info_add(ctx, "blas configuration", blas->config);
    info_add(ctx, "blas kernels", blas->kernels);
    snprintf(number, sizeof number, "%d", blas->threads);
    info_add(ctx, "blas threads", blas->threads > 0 ? number : "unknown");
    info_add(ctx, "warning", blas->warning);
    if (ctx->blas_left_alone)
        info_add(ctx, "warning", "blas_threads is \"leave\": results may depend on the CBLAS's thread count");
}

/* ---- Creating ---- */

/* What is wrong goes into `failed`, as there is no context yet. */
static aenc_status settings_check(aenc_context *failed, const aenc_context_options *o) {
    if ((o->allocate == NULL) != (o->release == NULL))
        return aenc_fail(failed, AENC_ERR_ARGUMENT, "aenc_context_options.%s is NULL, and %s is not",
                         o->allocate == NULL ? "allocate" : "release", o->allocate == NULL ? "release" : "allocate");
    if (o->threads < 0 || o->threads > THREADS_MAX)
        return aenc_fail(failed, AENC_ERR_ARGUMENT, "aenc_context_options.threads is %lld; it is from 0 to %d",
                         (long long)o->threads, THREADS_MAX);
    bool known = o->blas_threads == NULL || strcmp(o->blas_threads, "1") == 0 || strcmp(o->blas_threads, "leave") == 0;
    if (known) return AENC_OK;
    return aenc_fail(failed, AENC_ERR_ARGUMENT, "aenc_context_options.blas_threads is '%s'; it is 1 or leave",
                     aenc_quoted(o->blas_threads).text);
}

static aenc_status context_start(aenc_context *ctx, const aenc_context_options *o) {
    struct blas_info blas;
    aenc_blas_describe(&blas);
    if (blas.refusal != NULL) return aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "%s", blas.refusal);
    ctx->blas_left_alone = o->blas_threads != NULL && strcmp(o->blas_threads, "leave") == 0;
    if (!ctx->blas_left_alone) {
        aenc_blas_single_thread();
        aenc_blas_describe(&blas);
    }
    aenc_status status = aenc_pool_create(ctx, o->threads == 0 ? 1 : (int)o->threads, &ctx->pool);
    if (status == AENC_OK) info_fill(ctx, &blas);
    return status;
}

static aenc_status context_make(aenc_context *failed, const aenc_context_options *options, aenc_context **out) {
    aenc_context_options o;
    if (out == NULL) return aenc_null(failed, "aenc_context_create", "out");
    *out = NULL;
    aenc_status status = aenc_options_read(failed, "aenc_context_options", options, sizeof o, &o);
    if (status == AENC_OK) status = settings_check(failed, &o);
    if (status != AENC_OK) return status;
    if (o.allocate == NULL) {
        o.allocate = default_allocate;
        o.release = default_release;
    }
    aenc_context *ctx = o.allocate(o.allocator_user, sizeof *ctx, 64);
    if (ctx == NULL) return aenc_fail(failed, AENC_ERR_NO_MEMORY, "no memory for a context");
    memset(ctx, 0, sizeof *ctx);
    atomic_init(&ctx->references, 1);
    ctx->allocate = o.allocate;
    ctx->release = o.release;
    ctx->allocator_user = o.allocator_user;
    ctx->seed = o.seed;
    ctx->caller_mode = failed->caller_mode;
    status = context_start(ctx, &o);
    if (status == AENC_OK) {
        *out = ctx;
        return AENC_OK;
    }
    aenc_fail(failed, status, "%s", ctx->message);
    aenc_context_release(ctx);
    return status;
}

/* Into the caller's room, as far as there is any. */
static void error_put(const aenc_context_options *options, const char *text) {
    size_t reach = offsetof(aenc_context_options, error_size) + sizeof options->error_size;
    if (options == NULL || options->struct_size < reach || options->error == NULL || options->error_size == 0) return;
    size_t length = strlen(text);
    if (length >= options->error_size) length = options->error_size - 1;
    memcpy(options->error, text, length);
    options->error[length] = '\0';
}

aenc_status aenc_context_create(const aenc_context_options *options, aenc_context **out) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
    aenc_context failed;
    memset(&failed, 0, sizeof failed);
    failed.caller_mode = before;
    aenc_status status = context_make(&failed, options, out);
    error_put(options, failed.message);
    return status;
}

void aenc_context_cancel(aenc_context *ctx) {
    if (ctx != NULL) atomic_store_explicit(&ctx->cancel, 1, memory_order_relaxed);
}

int32_t aenc_context_clear_cancel(aenc_context *ctx) {
    return ctx != NULL && atomic_exchange_explicit(&ctx->cancel, 0, memory_order_relaxed) != 0;
}

void aenc_context_free(aenc_context *ctx) { aenc_context_release(ctx); }

const char *aenc_message(const aenc_context *ctx) { return ctx == NULL ? "the context is NULL" : ctx->message; }

const char *aenc_build_info(aenc_context *ctx) { return ctx == NULL ? "" : ctx->build_info; }
