/* model.h - a description, its parameters, and the tasks through it.
 *
 * A model is a JSON description, two blocks of numbers (store.h), and tasks; what training keeps hangs on one pointer. A task is one recorded way through it: train,
 * score, encode, decode, ... Each is recorded and planned the first time it is taken and kept. Training tasks replay
 * whole batches on all workers; inference tasks replay chunks of rows, each chunk on one worker with memory of
 * its own, so that what a row becomes depends neither on threads nor on where its chunk ran.
 */
#ifndef AENC_MODEL_MODEL_H
#define AENC_MODEL_MODEL_H

#include "bottleneck/bottleneck.h"
#include "corruption/corruption.h"
#include "layer/layer.h"
#include "tape/run.h"
#include "loss/loss.h"
#include "model/batch.h"
#include "optim/optim.h"

enum { INFER_ROWS = 128 }; /* rows of one chunk at most */
enum { NOTICE_SIZE = 512 };

/* Metadata of files: the description; and in a checkpoint, whose further tensors begin with that prefix, the run. */
#define MODEL_KEY "autoenc"
#define CHECKPOINT_KEY "autoenc.checkpoint"
#define CHECKPOINT_PREFIX "checkpoint."
/* Of models with a scaling: whether its numbers are learned or set, "known", or "unknown". */
#define SCALING_KEY "autoenc.scaling"

/* What every model gives; behind them stand those that its bottleneck and its layers have named, and the outputs of its layers. */
enum result {
    RESULT_CODE,
    RESULT_OUTPUT,
    RESULT_SCORE,          /* one loss per row */
    RESULT_FEATURES,       /* one loss per element */
    RESULT_RECONSTRUCTION, /* the score without the terms that were recorded on the way */
    RESULT_JACOBIAN,       /* the squared norm of the encoder's Jacobian */
    RESULT_DRAW,           /* values from the likelihood that the output states */
    RESULT_NAMED
};
enum { RESULTS_WANTED = 16 }; /* of one task at most */

struct result_spec {
    const char *name;
    struct shape shape; /* of one row */
    bool layer;         /* the output of the layer of that name path */
    bool behind_code;
};

/* What a task is recorded for. */
struct task_key {
    bool trains;                /* corrupted input to the terms, with gradients; no results */
    bool own_target;            /* the target is a field of its own rather than the input */
    int player;                 /* whose step it is, of training */
    bool from_prior;            /* the decoder gets draws from the bottleneck's prior */
    bool from_code;             /* the decoder gets the field "code" */
    bool weighs;                /* the score is -log of p(x | z) p(z) / q(z | x) of the draw z */
    bool terms;                 /* in the place of the score what TASK_TERMS has */
    int count;                  /* of results */
    int wanted[RESULTS_WANTED]; /* their numbers in the model, rising */
};

/* Those of one result. */
enum task_kind {
    TASK_ENCODE,      /* input to code */
    TASK_DECODE,      /* code to output */
    TASK_RECONSTRUCT, /* input to output */
    TASK_SCORE,       /* input, target to one loss per row */
    TASK_FEATURES,    /* input, target to one loss per element */
    TASK_JACOBIAN,    /* input to the squared norm of the encoder's Jacobian */
    TASK_TERMS, /* input, target to the objective of validation, and what each of the model's terms is; NaN: none */
};

enum { TASKS_KEPT = 8 }; /* of inference, the ones used last */

/* Once recorded, const until freed. */
struct task {
    bool recorded;
    bool waits; /* its gradients are there to be applied (train/step.c) */
    struct task_key key;
    uint64_t used; /* the model's uses of tasks before the last of this one */
    struct tape tape;
    const struct field_spec *spec; /* the model's */
    int field[FIELDS_MAX];         /* the model's number of each of the tape's fields */
    int64_t chunk;                 /* rows of one chunk of inference */
    float *weight; /* room for those of a batch whose weights are not a dense column of float32; NULL until then */
    struct plan plan;
    struct run *run; /* one per worker; of training: one */
    int run_count;
    struct node *result[RESULTS_WANTED]; /* what inference hands out, as the key says */
    num temperature;                     /* of draws from the prior */
    int64_t first_row;                   /* of the batch, for what is drawn */
    struct run_failure failure;          /* of its runs */
};
/* Whether an op of the program's own has failed in the replays since the last look: AENC_ERR_CALLBACK, or AENC_ERR_CANCELLED
 * where it returned a positive number. The message goes to ctx. */
aenc_status aenc_task_outcome(aenc_context *ctx, struct task *task);

/* What the training loss is the sum of, and what is measured beside it, as recorded: the reconstruction, what stands on the
 * way to it, the penalties. */
struct terms {
    size_t count;
    const char **name;
    enum term_role *role;
    size_t watched;      /* the measure that `warning` is of, when its mean over an epoch is below `least` */
    const char *warning; /* static; NULL: none */
    double least;
    int *player;   /* who minimises it */
    double *value; /* of the last batch, or the mean over the running epoch so far; NaN before the first */
    double *valid; /* of the last evaluation; NaN before the first, and where it has no such term */
};

struct aenc_model {
    atomic_size_t references;
    aenc_context *ctx; /* retained */
    struct arena arena;
    const struct json *description; /* complete: decoder and loss are there */
    char *description_text;
    struct shape input, code, output; /* of one row, no row axis */
    int64_t input_size, code_size, output_size, target_size;
    int64_t classes; /* that targets are one of; 0: targets are numbers */
    const struct loss_type *loss;
    const struct json *loss_spec;
    uint64_t seed;              /* the description's, or without one the context's */
    const struct json *scaling; /* NULL: none */
    bool scaling_known;         /* its numbers have been learned or set; they may be 0 and 1 all the same */
    bool unit_target;           /* raw targets must lie in [0, 1] */
    int64_t output_factor; /* numbers of the output's last axis for each of the target's; of classes their number */
    int64_t least_rows;    /* of a batch that is trained on; 1: any number will do */
    const char *least_for; /* what needs them: "'encoder.1' (batch_norm)" */
    struct field_spec field[FIELDS_MAX];
    int field_count;
    struct store store;
    const struct result_spec *result; /* by number */
    int result_count;
    struct task train_task[2];   /* by own_target */
    const struct player *player; /* the model's own first */
    int player_count;
    struct task (*player_task)[2];      /* of training, of those behind it */
    struct task infer_task[TASKS_KEPT]; /* in any order */
    uint64_t task_uses;
    uint64_t step, epoch; /* updates and epochs so far: what the random draws of training count */
    double clock;         /* epochs so far with the fraction of the running one: what warm-ups and levels follow */
    struct terms terms;
    struct training *training; /* what only training needs, its own (train/training.h); NULL until then */
    void (*training_free)(struct aenc_model *model);
    const struct json *pca;   /* member of the description of a PCA; NULL: the model is none */
    const double *taught;     /* weights of a teacher's output and code, while the model is taught; NULL: it is not */
    char notice[NOTICE_SIZE]; /* what the last fit wants known though it did not fail; "" mostly */
    int train_calls;          /* that run on it in many steps: what belongs to it must not change in between */
    atomic_int cancel;        /* set from any thread or signal handler; a call that trains begins without */
    int32_t stopped;          /* AENC_STOPPED_..., why the last call that trained it ended */
};

/* description.c: completes what the caller gave (widths or layers, or parsed JSON) to a full description in the
 * arena. */
aenc_status aenc_description_from_options(aenc_context *ctx, struct arena *arena, const aenc_model_options *options,
                                          const struct json **out);
aenc_status aenc_description_complete(aenc_context *ctx, struct arena *arena, const struct json *given,
                                      const struct json **out);

/* condition_fields.c: 'condition' against the checked fields; the net, checked, with the named fields as conditions. */
aenc_status aenc_condition_check(aenc_context *ctx, const struct json *names, const struct json *fields);
const struct json *aenc_condition_insert(struct arena *arena, const struct json *names, const struct json *net);

/* aliases.c: whether that member of a description is such as it must be; and, of a declared model, whether each is of a tensor and
 * no two tensors get one name. */
aenc_status aenc_aliases_check(aenc_context *ctx, const struct json *aliases);
aenc_status aenc_aliases_declare(const struct aenc_model *model);
/* What each entry is called in foreign files, in the arena: its own name where it has no alias. */
aenc_status aenc_aliases_names(const struct aenc_model *model, struct arena *arena, const char *const **out);

/* scaling.c: how raw numbers become those that the layers see. */
enum scaling { SCALING_STANDARD, SCALING_MINMAX, SCALING_ROBUST, SCALING_NONE };
/* Of a checked spec; NULL: SCALING_NONE. */
enum scaling aenc_scaling_kind(const struct json *spec);
/* `given` (NULL: none), an object or a text, checked and as an object. */
aenc_status aenc_scaling_check(aenc_context *ctx, struct arena *arena, const struct json *given,
                               const struct loss_type *loss, const struct json **out);
/* x, an input or a target, scaled; y, an output, in raw units. Without scaling, and for NULL, what is handed in. */
struct node *aenc_scaling_apply(struct aenc_model *model, struct site *site, struct node *x);
struct node *aenc_scaling_undo(struct aenc_model *model, struct site *site, struct node *y);
/* The same of numbers that are like the target. */
struct node *aenc_scaling_undo_target(struct aenc_model *model, struct site *site, struct node *y);
/* Between which scaled numbers lie; infinite where nothing limits them. */
struct scaling_limits {
    double low, high;
};
struct scaling_limits aenc_scaling_limits(const struct json *spec);
/* Whether there is a scaling that nobody has learned or set. */
static inline bool aenc_scaling_unknown(const struct aenc_model *model) {
    return model->scaling != NULL && !model->scaling_known;
}
/* Whether every shift is 0 and every scale 1; and whether that is an entry of the scaling. */
bool aenc_scaling_identity(const struct aenc_model *model);
bool aenc_scaling_entry(const struct entry *entry);
/* What a fit learned that came to nothing: the scaling is unknown again. */
void aenc_scaling_forget(struct aenc_model *model);

/* model.c: takes the arena over (also on failure) and declares every parameter, without memory or values yet: those
 * come with aenc_store_allocate, once the caller knows that the sizes are what they should be. */
aenc_status aenc_model_declare(aenc_context *ctx, struct arena *arena, const struct json *description,
                               struct aenc_model **out);
/* The same with memory and first values. */
aenc_status aenc_model_make(aenc_context *ctx, struct arena *arena, const struct json *description,
                            struct aenc_model **out);
/* Whether the output is one value for each element of the input: not classes, not parameters of a distribution, not
 * a target of another size. */
bool aenc_model_reconstructs(const struct aenc_model *model);
void aenc_model_retain(struct aenc_model *model);
void aenc_model_release(struct aenc_model *model);
/* Whether the running fit, or without one the next, is to end, by the model's own cancel or the context's; and that it has. */
bool aenc_model_cancelled(const struct aenc_model *model);
void aenc_model_uncancel(struct aenc_model *model);
/* Trainability changed: recorded tasks are dropped, and with them the gradients that wait. */
void aenc_model_forget_tasks(struct aenc_model *model);

/* Parameters that lie below the path (layer/store.h) are trained no longer, or again; how many there are. */
size_t aenc_model_freeze_below(struct aenc_model *model, const char *path, bool frozen);
/* Freezes what a list of paths names, the member 'frozen' of a description as it was given; NULL: nothing. */
aenc_status aenc_model_freeze_listed(struct aenc_model *model, const struct json *paths);
/* The other way: the names of what is frozen, a list. */
struct json *aenc_model_frozen(const struct aenc_model *model, struct arena *arena);

/* copy.c: the numbers of everything that lies below from's path, to what has `to` in its place. `whole`: all of it
 * must fit, or nothing is copied; otherwise what fits is, and whether it is frozen with it, but for what is frozen
 * there. */
struct model_path {
    const struct aenc_model *model;
    const char *path;
};
aenc_status aenc_model_transplant(struct aenc_model *dst, const char *to, struct model_path from, bool whole);

/* A model of ctx with the same description, values and frozen parameters. */
aenc_status aenc_model_duplicate(aenc_context *ctx, const struct aenc_model *model, struct aenc_model **out);

/* grow.c: a new model with layers (a spec, a sequential stands for its children) behind the code. */
aenc_status aenc_model_deepen(const struct aenc_model *model, const struct json *layers, struct aenc_model **out);
/* The name or text of the activation that a layer or sequence ends with; "identity" where it ends with none. */
const char *aenc_layers_activation(const struct json *spec);

/* task.c: recorded and planned on demand, for at least `rows` rows, of which inference needs room
 * for one chunk at most. Valid until the next is prepared. */
aenc_status aenc_task_prepare(struct aenc_model *model, const struct task_key *key, int64_t rows, struct task **out);
/* The key of a training task, for the turns of a player. */
static inline struct task_key aenc_task_training(int player, bool own_target) {
    return (struct task_key){.trains = true, .player = player, .own_target = own_target};
}
/* The training task: corruption, encoder, bottleneck, decoder, and as terms the reconstruction, what was recorded on the way,
 * and the penalties. declared (may be NULL) is called once code and output are there. Failures stick to the tape. */
typedef aenc_status task_declared(struct aenc_model *model, const struct site *site);
void aenc_task_train_record(struct aenc_model *model, struct tape *tape, bool own_target, task_declared *declared);
/* players.c: takes the players of the first recording over, and gives them entries and terms. Refused by name: an entry that
 * matches nothing or has two players, a term that is not there or nobody's to minimise, an unknown optimizer. */
aenc_status aenc_players_declare(struct aenc_model *model, const struct site *site);
/* Of a training tape, the terms and stages of its player remain. */
void aenc_players_choose(const struct aenc_model *model, struct tape *tape);
/* Whether another player than the model's own minimises it. */
bool aenc_term_of_player(const struct aenc_model *model, const char *name);
/* Records the results of task->key on task->tape, in its order. */
void aenc_task_results_record(struct aenc_model *model, struct task *task);
/* Records and plans with the memory of ctx, which need not be the model's. */
aenc_status aenc_task_record(aenc_context *ctx, struct aenc_model *model, const struct task_key *key, int64_t rows,
                             struct task *task);
void aenc_task_free(aenc_context *ctx, struct task *task);

/* AENC_ERR_ARGUMENT, naming the field, where the task reads one that the batch does not have. */
aenc_status aenc_task_fields_check(aenc_context *ctx, const struct task *task, const struct batch *batch);
/* The task's run reads the batch's columns, from row `first` on. */
void aenc_task_bind(const struct task *task, struct run *run, const struct batch *batch, int64_t first);

/* Where a result goes: row r to out + r * stride. */
struct result_room {
    int result;
    float *out;
    int64_t stride;
};
/* How a task draws. */
struct draws {
    uint64_t seed; /* 0: the model's */
    bool from_prior;
    double temperature; /* with from_prior; 0: 1 */
    int64_t first_row;  /* of the batch among those that are drawn for */
    int64_t samples;    /* of the score for each row, by importance; 0: it is the objective */
    uint32_t turn;      /* which of them */
};
/* infer.c: every row of the batch through the task that was prepared for it, each result to its room. */
aenc_status aenc_task_infer(struct aenc_model *model, struct task *task, const struct batch *batch,
                            const struct result_room *room, const struct draws *draws);
/* The key of a task of one result. */
struct task_key aenc_task_key(enum task_kind kind, bool own_target);
/* Every row of the batch through the task; result rows, dense, into out. Without a target scores compare with the
 * input. */
aenc_status aenc_model_infer(struct aenc_model *model, enum task_kind kind, const struct batch *batch, float *out);
/* The same of rows that have others before them, for what is drawn. */
aenc_status aenc_model_infer_from(struct aenc_model *model, enum task_kind kind, const struct batch *batch,
                                  int64_t first_row, float *out);
/* The same of one matrix: of codes for TASK_DECODE, else of inputs. */
aenc_status aenc_model_infer_rows(struct aenc_model *model, enum task_kind kind, const struct rows *x, float *out);
/* The batch for another model: its input, and the declared fields of the same name. */
struct batch aenc_batch_for(const struct aenc_model *to, const struct aenc_model *from, const struct batch *batch);
/* (reconstruction - x) / sigma^2 of every row, dense; the output is as large as the input. */
aenc_status aenc_model_denoising_score(struct aenc_model *model, const struct rows *x, double sigma, float *out);
/* The chunk of rows of the batch through the task, on this thread; their results to the rooms, in the key's order. */
void aenc_infer_chunk(const struct task *task, struct run *run, const struct batch *batch, struct span chunk,
                      const struct result_room *room);
/* Of one row. */
static inline struct shape aenc_target_shape(const struct aenc_model *model) {
    struct shape shape = model->output;
    if (shape.rank > 0) shape.dim[shape.rank - 1] /= model->output_factor;
    return shape;
}
/* Whether the input is the target where none is given. */
static inline bool aenc_target_optional(const struct aenc_model *model) {
    return model->classes == 0 && model->target_size == model->input_size;
}
/* batch.c: whether every value of the batch keeps its field's rule, and what the output is compared with the loss's: the
 * target, or with `compares` and without one the input. `first` as in struct column_names. Weights are not looked at. */
aenc_status aenc_fields_check_values(aenc_context *ctx, const struct aenc_model *model, const struct batch *batch,
                                     bool compares, uint64_t first);
/* What targets are compared by, for the messages of a check: the loss where it is the loss that wants the rule. */
static inline const char *aenc_target_loss(const struct aenc_model *model) {
    return model->unit_target || model->classes > 0 ? model->loss->name : NULL;
}

/* runner.c: inference that touches nothing but memory of its own. `context` is private to the runner: its allocator
 * hands out the runner's memory, and its message is the runner's. */
struct runner_memory {
    aenc_context *ctx; /* the model's: where memory comes from when block is NULL */
    char *block;       /* the caller's, aligned; NULL: none */
    size_t size;
    size_t used, most; /* bytes of it, or what they would be */
    void *last;        /* the youngest allocation: the only one that is given back */
};

struct aenc_runner {
    struct aenc_context context;
    struct runner_memory memory;
    struct aenc_model *model; /* retained */
    struct weights *weights;  /* retained */
    struct task task;
    struct run run;
    int64_t rows;        /* of one chunk */
    struct batch batch;  /* of a run of matrices */
    bool running, freed; /* in aenc_runner_run; freed meanwhile, by a callback of it */
};

/* block NULL: from the model's context, else size bytes that outlive the runner. On failure the model's context has the
 * message; AENC_ERR_SHAPE where the block is too small. */
aenc_status aenc_runner_make(struct aenc_model *model, const struct task_key *key, int64_t rows, void *block,
                             size_t size, struct aenc_runner **out);
/* What block must have, wherever it begins. Takes as much from the model's context for the moment. */
aenc_status aenc_runner_bytes(struct aenc_model *model, const struct task_key *key, int64_t rows, size_t *out);
void aenc_runner_end(struct aenc_runner *runner);
/* The model's present weights. */
void aenc_runner_adopt(struct aenc_runner *runner);
/* As aenc_task_infer, of a batch that has the task's fields. Cannot fail; neither allocates nor locks nor calls the
 * system. */
aenc_status aenc_runner_infer(struct aenc_runner *runner, const struct batch *batch, const struct result_room *room);

/* model_file.c: the model as a safetensors file, with a further text in the metadata (NULL: none). The draft refers to the model's
 * numbers and to the arena, and is the caller's to free. */
struct metadata_entry;
struct safetensors_draft;
aenc_status aenc_model_draft(struct aenc_model *model, struct arena *arena, const struct metadata_entry *more,
                             struct safetensors_draft *out);
/* And back. `what` names the source in messages. */
struct loaded_bytes {
    const void *bytes;
    size_t size;
    const char *what;
};
aenc_status aenc_model_from_bytes(aenc_context *ctx, const struct loaded_bytes *from, struct aenc_model **out);
/* Of a foreign file, what lies below the path; of a failure nothing. */
aenc_status aenc_model_tensors_load(struct aenc_model *model, const char *path, const struct loaded_bytes *from);

#endif
