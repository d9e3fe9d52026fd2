/* plugin.c - the list of plug-ins, youngest first. */
#include "base/plugin.h"

#include <string.h>

#include "base/mem.h"

void aenc_plugin_add(aenc_context *ctx, struct plugin *plugin) {
    plugin->next = ctx->plugins;
    ctx->plugins = plugin;
}

const struct plugin *aenc_plugin_find(const aenc_context *ctx, int64_t kind, const char *name) {
    const struct plugin *p = ctx->plugins;
    while (p != NULL && (p->kind != kind || strcmp(p->name, name) != 0)) p = p->next;
    return p;
}

const void *aenc_plugin_type(const aenc_context *ctx, int64_t kind, const char *name) {
    const struct plugin *p = aenc_plugin_find(ctx, kind, name);
    return p == NULL ? NULL : p->type;
}

size_t aenc_plugin_names(const aenc_context *ctx, int64_t kind, const char **names, size_t count, size_t room) {
    for (const struct plugin *p = ctx->plugins; p != NULL && count < room; p = p->next)
        if (p->kind == kind) names[count++] = p->name;
    return count;
}

void aenc_plugins_end(aenc_context *ctx) {
    while (ctx->plugins != NULL) {
        struct plugin *p = ctx->plugins;
        ctx->plugins = p->next;
        if (p->release != NULL) p->release(p->user);
        aenc_release(ctx, p);
    }
}
