/* arena.h - small things that live and die together.
 *
 * A bump allocator over chunks: nodes, attributes and names of one tape come from one arena and go with it. Nothing is
 * freed alone, nothing moves.
 */
#ifndef AENC_BASE_ARENA_H
#define AENC_BASE_ARENA_H

#include "base/mem.h"

struct arena_chunk;
struct arena {
    aenc_context *ctx;
    struct arena_chunk *last;
    bool failed; /* some allocation was refused: what was built without looking at each answer is not whole */
};

void aenc_arena_create(aenc_context *ctx, struct arena *arena);
void aenc_arena_free(struct arena *arena);
/* Where the arena stands; taking it back there frees what was allocated since. */
struct arena_mark {
    struct arena_chunk *last;
    size_t used;
};
struct arena_mark aenc_arena_mark(const struct arena *arena);
void aenc_arena_rewind(struct arena *arena, struct arena_mark mark);
/* count * size bytes, zeroed, aligned for any type; NULL with the message set. */
void *aenc_arena_alloc(struct arena *arena, size_t count, size_t size);
char *aenc_arena_text(struct arena *arena, const char *text);
/* printf into the arena; NULL with the message set. */
char *aenc_arena_format(struct arena *arena, const char *format, ...) AENC_PRINTF(2, 3);

#endif
