/* call_posterior.c - the measures of a Gaussian code over rows. */
#include "api/call_results.h"
#include "use/use.h"

enum { PAIRS = 4096 };

/* Rooms that are given have as many doubles as the code has elements. */
static aenc_status room_check(const aenc_model *model, const aenc_posterior_options *o) {
    static const char *const names[] = {"mean", "variance", "kl", "marginal_kl"};
    const double *const rooms[] = {o->mean, o->variance, o->kl, o->marginal_kl};
    aenc_status status = AENC_OK;
    for (int i = 0; i < 4 && status == AENC_OK; i++)
        if (rooms[i] != NULL)
            status = aenc_room_check_as(model->ctx, "aenc_posterior_options", (struct room_names){names[i], "units"},
                                        rooms[i], o->units, 1, (size_t)model->code_size);
    return status;
}

static aenc_status measure(aenc_model *model, const aenc_posterior_options *options, const aenc_array *const *in,
                           size_t in_count, aenc_posterior *out) {
    const struct named_call named = {model->ctx, model, "aenc_posterior_measure"};
    aenc_posterior_options o;
    aenc_posterior made = {.struct_size = sizeof made};
    struct batch batch;
    aenc_status status = aenc_options_read(model->ctx, "aenc_posterior_options", options, sizeof o, &o);
    if (status == AENC_OK) status = room_check(model, &o);
    if (status == AENC_OK && o.pairs > INT32_MAX)
        status = aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "aenc_posterior_options.pairs is %zu; it is at most %d",
                           o.pairs, INT32_MAX);
    if (status == AENC_OK) status = aenc_call_fields(&named, in, in_count, &batch);
    if (status == AENC_OK && batch.count == 0)
        status = aenc_fail(model->ctx, AENC_ERR_ARGUMENT, "%s: no field is given", named.call);
    if (status == AENC_OK) status = aenc_fields_check_values(model->ctx, model, &batch, false, 0);
    if (status != AENC_OK) return status;
    const struct posterior_room room = {o.pairs == 0 ? PAIRS : (int64_t)o.pairs, o.mean, o.variance, o.kl,
                                        o.marginal_kl};
    status = aenc_posterior_find(model, &batch, o.seed, &room, &made);
    return status == AENC_OK ? aenc_struct_write(model->ctx, "aenc_posterior", &made, sizeof made, out) : status;
}

aenc_status aenc_posterior_measure(aenc_model *model, const aenc_posterior_options *options,
                                   const aenc_array *const *in, size_t in_count, aenc_posterior *out) {
    struct call call = {.held = {.model = model}};
    if (out == NULL) return aenc_null(model == NULL ? NULL : model->ctx, "aenc_posterior_measure", "out");
    aenc_status status = aenc_call_begin(&call, "aenc_posterior_measure", CALL_READS);
    if (status == AENC_OK) status = measure(model, options, in, in_count, out);
    return aenc_call_end(&call, status);
}
