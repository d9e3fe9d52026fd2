/* report.c - calling a progress callback. */
#include "base/report.h"

#include <math.h>

struct timespec aenc_clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now;
}

double aenc_seconds_since(const struct timespec *begin) {
    const struct timespec end = aenc_clock_now();
    return (double)(end.tv_sec - begin->tv_sec) + 1e-9 * (double)(end.tv_nsec - begin->tv_nsec);
}

aenc_status aenc_reported(aenc_context *ctx, const struct reported *to, const aenc_progress *now, bool *stop) {
    if (to->progress == NULL) return AENC_OK;
    struct outside outside = aenc_callback_begin(ctx);
    int result = to->progress(to->user, now);
    aenc_callback_end(ctx, outside);
    *stop = *stop || result > 0;
    return aenc_callback_result(ctx, to->name, result);
}

void aenc_report_begin(aenc_context *ctx, const struct reported *to, int64_t steps, struct report *out) {
    *out = (struct report){.ctx = ctx,
                           .to = *to,
                           .now = {.struct_size = sizeof(aenc_progress),
                                   .event = AENC_EVENT_STEP,
                                   .epoch = 1,
                                   .epochs = 1,
                                   .steps = steps,
                                   .train_loss = NAN,
                                   .valid_loss = NAN,
                                   .learning_rate = NAN,
                                   .gradient_norm = NAN,
                                   .best_valid_loss = NAN},
                           .begin = aenc_clock_now()};
}

aenc_status aenc_report_step(struct report *report) {
    report->now.step++;
    report->now.seconds = aenc_seconds_since(&report->begin);
    return aenc_reported(report->ctx, &report->to, &report->now, &report->stopped);
}
