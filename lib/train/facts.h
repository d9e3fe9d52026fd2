/* facts.h - what must be equal where training goes on: of checkpoints, files of optimizers and copies of both. */
#ifndef AENC_TRAIN_FACTS_H
#define AENC_TRAIN_FACTS_H

#include "model/model.h"

/* The players beside the model's own, by name, as the member "players" of the object; nothing of a model without any. */
void aenc_facts_add_players(const struct aenc_model *model, struct arena *arena, struct json *object);

/* The first fact in which two objects differ, with both values as texts for a message. */
struct difference {
    const char *name; /* path of the fact, "players.critic.turns"; NULL: none */
    const char *then, *now;
};
/* Texts in the arena. then may be NULL. AENC_ERR_NO_MEMORY. */
aenc_status aenc_facts_compare(struct arena *arena, const struct json *then, const struct json *now,
                               struct difference *out);
/* Whether the players are those that such an object states; else the status, with a message that `what` begins. */
aenc_status aenc_facts_check_players(const struct aenc_model *model, struct arena *arena, const struct json *object,
                                     aenc_status status, const char *what);

#endif
