/* detect.c - anomalies in a table: fit a detector on one, score it or another, judge it by labels, draw it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "pictures.h"
#include "plots.h"

struct detection {
    const struct options *options;
    aenc_context *ctx;
    aenc_detector *detector;
    struct data train, test, labels;
    const struct data *scored; /* train or test */
    float *score;
    uint8_t *flag, *label; /* label NULL: none */
    size_t flagged;
    double auc, precision;
};

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
            return tool_fail("--labels %s: row %zu is %g; a label is 1 for an anomaly and 0 otherwise", options->labels,
                             i + 1, (double)value);
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

/* What a threshold needs of the number of scores is known before there are any: a ramp stands in for them. */
static int threshold_check(const struct detection *d) {
    size_t count = d->train.rows;
    double threshold;
    float *ramp = tool_allocate("scores", count, sizeof *ramp);
    if (ramp == NULL) return TOOL_FAILED;
    for (size_t i = 0; i < count; i++) ramp[i] = (float)(i + 1);
    aenc_status status = aenc_threshold(d->ctx, d->options->threshold, ramp, count, &threshold);
    free(ramp);
    return status == AENC_OK ? TOOL_OK : tool_library_failed(d->options, d->ctx, status);
}

static int detect(struct detection *d) {
    const struct options *options = d->options;
    aenc_matrix train = tool_data_matrix(&d->train), scored = tool_data_matrix(d->scored);
    aenc_detector_options asked = {.struct_size = sizeof asked, .threshold = options->threshold,
                                   .scaling = options->scaling, .noise = options->noise,
                                   .steps = options->steps};
    d->score = tool_allocate("scores", d->scored->rows, sizeof *d->score);
    d->flag = tool_allocate("flags", d->scored->rows, 1);
    if (d->score == NULL || d->flag == NULL) return TOOL_FAILED;
    aenc_status status = aenc_detector_create(d->ctx, &train, &asked, &d->detector);
    if (status == AENC_OK) status = aenc_detector_score(d->detector, &scored, d->score, scored.rows);
    if (status == AENC_OK) status = aenc_detector_flag(d->detector, &scored, d->flag, scored.rows);
    for (size_t i = 0; status == AENC_OK && i < scored.rows; i++) d->flagged += d->flag[i];
    if (status == AENC_OK && d->label != NULL) {
        status = aenc_roc_auc(d->ctx, d->score, d->label, scored.rows, &d->auc);
        if (status == AENC_OK) status = aenc_average_precision(d->ctx, d->score, d->label, scored.rows, &d->precision);
    }
    if (status == AENC_OK && options->save != NULL) status = aenc_detector_save(d->detector, options->save);
    return status == AENC_OK ? TOOL_OK : tool_library_failed(options, d->ctx, status);
}

static int draw(const struct detection *d) {
    struct histogram_plot histogram = {d->score, d->label, d->scored->rows, aenc_detector_threshold(d->detector)};
    char *path = tool_picture_path(d->options, "scores.png");
    int status = path == NULL ? TOOL_FAILED : tool_plot_histogram(path, &histogram);
    free(path);
    if (status != TOOL_OK || d->label == NULL) return status;
    size_t points = 0;
    aenc_curve_point *curve = tool_allocate("roc.png", d->scored->rows + 1, sizeof *curve);
    path = tool_picture_path(d->options, "roc.png");
    status = curve == NULL || path == NULL ? TOOL_FAILED : TOOL_OK;
    if (status == TOOL_OK &&
        aenc_curve(d->ctx, d->score, d->label, d->scored->rows, curve, d->scored->rows + 1, &points) != AENC_OK) {
        status = tool_fail("%s", aenc_message(d->ctx));
    }
    if (status == TOOL_OK) status = tool_plot_roc(path, curve, points, d->auc, aenc_detector_threshold(d->detector));
    free(path);
    free(curve);
    return status;
}

/* Where the scores go to standard output, the words go to standard error. */
static void report(const struct detection *d, bool aside) {
    FILE *to = aside ? stderr : stdout;
    (void)fprintf(to, "threshold %.6g, flagged %zu of %zu rows (%.2f %%)\n", aenc_detector_threshold(d->detector),
                  d->flagged, d->scored->rows, 100.0 * (double)d->flagged / (double)d->scored->rows);
    if (d->label != NULL) (void)fprintf(to, "ROC-AUC %.4f, average precision %.4f\n", d->auc, d->precision);
}

int tool_detect(const struct options *options) {
    struct detection d = {.options = options};
    struct options without_labels = *options;
    enum format format;
    struct data none = {0};
    const char *path = options->out != NULL ? options->out : "-";
    const char *const inputs[] = {options->operand[0], options->test, options->labels};
    without_labels.labels = NULL;
    int status = tool_stdin_once(options, inputs, 3);
    if (status == TOOL_OK) status = tool_output_format(path, (enum format)options->format, &format);
    if (status == TOOL_OK) status = tool_pictures_prepare(&without_labels, &none);
    if (status == TOOL_OK) status = tool_context_create(options, &d.ctx);
    if (status == TOOL_OK) status = tables_read(&d);
    if (status == TOOL_OK) status = threshold_check(&d);
    if (status == TOOL_OK) status = detect(&d);
    if (status == TOOL_OK) status = tool_output_table(path, format, d.score, d.scored->rows, 1);
    if (status == TOOL_OK && options->pictures != NULL) status = draw(&d);
    if (status == TOOL_OK) report(&d, strcmp(path, "-") == 0);
    free(d.score);
    free(d.flag);
    free(d.label);
    tool_data_free(&d.train);
    tool_data_free(&d.test);
    tool_data_free(&d.labels);
    aenc_detector_free(d.detector);
    aenc_context_free(d.ctx);
    return status;
}
