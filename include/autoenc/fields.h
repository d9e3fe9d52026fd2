/* fields.h - data of any type and shape, by the names of a model's fields (docs/fields.md). autoenc.h includes it, and says what
 * holds for every call.
 *
 *   arrays      float32, uint8 or int32, of any number of dimensions, with a name
 *   sources     rows from memory, files and streams, with as many fields as they have
 *   sums        what training in several processes adds up
 *   run         any fields in, any results out
 *   sample      codes from a prior, decoded
 *   ports       what a model takes and gives
 *
 * Fields     "input"; "target", what the output is compared with (not given: the input); "weight", how much a row counts in
 *            training; "code", in the input's place where codes are decoded; and those that the model's description declares.
 *            Each has dimensions per row and a rule that its values keep: AENC_ERR_ARGUMENT names field and place otherwise. One
 *            that is needed and not given is refused by name before anything runs.
 * Types      Data are read where they are and never copied as a whole. uint8 in a field of numbers (AENC_RULE_NUMBER, _UNIT)
 *            stands for 0 to 1: it is divided by 255. In the others, and in "weight", it stands for itself.
 */
#ifndef AUTOENC_FIELDS_H
#define AUTOENC_FIELDS_H

#include <autoenc/autoenc.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Arrays ---- */

/* Elements in memory; the first dimension are rows. Pointers to arrays are passed, so that the struct can grow. */
typedef struct aenc_array {
    size_t struct_size;
    const char *name;   /* of a field or of a result */
    void *data;         /* only read where the array is handed in; aligned to its elements */
    size_t size;        /* bytes behind data */
    const size_t *dims; /* {rows, ...}: those of a row as the model has them, or one of both flat */
    /* elements from one index to the next, per dimension; NULL: dense, row-major. Rows may lie apart, what is in one lies
     * together: others are AENC_ERR_UNSUPPORTED */
    const int64_t *strides;
    size_t rank;    /* of dims and strides */
    int32_t type;   /* AENC_TYPE_...; 0: AENC_TYPE_F32 */
    int32_t device; /* 0: memory; there is no other yet */
} aenc_array;

/* ---- Sources: rows that are not in memory ---- */

/* Writes up to `rows` rows, and their targets (NULL when target_cols is 0), dense, and states in *got how many. weight
 * is filled with 1 and may be changed. *got 0 is the end of the pass. Positive ends the call, which uses none of the batch that
 * was being filled; negative fails, with the row in the message. */
typedef int (*aenc_read_callback)(void *user, float *input, float *target, float *weight, size_t rows, size_t *got);
/* Makes `position` (a row, from 0) what is read next. Its results are as of read. */
typedef int (*aenc_seek_callback)(void *user, uint64_t position);

/* A stream of rows. It is taken in order, batch by batch; what is worth shuffling, the source shuffles. The callbacks run
 * on the thread that called aenc_fit_source; with read_ahead, read and seek run on one thread of the library's during
 * the fit, while the batch before is trained on, and must not use the context. */
typedef struct aenc_source_callbacks {
    size_t struct_size;
    size_t cols;        /* floats of a row */
    size_t target_cols; /* floats of its target; 0: the input is the target */
    uint64_t rows;      /* of one pass, exactly; 0: unknown or endless */
    aenc_read_callback read;
    /* It is called at the beginning of every fit and of every further pass. NULL: the source has one pass, the fit ends with
     * it, and cannot be resumed. */
    aenc_seek_callback seek;
    aenc_release_callback release; /* with the source; see Release in autoenc.h. NULL: nothing to do */
    void *user;
    int64_t read_ahead; /* 1: fill the next batch while one is trained on; 0: do not */
} aenc_source_callbacks;

/* A view on a matrix, whose numbers are borrowed as long as the source lives. */
AENC_API aenc_status aenc_source_matrix(aenc_context *ctx, const aenc_matrix *matrix, aenc_source **out);
/* A .npy file, read-only and mapped: what fits in memory stays there, what does not is read again. '<f4', '<i4' or '|u1' in C
 * order with at least two dimensions; AENC_ERR_UNSUPPORTED for others. The file must not shrink while the source lives: the
 * system would end the process. */
AENC_API aenc_status aenc_source_npy(aenc_context *ctx, const char *path, aenc_source **out);
/* The struct is copied. */
AENC_API aenc_status aenc_source_callback(aenc_context *ctx, const aenc_source_callbacks *callbacks, aenc_source **out);
AENC_API void aenc_source_free(aenc_source *source);
/* Rows of one pass, 0 for unknown or endless; floats of a row. 0 for NULL. */
AENC_API uint64_t aenc_source_rows(const aenc_source *source);
AENC_API size_t aenc_source_cols(const aenc_source *source);

/* Rows of several fields in memory, borrowed as long as the source lives; all have as many rows. The structs,
 * their names and dimensions are copied. */
AENC_API aenc_status aenc_source_arrays(aenc_context *ctx, const aenc_array *const *arrays, size_t count,
                                        aenc_source **out);
/* A .npy file for each field, as aenc_source_npy takes it; of one dimension too, for fields of one value per row. */
AENC_API aenc_status aenc_source_files(aenc_context *ctx, const char *const *names, const char *const *paths,
                                       size_t count, aenc_source **out);

/* What read of an aenc_stream fills; valid during the call. */
typedef struct aenc_fill {
    size_t struct_size;
    size_t rows; /* there is room for */
    size_t got;  /* 0; to be set to how many were written. Left 0: the pass ends */
    size_t field_count;
    void *const *data;  /* of each field, in the order of the stream's: where its rows go, dense */
    const size_t *size; /* bytes of that room */
} aenc_fill;

/* Results as of aenc_read_callback. */
typedef int (*aenc_fill_callback)(void *user, aenc_fill *fill);

/* A stream of rows with any fields. All that is said of aenc_source_callbacks holds. A "weight" of type float32 is filled with 1
 * beforehand. */
typedef struct aenc_stream {
    size_t struct_size;
    /* name, type, and of one row rank and dims (rank 0: one value); the rest stays 0. Copied */
    const aenc_array *const *fields;
    size_t field_count; /* 1 to 16, "input" among them */
    uint64_t rows;      /* of one pass, exactly; 0: unknown or endless */
    aenc_fill_callback read;
    aenc_seek_callback seek;
    aenc_release_callback release;
    void *user;
    int64_t read_ahead;
} aenc_stream;
AENC_API aenc_status aenc_source_stream(aenc_context *ctx, const aenc_stream *stream, aenc_source **out);

/* aenc_fit from a source of the same context, borrowed for the call. Matrices and files are shuffled as aenc_fit does and
 * give the same bits; a stream is taken in order, needs steps_per_epoch where it does not state its rows, brings its own
 * targets and cannot be split (validation_fraction). What a resumed run compares: every number of a matrix or file of up to 1 GiB, the
 * size and 4096 rows of a larger one, of a stream what it states (its data can be known by run_key). Nothing is allocated but two batches, and 8 bytes per row for shuffling.
 * Numbers are checked as they come: AENC_ERR_NONFINITE with the row; the model has its last whole step. Fields that the model
 * does not have are not looked at. A stream as valid_source needs seek, must be another source, and its passes must end. */
AENC_API aenc_status aenc_fit_source(aenc_model *model, aenc_source *source, const aenc_fit_options *options);

/* ---- Sums: training in several processes ---- */

/* What a step is made of, before clipping and update: sums over its rows, each with its weight. A program that trains in several
 * processes, each on rows of its own, replaces all of them by their sums over the processes (docs/training.md).
 *
 * reduce of aenc_fit_options is called with them once in each step, and in each turn of a further player, in the middle of it: it may
 * call what operations may. A step that it ends has changed nothing. */
typedef struct aenc_sums {
    size_t struct_size;
    /* of the parameters, in one block that models of one description lay out alike; 0 where nothing is trained */
    float *gradients;
    size_t gradient_count; /* floats of it */
    double *terms;         /* as aenc_model_term_name; 0 of those that are another player's */
    size_t term_count;
    /* of the rows in all: their number, where they have no weights. What is applied is gradients / weight */
    double weight;
} aenc_sums;

/* ---- Run ---- */

/* Results of a model, each with a row for each row of the fields:
 *
 *   "code"           what aenc_encode returns          "score"          aenc_score: needs "target", or an input that is its own
 *   "output"         aenc_reconstruct; of "code", if   "features"       aenc_score_features: likewise
 *                    that is given and "input" is not  "jacobian_norm"  aenc_jacobian_norm
 *   "reconstruction" the score without the terms of the bottleneck: of a variational model what the negative ELBO has beside its KL
 *   "draw"           values drawn from the likelihood that the output states ("bernoulli" and the other likelihoods, "bce",
 *                    "gaussian_nll", "cross_entropy"), in the units of the target; AENC_ERR_UNSUPPORTED of other losses
 *   "encoder.1"      what comes out of the layer of that name path; of "encoder", "decoder" and "bottleneck" what comes out of all of it
 *   others           what the bottleneck or a layer has named: of `gaussian` "mean", "log_variance", "kl" (of each element), "sample" (drawn) and
 *                    "typicality", | E |z|^2 - d | / sqrt(2 d) of a code z of d elements
 *
 * aenc_model_port lists those of a model. */
typedef struct aenc_run_options {
    size_t struct_size;
    uint64_t seed; /* of what is drawn: "sample", "draw" and the scores of a variational model; 0: the model's */
    /* Above 0: "score", alone, is -log p(x) in nats, estimated by importance sampling with so many draws from q(z | x) (Burda et
     * al. 2016): -log mean p(x | z) p(z) / q(z | x). Memory does not grow with them. The loss must be a likelihood and a sum;
     * AENC_ERR_UNSUPPORTED also where the bottleneck has no density. */
    size_t samples;
} aenc_run_options;

/* The fields in `in` through the model in one pass; the results named in `out`, 16 at most, are written there, float32. Each has the
 * bits that it has alone where the values of 128 rows take at most 16 MiB: larger rows go through fewer at a time, and a CBLAS may
 * round otherwise. Arrays of out have as many rows as those of in, and must not overlap with them. options may be NULL. */
AENC_API aenc_status aenc_run(aenc_model *model, const aenc_run_options *options, const aenc_array *const *in,
                              size_t in_count, const aenc_array *const *out, size_t out_count);
/* The same of all rows of a source, from its first on: of a stream, one pass. out have room for at least as many rows; *rows (may be
 * NULL) is how many there were, or came before a stop (read, operation, cancel). More rows than room are AENC_ERR_SHAPE. */
AENC_API aenc_status aenc_run_source(aenc_model *model, const aenc_run_options *options, aenc_source *source,
                                     const aenc_array *const *out, size_t out_count, size_t *rows);

/* aenc_run by a runner, with all that is said of aenc_runner_run: `in` has the fields, `out` all results that the runner was made for
 * (aenc_runner_options.results, or the one of its task), in any order. aenc_model_port has their sizes. Without "target" scores
 * compare with the input, if they can. Why it failed: aenc_runner_message. */
AENC_API aenc_status aenc_runner_run_arrays(aenc_runner *runner, const aenc_array *const *in, size_t in_count,
                                            const aenc_array *const *out, size_t out_count);

/* ---- Sample ---- */

typedef struct aenc_sample_options {
    size_t struct_size;
    uint64_t seed;      /* of the draws; 0: the model's */
    double temperature; /* by which the prior's deviations are multiplied; 0: 1 */
} aenc_sample_options;

/* Draws a code from the prior of the model's bottleneck for each row of `out`, and decodes it. Results are "code", "output" (what
 * aenc_decode makes of it), "draw" (values drawn from the likelihood of the loss, see above), and what comes out of layers behind the code. `in` has the fields that the decoder reads, such as a
 * condition, with as many rows; in_count may be 0. Row r follows from the seed, r and its fields alone, with the same bits whatever
 * rows go with it and on any number of threads. AENC_ERR_UNSUPPORTED where the bottleneck has no prior. options may be NULL. */
AENC_API aenc_status aenc_sample(aenc_model *model, const aenc_sample_options *options, const aenc_array *const *in,
                                 size_t in_count, const aenc_array *const *out, size_t out_count);

/* ---- Ports ---- */

enum {
    AENC_PORT_FIELD = 10,
    AENC_PORT_RESULT = 20,
    AENC_PORT_LAYER = 30 /* a result too: what comes out of the layer of that name path */
};
enum {
    AENC_RULE_NUMBER = 10,  /* finite */
    AENC_RULE_UNIT = 20,    /* from 0 to 1 */
    AENC_RULE_BINARY = 30,  /* 0 or 1 */
    AENC_RULE_CLASSES = 40, /* whole, from 0 to count - 1 */
    AENC_RULE_LENGTH = 50   /* whole, from 1 to count */
};

/* A field that a model takes, or a result that it gives. */
typedef struct aenc_port {
    size_t struct_size;
    const char *name; /* valid as long as the model */
    size_t rank;      /* of one row; 0: one value */
    size_t dims[AENC_RANK_MAX];
    size_t size;     /* values of one row */
    int64_t count;   /* of AENC_RULE_CLASSES and AENC_RULE_LENGTH, else 0 */
    int32_t kind;    /* AENC_PORT_... */
    int32_t type;    /* what values are, converted from any: AENC_TYPE_F32; whole ones AENC_TYPE_I32 */
    int32_t rule;    /* AENC_RULE_... */
    int32_t trained; /* 1: a fit needs it */
} aenc_port;

/* Fields, then results. 0 for NULL. */
AENC_API size_t aenc_model_port_count(const aenc_model *model);
/* port->struct_size must be set; of a larger struct, what this library does not know is left as it is. */
AENC_API aenc_status aenc_model_port(aenc_model *model, size_t index, aenc_port *port);
/* Whether that result needs that field: *needed is 1 or 0. "target" counts as needed where the input cannot stand in. */
AENC_API aenc_status aenc_model_port_needs(aenc_model *model, const char *result, const char *field, int32_t *needed);

#ifdef __cplusplus
}
#endif

#endif
