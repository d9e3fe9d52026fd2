/* kill_test.c - a process that saves two models in turn over the same file is killed, again and again, at random moments:
 * the file is one of them, whole. AENC_KILL_ROUNDS: how often; default 300. */
#include <errno.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>

#include "fault/models.h"

enum { NAP_MAX = 3000000 }; /* nanoseconds until the kill, at most */

static uint64_t state = 1;

static uint32_t draw(uint32_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(((state >> 32) * below) >> 32);
}

/* Never returns. */
static void save_for_ever(struct models *m, int first, int ready) {
    if (write(ready, "x", 1) != 1) _exit(1);
    for (int i = first;; i++)
        if (aenc_model_save(m->model[i % MODELS], m->path) != AENC_OK) _exit(2);
}

static void kill_one(struct models *m, int first) {
    int ready[2], status = 0;
    char byte;
    CHECK(pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) save_for_ever(m, first, ready[1]);
    close(ready[1]);
    CHECK(child > 0 && read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    struct timespec nap = {0, (long)draw(NAP_MAX)};
    while (nanosleep(&nap, &nap) != 0 && errno == EINTR) continue;
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(waitpid(child, &status, 0) == child);
    /* it ended because of the signal, not because a save failed */
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int main(void) {
    static struct models m;
    const char *asked = getenv("AENC_KILL_ROUNDS");
    int rounds = asked != NULL ? atoi(asked) : 300;
    long scraps = 0, seen[MODELS] = {0};
    models_open(&m, "kill");
    CHECK_STATUS(m.ctx, aenc_model_save(m.model[0], m.path), AENC_OK);
    for (int round = 0; round < rounds; round++) {
        kill_one(&m, round);
        int which = models_which(&m);
        CHECK(which >= 0);
        if (which >= 0) seen[which]++;
        aenc_model *model = NULL;
        CHECK_STATUS(m.ctx, aenc_model_load(m.ctx, m.path, &model), AENC_OK);
        CHECK(which < 0 || strcmp(aenc_model_description(model), aenc_model_description(m.model[which])) == 0);
        aenc_model_free(model);
        scraps += models_scraps(&m, true);
    }
    fprintf(stderr, "%d kills: the file was the first model %ld times, the second %ld times; %ld in the middle of a save\n",
            rounds, seen[0], seen[1], scraps);
    CHECK(scraps <= rounds);
    models_close(&m);
    return check_finish();
}
