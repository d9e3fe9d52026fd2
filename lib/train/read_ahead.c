/* read_ahead.c - a thread that fills the next batch while one is trained on.
 *
 * Two batches take turns. The thread fills as long as one is free, and stops at the number of batches that the run can
 * need: but for the rows that tell whether a pass ends (stream.c), it never reads what nobody will ask for. After a
 * failure, or where the source has ended, it fills no more.
 *
 * In a child process the thread does not exist, and it may have been within a read when the process was forked, so
 * that nobody knows where the source stands: the next batch there is a failure (STREAM_FORKED). */
#define _POSIX_C_SOURCE 200809L

#include "base/thread.h"
#include "train/row_source.h"

struct read_ahead {
    struct stream *stream;
    int64_t batches; /* in all */
    pid_t process;   /* that has the thread */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* Under the mutex. */
    int64_t filled, given_back;
    bool stop, ended; /* asked to end; nothing more will be filled */
    /* Of the run's side. */
    int64_t taken;
};

static bool may_fill(struct read_ahead *ahead) {
    pthread_mutex_lock(&ahead->mutex);
    while (!ahead->stop && ahead->filled - ahead->given_back == 2) pthread_cond_wait(&ahead->changed, &ahead->mutex);
    bool go_on = !ahead->stop;
    pthread_mutex_unlock(&ahead->mutex);
    return go_on;
}

static void *fill_batches(void *user) {
    struct read_ahead *ahead = user;
    aenc_cpu_mode_set(CPU_MODE_EXACT);
    for (int64_t i = 0; i < ahead->batches && may_fill(ahead); i++) {
        struct stream_batch *batch = &ahead->stream->batch[i % 2];
        aenc_stream_fill(ahead->stream, batch);
        bool last = batch->count == 0 || batch->failure != STREAM_GOOD;
        pthread_mutex_lock(&ahead->mutex);
        ahead->filled++;
        pthread_cond_signal(&ahead->changed);
        pthread_mutex_unlock(&ahead->mutex);
        if (last) break;
    }
    pthread_mutex_lock(&ahead->mutex);
    ahead->ended = true;
    pthread_cond_signal(&ahead->changed);
    pthread_mutex_unlock(&ahead->mutex);
    return NULL;
}

aenc_status aenc_ahead_start(struct stream *stream, int64_t batches, struct read_ahead **out) {
    aenc_context *ctx = stream->source->ctx;
    struct read_ahead *ahead = aenc_alloc(ctx, 1, sizeof *ahead);
    *out = NULL;
    if (ahead == NULL) return AENC_ERR_NO_MEMORY;
    ahead->stream = stream;
    ahead->batches = batches;
    ahead->process = aenc_process();
    int error = pthread_mutex_init(&ahead->mutex, NULL);
    if (error != 0) goto no_mutex;
    error = pthread_cond_init(&ahead->changed, NULL);
    if (error != 0) goto no_condition;
    error = aenc_thread_start(&ahead->thread, fill_batches, ahead);
    if (error != 0) goto no_thread;
    *out = ahead;
    return AENC_OK;
no_thread:
    pthread_cond_destroy(&ahead->changed);
no_condition:
    pthread_mutex_destroy(&ahead->mutex);
no_mutex:
    aenc_release(ctx, ahead);
    return aenc_fail(ctx, AENC_ERR_NO_MEMORY, "the system has no thread to read ahead on (error %d)", error);
}

static void thread_end(struct read_ahead *ahead) {
    pthread_mutex_lock(&ahead->mutex);
    ahead->stop = true;
    pthread_cond_signal(&ahead->changed);
    pthread_mutex_unlock(&ahead->mutex);
    pthread_join(ahead->thread, NULL);
    pthread_cond_destroy(&ahead->changed);
    pthread_mutex_destroy(&ahead->mutex);
}

void aenc_ahead_stop(aenc_context *ctx, struct read_ahead *ahead) {
    if (ahead == NULL) return;
    if (aenc_process_is(ahead->process)) thread_end(ahead);
    aenc_release(ctx, ahead);
}

struct stream_batch *aenc_ahead_next(struct read_ahead *ahead) {
    if (!aenc_process_is(ahead->process)) {
        struct stream_batch *batch = &ahead->stream->batch[ahead->taken % 2];
        batch->count = 0;
        batch->failure = STREAM_FORKED;
        return batch;
    }
    pthread_mutex_lock(&ahead->mutex);
    ahead->given_back = ahead->taken;
    pthread_cond_signal(&ahead->changed);
    while (ahead->filled <= ahead->taken && !ahead->ended) pthread_cond_wait(&ahead->changed, &ahead->mutex);
    bool there = ahead->filled > ahead->taken;
    pthread_mutex_unlock(&ahead->mutex);
    struct stream_batch *batch = &ahead->stream->batch[ahead->taken % 2];
    if (there)
        ahead->taken++;
    else
        batch->count = 0;
    return batch;
}
