/* progress.c - a bar on a terminal, a line per epoch elsewhere, JSON lines in the log. */
#include "progress.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "number.h"

enum { BAR_MIN = 10, BAR_MAX = 30, LINE_MAX_COLUMNS = 200 };

/* A handler can reach nothing but a global of this type. */
static volatile sig_atomic_t caught;

/* Ctrl-C, kill, and a terminal or connection that is gone. Who ignores one (nohup) goes on ignoring it. */
static const int stops[] = {SIGINT, SIGTERM, SIGHUP};

/* The first one requests a stop, the next one of any kind ends the process. */
static void catch_signal(int number) {
    struct sigaction now;
    caught = number;
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        if (sigaction(stops[i], NULL, &now) == 0 && now.sa_handler == catch_signal) (void)signal(stops[i], SIG_DFL);
    }
}

int tool_progress_signal(void) { return caught; }

static void hold_signals(bool hold) {
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    (void)sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    action.sa_handler = hold ? catch_signal : SIG_DFL;
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        bool ignored = sigaction(stops[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN;
        if (!ignored) (void)sigaction(stops[i], &action, NULL);
    }
}

void tool_progress_release_signals(void) { hold_signals(false); }

static double now_seconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* For appending: a line that a killed process left unfinished is ended first. */
static FILE *open_log(const char *path, bool append) {
    FILE *file = fopen(path, append ? "a+" : "w");
    if (file == NULL || !append) return file;
    bool whole = fseek(file, -1, SEEK_END) != 0 || fgetc(file) == '\n'; /* no last byte: empty, or a pipe */
    (void)fseek(file, 0, SEEK_END);
    if (!whole) (void)fputc('\n', file);
    return file;
}

int tool_progress_begin(struct progress *progress, const char *log_path, bool append, bool quiet) {
    *progress = (struct progress){.log_name = log_path, .began = now_seconds(), .drawn = -1.0};
    bool log_is_stdout = log_path != NULL && strcmp(log_path, "-") == 0;
    if (log_path != NULL) progress->log = log_is_stdout ? stdout : open_log(log_path, append);
    if (log_path != NULL && progress->log == NULL) return tool_fail("--log %s: %s", log_path, strerror(errno));
    if (!quiet) progress->screen = log_is_stdout ? stderr : stdout;
    progress->bar = progress->screen != NULL && isatty(fileno(progress->screen)) == 1;
    struct winsize size;
    progress->width = 80;
    if (progress->bar && ioctl(fileno(progress->screen), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        progress->width = size.ws_col < LINE_MAX_COLUMNS ? size.ws_col : LINE_MAX_COLUMNS;
    }
    (void)signal(SIGPIPE,
                 SIG_IGN); /* a reader of the output that goes away must not cost the training: an error of write */
    hold_signals(true);
    return TOOL_OK;
}

/* "12 ms", "1.5 s", "42 s", "3:05", "2:13:20" */
static void time_text(double seconds, char *out, size_t size) {
    unsigned long whole = seconds < 1e9 ? (unsigned long)(seconds + 0.5) : 1000000000UL;
    if (seconds < 0.0995)
        (void)snprintf(out, size, "%.0f ms", 1000.0 * seconds);
    else if (seconds < 9.95)
        (void)snprintf(out, size, "%.1f s", seconds);
    else if (whole < 60)
        (void)snprintf(out, size, "%lu s", whole);
    else if (whole < 3600)
        (void)snprintf(out, size, "%lu:%02lu", whole / 60, whole % 60);
    else
        (void)snprintf(out, size, "%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60, whole % 60);
}

static void clear_bar(struct progress *progress) {
    if (progress->shown == 0) return;
    (void)fprintf(progress->screen, "\r%*s\r", (int)progress->shown, "");
    progress->shown = 0;
}

static void draw_bar(struct progress *progress, const aenc_progress *now) {
    double clock = now_seconds();
    if (progress->drawn >= 0.0 && clock - progress->drawn < 0.1) return;
    progress->drawn = clock;
    double share = (double)now->step / (double)(now->steps > 0 ? now->steps : 1);
    double done = (double)(now->epoch - 1) + share;
    double left = (clock - progress->began) * ((double)now->epochs - done) / (done > 0.0 ? done : 1.0);
    char head[64], tail[96], wait[32], bar[BAR_MAX + 1];
    time_text(left > 0.0 ? left : 0.0, wait, sizeof wait);
    int head_length = snprintf(head, sizeof head, "epoch %lld/%lld ", (long long)now->epoch, (long long)now->epochs);
    int tail_length =
        snprintf(tail, sizeof tail, " %3.0f %%  loss %.6g  %s left", 100.0 * share, now->train_loss, wait);
    size_t used = (size_t)(head_length + tail_length) + 3;
    size_t room = progress->width > used + BAR_MIN ? progress->width - used : BAR_MIN;
    if (room > BAR_MAX) room = BAR_MAX;
    size_t full = (size_t)((double)room * share);
    for (size_t i = 0; i < room; i++) bar[i] = i < full ? '=' : i == full ? '>' : ' ';
    bar[room] = '\0';
    clear_bar(progress);
    int length = fprintf(progress->screen, "%s[%s]%s", head, bar, tail);
    progress->shown = length > 0 ? (size_t)length : 0;
    (void)fflush(progress->screen);
}

/* An epoch that a signal stopped. */
static bool is_cut_short(const aenc_progress *now) { return caught != 0 && now->step < now->steps; }

/* NaN where nobody asks. */
static double accuracy(const struct progress *progress) {
    double share = NAN;
    if (progress->labels == NULL || progress->layer > 0) return NAN;
    aenc_status status = aenc_accuracy(progress->model, &progress->rows, progress->labels, progress->rows.rows, &share);
    return status == AENC_OK ? share : NAN;
}

/* How many terms the loss has; 0 where they are not known, as those of a layer that is pretrained with penalties of
 * its own. */
static size_t known_terms(const struct progress *progress) {
    size_t terms = aenc_model_term_count(progress->model);
    return isnan(aenc_model_term_value(progress->model, 0)) ? 0 : terms;
}

typedef double term_value(const aenc_model *model, size_t term);

/* The terms of these roles, those that add up to a loss or the measures, which have a value: " (kl 1.2, l1 0.3)". One term
 * alone is the loss itself. */
static void print_terms(const struct progress *progress, bool measures, term_value *value) {
    enum { SHOWN_MAX = 6 };
    size_t terms = known_terms(progress), shown = 0, there = 0;
    for (size_t i = 0; i < terms; i++) {
        bool measure = aenc_model_term_role(progress->model, i) == AENC_TERM_MEASURE;
        there += measure == measures && !isnan(value(progress->model, i));
    }
    if (there < (measures ? 1 : 2)) return;
    for (size_t i = 0; i < terms && shown < SHOWN_MAX; i++) {
        bool measure = aenc_model_term_role(progress->model, i) == AENC_TERM_MEASURE;
        double now = value(progress->model, i);
        if (measure != measures || isnan(now)) continue;
        const char *before = shown > 0 ? ", " : measures ? "  " : " (";
        (void)fprintf(progress->screen, "%s%s %.6g", before, aenc_model_term_name(progress->model, i), now);
        shown++;
    }
    (void)fprintf(progress->screen, "%s%s", shown < there ? ", ..." : "", measures ? "" : ")");
}

static void print_epoch(struct progress *progress, const aenc_progress *now, double share) {
    char took[32];
    clear_bar(progress);
    time_text(now->seconds, took, sizeof took);
    if (progress->layer > 0) {
        (void)fprintf(progress->screen, "layer %lld/%lld  ", (long long)progress->layer, (long long)progress->layers);
    }
    (void)fprintf(progress->screen, "epoch %lld/%lld", (long long)now->epoch, (long long)now->epochs);
    if (is_cut_short(now)) {
        (void)fprintf(progress->screen, " (step %lld of %lld)", (long long)now->step, (long long)now->steps);
    }
    (void)fprintf(progress->screen, "  loss %.6g", now->train_loss);
    print_terms(progress, false, aenc_model_term_value);
    if (isfinite(now->valid_loss)) {
        (void)fprintf(progress->screen, "  valid %.6g", now->valid_loss);
        print_terms(progress, false, aenc_model_term_valid);
        (void)fputs(now->best_epoch == now->epoch ? " *" : "  ", progress->screen);
    }
    print_terms(progress, true, aenc_model_term_value);
    if (isfinite(share)) (void)fprintf(progress->screen, "  accuracy %.6g", share);
    (void)fprintf(progress->screen, "  %s\n", took);
    (void)fflush(progress->screen);
}

/* JSON has no NaN; what is not known is null. */
static void put_number(FILE *log, const char *key, double value) {
    if (isfinite(value))
        (void)fprintf(log, ", \"%s\": %s", key, tool_value(value).text);
    else
        (void)fprintf(log, ", \"%s\": null", key);
}

/* ", "KEY": {"kl": 1.2, ...}": the measures, or the terms that add up to a loss; nothing where there are none. In validation
 * there are none of training alone. */
static void log_terms(const struct progress *progress, const char *key, bool measures, term_value *value) {
    FILE *log = progress->log;
    size_t terms = known_terms(progress), shown = 0;
    bool valid = value == aenc_model_term_valid;
    for (size_t i = 0; i < terms; i++) {
        int32_t role = aenc_model_term_role(progress->model, i);
        double now = value(progress->model, i);
        if ((role == AENC_TERM_MEASURE) != measures || (valid && role == AENC_TERM_TRAINING)) continue;
        if (valid && measures && isnan(now)) continue;
        if (shown++ == 0) (void)fprintf(log, ", \"%s\": {", key);
        (void)fprintf(log, "%s\"%s\": %s", shown > 1 ? ", " : "", aenc_model_term_name(progress->model, i),
                      isfinite(now) ? tool_value(now).text : "null");
    }
    if (shown > 0) (void)fputc('}', log);
}

/* What validation measures, of the training rows: the terms of the objective together. NaN where they are not known. */
static double train_objective(const struct progress *progress) {
    size_t terms = known_terms(progress);
    double sum = terms > 0 ? 0.0 : (double)NAN;
    for (size_t i = 0; i < terms; i++) {
        bool objective = aenc_model_term_role(progress->model, i) == AENC_TERM_OBJECTIVE;
        if (objective) sum += aenc_model_term_value(progress->model, i);
    }
    return sum;
}

static void log_epoch(struct progress *progress, const aenc_progress *now, double share) {
    FILE *log = progress->log;
    (void)fprintf(log, "{\"epoch\": %lld", (long long)now->epoch);
    if (progress->layer > 0) (void)fprintf(log, ", \"layer\": %lld", (long long)progress->layer);
    if (isfinite(share)) put_number(log, "valid_accuracy", share);
    put_number(log, "train_loss", now->train_loss);
    put_number(log, "train_objective", train_objective(progress));
    put_number(log, "valid_loss", now->valid_loss);
    put_number(log, "seconds", now->seconds);
    put_number(log, "learning_rate", now->learning_rate);
    put_number(log, "gradient_norm", now->gradient_norm);
    put_number(log, "best_valid_loss", now->best_valid_loss);
    if (now->best_epoch > 0)
        (void)fprintf(log, ", \"best_epoch\": %lld", (long long)now->best_epoch);
    else
        (void)fprintf(log, ", \"best_epoch\": null");
    log_terms(progress, "terms", false, aenc_model_term_value);
    log_terms(progress, "measures", true, aenc_model_term_value);
    if (isfinite(now->valid_loss)) {
        log_terms(progress, "valid_terms", false, aenc_model_term_valid);
        log_terms(progress, "valid_measures", true, aenc_model_term_valid);
    }
    (void)fprintf(log, ", \"epochs\": %lld, \"steps\": %lld", (long long)now->epochs, (long long)now->steps);
    if (is_cut_short(now)) (void)fprintf(log, ", \"interrupted_at_step\": %lld", (long long)now->step);
    (void)fputs("}\n", log);
    if ((fflush(log) != 0 || ferror(log)) && !progress->log_failed) {
        progress->log_failed = true;
        (void)tool_fail("--log %s: cannot be written: %s; training goes on", progress->log_name, strerror(errno));
    }
}

int tool_progress_event(void *user, const aenc_progress *now) {
    struct progress *progress = user;
    if (now->event == AENC_EVENT_EPOCH) {
        double share = accuracy(progress);
        if (progress->log != NULL) log_epoch(progress, now, share);
        if (progress->screen != NULL) print_epoch(progress, now, share);
    } else if (progress->bar) {
        draw_bar(progress, now);
    }
    return caught != 0;
}

int tool_progress_end(struct progress *progress) {
    if (progress->screen != NULL) {
        clear_bar(progress);
        (void)fflush(progress->screen);
    }
    if (progress->log != NULL && progress->log != stdout && fclose(progress->log) != 0) progress->log_failed = true;
    progress->log = NULL;
    return progress->log_failed ? TOOL_FAILED : TOOL_OK;
}
