/* pool.c - a gate that workers may pass while a job is open.
 *
 * The indices of a job are cut into as many ranges as there are workers. A worker takes its own range first, from
 * front to back, and then what is left of the others': equal jobs go over the same memory on the same core each
 * time, where the caches still have it, and nobody is idle while there is work.
 *
 * gate holds, from the top: the job's number, OPEN, and how many workers are inside. A worker enters by raising the
 * count of an open gate, in one exchange, so that nobody enters a closed one; the caller closes it when the indices are
 * used up and waits only for those that are inside. A worker that the system has not woken yet is therefore never
 * waited for: on a machine with too little room the caller does the work itself.
 *
 * So does the caller in a child process: after a fork the workers do not exist, nobody enters, and the caller runs
 * every index. What would wait for a worker (waking sleepers, the last to leave, freeing) compares the process
 * first, as the mutex may have been locked, and the conditions waited on, by threads of the parent.
 */
#define _POSIX_C_SOURCE 200809L

#include "base/pool.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "base/cpu_mode.h"
#include "base/mem.h"
#include "base/thread.h"

enum { WORKERS_MAX = 4096 };
enum { INSIDE = 0xFFFF, OPEN = 0x10000, JOB = 0x20000 }; /* fields of gate */
enum { SPIN_NANOSECONDS = 50000 };
enum { CACHE_LINE = 64 };

struct worker {
    struct pool *pool;
    int index;
    pthread_t thread;
};

/* One worker's part of the job's indices: those from next to end are still to be taken. */
struct range {
    alignas(CACHE_LINE) atomic_llong next;
    int64_t end;
};

struct pool {
    int workers;
    pid_t process;         /* that has the threads */
    struct range *range;   /* (workers) */
    struct worker *worker; /* (workers - 1): index 1 and on */
    /* The job: written while the gate is closed and nobody is inside. */
    pool_job *job;
    void *user;
    int64_t count;
    atomic_ullong gate;
    atomic_int sleepers; /* workers that are, or are about to be, asleep on wake */
    atomic_bool stop;
    pthread_mutex_t mutex;
    pthread_cond_t wake;     /* workers: a gate has opened, or stop */
    pthread_cond_t deserted; /* the caller: the last worker has left a closed gate */
};

static int64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void take_range(struct pool *pool, struct range *range, int worker) {
    while (atomic_load_explicit(&range->next, memory_order_relaxed) < range->end) {
        int64_t index = (int64_t)atomic_fetch_add(&range->next, 1);
        if (index >= range->end) return;
        pool->job(pool->user, index, worker);
    }
}

static void take_indices(struct pool *pool, int worker) {
    for (int i = 0; i < pool->workers; i++) take_range(pool, &pool->range[(worker + i) % pool->workers], worker);
}

/* Where there are fewer indices than workers, the first workers have one each and the others none. */
static void cut_ranges(struct pool *pool) {
    int64_t parts = pool->count < pool->workers ? pool->count : pool->workers;
    for (int i = 0; i < pool->workers; i++) {
        int64_t lo = i < parts ? pool->count * i / parts : 0, hi = i < parts ? pool->count * (i + 1) / parts : 0;
        atomic_store_explicit(&pool->range[i].next, lo, memory_order_relaxed);
        pool->range[i].end = hi;
    }
}

/* ---- Workers ---- */

/* Whether there is a reason to stop waiting: a job other than the one done last, or the end. */
static bool called(struct pool *pool, unsigned long long done) {
    unsigned long long gate = atomic_load(&pool->gate);
    return atomic_load(&pool->stop) || ((gate & OPEN) != 0 && gate / JOB != done);
}

static void wait_for_call(struct pool *pool, unsigned long long done) {
    int64_t end = nanoseconds() + SPIN_NANOSECONDS;
    while (nanoseconds() < end) {
        if (called(pool, done)) return;
        cpu_relax();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!called(pool, done)) pthread_cond_wait(&pool->wake, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
}

/* The number of the job entered, 0 if the gate was closed. Jobs count from 1. */
static unsigned long long enter(struct pool *pool) {
    unsigned long long gate = atomic_load(&pool->gate);
    while ((gate & OPEN) != 0)
        if (atomic_compare_exchange_weak(&pool->gate, &gate, gate + 1)) return gate / JOB;
    return 0;
}

static void leave(struct pool *pool) {
    unsigned long long before = atomic_fetch_sub(&pool->gate, 1);
    if ((before & OPEN) != 0 || (before & INSIDE) != 1) return;
    pthread_mutex_lock(&pool->mutex);
    pthread_cond_signal(&pool->deserted);
    pthread_mutex_unlock(&pool->mutex);
}

static void *work(void *argument) {
    const struct worker *self = argument;
    struct pool *pool = self->pool;
    unsigned long long done = 0;
    aenc_cpu_mode_set(CPU_MODE_FAST);
    for (;;) {
        wait_for_call(pool, done);
        if (atomic_load(&pool->stop)) return NULL;
        unsigned long long job = enter(pool);
        if (job == 0) continue;
        if (job != done) take_indices(pool, self->index);
        done = job;
        leave(pool);
    }
}

/* ---- The caller ---- */

static void open_gate(struct pool *pool) {
    unsigned long long job = atomic_load(&pool->gate) / JOB + 1;
    cut_ranges(pool);
    atomic_store(&pool->gate, job * JOB | OPEN);
    /* A worker counts itself a sleeper before it looks at the gate for the last time. */
    if (atomic_load(&pool->sleepers) == 0) return;
    if (!aenc_process_is(pool->process)) {
        atomic_store(&pool->sleepers, 0); /* they sleep in the parent */
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    if (pool->count >= pool->workers)
        pthread_cond_broadcast(&pool->wake);
    else
        for (int64_t i = 1; i < pool->count; i++) pthread_cond_signal(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

static bool deserted(struct pool *pool) { return (atomic_load(&pool->gate) & INSIDE) == 0; }

static void close_gate(struct pool *pool) {
    unsigned long long before = atomic_fetch_and(&pool->gate, ~(unsigned long long)OPEN);
    if ((before & INSIDE) == 0) return;
    int64_t end = nanoseconds() + SPIN_NANOSECONDS;
    while (nanoseconds() < end) {
        if (deserted(pool)) return;
        cpu_relax();
    }
    if (!aenc_process_is(pool->process)) {
        atomic_fetch_and(&pool->gate, ~(unsigned long long)INSIDE); /* they are inside in the parent */
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    while (!deserted(pool)) pthread_cond_wait(&pool->deserted, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

int aenc_pool_workers(const struct pool *pool) { return pool == NULL ? 1 : pool->workers; }

static void share(struct pool *pool, int64_t count, pool_job *job, void *user) {
    pool->job = job;
    pool->user = user;
    pool->count = count;
    open_gate(pool);
    take_indices(pool, 0);
    close_gate(pool);
}

void aenc_pool_run(struct pool *pool, int64_t count, pool_job *job, void *user) {
    CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_FAST);
    if (aenc_pool_workers(pool) > 1 && count > 1)
        share(pool, count, job, user);
    else
        for (int64_t i = 0; i < count; i++) job(user, i, 0);
}

/* ---- Creating and freeing ---- */

/* Answers the system's error, 0 when all threads run; pool->workers counts those that do, and the caller. */
static int start_threads(struct pool *pool, int workers) {
    int error = 0;
    while (error == 0 && pool->workers < workers) {
        struct worker *worker = &pool->worker[pool->workers - 1];
        worker->pool = pool;
        worker->index = pool->workers;
        error = aenc_thread_start(&worker->thread, work, worker);
        if (error == 0) pool->workers++;
    }
    return error;
}

/* Mutex and conditions, all or none. */
static int create_locks(struct pool *pool) {
    int error = pthread_mutex_init(&pool->mutex, NULL);
    if (error != 0) return error;
    error = pthread_cond_init(&pool->wake, NULL);
    if (error != 0) goto no_wake;
    error = pthread_cond_init(&pool->deserted, NULL);
    if (error == 0) return 0;
    pthread_cond_destroy(&pool->wake);
no_wake:
    pthread_mutex_destroy(&pool->mutex);
    return error;
}

static aenc_status system_failure(aenc_context *ctx, const char *what, int workers, int error) {
    char words[128];
    if (strerror_r(error, words, sizeof words) != 0) words[0] = '\0';
    return aenc_fail(ctx, error == ENOMEM || error == EAGAIN ? AENC_ERR_NO_MEMORY : AENC_ERR_UNSUPPORTED,
                     "threads: %s of %d workers: error %d: %s", what, workers, error, words);
}

static void memory_free(aenc_context *ctx, struct pool *pool) {
    aenc_release(ctx, pool->range);
    aenc_release(ctx, pool->worker);
    aenc_release(ctx, pool);
}

aenc_status aenc_pool_create(aenc_context *ctx, int workers, struct pool **out) {
    *out = NULL;
    if (workers < 1 || workers > WORKERS_MAX)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "threads is %d, must be from 1 to %d", workers, WORKERS_MAX);
    struct pool *pool = aenc_alloc(ctx, 1, sizeof *pool);
    if (pool == NULL) return AENC_ERR_NO_MEMORY;
    pool->worker = aenc_alloc(ctx, (size_t)workers - 1, sizeof *pool->worker);
    pool->range = aenc_alloc(ctx, (size_t)workers, sizeof *pool->range);
    bool room = pool->worker != NULL && pool->range != NULL;
    int error = room ? create_locks(pool) : 0;
    if (!room || error != 0) {
        memory_free(ctx, pool);
        return room ? system_failure(ctx, "the locks", workers, error) : AENC_ERR_NO_MEMORY;
    }
    atomic_init(&pool->gate, 0);
    atomic_init(&pool->sleepers, 0);
    atomic_init(&pool->stop, false);
    pool->workers = 1;
    pool->process = aenc_process();
    error = start_threads(pool, workers);
    if (error != 0) {
        int started = pool->workers;
        aenc_pool_free(ctx, pool);
        return system_failure(ctx, "no more could be started", started, error);
    }
    *out = pool;
    return AENC_OK;
}

static void threads_end(struct pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->stop, true);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->workers - 1; i++) pthread_join(pool->worker[i].thread, NULL);
    pthread_cond_destroy(&pool->deserted);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
}

void aenc_pool_free(aenc_context *ctx, struct pool *pool) {
    if (pool == NULL) return;
    if (aenc_process_is(pool->process)) threads_end(pool);
    memory_free(ctx, pool);
}
