/* init.c - how weights start: by name, and the draws themselves.
 *
 * Values are computed in double with the C library's functions, one by one: the same seed gives the same start on every
 * instruction set.
 */
#include "layer/init.h"

#include <math.h>
#include <string.h>

#include "io/bytes.h"
#include "io/settings.h"
#include "math/linear_algebra.h"

enum { BITS = 64 }; /* random elements drawn at a time; a multiple of 4 */

static const double two_pi = 6.283185307179586476925;

struct init_name {
    const char *name;
    enum init_kind kind;
    double gain; /* when none is given */
};

static const struct init_name names[] = {
    {"constant", INIT_CONSTANT, 0},
    {"xavier_uniform", INIT_XAVIER_UNIFORM, 1},
    {"xavier_normal", INIT_XAVIER_NORMAL, 1},
    {"he_uniform", INIT_HE_UNIFORM, 1},
    {"he_normal", INIT_HE_NORMAL, 1},
    {"lecun_uniform", INIT_LECUN_UNIFORM, 1},
    {"lecun_normal", INIT_LECUN_NORMAL, 1},
    {"orthogonal", INIT_ORTHOGONAL, 1},
    {"uniform", INIT_UNIFORM, 0.05},
    {"normal", INIT_NORMAL, 0.05},
    {"torch", INIT_TORCH, 1},
};
enum { NAME_COUNT = sizeof names / sizeof *names };

static aenc_status unknown_name(aenc_context *ctx, const char *name) {
    const char *known[NAME_COUNT];
    for (size_t i = 0; i < NAME_COUNT; i++) known[i] = names[i].name;
    return aenc_name_unknown(ctx, "init", name, known, NAME_COUNT, 0);
}

aenc_status aenc_init_parse(aenc_context *ctx, const char *text, struct init *init) {
    struct arena arena;
    struct json *spec;
    aenc_arena_create(ctx, &arena);
    aenc_status status = aenc_settings_parse(&arena, "init", text, &spec);
    if (status != AENC_OK) goto done;
    const struct init_name *found = NULL;
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (strcmp(names[i].name, aenc_settings_type(spec)) == 0) found = &names[i];
    if (found == NULL) {
        status = unknown_name(ctx, aenc_quoted(aenc_settings_type(spec)).text);
        goto done;
    }
    const struct setting_rule rules[] = {
        {.name = "gain", .kind = SETTING_NUMBER, .fallback = found->gain, .low = -INFINITY, .high = INFINITY},
        {.name = NULL}};
    status = aenc_settings_check(ctx, "init", spec, rules);
    if (status != AENC_OK) goto done;
    init->kind = found->kind;
    init->gain = aenc_setting_number(spec, rules, "gain");
done:
    aenc_arena_free(&arena);
    return status;
}

/* ---- Drawing ---- */

/* 32 bits to the middle of their cell of (0, 1). */
static double uniform_of(uint32_t bits) { return ((double)bits + 0.5) / 4294967296.0; }

/* Elements first .. first + count - 1 of the draw, count at most BITS: uniform in (-1, 1), or standard normal (Box &
 * Muller 1958: elements 2 k and 2 k + 1 are from one pair of uniforms). */
static void draw_piece(const struct draw *draw, bool normal, int64_t first, double *out, int64_t count) {
    uint32_t bits[BITS];
    aenc_random_bits(draw, (uint64_t)first, bits, BITS);
    for (int64_t i = 0; i < count; i++) {
        out[i] = 2 * uniform_of(bits[i]) - 1;
        if (!normal) continue;
        const uint32_t *pair = &bits[i / 2 * 2];
        double radius = sqrt(-2 * log(uniform_of(pair[0]))), angle = two_pi * uniform_of(pair[1]);
        out[i] = radius * (i % 2 == 0 ? cos(angle) : sin(angle));
    }
}

/* What the draw is multiplied with: half the width of a uniform, the standard deviation of a normal. */
static double scale_of(const struct init *init) {
    double in = (double)(init->fan_in > 0 ? init->fan_in : 1);
    double both = in + (double)(init->fan_out > 0 ? init->fan_out : 1);
    switch (init->kind) {
    case INIT_XAVIER_UNIFORM: return init->gain * sqrt(6 / both);
    case INIT_XAVIER_NORMAL: return init->gain * sqrt(2 / both);
    case INIT_HE_UNIFORM: return init->gain * sqrt(6 / in);
    case INIT_HE_NORMAL: return init->gain * sqrt(2 / in);
    case INIT_LECUN_UNIFORM: return init->gain * sqrt(3 / in);
    case INIT_LECUN_NORMAL: return init->gain * sqrt(1 / in);
    case INIT_TORCH: return init->gain / sqrt(in);
    case INIT_CONSTANT:
    case INIT_ORTHOGONAL:
    case INIT_UNIFORM:
    case INIT_NORMAL: break;
    }
    return init->gain;
}

static bool is_normal(enum init_kind kind) {
    return kind == INIT_XAVIER_NORMAL || kind == INIT_HE_NORMAL || kind == INIT_LECUN_NORMAL || kind == INIT_NORMAL;
}

static void draw_plain(const struct init *init, const struct draw *draw, num *out, int64_t count) {
    double piece[BITS];
    double scale = scale_of(init);
    for (int64_t first = 0; first < count; first += BITS) {
        int64_t length = count - first < BITS ? count - first : BITS;
        draw_piece(draw, is_normal(init->kind), first, piece, length);
        for (int64_t i = 0; i < length; i++) out[first + i] = (num)(scale * piece[i]);
    }
}

/* A matrix (axis 0, the rest) of normals made orthonormal along its shorter side, times gain. */
static aenc_status draw_orthogonal(aenc_context *ctx, const struct entry *entry, const struct draw *draw, num *out) {
    int64_t rows = entry->shape.rank == 0 ? 1 : entry->shape.dim[0], cols = entry->count / rows;
    int64_t tall = rows > cols ? rows : cols, thin = rows > cols ? cols : rows;
    double *a = aenc_alloc_raw(ctx, (size_t)(entry->count + 2 * thin), sizeof *a); /* (tall, thin), and scratch */
    if (a == NULL) return AENC_ERR_NO_MEMORY;
    for (int64_t first = 0; first < entry->count; first += BITS)
        draw_piece(draw, true, first, a + first, entry->count - first < BITS ? entry->count - first : BITS);
    aenc_orthonormalise(a, tall, thin, a + entry->count);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < cols; c++)
            out[r * cols + c] = (num)(entry->init.gain * (rows > cols ? a[r * thin + c] : a[c * thin + r]));
    aenc_release(ctx, a);
    return AENC_OK;
}

aenc_status aenc_init_draw(aenc_context *ctx, const struct entry *entry, uint64_t seed, num *out) {
    struct draw draw = {.seed = seed, .stream = aenc_random_stream(entry->name)};
    if (entry->init.kind == INIT_ORTHOGONAL) return draw_orthogonal(ctx, entry, &draw, out);
    if (entry->init.kind != INIT_CONSTANT) {
        draw_plain(&entry->init, &draw, out, entry->count);
        return AENC_OK;
    }
    for (int64_t i = 0; i < entry->count; i++) out[i] = (num)entry->init.gain;
    return AENC_OK;
}
