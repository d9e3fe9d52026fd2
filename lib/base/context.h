/* context.h - the only home of state: allocator, seed, threads, the last message.
 *
 * Everything that can fail gets the context and reports through aenc_fail, so that a status never travels without the
 * sentence that explains it. A context is reference counted: every handle holds one reference, and the last one to go
 * releases it, in whatever order a garbage collector frees them.
 */
#ifndef AENC_BASE_CONTEXT_H
#define AENC_BASE_CONTEXT_H

#include <autoenc/autoenc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/cpu_mode.h"

struct pool;
struct plugin;

enum { MESSAGE_SIZE = 1024, BUILD_INFO_SIZE = 2048 };

/* Who is inside of a context: nobody, a public call, or a callback of it that may call again. */
enum inside { INSIDE_NOTHING, INSIDE_CALL, INSIDE_CALLBACK };

struct aenc_context {
    atomic_size_t references;
    void *(*allocate)(void *user, size_t size, size_t alignment);
    void (*release)(void *user, void *block, size_t size, size_t alignment);
    void *allocator_user;
    uint64_t seed;
    struct pool *pool;           /* owned; never NULL in a created context */
    struct plugin *plugins;      /* plugin.h; of a runner's private context: borrowed from the model's */
    bool blas_left_alone;        /* the caller asked that the CBLAS's thread count stay as it is */
    struct cpu_mode caller_mode; /* of the last call that may call back; callbacks run in it */
    atomic_int inside;           /* enum inside */
    pthread_t thread;            /* that is inside; undefined where none is */
    atomic_int cancel;           /* set and cleared from any thread or signal handler */
    aenc_status status;          /* that the message explains: what to answer where a callee answered NULL */
    char message[MESSAGE_SIZE];
    char build_info[BUILD_INFO_SIZE];
};

#if defined(__GNUC__)
#define AENC_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define AENC_PRINTF(text, first)
#endif

/* Stores the message (truncated to MESSAGE_SIZE) and answers status, so that a caller can write
 * `return aenc_fail(ctx, AENC_ERR_SHAPE, "rows is %zu, ...", rows)`. Allocates nothing. Only integers, strings and %g
 * are formatted; the decimal point is always '.', whatever the locale; bytes that are no printable UTF-8 appear as
 * \xNN (text.h). */
aenc_status aenc_fail(aenc_context *ctx, aenc_status status, const char *format, ...) AENC_PRINTF(3, 4);

/* Long calls look now and then. Both may change at any time: a caller acts on one look. */
static inline bool aenc_context_cancelled(const aenc_context *ctx) {
    return atomic_load_explicit(&ctx->cancel, memory_order_relaxed) != 0;
}
/* For a job among many: whether it is to do nothing; *left_out is then set for the caller. */
static inline bool aenc_job_left_out(const aenc_context *ctx, atomic_bool *left_out) {
    bool cancelled = aenc_context_cancelled(ctx);
    if (cancelled) atomic_store_explicit(left_out, true, memory_order_relaxed);
    return cancelled;
}
/* AENC_ERR_CANCELLED where any was. */
aenc_status aenc_jobs_whole(aenc_context *ctx, const atomic_bool *left_out);
/* AENC_ERR_CANCELLED, with its message, where the context is cancelled. */
aenc_status aenc_cancel_check(aenc_context *ctx);
/* AENC_ERR_CANCELLED: `who` ended a call that has nothing to show yet. */
aenc_status aenc_ended(aenc_context *ctx, const char *who);

/* What a callback of that name returned: AENC_ERR_CALLBACK where it is negative. Positive ones are the caller's to see. */
aenc_status aenc_callback_result(aenc_context *ctx, const char *name, int result);

/* Around a callback that is called between two steps of a call's work, on the thread that called, while no worker is
 * busy. It runs in the mode that the program called in, whatever the callback itself calls, and what it changes of
 * the mode ends with it. And the context is open meanwhile: calls that change nothing that is in use may come in
 * (api/call.h). Around all other callbacks it is not: they are called in the middle of something. */
struct outside {
    struct cpu_mode mode;
    int inside;
};
static inline struct outside aenc_callback_begin(aenc_context *ctx) {
    struct outside outside = {ctx->caller_mode, atomic_load_explicit(&ctx->inside, memory_order_relaxed)};
    if (outside.inside == INSIDE_CALL) atomic_store_explicit(&ctx->inside, INSIDE_CALLBACK, memory_order_relaxed);
    aenc_cpu_mode_restore(&outside.mode);
    return outside;
}
static inline void aenc_callback_end(aenc_context *ctx, struct outside outside) {
    aenc_cpu_mode_set(CPU_MODE_EXACT);
    ctx->caller_mode = outside.mode;
    atomic_store_explicit(&ctx->inside, outside.inside, memory_order_relaxed);
}

void aenc_context_retain(aenc_context *ctx);
/* Drops one reference; the last one frees the context. NULL-safe. */
void aenc_context_release(aenc_context *ctx);

#endif
