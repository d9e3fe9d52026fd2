/* nightly.c - random configurations, and what holds for each of them:
 *
 *   threads    weights, losses, codes and scores have the same bits on 1, 2, 3, 5, 8 and 33 threads
 *   refusals   calls that are wrong in one field are refused and change nothing: neither the model's file nor, between two
 *              partial fits, what comes after
 *   resumes    a run that is interrupted at random steps, by a callback or as by a kill, each part on another number of threads,
 *              ends with the bits of one that was not
 *   damage     a checkpoint with one bit flipped is refused; a model file is refused or loads with finite values
 *   files      written to the folder with the hash of each tensor, for a reader that is not this library (nightly.py)
 *
 *     nightly FOLDER FIRST_SEED COUNT     prints "PROPERTY checks failures" lines, and "failed PROPERTY SEED"
 *
 * AENC_NIGHTLY_TELL: prints each configuration. */
#include <inttypes.h>
#include <unistd.h>

#include "nightly/nightly.h"

enum property { THREADS, REFUSALS, RESUMES, DAMAGE, TRAINED, PROPERTIES };
static const char *const names[] = {"threads", "refusals", "resumes", "damage", "trained"};

struct tally {
    long checks[PROPERTIES], failures[PROPERTIES];
};

static void count(struct tally *t, enum property property, const struct configuration *c, int checks, int failures) {
    t->checks[property] += checks;
    t->failures[property] += failures;
    if (failures > 0) printf("failed %s %" PRIu64 "\n", names[property], c->seed);
}

static bool same(const struct outcome *a, const struct outcome *b, const char *when, int64_t threads) {
    bool weights = a->weights == b->weights, losses = a->losses == b->losses, codes = a->codes == b->codes;
    if (a->status == b->status && weights && losses && codes && a->scores == b->scores) return true;
    fprintf(stderr, "  %s, %d threads: status %d and %d, other%s%s%s%s\n", when, (int)threads, a->status, b->status,
            weights ? "" : " weights", losses ? "" : " losses", codes ? "" : " codes", a->scores == b->scores ? "" : " scores");
    return false;
}

/* Trained in one go; steps (may be NULL) receives how many. */
static struct outcome whole(const struct configuration *c, int64_t threads, void (*between)(struct session *), int64_t *steps) {
    struct session s;
    session_open(&s, c, threads);
    aenc_status status = session_train(&s, NULL, AENC_RESUME_NEVER, between);
    struct outcome out = session_outcome(&s, status);
    if (status != AENC_OK && getenv("AENC_NIGHTLY_TELL") != NULL) fprintf(stderr, "  %s\n", aenc_message(s.world.ctx));
    if (steps != NULL) *steps = s.stop.steps;
    session_close(&s);
    return out;
}

static int64_t threads_draw(struct choices *choices) {
    static const int64_t counts[] = {1, 2, 3, 5, 8, 33};
    return counts[choose(choices, 6)];
}

/* ---- Refusals ---- */

static int refused_badly;
enum { REFUSED = 12 };

static void refuse(struct session *s) { refused_badly += refusals_make(s, REFUSED); }

/* Before, between and after. */
static void check_refusals(struct tally *t, const struct configuration *c, const struct outcome *base) {
    struct session s;
    if (c->call == CALL_DETECTOR) return;
    refused_badly = 0;
    session_open(&s, c, 2);
    refuse(&s);
    aenc_status status = session_train(&s, NULL, AENC_RESUME_NEVER, refuse);
    struct outcome out = session_outcome(&s, status);
    refused_badly += !same(base, &out, "with refused calls", 2);
    refuse(&s);
    session_close(&s);
    count(t, REFUSALS, c, REFUSED * (c->call == CALL_PARTIAL ? 3 : 2) + 1, refused_badly);
}

/* ---- Resumes ---- */

/* One process's part of a run; true when it was the last. */
static bool part(const struct configuration *c, struct choices *choices, const char *path, int64_t stop, struct outcome *out) {
    struct session s;
    char copy[300];
    snprintf(copy, sizeof copy, "%s.copy", path);
    session_open(&s, c, threads_draw(choices));
    s.stop = (struct interruption){.at = stop, .checkpoint = path};
    if (c->call != CALL_PRETRAIN && one_in(choices, 2)) s.stop.copy = copy;
    aenc_status status = session_train(&s, path, AENC_RESUME_IF_THERE, NULL);
    bool ended = stop == 0 || s.stop.steps < stop;
    if (ended) *out = session_outcome(&s, status);
    if (!ended && s.stop.copy != NULL) {
        unlink(path);
        if (s.stop.copied) FUZZ_DEMAND(rename(copy, path) == 0);
    }
    session_close(&s);
    return ended;
}

static void checkpoints_remove(const char *path) {
    char layer[300];
    unlink(path);
    for (int i = 1; i < 20; i++) {
        snprintf(layer, sizeof layer, "%s.layer-%d", path, i);
        unlink(layer);
    }
}

static void check_resumes(struct tally *t, const struct configuration *c, const struct outcome *base, int64_t steps,
                          const char *path) {
    struct choices choices = {.state = c->seed * 43 + 1};
    struct outcome out;
    if (steps < 2 || c->pca || c->call == CALL_PARTIAL || c->call == CALL_DETECTOR || base->status != AENC_OK) return;
    checkpoints_remove(path);
    for (int i = 0; i < 3; i++) {
        int64_t stop = i == 2 ? 0 : 1 + (int64_t)choose(&choices, (unsigned)(steps < 256 ? steps : 256));
        if (part(c, &choices, path, stop, &out)) break;
    }
    count(t, RESUMES, c, 1, !same(base, &out, "resumed", 0));
    if (access(path, R_OK) == 0) {
        struct session s;
        session_open(&s, c, 1);
        count(t, DAMAGE, c, 12, damage_checkpoint(&s, path, 12));
        session_close(&s);
    }
    checkpoints_remove(path);
}

/* ---- Files ---- */

/* The model's file, and beside it a line for each tensor: name, elements, hash of the floats. */
static void file_write(const char *folder, struct session *s) {
    char path[300];
    snprintf(path, sizeof path, "%s/%" PRIu64 ".safetensors", folder, s->c->seed);
    FUZZ_DEMAND(aenc_model_save(s->model, path) == AENC_OK);
    snprintf(path, sizeof path, "%s/%" PRIu64 ".txt", folder, s->c->seed);
    FILE *list = fopen(path, "w");
    FUZZ_DEMAND(list != NULL);
    for (size_t i = 0; i < aenc_model_tensor_count(s->model); i++) {
        const char *name = aenc_model_tensor_name(s->model, i);
        aenc_tensor *tensor = NULL;
        FUZZ_DEMAND(aenc_model_tensor_get(s->model, name, &tensor) == AENC_OK);
        size_t floats = aenc_tensor_count(tensor);
        float *values = malloc(floats * sizeof *values + 1);
        FUZZ_DEMAND(values != NULL && aenc_tensor_read(tensor, values, floats) == AENC_OK);
        uint32_t sum = 1, more = 0; /* Adler-32 */
        const unsigned char *bytes = (const unsigned char *)values;
        for (size_t k = 0; k < floats * sizeof *values; k++) sum = (sum + bytes[k]) % 65521, more = (more + sum) % 65521;
        fprintf(list, "%s %zu %" PRIu32 "\n", name, floats, more << 16 | sum);
        free(values);
        aenc_tensor_free(tensor);
    }
    FUZZ_DEMAND(fclose(list) == 0);
}

static void check_files(struct tally *t, const struct configuration *c, const char *folder) {
    struct session s;
    session_open(&s, c, 1);
    (void)session_train(&s, NULL, AENC_RESUME_NEVER, NULL);
    if (s.model != NULL) {
        count(t, DAMAGE, c, 12, damage_model(&s, 12));
        file_write(folder, &s);
    }
    session_close(&s);
}

/* ---- All of one seed ---- */

static void seed_run(struct tally *t, const char *folder, uint64_t seed) {
    static const int64_t threads[] = {2, 3, 5, 8, 33};
    static struct configuration c;
    char path[256];
    int64_t steps = 0;
    int others = 0;
    snprintf(path, sizeof path, "%s/checkpoint", folder);
    configuration_draw(&c, seed);
    if (getenv("AENC_NIGHTLY_TELL") != NULL)
        fprintf(stderr, "%" PRIu64 ": call %d, %zu rows, batch %d, %s, %s, %s\n", seed, c.call, c.rows, (int)c.fit.batch,
                c.fit.optimizer, c.fit.schedule, c.description.at);
    struct outcome base = whole(&c, 1, NULL, &steps);
    count(t, TRAINED, &c, base.status == AENC_OK, 0);
    for (int i = 0; i < 5; i++) {
        struct outcome other = whole(&c, threads[i], NULL, NULL);
        others += !same(&base, &other, "trained", threads[i]);
    }
    count(t, THREADS, &c, 5, others);
    check_refusals(t, &c, &base);
    check_resumes(t, &c, &base, steps, path);
    check_files(t, &c, folder);
    configuration_free(&c);
}

int main(int argc, char **argv) {
    struct tally tally = {0};
    if (argc != 4) return fprintf(stderr, "usage: nightly FOLDER FIRST_SEED COUNT\n"), 2;
    uint64_t first = strtoull(argv[2], NULL, 10), cases = strtoull(argv[3], NULL, 10);
    bool good = true;
    for (uint64_t i = 0; i < cases; i++) {
        printf("seed %" PRIu64 "\n", first + i);
        fflush(stdout);
        seed_run(&tally, argv[1], first + i);
    }
    for (int p = 0; p < PROPERTIES; p++) {
        printf("%s %ld %ld\n", names[p], tally.checks[p], tally.failures[p]);
        good = good && tally.failures[p] == 0;
    }
    return good ? 0 : 1;
}
