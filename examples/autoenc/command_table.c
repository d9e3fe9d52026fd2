/* command_table.c - the table of commands. */
#include <string.h>

#include "commands.h"
#include "option_table.h"

static const struct command_row commands[] = {
    {COMMAND_TRAIN, "train", "DATA", "-o MODEL", tool_train, "Train a model on DATA and save it",
     "The network is given by --encoder, --model-json or --start. With --valid the parameters of the best epoch are "
     "saved.\n\n"
     "Ctrl-C (or SIGTERM, SIGHUP) finishes the step, saves the model and ends with status 3; a second one ends the run "
     "at "
     "once.",
     "autoenc train digits.npy --encoder 32,8 --valid 0.1 --epochs 50 -o digits.safetensors\n"
     "autoenc train train-images-idx3-ubyte.gz --valid t10k-images-idx3-ubyte.gz --encoder 128,64,32 \\\n"
     "    --activation relu --output sigmoid --loss mse --optimizer adam --lr 1e-3 --schedule cosine \\\n"
     "    --batch 128 --epochs 5 --seed 1 -o mnist.safetensors --log run.jsonl --pictures pictures\n"
     "autoenc train noisy.csv --target clean.csv --encoder 64,16 --valid 0.2 --patience 5 -o denoise.safetensors\n"
     "autoenc train digits.npy --labels digits_labels.npy --loss cross_entropy:classes=10 --encoder 64,32 \\\n"
     "    --pretrain 10 --pretrain-corrupt mask:level=0.25 -o classes.safetensors\n"
     "autoenc train digits.npy --encoder 64,4 --bottleneck gaussian --likelihood bernoulli \\\n"
     "    -o variational.safetensors\n"
     "autoenc train digits.npy --field label=digits_labels.npy --condition label --encoder '64 relu 8' \\\n"
     "    --bottleneck gaussian --likelihood bernoulli -o conditional.safetensors\n"},
    {COMMAND_ENCODE, "encode", "MODEL DATA", "", tool_use, "Write the code of every row",
     "The code of a variational model is the mean; --result log_variance and --result sample are the rest.",
     "autoenc encode digits.safetensors digits.npy -o code.npy\n"
     "cat digits.csv | autoenc encode digits.safetensors - | head\n"},
    {COMMAND_DECODE, "decode", "MODEL DATA", "", tool_use, "Write the decoder's output for every code", "",
     "autoenc decode digits.safetensors code.npy -o out.npy\n"},
    {COMMAND_RECONSTRUCT, "reconstruct", "MODEL DATA", "", tool_use, "Write the reconstruction of every row", "",
     "autoenc reconstruct digits.safetensors digits.npy -o out.npy --image 8x8 --pictures pictures\n"
     "autoenc reconstruct conditional.safetensors digits.npy --field label=3 -o threes.npy\n"},
    {COMMAND_SCORE, "score", "MODEL DATA", "", tool_use, "Write the loss of every row; high: unlike the training data",
     "Of a detector (detect --save) the detector's scores are written.",
     "autoenc score digits.safetensors digits.npy -o scores.csv\n"
     "autoenc score digits.safetensors digits.npy --features -o features.npy\n"
     "autoenc score variational.safetensors digits.npy --part kl -o kl.npy\n"},
    {COMMAND_CLASSIFY, "classify", "MODEL DATA", "", tool_classify, "Write the class of every row",
     "With --labels the share of correct classes is reported.",
     "autoenc classify classes.safetensors digits.npy --labels digits_labels.npy -o classes.csv\n"},
    {COMMAND_DETECT, "detect", "DATA", "", tool_detect, "Fit an anomaly detector to DATA and score rows",
     "The rows of DATA are scored, or those of --test; high scores mark rows unlike the others. Columns are raw: their "
     "scales "
     "are learned. The training rows may contain anomalies. With --model nothing is fitted: a saved detector scores "
     "DATA.\n\n"
     "A CSV result has a header and the fields row (from 1), score, probability, flag (1 where the score is above the "
     "threshold) and column (the one that adds most to the score); .npy and IDX have the scores.",
     "autoenc detect table.csv --threshold fpr:rate=0.01 --save detector.safetensors -o scores.csv\n"
     "autoenc detect table.csv --bottleneck gaussian:units=4 --save vae.safetensors -o scores.csv\n"
     "autoenc detect train.npy --test test.npy --labels labels.npy -o scores.npy\n"
     "autoenc detect new.csv --model detector.safetensors -o scores.csv\n"},
    {COMMAND_PCA, "pca", "DATA", "-o MODEL", tool_pca, "Compute the principal components of DATA as a model",
     "The commands encode, decode, reconstruct, score and info take the model. One pass is made over the data; .npy "
     "files may "
     "be larger than memory.",
     "autoenc pca digits.npy --components 0.95 -o pca.safetensors --pictures pictures --image 8x8\n"
     "autoenc pca train-images-idx3-ubyte.gz --components 30 --whiten -o mnist.safetensors\n"},
    {COMMAND_SWEEP, "sweep", "DATA", "--codes SIZES", tool_sweep,
     "Train a model for each size of the code; compare with PCA",
     "Errors are mean squared errors per value. Without --valid every tenth row is held out.",
     "autoenc sweep digits.npy --codes 2,4,8,16,32 --log sweep.jsonl --pictures pictures\n"},
    {COMMAND_INTERPOLATE, "interpolate", "MODEL DATA", "--rows A,B -o FILE", tool_interpolate,
     "Draw or write the decoded codes between rows", "A FILE that ends in .png is drawn; any other gets the rows.",
     "autoenc interpolate digits.safetensors digits.npy --rows 3,17,5,9 --image 8x8 -o strip.png\n"},
    {COMMAND_SAMPLE, "sample", "MODEL", "", tool_sample, "Draw codes from the prior of MODEL and decode them",
     "A FILE that ends in .png is drawn; any other gets the rows. --pictures draws them too, and for codes of two "
     "elements "
     "a grid over the plane of codes. --image states how large the images are.",
     "autoenc sample conditional.safetensors --field label=3 --draws --rows 1000 -o drawn.npy\n"
     "autoenc sample conditional.safetensors --field label=3 --rows 64 --seed 2 --image 8x8 -o threes.png\n"
     "autoenc sample conditional.safetensors --field label=0,1,2,3,4,5,6,7,8,9 --rows 100 --temperature 0.8 \\\n"
     "    --image 8x8 --pictures pictures\n"},
    {COMMAND_EDIT, "edit", "MODEL DATA", "--rows A,B,... -o FILE", tool_edit,
     "Change an attribute of rows, by their codes or by a field",
     "A FILE that ends in .png is drawn, a line for each row; any other gets the rows, a step behind the other.",
     "autoenc edit digits.safetensors digits.npy --labels digits_labels.npy --toward 8 --rows 1,2,3 --image 8x8 \\\n"
     "    -o eights.png\n"
     "autoenc edit conditional.safetensors digits.npy --field label=digits_labels.npy --as label=0,1,2,3,4 \\\n"
     "    --rows 1,2,3 --image 8x8 -o styles.png\n"},
    {COMMAND_PROBE, "probe", "MODEL DATA", "--labels DATA", tool_probe, "Measure how well codes predict labels",
     "Without --test every fifth row is left out of the fit of the probes, and the accuracy is measured on these.",
     "autoenc probe digits.safetensors digits.npy --labels digits_labels.npy\n"},
    {COMMAND_INFO, "info", "MODEL [DATA]", "", tool_info, "Print the description and parameters of a model",
     "With DATA the code of a variational model is measured: its KL to the prior, split into what it states of the row "
     "(mutual "
     "information) and how far all codes together are from the prior.",
     "autoenc info digits.safetensors\n"
     "autoenc info variational.safetensors digits.npy\n"
     "autoenc info digits.safetensors --json > model.json\n"},
    {COMMAND_VERSION, "version", "", "", tool_version, "Print versions, the BLAS library and its kernels", "",
     "autoenc version\n"},
    {COMMAND_HELP, "help", "[COMMAND]", "", tool_help_command, "Print the help of the tool or of a command", "",
     "autoenc help train\n"
     "autoenc help --man | man -l -\n"
     "autoenc help --completion bash > ~/.local/share/bash-completion/completions/autoenc\n"},
};

const struct command_row *tool_command_rows(size_t *count) {
    *count = sizeof commands / sizeof *commands;
    return commands;
}

const struct command_row *tool_command_find(const char *name) {
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, name) == 0) return &commands[i];
    }
    return NULL;
}

size_t tool_command_operands(const struct command_row *row, size_t *least) {
    size_t most = 0;
    *least = 0;
    for (const char *at = row->operands; *at != '\0';) {
        most++;
        *least += *at != '[';
        at += strcspn(at, " ");
        at += *at == ' ';
    }
    return most;
}
