/* commands.h - what main.c calls; each answers the exit status. */
#ifndef TOOL_COMMANDS_H
#define TOOL_COMMANDS_H

#include "row_fields.h"
#include "options.h"

int tool_train(const struct options *options);
/* encode, decode, reconstruct and score: rows in, rows out */
int tool_use(const struct options *options);
/* anomalies: a detector from one table, the scores of it or another */
int tool_detect(const struct options *options);
int tool_info(const struct options *options);
int tool_pca(const struct options *options);
int tool_sweep(const struct options *options);
int tool_interpolate(const struct options *options);
int tool_sample(const struct options *options);
int tool_edit(const struct options *options);
int tool_probe(const struct options *options);
int tool_version(const struct options *options);
int tool_help_command(const struct options *options);

/* The optimizer's spec with --lr in it, into out unless there is nothing to add; NULL with the usage told where it
 * says lr twice, NULL without --lr and --optimizer. */
const char *tool_optimizer_spec(const struct options *options, char *out, size_t size);
int tool_classify(const struct options *options);

/* Reads the model at path. */
int tool_model_load(const struct options *options, aenc_context *ctx, const char *path, aenc_model **out);
/* What `command` (encode, decode, reconstruct, score) answers for all rows, with their fields where they have some: *out of
 * (rows, *cols), for free(). target NULL: the rows themselves; features: score every feature. */
int tool_model_run(const struct options *options, aenc_context *ctx, aenc_model *model, enum command command,
                   const struct data *data, const struct data *target, float **out, size_t *cols);
/* Values of a row of the model's result of that name; 0: it has none. */
size_t tool_result_size(aenc_model *model, const char *name);
/* The result that `command` takes from a model: "code". */
const char *tool_result_name(const struct options *options, enum command command);
/* The fields of --field, for a model that is there, before data are read: none missing, none too many. */
int tool_fields_prepare(const struct options *options, aenc_model *model, enum command command, struct fields **out);
/* Reads them, as those of data, which borrows them. */
int tool_fields_attach(const struct options *options, struct fields *fields, struct data *data);
/* Rows, which may be codes, and their fields through the model. */
aenc_status tool_fields_run(aenc_model *model, const char *result, bool codes, const struct data *data,
                            const struct data *target, float *out, size_t cols);
/* The numbers of a parameter or state by its name, for free(). */
int tool_model_numbers(const struct options *options, aenc_context *ctx, const aenc_model *model, const char *name,
                       float **out, size_t *count);
/* "-" can be read once only; TOOL_USAGE when more than one of the paths (NULL: not given) and of the fields is it. */
int tool_stdin_once(const struct options *options, const char *const *paths, size_t count);
/* Whether that is to be a picture, by its ending. path may be NULL. */
bool tool_output_is_picture(const char *path);
/* Before any work, of a command that writes a picture or rows: whether -o can be that, and the inputs' "-". */
int tool_output_check(const struct options *options, const char *const *inputs, size_t count);

#endif
