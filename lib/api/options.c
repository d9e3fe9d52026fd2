/* options.c - options structs of any age. */
#include <string.h>

#include "api/api.h"

enum { STRUCT_MOST = 4096 }; /* bytes; a larger struct_size is one that was never set */

aenc_status aenc_null(aenc_context *ctx, const char *call, const char *name) {
    return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s: %s is NULL", call, name);
}

void aenc_user_release(const void *given, size_t release_at, size_t user_at) {
    size_t size = 0;
    aenc_release_callback release = NULL;
    void *user;
    if (given != NULL) memcpy(&size, given, sizeof size);
    if (size < release_at + sizeof release || size < user_at + sizeof user || size > STRUCT_MOST) return;
    memcpy(&release, (const char *)given + release_at, sizeof release);
    memcpy(&user, (const char *)given + user_at, sizeof user);
    if (release != NULL) release(user);
}

aenc_status aenc_options_read(aenc_context *ctx, const char *name, const void *given, size_t known, void *out) {
    size_t size = known;
    memset(out, 0, known);
    if (given != NULL) memcpy(&size, given, sizeof size);
    if (size < sizeof size || size > STRUCT_MOST)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s.struct_size is %zu; set it to sizeof(%s)", name, size, name);
    if (given != NULL) memcpy(out, given, size < known ? size : known);
    memcpy(out, &known, sizeof known);
    for (size_t i = known; i < size; i++)
        if (((const unsigned char *)given)[i] != 0)
            return aenc_fail(ctx, AENC_ERR_VERSION,
                             "%s: byte %zu is set, and this library knows only the first %zu bytes of that struct",
                             name, i, known);
    return AENC_OK;
}

aenc_status aenc_struct_write(aenc_context *ctx, const char *name, const void *from, size_t known, void *out) {
    size_t size;
    memcpy(&size, out, sizeof size);
    if (size < sizeof size)
        return aenc_fail(ctx, AENC_ERR_ARGUMENT, "%s.struct_size is %zu; set it to sizeof(%s)", name, size, name);
    memcpy(out, from, size < known ? size : known);
    memcpy(out, &size, sizeof size);
    return AENC_OK;
}
