/* progress.h - what a running fit shows and writes, and how Ctrl-C reaches it. */
#ifndef TOOL_PROGRESS_H
#define TOOL_PROGRESS_H

#include <autoenc/autoenc.h>
#include <stdio.h>

#include "tool.h"

struct progress {
    FILE *screen;      /* NULL: quiet */
    aenc_model *model; /* that is trained; borrowed */
    bool bar;          /* the screen is a terminal */
    size_t width;      /* its columns */
    size_t shown;      /* columns of the bar that stands there now */
    FILE *log;         /* NULL: none */
    const char *log_name;
    bool log_failed;
    double began, drawn;   /* seconds of a steady clock */
    int64_t layer, layers; /* that is trained alone, from 1; 0: the whole model */
    /* whose accuracy is told after each epoch; labels NULL: of none */
    aenc_matrix rows;
    const int32_t *labels;
};

/* log_path NULL: no log; "-": standard output, and the screen is standard error then. append: lines of an earlier
 * run stay in the log. Ctrl-C, SIGTERM and SIGHUP are held back from here on. */
int tool_progress_begin(struct progress *progress, const char *log_path, bool append, bool quiet);
/* For aenc_fit_options.progress; user is the struct progress. Stops the fit after a signal. */
int tool_progress_event(void *user, const aenc_progress *now);
/* Closes the log; answers TOOL_FAILED when it is not complete. */
int tool_progress_end(struct progress *progress);
/* The signal that stopped the fit, 0: none. */
int tool_progress_signal(void);
/* From here on a signal ends the process again: the model is saved. */
void tool_progress_release_signals(void);

#endif
