/* api.h - what the public calls share: reading options of any age, checking data. No arithmetic, no policy. */
#ifndef AENC_API_API_H
#define AENC_API_API_H

#include "api/call.h"
#include "api/call_fields.h"
#include "layer/handle.h"
#include "layer/layer.h"
#include "model/model.h"
#include "train/row_source.h"
#include "train/train.h"

struct aenc_optimizer {
    atomic_size_t references;
    struct aenc_model *model; /* retained */
    struct optimizer *optimizer;
    char *spec; /* without the learning rate */
};

/* Copies what the caller's struct and this library both know into out (`known` bytes) and zero-fills the rest. given
 * NULL: all zero. AENC_ERR_ARGUMENT for an impossible struct_size, AENC_ERR_VERSION with the offset of the byte when
 * the caller's struct is larger and says something there. `name` is the struct's. */
aenc_status aenc_options_read(aenc_context *ctx, const char *name, const void *given, size_t known, void *out);

/* Calls the release of options that were not taken over, with their user, as far as struct_size reaches; `given` may be NULL. */
void aenc_user_release(const void *given, size_t release_at, size_t user_at);
#define RELEASE_USER(type, given) aenc_user_release(given, offsetof(type, release), offsetof(type, user))

/* The other way: what this library knows of a struct into the caller's, which says by its struct_size how much it has room for. */
aenc_status aenc_struct_write(aenc_context *ctx, const char *name, const void *from, size_t known, void *out);

/* A matrix that can be read: data there, at least one row, `cols` columns, a stride that reaches, sizes that do not
 * overflow, every number finite. `name` is the argument's. */
aenc_status aenc_matrix_check(aenc_context *ctx, const char *name, const aenc_matrix *matrix, size_t cols);
/* A matrix of codes of any width, or (cols not 0) of that width. */
aenc_status aenc_codes_check(aenc_context *ctx, const char *name, const aenc_matrix *m, size_t cols);
/* aenc_matrix_check without looking at the numbers. */
aenc_status aenc_matrix_shape_check(aenc_context *ctx, const char *name, const aenc_matrix *matrix, size_t cols);
/* The same for a room of floats to write rows * cols into. */
aenc_status aenc_room_check(aenc_context *ctx, const char *call, const float *out, size_t floats, size_t rows,
                            size_t cols);
/* The same for a room of another name, or of something else. */
struct room_names {
    const char *out, *unit; /* "out", "floats" */
};
aenc_status aenc_room_check_as(aenc_context *ctx, const char *call, struct room_names names, const void *out,
                               size_t room, size_t rows, size_t cols);
/* Whether `field` counts what is read: `each` for each of so many rows. call: or the name of the struct, with a dot in
 * front of field. */
aenc_status aenc_count_check(aenc_context *ctx, const char *call, const char *field, size_t count, size_t rows,
                             size_t each);
/* What a call calls its data in messages. */
struct data_names {
    const char *x, *target;
};
/* x fits the model's input, and target (NULL: x) its output, row by row. model is not NULL. */
aenc_status aenc_data_check(struct aenc_model *model, struct data_names names, const aenc_matrix *x,
                            const aenc_matrix *target);
/* The same with the message elsewhere: runners of one model share nothing that is written. labelled: x alone, its targets
 * are given otherwise. */
aenc_status aenc_data_check_in(aenc_context *ctx, const struct aenc_model *model, struct data_names names,
                               const aenc_matrix *x, const aenc_matrix *target, bool labelled);
/* Both as a batch; target may be NULL. */
struct batch aenc_batch_from(const aenc_matrix *x, const aenc_matrix *target);
/* What a fit's options say of its rows besides x, and of those of valid, as columns: labels as targets, weights. Without data
 * where there are none. */
struct label_targets {
    struct column target, valid;
    struct column weight, valid_weight;
};
/* classes.c: the labels. */
aenc_status aenc_labels_take(aenc_model *model, size_t rows, const aenc_fit_options *o, struct label_targets *out);
/* fit_weights.c: the weights, behind those. */
aenc_status aenc_weights_take(aenc_model *model, size_t rows, const aenc_fit_options *o, struct label_targets *out);
/* Both. */
static inline aenc_status aenc_columns_take(aenc_model *model, size_t rows, const aenc_fit_options *o,
                                            struct label_targets *out) {
    aenc_status status = aenc_labels_take(model, rows, o, out);
    return status == AENC_OK ? aenc_weights_take(model, rows, o, out) : status;
}
/* Everything in the options of a fit but the target's fit to the data. */
aenc_status aenc_fit_options_check(struct aenc_model *model, const aenc_fit_options *options,
                                   const struct label_targets *labels);
/* What they hold out, as the data have it: as they say it, as labels, or a source's rows. */
void aenc_fit_valid(const aenc_model *model, const aenc_fit_options *options, const struct label_targets *labels,
                    struct fit_data *data);
/* Whether the rows of valid_source, if that is given, are such as the model takes. */
aenc_status aenc_valid_source_check(aenc_model *model, const aenc_fit_options *options);
/* The options' own columns for the rows themselves. */
void aenc_fit_columns(struct batch *rows, const struct label_targets *labels);
/* source.c: what a source has to be for a model to train on it, its targets apart; `closed`: in one pass, to its
 * end. */
aenc_status aenc_source_check(aenc_model *model, const aenc_source *source, const aenc_fit_options *o, bool closed);
/* Whether its fields have the shapes of the model's, the target apart. */
aenc_status aenc_source_shapes_check(const aenc_model *model, const char *who, const aenc_source *source);
/* Its rows, to be looked at batch by batch, for a model; NULL: only its input, for one that is to come. */
struct fit_data aenc_source_data(const aenc_source *source, const aenc_model *model);
/* What a fit of a PCA cannot take: frozen parameters. */
aenc_status aenc_pca_fit_check(aenc_model *model);
/* model.c: for callers that have begun a call; the options are complete. */
aenc_status aenc_model_from_options(aenc_context *ctx, const aenc_model_options *options, aenc_model **out);
/* train.c: likewise. */
aenc_status aenc_fit_rows(aenc_model *model, const aenc_matrix *x, const aenc_fit_options *options);
/* "name is NULL". */
aenc_status aenc_null(aenc_context *ctx, const char *call, const char *name);

#endif
