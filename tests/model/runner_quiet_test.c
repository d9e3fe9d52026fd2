/* runner_quiet_test.c - a run calls the system for nothing: it happens in a child that the kernel kills at the first call
 * other than read, write and exit (seccomp's strict mode). A lock that is never waited for makes no call, so locks are
 * counted: this program's own pthread_mutex_lock stands before the C library's. */
/* ThreadSanitizer calls the system and takes locks by itself. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

#if !defined(__linux__) || defined(__SANITIZE_THREAD__)
int main(void) { return 77; }
#else
#define _GNU_SOURCE

#include <dlfcn.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model/nets.h"

enum { FLOATS = NET_ROWS * NET_OUT, SKIP = 77 };

static float data[NET_ROWS * NET_COLS];
static long locks;

int pthread_mutex_lock(pthread_mutex_t *mutex) {
    static int (*real)(pthread_mutex_t *);
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "pthread_mutex_lock");
    locks++;
    return real(mutex);
}

/* What the child sends. */
struct answer {
    long locks;
    int status;
    float out[FLOATS];
};

/* With a label beside the input, and two results: in one array of floats, one after the other. */
static const char conditional[] = NET("{\"type\":\"dense\",\"units\":16}", "\"fields\":{\"label\":\"classes:count=3\"},"
                                      "\"condition\":[\"label\"],\"bottleneck\":\"gaussian:units=4\"");
enum { CONDITIONAL = NET_COUNT, SAMPLE = NET_ROWS * NET_COLS };

static aenc_status arrays_run(aenc_runner *runner, float *out) {
    static const size_t dims[] = {NET_ROWS, NET_COLS}, code[] = {NET_ROWS, 4}, rows[] = {NET_ROWS};
    static int32_t label[NET_ROWS] = {1, 2, 0, 1};
    const aenc_array x = {.struct_size = sizeof x, .name = "input", .data = data, .size = sizeof data, .dims = dims, .rank = 2};
    const aenc_array y = {.struct_size = sizeof y, .name = "label", .data = label, .size = sizeof label, .dims = rows, .rank = 1,
                          .type = AENC_TYPE_I32};
    const aenc_array a = {.struct_size = sizeof a, .name = "output", .data = out, .size = SAMPLE * sizeof *out, .dims = dims, .rank = 2};
    const aenc_array b = {.struct_size = sizeof b, .name = "sample", .data = out + SAMPLE, .size = sizeof label * 4, .dims = code, .rank = 2};
    const aenc_array *in[] = {&x, &y}, *to[] = {&a, &b};
    return aenc_runner_run_arrays(runner, in, 2, to, 2);
}

static aenc_runner *arrays_runner(aenc_context *ctx, aenc_model *model, int64_t rows) {
    static const char *const results[] = {"output", "sample"};
    const aenc_runner_options options = {.struct_size = sizeof options, .rows = rows, .results = results, .result_count = 2};
    aenc_runner *runner = NULL;
    CHECK_STATUS(ctx, aenc_runner_create(model, &options, &runner), AENC_OK);
    return runner;
}

static aenc_model *conditional_create(aenc_context *ctx) {
    aenc_model *model = NULL;
    CHECK_STATUS(ctx, aenc_model_parse(ctx, conditional, sizeof conditional - 1, &model), AENC_OK);
    return model;
}

static void child(int pipe_end, aenc_runner *runner, const aenc_matrix *x) {
    static struct answer answer;
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) _exit(SKIP);
    locks = 0;
    answer.status = x == NULL ? arrays_run(runner, answer.out) : aenc_runner_run(runner, x, NULL, answer.out, FLOATS);
    answer.locks = locks;
    ssize_t sent = write(pipe_end, &answer, sizeof answer);
    syscall(SYS_exit, sent == (ssize_t)sizeof answer ? 0 : 1);
}

/* Reads until the other end closes. */
static size_t read_all(int from, void *bytes, size_t size) {
    size_t got = 0;
    for (ssize_t n = 1; n > 0 && got < size; got += n > 0 ? (size_t)n : 0)
        n = read(from, (char *)bytes + got, size - got);
    return got;
}

/* Answers SKIP where there is no seccomp. */
static int test_quiet(size_t net, int64_t task, int64_t rows) {
    static struct answer answer;
    static float want[FLOATS];
    int ends[2], status = 0;
    aenc_context *ctx = NULL;
    CHECK(aenc_context_create(NULL, &ctx) == AENC_OK && pipe(ends) == 0);
    bool arrays = net == CONDITIONAL;
    aenc_model *model = arrays ? conditional_create(ctx) : net_create(ctx, net, data);
    aenc_matrix x = {data, NET_ROWS, net_cols(model, task), NET_COLS};
    aenc_runner *runner = arrays ? arrays_runner(ctx, model, rows) : net_runner(ctx, model, task, rows);
    aenc_runner *same = arrays ? arrays_runner(ctx, model, NET_ROWS) : net_runner(ctx, model, task, NET_ROWS);
    CHECK((arrays ? arrays_run(same, want) : aenc_runner_run(same, &x, NULL, want, FLOATS)) == AENC_OK);
    pid_t pid = fork();
    if (pid == 0) child(ends[1], runner, arrays ? NULL : &x);
    close(ends[1]);
    size_t got = read_all(ends[0], &answer, sizeof answer);
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    bool skip = WIFEXITED(status) && WEXITSTATUS(status) == SKIP;
    if (!skip) {
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0 && got == sizeof answer);
        CHECK(answer.status == AENC_OK && answer.locks == 0);
        size_t floats = arrays ? SAMPLE + NET_ROWS * 4 : NET_ROWS * net_row_size(model, task);
        CHECK(memcmp(answer.out, want, floats * sizeof *want) == 0);
    }
    close(ends[0]);
    aenc_runner_free(runner);
    aenc_runner_free(same);
    aenc_model_free(model);
    aenc_context_free(ctx);
    return skip ? SKIP : 0;
}

/* The counter counts what the library locks: it does when its workers end. */
static void test_counter(void) {
    aenc_context *ctx = NULL;
    locks = 0;
    CHECK(aenc_context_create(NULL, &ctx) == AENC_OK);
    aenc_context_free(ctx);
    CHECK(locks > 0);
}

/* And the kernel kills: a child like that does not come back from another call. */
static void test_killer(void) {
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0) (void)getppid();
        syscall(SYS_exit, 0);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status));
}

int main(void) {
    net_data(data);
    test_counter();
    for (size_t net = 0; net < NET_COUNT; net++)
        for (size_t j = 0; j < NET_TASKS; j++) {
            bool splits = strcmp(nets[net].name, "cosine") != 0;
            if (net_tasks[j] == AENC_RUN_SCORE_FEATURES && !splits) continue;
            if (test_quiet(net, net_tasks[j], j % 2 == 0 ? 1 : 8) == SKIP) return SKIP;
        }
    for (int64_t rows = 1; rows < 20; rows += 9)
        if (test_quiet(CONDITIONAL, AENC_RUN_RECONSTRUCT, rows) == SKIP) return SKIP;
    test_killer();
    return check_finish();
}
#endif
