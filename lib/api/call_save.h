/* call_save.h - where a file goes or comes from, which the calls of models, detectors and optimizers share. */
#ifndef AENC_API_CALL_SAVE_H
#define AENC_API_CALL_SAVE_H

#include "api/api.h"
#include "io/safetensors.h"

/* What is saved: its pieces, which may refer to the arena. */
typedef aenc_status save_draft(const struct held *held, struct arena *arena, struct safetensors_draft *out);

/* Within a call of that name that has begun. `held` has a model. */
aenc_status aenc_save_path(const struct call *call, const char *name, save_draft *draft, const char *path);
/* bytes NULL: only the size is wanted. */
aenc_status aenc_save_memory(const struct call *call, const char *name, save_draft *draft, void *bytes, size_t capacity,
                             size_t *size);
aenc_status aenc_save_callback(const struct call *call, const char *name, save_draft *draft, aenc_write_callback write,
                               void *user);

/* What is loaded, within a call of that name that has begun. */
struct loading {
    const struct held *held;
    const char *name;
    const char *prefix; /* of the tensors that are wanted, where not all are */
    void *out;          /* where the call's result goes */
};
typedef aenc_status load_take(const struct loading *loading, const struct loaded_bytes *from);
aenc_status aenc_load_path(const struct loading *loading, load_take *take, const char *path);
/* what: what the bytes are called in messages. */
aenc_status aenc_load_memory(const struct loading *loading, load_take *take, const void *bytes, size_t size,
                             const char *what);

#endif
