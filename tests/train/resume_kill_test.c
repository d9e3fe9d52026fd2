/* resume_kill_test.c - a process that trains is killed at ten random moments, each time continued by a new one on another
 * number of threads, and leaves the same model file, byte for byte, as one that was left in peace.
 *
 * The program is parent and child: with arguments it trains. AENC_KILL_SEED: of the moments; otherwise the clock. */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "train/trial.h"

enum { ROWS = 1600, IN = 64, KILLS = 10, COUNTS = 4 };

/* A batch of 160 rows is three shards, 64 x 1100 numbers are two tiles. */
static const char description[] =
    "{\"input\":[64],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":1100},{\"type\":\"batch_norm\"},"
    "{\"type\":\"relu\"},{\"type\":\"dropout\",\"rate\":0.2},{\"type\":\"dense\",\"units\":4}]}}";

static void rest(long milliseconds) {
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0) continue;
}

/* So that a run lasts longer than the moments at which it is killed. */
static int slow_down(void *user, const aenc_progress *now) {
    (void)user, (void)now;
    rest(2);
    return 0;
}

/* Trains, resuming where there is something to resume, and saves the model. */
static int child(const char *checkpoint, const char *out, int64_t threads) {
    static float data[ROWS * IN];
    struct trial trial = trial_create(description, 21, threads);
    aenc_matrix x = {data, ROWS, IN, 0};
    aenc_fit_options options = {.struct_size = sizeof options, .optimizer = "adam:lr=0.003", .schedule = "cosine",
                                .epochs = 20, .batch = 160, .validation_fraction = 0.2, .patience = 15, .progress = slow_down};
    if (strcmp(checkpoint, "none") != 0) {
        options.checkpoint = checkpoint;
        options.checkpoint_steps = 7;
        options.resume = AENC_RESUME_IF_THERE;
    }
    trial_fill(data, ROWS * IN, 22);
    aenc_status status = aenc_fit(trial.model, &x, &options);
    if (status == AENC_OK) status = aenc_model_save(trial.model, out);
    if (status != AENC_OK) fprintf(stderr, "child: %s\n", aenc_message(trial.ctx));
    /* another number of threads is nothing that a run has to be told of */
    bool quiet = aenc_model_notice(trial.model)[0] == '\0';
    if (!quiet) fprintf(stderr, "child: %s\n", aenc_model_notice(trial.model));
    trial_free(&trial);
    return status == AENC_OK && quiet ? 0 : 1;
}

static pid_t start(const char *program, const char *checkpoint, const char *out, const char *threads) {
    pid_t process = fork();
    if (process < 0) exit(2);
    if (process > 0) return process;
    execl(program, program, checkpoint, out, threads, (char *)NULL);
    _exit(127);
}

/* Whether the child was still there to be killed. What a save that it did not finish has left beside the checkpoint goes. */
static bool kill_after(pid_t process, const char *checkpoint, long milliseconds) {
    char left[128];
    int state;
    rest(milliseconds);
    kill(process, SIGKILL);
    if (waitpid(process, &state, 0) != process) exit(2);
    snprintf(left, sizeof left, "%s.%ld-0.tmp", checkpoint, (long)process);
    remove(left);
    return WIFSIGNALED(state) != 0;
}

static void finish(pid_t process) {
    int state;
    if (waitpid(process, &state, 0) != process) exit(2);
    CHECK(WIFEXITED(state) && WEXITSTATUS(state) == 0);
}

static bool files_same(const char *a, const char *b) {
    static unsigned char x[1 << 20], y[1 << 20];
    FILE *f = fopen(a, "rb"), *g = fopen(b, "rb");
    if (f == NULL || g == NULL) exit(2);
    size_t n = fread(x, 1, sizeof x, f), m = fread(y, 1, sizeof y, g);
    fclose(f);
    fclose(g);
    return n == m && n > 0 && memcmp(x, y, n) == 0;
}

static uint64_t moments;

/* From 20 to 180 ms. */
static long next_moment(void) {
    moments = moments * 6364136223846793005u + 1442695040888963407u;
    return 20 + (long)((moments >> 33) % 161);
}

/* One process after the other, on the numbers of threads in turn, forwards or backwards. */
static void test_kills(const char *program, char name[3][64], int first, int step) {
    static const char *const threads[COUNTS] = {"1", "2", "3", "8"};
    int killed = 0;
    finish(start(program, "none", name[0], threads[first]));
    for (int k = 0; k < KILLS; k++)
        killed += kill_after(start(program, name[2], name[1], threads[(first + k * step) % COUNTS]), name[2], next_moment());
    finish(start(program, name[2], name[1], threads[(first + KILLS * step) % COUNTS]));
    CHECK(killed >= KILLS / 2);
    CHECK(files_same(name[0], name[1]));
    for (int i = 0; i < 3; i++) remove(name[i]);
}

int main(int argc, char **argv) {
    static const char *const kinds[] = {"whole", "killed", "checkpoint"};
    char name[3][64];
    if (argc == 4) return child(argv[1], argv[2], atol(argv[3]));
    const char *seed = getenv("AENC_KILL_SEED");
    moments = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    fprintf(stderr, "AENC_KILL_SEED=%llu\n", (unsigned long long)moments);
    for (int i = 0; i < 3; i++) snprintf(name[i], sizeof name[i], "resume_kill_test.%ld.%s", (long)getpid(), kinds[i]);
    test_kills(argv[0], name, 0, 1);
    test_kills(argv[0], name, COUNTS - 1, COUNTS - 1);
    return check_finish();
}
