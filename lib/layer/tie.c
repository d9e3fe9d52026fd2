/* tie.c - a decoder whose dense layers use the encoder's weights, transposed.
 *
 * The dense layers of the decoder, from the code on, are paired with those of the encoder, from the code back.
 * Whether a pair fits is seen when the layer is recorded.
 */
#include <string.h>

#include "layer/layer.h"

/* A dense layer anywhere inside containers. */
struct place {
    struct json *spec;
    const char *path; /* "encoder.0" */
};

/* place NULL: only counts. */
static size_t dense_layers(struct arena *arena, const struct json *spec, const char *path, struct place *place) {
    const struct json *layers = aenc_json_member(spec, "layers");
    size_t count = 0;
    unsigned index = 0;
    if (strcmp(aenc_settings_type(spec), aenc_layer_dense.name) == 0) {
        if (place != NULL) *place = (struct place){(struct json *)spec, path};
        return 1;
    }
    for (const struct json *l = layers == NULL ? NULL : layers->first; l != NULL; l = l->next, index++) {
        const char *inside = place == NULL ? NULL : aenc_arena_format(arena, "%s.%u", path, index);
        count += dense_layers(arena, l, inside, place == NULL ? NULL : place + count);
    }
    return count;
}

const struct json *aenc_layer_tie(aenc_context *ctx, struct arena *arena, const struct json *encoder,
                                  const struct json *decoder) {
    struct json *tied = aenc_json_add_copy(arena, NULL, NULL, decoder);
    if (tied == NULL) return NULL;
    size_t count = dense_layers(arena, encoder, NULL, NULL), decoding = dense_layers(arena, tied, NULL, NULL);
    struct place *from = aenc_arena_alloc(arena, count + 1, sizeof *from);
    struct place *to = aenc_arena_alloc(arena, decoding + 1, sizeof *to);
    if (from == NULL || to == NULL) return NULL;
    if (count != decoding || count == 0) {
        aenc_fail(ctx, AENC_ERR_SHAPE,
                  "tied: the encoder has %zu dense layers and the decoder %zu; each of the decoder's uses "
                  "the weight of one of the encoder's",
                  count, decoding);
        return NULL;
    }
    dense_layers(arena, encoder, "encoder", from);
    dense_layers(arena, tied, "decoder", to);
    for (size_t i = 0; i < count && !arena->failed; i++)
        if (aenc_json_member(to[i].spec, "tied") == NULL)
            aenc_json_add_text(arena, to[i].spec, "tied", from[count - 1 - i].path);
    return arena->failed ? NULL : tied;
}
