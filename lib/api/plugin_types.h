/* plugin_types.h - a registered plug-in: what the caller handed in, copied, with the type that its room sees. */
#ifndef AENC_API_PLUGIN_H
#define AENC_API_PLUGIN_H

#include "api/api.h"
#include "base/plugin.h"

enum { PLUGIN_NAME = 64, PLUGIN_SETTINGS = 16 };

struct registered {
    struct plugin plugin; /* first: what the context has of it */
    aenc_plugin call;
    char name[PLUGIN_NAME];
    char setting[PLUGIN_SETTINGS][PLUGIN_NAME];
    struct setting_rule rules[PLUGIN_SETTINGS + 1];
    union {
        struct layer_type layer;
        struct loss_type loss;
        struct penalty_type penalty;
        struct corruption_type corruption;
        struct bottleneck_type bottleneck;
    } type;
};

struct aenc_recorder {
    aenc_context *ctx;
    struct tape *tape;   /* NULL: there is none, only settings */
    struct store *store; /* NULL: parameters are refused */
    struct site *site;   /* NULL: there is none, only settings */
    const struct registered *plugin;
    const struct json *spec;
};

/* The public names of internal structs. */
static inline aenc_node *aenc_node_shown(struct node *n) { return (aenc_node *)n; }
static inline struct node *aenc_node_hidden(const aenc_node *n) { return (struct node *)n; }
/* ops.c: whether it is one of this recording's; n may be anything at all. */
bool aenc_node_recorded(const struct tape *tape, const struct node *n);
/* Whether there is a recording, and it has not failed. */
bool aenc_recorder_sound(const aenc_recorder *r);
/* x as a node of this recording; NULL once it has failed, which it has where x is NULL or a stranger. */
struct node *aenc_node_taken(const aenc_recorder *r, const char *call, const aenc_node *x);
/* "layer", "loss" ... of a kind. */
const char *aenc_plugin_family(int64_t kind);

#endif
