/* sweep.c - how large must the code be? One model for each size, with PCA's error beside it. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "number.h"
#include "pictures.h"

struct sweep {
    const struct options *options;
    aenc_context *ctx;
    struct data data, valid, test;
    FILE *screen, *log;
    bool log_failed;
    size_t done;
    aenc_sweep_point point[WIDTHS_MAX];
};

static int check_options(const struct options *options) {
    if (options->codes.count == 0) return tool_usage("sweep needs --codes 2,4,8, the sizes of the code to compare");
    for (size_t i = 1; i < options->codes.count; i++) {
        if (options->codes.value[i] > options->codes.value[i - 1]) continue;
        return tool_usage("sweep: --codes: %zu does not follow %zu; sizes are given in ascending order",
                          options->codes.value[i], options->codes.value[i - 1]);
    }
    const char *const inputs[] = {options->operand[0], options->valid, options->test};
    return tool_stdin_once(options, inputs, 3);
}

/* Every so many-th row goes from data to valid. */
static int hold_out(struct sweep *sweep) {
    struct data *data = &sweep->data;
    double share = sweep->options->validation_fraction > 0.0 ? sweep->options->validation_fraction : 0.1;
    size_t every = share < 0.5 ? (size_t)(1.0 / share + 0.5) : 2, kept = 0;
    sweep->valid = (struct data){.name = data->name, .cols = data->cols, .rows = data->rows / every};
    if (sweep->valid.rows == 0) {
        return tool_fail("%s: has %zu rows, too few to hold out every %zuth; see --valid", data->name, data->rows,
                         every);
    }
    sweep->valid.values = tool_allocate("the held-out rows", sweep->valid.rows * data->cols, sizeof(float));
    if (sweep->valid.values == NULL) return TOOL_FAILED;
    for (size_t row = 0; row < data->rows; row++) {
        bool held = row % every == every - 1;
        memmove(held ? sweep->valid.values + row / every * data->cols : data->values + kept * data->cols,
                data->values + row * data->cols, data->cols * sizeof(float));
        kept += !held;
    }
    data->rows = kept;
    return TOOL_OK;
}

static int read_data(struct sweep *sweep) {
    const struct options *options = sweep->options;
    struct data_options how = tool_data_options(options);
    int status = tool_data_read(options->operand[0], &how, &sweep->data);
    if (status == TOOL_OK && options->test != NULL) status = tool_data_read(options->test, &how, &sweep->test);
    if (status != TOOL_OK) return status;
    return options->valid != NULL ? tool_data_read(options->valid, &how, &sweep->valid) : hold_out(sweep);
}

/* A number in JSON, which has no NaN. */
static void log_number(struct sweep *sweep, const char *name, double value) {
    if (isfinite(value))
        (void)fprintf(sweep->log, ",\"%s\":%s", name, tool_value(value).text);
    else
        (void)fprintf(sweep->log, ",\"%s\":null", name);
}

/* For aenc_sweep_options.progress. */
static int show_point(void *user, const aenc_sweep_point *now) {
    struct sweep *sweep = user;
    const double value[] = {now->train, now->pca_train, now->valid, now->pca_valid, now->test, now->pca_test};
    static const char *const name[] = {"train", "pca_train", "valid", "pca_valid", "test", "pca_test"};
    size_t shown = sweep->options->test != NULL ? 6 : 4;
    sweep->done++;
    if (!sweep->options->quiet) {
        (void)fprintf(sweep->screen, "%6zu", now->code);
        for (size_t i = 0; i < shown; i++) (void)fprintf(sweep->screen, " %11.6g", value[i]);
        (void)fprintf(sweep->screen, " %10zu %6lld\n", now->parameters, (long long)now->epochs);
        (void)fflush(sweep->screen);
    }
    if (sweep->log == NULL) return 0;
    (void)fprintf(sweep->log, "{\"code\":%zu", now->code);
    for (size_t i = 0; i < 6; i++) log_number(sweep, name[i], value[i]);
    (void)fprintf(sweep->log, ",\"parameters\":%zu,\"epochs\":%lld}\n", now->parameters, (long long)now->epochs);
    sweep->log_failed = sweep->log_failed || fflush(sweep->log) != 0 || ferror(sweep->log);
    return 0;
}

static int open_log(struct sweep *sweep) {
    const char *path = sweep->options->log;
    bool to_stdout = path != NULL && strcmp(path, "-") == 0;
    sweep->screen = to_stdout ? stderr : stdout;
    if (path == NULL) return TOOL_OK;
    sweep->log = to_stdout ? stdout : fopen(path, "w");
    if (sweep->log == NULL) return tool_fail("--log %s: %s", path, strerror(errno));
    return TOOL_OK;
}

static int close_log(struct sweep *sweep) {
    if (sweep->log != NULL && sweep->log != stdout) sweep->log_failed |= fclose(sweep->log) != 0;
    sweep->log = NULL;
    return sweep->log_failed ? tool_fail("--log %s: cannot be written", sweep->options->log) : TOOL_OK;
}

static int run(struct sweep *sweep) {
    static const size_t usual[] = {128, 64};
    const struct options *options = sweep->options;
    char spec[512];
    aenc_matrix x = tool_data_matrix(&sweep->data), valid = tool_data_matrix(&sweep->valid);
    aenc_matrix test = tool_data_matrix(&sweep->test);
    aenc_model_options model = {.struct_size = sizeof model};
    aenc_fit_options fit = {.struct_size = sizeof fit};
    aenc_sweep_options asked = {.struct_size = sizeof asked};
    model.encoder_widths = options->hidden.count > 0 ? options->hidden.value : usual;
    model.encoder_count = options->hidden.count > 0 ? options->hidden.count : 2;
    model.activation = options->activation;
    model.code_activation = options->code_activation;
    model.output = options->output;
    model.loss = options->loss;
    model.init = options->init;
    fit.optimizer = tool_optimizer_spec(options, spec, sizeof spec);
    if (fit.optimizer == NULL && options->lr > 0.0) return TOOL_USAGE;
    fit.schedule = options->schedule;
    fit.epochs = options->epochs;
    fit.batch = options->batch;
    fit.valid = &valid;
    fit.patience = options->patience;
    fit.min_improvement = options->min_improvement;
    fit.clip_norm = options->clip_norm;
    fit.clip_value = options->clip_value;
    asked.codes = options->codes.value;
    asked.code_count = options->codes.count;
    asked.model = &model;
    asked.fit = &fit;
    asked.test = options->test != NULL ? &test : NULL;
    asked.progress = show_point;
    asked.progress_user = sweep;
    sweep->point[0].struct_size = sizeof *sweep->point;
    if (!options->quiet) {
        (void)fprintf(sweep->screen, "%6s %11s %11s %11s %11s%s %10s %6s\n", "code", "train", "PCA train", "valid",
                      "PCA valid", options->test != NULL ? "        test    PCA test" : "", "parameters", "epochs");
    }
    aenc_status status = aenc_sweep(sweep->ctx, &x, &asked, sweep->point, asked.code_count);
    return status == AENC_OK ? TOOL_OK : tool_library_failed(options, sweep->ctx, status);
}

int tool_sweep(const struct options *options) {
    struct sweep sweep = {.options = options};
    struct data none = {0};
    int status = check_options(options);
    if (status == TOOL_OK) status = tool_pictures_prepare(options, &none);
    if (status == TOOL_OK) status = tool_context_create(options, &sweep.ctx);
    if (status == TOOL_OK) status = read_data(&sweep);
    if (status == TOOL_OK) status = open_log(&sweep);
    if (status == TOOL_OK) status = run(&sweep);
    int log_status = close_log(&sweep);
    if (status == TOOL_OK && options->pictures != NULL) {
        status = tool_pictures_sweep(options, sweep.point, sweep.done);
    }
    tool_data_free(&sweep.data);
    tool_data_free(&sweep.valid);
    tool_data_free(&sweep.test);
    aenc_context_free(sweep.ctx);
    return status == TOOL_OK ? log_status : status;
}
