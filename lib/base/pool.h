/* pool.h - worker threads that belong to a context.
 *
 * One primitive: run(count, job) calls job(0) .. job(count - 1), each once, on the calling thread and the
 * workers; it returns when all are done. A worker begins with a part of the indices that depends on count alone, and
 * then helps the others: so equal jobs find their memory in the same caches. Which worker ran which index is
 * unspecified, so a job may write only to what its index owns; `worker` is for scratch memory that is not read by
 * others. With one worker everything runs on the calling thread in order. Tasks run in CPU_MODE_FAST (cpu_mode.h);
 * the caller's mode is restored. Waiting workers spin for microseconds and then sleep.
 *
 * In a child process (fork) there are no workers: everything runs on the calling thread, and freeing frees the
 * memory alone. A pool that another thread was running at the fork can only be freed there.
 */
#ifndef AENC_BASE_POOL_H
#define AENC_BASE_POOL_H

#include "base/context.h"

struct pool;
typedef void pool_job(void *user, int64_t index, int worker);

/* workers counts the calling thread; 1 starts no thread. */
aenc_status aenc_pool_create(aenc_context *ctx, int workers, struct pool **out);
void aenc_pool_free(aenc_context *ctx, struct pool *pool);
int aenc_pool_workers(const struct pool *pool);
/* pool NULL: everything on the calling thread. */
void aenc_pool_run(struct pool *pool, int64_t count, pool_job *job, void *user);

#endif
