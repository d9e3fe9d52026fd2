/* codes_misuse_test.c - the calls on codes with NULL in every place, wrong shapes, numbers that are not finite, and values
 * out of range. */
#include <stdint.h>

#include "api/world.h"

enum { ROOM = 512 };

static float room[ROOM];
static int64_t index_room[ROOM];
static int32_t labels[WORLD_ROWS] = {0, 1, 0, 1}, said[WORLD_ROWS];
static const double steps[] = {0.5, 1}, shares[] = {0.1, 0.9};
static double number;

/* ---- Every matrix of every call ---- */

typedef aenc_status matrix_call(struct world *w, const aenc_matrix *m);

static aenc_status call_way_a(struct world *w, const aenc_matrix *m) {
    return aenc_codes_interpolate(w->ctx, m, &w->x, 3, 0, room, ROOM);
}
static aenc_status call_way_b(struct world *w, const aenc_matrix *m) {
    return aenc_codes_interpolate(w->ctx, &w->x, m, 3, 0, room, ROOM);
}
static aenc_status call_interpolate_a(struct world *w, const aenc_matrix *m) {
    return aenc_interpolate(w->model, m, &w->x, 3, 0, room, ROOM);
}
static aenc_status call_interpolate_b(struct world *w, const aenc_matrix *m) {
    return aenc_interpolate(w->model, &w->x, m, 3, 0, room, ROOM);
}
static aenc_status call_combine_weights(struct world *w, const aenc_matrix *m) {
    aenc_matrix codes = {w->data, WORLD_COLS, 2, 0};
    return aenc_codes_combine(w->ctx, m, &codes, room, ROOM);
}
static aenc_status call_combine_codes(struct world *w, const aenc_matrix *m) {
    return aenc_codes_combine(w->ctx, &w->x, m, room, ROOM);
}
static aenc_status call_attribute(struct world *w, const aenc_matrix *m) {
    return aenc_codes_attribute(w->ctx, m, labels, m == NULL ? 0 : m->rows, 0, 1, room, ROOM);
}
static aenc_status call_quantiles(struct world *w, const aenc_matrix *m) {
    return aenc_codes_quantiles(w->ctx, m, shares, 2, room, ROOM);
}
static aenc_status call_walk_range(struct world *w, const aenc_matrix *m) {
    aenc_matrix code = {w->data, 1, WORLD_COLS, 0};
    return aenc_codes_traverse(w->ctx, &code, m, 2, room, ROOM);
}
static aenc_status call_base(struct world *w, const aenc_matrix *m) {
    return aenc_neighbours(w->ctx, m, &w->x, 1, 0, index_room, room, ROOM);
}
static aenc_status call_query(struct world *w, const aenc_matrix *m) {
    return m == NULL ? aenc_neighbours(w->ctx, NULL, NULL, 1, 0, index_room, room, ROOM)
                     : aenc_neighbours(w->ctx, &w->x, m, 1, 0, index_room, room, ROOM);
}
static aenc_status call_kmeans(struct world *w, const aenc_matrix *m) {
    aenc_kmeans_options options = {.struct_size = sizeof options, .clusters = 1};
    return aenc_kmeans(w->ctx, m, &options, room, ROOM, said, WORLD_ROWS, &number);
}
static aenc_status call_probe_train(struct world *w, const aenc_matrix *m) {
    return aenc_probe(w->ctx, "knn", m, labels, m == NULL ? 0 : m->rows, &w->x, labels, 4, said, 4, &number);
}
static aenc_status call_probe_test(struct world *w, const aenc_matrix *m) {
    return aenc_probe(w->ctx, "knn", &w->x, labels, 4, m, labels, m == NULL ? 0 : m->rows, said, 4, &number);
}
static aenc_status call_rate(struct world *w, const aenc_matrix *m) {
    aenc_rate_point point[2] = {{.struct_size = sizeof *point}};
    return aenc_rate_distortion(w->model, m, steps, 2, 0, point);
}
static const size_t sizes[] = {2};
static aenc_status sweep(struct world *w, const aenc_matrix *x, const aenc_matrix *valid, const aenc_matrix *test) {
    aenc_sweep_point point[1] = {{.struct_size = sizeof *point}};
    aenc_fit_options fit = {.struct_size = sizeof fit, .epochs = 1, .valid = valid};
    aenc_sweep_options options = {.struct_size = sizeof options, .codes = sizes, .code_count = 1, .fit = &fit, .test = test};
    return aenc_sweep(w->ctx, x, &options, point, 1);
}
static aenc_status call_sweep(struct world *w, const aenc_matrix *m) { return sweep(w, m, NULL, NULL); }
static aenc_status call_sweep_valid(struct world *w, const aenc_matrix *m) { return sweep(w, &w->x, m, NULL); }
static aenc_status call_sweep_test(struct world *w, const aenc_matrix *m) { return sweep(w, &w->x, NULL, m); }

static const struct {
    matrix_call *call;
    const char *name;
    bool any_cols, optional; /* of any width; may be NULL */
} matrices[] = {
    {call_way_a, "a", true, false},           {call_way_b, "b", false, false},
    {call_interpolate_a, "a", false, false},  {call_interpolate_b, "b", false, false},
    {call_combine_weights, "weights", false, false}, {call_combine_codes, "codes", true, false},
    {call_attribute, "codes", true, false},   {call_quantiles, "codes", true, false},
    {call_walk_range, "range", false, false}, {call_base, "base", true, false},
    {call_query, "query", false, true},       {call_kmeans, "x", true, false},
    {call_probe_train, "train", true, false}, {call_probe_test, "test", false, false},
    {call_rate, "x", false, false},           {call_sweep, "x", true, false},
    {call_sweep_valid, "valid", false, true}, {call_sweep_test, "test", false, true},
};

static void check_matrix(struct world *w, size_t i, const aenc_matrix *m, aenc_status want, const char *detail) {
    char words[64];
    snprintf(words, sizeof words, "%s|%s", matrices[i].name, detail);
    CHECK_FAILS(w, matrices[i].call(w, m), want, words);
}

static void test_matrices(struct world *w, size_t i) {
    aenc_matrix m = w->x;
    static float bad[WORLD_ROWS * WORLD_COLS];
    if (!matrices[i].optional) check_matrix(w, i, NULL, AENC_ERR_ARGUMENT, "NULL");
    m.data = NULL;
    check_matrix(w, i, &m, AENC_ERR_ARGUMENT, "data|NULL");
    m = w->x, m.cols = 0;
    check_matrix(w, i, &m, AENC_ERR_SHAPE, "cols is 0");
    m = w->x, m.cols = 5;
    if (!matrices[i].any_cols) check_matrix(w, i, &m, AENC_ERR_SHAPE, "cols is 5");
    m = w->x, m.rows = 0;
    check_matrix(w, i, &m, AENC_ERR_SHAPE, "0");
    m = w->x, m.stride = 3;
    check_matrix(w, i, &m, AENC_ERR_SHAPE, "stride 3");
    memcpy(bad, w->data, sizeof bad);
    bad[WORLD_COLS + 1] = NAN; /* the second row: the last that every call looks at */
    m = w->x, m.data = bad;
    if (matrices[i].call == call_walk_range) m.rows = 2;
    check_matrix(w, i, &m, AENC_ERR_NONFINITE, "nan");
}

/* ---- Everything else ---- */

static void test_ways(struct world *w) {
    const aenc_matrix code = {w->data, 1, WORLD_CODE, 0}, range = {w->data, 2, WORLD_CODE, 0};
    const aenc_matrix three = {w->data, 3, WORLD_COLS, 0}, three_codes = {w->data, 3, WORLD_CODE, 0};
    const aenc_status bad = AENC_ERR_ARGUMENT, shape = AENC_ERR_SHAPE;
    aenc_context *ctx = w->ctx;
    CHECK_FAILS(w, aenc_codes_interpolate(ctx, &w->x, &three, 3, 0, room, ROOM), shape, "b|3|4");
    CHECK_FAILS(w, aenc_codes_interpolate(ctx, &w->x, &w->x, 1, 0, room, ROOM), bad, "steps|1|2");
    CHECK_FAILS(w, aenc_codes_interpolate(ctx, &w->x, &w->x, SIZE_MAX, 0, room, ROOM), bad, "steps|1844674407370955");
    CHECK_FAILS(w, aenc_codes_interpolate(ctx, &w->x, &w->x, 3, 30, room, ROOM), bad, "way|30|10|20");
    CHECK_FAILS(w, aenc_codes_interpolate(ctx, &w->x, &w->x, 3, 0, NULL, ROOM), bad, "out|NULL");
    CHECK_FAILS(w, aenc_codes_interpolate(ctx, &w->x, &w->x, 3, 0, room, 71), shape, "aenc_codes_interpolate|71|12");
    CHECK_FAILS(w, aenc_interpolate(w->model, &w->x, &w->x, 3, 0, room, 71), shape, "aenc_interpolate|71|12");
    CHECK_FAILS(w, aenc_codes_combine(ctx, &three, &w->x, room, ROOM), shape, "weights|6|4");
    CHECK_FAILS(w, aenc_codes_attribute(ctx, &w->x, NULL, 4, 0, 1, room, ROOM), bad, "labels|NULL");
    CHECK_FAILS(w, aenc_codes_attribute(ctx, &w->x, labels, 4, 0, 1, room, 5), shape, "5|6");
    CHECK_FAILS(w, aenc_codes_attribute(ctx, &w->x, labels, 3, 0, 1, room, ROOM), shape, "aenc_codes_attribute|label_count|3|4");
    CHECK_FAILS(w, aenc_codes_quantiles(ctx, &w->x, NULL, 2, room, ROOM), bad, "shares|NULL");
    const double outside[] = {0.5, 1.5}, none[] = {NAN};
    CHECK_FAILS(w, aenc_codes_quantiles(ctx, &w->x, outside, 2, room, ROOM), bad, "shares[1]|1.5");
    CHECK_FAILS(w, aenc_codes_quantiles(ctx, &w->x, none, 1, room, ROOM), bad, "shares[0]|nan");
    CHECK_FAILS(w, aenc_codes_quantiles(ctx, &w->x, shares, 2, room, 11), shape, "11|2|6");
    CHECK_FAILS(w, aenc_traverse(w->model, &w->x, &range, 2, room, ROOM), shape, "code|6|3");
    CHECK_FAILS(w, aenc_traverse(w->model, &three_codes, &range, 2, room, ROOM), shape, "code|3|1");
    CHECK_FAILS(w, aenc_traverse(w->model, &code, &code, 2, room, ROOM), shape, "range|1|2");
    CHECK_FAILS(w, aenc_traverse(w->model, &code, &range, 0, room, ROOM), bad, "steps|0");
    CHECK_FAILS(w, aenc_traverse(w->model, &code, &range, 2, room, 35), shape, "aenc_traverse|35|6");
    CHECK_FAILS(w, aenc_codes_traverse(ctx, &code, &range, 2, room, 17), shape, "aenc_codes_traverse|17|3");
}

static void test_groups(struct world *w) {
    const aenc_status bad = AENC_ERR_ARGUMENT, shape = AENC_ERR_SHAPE;
    aenc_context *ctx = w->ctx;
    CHECK_FAILS(w, aenc_neighbours(ctx, &w->x, NULL, 4, 0, index_room, room, ROOM), bad, "k is 4|3");
    CHECK_FAILS(w, aenc_neighbours(ctx, &w->x, &w->x, 5, 0, index_room, room, ROOM), bad, "k is 5|4");
    CHECK_FAILS(w, aenc_neighbours(ctx, &w->x, &w->x, 0, 0, index_room, room, ROOM), bad, "k is 0");
    CHECK_FAILS(w, aenc_neighbours(ctx, &w->x, &w->x, 1, 7, index_room, room, ROOM), bad, "metric|7");
    CHECK_FAILS(w, aenc_neighbours(ctx, &w->x, &w->x, 1, 0, NULL, room, ROOM), bad, "index|NULL");
    CHECK_FAILS(w, aenc_neighbours(ctx, &w->x, &w->x, 2, 0, index_room, room, 7), shape, "count|7");
    aenc_kmeans_options o = {.struct_size = sizeof o, .clusters = 5};
    CHECK_FAILS(w, aenc_kmeans(ctx, &w->x, NULL, room, ROOM, said, 4, &number), bad, "options|NULL");
    CHECK_FAILS(w, aenc_kmeans(ctx, &w->x, &o, room, ROOM, said, 4, &number), bad, "clusters|5|4");
    o.clusters = 0;
    CHECK_FAILS(w, aenc_kmeans(ctx, &w->x, &o, room, ROOM, said, 4, &number), bad, "clusters|0");
    o.clusters = 2;
    CHECK_FAILS(w, aenc_kmeans(ctx, &w->x, &o, room, 11, said, 4, &number), shape, "11|2|6");
    CHECK_FAILS(w, aenc_kmeans(ctx, &w->x, &o, NULL, ROOM, said, 4, &number), bad, "centers|NULL");
    CHECK_FAILS(w, aenc_kmeans(ctx, &w->x, &o, room, ROOM, said, 3, &number), shape, "label_count|3|4");
    o.restarts = -1;
    CHECK_FAILS(w, aenc_kmeans(ctx, &w->x, &o, room, ROOM, said, 4, &number), bad, "restarts|-1");
    o.restarts = 0, o.iterations = -2;
    CHECK_FAILS(w, aenc_kmeans(ctx, &w->x, &o, room, ROOM, said, 4, &number), bad, "iterations|-2");
    o.struct_size = 1;
    CHECK_FAILS(w, aenc_kmeans(ctx, &w->x, &o, room, ROOM, said, 4, &number), bad, "aenc_kmeans_options|struct_size|1");
    CHECK_FAILS(w, aenc_probe(ctx, NULL, &w->x, NULL, 4, &w->x, labels, 4, said, 4, &number), bad, "train_labels|NULL");
    CHECK_FAILS(w, aenc_probe(ctx, NULL, &w->x, labels, 4, &w->x, NULL, 4, said, 4, &number), bad, "test_labels|NULL");
    CHECK_FAILS(w, aenc_probe(ctx, NULL, &w->x, labels, 4, &w->x, labels, 4, said, 4, NULL), bad, "accuracy|NULL");
    CHECK_FAILS(w, aenc_probe(ctx, NULL, &w->x, labels, 4, &w->x, labels, 4, said, 3, &number), shape, "predicted_count|3|4");
    CHECK_FAILS(w, aenc_probe(ctx, NULL, &w->x, labels, 3, &w->x, labels, 4, said, 4, &number), shape, "train_count|3|4");
    CHECK_FAILS(w, aenc_probe(ctx, NULL, &w->x, labels, 4, &w->x, labels, 5, said, 4, &number), shape, "test_count|5|4");
    CHECK_FAILS(w, aenc_probe(ctx, "svm", &w->x, labels, 4, &w->x, labels, 4, said, 4, &number), bad, "svm|softmax|knn");
    CHECK_FAILS(w, aenc_probe(ctx, "knn:n=2", &w->x, labels, 4, &w->x, labels, 4, said, 4, &number), bad, "knn|'n'|k, metric");
    CHECK_FAILS(w, aenc_probe(ctx, "knn:metric=l1", &w->x, labels, 4, &w->x, labels, 4, said, 4, &number), bad, "metric|l1|cosine");
}

static void test_curves(struct world *w) {
    const aenc_status bad = AENC_ERR_ARGUMENT;
    const double zero[] = {1, 0}, endless[] = {INFINITY};
    aenc_rate_point rate[2] = {{.struct_size = sizeof *rate}}, unsized[1] = {{.struct_size = 0}};
    CHECK_FAILS(w, aenc_rate_distortion(w->model, &w->x, NULL, 2, 0, rate), bad, "steps|NULL");
    CHECK_FAILS(w, aenc_rate_distortion(w->model, &w->x, steps, 2, 0, NULL), bad, "out|NULL");
    CHECK_FAILS(w, aenc_rate_distortion(w->model, &w->x, steps, 1, 0, unsized), bad, "struct_size|0|aenc_rate_point");
    CHECK_FAILS(w, aenc_rate_distortion(w->model, &w->x, zero, 2, 0, rate), bad, "steps[1]|0");
    CHECK_FAILS(w, aenc_rate_distortion(w->model, &w->x, endless, 1, 0, rate), bad, "steps[0]|inf");
    CHECK_FAILS(w, aenc_rate_distortion(w->model, &w->x, steps, 2, -1, rate), bad, "peak|-1");
    aenc_sweep_point point[2] = {{.struct_size = sizeof *point}};
    aenc_fit_options fit = {.struct_size = sizeof fit};
    aenc_model_options model = {.struct_size = sizeof model};
    aenc_sweep_options o = {.struct_size = sizeof o, .codes = sizes, .code_count = 1, .fit = &fit, .model = &model};
    CHECK_FAILS(w, aenc_sweep(w->ctx, &w->x, NULL, point, 2), bad, "options|NULL");
    CHECK_FAILS(w, aenc_sweep(w->ctx, &w->x, &o, NULL, 2), bad, "out|NULL");
    o.codes = NULL;
    CHECK_FAILS(w, aenc_sweep(w->ctx, &w->x, &o, point, 2), bad, "codes|NULL");
    o.codes = (const size_t[]){2, 0}, o.code_count = 2;
    CHECK_FAILS(w, aenc_sweep(w->ctx, &w->x, &o, point, 2), bad, "codes[1]|0");
    o.codes = (const size_t[]){2, 3};
    CHECK_FAILS(w, aenc_sweep(w->ctx, &w->x, &o, point, 1), AENC_ERR_SHAPE, "aenc_sweep: out_count|1|2");
    o.codes = sizes, o.code_count = 1, model.loss = "msee";
    CHECK_FAILS(w, aenc_sweep(w->ctx, &w->x, &o, point, 2), bad, "msee");
    model.loss = "gaussian_nll";
    CHECK_FAILS(w, aenc_sweep(w->ctx, &w->x, &o, point, 2), AENC_ERR_SHAPE, "12|6");
    model.loss = NULL, fit.target = &w->x;
    CHECK_FAILS(w, aenc_sweep(w->ctx, &w->x, &o, point, 2), bad, "target");
    fit.target = NULL, fit.checkpoint = "x";
    CHECK_FAILS(w, aenc_sweep(w->ctx, &w->x, &o, point, 2), bad, "checkpoint");
    fit.checkpoint = NULL, fit.epochs = -1;
    CHECK_FAILS(w, aenc_sweep(w->ctx, &w->x, &o, point, 2), bad, "epochs|-1");
    aenc_layer *layer = NULL;
    CHECK_STATUS(w->ctx, aenc_layer_create(w->ctx, "dense:units=2", &layer), AENC_OK);
    model.encoder_layers = layer;
    CHECK_FAILS(w, aenc_sweep(w->ctx, &w->x, &o, point, 2), bad, "layers|widths");
    aenc_layer_free(layer);
}

static void test_null_handles(struct world *w) {
    aenc_rate_point rate[1] = {{.struct_size = sizeof *rate}};
    aenc_sweep_point point[1] = {{.struct_size = sizeof *point}};
    CHECK(aenc_codes_interpolate(NULL, &w->x, &w->x, 2, 0, room, ROOM) == AENC_ERR_ARGUMENT);
    CHECK(aenc_interpolate(NULL, &w->x, &w->x, 2, 0, room, ROOM) == AENC_ERR_ARGUMENT);
    CHECK(aenc_codes_combine(NULL, &w->x, &w->x, room, ROOM) == AENC_ERR_ARGUMENT);
    CHECK(aenc_codes_attribute(NULL, &w->x, labels, 4, 0, 1, room, ROOM) == AENC_ERR_ARGUMENT);
    CHECK(aenc_codes_quantiles(NULL, &w->x, shares, 2, room, ROOM) == AENC_ERR_ARGUMENT);
    CHECK(aenc_codes_traverse(NULL, &w->x, &w->x, 2, room, ROOM) == AENC_ERR_ARGUMENT);
    CHECK(aenc_traverse(NULL, &w->x, &w->x, 2, room, ROOM) == AENC_ERR_ARGUMENT);
    CHECK(aenc_neighbours(NULL, &w->x, NULL, 1, 0, index_room, room, ROOM) == AENC_ERR_ARGUMENT);
    CHECK(aenc_kmeans(NULL, &w->x, NULL, room, ROOM, said, 4, &number) == AENC_ERR_ARGUMENT);
    CHECK(aenc_probe(NULL, NULL, &w->x, labels, 4, &w->x, labels, 4, said, 4, &number) == AENC_ERR_ARGUMENT);
    CHECK(aenc_rate_distortion(NULL, &w->x, steps, 1, 0, rate) == AENC_ERR_ARGUMENT);
    CHECK(aenc_sweep(NULL, &w->x, NULL, point, 2) == AENC_ERR_ARGUMENT);
}

int main(void) {
    struct world world;
    world_create(&world);
    for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++) test_matrices(&world, i);
    test_ways(&world);
    test_groups(&world);
    test_curves(&world);
    test_null_handles(&world);
    world_free(&world);
    return check_finish();
}
