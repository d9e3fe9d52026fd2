/* train.c - data in, a trained model out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "classes.h"
#include "commands.h"
#include "layers.h"
#include "number.h"
#include "pictures.h"
#include "progress.h"

struct job {
    const struct options *options;
    aenc_context *ctx;
    aenc_model *model;
    struct nets nets;
    struct fields *fields, *valid_fields; /* of data and valid */
    struct data data, target, valid, valid_target, labels, valid_labels;
    int32_t *classes;          /* of valid_labels */
    aenc_source *source;       /* DATA mapped instead of read: data has no values then; or DATA with its fields */
    aenc_source *valid_source; /* where it has fields */
    bool label_valid;          /* the labels are those of the held-out data */
};

int tool_every_parse(const struct options *options, aenc_fit_options *asked) {
    const char *text = options->checkpoint_every;
    if (text == NULL) return TOOL_OK;
    size_t length = strlen(text);
    double value = 0.0;
    bool seconds = length > 1 && text[length - 1] == 's';
    bool good = tool_number_parse(text, length - (seconds ? 1 : 0), &value) == NUMBER_OK && value > 0.0;
    if (good && !seconds) good = value <= INT32_MAX && value == floor(value);
    if (!good) {
        return tool_usage("train: --checkpoint-every: '%s' is neither steps such as 500 nor seconds such as 30s", text);
    }
    if (seconds)
        asked->checkpoint_seconds = value;
    else
        asked->checkpoint_steps = (int64_t)value;
    return TOOL_OK;
}

/* The option of this name among those that give fields. */
static bool gives(const struct specs *fields, const char *name) {
    size_t length = strlen(name);
    for (size_t i = 0; i < fields->count; i++) {
        if (strncmp(fields->value[i], name, length) == 0 && fields->value[i][length] == '=') return true;
    }
    return false;
}

static int check_fields(const struct options *options) {
    bool valid = options->valid != NULL;
    if (options->valid_fields.count > 0 && !valid) {
        return tool_usage("train: --valid-field goes with --valid DATA only; a share of DATA keeps its fields");
    }
    for (size_t i = 0; i < options->conditions.count; i++) {
        const char *name = options->conditions.value[i];
        for (size_t k = 0; k < 1 + (size_t)valid; k++) {
            if (gives(k == 0 ? &options->fields : &options->valid_fields, name)) continue;
            return tool_usage("train: --condition %s needs --%sfield %s=DATA", name, k == 0 ? "" : "valid-", name);
        }
    }
    return TOOL_OK;
}

static int check_options(const struct options *options) {
    int ways = (options->encoder.text != NULL) + (options->model_json != NULL) + (options->start != NULL);
    if (options->out == NULL) return tool_usage("train needs -o MODEL, the file for the trained model");
    if (strcmp(options->out, "-") == 0) return tool_usage("train: -o: the model goes to a file, not to '-'");
    if (ways == 0) return tool_usage("train needs --encoder LAYERS (or --model-json FILE, or --start MODEL)");
    if (ways > 1) return tool_usage("train: only one of --encoder, --model-json and --start can be given");
    const void *const fixed[] = {
        options->activation, options->code_activation, options->output,    options->likelihood, options->loss,
        options->init,       options->scaling,         options->bottleneck};
    static const char *const names[] = {"activation", "code-activation", "output",    "likelihood", "loss",
                                        "init",       "scale",           "bottleneck"};
    for (size_t i = 0; options->encoder.text == NULL && i < sizeof names / sizeof *names; i++) {
        if (fixed[i] == NULL) continue;
        return tool_usage("train: --%s goes with --encoder only; the model has its own", names[i]);
    }
    const size_t counts[] = {options->decoder.text != NULL, options->penalties.count, options->corruptions.count,
                             options->tied, options->conditions.count};
    static const char *const counted[] = {"decoder", "penalty", "corrupt", "tied", "condition"};
    for (size_t i = 0; options->encoder.text == NULL && i < sizeof counts / sizeof *counts; i++) {
        if (counts[i] > 0) return tool_usage("train: --%s goes with --encoder only; the model has its own", counted[i]);
    }
    if (options->valid_target != NULL && (options->valid == NULL || options->target == NULL)) {
        return tool_usage("train: --valid-target goes with --valid DATA and --target only");
    }
    if (options->patience > 0 && options->valid == NULL && !(options->validation_fraction > 0.0)) {
        return tool_usage("train: --patience needs --valid");
    }
    if (options->checkpoint == NULL && (options->resume || options->checkpoint_every != NULL)) {
        const char *name = options->resume ? "resume" : "checkpoint-every";
        return tool_usage("train: --%s goes with --checkpoint FILE only", name);
    }
    if (options->checkpoint != NULL && strcmp(options->checkpoint, options->out) == 0) {
        return tool_usage("train: --checkpoint and -o are the same file; the model would replace the checkpoint");
    }
    aenc_fit_options every;
    int status = TOOL_OK;
    if (tool_every_parse(options, &every) != TOOL_OK) return TOOL_USAGE;
    if (options->valid_labels != NULL && options->valid == NULL) {
        return tool_usage("train: --valid-labels goes with --valid DATA only");
    }
    status = check_fields(options);
    if (status != TOOL_OK) return status;
    const char *const inputs[] = {options->operand[0], options->target, options->valid,       options->valid_target,
                                  options->model_json, options->labels, options->valid_labels};
    return tool_stdin_once(options, inputs, 7);
}

/* A large .npy file is used where it lies. Pictures want all rows at hand; what the library does not map is read. */
static bool map_data(struct job *job) {
    enum { MAPPED_MIN = 1 << 26 };
    struct stat facts;
    const char *path = job->options->operand[0];
    bool whole = job->fields != NULL || job->valid_fields != NULL || job->options->pictures != NULL ||
                 job->options->pretrain > 0 || tool_data_changed(job->options);
    if (whole || strcmp(path, "-") == 0 || stat(path, &facts) != 0) return false;
    if (!S_ISREG(facts.st_mode) || facts.st_size < MAPPED_MIN) return false;
    if (aenc_source_npy(job->ctx, path, &job->source) != AENC_OK) return false;
    job->data = (struct data){
        .name = path, .rows = (size_t)aenc_source_rows(job->source), .cols = aenc_source_cols(job->source)};
    return true;
}

static int read_data(struct job *job) {
    const struct options *options = job->options;
    struct data_options how = tool_data_options(options);
    int status = map_data(job) ? TOOL_OK : tool_data_read(options->operand[0], &how, &job->data);
    if (status == TOOL_OK) status = tool_fields_attach(options, job->fields, &job->data);
    if (status == TOOL_OK && options->target != NULL) status = tool_data_read(options->target, &how, &job->target);
    if (status == TOOL_OK && options->valid != NULL) status = tool_data_read(options->valid, &how, &job->valid);
    if (status == TOOL_OK) status = tool_fields_attach(options, job->valid_fields, &job->valid);
    if (status == TOOL_OK && options->valid_target != NULL) {
        status = tool_data_read(options->valid_target, &how, &job->valid_target);
    }
    if (status != TOOL_OK || job->labels.values == NULL) return status;
    job->label_valid = options->valid != NULL && job->labels.rows == job->valid.rows;
    if (job->label_valid || job->labels.rows == job->data.rows) return TOOL_OK;
    return tool_fail("--labels %s: has %zu rows, but %s has %zu%s", options->labels, job->labels.rows, job->data.name,
                     job->data.rows, tool_data_header_hint(&job->labels, job->data.rows));
}

/* The whole file as text from malloc; NULL after a failure that was reported. */
static char *read_text(const char *path, size_t *length) {
    enum { TEXT_MAX = 1 << 24 };
    struct source source;
    char *text = NULL;
    if (tool_source_open(&source, path) != TOOL_OK) return NULL;
    text = tool_allocate(path, TEXT_MAX + 1, 1);
    if (text != NULL) {
        *length = tool_source_read(&source, text, TEXT_MAX + 1);
        bool large = *length > TEXT_MAX;
        if (large) (void)tool_fail("%s: is larger than %d MiB", path, TEXT_MAX >> 20);
        if (large || source.failed) {
            free(text);
            text = NULL;
        }
    }
    tool_source_close(&source);
    return text;
}

static int parse_model(struct job *job) {
    size_t length = 0;
    char *text = read_text(job->options->model_json, &length);
    if (text == NULL) return TOOL_FAILED;
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL) length--;
    aenc_status status = aenc_model_parse(job->ctx, text, length, &job->model);
    free(text);
    if (status == AENC_OK) return TOOL_OK;
    return tool_fail("train: --model-json %s: %s", job->options->model_json, aenc_message(job->ctx));
}

/* A head of classes is no mirror that could be tied: then --tied is about the layers' autoencoders of --pretrain. */
static bool tells_classes(const char *loss) {
    static const char name[] = "cross_entropy";
    size_t length = sizeof name - 1;
    return loss != NULL && strncmp(loss, name, length) == 0 && (loss[length] == ':' || loss[length] == '\0');
}

/* Layers of a decoder may give anything; the loss compares it with rows of the input, unless there is a target. */
static int check_output(const struct job *job) {
    const struct options *options = job->options;
    aenc_port port = {.struct_size = sizeof port};
    if (job->nets.decoder == NULL || options->target != NULL || aenc_model_class_count(job->model) > 0) return TOOL_OK;
    for (size_t i = 0; i < aenc_model_port_count(job->model); i++) {
        bool target = aenc_model_port(job->model, i, &port) == AENC_OK && strcmp(port.name, "target") == 0;
        if (!target || port.size == job->data.cols) continue;
        return tool_usage("train: --decoder '%s': its output is for rows of %zu numbers, and %s has %zu; as layers, "
                          "--decoder states the output's layer too",
                          options->decoder.text, port.size, job->data.name, job->data.cols);
    }
    return TOOL_OK;
}

/* The declarations of the fields but weight, which every model has; for free(). */
static int declare_fields(const struct job *job, char **declared, size_t *count) {
    const struct fields *fields = job->data.fields;
    for (size_t i = 0; fields != NULL && i < fields->count; i++) {
        if (strcmp(fields->field[i].name, "weight") == 0) continue;
        declared[*count] = tool_field_declaration(job->options, &fields->field[i]);
        if (declared[*count] == NULL) return TOOL_FAILED;
        ++*count;
    }
    return TOOL_OK;
}

/* A field that nothing reads. */
static void note_unread(const struct job *job) {
    for (size_t i = 0; i < aenc_model_port_count(job->model); i++) {
        aenc_port port = {.struct_size = sizeof port};
        bool field = aenc_model_port(job->model, i, &port) == AENC_OK && port.kind == AENC_PORT_FIELD;
        bool given = field && strcmp(port.name, "weight") != 0 && gives(&job->options->fields, port.name);
        if (!given || port.trained == 1) continue;
        tool_note("no layer reads --field %s; --condition %s gives it to encoder and decoder", port.name, port.name);
    }
}

/* Fields that the model needs. */
static int check_needed(const struct job *job, struct fields *fields, struct fields *valid) {
    const struct options *options = job->options;
    int status = tool_fields_needed(options, job->model, NULL, "field", fields);
    if (status == TOOL_OK && options->valid != NULL)
        status = tool_fields_needed(options, job->model, NULL, "valid-field", valid);
    return status;
}

/* A model that is there is opened before data are read, so that a missing field is found by then. */
static int open_model(struct job *job) {
    const struct options *options = job->options;
    int status = tool_fields_parse(options, "field", &options->fields, &job->fields);
    if (status == TOOL_OK)
        status = tool_fields_parse(options, "valid-field", &options->valid_fields, &job->valid_fields);
    if (status != TOOL_OK || options->encoder.text != NULL)
        return status == TOOL_OK ? tool_nets_create(options, job->ctx, &job->nets) : status;
    status =
        options->start != NULL ? tool_model_load(options, job->ctx, options->start, &job->model) : parse_model(job);
    return status == TOOL_OK ? check_needed(job, job->fields, job->valid_fields) : status;
}

static int make_model(struct job *job) {
    const struct options *options = job->options;
    if (job->model != NULL) return TOOL_OK;
    aenc_model_options asked = {.struct_size = sizeof asked};
    asked.input = &job->data.cols;
    asked.input_rank = 1;
    const struct widths *encoder = &options->encoder.widths, *decoder = &options->decoder.widths;
    if (encoder->count > 0) asked.encoder_widths = encoder->value;
    asked.encoder_count = encoder->count;
    asked.encoder_layers = job->nets.encoder;
    if (decoder->count > 0) asked.decoder_widths = decoder->value;
    asked.decoder_count = decoder->count;
    asked.decoder_layers = job->nets.decoder;
    /* those of layers are in their specs */
    if (encoder->count > 0) asked.code_activation = options->code_activation;
    if (encoder->count + decoder->count > 0) {
        asked.activation = options->activation;
        asked.init = options->init;
    }
    asked.output = options->output;
    asked.loss = options->loss;
    asked.penalties = options->penalties.value;
    asked.penalty_count = options->penalties.count;
    asked.corruptions = options->corruptions.value;
    asked.corruption_count = options->corruptions.count;
    asked.tied = options->tied && !(options->pretrain > 0 && tells_classes(options->loss));
    asked.scaling = options->scaling;
    asked.bottleneck = job->nets.bottleneck[0] != '\0' ? job->nets.bottleneck : options->bottleneck;
    char *declared[FIELDS_MAX];
    int told = declare_fields(job, declared, &asked.field_count);
    asked.fields = (const char *const *)declared;
    asked.conditions = options->conditions.value;
    asked.condition_count = options->conditions.count;
    aenc_status status = told == TOOL_OK ? aenc_model_create(job->ctx, &asked, &job->model) : AENC_OK;
    for (size_t i = 0; i < asked.field_count; i++) free(declared[i]);
    if (told != TOOL_OK) return told;
    if (status == AENC_OK) return check_output(job);
    for (size_t i = 0; job->data.fields != NULL && i < job->data.fields->count; i++) {
        const struct row_field *field = &job->data.fields->field[i];
        char begin[64] = "";
        if (field->rule == NULL) continue;
        (void)snprintf(begin, sizeof begin, "field '%.*s'", (int)strcspn(field->rule, ":"), field->rule);
        if (strncmp(aenc_message(job->ctx), begin, strlen(begin)) != 0) continue;
        return tool_usage("train: --field %s: %s", field->text, aenc_message(job->ctx));
    }
    bool layer = strncmp(aenc_message(job->ctx), "encoder.", 8) == 0, back = !layer;
    back = back && strncmp(aenc_message(job->ctx), "decoder.", 8) == 0 && options->decoder.text != NULL;
    if (!layer && !back) return tool_library_failed(options, job->ctx, status);
    return tool_usage("train: --%s '%s': %s", layer ? "encoder" : "decoder",
                      layer ? options->encoder.text : options->decoder.text, aenc_message(job->ctx));
}

/* Whether all tables have the rows that the model takes. */
static int check_tables(const struct job *job) {
    const struct options *options = job->options;
    const char *whose = options->start != NULL ? options->start : "the model";
    size_t input = aenc_model_input_size(job->model), output = aenc_model_output_size(job->model);
    bool classes = aenc_model_class_count(job->model) > 0;
    int status = tool_data_fits(&job->data, NULL, whose, input);
    if (status == TOOL_OK) status = tool_image_fits(options, &job->data);
    if (status == TOOL_OK && options->valid != NULL) status = tool_data_fits(&job->valid, "valid", whose, input);
    if (status != TOOL_OK || classes) return status;
    if (options->target != NULL) status = tool_data_fits(&job->target, "target", whose, output);
    if (status == TOOL_OK && options->valid_target != NULL)
        status = tool_data_fits(&job->valid_target, "valid-target", whose, output);
    return status;
}

/* Labels are what a model of classes learns, and for any other the colours of a picture. */
static int read_classes(struct job *job) {
    const struct options *options = job->options;
    bool classes = aenc_model_class_count(job->model) > 0;
    if (!classes && (options->valid_labels != NULL || (options->labels != NULL && options->pictures == NULL))) {
        return tool_usage(
            "train: --labels goes with a loss of classes such as cross_entropy:classes=10, or with --pictures "
            "to colour");
    }
    if (!classes) return TOOL_OK;
    if (options->labels != NULL && options->target != NULL) {
        return tool_usage("train: --labels and --target both say what is to be learned");
    }
    int status = TOOL_OK;
    if (options->labels != NULL) {
        tool_data_free(&job->labels);
        status = tool_labels_read(options, "labels", options->labels, &job->data, &job->labels);
        job->label_valid = false;
    }
    if (status == TOOL_OK && options->valid_labels != NULL) {
        status = tool_labels_read(options, "valid-labels", options->valid_labels, &job->valid, &job->valid_labels);
        if (status == TOOL_OK) status = tool_labels_whole(&job->valid_labels, &job->classes);
    }
    return status;
}

const char *tool_optimizer_spec(const struct options *options, char *out, size_t size) {
    const char *spec = options->optimizer != NULL ? options->optimizer : "adam";
    if (!(options->lr > 0.0)) return options->optimizer;
    if (strstr(spec, ":lr=") != NULL || strstr(spec, ",lr=") != NULL) {
        (void)tool_usage("%s: --lr and --optimizer %s both set the learning rate", options->command_name, spec);
        return NULL;
    }
    int length =
        snprintf(out, size, "%s%clr=%s", spec, strchr(spec, ':') != NULL ? ',' : ':', tool_value(options->lr).text);
    if (length >= 0 && (size_t)length < size) return out;
    (void)tool_usage("%s: --optimizer is too long", options->command_name);
    return NULL;
}

/* Rows with their fields, and (NULL: none) their targets. */
static int make_source(struct job *job, const struct data *data, const struct data *target, aenc_source **out) {
    const struct data *tables[] = {data, target};
    static const char *const names[] = {"input", "target"};
    aenc_array array[FIELDS_MAX + 2];
    const aenc_array *list[FIELDS_MAX + 2];
    size_t dims[2][2], count = 0;
    for (size_t i = 0; i < 2 && tables[i] != NULL; i++) {
        dims[i][0] = tables[i]->rows;
        dims[i][1] = tables[i]->cols;
        array[count++] = (aenc_array){.struct_size = sizeof *array, .name = names[i], .dims = dims[i], .rank = 2};
        array[i].data = tables[i]->values;
        array[i].size = dims[i][0] * dims[i][1] * sizeof(float);
    }
    for (size_t i = 0; data->fields != NULL && i < data->fields->count; i++) {
        array[count++] = tool_field_array(&data->fields->field[i], data->rows);
    }
    for (size_t i = 0; i < count; i++) list[i] = &array[i];
    aenc_status status = aenc_source_arrays(job->ctx, list, count, out);
    return status == AENC_OK ? TOOL_OK : tool_library_failed(job->options, job->ctx, status);
}

/* Where there are fields, rows come from sources. */
static int make_sources(struct job *job, aenc_fit_options *asked) {
    const struct data *target = asked->valid_target == NULL          ? NULL
                                : job->options->valid_target != NULL ? &job->valid_target
                                                                     : &job->valid_labels;
    int status = job->data.fields != NULL ? make_source(job, &job->data, NULL, &job->source) : TOOL_OK;
    if (status != TOOL_OK || job->valid.fields == NULL) return status;
    status = make_source(job, &job->valid, target, &job->valid_source);
    asked->valid = asked->valid_target = NULL;
    asked->valid_source = job->valid_source;
    return status;
}

static int fit(struct job *job, struct progress *progress) {
    const struct options *options = job->options;
    char spec[512], key[1024];
    aenc_matrix x = tool_data_matrix(&job->data), target = tool_data_matrix(&job->target);
    aenc_matrix valid = tool_data_matrix(&job->valid), valid_target = tool_data_matrix(&job->valid_target);
    aenc_fit_options asked = {.struct_size = sizeof asked};
    asked.optimizer = tool_optimizer_spec(options, spec, sizeof spec);
    if (asked.optimizer == NULL && options->lr > 0.0) return TOOL_USAGE;
    asked.schedule = options->schedule;
    asked.epochs = options->epochs;
    asked.batch = options->batch;
    aenc_matrix labels = tool_data_matrix(&job->labels), valid_labels = tool_data_matrix(&job->valid_labels);
    bool classes = aenc_model_class_count(job->model) > 0 && options->labels != NULL;
    asked.target = options->target != NULL ? &target : classes ? &labels : NULL;
    asked.valid = options->valid != NULL ? &valid : NULL;
    asked.valid_target = options->valid_target != NULL ? &valid_target : job->classes != NULL ? &valid_labels : NULL;
    asked.validation_fraction = options->validation_fraction;
    asked.patience = options->patience;
    asked.min_improvement = options->min_improvement;
    asked.clip_norm = options->clip_norm;
    asked.clip_value = options->clip_value;
    asked.progress = tool_progress_event;
    asked.progress_user = progress;
    progress->model = job->model;
    asked.checkpoint = options->checkpoint;
    if (options->checkpoint != NULL && options->pretrain > 0)
        asked.run_key = tool_pretrain_key(options, key, sizeof key);
    asked.resume = options->resume ? AENC_RESUME_IF_THERE : AENC_RESUME_NEVER;
    (void)tool_every_parse(options, &asked); /* was read before */
    if (make_sources(job, &asked) != TOOL_OK) return TOOL_FAILED;
    aenc_status status =
        job->source != NULL ? aenc_fit_source(job->model, job->source, &asked) : aenc_fit(job->model, &x, &asked);
    if (aenc_model_notice(job->model)[0] != '\0') (void)tool_fail("%s", aenc_model_notice(job->model));
    if (status == AENC_OK) return TOOL_OK;
    const struct tables tables = {&job->data, options->target != NULL ? &job->target : &job->labels, &job->valid,
                                  options->valid_target != NULL ? &job->valid_target : &job->valid_labels};
    int answer = tool_library_refused(options, job->ctx, status, &tables);
    (void)tool_fail("nothing was saved");
    return answer;
}

/* The library's own words about a BLAS that runs below this processor. */
static void warn_slow(aenc_context *ctx) {
    const char *line = strstr(aenc_build_info(ctx), "warning:");
    if (line != NULL) (void)tool_fail("%.*s", (int)strcspn(line, "\n"), line);
}

static void say_end(const struct job *job, FILE *screen) {
    size_t epochs = aenc_model_history_count(job->model);
    long long whole = 0; /* epochs, earlier ones of a resumed run included */
    aenc_progress last = {.struct_size = sizeof last};
    bool known = epochs > 0 && aenc_model_history(job->model, epochs - 1, &last) == AENC_OK;
    int stopper = tool_progress_signal();
    if (known) whole = (long long)last.epoch - (last.step < last.steps);
    if (stopper != 0) {
        (void)fprintf(screen, "stopped by signal %d after %lld whole epoch%s", stopper, whole, whole == 1 ? "" : "s");
        if (known && last.step < last.steps) {
            (void)fprintf(screen, " and %lld of %lld steps", (long long)last.step, (long long)last.steps);
        }
        (void)fputc('\n', screen);
    } else if (known && last.epoch < last.epochs) {
        (void)fprintf(screen, "stopped early after epoch %lld\n", (long long)last.epoch);
    }
    if (known && last.best_epoch > 0) {
        (void)fprintf(screen, "best epoch %lld, valid loss %.6g\n", (long long)last.best_epoch, last.best_valid_loss);
    }
    (void)fprintf(screen, "saved %s\n", job->options->out);
    if (stopper != 0 && job->options->checkpoint != NULL) {
        (void)fprintf(screen, "--checkpoint %s --resume goes on from here\n", job->options->checkpoint);
    }
    (void)fflush(screen);
}

enum { CODE_ROWS = 256 };

/* Elements of the codes (rows, size) that are the same for all rows but for a millionth of the largest. */
static size_t constant_elements(const float *code, size_t rows, size_t size) {
    size_t constant = 0;
    float largest = 0.0f;
    for (size_t i = 0; i < rows * size; i++) largest = fabsf(code[i]) > largest ? fabsf(code[i]) : largest;
    for (size_t e = 0; e < size; e++) {
        float low = code[e], high = code[e];
        for (size_t r = 1; r < rows; r++) {
            low = code[r * size + e] < low ? code[r * size + e] : low;
            high = code[r * size + e] > high ? code[r * size + e] : high;
        }
        constant += (double)high - (double)low <= 1e-6 * (double)largest;
    }
    return constant;
}

/* A code without variation carries nothing; it is worth a note. */
static int note_constant_code(const struct job *job) {
    bool there = job->data.values != NULL; /* mapped data have none here */
    struct data few = there ? job->data : job->valid;
    float *code = NULL;
    size_t size = 0;
    few.rows = few.rows < CODE_ROWS ? few.rows : CODE_ROWS;
    if (few.rows < 2) return TOOL_OK;
    int status = tool_model_run(job->options, job->ctx, job->model, COMMAND_ENCODE, &few, NULL, &code, &size);
    if (status != TOOL_OK) return status;
    size_t constant = constant_elements(code, few.rows, size);
    free(code);
    if (constant == 0) return TOOL_OK;
    if (constant < size) {
        tool_note("%zu of the %zu elements of the code are the same for all of %zu rows, and carry nothing", constant,
                  size, few.rows);
    } else {
        tool_note(
            "the code is the same for all of %zu rows, so it carries nothing; a lower --lr, another --activation or "
            "--code-activation, or --scale may help",
            few.rows);
    }
    return TOOL_OK;
}

/* Whether there is a checkpoint behind the pretraining to go on from. One that a run without --resume will replace
 * is removed before its layers are trained: if the run is broken off among them, nobody shall go on from it. */
static bool going_on(const struct options *options) {
    struct stat facts;
    bool there = options->checkpoint != NULL && stat(options->checkpoint, &facts) == 0 && S_ISREG(facts.st_mode);
    if (there && !options->resume) (void)remove(options->checkpoint);
    return there && options->resume;
}

static int fit_and_save(struct job *job) {
    const struct options *options = job->options;
    struct progress progress;
    bool log_is_stdout = options->log != NULL && strcmp(options->log, "-") == 0;
    int status = tool_progress_begin(&progress, options->log, options->resume, options->quiet);
    if (status != TOOL_OK) return status;
    progress.model = job->model;
    progress.rows = tool_data_matrix(&job->valid);
    progress.labels = job->classes;
    if (options->pretrain > 0 && !going_on(options)) {
        status = tool_pretrain(options, job->ctx, job->model, &job->data, &progress);
    }
    bool stopped = tool_progress_signal() != 0;
    if (status == TOOL_OK && !stopped) {
        status = fit(job, &progress);
        if (status == TOOL_OK && options->pretrain > 0 && options->checkpoint != NULL) tool_pretrain_forget(options);
    }
    if (status == TOOL_OK) {
        aenc_status saved = aenc_model_save(job->model, options->out);
        if (saved != AENC_OK) status = tool_library_failed(options, job->ctx, saved);
    }
    int log_status = tool_progress_end(&progress);
    tool_progress_release_signals();
    bool quiet = options->quiet && tool_progress_signal() == 0;
    if (status == TOOL_OK && !quiet) say_end(job, log_is_stdout ? stderr : stdout);
    if (status == TOOL_OK && !quiet) status = note_constant_code(job);
    if (status == TOOL_OK && options->pictures != NULL) {
        const struct data *rows =
            options->valid != NULL && (options->labels == NULL || job->label_valid) ? &job->valid : &job->data;
        status = tool_pictures_loss(options, job->model);
        if (status == TOOL_OK) {
            status =
                tool_pictures_rows(options, job->ctx, job->model, rows, options->labels != NULL ? &job->labels : NULL);
        }
    }
    if (status == TOOL_OK) status = log_status;
    return status == TOOL_OK && tool_progress_signal() != 0 ? TOOL_INTERRUPTED : status;
}

int tool_train(const struct options *options) {
    struct job job = {.options = options};
    int status = check_options(options);
    if (status == TOOL_OK) status = tool_pictures_prepare(options, &job.labels);
    if (status == TOOL_OK) status = tool_context_create(options, &job.ctx);
    if (status == TOOL_OK && !options->quiet) warn_slow(job.ctx);
    if (status == TOOL_OK) status = open_model(&job);
    if (status == TOOL_OK) status = read_data(&job);
    if (status == TOOL_OK) status = make_model(&job);
    if (status == TOOL_OK) status = check_needed(&job, job.data.fields, job.valid.fields);
    if (status == TOOL_OK) note_unread(&job);
    if (status == TOOL_OK) status = check_tables(&job);
    if (status == TOOL_OK) status = read_classes(&job);
    if (status == TOOL_OK) status = fit_and_save(&job);
    tool_fields_free(job.fields);
    tool_fields_free(job.valid_fields);
    aenc_source_free(job.source);
    aenc_source_free(job.valid_source);
    tool_data_free(&job.data);
    tool_data_free(&job.target);
    tool_data_free(&job.valid);
    tool_data_free(&job.valid_target);
    tool_data_free(&job.labels);
    tool_data_free(&job.valid_labels);
    free(job.classes);
    tool_nets_free(&job.nets);
    aenc_model_free(job.model);
    aenc_context_free(job.ctx);
    return status;
}
