/* store_test.c - parameters by name: declared once, found again, started from their own names. */
#include "layer/store.h"

#include "check.h"
#include "io/settings.h"
#include "replay.h"

enum { ROWS = 40, COLS = 60 };

static const struct shape matrix = {2, {ROWS, COLS}};

static struct init init_of(aenc_context *ctx, const char *text) {
    struct init init = {.fan_in = COLS, .fan_out = ROWS};
    CHECK_STATUS(ctx, aenc_init_parse(ctx, text, &init), AENC_OK);
    return init;
}

/* ---- Declaring and finding ---- */

static void declare_test(aenc_context *ctx) {
    struct store store;
    struct tape tape, again;
    struct init zero = {.kind = INIT_CONSTANT};
    struct shape odd = {1, {5}};
    aenc_store_create(ctx, &store);
    aenc_tape_create(ctx, MODE_TRAIN, 1, &tape);
    const char *before = aenc_tape_enter(&tape, "encoder");
    struct node *bias = aenc_store_parameter(&store, &tape, "bias", odd, zero, false);
    struct node *weight = aenc_store_parameter(&store, &tape, "weight", matrix, zero, true);
    struct node *mean = aenc_store_state(&store, &tape, "mean", odd, 0.5);
    CHECK(aenc_store_parameter(&store, &tape, "weight", matrix, zero, true) == weight);
    aenc_tape_leave(&tape, before);
    CHECK(bias != NULL && weight != NULL && mean != NULL);
    CHECK(store.entry_count == 3 && store.parameter_size % 16 == 0 && store.state_size == 16);
    CHECK(store.entry[1].offset == 16 && store.entry[1].decays && !store.entry[0].decays);
    CHECK(aenc_store_find(&store, "encoder.weight") == &store.entry[1]);
    CHECK(aenc_store_find(&store, "weight") == NULL);
    CHECK_STATUS(ctx, aenc_store_allocate(&store, 7), AENC_OK);
    CHECK(store.state[4] == (num)0.5 && store.parameter[0] == 0);
    CHECK(aenc_store_allocate(&store, 7) == AENC_ERR_INTERNAL);

    store.entry[1].frozen = true;
    aenc_tape_create(ctx, MODE_TRAIN, 1, &again);
    aenc_tape_enter(&again, "encoder");
    struct node *found = aenc_store_parameter(&store, &again, "weight", matrix, zero, true);
    CHECK(found != NULL && found->offset == 16 && !found->needs_gradient);
    CHECK(aenc_store_parameter(&store, &again, "late", odd, zero, false) == NULL);
    CHECK(again.status == AENC_ERR_INTERNAL);
    aenc_tape_free(&again);
    aenc_tape_free(&tape);
    aenc_store_free(&store);
}

/* Many entries, on two tapes in turn: each entry has one leaf on each. */
static void many_test(aenc_context *ctx) {
    enum { MANY = 300, TAPES = 2 };
    struct store store;
    struct tape tape[TAPES];
    struct node *leaf[TAPES][MANY];
    char name[32];
    struct init zero = {.kind = INIT_CONSTANT};
    struct shape row = {1, {3}};
    int different = 0;
    aenc_store_create(ctx, &store);
    for (int t = 0; t < TAPES; t++) aenc_tape_create(ctx, MODE_TRAIN, 1, &tape[t]);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < MANY; i++)
            for (int t = 0; t < TAPES; t++) {
                snprintf(name, sizeof name, "layer.%d", i);
                struct node *n = i % 2 == 0 ? aenc_store_parameter(&store, &tape[t], name, row, zero, true)
                                            : aenc_store_state(&store, &tape[t], name, row, 0);
                if (round == 0) leaf[t][i] = n;
                different += n == NULL || n != leaf[t][i] || strcmp(n->name, name) != 0;
            }
    CHECK(different == 0);
    CHECK(store.entry_count == MANY && tape[0].node_count == MANY && tape[1].node_count == MANY);
    for (int t = 0; t < TAPES; t++) aenc_tape_free(&tape[t]);
    aenc_store_free(&store);
}

static void conflict_test(aenc_context *ctx) {
    struct store store;
    struct tape tape;
    struct init zero = {.kind = INIT_CONSTANT};
    struct shape row = {1, {3}};
    aenc_store_create(ctx, &store);
    aenc_tape_create(ctx, MODE_TRAIN, 1, &tape);
    aenc_store_parameter(&store, &tape, "w", matrix, zero, true);
    CHECK(aenc_store_parameter(&store, &tape, "w", row, zero, true) == NULL);
    CHECK_STATUS(ctx, tape.status, AENC_ERR_SHAPE);
    CHECK(strcmp(aenc_message(ctx), "'w' has shape (40, 60), and (3) is asked for") == 0);
    aenc_tape_free(&tape);
    aenc_tape_create(ctx, MODE_TRAIN, 1, &tape);
    struct shape huge = {3, {INT32_MAX, INT32_MAX, INT32_MAX}};
    CHECK(aenc_store_parameter(&store, &tape, "huge", huge, zero, true) == NULL);
    CHECK_STATUS(ctx, tape.status, AENC_ERR_SHAPE);
    aenc_tape_free(&tape);
    aenc_store_free(&store);
}

/* A parameter may have up to a quarter of the bytes that can be addressed; all of one kind up to an eighth of the elements that
 * can be counted. */
static void size_test(aenc_context *ctx) {
    const int64_t most = PTRDIFF_MAX / 4 / (int64_t)sizeof(num), all = INT64_MAX / 8;
    const struct init zero = {.kind = INIT_CONSTANT};
    struct store store;
    struct tape tape;
    aenc_store_create(ctx, &store);
    for (int64_t more = 0; more < 2; more++) {
        const struct shape shape = {2, {1, most + more}};
        aenc_tape_create(ctx, MODE_TRAIN, 1, &tape);
        CHECK((aenc_store_parameter(&store, &tape, more == 0 ? "most" : "more", shape, zero, true) != NULL) == (more == 0));
        CHECK_STATUS(ctx, tape.status, more == 0 ? AENC_OK : AENC_ERR_SHAPE);
        aenc_tape_free(&tape);
    }
    CHECK(strcmp(aenc_message(ctx), "'more' is empty or too large to be addressed") == 0);
    aenc_tape_create(ctx, MODE_TRAIN, 1, &tape);
    CHECK(aenc_store_parameter(&store, &tape, "one", (struct shape){1, {1}}, zero, true) != NULL);
    aenc_tape_free(&tape);
    const int64_t left = all - store.parameter_size;
    CHECK(left > 0 && left < most);
    for (int64_t more = 1; more >= 0; more--) {
        aenc_tape_create(ctx, MODE_TRAIN, 1, &tape);
        CHECK((aenc_store_parameter(&store, &tape, "rest", (struct shape){1, {left + more}}, zero, true) != NULL) ==
              (more == 0));
        aenc_tape_free(&tape);
    }
    aenc_store_free(&store);
}

/* ---- First values ---- */

/* One matrix called `name` under `init`, behind `others` more; its values into out. */
static void start(aenc_context *ctx, const char *name, struct init init, int others, uint64_t seed,
                  num out[ROWS * COLS]) {
    struct store store;
    struct tape tape;
    aenc_store_create(ctx, &store);
    aenc_tape_create(ctx, MODE_TRAIN, 1, &tape);
    for (int i = 0; i < others; i++) aenc_store_parameter(&store, &tape, i == 0 ? "a" : "b", matrix, init, true);
    aenc_store_parameter(&store, &tape, name, matrix, init, true);
    CHECK_STATUS(ctx, aenc_store_allocate(&store, seed), AENC_OK);
    memcpy(out, store.parameter + aenc_store_find(&store, name)->offset, ROWS * COLS * sizeof *out);
    aenc_tape_free(&tape);
    aenc_store_free(&store);
}

static void names_test(aenc_context *ctx) {
    static num first[ROWS * COLS], second[ROWS * COLS];
    struct init init = init_of(ctx, "he_normal");
    start(ctx, "w", init, 0, 3, first);
    start(ctx, "w", init, 2, 3, second);
    CHECK(memcmp(first, second, sizeof first) == 0);
    start(ctx, "v", init, 0, 3, second);
    CHECK(memcmp(first, second, sizeof first) != 0);
    start(ctx, "w", init, 0, 4, second);
    CHECK(memcmp(first, second, sizeof first) != 0);
}

struct moments {
    double mean, deviation, largest;
};

static struct moments moments_of(const num *x, int count) {
    struct moments m = {0, 0, 0};
    for (int i = 0; i < count; i++) m.mean += (double)x[i] / count;
    for (int i = 0; i < count; i++) {
        double d = (double)x[i] - m.mean;
        m.deviation += d * d / count;
        m.largest = fabs((double)x[i]) > m.largest ? fabs((double)x[i]) : m.largest;
    }
    m.deviation = sqrt(m.deviation);
    return m;
}

struct expected {
    const char *text;
    double half_width; /* of a uniform; 0: a normal */
    double deviation;
};

static void distributions_test(aenc_context *ctx) {
    const struct expected cases[] = {
        {"xavier_uniform", sqrt(6.0 / (ROWS + COLS)), 0},
        {"xavier_uniform:gain=2", 2 * sqrt(6.0 / (ROWS + COLS)), 0},
        {"he_uniform", sqrt(6.0 / COLS), 0},
        {"lecun_uniform", sqrt(3.0 / COLS), 0},
        {"torch", 1 / sqrt(1.0 * COLS), 0},
        {"uniform:gain=0.5", 0.5, 0},
        {"xavier_normal", 0, sqrt(2.0 / (ROWS + COLS))},
        {"he_normal", 0, sqrt(2.0 / COLS)},
        {"lecun_normal", 0, sqrt(1.0 / COLS)},
        {"normal:gain=3", 0, 3},
    };
    static num values[ROWS * COLS];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start(ctx, "w", init_of(ctx, cases[i].text), 0, 5, values);
        struct moments m = moments_of(values, ROWS * COLS);
        double wide = cases[i].half_width;
        double deviation = wide > 0 ? wide / sqrt(3) : cases[i].deviation;
        CHECK_NEAR(m.mean, 0, 4 * deviation / sqrt(ROWS * COLS));
        CHECK_NEAR(m.deviation, deviation, 0.05 * deviation);
        if (wide > 0) CHECK(m.largest <= wide && m.largest > 0.99 * wide);
        else CHECK(m.largest > 3 * deviation && m.largest < 5 * deviation);
    }
    start(ctx, "w", init_of(ctx, "constant:gain=0.25"), 0, 5, values);
    CHECK(values[0] == (num)0.25 && values[ROWS * COLS - 1] == (num)0.25);
}

/* Rows (the shorter side) are orthogonal and gain long. */
static void orthogonal_test(aenc_context *ctx) {
    static num values[ROWS * COLS];
    start(ctx, "w", init_of(ctx, "orthogonal:gain=2"), 0, 6, values);
    for (int a = 0; a < ROWS; a++) {
        for (int b = 0; b <= a; b++) {
            double dot = 0;
            for (int c = 0; c < COLS; c++) dot += (double)values[a * COLS + c] * (double)values[b * COLS + c];
            if (!CHECK_NEAR(dot, a == b ? 4 : 0, 1e-5)) return;
        }
    }
}

static void words_test(aenc_context *ctx) {
    struct init init;
    CHECK(aenc_init_parse(ctx, "he_norml", &init) == AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(ctx), "unknown init 'he_norml'; known: constant, xavier_uniform") != NULL);
    CHECK(aenc_init_parse(ctx, "he_normal:gian=2", &init) == AENC_ERR_ARGUMENT);
    CHECK(strstr(aenc_message(ctx), "unknown setting 'gian'; known: gain") != NULL);
    CHECK(aenc_init_parse(ctx, "he_normal:", &init) == AENC_ERR_ARGUMENT);
}

int main(void) {
    aenc_context *ctx;
    if (aenc_context_create(NULL, &ctx) != AENC_OK) return 1;
    declare_test(ctx);
    many_test(ctx);
    conflict_test(ctx);
    size_test(ctx);
    names_test(ctx);
    distributions_test(ctx);
    orthogonal_test(ctx);
    words_test(ctx);
    aenc_context_free(ctx);
    return check_finish();
}
