/* call_classes.c - models of classes: labels in, labels out. */
#include "use/classes.h"

#include "api/api.h"
#include "io/message_text.h"

static aenc_status classes_check(aenc_model *model, const char *call, const aenc_matrix *x, size_t *answers) {
    if (model->classes == 0)
        return aenc_fail(model->ctx, AENC_ERR_UNSUPPORTED, "%s: loss '%s' has no classes; cross_entropy has", call,
                         model->loss->name);
    aenc_status status = aenc_matrix_check(model->ctx, "x", x, (size_t)model->input_size);
    if (status == AENC_OK && !aenc_size_multiply(x->rows, (size_t)model->target_size, answers))
        status = aenc_fail(model->ctx, AENC_ERR_SHAPE, "%s: x has too many rows", call);
    return status;
}

size_t aenc_model_class_count(const aenc_model *model) { return model == NULL ? 0 : (size_t)model->classes; }
size_t aenc_model_label_size(const aenc_model *model) {
    return model == NULL || model->classes == 0 ? 0 : (size_t)model->target_size;
}

static aenc_status classify(aenc_model *model, const aenc_matrix *x, int32_t *labels, size_t count) {
    size_t answers;
    if (labels == NULL) return aenc_null(model->ctx, "aenc_classify", "labels");
    aenc_status status = classes_check(model, "aenc_classify", x, &answers);
    if (status == AENC_OK && count < answers)
        status = aenc_fail(model->ctx, AENC_ERR_SHAPE, "aenc_classify: labels has room for %zu; %zu are needed", count,
                           answers);
    if (status != AENC_OK) return status;
    struct rows rows = aenc_rows_of(x);
    return aenc_classes_tell(model, &rows, &(struct class_answers){.label = labels});
}

aenc_status aenc_classify(aenc_model *model, const aenc_matrix *x, int32_t *labels, size_t count) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_classify", CALL_READS);
    if (status == AENC_OK) status = classify(model, x, labels, count);
    return aenc_call_end(&call, status);
}

static aenc_status class_probabilities(aenc_model *model, const aenc_matrix *x, float *out, size_t out_floats) {
    size_t answers;
    aenc_status status = classes_check(model, "aenc_class_probabilities", x, &answers);
    if (status == AENC_OK)
        status = aenc_room_check(model->ctx, "aenc_class_probabilities", out, out_floats, x->rows,
                                 (size_t)model->output_size);
    if (status != AENC_OK) return status;
    struct rows rows = aenc_rows_of(x);
    return aenc_classes_tell(model, &rows, &(struct class_answers){.probability = out});
}

aenc_status aenc_class_probabilities(aenc_model *model, const aenc_matrix *x, float *out, size_t out_floats) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_class_probabilities", CALL_READS);
    if (status == AENC_OK) status = class_probabilities(model, x, out, out_floats);
    return aenc_call_end(&call, status);
}

/* The first that is no class is refused; `of` is in front of the name. */
static aenc_status labels_check(const aenc_model *model, const char *of, const char *name, const int32_t *labels,
                                size_t count) {
    for (size_t i = 0; i < count; i++)
        if (labels[i] < 0 || labels[i] >= model->classes)
            return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "%s%s%s is %ld; loss '%s' takes classes from 0 to %lld", of,
                             name, aenc_at(i).text, (long)labels[i], model->loss->name, (long long)model->classes - 1);
    return AENC_OK;
}

static aenc_status accuracy(aenc_model *model, const aenc_matrix *x, const int32_t *labels, size_t count,
                            double *share) {
    size_t answers;
    if (share == NULL) return aenc_null(model->ctx, "aenc_accuracy", "share");
    if (labels == NULL) return aenc_null(model->ctx, "aenc_accuracy", "labels");
    aenc_status status = classes_check(model, "aenc_accuracy", x, &answers);
    if (status == AENC_OK)
        status = aenc_count_check(model->ctx, "aenc_accuracy", "count", count, x->rows, (size_t)model->target_size);
    if (status == AENC_OK) status = labels_check(model, "aenc_accuracy: ", "labels", labels, answers);
    if (status != AENC_OK) return status;
    struct rows rows = aenc_rows_of(x);
    struct class_answers told = {.truth = labels};
    status = aenc_classes_tell(model, &rows, &told);
    if (status == AENC_OK) *share = (double)told.right / (double)answers;
    return status;
}

aenc_status aenc_accuracy(aenc_model *model, const aenc_matrix *x, const int32_t *labels, size_t count, double *share) {
    struct call call = {.held = {.model = model}};
    aenc_status status = aenc_call_begin(&call, "aenc_accuracy", CALL_READS);
    if (status == AENC_OK) status = accuracy(model, x, labels, count, share);
    return aenc_call_end(&call, status);
}

/* ---- Labels as targets ---- */

/* A field of aenc_fit_options with labels, and the one that counts them. */
struct given_labels {
    const char *field, *count_field; /* with a dot in front */
    const int32_t *label;
    size_t count;
};

/* `of`: the rows that they are of; 0: there are none. */
static aenc_status labels_column(aenc_model *model, struct given_labels given, size_t of, struct column *out) {
    size_t cols = (size_t)model->target_size, count = given.count;
    if (given.label == NULL && count != 0)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_fit_options%s is %zu, and %s is NULL", given.count_field,
                         count, given.field + 1);
    if (given.label == NULL || of == 0) return AENC_OK;
    if (model->classes == 0)
        return aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_fit_options%s is given, and loss '%s' has no classes",
                         given.field, model->loss->name);
    aenc_status status = aenc_count_check(model->ctx, "aenc_fit_options", given.count_field, count, of, cols);
    if (status == AENC_OK) status = labels_check(model, "aenc_fit_options", given.field, given.label, count);
    if (status == AENC_OK) *out = (struct column){.data = given.label, .stride = (int64_t)cols, .type = VALUE_I32};
    return status;
}

aenc_status aenc_labels_take(aenc_model *model, size_t rows, const aenc_fit_options *o, struct label_targets *out) {
    aenc_context *ctx = model->ctx;
    *out = (struct label_targets){.target = {.data = NULL}};
    if (o->labels != NULL && o->target != NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_fit_options has both target and labels");
    if (o->valid_labels != NULL && o->valid == NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_fit_options.valid_labels is given without valid");
    if (o->valid_labels != NULL && o->valid_target != NULL)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "aenc_fit_options has both valid_target and valid_labels");
    const struct given_labels labels = {".labels", ".label_count", o->labels, o->label_count},
                              valid = {".valid_labels", ".valid_label_count", o->valid_labels, o->valid_label_count};
    aenc_status status = labels_column(model, labels, rows, &out->target);
    if (status == AENC_OK) status = labels_column(model, valid, o->valid == NULL ? 0 : o->valid->rows, &out->valid);
    return status;
}
