/* option_table.c - the table of options. */
#include "option_table.h"

#include <stdio.h>
#include <string.h>

enum {
    USE = COMMAND_ENCODE | COMMAND_DECODE | COMMAND_RECONSTRUCT | COMMAND_SCORE | COMMAND_CLASSIFY,
    CODES = COMMAND_SWEEP | COMMAND_INTERPOLATE | COMMAND_PROBE | COMMAND_EDIT,
    DATA = COMMAND_TRAIN | COMMAND_PCA | USE | COMMAND_DETECT,
    READS = DATA | CODES | COMMAND_INFO,
    RUNS = READS | COMMAND_VERSION | COMMAND_SAMPLE,
    ALL = RUNS | COMMAND_HELP,
    FITS = COMMAND_TRAIN | COMMAND_SWEEP,
    PAIRS = COMMAND_TRAIN | COMMAND_SCORE,
    DRAWS = COMMAND_TRAIN | COMMAND_PCA | COMMAND_ENCODE | COMMAND_RECONSTRUCT,
    FIELDED = COMMAND_TRAIN | USE | COMMAND_INTERPOLATE | COMMAND_PROBE | COMMAND_INFO | COMMAND_EDIT,
    LABELLED = DRAWS | COMMAND_DETECT | COMMAND_PROBE | COMMAND_CLASSIFY | COMMAND_EDIT,
    TRAIN = COMMAND_TRAIN
};

/* What the library knows; tests/tool/option_names_test.c compares. */
#define ACTIVATIONS "identity|relu|leaky_relu|elu|gelu|silu|sigmoid|tanh|softplus"
const char tool_activations[] = ACTIVATIONS;
static const char layers[] =
    "dense|dropout|batch_norm|layer_norm|reshape|flatten|sequential|residual|condition|" ACTIVATIONS;
#define LIKELIHOODS "bernoulli|continuous_bernoulli|gaussian|laplace|discretised_logistic|categorical"
static const char likelihoods[] = LIKELIHOODS;
static const char losses[] = "mse|mae|huber|bce|gaussian_nll|cosine|cross_entropy|" LIKELIHOODS;
static const char inits[] = "constant|xavier_uniform|xavier_normal|he_uniform|he_normal|lecun_uniform|lecun_normal|"
                            "orthogonal|uniform|normal|torch";
static const char penalties[] = "l1|kl|l1_weights|l2_weights|orthogonal|decorrelation|contractive";
static const char corruptions[] = "mask|gaussian|salt_pepper|binarise";
static const char bottlenecks[] = "plain|gaussian";
static const char scalings[] = "standard|minmax|robust";
static const char optimizers[] = "sgd|momentum|nesterov|rmsprop|adam|adamw";
static const char schedules[] = "constant|step|cosine|warmup|plateau";
static const char pca_methods[] = "auto|covariance|gram|incremental";
static const char thresholds[] = "quantile|mad|pot|fpr";
static const char detector_scores[] = "elbo|reconstruction|kl|typicality|likelihood";
static const char probes[] = "softmax|knn";

static const struct option_row rows[] = {
    /* ---- data ---- */
    {GROUP_DATA, "valid", 0, KIND_TEXT, offsetof(struct options, valid), FITS, 0, 0, "DATA|SHARE", NULL,
     "Measure the loss on held-out data, or on a share such as 0.1 split off from DATA"},
    {GROUP_DATA, "target", 0, KIND_TEXT, offsetof(struct options, target), PAIRS, 0, 0, "DATA", NULL,
     "Reconstruct these rows instead of the input, row by row"},
    {GROUP_DATA, "valid-target", 0, KIND_TEXT, offsetof(struct options, valid_target), TRAIN, 0, 0, "DATA", NULL,
     "Use these targets for the held-out data"},
    {GROUP_DATA, "test", 0, KIND_TEXT, offsetof(struct options, test), COMMAND_DETECT, 0, 0, "DATA", NULL,
     "Score these rows instead of the training rows"},
    {GROUP_DATA, "test", 0, KIND_TEXT, offsetof(struct options, test), COMMAND_SWEEP | COMMAND_PROBE, 0, 0, "DATA",
     NULL, "Measure on these rows, which take no part in training"},
    {GROUP_DATA, "model", 0, KIND_TEXT, offsetof(struct options, model), COMMAND_DETECT, 0, 0, "MODEL", NULL,
     "Score DATA with this saved detector instead of fitting one to it"},
    {GROUP_DATA, "labels", 0, KIND_TEXT, offsetof(struct options, labels), DRAWS, 0, 0, "DATA", NULL,
     "Read one label per row: the classes to learn, or the colours of pictures"},
    {GROUP_DATA, "labels", 0, KIND_TEXT, offsetof(struct options, labels), COMMAND_DETECT, 0, 0, "DATA", NULL,
     "Read one label per row, 1 for an anomaly, and measure the scores against them"},
    {GROUP_DATA, "labels", 0, KIND_TEXT, offsetof(struct options, labels),
     COMMAND_PROBE | COMMAND_CLASSIFY | COMMAND_EDIT, 0, 0, "DATA", NULL, "Read one class per row"},
    {GROUP_DATA, "valid-labels", 0, KIND_TEXT, offsetof(struct options, valid_labels), TRAIN, 0, 0, "DATA", NULL,
     "Read the labels of the held-out data and report the accuracy on it"},
    {GROUP_DATA, "test-labels", 0, KIND_TEXT, offsetof(struct options, test_labels), COMMAND_PROBE, 0, 0, "DATA", NULL,
     "Read the labels of the rows of --test"},
    {GROUP_DATA, "field", 0, KIND_TEXTS, offsetof(struct options, fields), TRAIN, 0, 0, "NAME=DATA", NULL,
     "Read a field of the rows besides the input, such as label=labels.npy, label=table.csv:COLUMN or, with the rule "
     "of "
     "its values, label=labels.npy:classes:count=10; may be repeated"},
    {GROUP_DATA, "field", 0, KIND_TEXTS, offsetof(struct options, fields), FIELDED & ~TRAIN, 0, 0, "NAME=DATA", NULL,
     "Read a field that the model needs besides the input, such as label=labels.npy, or state it for all rows, as in "
     "label=3; may be repeated"},
    {GROUP_DATA, "field", 0, KIND_TEXTS, offsetof(struct options, fields), COMMAND_SAMPLE, 0, 0, "NAME=DATA", NULL,
     "State a field that the decoder reads, for all rows as in label=3, for equal shares of them, one behind "
     "another, as in label=0,1,2, or row by row as in label=labels.npy; may be repeated"},
    {GROUP_DATA, "valid-field", 0, KIND_TEXTS, offsetof(struct options, valid_fields), TRAIN, 0, 0, "NAME=DATA", NULL,
     "Read a field of the held-out data; may be repeated"},
    {GROUP_DATA, "image", 0, KIND_IMAGE, offsetof(struct options, image),
     DRAWS | COMMAND_INTERPOLATE | COMMAND_SAMPLE | COMMAND_EDIT, 0, 0, "HxW|CxHxW", NULL,
     "Take a row as an image of this size, such as 28x28 or 3x32x32"},
    {GROUP_DATA, "header", 0, KIND_CHOICE, offsetof(struct options, header), READS, 0, 0, "WHEN", "auto|yes|no",
     "Take the first line of a CSV file as column names [default: auto]"},
    {GROUP_DATA, "labels-header", 0, KIND_CHOICE, offsetof(struct options, labels_header), LABELLED, 0, 0, "WHEN",
     "auto|yes|no", "The same for CSV files of labels [default: auto]"},
    {GROUP_DATA, "separator", 0, KIND_BYTE, offsetof(struct options, separator), READS, 0, 0, "MARK",
     "comma|semicolon|tab|bar|blank", "Split the lines of a CSV file here, such as ';' [default: by its first lines]"},
    {GROUP_DATA, "decimal", 0, KIND_BYTE, offsetof(struct options, decimal), READS, 0, 0, "MARK", "point|comma",
     "Read this as the decimal mark of a CSV file [default: by its first lines]"},
    {GROUP_DATA, "missing", 0, KIND_CHOICE, offsetof(struct options, missing), READS, 0, 0, "HOW", "refuse|drop|mean",
     "On empty cells, NA and NaN fail, leave the row out, or use the mean of the column in that file [default: "
     "refuse]"},
    {GROUP_DATA, "columns", 0, KIND_TEXT, offsetof(struct options, columns), READS, 0, 0, "LIST", NULL,
     "Take only these columns of DATA, by name or by number from 1, such as time,3,5-7"},
    {GROUP_DATA, "drop", 0, KIND_TEXT, offsetof(struct options, drop), READS, 0, 0, "LIST", NULL,
     "Leave these columns of DATA out"},
    {GROUP_DATA, "offset", 0, KIND_TEXT, offsetof(struct options, offset), READS, 0, 0, "COLUMN=X,...", NULL,
     "Subtract X from a column before it is rounded to float32, such as time=1.7e9"},
    {GROUP_DATA, "array", 0, KIND_TEXT, offsetof(struct options, array), READS, 0, 0, "ARRAY", NULL,
     "Read this array of .npz files that hold several; a file can name its own: FILE.npz:NAME"},
    {GROUP_DATA, "u8", 0, KIND_CHOICE, offsetof(struct options, bytes), READS, 0, 0, "HOW", "unit|raw",
     "Divide unsigned bytes of .npy and IDX files by 255, or read them as they are [default: unit]"},

    /* ---- network ---- */
    {GROUP_NETWORK, "encoder", 0, KIND_LAYERS, offsetof(struct options, encoder), TRAIN, 1, 1e9, "LAYERS", layers,
     "Set the encoder's widths, such as 128,64,32, the last being the code, or its layers, such as 'dense:units=400 "
     "relu 20'"},
    {GROUP_NETWORK, "decoder", 0, KIND_LAYERS, offsetof(struct options, decoder), TRAIN, 1, 1e9, "LAYERS", layers,
     "Set the hidden widths from code to output, or all layers of the decoder [default: the encoder's, mirrored]"},
    {GROUP_NETWORK, "activation", 0, KIND_SPEC, offsetof(struct options, activation), FITS, 0, 0, "NAME",
     tool_activations, "Set the activation of hidden layers [default: relu]"},
    {GROUP_NETWORK, "code-activation", 0, KIND_SPEC, offsetof(struct options, code_activation), FITS, 0, 0, "NAME",
     tool_activations, "Set the activation of the code [default: identity]"},
    {GROUP_NETWORK, "output", 0, KIND_SPEC, offsetof(struct options, output), FITS, 0, 0, "NAME", tool_activations,
     "Set the activation of the output [default: identity]"},
    {GROUP_NETWORK, "init", 0, KIND_SPEC, offsetof(struct options, init), FITS, 0, 0, "NAME", inits,
     "Set the distribution of initial weights [default: each layer's own]"},
    {GROUP_NETWORK, "tied", 0, KIND_FLAG, offsetof(struct options, tied), TRAIN, 0, 0, NULL, NULL,
     "Use the encoder's weights, transposed, in the decoder (with classes: during --pretrain)"},
    {GROUP_NETWORK, "bottleneck", 0, KIND_SPEC, offsetof(struct options, bottleneck), TRAIN, 0, 0, "NAME", bottlenecks,
     "Put this between encoder and decoder; gaussian makes a variational autoencoder [default: plain]"},
    {GROUP_NETWORK, "bottleneck", 0, KIND_SPEC, offsetof(struct options, bottleneck), COMMAND_DETECT, 0, 0, "NAME",
     bottlenecks, "Fit a variational autoencoder with this code, such as gaussian:units=8, instead of a denoising one"},
    {GROUP_NETWORK, "condition", 0, KIND_TEXTS, offsetof(struct options, conditions), TRAIN, 0, 0, "NAME", NULL,
     "Give this field to encoder and decoder beside what they read, classes as one-hot vectors; may be repeated"},
    {GROUP_NETWORK, "scale", 0, KIND_SPEC, offsetof(struct options, scaling), TRAIN | COMMAND_DETECT, 0, 0, "NAME",
     scalings, "Learn a scaling of the columns and keep it in the model, which then takes raw data"},
    {GROUP_NETWORK, "model-json", 0, KIND_TEXT, offsetof(struct options, model_json), TRAIN, 0, 0, "FILE", NULL,
     "Read a description of the whole network instead of --encoder"},
    {GROUP_NETWORK, "start", 0, KIND_TEXT, offsetof(struct options, start), TRAIN, 0, 0, "MODEL", NULL,
     "Continue from a saved model instead of a new one"},

    /* ---- what single commands do ---- */
    {GROUP_METHOD, "components", 0, KIND_TEXT, offsetof(struct options, components), COMMAND_PCA, 0, 0, "N|SHARE", NULL,
     "Keep so many components, or as many as explain this share of the variance, such as 0.95 [default: all]"},
    {GROUP_METHOD, "whiten", 0, KIND_FLAG, offsetof(struct options, whiten), COMMAND_PCA, 0, 0, NULL, NULL,
     "Scale codes to variance 1; the decoder undoes it"},
    {GROUP_METHOD, "method", 0, KIND_SPEC, offsetof(struct options, method), COMMAND_PCA, 0, 0, "NAME", pca_methods,
     "Set how components are computed [default: by the sizes]"},
    {GROUP_METHOD, "threshold", 0, KIND_SPEC, offsetof(struct options, threshold), COMMAND_DETECT, 0, 0, "NAME",
     thresholds, "Set how the threshold is chosen, such as fpr:rate=0.01 [default: quantile:q=0.95]"},
    {GROUP_METHOD, "score", 0, KIND_SPEC, offsetof(struct options, score), COMMAND_DETECT, 0, 0, "NAME",
     detector_scores, "With --bottleneck score rows by this [default: elbo]"},
    {GROUP_METHOD, "samples", 0, KIND_WHOLE, offsetof(struct options, samples), COMMAND_DETECT, 1, 10000, "N", NULL,
     "With --bottleneck draw N codes for the score of each row [default: 16]"},
    {GROUP_METHOD, "codes", 0, KIND_WIDTHS, offsetof(struct options, codes), COMMAND_SWEEP, 1, 1e9, "SIZES", NULL,
     "Compare these sizes of the code, such as 2,4,8"},
    {GROUP_METHOD, "hidden", 0, KIND_WIDTHS, offsetof(struct options, hidden), COMMAND_SWEEP, 1, 1e9, "WIDTHS", NULL,
     "Set the widths of the encoder's layers before the code [default: 128,64]"},
    {GROUP_METHOD, "probe", 0, KIND_SPEC, offsetof(struct options, probe), COMMAND_PROBE, 0, 0, "NAME", probes,
     "Fit one probe, such as softmax:l2=1e-4 or knn:k=5,metric=cosine [default: both]"},
    {GROUP_METHOD, "rows", 0, KIND_WIDTHS, offsetof(struct options, picked), COMMAND_INTERPOLATE, 1, 1e9, "A,B,C,D,...",
     NULL, "Interpolate from row A to row B, from C to D and so on; the first row is 1"},
    {GROUP_METHOD, "rows", 0, KIND_WHOLE, offsetof(struct options, rows), COMMAND_SAMPLE, 1, 1e9, "N", NULL,
     "Draw N codes [default: as many as the files of --field have rows, or 64]"},
    {GROUP_METHOD, "temperature", 0, KIND_NUMBER, offsetof(struct options, temperature), COMMAND_SAMPLE, 1e-6, 1e6, "X",
     NULL, "Multiply the deviations of the prior by X; below 1 samples are more alike [default: 1]"},
    {GROUP_METHOD, "draws", 0, KIND_FLAG, offsetof(struct options, draws), COMMAND_SAMPLE, 0, 0, NULL, NULL,
     "Draw values from the likelihood of the loss instead of writing the decoder's output"},
    {GROUP_METHOD, "steps", 0, KIND_WHOLE, offsetof(struct options, steps), COMMAND_INTERPOLATE, 2, 1000, "N", NULL,
     "Set the number of codes from one row to the other, both included [default: 9]"},
    {GROUP_METHOD, "rows", 0, KIND_WIDTHS, offsetof(struct options, picked), COMMAND_EDIT, 1, 1e9, "A,B,...", NULL,
     "Edit these rows; the first row is 1"},
    {GROUP_METHOD, "toward", 0, KIND_TEXT, offsetof(struct options, toward), COMMAND_EDIT, 0, 0, "CLASS", NULL,
     "Move codes from the mean code of the other rows to that of this class"},
    {GROUP_METHOD, "from", 0, KIND_TEXT, offsetof(struct options, from), COMMAND_EDIT, 0, 0, "CLASS", NULL,
     "With --toward begin at the mean code of this class instead of all other rows"},
    {GROUP_METHOD, "strength", 0, KIND_NUMBER, offsetof(struct options, strength), COMMAND_EDIT, -1e6, 1e6, "X", NULL,
     "With --toward move by X times that difference; negative: away from it [default: 1]"},
    {GROUP_METHOD, "steps", 0, KIND_WHOLE, offsetof(struct options, steps), COMMAND_EDIT, 2, 1000, "N", NULL,
     "With --toward set the number of strengths, from 0 on [default: 5]"},
    {GROUP_METHOD, "as", 0, KIND_TEXTS, offsetof(struct options, as), COMMAND_EDIT, 0, 0, "NAME=DATA", NULL,
     "Decode the row's own code under each of these values of a field of the model, as in label=0,1,2"},
    {GROUP_METHOD, "spherical", 0, KIND_FLAG, offsetof(struct options, spherical), COMMAND_INTERPOLATE, 0, 0, NULL,
     NULL, "Follow a great circle instead of a straight line"},
    {GROUP_METHOD, "result", 0, KIND_TEXT, offsetof(struct options, result), COMMAND_ENCODE, 0, 0, "RESULT", NULL,
     "Write this result in place of the code, such as log_variance"},
    {GROUP_METHOD, "features", 0, KIND_FLAG, offsetof(struct options, features), COMMAND_SCORE, 0, 0, NULL, NULL,
     "Write a score for every feature of every row"},
    {GROUP_METHOD, "part", 0, KIND_TEXT, offsetof(struct options, part), COMMAND_SCORE, 0, 0, "PART",
     "reconstruction|kl|typicality", "Write this part of the score of a variational model, or how typical the code is"},
    {GROUP_METHOD, "samples", 0, KIND_WHOLE, offsetof(struct options, samples), COMMAND_SCORE, 1, 1e9, "N", NULL,
     "Write -log p(x) in nats, estimated by importance sampling with N codes for each row"},

    /* ---- training ---- */
    /* before the loss, whose value it becomes: messages name the first row that has it */
    {GROUP_TRAINING, "likelihood", 0, KIND_SPEC, offsetof(struct options, likelihood), FITS | COMMAND_DETECT, 0, 0,
     "NAME", likelihoods,
     "Minimise the negative log-likelihood of the data under this distribution, such as gaussian:learned=one; in place "
     "of --loss"},
    {GROUP_TRAINING, "loss", 0, KIND_SPEC, offsetof(struct options, loss), FITS, 0, 0, "NAME", losses,
     "Minimise this loss [default: mse]"},
    {GROUP_TRAINING, "penalty", 0, KIND_SPECS, offsetof(struct options, penalties), TRAIN, 0, 0, "NAME", penalties,
     "Add this penalty to the loss, such as l1:weight=1e-3; may be repeated"},
    {GROUP_TRAINING, "corrupt", 0, KIND_SPECS, offsetof(struct options, corruptions), TRAIN, 0, 0, "NAME", corruptions,
     "Corrupt the input during training, such as mask:level=0.3; may be repeated"},
    {GROUP_TRAINING, "optimizer", 0, KIND_SPEC, offsetof(struct options, optimizer), FITS, 0, 0, "NAME", optimizers,
     "Set the optimizer [default: adam]"},
    {GROUP_TRAINING, "lr", 0, KIND_NUMBER, offsetof(struct options, lr), FITS, 1e-300, 1e300, "RATE", NULL,
     "Set the learning rate [default: the optimizer's]"},
    {GROUP_TRAINING, "schedule", 0, KIND_SPEC, offsetof(struct options, schedule), FITS, 0, 0, "NAME", schedules,
     "Set the schedule of the learning rate [default: constant]"},
    {GROUP_TRAINING, "batch", 0, KIND_WHOLE, offsetof(struct options, batch), FITS, 1, 1e12, "ROWS", NULL,
     "Set the number of rows per step [default: 128]"},
    {GROUP_TRAINING, "epochs", 0, KIND_WHOLE, offsetof(struct options, epochs), FITS, 1, 1e12, "N", NULL,
     "Set the number of passes through the data [default: 20]"},
    {GROUP_TRAINING, "steps", 0, KIND_WHOLE, offsetof(struct options, steps), COMMAND_DETECT, 1, 2147483647, "N", NULL,
     "Set the number of training steps [default: 1000]"},
    {GROUP_TRAINING, "noise", 0, KIND_NUMBER, offsetof(struct options, noise), COMMAND_DETECT, 1e-6, 1e6, "X", NULL,
     "Set the standard deviation of the training noise, in scaled units [default: 1]"},
    {GROUP_TRAINING, "patience", 0, KIND_WHOLE, offsetof(struct options, patience), FITS, 0, 1e12, "N", NULL,
     "Stop after N epochs without a better loss on the held-out data"},
    {GROUP_TRAINING, "min-improvement", 0, KIND_NUMBER, offsetof(struct options, min_improvement), FITS, 0, 1e300, "X",
     NULL, "Count a loss as better only when it is lower by X [default: 0]"},
    {GROUP_TRAINING, "clip-norm", 0, KIND_NUMBER, offsetof(struct options, clip_norm), FITS, 0, 1e300, "X", NULL,
     "Limit the norm of the gradient"},
    {GROUP_TRAINING, "clip-value", 0, KIND_NUMBER, offsetof(struct options, clip_value), FITS, 0, 1e300, "X", NULL,
     "Limit the magnitude of the gradient's elements"},
    {GROUP_TRAINING, "seed", 0, KIND_SEED, offsetof(struct options, seed),
     FITS | COMMAND_DETECT | COMMAND_PROBE | COMMAND_SAMPLE, 0, 0, "N", NULL,
     "Set the seed of all random numbers [default: 0]"},

    /* ---- layer by layer ---- */
    {GROUP_PRETRAINING, "pretrain", 0, KIND_WHOLE, offsetof(struct options, pretrain), TRAIN, 1, 1e12, "EPOCHS", NULL,
     "Train the encoder's layers one by one before the whole network"},
    {GROUP_PRETRAINING, "pretrain-corrupt", 0, KIND_SPEC, offsetof(struct options, pretrain_corrupt), TRAIN, 0, 0,
     "NAME", corruptions, "Corrupt the input of each layer [default: as the model's input]"},
    {GROUP_PRETRAINING, "pretrain-penalty", 0, KIND_SPEC, offsetof(struct options, pretrain_penalty), TRAIN, 0, 0,
     "NAME", penalties, "Add this penalty to the loss of each layer [default: the model's]"},
    {GROUP_PRETRAINING, "pretrain-optimizer", 0, KIND_SPEC, offsetof(struct options, pretrain_optimizer), TRAIN, 0, 0,
     "NAME", optimizers, "Set the optimizer of each layer [default: adam]"},

    /* ---- checkpoints ---- */
    {GROUP_CHECKPOINTS, "checkpoint", 0, KIND_TEXT, offsetof(struct options, checkpoint), TRAIN, 0, 0, "FILE", NULL,
     "Write everything that is needed to resume an interrupted run"},
    {GROUP_CHECKPOINTS, "checkpoint-every", 0, KIND_TEXT, offsetof(struct options, checkpoint_every), TRAIN, 0, 0,
     "STEPS|SECONDSs", NULL, "Write it at this interval, such as 500 or 30s [default: each epoch]"},
    {GROUP_CHECKPOINTS, "resume", 0, KIND_FLAG, offsetof(struct options, resume), TRAIN, 0, 0, NULL, NULL,
     "Resume from the file of --checkpoint if it exists"},

    /* ---- output ---- */
    {GROUP_OUTPUT, "out", 'o', KIND_TEXT, offsetof(struct options, out),
     DATA | COMMAND_INTERPOLATE | COMMAND_SAMPLE | COMMAND_EDIT, 0, 0, "FILE", NULL,
     "Write the model or the result here; for results '-' is standard output"},
    {GROUP_OUTPUT, "save", 0, KIND_TEXT, offsetof(struct options, save), COMMAND_DETECT, 0, 0, "MODEL", NULL,
     "Save the detector"},
    {GROUP_OUTPUT, "scores-only", 0, KIND_FLAG, offsetof(struct options, scores_only), COMMAND_DETECT, 0, 0, NULL, NULL,
     "Write the scores alone to a CSV file, as to any other"},
    {GROUP_OUTPUT, "format", 0, KIND_CHOICE, offsetof(struct options, format), USE | COMMAND_DETECT | COMMAND_SAMPLE, 0,
     0, "FORMAT", "auto|npy|csv|idx", "Set the format of the result [default: by the ending of its name, csv for '-']"},
    {GROUP_OUTPUT, "json", 0, KIND_FLAG, offsetof(struct options, json), COMMAND_INFO, 0, 0, NULL, NULL,
     "Print the description alone, in the form that train --model-json reads"},
    {GROUP_OUTPUT, "log", 0, KIND_TEXT, offsetof(struct options, log), FITS, 0, 0, "FILE", NULL,
     "Write one JSON object per epoch; '-' is standard output"},
    {GROUP_OUTPUT, "pictures", 0, KIND_TEXT, offsetof(struct options, pictures),
     DRAWS | COMMAND_DETECT | COMMAND_SWEEP | COMMAND_SAMPLE, 0, 0, "DIR", NULL,
     "Draw losses, reconstructions, filters, codes and the like as PNG files"},
    {GROUP_OUTPUT, "map", 0, KIND_CHOICE, offsetof(struct options, map), DRAWS, 0, 0, "MAP", "pca|tsne",
     "With --pictures draw codes on their principal components, or by t-SNE too [default: pca]"},
    {GROUP_OUTPUT, "quiet", 'q', KIND_FLAG, offsetof(struct options, quiet), FITS | COMMAND_PCA, 0, 0, NULL, NULL,
     "Print no progress"},
    {GROUP_OUTPUT, "verbose", 'v', KIND_FLAG, offsetof(struct options, verbose), READS, 0, 0, NULL, NULL,
     "Report how each file was read, on standard error"},
    {GROUP_OUTPUT, "man", 0, KIND_FLAG, offsetof(struct options, man), COMMAND_HELP, 0, 0, NULL, NULL,
     "Print the manual page, for man -l -"},
    {GROUP_OUTPUT, "completion", 0, KIND_TEXT, offsetof(struct options, completion), COMMAND_HELP, 0, 0, "SHELL",
     "bash|zsh|fish", "Print the completions for a shell"},

    /* ---- general ---- */
    {GROUP_GENERAL, "threads", 0, KIND_WHOLE, offsetof(struct options, threads), RUNS, 1, THREADS_MAX, "N", NULL,
     "Use N threads; results do not depend on it [default: one per processor]"},
    {GROUP_GENERAL, "blas-threads", 0, KIND_TEXT, offsetof(struct options, blas_threads), RUNS, 0, 0, "HOW", "1|leave",
     "Set the BLAS library to one thread, or leave its setting as it is [default: 1]"},
    {GROUP_GENERAL, "help", 'h', KIND_FLAG, offsetof(struct options, help), ALL, 0, 0, NULL, NULL,
     "Print this help and exit"},
};

const struct option_row *tool_option_rows(size_t *count) {
    *count = sizeof rows / sizeof *rows;
    return rows;
}

const struct option_row *tool_option_row(enum command command, const char *name) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if ((rows[i].commands & (int)command) != 0 && strcmp(rows[i].name, name) == 0) return &rows[i];
    }
    return NULL;
}

const char *tool_option_group(enum option_group group) {
    static const char *const names[GROUP_COUNT] = {"Data",        "Network",    "Method", "Training",
                                                   "Pretraining", "Checkpoint", "Output", "General"};
    return names[group];
}

bool tool_option_stands(const struct option_row *row, enum option_group group, enum command command) {
    return row->group == group && (row->commands & (int)command) != 0;
}

int tool_word_find(const char *words, const char *word, size_t length) {
    int place = 0;
    for (const char *at = words;; place++) {
        size_t size = strcspn(at, "|");
        if (size == length && memcmp(at, word, size) == 0) return place;
        if (at[size] == '\0') return -1;
        at += size + 1;
    }
}

void tool_words_join(const char *words, const char *separator, char *out, size_t size) {
    size_t used = 0;
    out[0] = '\0';
    for (const char *at = words;;) {
        size_t length = strcspn(at, "|");
        int more = snprintf(out + used, size - used, "%s%.*s", used > 0 ? separator : "", (int)length, at);
        if (more < 0 || (size_t)more >= size - used) {
            out[used] = '\0';
            return;
        }
        used += (size_t)more;
        if (at[length] == '\0') return;
        at += length + 1;
    }
}
