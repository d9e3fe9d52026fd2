/* options.c - the table of options, and how an argument finds its row. */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

enum kind {
    KIND_FLAG,   /* bool */
    KIND_TEXT,   /* const char *: a path or the like */
    KIND_SPEC,   /* const char *: a name with settings, known to the library */
    KIND_SPECS,  /* struct specs: the same, as often as the option is given */
    KIND_WHOLE,  /* int64_t in [low, high] */
    KIND_SEED,   /* uint64_t */
    KIND_NUMBER, /* double in [low, high] */
    KIND_WIDTHS, /* struct widths */
    KIND_IMAGE,  /* struct image_shape */
    KIND_CHOICE  /* int: the place of the word in `value` */
};

struct row {
    const char *name;
    char letter;
    enum kind kind;
    size_t offset; /* in struct options */
    int commands;  /* which take it */
    double low, high;
    const char *value, *help;
};

enum {
    USE = COMMAND_ENCODE | COMMAND_DECODE | COMMAND_RECONSTRUCT | COMMAND_SCORE | COMMAND_CLASSIFY,
    CODES = COMMAND_SWEEP | COMMAND_INTERPOLATE | COMMAND_PROBE,
    DATA = COMMAND_TRAIN | COMMAND_PCA | USE | COMMAND_DETECT,
    RUNS = DATA | COMMAND_VERSION | COMMAND_INFO | CODES,
    FITS = COMMAND_TRAIN | COMMAND_SWEEP,
    PAIRS = COMMAND_TRAIN | COMMAND_SCORE,
    DRAWS = COMMAND_TRAIN | COMMAND_PCA | COMMAND_ENCODE | COMMAND_RECONSTRUCT,
    TRAIN = COMMAND_TRAIN,
    LETTER_NONE = 0
};

static const struct row rows[] = {
    {"encoder", 0, KIND_WIDTHS, offsetof(struct options, encoder), TRAIN, 1, 1e9,
     "A,B,C", "widths of the encoder; the last is the code"},
    {"decoder", 0, KIND_WIDTHS, offsetof(struct options, decoder), TRAIN, 1, 1e9,
     "B,A", "hidden widths from code to output; default: mirrored"},
    {"activation", 0, KIND_SPEC, offsetof(struct options, activation), FITS, 0, 0,
     "NAME", "of hidden layers; default relu"},
    {"code-activation", 0, KIND_SPEC, offsetof(struct options, code_activation), FITS, 0, 0,
     "NAME", "of the code; default identity"},
    {"output", 0, KIND_SPEC, offsetof(struct options, output), FITS, 0, 0,
     "NAME", "activation of the output; default identity"},
    {"loss", 0, KIND_SPEC, offsetof(struct options, loss), FITS, 0, 0, "NAME", "default mse"},
    {"init", 0, KIND_SPEC, offsetof(struct options, init), FITS, 0, 0,
     "NAME", "how weights start; default: each layer's own"},
    {"penalty", 0, KIND_SPECS, offsetof(struct options, penalties), TRAIN, 0, 0,
     "NAME", "what training adds to the loss: l1:weight=1e-3; more than once"},
    {"corrupt", 0, KIND_SPECS, offsetof(struct options, corruptions), TRAIN, 0, 0,
     "NAME", "what it does to the input: mask:level=0.3; more than once"},
    {"tied", 0, KIND_FLAG, offsetof(struct options, tied), TRAIN, 0, 0,
     NULL, "the decoder uses the encoder's weights, transposed; with classes: in --pretrain"},
    {"scale", 0, KIND_SPEC, offsetof(struct options, scaling), TRAIN | COMMAND_DETECT, 0, 0,
     "NAME", "standard, minmax or robust: learn the columns' scales, take raw data"},
    {"model-json", 0, KIND_TEXT, offsetof(struct options, model_json), TRAIN, 0, 0,
     "FILE", "a whole description instead of widths"},
    {"start", 0, KIND_TEXT, offsetof(struct options, start), TRAIN, 0, 0,
     "MODEL", "go on from a saved model instead of a fresh one"},
    {"components", 0, KIND_TEXT, offsetof(struct options, components), COMMAND_PCA, 0, 0,
     "30|0.95", "how many, or the share of variance to explain; default: all"},
    {"whiten", 0, KIND_FLAG, offsetof(struct options, whiten), COMMAND_PCA, 0, 0,
     NULL, "codes of variance 1; the decoder undoes it"},
    {"method", 0, KIND_SPEC, offsetof(struct options, method), COMMAND_PCA, 0, 0,
     "NAME", "covariance, gram or incremental; default: by the sizes"},
    {"optimizer", 0, KIND_SPEC, offsetof(struct options, optimizer), FITS, 0, 0, "NAME", "default adam"},
    {"lr", 0, KIND_NUMBER, offsetof(struct options, lr), FITS, 1e-300, 1e300,
     "RATE", "learning rate; default: the optimizer's"},
    {"schedule", 0, KIND_SPEC, offsetof(struct options, schedule), FITS, 0, 0,
     "NAME", "of the learning rate; default constant"},
    {"batch", 0, KIND_WHOLE, offsetof(struct options, batch), FITS, 1, 1e12, "ROWS", "rows per step; default 128"},
    {"epochs", 0, KIND_WHOLE, offsetof(struct options, epochs), FITS, 1, 1e12,
     "N", "passes through the data; default 20"},
    {"valid", 0, KIND_TEXT, offsetof(struct options, valid), FITS, 0, 0,
     "DATA|SHARE", "held-out data, or a share such as 0.1 to split off"},
    {"patience", 0, KIND_WHOLE, offsetof(struct options, patience), FITS, 0, 1e12,
     "N", "stop after N epochs without a better valid loss"},
    {"min-improvement", 0, KIND_NUMBER, offsetof(struct options, min_improvement), FITS, 0, 1e300,
     "X", "what counts as better; default: any"},
    {"clip-norm", 0, KIND_NUMBER, offsetof(struct options, clip_norm), FITS, 0, 1e300,
     "X", "largest norm of the gradient"},
    {"clip-value", 0, KIND_NUMBER, offsetof(struct options, clip_value), FITS, 0, 1e300,
     "X", "largest magnitude of a gradient's element"},
    {"checkpoint", 0, KIND_TEXT, offsetof(struct options, checkpoint), TRAIN, 0, 0,
     "FILE", "keep there all that it takes to go on after an end of any kind"},
    {"checkpoint-every", 0, KIND_TEXT, offsetof(struct options, checkpoint_every), TRAIN, 0, 0,
     "500|30s", "steps, or seconds, from one to the next; default: each epoch"},
    {"resume", 0, KIND_FLAG, offsetof(struct options, resume), TRAIN, 0, 0,
     NULL, "go on from --checkpoint where there is one"},
    {"target", 0, KIND_TEXT, offsetof(struct options, target), PAIRS, 0, 0,
     "DATA", "what to reconstruct, row by row; default: the input"},
    {"valid-target", 0, KIND_TEXT, offsetof(struct options, valid_target), TRAIN, 0, 0,
     "DATA", "the same for the held-out data"},
    {"test", 0, KIND_TEXT, offsetof(struct options, test), COMMAND_DETECT, 0, 0,
     "DATA", "score these rows; default: those it learns from"},
    {"threshold", 0, KIND_SPEC, offsetof(struct options, threshold), COMMAND_DETECT, 0, 0,
     "NAME", "quantile:q=0.95 (default), mad, pot, fpr:rate=0.01"},
    {"noise", 0, KIND_NUMBER, offsetof(struct options, noise), COMMAND_DETECT, 1e-6, 1e6,
     "X", "of training, in scaled units; default 1"},
    {"steps", 0, KIND_WHOLE, offsetof(struct options, steps), COMMAND_DETECT, 1, 2147483647,
     "N", "of training; default 1000"},
    {"save", 0, KIND_TEXT, offsetof(struct options, save), COMMAND_DETECT, 0, 0, "MODEL", "keep the detector there"},
    {"pretrain", 0, KIND_WHOLE, offsetof(struct options, pretrain), TRAIN, 1, 1e12,
     "EPOCHS", "train the encoder's layers one by one beforehand"},
    {"pretrain-corrupt", 0, KIND_SPEC, offsetof(struct options, pretrain_corrupt), TRAIN, 0, 0,
     "NAME", "of what each layer sees then; default: the model's own"},
    {"pretrain-penalty", 0, KIND_SPEC, offsetof(struct options, pretrain_penalty), TRAIN, 0, 0,
     "NAME", "of each layer then; default: the model's own"},
    {"pretrain-optimizer", 0, KIND_SPEC, offsetof(struct options, pretrain_optimizer), TRAIN, 0, 0,
     "NAME", "then; default adam"},
    {"features", 0, KIND_FLAG, offsetof(struct options, features), COMMAND_SCORE, 0, 0,
     NULL, "a score for every feature of every row"},
    {"out", 'o', KIND_TEXT, offsetof(struct options, out), DATA | COMMAND_INTERPOLATE, 0, 0,
     "FILE", "where the model or the result goes; results: '-' is stdout"},
    {"format", 0, KIND_CHOICE, offsetof(struct options, format), USE | COMMAND_DETECT, 0, 0,
     "auto|npy|csv|idx", "of the result; default: by its ending, csv on '-'"},
    {"header", 0, KIND_CHOICE, offsetof(struct options, header), DATA | CODES, 0, 0,
     "auto|yes|no", "does a CSV begin with names?"},
    {"log", 0, KIND_TEXT, offsetof(struct options, log), FITS, 0, 0,
     "FILE", "one JSON object per epoch; '-' is stdout"},
    {"pictures", 0, KIND_TEXT, offsetof(struct options, pictures), DRAWS | COMMAND_DETECT | COMMAND_SWEEP, 0, 0,
     "DIR", "draw loss, reconstructions, filters, code, ... as PNG"},
    {"image", 0, KIND_IMAGE, offsetof(struct options, image), DRAWS | COMMAND_INTERPOLATE, 0, 0,
     "HxW|CxHxW", "a row is a picture of this size"},
    {"labels", 0, KIND_TEXT, offsetof(struct options, labels),
     DRAWS | COMMAND_DETECT | COMMAND_PROBE | COMMAND_CLASSIFY, 0, 0,
     "DATA", "one number per row: colours the code, classes, 1 for an anomaly"},
    {"valid-labels", 0, KIND_TEXT, offsetof(struct options, valid_labels), TRAIN, 0, 0,
     "DATA", "the same for the held-out data, whose accuracy is then told"},
    {"codes", 0, KIND_WIDTHS, offsetof(struct options, codes), COMMAND_SWEEP, 1, 1e9,
     "2,4,8", "sizes of the code to compare"},
    {"hidden", 0, KIND_WIDTHS, offsetof(struct options, hidden), COMMAND_SWEEP, 1, 1e9,
     "A,B", "widths of the encoder before the code; default 128,64"},
    {"test", 0, KIND_TEXT, offsetof(struct options, test), COMMAND_SWEEP | COMMAND_PROBE, 0, 0,
     "DATA", "rows that nothing is learned from"},
    {"test-labels", 0, KIND_TEXT, offsetof(struct options, test_labels), COMMAND_PROBE, 0, 0,
     "DATA", "the labels of --test"},
    {"probe", 0, KIND_SPEC, offsetof(struct options, probe), COMMAND_PROBE, 0, 0,
     "NAME", "softmax:l2=1e-4 or knn:k=5,metric=cosine; default: both"},
    {"rows", 0, KIND_WIDTHS, offsetof(struct options, picked), COMMAND_INTERPOLATE, 1, 1e9,
     "A,B,C,D", "rows from 1: from A to B, from C to D, ..."},
    {"steps", 0, KIND_WHOLE, offsetof(struct options, steps), COMMAND_INTERPOLATE, 2, 1000,
     "N", "of each way, ends included; default 9"},
    {"spherical", 0, KIND_FLAG, offsetof(struct options, spherical), COMMAND_INTERPOLATE, 0, 0,
     NULL, "along a great circle instead of a line"},
    {"seed", 0, KIND_SEED, offsetof(struct options, seed), FITS | COMMAND_DETECT | COMMAND_PROBE, 0, 0,
     "N", "every random number follows from it; default 0"},
    {"threads", 0, KIND_WHOLE, offsetof(struct options, threads), RUNS, 1, 4096,
     "N", "default: one per processor; results do not depend on it"},
    {"blas-threads", 0, KIND_TEXT, offsetof(struct options, blas_threads), RUNS, 0, 0,
     "1|leave", "the BLAS's own thread count"},
    {"json", 0, KIND_FLAG, offsetof(struct options, json), COMMAND_INFO, 0, 0,
     NULL, "the description alone, as --model-json takes it"},
    {"quiet", 'q', KIND_FLAG, offsetof(struct options, quiet), FITS | COMMAND_PCA, 0, 0, NULL, "no progress"},
    {"help", 'h', KIND_FLAG, offsetof(struct options, help), RUNS, 0, 0, NULL, "this text"},
};

enum { ROWS = sizeof rows / sizeof *rows };

static const struct row *find_row(enum command command, const char *name, size_t length, char letter) {
    for (size_t i = 0; i < ROWS; i++) {
        if ((rows[i].commands & (int)command) == 0) continue;
        if (letter != LETTER_NONE && rows[i].letter == letter) return &rows[i];
        if (letter == LETTER_NONE && strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static int unknown_option(const struct options *options, const char *argument) {
    char known[1024] = "";
    size_t used = 0;
    for (size_t i = 0; i < ROWS; i++) {
        if ((rows[i].commands & (int)options->command) == 0) continue;
        int more = snprintf(known + used, sizeof known - used, "%s--%s", used > 0 ? ", " : "", rows[i].name);
        if (more < 0 || (size_t)more >= sizeof known - used) break;
        used += (size_t)more;
    }
    return tool_usage("%s: unknown option '%s'; known: %s", options->command_name, argument, known);
}

/* Digits only, at most `high`. */
static bool parse_whole(const char *text, size_t length, uint64_t high, uint64_t *out) {
    uint64_t value = 0;
    if (length == 0) return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (value > (high - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

/* Whole numbers between separators, each in [1, high]; answers how many, 0 when it is something else. */
static size_t parse_list(const char *text, char separator, uint64_t high, size_t *out, size_t room) {
    size_t count = 0;
    for (const char *at = text;; at++) {
        const char *end = strchr(at, separator);
        size_t length = end != NULL ? (size_t)(end - at) : strlen(at);
        uint64_t value = 0;
        if (count == room || !parse_whole(at, length, high, &value) || value == 0) return 0;
        out[count++] = (size_t)value;
        if (end == NULL) return count;
        at = end;
    }
}

static bool parse_image(const char *text, struct image_shape *out) {
    size_t dims[3] = {0};
    size_t count = parse_list(text, 'x', 1 << 20, dims, 3);
    if (count == 2) *out = (struct image_shape){1, dims[0], dims[1]};
    if (count == 3) *out = (struct image_shape){dims[0], dims[1], dims[2]};
    return count == 2 || (count == 3 && (dims[0] == 1 || dims[0] == 3));
}

/* The place of `word` among the words that '|' separates; -1: it is none of them. */
static int find_choice(const char *words, const char *word) {
    int place = 0;
    size_t length = strlen(word);
    for (const char *at = words;; place++) {
        size_t size = strcspn(at, "|");
        if (size == length && memcmp(at, word, size) == 0) return place;
        if (at[size] == '\0') return -1;
        at += size + 1;
    }
}

static int bad_value(const struct options *options, const struct row *row, const char *text) {
    char wanted[96] = "";
    if (row->kind == KIND_WHOLE) {
        (void)snprintf(wanted, sizeof wanted, "a whole number from %.0f to %g", row->low, row->high);
    }
    if (row->kind == KIND_SEED) (void)snprintf(wanted, sizeof wanted, "a whole number from 0 to %llu", ~0ULL);
    if (row->kind == KIND_NUMBER) {
        (void)snprintf(wanted, sizeof wanted, "a %s number", row->low > 0.0 ? "positive" : "non-negative");
    }
    if (row->kind == KIND_WIDTHS) {
        (void)snprintf(wanted, sizeof wanted, "1 to %d positive widths such as 128,64,32", WIDTHS_MAX);
    }
    if (row->kind == KIND_IMAGE) (void)snprintf(wanted, sizeof wanted, "a size such as 28x28 or 3x32x32");
    if (row->kind == KIND_CHOICE) (void)snprintf(wanted, sizeof wanted, "one of the known: %s", row->value);
    return tool_usage("%s: --%s: '%s' is not %s", options->command_name, row->name, text, wanted);
}

static bool set_number(void *place, const struct row *row, const char *text) {
    double value = 0.0;
    if (tool_number_parse(text, strlen(text), &value) != NUMBER_OK) return false;
    if (value < row->low || value > row->high) return false;
    memcpy(place, &value, sizeof value);
    return true;
}

static bool set_whole(void *place, const struct row *row, const char *text) {
    uint64_t value = 0;
    bool seed = row->kind == KIND_SEED;
    if (!parse_whole(text, strlen(text), seed ? UINT64_MAX : (uint64_t)row->high, &value)) return false;
    if (!seed && (double)value < row->low) return false;
    int64_t whole = (int64_t)value;
    memcpy(place, seed ? (void *)&value : (void *)&whole, sizeof value);
    return true;
}

static int set_option(struct options *options, const struct row *row, const char *text) {
    char *place = (char *)options + row->offset;
    bool good = true;
    switch (row->kind) {
    case KIND_FLAG: *(bool *)place = true; break;
    case KIND_TEXT:
    case KIND_SPEC: *(const char **)(void *)place = text; break;
    case KIND_SPECS: {
        struct specs *specs = (struct specs *)(void *)place;
        if (specs->count == SPECS_MAX) {
            return tool_usage("%s: --%s is given more than %d times", options->command_name, row->name, SPECS_MAX);
        }
        specs->value[specs->count++] = text;
        break;
    }
    case KIND_WHOLE:
    case KIND_SEED: good = set_whole(place, row, text); break;
    case KIND_NUMBER: good = set_number(place, row, text); break;
    case KIND_IMAGE: good = parse_image(text, (struct image_shape *)(void *)place); break;
    case KIND_WIDTHS: {
        struct widths *widths = (struct widths *)(void *)place;
        widths->count = parse_list(text, ',', (uint64_t)row->high, widths->value, WIDTHS_MAX);
        good = widths->count > 0;
        break;
    }
    case KIND_CHOICE: {
        int choice = find_choice(row->value, text);
        memcpy(place, &choice, sizeof choice);
        good = choice >= 0;
        break;
    }
    }
    return good ? TOOL_OK : bad_value(options, row, text);
}

/* One argument that begins with '-'; *i moves on when the value is the next one. */
static int parse_option(struct options *options, int argc, char **argv, int *i) {
    const char *argument = argv[*i], *value = NULL;
    const struct row *row = NULL;
    if (argument[1] == '-') {
        size_t length = strcspn(argument + 2, "=");
        row = find_row(options->command, argument + 2, length, LETTER_NONE);
        if (argument[2 + length] == '=') value = argument + 3 + length;
    } else {
        row = find_row(options->command, "", 0, argument[1]);
        if (argument[2] != '\0') value = argument + 2;
    }
    if (row == NULL) return unknown_option(options, argument);
    if (row->kind == KIND_FLAG && value != NULL) {
        return tool_usage("%s: --%s takes no value, but got '%s'", options->command_name, row->name, value);
    }
    if (row->kind != KIND_FLAG && value == NULL) {
        if (*i + 1 >= argc) {
            return tool_usage("%s: --%s needs a value: %s", options->command_name, row->name, row->value);
        }
        value = argv[++*i];
    }
    return set_option(options, row, value);
}

static int add_operand(struct options *options, const struct command_text *command, const char *argument) {
    if (options->operand_count == command->operand_count) {
        return tool_usage("%s: '%s' is one operand too many; it takes: %s", command->name, argument,
                          command->operand_count > 0 ? command->operands : "none");
    }
    options->operand[options->operand_count++] = argument;
    return TOOL_OK;
}

/* What single options cannot know. */
static int check_together(struct options *options, const struct command_text *command) {
    if (options->operand_count < command->operand_count) {
        return tool_usage("%s needs %s; see: autoenc %s --help", command->name, command->operands, command->name);
    }
    const char *blas = options->blas_threads;
    if (blas != NULL && strcmp(blas, "1") != 0 && strcmp(blas, "leave") != 0) {
        return tool_usage("%s: --blas-threads: '%s' is not one of the known: 1|leave", command->name, blas);
    }
    if (options->valid == NULL) return TOOL_OK;
    enum number number = tool_number_parse(options->valid, strlen(options->valid), &options->valid_share);
    if (number == NUMBER_BAD) return TOOL_OK;
    if (number == NUMBER_OK && options->valid_share > 0.0 && options->valid_share < 1.0) {
        options->valid = NULL;
        return TOOL_OK;
    }
    return tool_usage("%s: --valid: '%s' is not a file, and no share between 0 and 1", command->name, options->valid);
}

static const struct command_text *find_command(const char *name) {
    size_t count = 0;
    const struct command_text *commands = tool_commands(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(commands[i].name, name) == 0) return &commands[i];
    }
    return NULL;
}

int tool_options_parse(int argc, char **argv, struct options *out) {
    const struct command_text *command = find_command(argv[1]);
    *out = (struct options){.command_name = argv[1]};
    if (command == NULL) {
        return tool_usage("unknown command '%s'; known: train, encode, decode, reconstruct, score, classify, pca, detect, sweep, "
                          "interpolate, probe, info, version, help",
                          argv[1]);
    }
    out->command = command->command;
    bool only_operands = false;
    for (int i = 2; i < argc; i++) {
        int status = TOOL_OK;
        if (!only_operands && strcmp(argv[i], "--") == 0) {
            only_operands = true;
            continue;
        }
        if (only_operands || argv[i][0] != '-' || argv[i][1] == '\0') status = add_operand(out, command, argv[i]);
        else status = parse_option(out, argc, argv, &i);
        if (status != TOOL_OK) return status;
        if (out->help) return TOOL_OK;
    }
    return check_together(out, command);
}

void tool_options_list(enum command command) {
    for (size_t i = 0; i < ROWS; i++) {
        if ((rows[i].commands & (int)command) == 0) continue;
        char left[64];
        (void)snprintf(left, sizeof left, "%s%c%c--%s %s", rows[i].letter != 0 ? "-" : " ",
                       rows[i].letter != 0 ? rows[i].letter : ' ', rows[i].letter != 0 ? ' ' : ' ', rows[i].name,
                       rows[i].value != NULL ? rows[i].value : "");
        (void)printf("  %-32s %s\n", left, rows[i].help);
    }
}

/* Whether the message is about this value: it names its type. */
static bool is_about(const char *message, const char *value) {
    char quoted[64];
    if (value == NULL) return false;
    (void)snprintf(quoted, sizeof quoted, "'%.*s'", (int)strcspn(value, ":"), value);
    return strstr(message, quoted) != NULL;
}

int tool_library_failed(const struct options *options, const aenc_context *ctx, aenc_status status) {
    const char *message = aenc_message(ctx);
    for (size_t i = 0; status == AENC_ERR_ARGUMENT && i < ROWS; i++) {
        const void *place = (const char *)options + rows[i].offset;
        const struct specs *specs = place;
        const char *const *value = rows[i].kind == KIND_SPECS ? specs->value : place;
        size_t count = rows[i].kind == KIND_SPEC ? 1 : rows[i].kind == KIND_SPECS ? specs->count : 0;
        for (size_t k = 0; k < count; k++) {
            if (!is_about(message, value[k])) continue;
            return tool_usage("%s: --%s %s: %s", options->command_name, rows[i].name, value[k], message);
        }
    }
    return tool_fail("%s", message[0] != '\0' ? message : aenc_status_name(status));
}

struct data_options tool_data_options(const struct options *options) {
    return (struct data_options){.header = (enum header)options->header};
}
