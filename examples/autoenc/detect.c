/* detect.c - anomalies in a table: fit a detector on one or load it, score rows, judge the scores by labels, draw
 * them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "commands.h"
#include "judgement.h"
#include "number.h"
#include "pictures.h"
#include "plots.h"

struct detection {
    const struct options *options;
    aenc_context *ctx;
    aenc_detector *detector;
    struct data train, test, labels;
    const struct data *scored; /* train or test */
    struct judgement judgement;
    uint8_t *label; /* NULL: none */
    double auc, precision;
};

/* A model that is given is used as it is. */
static int options_check(const struct options *options) {
    const struct {
        const char *name;
        bool given;
    } fits[] = {{"--test", options->test != NULL},
                {"--threshold", options->threshold != NULL},
                {"--scale", options->scaling != NULL},
                {"--noise", options->noise != 0.0},
                {"--steps", options->steps != 0},
                {"--save", options->save != NULL},
                {"--bottleneck", options->bottleneck != NULL},
                {"--likelihood", options->likelihood != NULL},
                {"--score", options->score != NULL},
                {"--samples", options->samples != 0}};
    for (size_t i = 0; options->model != NULL && i < sizeof fits / sizeof *fits; i++) {
        if (!fits[i].given) continue;
        return tool_usage("detect: %s belongs to the fit of a detector; with --model there is none, and DATA is scored",
                          fits[i].name);
    }
    for (size_t i = 7; options->bottleneck == NULL && i < sizeof fits / sizeof *fits; i++) {
        if (fits[i].given) return tool_usage("detect: %s goes with --bottleneck only", fits[i].name);
    }
    return TOOL_OK;
}

static int labels_read(struct detection *d) {
    const struct options *options = d->options;
    struct data_options how = tool_label_options(options);
    int status = tool_data_read(options->labels, &how, &d->labels);
    if (status != TOOL_OK) return status;
    if (d->labels.cols != 1 || d->labels.rows != d->scored->rows) {
        return tool_fail("--labels %s: has %zu rows of %zu numbers; %s has %zu rows, and one label each is wanted%s",
                         options->labels, d->labels.rows, d->labels.cols, d->scored->name, d->scored->rows,
                         tool_data_header_hint(&d->labels, d->scored->rows));
    }
    size_t ones = 0;
    d->label = tool_allocate("labels", d->labels.rows, 1);
    if (d->label == NULL) return TOOL_FAILED;
    for (size_t i = 0; i < d->labels.rows; i++) {
        float value = d->labels.values[i];
        if (value != 0.0f && value != 1.0f) {
            return tool_fail("--labels %s: %s is %s; a label is 1 for an anomaly and 0 otherwise", options->labels,
                             tool_row_text(i).text, tool_value_float(value).text);
        }
        d->label[i] = value == 1.0f;
        ones += d->label[i];
    }
    if (ones != 0 && ones != d->labels.rows) return TOOL_OK;
    return tool_fail("--labels %s: every label is %d; ROC-AUC and average precision need rows of both kinds",
                     options->labels, ones != 0);
}

static int tables_read(struct detection *d) {
    const struct options *options = d->options;
    struct data_options how = tool_data_options(options);
    int status = tool_data_read(options->operand[0], &how, &d->train);
    if (status == TOOL_OK && options->test != NULL) status = tool_data_read(options->test, &how, &d->test);
    d->scored = options->test != NULL ? &d->test : &d->train;
    if (status == TOOL_OK && d->scored->cols != d->train.cols) {
        return tool_fail("--test %s: has %zu columns, and %s has %zu", options->test, d->test.cols, d->train.name,
                         d->train.cols);
    }
    return status == TOOL_OK && options->labels != NULL ? labels_read(d) : status;
}

static int detector_load(struct detection *d) {
    const struct options *options = d->options;
    int status = tool_detector_find(options, d->ctx, options->model, &d->detector);
    if (status == TOOL_OK && d->detector == NULL) {
        return tool_fail("--model %s: has no detector; detect --save writes one", options->model);
    }
    return status;
}

static int detector_fit(struct detection *d) {
    const struct options *options = d->options;
    aenc_matrix train = tool_data_matrix(&d->train);
    aenc_detector_options asked = {.struct_size = sizeof asked,
                                   .threshold = options->threshold,
                                   .scaling = options->scaling,
                                   .noise = options->noise,
                                   .steps = options->steps,
                                   .bottleneck = options->bottleneck,
                                   .likelihood = options->likelihood,
                                   .score = options->score,
                                   .samples = (size_t)options->samples};
    aenc_status status = aenc_detector_create(d->ctx, &train, &asked, &d->detector);
    return status == AENC_OK ? TOOL_OK : tool_library_failed(options, d->ctx, status);
}

static int measure(struct detection *d) {
    if (d->label == NULL) return TOOL_OK;
    aenc_status status = aenc_roc_auc(d->ctx, d->judgement.score, d->label, d->judgement.rows, &d->auc);
    if (status == AENC_OK) {
        status = aenc_average_precision(d->ctx, d->judgement.score, d->label, d->judgement.rows, &d->precision);
    }
    return status == AENC_OK ? TOOL_OK : tool_library_failed(d->options, d->ctx, status);
}

static int draw(const struct detection *d) {
    const struct judgement *j = &d->judgement;
    struct histogram_plot histogram = {j->score, d->label, j->rows, j->threshold};
    char *path = tool_picture_path(d->options, "scores.png");
    int status = path == NULL ? TOOL_FAILED : tool_plot_histogram(path, &histogram);
    free(path);
    if (status != TOOL_OK || d->label == NULL) return status;
    size_t points = 0;
    aenc_curve_point *curve = tool_allocate("roc.png", j->rows + 1, sizeof *curve);
    path = tool_picture_path(d->options, "roc.png");
    status = curve == NULL || path == NULL ? TOOL_FAILED : TOOL_OK;
    if (status == TOOL_OK && aenc_curve(d->ctx, j->score, d->label, j->rows, curve, j->rows + 1, &points) != AENC_OK) {
        status = tool_fail("%s", aenc_message(d->ctx));
    }
    if (status == TOOL_OK) status = tool_plot_roc(path, curve, points, d->auc, aenc_detector_threshold(d->detector));
    free(path);
    free(curve);
    return status;
}

/* Why no row is flagged. */
static void report_none(const struct judgement *j) {
    char highest[32], threshold[32];
    float most = j->score[0];
    size_t equal = 0;
    for (size_t i = 0; i < j->rows; i++) most = j->score[i] > most ? j->score[i] : most;
    for (size_t i = 0; i < j->rows; i++) equal += j->score[i] == most;
    (void)tool_number_print(most, highest);
    tool_threshold_print(j->threshold, threshold);
    if (strcmp(highest, threshold) == 0) {
        tool_note("no row is flagged: the highest score, %s, which %zu row%s, is the threshold itself; "
                  "--threshold with a lower quantile, or mad, flags them",
                  highest, equal, equal == 1 ? " has" : "s have");
    } else {
        tool_note("no row is flagged: the highest score is %s, and the threshold is %s", highest, threshold);
    }
}

/* Where the scores go to standard output, the words go to standard error. */
static void report(const struct detection *d, bool aside) {
    const struct judgement *j = &d->judgement;
    FILE *to = aside ? stderr : stdout;
    char threshold[32], origin[256];
    tool_threshold_print(j->threshold, threshold);
    tool_threshold_origin(d->detector, origin, sizeof origin);
    (void)fprintf(to, "threshold %s (%s)\nflagged %zu of %zu rows (%.2f %%): score > threshold\n", threshold, origin,
                  j->flagged, j->rows, 100.0 * (double)j->flagged / (double)j->rows);
    if (d->label != NULL) (void)fprintf(to, "ROC-AUC %.4f, average precision %.4f\n", d->auc, d->precision);
    if (j->flagged == 0) report_none(j);
}

static int detect(struct detection *d, const char *path, enum format format) {
    const struct options *options = d->options;
    bool whole = format == FORMAT_CSV && !options->scores_only;
    int status = options->model != NULL ? detector_load(d) : TOOL_OK;
    if (status == TOOL_OK) status = tables_read(d);
    if (status == TOOL_OK && options->model != NULL) {
        status =
            tool_data_fits(d->scored, NULL, options->model, aenc_model_input_size(aenc_detector_model(d->detector)));
    }
    if (status == TOOL_OK && options->model == NULL) status = detector_fit(d);
    if (status == TOOL_OK) status = tool_judgement_make(options, d->ctx, d->detector, d->scored, whole, &d->judgement);
    if (status == TOOL_OK) status = measure(d);
    if (status == TOOL_OK && options->save != NULL && aenc_detector_save(d->detector, options->save) != AENC_OK) {
        status = tool_fail("%s", aenc_message(d->ctx));
    }
    if (status == TOOL_OK && whole)
        status = tool_judgement_write(path, &d->judgement, d->scored);
    else if (status == TOOL_OK)
        status = tool_output_table(path, format, d->judgement.score, d->judgement.rows, 1);
    return status;
}

int tool_detect(const struct options *options) {
    struct detection d = {.options = options};
    struct options without_labels = *options;
    enum format format = FORMAT_AUTO;
    struct data none = {0};
    const char *path = options->out != NULL ? options->out : "-";
    const char *const inputs[] = {options->operand[0], options->test, options->labels};
    without_labels.labels = NULL;
    int status = options_check(options);
    if (status == TOOL_OK) status = tool_stdin_once(options, inputs, 3);
    if (status == TOOL_OK) status = tool_output_format(path, (enum format)options->format, &format);
    if (status == TOOL_OK) status = tool_pictures_prepare(&without_labels, &none);
    if (status == TOOL_OK) status = tool_context_create(options, &d.ctx);
    if (status == TOOL_OK) status = detect(&d, path, format);
    if (status == TOOL_OK && options->pictures != NULL) status = draw(&d);
    if (status == TOOL_OK) report(&d, strcmp(path, "-") == 0);
    tool_judgement_free(&d.judgement);
    free(d.label);
    tool_data_free(&d.train);
    tool_data_free(&d.test);
    tool_data_free(&d.labels);
    aenc_detector_free(d.detector);
    aenc_context_free(d.ctx);
    return status;
}
