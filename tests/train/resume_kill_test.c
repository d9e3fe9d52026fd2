/* resume_kill_test.c - a process that trains is killed at ten moments, each time continued by a new one, and leaves the
 * same model file, byte for byte, as one that was left in peace.
 *
 * The program is parent and child: with arguments it trains. */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "train/trial.h"

enum { ROWS = 400, IN = 16, KILLS = 10 };

static const char description[] =
    "{\"input\":[16],\"encoder\":{\"type\":\"sequential\",\"layers\":[{\"type\":\"dense\",\"units\":24},{\"type\":\"batch_norm\"},"
    "{\"type\":\"relu\"},{\"type\":\"dropout\",\"rate\":0.2},{\"type\":\"dense\",\"units\":4}]}}";

static void rest(long milliseconds) {
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0) continue;
}

/* So that a run lasts longer than the moments at which it is killed. */
static int slow_down(void *user, const aenc_progress *now) {
    (void)user, (void)now;
    rest(1);
    return 0;
}

/* Trains, resuming where there is something to resume, and saves the model. */
static int child(const char *checkpoint, const char *out, int64_t threads) {
    static float data[ROWS * IN];
    struct trial trial = trial_create(description, 21, threads);
    aenc_matrix x = {data, ROWS, IN, 0};
    aenc_fit_options options = {.struct_size = sizeof options, .optimizer = "adam:lr=0.003", .schedule = "cosine",
                                .epochs = 12, .batch = 8, .valid_share = 0.2, .patience = 6, .progress = slow_down};
    if (strcmp(checkpoint, "none") != 0) {
        options.checkpoint = checkpoint;
        options.checkpoint_steps = 7;
        options.resume = AENC_RESUME_IF_THERE;
    }
    trial_fill(data, ROWS * IN, 22);
    aenc_status status = aenc_fit(trial.model, &x, &options);
    if (status == AENC_OK) status = aenc_model_save(trial.model, out);
    if (status != AENC_OK) fprintf(stderr, "child: %s\n", aenc_message(trial.ctx));
    trial_free(&trial);
    return status == AENC_OK ? 0 : 1;
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
    static unsigned char x[1 << 16], y[1 << 16];
    FILE *f = fopen(a, "rb"), *g = fopen(b, "rb");
    if (f == NULL || g == NULL) exit(2);
    size_t n = fread(x, 1, sizeof x, f), m = fread(y, 1, sizeof y, g);
    fclose(f);
    fclose(g);
    return n == m && n > 0 && memcmp(x, y, n) == 0;
}

int main(int argc, char **argv) {
    static const long moments[KILLS] = {60, 23, 110, 45, 90, 31, 150, 75, 38, 120};
    char name[3][64];
    if (argc == 4) return child(argv[1], argv[2], atol(argv[3]));
    static const char *const kinds[] = {"whole", "killed", "checkpoint"};
    for (int i = 0; i < 3; i++) snprintf(name[i], sizeof name[i], "resume_kill_test.%ld.%s", (long)getpid(), kinds[i]);
    static const char *const threads[] = {"1", "2"};
    for (int t = 0; t < 2; t++) {
        int killed = 0;
        finish(start(argv[0], "none", name[0], "1"));
        for (int k = 0; k < KILLS; k++)
            killed += kill_after(start(argv[0], name[2], name[1], threads[t]), name[2], moments[k]);
        finish(start(argv[0], name[2], name[1], threads[t]));
        CHECK(killed >= KILLS / 2);
        CHECK(files_same(name[0], name[1]));
        for (int i = 0; i < 3; i++) remove(name[i]);
    }
    return check_finish();
}
