/* call_fields.h - which call takes which field of an options struct.
 *
 * A field that is given to a call that has no use for it is refused by name: it would be dropped in silence
 * otherwise. One table for each struct says who takes what; a field without a row is taken by everybody.
 */
#ifndef AENC_API_FIELDS_H
#define AENC_API_FIELDS_H

#include <autoenc/ops.h>

#include "base/context.h"

/* Who looks at aenc_fit_options. */
enum fit_user {
    FIT_ROWS = 1,    /* aenc_fit, aenc_fit_source of rows in memory */
    FIT_STREAM = 2,  /* aenc_fit_source of a callback */
    FIT_PARTIAL = 4, /* aenc_partial_fit */
    FIT_PRETRAIN = 8,
    FIT_DISTILL = 16,
    FIT_PCA = 32, /* any of these, of a PCA */
    FIT_SWEEP = 64
};

/* AENC_ERR_ARGUMENT with the call's name and the field's. What a field says that is so anyway (one epoch, a constant
 * schedule) is no contradiction. */
aenc_status aenc_fit_fields_check(aenc_context *ctx, const char *call, enum fit_user user,
                                  const aenc_fit_options *options);
/* Fields of widths beside layers, and counts without what they count. */
aenc_status aenc_model_fields_check(aenc_context *ctx, const aenc_model_options *options);
/* Of those, the counts. */
aenc_status aenc_model_counts_check(aenc_context *ctx, const aenc_model_options *options);
/* Counts without what they count. */
aenc_status aenc_pretrain_fields_check(aenc_context *ctx, const aenc_pretrain_options *options);
/* Callbacks and facts of another kind than the plug-in's. kind is one of AENC_PLUGIN_*. */
aenc_status aenc_plugin_fields_check(aenc_context *ctx, const aenc_plugin *plugin);

#endif
