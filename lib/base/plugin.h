/* plugin.h - what a context has been taught: types of layers, losses, penalties and corruptions by kind and name.
 *
 * What a type is, is the affair of the room that looks it up; here is only the list. Plug-ins stay until the context
 * goes.
 */
#ifndef AENC_BASE_PLUGIN_H
#define AENC_BASE_PLUGIN_H

#include <autoenc/ops.h>

#include "base/context.h"

/* Stands at the front of a block from aenc_alloc, which the context takes over. */
struct plugin {
    struct plugin *next;
    int64_t kind; /* AENC_PLUGIN_... */
    const char *name;
    const void *type;              /* struct layer_type and the like */
    aenc_release_callback release; /* NULL: nothing to be released */
    void *user;
};

void aenc_plugin_add(aenc_context *ctx, struct plugin *plugin);
/* NULL where there is none. */
const struct plugin *aenc_plugin_find(const aenc_context *ctx, int64_t kind, const char *name);
/* Its type, NULL where there is none. */
const void *aenc_plugin_type(const aenc_context *ctx, int64_t kind, const char *name);
/* Appends the names of that kind to the `count` in names, as far as there is room; answers how many there are then. */
size_t aenc_plugin_names(const aenc_context *ctx, int64_t kind, const char **names, size_t count, size_t room);
void aenc_plugins_end(aenc_context *ctx);

#endif
