/* autoenc.h - train and run autoencoders inside a C program.
 *
 * Read it from the top: it grows in the order in which a user meets things.
 *
 *   context     the home of everything: allocator, seed, threads, the last message
 *   model       described by widths, by layers or by JSON; all three arrive at the same thing
 *   fit         a matrix in, a trained model out
 *   use         encode, decode, reconstruct, score
 *   runner      the same from many threads at once, without allocating, in memory of yours
 *   files       save and load, to a path or to memory
 *   tensors     parameters by name, read and written
 *   the loop    gradients, optimizer and step, for a caller who writes the loop
 *   layers      networks of any other form
 *   fields.h    data of any type and shape by the names of fields, from files and streams too; several results at once
 *   use.h       what is done with a trained model: anomalies, codes, classes; and PCA as a model. Both are included at the end
 *   ops.h       layers, losses, penalties, corruptions of one's own, gradients checked; not included
 *
 * Errors     Fallible calls return AENC_OK or a negative status, and aenc_message(ctx) names the field and the value that
 *            were wrong: a place as an index, x[3, 5], counted from 0 as in C; a value in the fewest digits that read back as
 *            it; a shape by its dimensions, (2, 9). Where the first argument is NULL it goes to the next handle's context. On
 *            failure a result handed back through the last parameter is NULL and the model is as it was before the call.
 *            Calls that train step by step (aenc_fit, aenc_partial_fit, aenc_distill and their like) leave it as after their
 *            last whole step; without one, as before. What a success leaves can be saved and loaded.
 * Ownership  What a call hands back through `T **out` is yours: give it to T_free, which accepts NULL. Pointers passed
 *            in are borrowed until the call returns. Handles keep alive what they need, so the order of freeing is free.
 * Options    Set struct_size to sizeof the struct. A field that is zero or NULL means its documented default.
 * Names      "dense", "mse", "adam" ... carry settings as "name:key=value,key=value", spelled the same here, in the
 *            model file and on the command line; the model file's {"type":"adam","lr":0.01} is taken too.
 * Callbacks  What they may call. progress, and read and seek of a source without read_ahead: everything but calls that train
 *            in many steps (aenc_fit, aenc_partial_fit, aenc_pretrain, aenc_distill, those with _source, aenc_sweep) and calls
 *            that change a model in use by the running call; a student in training cannot be scored or evaluated. Plug-ins,
 *            operations, reduce, write, read and seek with read_ahead: aenc_message, names, sizes, counts, histories, tensors, cancels; plug-ins the
 *            calls of ops.h too. release and an allocator's functions: nothing. Other calls answer AENC_ERR_BUSY, from another
 *            thread than the running call's without a message, and have changed nothing (aenc_model_forget_optimizer does
 *            nothing). Handles may be freed in callbacks: what the running call works on goes when it ends.
 *            No C++ exception or longjmp may leave a callback: the call's handles and context could not be used or freed then.
 * Results    of callbacks. 0: go on. Positive: end the call, with AENC_OK and what there is so far; a call that has nothing to
 *            show then, such as a new model, ends with AENC_ERR_CANCELLED. Negative: the callback has failed, and the call ends
 *            with AENC_ERR_CALLBACK and a message that names callback and number. The library has statuses to come: any
 *            negative one is a failure.
 * Release    A `release` that is handed over beside a `user` is called exactly once with it: when the library uses it no longer, and
 *            before the call returns where that fails (but for a struct_size that does not reach it). On whichever thread that is.
 * Threads    A context and what belongs to it are used by one thread at a time; runners, cancels and freeing are the exceptions.
 *            Handles may be freed by any thread, also while another uses the context, but for a handle that a call of another
 *            thread is given. What the program hands over must allow that: an allocator several calls at once, a release any
 *            thread. Contexts share nothing: what a call takes belongs to one, but for the two models of aenc_model_copy and aenc_model_clone.
 * Text       Bytes up to a NUL. Paths go to the system as they are; messages are UTF-8, other bytes appear as \xNN.
 */
#ifndef AUTOENC_H
#define AUTOENC_H

#include <stddef.h>
#include <stdint.h>

#include <autoenc/version.h>

#ifndef AENC_API
#if defined(_WIN32)
#define AENC_API
#else
#define AENC_API __attribute__((visibility("default")))
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status ---- */
typedef int32_t aenc_status;
enum {
    AENC_OK = 0,
    AENC_ERR_ARGUMENT = -10,    /* a NULL, a value out of range, an unknown name */
    AENC_ERR_SHAPE = -20,       /* sizes that do not fit each other or overflow */
    AENC_ERR_NONFINITE = -30,   /* NaN or infinity in data handed in */
    AENC_ERR_NO_MEMORY = -40,   /* the allocator answered NULL */
    AENC_ERR_IO = -50,          /* the system refused to read or write */
    AENC_ERR_FORMAT = -60,      /* a file or a text that is not what it should be */
    AENC_ERR_DIVERGED = -70,    /* training met a loss or a gradient that is not finite */
    AENC_ERR_UNSUPPORTED = -80, /* understood, and not possible here */
    AENC_ERR_NO_GRADIENT = -90, /* a trained parameter lies below an op without derivative */
    AENC_ERR_VERSION = -100,    /* made for a newer library than this one */
    AENC_ERR_BUSY = -110,       /* from within a callback that may not make this call: see Callbacks above */
    AENC_ERR_CALLBACK = -120,   /* a callback returned a negative number */
    AENC_ERR_CANCELLED = -130,  /* ended before there was a result */
    AENC_ERR_INTERNAL = -200    /* a defect of the library */
};

/* The constant's name, such as "AENC_ERR_SHAPE"; "unknown status" for other numbers. Static; never NULL. */
AENC_API const char *aenc_status_name(aenc_status status);

/* As AENC_VERSION_NUMBER of the library that is running. */
AENC_API int32_t aenc_version_number(void);
/* "major.minor.patch"; static. */
AENC_API const char *aenc_version_string(void);

/* ---- Context ---- */
typedef struct aenc_context aenc_context;

/* What the library allocates with: both functions or neither. `alignment` is a power of two, at most 64. allocate returns NULL
 * when it cannot. Called by the threads that use the context and its runners and by those that free handles, so by several at once
 * if these are: see Threads. */
typedef void *(*aenc_allocate_callback)(void *user, size_t size, size_t alignment);
typedef void (*aenc_deallocate_callback)(void *user, void *block, size_t size, size_t alignment);
/* Of what was handed over with `user`: the library does not use it any longer. */
typedef void (*aenc_release_callback)(void *user);

typedef struct aenc_context_options {
    size_t struct_size;
    uint64_t seed;   /* every random number follows from it, unless a model has its own; 0 is a seed like any other */
    int64_t threads; /* worker threads, the caller's included; 0: 1; results do not depend on it */
    aenc_allocate_callback allocate;
    aenc_deallocate_callback release;
    void *allocator_user;
    /* The CBLAS's own process-wide thread count. NULL or "1": set to one when the context is created, for the whole
     * process, where the provider allows it (OpenBLAS, BLIS). "leave": untouched; then results may depend on it. */
    const char *blas_threads;
    char *error;       /* receives why no context could be created, cut to fit; "" otherwise. NULL: not wanted */
    size_t error_size; /* bytes of that room, the NUL included */
} aenc_context_options;

/* options may be NULL. *out is NULL on failure. An options struct whose struct_size is no size of one has no error either. */
AENC_API aenc_status aenc_context_create(const aenc_context_options *options, aenc_context **out);
AENC_API void aenc_context_free(aenc_context *ctx);
/* Why the last failing call on this context, or on what belongs to it, failed. Valid until the next failing call;
 * "" before the first. Never NULL; a NULL context has a message that says so. */
AENC_API const char *aenc_message(const aenc_context *ctx);
/* Ends the running calls that take long: one that trains at its next step, as aenc_model_cancel does (AENC_OK, AENC_STOPPED_CANCEL),
 * any other with AENC_ERR_CANCELLED at its next block of rows or iteration; then it has changed nothing, but its outputs may be
 * partly written. So do those that begin later, training included, until it is cleared: no cancel is lost, and none goes
 * unnoticed. Long are calls that train, fit a PCA or a detector, search, group, probe, sort scores, check gradients, or take rows
 * through a model; others go on, and so do runners. From any thread and from a signal handler, as long as ctx is there. NULL-safe. */
AENC_API void aenc_context_cancel(aenc_context *ctx);
/* Returns 1 if there was a cancel to be cleared. Likewise. */
AENC_API int32_t aenc_context_clear_cancel(aenc_context *ctx);
/* One "key: value" per line: version, the CBLAS underneath and its kernels, instruction set, threads, and a line that
 * begins with "warning:" when the CBLAS runs slower kernels than this processor has. Valid as long as ctx. */
AENC_API const char *aenc_build_info(aenc_context *ctx);

/* ---- Data ---- */
/* Row-major float32, one datum per row; row r begins at data + r * stride. stride is in floats; 0 means cols. */
typedef struct aenc_matrix {
    const float *data;
    size_t rows, cols, stride;
} aenc_matrix;

/* ---- Model ---- */
typedef struct aenc_model aenc_model;
typedef struct aenc_layer aenc_layer;
typedef struct aenc_source aenc_source; /* rows from anywhere: fields.h */

/* An autoencoder. Either widths (encoder_widths ends with the code, and the decoder mirrors it unless decoder_widths is
 * given) or layers (encoder_layers; the decoder mirrors them unless decoder_layers or decoder_widths is given). */
typedef struct aenc_model_options {
    size_t struct_size;
    const size_t *input;          /* dimensions of one datum: {784}, {28, 28}, {channels, height, width} */
    size_t input_rank;            /* 1 to 5 */
    const size_t *encoder_widths; /* {128, 64, 32}: two hidden layers and a code of 32 */
    size_t encoder_count;
    const size_t *decoder_widths; /* hidden widths from code to output, without the output; NULL: mirrored */
    size_t decoder_count;
    const char *activation;           /* of hidden layers; NULL: "relu" */
    const char *code_activation;      /* NULL: "identity", a linear code */
    const char *output;               /* activation of the output; NULL: "identity" */
    const char *loss;                 /* NULL: "mse" */
    const char *init;                 /* how weights start; NULL: each layer's own default */
    const aenc_layer *encoder_layers; /* a layer or container; borrowed for the call */
    const aenc_layer *decoder_layers;
    const char *const *penalties; /* specs, what training adds to the loss (docs/penalties.md): {"l1:weight=1e-3"} */
    size_t penalty_count;
    const char *const *corruptions; /* specs, what training does to the input: {"mask:level=0.3"} */
    size_t corruption_count;
    int64_t tied; /* 1: each dense layer of the mirrored decoder uses the transpose of its encoder's weight */
    /* "standard", "minmax", "robust": raw numbers in and out, scaled ones inside (docs/anomaly.md). Learned by the first fit
     * from the rows that it trains on, then fixed; losses and scores are of scaled numbers. NULL: none */
    const char *scaling;
    /* between encoder and decoder (docs/variational.md): "gaussian:units=20"; NULL: "plain" */
    const char *bottleneck;
    /* what a row has besides input and target (docs/fields.md): {"label=classes:count=10"} */
    const char *const *fields;
    size_t field_count;
    const char *const *conditions; /* names of fields that encoder and decoder see beside their input: {"label"} */
    size_t condition_count;
    const uint64_t *seed; /* all its random numbers follow from it; saved with the model. NULL: the context's seed */
    /* what tensors are called in foreign files (docs/format.md): {"encoder.0.weight=fc.weight"} */
    const char *const *aliases;
    size_t alias_count;
} aenc_model_options;

/* Creates the model with freshly drawn parameters. The same seed, the model's own or the context's, gives the same parameters. */
AENC_API aenc_status aenc_model_create(aenc_context *ctx, const aenc_model_options *options, aenc_model **out);
/* The same from the JSON description that model files carry (docs/format.md). length in bytes. */
AENC_API aenc_status aenc_model_parse(aenc_context *ctx, const char *json, size_t length, aenc_model **out);
/* The same model once more, in ctx, which may be another context; it must know its plug-ins. ctx NULL: the model's; parameters then
 * take no memory until one of the two changes. training 1: also the moments of aenc_partial_fit and the counts of steps and epochs,
 * so that with the same seed it goes on with the same bits; 0: as if it were saved and loaded. */
AENC_API aenc_status aenc_model_clone(aenc_context *ctx, aenc_model *model, int32_t training, aenc_model **out);
AENC_API void aenc_model_free(aenc_model *model);

/* The JSON description, NUL-terminated; valid as long as the model. What aenc_model_freeze has frozen stands in files alone. */
AENC_API const char *aenc_model_description(const aenc_model *model);
/* Floats per row of input, of code, of output; elements of all parameters. 0 for NULL. */
AENC_API size_t aenc_model_input_size(const aenc_model *model);
AENC_API size_t aenc_model_code_size(const aenc_model *model);
AENC_API size_t aenc_model_output_size(const aenc_model *model);
AENC_API size_t aenc_model_parameter_size(const aenc_model *model);

/* ---- Fit ---- */
enum { AENC_EVENT_STEP = 10, AENC_EVENT_EPOCH = 20 };
/* What a fit does with the file at `checkpoint` when it begins. */
enum {
    AENC_RESUME_NEVER = 0,     /* nothing: the run begins anew and will replace it */
    AENC_RESUME_REQUIRED = 10, /* continues from it; AENC_ERR_IO when there is none */
    AENC_RESUME_IF_THERE = 20  /* continues from it, or begins anew when there is none */
};

/* What a run knows at an event; valid during the callback. A stop at a step is followed by the event of the epoch that it
 * cuts short. Losses are means per row over the epoch so far (train) or the whole set (valid). */
typedef struct aenc_progress {
    size_t struct_size;
    int64_t event;          /* AENC_EVENT_STEP, AENC_EVENT_EPOCH */
    int64_t epoch, epochs;  /* from 1; planned */
    int64_t step, steps;    /* in this epoch, from 1; planned */
    double train_loss;      /* every term together */
    double valid_loss;      /* NaN where there is no validation set or it was not scored to its end, and at steps */
    double learning_rate;   /* of the last step */
    double gradient_norm;   /* of the last step, before clipping */
    double seconds;         /* of this epoch so far */
    double best_valid_loss; /* NaN before the first */
    int64_t best_epoch;     /* 0 before the first */
} aenc_progress;

/* See Results at the top. */
typedef int (*aenc_progress_callback)(void *user, const aenc_progress *now);

struct aenc_sums; /* of a step, to be added up over processes: fields.h */
typedef int (*aenc_reduce_callback)(void *user, struct aenc_sums *sums);

typedef struct aenc_fit_options {
    size_t struct_size;
    const char *optimizer;     /* NULL: "adam" with lr=1e-3 */
    const char *schedule;      /* of the learning rate; NULL: "constant" */
    int64_t epochs;            /* 0: 20 */
    int64_t batch;             /* rows per step; 0: 128, and never more than there are; a last one: docs/layers.md */
    const aenc_matrix *target; /* what to reconstruct, row by row; NULL: the input itself */
    const aenc_matrix *valid;  /* held-out rows; NULL: none, or validation_fraction */
    const aenc_matrix *valid_target; /* NULL: valid itself; needed where target is given */
    double validation_fraction;      /* in [0, 1): share of the rows, drawn at random, held out when valid is NULL */
    int64_t patience;                /* stop after so many epochs without a better valid loss; 0: never */
    double min_improvement;          /* what counts as better, in units of the loss; 0: any */
    double clip_norm;                /* largest Euclidean norm of the gradient; 0: no limit */
    double clip_value;               /* largest magnitude of one of its elements; 0: no limit */
    aenc_progress_callback progress; /* on the thread that called */
    void *progress_user;
    int64_t steps_per_epoch;   /* an epoch ends after so many; 0: when every row has been seen once */
    const char *checkpoint;    /* path of a file from which the run can be continued; NULL: none is written */
    int64_t checkpoint_steps;  /* write it after every so many steps ... */
    double checkpoint_seconds; /* ... and when so many seconds have passed; both 0: after each epoch */
    int64_t resume;            /* AENC_RESUME_NEVER ... */
    const int32_t *labels;     /* for loss "cross_entropy", in place of target: the classes of x, from 0, row by row */
    size_t label_count;        /* x->rows times aenc_model_label_size */
    const int32_t *valid_labels; /* the same of valid */
    size_t valid_label_count;
    /* Kept in the checkpoint and compared byte by byte when the run is resumed: what makes it this run that the library cannot
     * know, such as a hash of the data behind a callback source, or what was done to the model before. NULL: "" */
    const char *run_key;
    const float *weight;       /* how much each row of x counts: not negative, not all of a batch 0; NULL: 1 */
    size_t weight_count;       /* x->rows */
    const float *valid_weight; /* the same of valid */
    size_t valid_weight_count;
    /* held-out rows with all their fields, in place of valid; of a stream a pass after each epoch; borrowed */
    const aenc_source *valid_source;
    /* declared fields of x's rows (autoenc/fields.h), of aenc_fit and aenc_partial_fit */
    const struct aenc_array *const *fields;
    size_t field_count;          /* at most 16 */
    aenc_reduce_callback reduce; /* on the thread that called. NULL: none */
    void *reduce_user;
} aenc_fit_options;

/* Trains. With a validation set, the parameters of the best epoch are kept at the end (when the run goes to its end,
 * is stopped early by patience, by the callback, or by a cancel). options may be NULL.
 *
 * With `checkpoint` the run survives its process: at the times asked for, when it is stopped and when it ends, all that
 * it is goes to that file, in one piece (as aenc_model_save does). A run resumed with the same model, data and options
 * ends with the same bits as one that was never interrupted. What differs is refused by name (AENC_ERR_ARGUMENT), but
 * `epochs` may be raised. Of x, target, labels, valid and its targets every number is fingerprinted, so that one changed number
 * is noticed; of sources see aenc_fit_source. A damaged file, or one with contents that no run has, is AENC_ERR_FORMAT; in each
 * case the model is as it was. A checkpoint that cannot be written ends the run with AENC_ERR_IO: the file before is still
 * there, and the model has its last whole step. */
AENC_API aenc_status aenc_fit(aenc_model *model, const aenc_matrix *x, const aenc_fit_options *options);

/* One pass over these rows, in their order, as they arrive: the moments of the optimizer stay with the model from call to
 * call (not in its file), so that many small calls are one long training. A call whose `optimizer` differs in more than
 * `lr` begins with fresh ones, as after aenc_model_forget_optimizer. Of the options, optimizer, batch, target, clipping, reduce and
 * progress (steps only) count; others that are given are refused by name. The history is left alone. */
AENC_API aenc_status aenc_partial_fit(aenc_model *model, const aenc_matrix *x, const aenc_fit_options *options);
AENC_API void aenc_model_forget_optimizer(aenc_model *model); /* NULL-safe */

/* Ends the running call that trains the model (aenc_fit, aenc_partial_fit, aenc_pretrain, aenc_distill), or aenc_run_source, at its
 * next step, as a callback that returns 1 does. A PCA is then as it was before the call. Without a running call nothing happens,
 * and the next call is not affected; a program that must not miss a signal which arrives just before a call uses
 * aenc_context_cancel. From any thread and from a signal handler; NULL-safe. */
AENC_API void aenc_model_cancel(aenc_model *model);

enum {
    AENC_STOPPED_NOT = 0,       /* no such call yet, one is running, or the last one failed */
    AENC_STOPPED_END = 10,      /* everything planned was done */
    AENC_STOPPED_CALLBACK = 20, /* the callback returned a positive number */
    AENC_STOPPED_CANCEL = 30,   /* aenc_model_cancel, aenc_context_cancel */
    AENC_STOPPED_PATIENCE = 40, /* no better validation loss for so many epochs */
    AENC_STOPPED_SOURCE = 50    /* the source had no more rows, and has no seek */
};
/* Why the last of these calls on the model ended. */
AENC_API int32_t aenc_model_stopped(const aenc_model *model);

/* What the last fit wants known though it did not fail: that it was resumed on another processor, CBLAS or version of the
 * library, so that its last bits may differ; that in its last epoch a variational code was not used. "" otherwise; valid
 * until the next fit, and in the callback of an epoch until that returns. */
AENC_API const char *aenc_model_notice(const aenc_model *model);

/* The epochs of the last fit, as the callback saw them. */
AENC_API size_t aenc_model_history_count(const aenc_model *model);
/* now->struct_size must be set; of a larger struct, what this library does not know is left as it is. */
AENC_API aenc_status aenc_model_history(const aenc_model *model, size_t index, aenc_progress *now);

/* The terms and measures of training by name: "reconstruction", what bottleneck and layers have recorded ("kl"), then the penalties
 * ("l1"; the second of a kind is "l1_2"). 0 and NULL for NULL and beyond the end. */
AENC_API size_t aenc_model_term_count(const aenc_model *model);
AENC_API const char *aenc_model_term_name(const aenc_model *model, size_t term);
/* What a term is for; 0 for NULL and beyond the end. */
enum {
    /* of training and validation: these add up to valid_loss, and with those of training to train_loss */
    AENC_TERM_OBJECTIVE = 10,
    AENC_TERM_TRAINING = 20, /* of training alone: penalties */
    AENC_TERM_MEASURE = 30,  /* reported, and trains nothing */
    /* what another player than the model's own minimises (docs/players.md): part of neither loss */
    AENC_TERM_PLAYER = 40
};
AENC_API int32_t aenc_model_term_role(const aenc_model *model, size_t term);
/* What the term, weight and warm-up included, adds to the loss of the last aenc_model_gradients; in a callback of a fit, to
 * train_loss, and so in one of aenc_pretrain, to the layer's, where its penalties are the model's. NaN before the first, and beyond
 * the end. */
AENC_API double aenc_model_term_value(const aenc_model *model, size_t term);
/* The same as evaluation has it, without warm-up, over the rows of the last aenc_model_evaluate; in a callback of a fit, at the
 * event of an epoch, over the held-out rows. What is one for the batch is the mean of pieces of at most 128 rows. NaN of
 * AENC_TERM_TRAINING, at the events of steps, before the first, and beyond the end. */
AENC_API double aenc_model_term_valid(const aenc_model *model, size_t term);
/* Both for an epoch of the last fit. Without the measures the terms of an epoch add up to its train_loss, those that are not NaN
 * of the other to its valid_loss. */
AENC_API aenc_status aenc_model_history_term(const aenc_model *model, size_t index, size_t term, double *out);
AENC_API aenc_status aenc_model_history_term_valid(const aenc_model *model, size_t index, size_t term, double *out);

/* Sets how many epochs of training are over, fractions included. Penalties that warm up and corruptions whose level moves go by
 * this number, and so does the order of rows. aenc_fit advances it by itself, step by step, from the whole epochs before it. A
 * caller who writes the loop, or uses aenc_partial_fit, sets it before each step or call. 0: as in the first epoch. */
AENC_API aenc_status aenc_model_set_epochs(aenc_model *model, double epochs);

/* ---- Use: `out`, which must not overlap x, has room for rows times the size on the right (out_floats); rows are dense ---- */

AENC_API aenc_status aenc_encode(aenc_model *model, const aenc_matrix *x, float *out, size_t out_floats); /* code */
/* output */
AENC_API aenc_status aenc_decode(aenc_model *model, const aenc_matrix *code, float *out, size_t out_floats);
/* output */
AENC_API aenc_status aenc_reconstruct(aenc_model *model, const aenc_matrix *x, float *out, size_t out_floats);
/* The loss of each row's reconstruction, without penalties. target NULL: x itself. */
AENC_API aenc_status aenc_score(aenc_model *model, const aenc_matrix *x, const aenc_matrix *target, float *out,
                                size_t out_floats); /* 1 */
/* The loss of each element: for a loss that is a mean over elements, a row's score is the mean of its features' scores.
 * AENC_ERR_UNSUPPORTED by name for a loss that does not split. */
AENC_API aenc_status aenc_score_features(aenc_model *model, const aenc_matrix *x, const aenc_matrix *target, float *out,
                                         size_t out_floats); /* output */

/* (reconstruction - x) / sigma^2: of a model trained with corruption "gaussian:sigma=..." and loss "mse", an estimate of the
 * gradient of the data's log density at x, for small sigma (Alain & Bengio 2014, theorem 1). */
AENC_API aenc_status aenc_denoising_score(aenc_model *model, const aenc_matrix *x, double sigma, float *out,
                                          size_t out_floats); /* input */
/* How much the code moves when the input does: the squared Frobenius norm of the encoder's Jacobian at each row, the sum of
 * (d code_j / d x_i)^2 over i and j, as the penalty "contractive" has it, without dropout and with running statistics
 * (docs/contractive.md; Rifai et al. 2011). Exact. AENC_ERR_UNSUPPORTED names an op of the encoder without derivative. */
/* 1 */
AENC_API aenc_status aenc_jacobian_norm(aenc_model *model, const aenc_matrix *x, float *out, size_t out_floats);

/* ---- Runner: inference for many threads, in memory of its own (docs/embedding.md) ----
 *
 * A runner is a snapshot of a model for one task (encode, score ...). It refers to the model's weights without copying them; the
 * first call that changes them while a runner lives gives the model a copy beforehand. Many runners of one model run at the
 * same time, each on one thread at a time. Create and refresh, and the context's message, belong to the thread that
 * uses the context at the time, free to any while no run of this runner is going on; aenc_runner_run and aenc_runner_message to the one that uses the runner. A run neither allocates nor locks nor calls
 * the system, uses no CBLAS and no worker threads, and a row's result has the same bits whatever rows go with it. */

typedef struct aenc_runner aenc_runner;

enum {
    AENC_RUN_ENCODE = 10,        /* x to code */
    AENC_RUN_DECODE = 20,        /* x is a code; to output */
    AENC_RUN_RECONSTRUCT = 30,   /* x to output */
    AENC_RUN_SCORE = 40,         /* aenc_score */
    AENC_RUN_SCORE_FEATURES = 50 /* aenc_score_features */
};

typedef struct aenc_runner_options {
    size_t struct_size;
    int64_t task; /* AENC_RUN_...; 0: reconstruct */
    int64_t rows; /* that go through at a time: what activations have room for; 0: 1 */
    void *memory; /* the runner lives in it and allocates nothing else; it outlives the runner. NULL: the context's */
    size_t memory_size; /* in bytes; at least what aenc_runner_size answers, wherever memory begins */
    /* in the place of task: names of results, 16 at most, as aenc_run gives; for aenc_runner_run_arrays */
    const char *const *results;
    size_t result_count;
    /* beside results: the fields that every run is given; NULL: "input" and what the results need */
    const char *const *fields;
    size_t field_count;
} aenc_runner_options;

/* Bytes that such a runner needs, whatever options->memory says. Records it for the moment, with the context's memory.
 * options may be NULL here and below. */
AENC_API aenc_status aenc_runner_size(aenc_model *model, const aenc_runner_options *options, size_t *bytes);
/* AENC_ERR_SHAPE with both numbers when memory is too small; AENC_ERR_UNSUPPORTED for the features of a loss that does not
 * split. Failures are told by the context's message. */
AENC_API aenc_status aenc_runner_create(aenc_model *model, const aenc_runner_options *options, aenc_runner **out);
AENC_API void aenc_runner_free(aenc_runner *runner);
/* Any number of rows; more than options.rows go through in parts. target is for AENC_RUN_SCORE and AENC_RUN_SCORE_FEATURES, where
 * NULL means x; otherwise NULL. out must not overlap x or target. */
AENC_API aenc_status aenc_runner_run(aenc_runner *runner, const aenc_matrix *x, const aenc_matrix *target, float *out,
                                     size_t out_floats);
/* Adopts the model's present weights. No run may be going on. Cannot fail but for NULL. */
AENC_API aenc_status aenc_runner_refresh(aenc_runner *runner);
/* Why the last failing aenc_runner_run failed; "" before the first. Never NULL. */
AENC_API const char *aenc_runner_message(const aenc_runner *runner);

/* ---- Files: safetensors with the description in their metadata (docs/format.md) ---- */

/* Writes a temporary file beside it, syncs it and renames it: a crash leaves the old file or the new one. */
AENC_API aenc_status aenc_model_save(aenc_model *model, const char *path);
AENC_API aenc_status aenc_model_load(aenc_context *ctx, const char *path, aenc_model **out);
/* The same bytes, handed to `write` in order, at most 16 KiB at a time. 0: go on; others end the call, and what has been written is no
 * model: negative with AENC_ERR_CALLBACK, positive with AENC_ERR_CANCELLED. */
typedef int (*aenc_write_callback)(void *user, const void *data, size_t size);
AENC_API aenc_status aenc_model_write(aenc_model *model, aenc_write_callback write, void *user);
/* The same bytes in memory. *size receives what is needed; with bytes NULL nothing else happens. capacity smaller than
 * that is AENC_ERR_SHAPE. */
AENC_API aenc_status aenc_model_save_memory(aenc_model *model, void *bytes, size_t capacity, size_t *size);
AENC_API aenc_status aenc_model_load_memory(aenc_context *ctx, const void *bytes, size_t size, aenc_model **out);

/* ---- Tensors and parameters ---- */
typedef struct aenc_tensor aenc_tensor;
enum { AENC_TYPE_F32 = 10, AENC_TYPE_I32 = 20, AENC_TYPE_U8 = 30 };
enum { AENC_RANK_MAX = 6 };

/* Zero-filled, dense, row-major. rank 0 is a scalar. */
AENC_API aenc_status aenc_tensor_create(aenc_context *ctx, int32_t type, const size_t *dims, size_t rank,
                                        aenc_tensor **out);
AENC_API void aenc_tensor_free(aenc_tensor *tensor);
AENC_API int32_t aenc_tensor_type(const aenc_tensor *tensor);            /* 0 for NULL */
AENC_API size_t aenc_tensor_rank(const aenc_tensor *tensor);             /* 0 for NULL */
AENC_API size_t aenc_tensor_dim(const aenc_tensor *tensor, size_t axis); /* 0 beyond the rank */
AENC_API size_t aenc_tensor_count(const aenc_tensor *tensor);            /* elements; 0 for NULL */
/* Copies the elements out of or into the tensor, converting between its type and float. floats must equal its count.
 * Writing a float that the type cannot hold exactly is AENC_ERR_ARGUMENT. */
AENC_API aenc_status aenc_tensor_read(const aenc_tensor *tensor, float *out, size_t floats);
AENC_API aenc_status aenc_tensor_write(aenc_tensor *tensor, const float *values, size_t floats);

/* The elements, dense and row-major, in the tensor's type; valid as long as the tensor, and as they are then. NULL for NULL. */
AENC_API const void *aenc_tensor_data(const aenc_tensor *tensor);

/* A model's tensors: parameters (trained) come first, then states (running statistics and the like: saved, not trained). Names such
 * as "encoder.0.weight" stay valid as long as the model. NULL beyond the end. */
AENC_API size_t aenc_model_tensor_count(const aenc_model *model);
AENC_API const char *aenc_model_tensor_name(const aenc_model *model, size_t index);
enum { AENC_TENSOR_PARAMETER = 10, AENC_TENSOR_STATE = 20 };
typedef struct aenc_tensor_info {
    size_t struct_size;
    const char *name; /* valid as long as the model */
    size_t rank, dims[AENC_RANK_MAX];
    size_t size;            /* elements */
    int32_t type;           /* AENC_TYPE_... that aenc_model_tensor_get makes */
    int32_t kind;           /* AENC_TENSOR_... */
    int32_t frozen, decays; /* of a parameter. 1: not trained; 1: weight decay applies to it */
} aenc_tensor_info;
/* info->struct_size must be set; of a larger struct, what this library does not know is left as it is. */
AENC_API aenc_status aenc_model_tensor_info(const aenc_model *model, size_t index, aenc_tensor_info *info);
AENC_API aenc_status aenc_model_tensor_get(const aenc_model *model, const char *name, aenc_tensor **out);
AENC_API aenc_status aenc_model_tensor_set(aenc_model *model, const char *name, const aenc_tensor *value);
/* Its gradient of the mean loss, as the last aenc_model_gradients left it. */
AENC_API aenc_status aenc_model_gradient_get(const aenc_model *model, const char *name, aenc_tensor **out);
/* Puts another in the place of that, for aenc_optimizer_apply: clipped, added up over processes, or from elsewhere. */
AENC_API aenc_status aenc_model_gradient_set(aenc_model *model, const char *name, const aenc_tensor *value);
/* Copies the numbers of every parameter and state of src whose name is src_prefix, or lies below it, to the one of dst that has
 * dst_prefix in its place: ("encoder.2", "encoder.0") fills encoder.2.weight from encoder.0.weight. "" is all of a model. At
 * least one must be there, and dst must have them all in the same shapes: AENC_ERR_SHAPE or AENC_ERR_ARGUMENT with the name,
 * and nothing is copied. Moments of optimizers stay with the optimizers. */
AENC_API aenc_status aenc_model_copy(aenc_model *dst, const char *dst_prefix, const aenc_model *src,
                                     const char *src_prefix);
/* Takes the numbers of every parameter and state that prefix selects, as in aenc_model_copy, from tensors of a safetensors file that
 * another program may have written: F32, F16, BF16 or F64, of the same shapes (a dense weight is (units, in), as PyTorch's), under
 * the names that "aliases" of the description give them (docs/format.md), else under their own. What the file has besides is left
 * alone. AENC_ERR_FORMAT names the tensor that is missing or has another shape; the model is then as it was. */
AENC_API aenc_status aenc_model_load_tensors(aenc_model *model, const char *prefix, const char *path);
AENC_API aenc_status aenc_model_load_tensors_memory(aenc_model *model, const char *prefix, const void *bytes,
                                                    size_t size);
/* Frozen parameters are not trained. `prefix` selects as in aenc_model_copy: "encoder.1" is encoder.1.weight and the like, not
 * encoder.10.weight; "" is all of them. Files keep it. */
AENC_API aenc_status aenc_model_freeze(aenc_model *model, const char *prefix, int32_t frozen);

/* ---- The loop taken apart ---- */
typedef struct aenc_optimizer aenc_optimizer;

/* spec: "sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", with settings. Holds the model's moments. */
AENC_API aenc_status aenc_optimizer_create(aenc_model *model, const char *spec, aenc_optimizer **out);
AENC_API void aenc_optimizer_free(aenc_optimizer *optimizer);
AENC_API aenc_status aenc_optimizer_set_learning_rate(aenc_optimizer *optimizer, double learning_rate);
AENC_API double aenc_optimizer_learning_rate(const aenc_optimizer *optimizer); /* NaN for NULL */
/* 0: no limit */
AENC_API aenc_status aenc_optimizer_set_clipping(aenc_optimizer *optimizer, double norm, double value);

/* What training goes on from besides the model: moments, learning rate, clipping, counts of steps and epochs (docs/format.md), so that
 * another process goes on with the same bits. optimizer NULL: what aenc_partial_fit keeps. Names, shapes and values must be the
 * model's, so must further players (docs/players.md), and settings but for the learning rate the optimizer's. AENC_ERR_UNSUPPORTED for
 * a PCA. _memory: as aenc_model_save_memory. */
AENC_API aenc_status aenc_model_save_optimizer(aenc_model *model, aenc_optimizer *optimizer, const char *path);
AENC_API aenc_status aenc_model_load_optimizer(aenc_model *model, aenc_optimizer *optimizer, const char *path);
AENC_API aenc_status aenc_model_save_optimizer_memory(aenc_model *model, aenc_optimizer *optimizer, void *bytes,
                                                      size_t capacity, size_t *size);
AENC_API aenc_status aenc_model_load_optimizer_memory(aenc_model *model, aenc_optimizer *optimizer, const void *bytes,
                                                      size_t size);

typedef struct aenc_batch {
    size_t struct_size;
    aenc_matrix input;
    aenc_matrix target;  /* data NULL: the input */
    const float *weight; /* one per row, not negative; NULL: all 1 */
    size_t weight_count; /* the rows of input; 0 where weight is NULL */
    /* declared ones (autoenc/fields.h), such as a condition, with as many rows; at most 16 */
    const struct aenc_array *const *fields;
    size_t field_count;
} aenc_batch;

/* Forward and backward over the batch. *loss (may be NULL) is the weighted mean over rows. The parameters do not change.
 * AENC_ERR_DIVERGED, naming the parameter, if a gradient is not finite. Gradients wait until they are applied, others are computed,
 * or a call trains the model. */
AENC_API aenc_status aenc_model_gradients(aenc_model *model, const aenc_batch *batch, double *loss);
/* Updates the parameters from the gradients of the last aenc_model_gradients and commits staged state, once. AENC_ERR_DIVERGED,
 * naming it, if that would make a parameter, a moment or a state infinite; the model is as it was. */
AENC_API aenc_status aenc_optimizer_apply(aenc_optimizer *optimizer);
/* both */
AENC_API aenc_status aenc_model_step(aenc_model *model, aenc_optimizer *optimizer, const aenc_batch *batch,
                                     double *loss);
/* Loss over the batch as evaluation sees it (no dropout, running statistics). */
AENC_API aenc_status aenc_model_evaluate(aenc_model *model, const aenc_batch *batch, double *loss);

/* ---- Layers ---- */
/* spec: "dense:units=128,activation=relu", "dropout:rate=0.1", "batch_norm", "layer_norm", "reshape:dims=8x8", or a
 * container "sequential" or "residual", which is filled with aenc_layer_add. See docs/layers.md for all of them. */
AENC_API aenc_status aenc_layer_create(aenc_context *ctx, const char *spec, aenc_layer **out);
/* Appends a copy of child to a container. */
AENC_API aenc_status aenc_layer_add(aenc_layer *container, const aenc_layer *child);
AENC_API void aenc_layer_free(aenc_layer *layer);

#ifdef __cplusplus
}
#endif

#include <autoenc/fields.h>
#include <autoenc/use.h>

#endif
