/* stack.h - networks trained layer by layer, deepened, and taught by others. */
#ifndef AENC_TRAIN_STACK_H
#define AENC_TRAIN_STACK_H

#include "train/train.h"

/* pretrain.c. fit: how each layer is trained; its data and progress are not looked at. options are complete, x is checked. */
aenc_status aenc_train_pretrain(struct aenc_model *model, const struct rows *x, const aenc_pretrain_options *options,
                                const aenc_fit_options *fit);

/* distill.c. fit as above; for the rows held out in fit->valid the teacher answers too. x and sizes are checked. */
aenc_status aenc_train_distill(struct aenc_model *student, struct aenc_model *teacher, const struct rows *x,
                               const aenc_distill_options *options, const aenc_fit_options *fit);

#endif
