/* options.h - the command line as a struct.
 *
 * Every option is one row of the table in option_table.c: its kind, its place in the struct, the commands that take it,
 * its range and its line in the help. A number that was not given is 0 (lr and the like: no default of the tool's own).
 */
#ifndef TOOL_OPTIONS_H
#define TOOL_OPTIONS_H

#include <autoenc/autoenc.h>

#include "data.h"
#include "output.h"

enum command {
    COMMAND_TRAIN = 1,
    COMMAND_ENCODE = 2,
    COMMAND_DECODE = 4,
    COMMAND_RECONSTRUCT = 8,
    COMMAND_SCORE = 16,
    COMMAND_INFO = 32,
    COMMAND_VERSION = 64,
    COMMAND_PCA = 128,
    COMMAND_DETECT = 256,
    COMMAND_SWEEP = 512,
    COMMAND_INTERPOLATE = 1024,
    COMMAND_PROBE = 2048,
    COMMAND_CLASSIFY = 4096,
    COMMAND_HELP = 8192,
    COMMAND_SAMPLE = 16384,
    COMMAND_EDIT = 32768
};

enum { WIDTHS_MAX = 64, THREADS_MAX = 1024 }; /* threads: as many as the library takes */

struct widths {
    size_t value[WIDTHS_MAX];
    size_t count;
};

/* --encoder and --decoder: layers.h */
struct layers {
    const char *text;     /* NULL: not given */
    struct widths widths; /* where there is nothing but widths */
};

enum { SPECS_MAX = 32 };

/* How codes are drawn besides their principal components. */
enum map { MAP_PCA, MAP_TSNE };

struct specs {
    const char *value[SPECS_MAX];
    size_t count;
};

struct options {
    enum command command;
    const char *command_name;
    const char *operand[2];
    size_t operand_count;
    bool help;

    struct layers encoder, decoder;
    const char *activation, *code_activation, *output, *loss, *init, *scaling,
        *bottleneck;        /* specs: the library knows the names */
    const char *likelihood; /* a loss that is one; where it is given, loss is the same */
    struct specs penalties, corruptions;
    struct specs fields, valid_fields; /* "NAME=DATA": row_fields.h */
    struct specs conditions;           /* names of fields */
    bool tied;
    const char *model_json, *start; /* paths */

    const char *optimizer, *schedule; /* specs */
    double lr, clip_norm, clip_value, min_improvement;
    int64_t epochs, batch, patience;

    const char *valid; /* a path or a share */
    double validation_fraction;
    const char *target, *valid_target, *labels, *log, *pictures, *out; /* paths */
    const char *save, *model, *threshold;                              /* paths of detectors; a spec */
    double noise;
    const char *score;        /* of a detector with a bottleneck: a name; NULL: elbo */
    const char *part;         /* of score: a result; NULL: all */
    const char *result;       /* of encode: a name; NULL: the code */
    const char *valid_labels; /* a path */
    int64_t pretrain;         /* epochs; 0: none */
    const char *pretrain_corrupt, *pretrain_penalty, *pretrain_optimizer; /* specs */
    const char *checkpoint, *checkpoint_every;                            /* a path; steps, or seconds with an s */
    const char *components, *method;                                      /* a count or a share; a spec */
    struct image_shape image;
    struct widths codes, hidden, picked; /* of sweep: sizes of the code, widths before it; rows from 1 */
    const char *test, *test_labels;      /* paths */
    const char *probe;                   /* a spec */
    int64_t rows;                        /* of samples; 0: not given */
    const char *toward, *from;           /* of edit: classes */
    double strength;                     /* of edit; 0: not given */
    struct specs as;                     /* of edit: a field of what is decoded */
    double temperature;                  /* of samples; 0: not given */
    bool draws;                          /* of samples: from the likelihood */
    int64_t samples;                     /* of score, for each row; 0: none */
    int64_t steps;                       /* of an interpolation, of a detector's training; 0: the default */
    bool spherical;
    int header, labels_header; /* enum header: of data, of labels */
    int map;                   /* enum map */
    int missing;               /* enum missing */
    int bytes;                 /* 0: unsigned bytes are divided by 255; 1: they stay */
    char separator, decimal;   /* of a CSV; 0: found out */
    const char *columns, *drop, *offset, *array;
    int format; /* enum format */
    bool features, json, quiet, resume, verbose, whiten, scores_only;
    bool man;               /* of help */
    const char *completion; /* of help: a shell */

    uint64_t seed;
    int64_t threads;
    const char *blas_threads;
};

/* Fills *out from argv[1] on. TOOL_USAGE with a message that names the option. */
int tool_options_parse(int argc, char **argv, struct options *out);

/* Says why the library refused. TOOL_USAGE when its message names the value of an option, which is then named too. */
int tool_library_failed(const struct options *options, const aenc_context *ctx, aenc_status status);
/* The same where cells of these tables (NULL: not there) may be to blame: they
 * are named with their file and column. */
struct tables {
    const struct data *x, *target, *valid, *valid_target;
};
int tool_library_refused(const struct options *options, const aenc_context *ctx, aenc_status status,
                         const struct tables *tables);

/* A context as the options ask for it. */
int tool_context_create(const struct options *options, aenc_context **out);
/* How the options want data read. */
struct data_options tool_data_options(const struct options *options);
/* Whether they ask for something else than the file's own floats. */
bool tool_data_changed(const struct options *options);
/* The same for labels: they are one column of their own, and bytes stay. */
struct data_options tool_label_options(const struct options *options);

#endif
