/* io_fault_test.c - every call of the system in a save and in a load fails, one after the other: with a full disk, an error
 * of the device, an interruption, and by doing half of its work; once, and from then on. Runs with io_shim.c in front of the
 * C library. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include <dlfcn.h>
#include <errno.h>

#include "fault/io_shim.h"
#include "fault/models.h"

enum { CALLS_MAX = 64, SKIPPED = 77 };

struct fault {
    const char *name;
    int error; /* 0: half */
    bool for_good;
    bool nothing, late; /* as in io_shim.h */
};

static const struct fault faults[] = {
    {"full", ENOSPC, false, false, false},
    {"full for good", ENOSPC, true, false, false},
    {"device", EIO, false, false, false},
    {"device for good", EIO, true, false, false},
    {"quota", EDQUOT, true, false, false},
    {"interrupted", EINTR, false, false, false},
    {"interrupted late", EINTR, false, false, true},
    {"half", 0, false, false, false},
    {"half for good", 0, true, false, false},
};

static struct io_shim *shim;
static long scenes;

static void arm(const struct fault *fault, long at) {
    *shim = (struct io_shim){.fail_at = at,
                             .for_good = fault->for_good,
                             .error = fault->error,
                             .nothing = fault->nothing,
                             .late = fault->late};
    shim->armed = true;
}

static void disarm(void) { shim->armed = false; }

/* What a call that was interrupted, or did half its work, must not show. */
static bool carries_on(const struct fault *fault) { return fault->error == 0 || fault->error == EINTR; }

/* Nobody waits for news of a file that was read, or of a folder that is synced. */
static bool matters(bool writing) { return writing || strcmp(shim->name, "close") != 0; }

static void check_message(struct models *m, const struct fault *fault, const char *path) {
    const char *message = aenc_message(m->ctx);
    bool says = strstr(message, path) != NULL && strstr(message, strerror(fault->error)) != NULL;
    if (!CHECK(says)) fprintf(stderr, "  message: %s\n", message);
}

/* old: which model the file was before, -2 for none. Answers whether the fault was reached. */
static bool save(struct models *m, const struct fault *fault, long k, int old) {
    int failures = check_failures;
    if (old < 0) unlink(m->path);
    else CHECK_STATUS(m->ctx, aenc_model_save(m->model[old], m->path), AENC_OK);
    arm(fault, k);
    aenc_status status = aenc_model_save(m->model[1], m->path);
    disarm();
    bool reached = shim->fired > 0;
    int which = models_which(m);
    scenes++;
    CHECK(which == old || which == 1);
    if (!reached || carries_on(fault) || !matters(which != 1)) {
        CHECK_STATUS(m->ctx, status, AENC_OK);
        CHECK(which == 1);
    } else {
        CHECK_STATUS(m->ctx, status, AENC_ERR_IO);
        check_message(m, fault, m->path);
        /* new only where the rename is done and the folder could not be synced, which the message says */
        CHECK((which == 1) == (strstr(aenc_message(m->ctx), "is saved, but") != NULL));
    }
    int scraps = models_scraps(m, true);
    CHECK(shim->scrap ? scraps <= 1 : scraps == 0);
    if (check_failures > failures)
        fprintf(stderr, "  in a save over %d: %s at call %ld (%s)\n", old, fault->name, k, reached ? shim->name : "none");
    return reached;
}

static bool load(struct models *m, const struct fault *fault, long k) {
    int failures = check_failures;
    aenc_model *model = NULL;
    arm(fault, k);
    aenc_status status = aenc_model_load(m->ctx, m->path, &model);
    disarm();
    bool reached = shim->fired > 0;
    scenes++;
    if (!reached || carries_on(fault) || !matters(false)) {
        CHECK_STATUS(m->ctx, status, AENC_OK);
        CHECK(model != NULL && strcmp(aenc_model_description(model), aenc_model_description(m->model[1])) == 0);
    } else {
        CHECK_STATUS(m->ctx, status, AENC_ERR_IO);
        CHECK(model == NULL);
        check_message(m, fault, m->path);
    }
    aenc_model_free(model);
    if (check_failures > failures)
        fprintf(stderr, "  in a load: %s at call %ld (%s)\n", fault->name, k, reached ? shim->name : "none");
    return reached;
}

/* A file that ends before its size, a device that takes nothing, a folder that cannot be synced at all. */
static void check_oddities(struct models *m) {
    const struct fault ends = {.name = "nothing", .for_good = true, .nothing = true};
    const struct fault never = {.name = "unsupported", .error = EINVAL};
    aenc_model *model = NULL;
    CHECK_STATUS(m->ctx, aenc_model_save(m->model[0], m->path), AENC_OK);
    for (long k = 1;; k++) {
        arm(&ends, k);
        aenc_status status = aenc_model_load(m->ctx, m->path, &model);
        disarm();
        if (shim->fired == 0 || strcmp(shim->name, "close") == 0) break;
        if (strcmp(shim->name, "read") == 0) CHECK(strstr(aenc_message(m->ctx), "it changed its size") != NULL);
        CHECK((status == AENC_OK) == (model != NULL));
        aenc_model_free(model);
    }
    aenc_model_free(model);
    arm(&ends, 1);
    CHECK_STATUS(m->ctx, aenc_model_save(m->model[1], m->path), AENC_ERR_IO);
    disarm();
    CHECK(strstr(aenc_message(m->ctx), strerror(EIO)) != NULL && models_which(m) == 0 && models_scraps(m, true) == 0);
    long k = 1;
    do arm(&never, k++), aenc_model_save(m->model[1], m->path), disarm();
    while (models_which(m) != 1 && k < CALLS_MAX);
    /* the rename was done: from here on only the folder can refuse */
    for (; shim->fired > 0; k++) {
        arm(&never, k);
        CHECK_STATUS(m->ctx, aenc_model_save(m->model[1], m->path), AENC_OK);
        disarm();
    }
    models_scraps(m, true);
}

int main(void) {
    static struct models m;
    void *found = dlsym(RTLD_DEFAULT, "io_shim_state");
    struct io_shim *(*state)(void) = NULL;
    if (found == NULL) {
        fprintf(stderr, "io_shim is not preloaded\n");
        return SKIPPED;
    }
    memcpy(&state, &found, sizeof state);
    shim = state();
    models_open(&m, "io_fault");
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        long k[3] = {1, 1, 1};
        while (save(&m, &faults[i], k[0], 0)) k[0]++;
        while (save(&m, &faults[i], k[1], -2)) k[1]++;
        CHECK_STATUS(m.ctx, aenc_model_save(m.model[1], m.path), AENC_OK);
        while (load(&m, &faults[i], k[2])) k[2]++;
        /* the shim was there and saw the calls */
        CHECK(k[0] > 6 && k[1] > 6 && k[2] > 3 && k[0] < CALLS_MAX);
    }
    check_oddities(&m);
    models_close(&m);
    fprintf(stderr, "%ld saves and loads with a fault\n", scenes);
    return check_finish();
}
