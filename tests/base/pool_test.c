/* pool_test.c - each index once, order with one worker, many runs in a row, sleepers, threads and locks that cannot be
 * had, children without threads. */
#define _POSIX_C_SOURCE 200809L

#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fake_context.h"

enum { MOST = 500 };

struct job {
    int times[MOST];  /* written by the task of its index alone */
    int worker[MOST];
    atomic_int running, together; /* at one time, at most */
    long pause;                   /* nanoseconds in each task */
    int workers;
    bool bad_worker;
};

static void sleep_for(long nanoseconds) {
    const struct timespec time = {0, nanoseconds};
    nanosleep(&time, NULL);
}

static void task(void *user, int64_t index, int worker) {
    struct job *job = user;
    int running = atomic_fetch_add(&job->running, 1) + 1, most = atomic_load(&job->together);
    while (running > most && !atomic_compare_exchange_weak(&job->together, &most, running)) continue;
    job->times[index]++;
    job->worker[index] = worker;
    if (job->pause > 0) sleep_for(job->pause);
    atomic_fetch_sub(&job->running, 1);
}

static void check_run(struct pool *pool, struct job *job, int64_t count, long pause) {
    memset(job->times, 0, sizeof job->times);
    job->pause = pause;
    atomic_init(&job->running, 0);
    atomic_init(&job->together, 0);
    aenc_pool_run(pool, count, task, job);
    bool good = true;
    for (int i = 0; i < MOST; i++) {
        good &= job->times[i] == (i < count ? 1 : 0);
        if (i < count) good &= job->worker[i] >= 0 && job->worker[i] < aenc_pool_workers(pool);
    }
    CHECK(good);
    CHECK(atomic_load(&job->running) == 0);
    CHECK(atomic_load(&job->together) <= aenc_pool_workers(pool));
}

static void check_pool(aenc_context *ctx, int workers) {
    static struct job job;
    struct pool *pool;
    CHECK(aenc_pool_create(ctx, workers, &pool) == AENC_OK);
    CHECK(aenc_pool_workers(pool) == workers);
    for (int64_t count = 0; count < 40; count++) check_run(pool, &job, count, 0);
    for (int i = 0; i < 200; i++) check_run(pool, &job, MOST, 0);
    for (int i = 0; i < 20; i++) {
        sleep_for(1000000); /* long enough for the workers to fall asleep */
        check_run(pool, &job, i, 1000);
    }
    int together = 0; /* on a busy machine a worker may be late, but not for ever */
    for (int i = 0; i < 100 && together < workers; i++) {
        check_run(pool, &job, 4 * workers, 5000000);
        together = atomic_load(&job.together);
    }
    CHECK(together == workers);
    aenc_pool_free(ctx, pool);
}

struct order {
    int64_t next;
    pthread_t caller;
};

static void in_order(void *user, int64_t index, int worker) {
    struct order *order = user;
    CHECK(index == order->next++);
    CHECK(worker == 0 && pthread_equal(order->caller, pthread_self()));
}

/* One worker, or no pool at all: in order on the calling thread. */
static void check_alone(aenc_context *ctx) {
    struct order order = {0, pthread_self()};
    struct pool *pool;
    CHECK(aenc_pool_create(ctx, 1, &pool) == AENC_OK);
    aenc_pool_run(pool, 20, in_order, &order);
    CHECK(order.next == 20);
    aenc_pool_free(ctx, pool);
    aenc_pool_free(ctx, NULL);
    order.next = 0;
    aenc_pool_run(NULL, 5, in_order, &order);
    CHECK(order.next == 5 && aenc_pool_workers(NULL) == 1);
}

static void check_refusals(aenc_context *ctx, struct ledger *ledger) {
    struct pool *pool = (struct pool *)ctx;
    CHECK(aenc_pool_create(ctx, 0, &pool) == AENC_ERR_ARGUMENT && pool == NULL);
    CHECK(strstr(ctx->message, "threads is 0") != NULL);
    CHECK(aenc_pool_create(ctx, -3, &pool) == AENC_ERR_ARGUMENT);
    CHECK(aenc_pool_create(ctx, 1000000, &pool) == AENC_ERR_ARGUMENT);
    for (int k = 1; k <= 3; k++) {
        ledger->refused = ledger->calls + k;
        CHECK(aenc_pool_create(ctx, 2, &pool) == AENC_ERR_NO_MEMORY && pool == NULL);
        CHECK(ledger->blocks == 0);
    }
    ledger->refused = 0;
}

/* The locks of the C library are replaced in this program: they are counted, and the one of the number `refused` fails. */
static struct {
    int held, calls, refused, error;
} locks;

static int lock_init(void) {
    if (++locks.calls == locks.refused) return locks.error;
    locks.held++;
    return 0;
}

int pthread_mutex_init(pthread_mutex_t *restrict mutex, const pthread_mutexattr_t *restrict attributes) {
    (void)attributes;
    *mutex = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    return lock_init();
}

int pthread_cond_init(pthread_cond_t *restrict condition, const pthread_condattr_t *restrict attributes) {
    (void)attributes;
    *condition = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    return lock_init();
}

int pthread_mutex_destroy(pthread_mutex_t *mutex) {
    (void)mutex;
    locks.held--;
    return 0;
}

int pthread_cond_destroy(pthread_cond_t *condition) {
    (void)condition;
    locks.held--;
    return 0;
}

/* A pool has a mutex and two conditions. Without one of them there is no pool, and those before it are gone. */
static void check_locks(aenc_context *ctx, struct ledger *ledger) {
    const int held = locks.held;
    struct pool *pool;
    for (int k = 1; k <= 3; k++) {
        locks.refused = locks.calls + k;
        locks.error = k == 2 ? EAGAIN : ENOMEM;
        CHECK(aenc_pool_create(ctx, 2, &pool) == AENC_ERR_NO_MEMORY && pool == NULL);
        CHECK(strstr(ctx->message, "threads: the locks of 2 workers: error") == ctx->message);
        CHECK(locks.held == held && ledger->blocks == 0);
    }
    locks.refused = locks.calls + 1, locks.error = EPERM;
    CHECK(aenc_pool_create(ctx, 2, &pool) == AENC_ERR_UNSUPPORTED && pool == NULL);
    CHECK(aenc_pool_create(ctx, 2, &pool) == AENC_OK);
    CHECK(locks.held == held + 3);
    aenc_pool_free(ctx, pool);
    CHECK(locks.held == held);
}

/* In a child whose address space has no room for 200 stacks: the failure is reported, and the threads that did start
 * are gone again. Limits do not bind under the sanitizers, which reserve terabytes: then there is nothing to see. */
static int starve(aenc_context *ctx, struct ledger *ledger) {
    const struct rlimit limit = {256 << 20, 256 << 20};
    struct pool *pool;
    if (setrlimit(RLIMIT_AS, &limit) != 0) return 0;
    if (aenc_pool_create(ctx, 200, &pool) == AENC_OK) return 1;
    if (pool != NULL || ledger->blocks != 0) return 2;
    if (strstr(ctx->message, "threads: ") != ctx->message || strstr(ctx->message, "error") == NULL) return 3;
    if (aenc_pool_create(ctx, 2, &pool) != AENC_OK) return 4;
    aenc_pool_free(ctx, pool);
    return 0;
}

static bool under_sanitizer(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
    return __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
    return false;
#endif
}

static void check_starvation(aenc_context *ctx, struct ledger *ledger) {
    int status = 1;
    if (under_sanitizer()) return;
    pid_t child = fork();
    if (child == 0) _exit(starve(ctx, ledger));
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK_NEAR(WEXITSTATUS(status), 0, 0);
}

/* In a child process: while the workers spin, and while they sleep; nothing waits for them. */
static void check_fork(aenc_context *ctx, int workers, long pause) {
    static struct job job;
    struct pool *pool;
    int status = 1;
    CHECK(aenc_pool_create(ctx, workers, &pool) == AENC_OK);
    check_run(pool, &job, MOST, 0);
    sleep_for(pause);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        for (int64_t count = 0; count < 40; count++) check_run(pool, &job, count, 0);
        aenc_pool_free(ctx, pool);
        _exit(check_failures != 0);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    check_run(pool, &job, MOST, 0);
    aenc_pool_free(ctx, pool);
}

int main(void) {
    aenc_context ctx;
    struct ledger ledger;
    fake_context(&ctx, &ledger);
    check_alone(&ctx);
    check_refusals(&ctx, &ledger);
    check_locks(&ctx, &ledger);
    check_starvation(&ctx, &ledger);
    for (int workers = 1; workers <= 8; workers++) check_pool(&ctx, workers);
    for (int workers = 1; workers <= 5; workers++) check_fork(&ctx, workers, 0);
    for (int workers = 1; workers <= 5; workers++) check_fork(&ctx, workers, 20000000);
    check_pool(&ctx, 33); /* more than the machine has */
    CHECK(ledger.blocks == 0 && ledger.bytes == 0);
    return check_finish();
}
