/* pca_subspace.c - what a linear encoder spans.
 *
 * Not the weights are multiplied but what comes out is looked at: the answers to scaled unit vectors less the answer to
 * zero. So whatever is linear will do (tied, reshaped, over the last axis, batch norm as evaluation sees it), to the
 * accuracy of float32. The scale is such that biases do not matter.
 */
#include <string.h>

#include "io/bytes.h"
#include "io/message_text.h"
#include "math/subspace.h"
#include "model/pca.h"

enum { LINEAR_SCALE = 1 << 20 };
static const double dependent = 1e-6; /* what is left of a row that depends on others, to the accuracy of float32 */

/* The first layer of a checked spec that is not linear (or affine) in evaluation; NULL: there is none. */
static const struct json *bent(const struct json *spec) {
    static const char *const straight[] = {"sequential", "residual", "dense",   "identity",
                                           "flatten",    "reshape",  "dropout", "batch_norm"};
    const char *type = aenc_settings_type(spec);
    const struct json *activation = aenc_json_member(spec, "activation"), *layers = aenc_json_member(spec, "layers");
    bool known = activation == NULL || strcmp(activation->text, "identity") == 0;
    size_t i = 0;
    while (i < sizeof straight / sizeof *straight && strcmp(straight[i], type) != 0) i++;
    if (!known || i == sizeof straight / sizeof *straight) return spec;
    for (const struct json *l = layers == NULL ? NULL : layers->first; l != NULL; l = l->next) {
        const struct json *found = bent(l);
        if (found != NULL) return found;
    }
    return NULL;
}

aenc_status aenc_linear_encoder(struct aenc_model *model, const char *which, double **out) {
    aenc_context *ctx = model->ctx;
    size_t in = (size_t)model->input_size, code = (size_t)model->code_size;
    const struct json *layer = bent(aenc_json_member(model->description, "encoder"));
    *out = NULL;
    if (layer != NULL) {
        const struct json *activation = aenc_json_member(layer, "activation");
        return aenc_fail(ctx, AENC_ERR_UNSUPPORTED, "%s: the encoder is not linear: layer '%s'%s%s", which,
                         aenc_quoted(aenc_settings_type(layer)).text, activation == NULL ? "" : " with activation ",
                         activation == NULL ? "" : aenc_quoted(activation->text).text);
    }
    float *probe = aenc_alloc(ctx, (in + 1) * in, sizeof *probe), *answer = NULL; /* (in + 1, in), (in + 1, code) */
    if (probe != NULL) answer = aenc_alloc(ctx, in + 1, code * sizeof *answer);
    double *rows = answer == NULL ? NULL : aenc_alloc(ctx, code, in * sizeof *rows);
    aenc_status status = rows == NULL ? AENC_ERR_NO_MEMORY : AENC_OK;
    for (size_t i = 0; status == AENC_OK && i < in; i++) probe[i * in + i] = LINEAR_SCALE;
    const struct rows x = {probe, (int64_t)in, (int64_t)in + 1, NULL};
    if (status == AENC_OK) status = aenc_model_infer_rows(model, TASK_ENCODE, &x, answer);
    for (size_t i = 0; status == AENC_OK && i < code * in; i++)
        rows[i] = ((double)answer[i % in * code + i / in] - (double)answer[in * code + i / in]) / LINEAR_SCALE;
    aenc_release(ctx, probe);
    aenc_release(ctx, answer);
    if (status == AENC_OK)
        *out = rows;
    else
        aenc_release(ctx, rows);
    return status;
}

static aenc_status orthonormalise(aenc_context *ctx, const char *which, double *a, int64_t rows, int64_t cols) {
    int64_t row = aenc_rows_orthonormalise(a, rows, cols, dependent);
    if (row == rows) return AENC_OK;
    return aenc_fail(ctx, AENC_ERR_ARGUMENT,
                     "%s spans less than %lld dimensions: %s%s is zero or depends on the rows before it", which,
                     (long long)rows, which, aenc_at((size_t)row).text);
}

aenc_status aenc_subspace_compare(aenc_context *ctx, double *a, int64_t a_rows, double *b, int64_t b_rows, int64_t cols,
                                  double *out) {
    aenc_status status = orthonormalise(ctx, "a", a, a_rows, cols);
    if (status == AENC_OK) status = orthonormalise(ctx, "b", b, b_rows, cols);
    if (status != AENC_OK) return status;
    bool swap = a_rows < b_rows;
    int64_t more = swap ? b_rows : a_rows, fewer = swap ? a_rows : b_rows;
    double *room = aenc_alloc(ctx, (size_t)fewer, (size_t)(cols + more) * sizeof *room);
    if (room == NULL) return AENC_ERR_NO_MEMORY;
    aenc_rows_angles(swap ? b : a, more, swap ? a : b, fewer, cols, room, out);
    aenc_release(ctx, room);
    return AENC_OK;
}
