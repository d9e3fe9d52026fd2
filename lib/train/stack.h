/* stack.h - networks trained layer by layer, deepened, and taught by others. */
#ifndef AENC_TRAIN_STACK_H
#define AENC_TRAIN_STACK_H

#include "train/train.h"

/* pretrain.c. fit: how each layer is trained; its progress is not looked at. options are complete, sizes are
 * checked. */
aenc_status aenc_train_pretrain(struct aenc_model *model, const struct fit_data *x,
                                const aenc_pretrain_options *options, const aenc_fit_options *fit);

/* distill.c. For the rows held out in fit->valid the teacher answers too. Options are complete, sizes are checked. */
aenc_status aenc_train_distill(struct aenc_model *student, struct aenc_model *teacher, const struct fit_data *x,
                               const aenc_distill_options *options, const aenc_fit_options *fit);

#endif
