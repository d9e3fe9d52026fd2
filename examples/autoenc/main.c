/* main.c - autoenc, the command-line tool: which command, its help, and what is underneath. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "gzip.h"
#include "picture.h"

static const struct command_text commands[] = {
    {COMMAND_TRAIN, "train", "DATA", 1, "train a model on DATA and save it",
     "Ctrl-C finishes the step, saves and says so; a second Ctrl-C ends at once.\n"
     "Names carry settings: --optimizer adam:lr=1e-3,beta1=0.9. With --valid, the best epoch's parameters are saved.\n",
     "  autoenc train digits.npy --encoder 32,8 --valid 0.1 --epochs 50 -o digits.safetensors\n"
     "  autoenc train train-images-idx3-ubyte.gz --valid t10k-images-idx3-ubyte.gz --encoder 128,64,32 \\\n"
     "      --activation relu --output sigmoid --loss mse --optimizer adam --lr 1e-3 --schedule cosine \\\n"
     "      --batch 128 --epochs 5 --seed 1 -o mnist.safetensors --log run.jsonl --pictures pictures\n"
     "  autoenc train noisy.csv --target clean.csv --encoder 64,16 --valid 0.2 --patience 5 -o denoise.safetensors\n"
     "  autoenc train digits.npy --labels digits_labels.npy --loss cross_entropy:classes=10 --encoder 64,32 \\\n"
     "      --pretrain 10 --pretrain-corrupt mask:level=0.25 -o classes.safetensors\n"},
    {COMMAND_ENCODE, "encode", "MODEL DATA", 2, "write the code of every row", "",
     "  autoenc encode digits.safetensors digits.npy -o code.npy\n"
     "  cat digits.csv | autoenc encode digits.safetensors - | head\n"},
    {COMMAND_DECODE, "decode", "MODEL DATA", 2, "write what the decoder makes of every code", "",
     "  autoenc decode digits.safetensors code.npy -o out.npy\n"},
    {COMMAND_RECONSTRUCT, "reconstruct", "MODEL DATA", 2, "write every row's reconstruction", "",
     "  autoenc reconstruct digits.safetensors digits.npy -o out.npy --image 8x8 --pictures pictures\n"},
    {COMMAND_SCORE, "score", "MODEL DATA", 2, "write every row's loss: high means unlike the training data", "",
     "  autoenc score digits.safetensors digits.npy -o scores.csv\n"
     "  autoenc score digits.safetensors digits.npy --features -o features.npy\n"},
    {COMMAND_DETECT, "detect", "TRAIN", 1, "learn a table, score its rows or those of --test: high means unlike the others",
     "Columns are raw: their scales are learned. The training rows may hold anomalies.\n",
     "  autoenc detect table.csv -o scores.csv --threshold fpr:rate=0.01\n"
     "  autoenc detect train.npy --test test.npy --labels labels.npy --save detector.safetensors -o scores.npy\n"},
    {COMMAND_CLASSIFY, "classify", "MODEL DATA", 2, "write the class of every row; with --labels say how many are right", "",
     "  autoenc classify digits.safetensors digits.npy --labels digits_labels.npy -o classes.csv\n"},
    {COMMAND_INFO, "info", "MODEL", 1, "print a model's description and parameters", "",
     "  autoenc info digits.safetensors\n"
     "  autoenc info digits.safetensors --json > model.json\n"},
    {COMMAND_PCA, "pca", "DATA", 1, "find the principal components of DATA and save them as a model",
     "encode, decode, reconstruct, score and info work on the model. One pass; .npy files may be larger than memory.\n",
     "  autoenc pca digits.npy --components 0.95 -o pca.safetensors --pictures pictures --image 8x8\n"
     "  autoenc pca train-images-idx3-ubyte.gz --components 30 --whiten -o mnist.safetensors\n"},
    {COMMAND_SWEEP, "sweep", "DATA", 1, "train a model for each size of the code, and compare with PCA",
     "Errors are mean squared errors per number. Without --valid, every tenth row is held out.\n",
     "  autoenc sweep digits.npy --codes 2,4,8,16,32 --log sweep.jsonl --pictures pictures\n"},
    {COMMAND_INTERPOLATE, "interpolate", "MODEL DATA", 2, "draw, or write, what lies between two rows", "",
     "  autoenc interpolate digits.safetensors digits.npy --rows 3,17,5,9 --image 8x8 -o strip.png\n"},
    {COMMAND_PROBE, "probe", "MODEL DATA", 2, "tell how much codes know about labels",
     "Without --test, every fifth row is left out of what the probes learn from and asked about.\n",
     "  autoenc probe digits.safetensors digits.npy --labels digits_labels.npy\n"},
    {COMMAND_VERSION, "version", "", 0, "print versions, the BLAS underneath and its kernels", "",
     "  autoenc version\n"},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

__attribute__((format(printf, 1, 0))) static void complain(const char *format, va_list arguments) {
    (void)fflush(stdout);
    (void)fputs("autoenc: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
}

int tool_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
    return TOOL_FAILED;
}

int tool_usage(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(format, arguments);
    va_end(arguments);
    return TOOL_USAGE;
}

void *tool_allocate(const char *name, size_t count, size_t size) {
    void *block = calloc(count, size);
    if (block == NULL) (void)tool_fail("%s: no memory for %zu elements of %zu bytes", name, count, size);
    return block;
}

const struct command_text *tool_commands(size_t *count) {
    *count = COMMANDS;
    return commands;
}

void tool_help(const struct command_text *command) {
    if (command == NULL) {
        (void)printf("usage: autoenc COMMAND ...   train and run autoencoders\n\n");
        for (size_t i = 0; i < COMMANDS; i++) {
            (void)printf("  %-12s %-12s %s\n", commands[i].name, commands[i].operands, commands[i].summary);
        }
        (void)printf("  %-12s %-12s %s\n\n", "help", "[COMMAND]", "print this, or a command's options and examples");
        (void)printf("DATA and results are .npy, CSV or IDX (also gzip); '-' is standard input or output.\n");
        return;
    }
    (void)printf("usage: autoenc %s%s%s [options]   %s\n\n", command->name, command->operands[0] != '\0' ? " " : "",
                 command->operands, command->summary);
    tool_options_list(command->command);
    (void)printf("\n");
    if (command->operand_count > 0 && command->command != COMMAND_INFO) {
        (void)printf("DATA is .npy, CSV (comma, semicolon, tab or blanks; with or without a header) or IDX, whose\n"
                     "bytes are scaled to [0,1]; .npy and IDX also gzip; '-' is standard input.\n");
    }
    (void)printf("%s\nexamples:\n%s", command->more, command->examples);
}

int tool_context_create(const struct options *options, aenc_context **out) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    aenc_context_options asked = {.struct_size = sizeof asked};
    asked.seed = options->seed;
    asked.threads = options->threads;
    asked.blas_threads = options->blas_threads;
    if (asked.threads == 0) asked.threads = processors < 1 ? 1 : processors;
    aenc_status status = aenc_context_create(&asked, out);
    if (status == AENC_OK) return TOOL_OK;
    return tool_fail("no context with %lld threads: %s", (long long)asked.threads, aenc_status_name(status));
}

static int print_version(const struct options *options) {
    aenc_context *ctx = NULL;
    int status = tool_context_create(options, &ctx);
    if (status != TOOL_OK) return status;
    const char *gzip = tool_gunzip_version(), *png = tool_picture_version();
    (void)printf("autoenc %s\n%s", aenc_version_string(), aenc_build_info(ctx));
    (void)printf("gzip: %s%s\n", gzip != NULL ? "zlib " : "no (built without zlib)", gzip != NULL ? gzip : "");
    (void)printf("pictures: %s%s\n", png != NULL ? "libpng " : "no (built without libpng)", png != NULL ? png : "");
    aenc_context_free(ctx);
    return TOOL_OK;
}

static int run(const struct options *options) {
    switch (options->command) {
    case COMMAND_TRAIN: return tool_train(options);
    case COMMAND_DETECT: return tool_detect(options);
    case COMMAND_INFO: return tool_info(options);
    case COMMAND_PCA: return tool_pca(options);
    case COMMAND_CLASSIFY: return tool_classify(options);
    case COMMAND_VERSION: return print_version(options);
    case COMMAND_SWEEP: return tool_sweep(options);
    case COMMAND_INTERPOLATE: return tool_interpolate(options);
    case COMMAND_PROBE: return tool_probe(options);
    default: return tool_use(options);
    }
}

static int help(const char *name) {
    for (size_t i = 0; name != NULL && i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            tool_help(&commands[i]);
            return TOOL_OK;
        }
    }
    if (name != NULL) return tool_usage("help: unknown command '%s'; see: autoenc help", name);
    tool_help(NULL);
    return TOOL_OK;
}

int main(int argc, char **argv) {
    static char version[] = "version";
    struct options options;
    (void)signal(SIGXFSZ, SIG_IGN); /* a file-size limit then is an error of write, like a full disk */
    if (argc < 2) return tool_usage("no command; see: autoenc help");
    const char *first = argv[1];
    int status = TOOL_OK;
    if (strcmp(first, "help") == 0 || strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        status = help(argv[2]);
    } else {
        if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) argv[1] = version;
        status = tool_options_parse(argc, argv, &options);
        if (status == TOOL_OK) status = options.help ? help(options.command_name) : run(&options);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (status == TOOL_OK) status = tool_fail("standard output: cannot be written");
    }
    return status;
}
