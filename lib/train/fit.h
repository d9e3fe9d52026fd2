/* fit.h - one run over epochs, as the files that make it share it.
 *
 * fit.c prepares and ends it, epochs.c runs it, by the loop of steps.c, which others have too, run_facts.c writes down what makes it this run and no other, and
 * checkpoint_write.c and checkpoint_read.c let it survive the process. Between two steps the run is: the parameters and
 * states of the model, the moments, the best snapshot, the history, and `struct place`. Everything else follows from
 * the options and the data.
 */
#ifndef AENC_TRAIN_FIT_H
#define AENC_TRAIN_FIT_H

#include "base/report.h"
#include "io/file.h"
#include "train/facts.h"
#include "train/parts.h"
#include "train/row_source.h"
#include "train/training.h"

/* How far a run is. */
struct place {
    int64_t epochs_done;         /* whole epochs of this run */
    int64_t waited;              /* epochs without improvement */
    double loss_sum, weight_sum; /* of the rows of the running epoch so far */
    uint64_t position;           /* of a stream: rows consumed of its pass */
};

struct fit {
    struct aenc_model *model;
    const aenc_fit_options *options;
    const char *progress_name; /* of its callback, in messages; NULL: that of the options */
    struct fit_data data;
    struct batch valid; /* held-out rows */
    bool validated;
    struct batches batches; /* empty for a stream, and where rows come in their order */
    struct stream stream;   /* closed where there is none */
    float
        *kept[2];  /* what the data and the held-out rows have become in their row transform; NULL: not kept, or none */
    float *passed; /* room for that of a batch; NULL: not needed */
    struct optimizer *optimizer;
    struct arena arena; /* of the specs and the facts */
    const struct json *optimizer_spec, *schedule_spec;
    struct schedule schedule; /* without a type: the rate stays as it is */
    struct snapshot best;
    struct place place;
    double *term_sum;  /* of each term, like place.loss_sum, which is theirs together; behind them room for as many */
    aenc_progress now; /* step: steps done in the running epoch */
    int64_t steps_before;  /* of the run before this epoch */
    bool moves_clock;      /* the model's: epochs with fractions */
    struct timespec begin; /* of the epoch, or of its part since the run was resumed */
    double seconds_before; /* of the epoch, in the process before */
    int64_t batch;
    bool resumed;             /* the model stands where a checkpoint was */
    bool stopped;             /* before its planned end */
    int32_t why;              /* AENC_STOPPED_..., then */
    bool interrupted;         /* within an epoch */
    const struct json *facts; /* NULL: no checkpoint is asked for */
    struct timespec saved;    /* when the last checkpoint was */
};

static inline void aenc_fit_stop(struct fit *fit, int32_t why) {
    if (!fit->stopped) fit->why = why;
    fit->stopped = true;
}

/* Of work that has ended with AENC_ERR_CANCELLED, by a cancel or by an operation that returned a positive number. */
static inline int32_t aenc_stop_reason(const struct aenc_model *model) {
    return aenc_model_cancelled(model) ? AENC_STOPPED_CANCEL : AENC_STOPPED_CALLBACK;
}

/* The fields of the data as they come: those of the model that their input is for. */
static inline const struct field_spec *aenc_fit_spec(const struct fit *fit, int field) {
    bool transformed = field == FIELD_INPUT && fit->data.transform != NULL;
    return &(transformed ? fit->data.transform->model : fit->model)->field[field];
}
/* Whether held-out rows are read from a stream. */
static inline bool aenc_valid_streams(const struct fit_data *data) {
    return data->valid_source != NULL && data->valid_source->streams;
}
/* Whether the model is given a target beside its input. */
static inline bool aenc_fit_own_target(const struct fit *fit) {
    bool stream = false;
    for (int f = 0; fit->data.stream != NULL && f < fit->data.stream->field_count; f++)
        stream = stream || fit->data.stream_field[f] == FIELD_TARGET;
    return stream || aenc_batch_has(&fit->data.rows, FIELD_TARGET) ||
           (fit->data.transform != NULL && fit->data.transform->outputs > 0);
}
/* rows.c: whether rows of `who` that nobody has looked at are such as the model takes; first: number of the first one. */
aenc_status aenc_fit_rows_check(const struct fit *fit, const char *who, bool own_target, const struct batch *rows,
                                uint64_t first);
#define TRAIN_SOURCE "source"
#define VALID_SOURCE "valid_source"

/* row_transform.c: sends rows of memory through at once, where the fit has a row transform that keeps them: *kept is
 * what they became, from aenc_alloc. */
aenc_status aenc_transform_keep(struct fit *fit, struct batch *rows, float **kept);
/* Behind those: room for batches, or, where all is kept, no row transform any longer. */
aenc_status aenc_transform_open(struct fit *fit);
/* A batch; valid until the next. Nothing where there is no row transform. */
aenc_status aenc_transform_batch(struct fit *fit, struct batch *batch);
/* evaluate.c: the loss of the held-out rows that a stream gives. */
aenc_status aenc_fit_evaluate_stream(struct fit *fit, double *loss);
/* The loss of the held-out rows, row transform included. */
aenc_status aenc_transform_evaluate(struct fit *fit, double *loss);

/* steps.c: from where the run is to the last step of its epoch, or to a stop. */
aenc_status aenc_fit_steps(struct fit *fit);
/* Calls the caller's progress; remembers when it wants to stop. */
aenc_status aenc_fit_report(struct fit *fit, int64_t event);
aenc_status aenc_fit_checkpoint(struct fit *fit);
/* The run stops where it is: before a step, or before the validation of its epoch. */
aenc_status aenc_fit_interrupt(struct fit *fit, int32_t why);
/* epochs.c: from where the run is to its end. */
aenc_status aenc_fit_run(struct fit *fit);

/* run_facts.c: what must be equal for a run to be continued (seed, data, options), and what the bits depend on besides
 * (library, kernels, CBLAS), as JSON objects in the arena. NULL with the message set. */
struct json *aenc_run_facts(struct fit *fit, struct arena *arena);
struct json *aenc_machine_facts(struct fit *fit, struct arena *arena);

/* checkpoint_write.c: to options->checkpoint. AENC_ERR_IO leaves the file as it was. */
aenc_status aenc_checkpoint_save(struct fit *fit);
/* checkpoint_read.c: continues from options->checkpoint. On failure nothing has changed. */
aenc_status aenc_checkpoint_resume(struct fit *fit);

/* ---- For those two ---- */

/* Every part of the run as it is now; `best` tells whether the snapshot is among them. AENC_ERR_NO_MEMORY. */
aenc_status aenc_checkpoint_parts(struct fit *fit, bool best, struct arena *arena, struct part **out, size_t *count);

/* A number of the run that stands in the checkpoint's JSON. */
enum place_kind { PLACE_U64, PLACE_COUNT, PLACE_REAL };
struct place_field {
    const char *name;
    enum place_kind kind; /* of *value: uint64_t, int64_t and not negative, double */
    void *value;
};
enum { PLACE_FIELDS = 19, HISTORY_NUMBERS = 12 };
void aenc_checkpoint_fields(struct fit *fit, struct place_field out[PLACE_FIELDS]);

/* Tells a flipped bit anywhere: over names, types, shapes, bytes of all tensors in the file's order, and two texts. */
struct checkpoint_sum {
    uint64_t value;
};
struct checkpoint_sum aenc_checkpoint_sum_begin(const char *description, const char *run);
/* values as they are in the machine (`item` their size) or in the file (item 1). */
void aenc_checkpoint_sum_tensor(struct checkpoint_sum *sum, const char *name, enum tensor_type type, int rank,
                                const uint64_t *dim, const struct file_piece *values);

#define CHECKPOINT_SUM_KEY "autoenc.checksum"
#define CHECKPOINT_HISTORY "checkpoint.history"
#define CHECKPOINT_TERMS "checkpoint.terms" /* of a model with several terms */
enum { CHECKPOINT_FORMAT = 2 };             /* 1 knew data by 64 rows */

#endif
