/* classes.h - what a model of classes says of rows. */
#ifndef AENC_USE_CLASSES_H
#define AENC_USE_CLASSES_H

#include "model/model.h"

/* What is wanted; what is NULL is not. A row has as many answers as its target has numbers: one, mostly. */
struct class_answers {
    float *probability; /* (answers, classes) */
    int32_t *label;     /* (answers): the most probable */
    const int32_t *truth;
    int64_t right; /* labels that are truth's */
};
aenc_status aenc_classes_tell(struct aenc_model *model, const struct rows *x, struct class_answers *answers);

#endif
