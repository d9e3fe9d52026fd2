/* report.h - how far a call is that takes long, for the progress callback of its options. */
#ifndef AENC_BASE_REPORT_H
#define AENC_BASE_REPORT_H

#include "base/context.h"

#include <time.h>

/* The callback, by what it is called in messages. */
struct reported {
    const char *name;                /* "aenc_kmeans_options.progress" */
    aenc_progress_callback progress; /* NULL: none */
    void *user;
};

/* Calls it. AENC_ERR_CALLBACK where it returned a negative number; *stop: a positive one, otherwise as it was. */
aenc_status aenc_reported(aenc_context *ctx, const struct reported *to, const aenc_progress *now, bool *stop);

/* Of a call that is no fit. */
struct report {
    aenc_context *ctx;
    struct reported to;
    struct timespec begin;
    aenc_progress now; /* epoch, step and train_loss are the call's to set */
    bool stopped;      /* by the callback */
};
/* Of one epoch of so many steps, 0: unknown. */
void aenc_report_begin(aenc_context *ctx, const struct reported *to, int64_t steps, struct report *out);
/* A step more is done. */
aenc_status aenc_report_step(struct report *report);

/* Of a clock that is never set. */
struct timespec aenc_clock_now(void);
double aenc_seconds_since(const struct timespec *begin);

#endif
