/* recipes.h - some hundred short runs of the library, each with hashes of its results.
 *
 * Three hashes of bits: every parameter and state; codes, outputs and scores; the losses of every epoch. They depend on
 * the processor and on the CBLAS, so none are kept in the repository. They are compared on one machine, between two
 * builds of the library (tests/recipes/compare): a change that is to leave results alone leaves every hash alone.
 *
 * A recipe's name stands for what it does, also in hashes that were recorded earlier: one that is changed gets another
 * name. Recipes include only the public headers, and data comes from a generator here.
 */
#ifndef AENC_TESTS_RECIPES_H
#define AENC_TESTS_RECIPES_H

#include <stddef.h>
#include <stdint.h>

#include <autoenc/autoenc.h>

enum { ROWS = 400, VALID_ROWS = 130, COLS = 24, CODE = 6, CLASSES = 5 };
enum { WIDE_ROWS = 600, WIDE_COLS = 256 };
enum { RECIPE_COUNT_MAX = 256, RECIPE_PATH = 512, RECIPE_FAILURE = 400 };

/* Rows around five prototypes; x within [0, 1]. The same for every seed. */
struct recipe_data {
    float x[ROWS * COLS], valid[VALID_ROWS * COLS];
    float raw[ROWS * COLS];     /* columns of different ranges */
    float inverse[ROWS * COLS]; /* 1 - x, a target */
    float part[ROWS * CODE];    /* the first columns of x, a target of another size */
    float weight[ROWS];         /* of rows, 0 among them */
    float wide[WIDE_ROWS * WIDE_COLS];
    int32_t label[ROWS], valid_label[VALID_ROWS]; /* the prototypes */
};

void recipe_data_fill(struct recipe_data *data);
/* The first rows of x, of valid, of wide. */
aenc_matrix recipe_x(const struct recipe_data *data, size_t rows);
aenc_matrix recipe_valid(const struct recipe_data *data);
aenc_matrix recipe_wide(const struct recipe_data *data);

enum { DIGEST_WEIGHTS, DIGEST_OUTPUTS, DIGEST_LOSSES, DIGEST_COUNT };

/* One recipe while it runs. After a failure calls go on but nothing counts any more. */
struct recipe_run {
    aenc_context *ctx;
    const struct recipe_data *data;
    const char *folder;            /* for files; ends without a slash */
    uint64_t digest[DIGEST_COUNT]; /* 0: nothing was digested */
    char failure[RECIPE_FAILURE];  /* the first; "": none */
};

/* 1 for AENC_OK; otherwise keeps the name of the status and the message. */
int recipe_good(struct recipe_run *run, aenc_status status);
void recipe_digest(struct recipe_run *run, int which, const void *bytes, size_t size);
/* A NaN is a NaN, whatever its bits. */
void recipe_digest_doubles(struct recipe_run *run, int which, const double *values, size_t count);
/* Every parameter and state, in any order, by name, shape and bits. */
void recipe_digest_weights(struct recipe_run *run, const aenc_model *model);
/* Losses, norms, rates and terms of the last fit. */
void recipe_digest_history(struct recipe_run *run, const aenc_model *model);
/* Codes, outputs and scores of the rows. */
void recipe_digest_outputs(struct recipe_run *run, aenc_model *model, const aenc_matrix *x);
/* All three; frees the model. */
void recipe_finish(struct recipe_run *run, aenc_model *model, const aenc_matrix *x);
/* folder/name. */
void recipe_path(const struct recipe_run *run, const char *name, char path[RECIPE_PATH]);

/* COLS-16-CODE, tanh, mse. NULL on failure, as everywhere below. */
aenc_model *recipe_model(struct recipe_run *run);
/* Three epochs of Adam in batches of 96 rows: one and a half shards. */
aenc_fit_options recipe_fit(void);
/* A "sequential" of specs, NULL behind the last; "residual SPEC" is a residual with one child. */
aenc_layer *recipe_layers(struct recipe_run *run, const char *const *specs);

struct recipe {
    const char *name;
    void (*run)(struct recipe_run *run);
    int fixed; /* 1: nothing in it is drawn, so that the seed does not matter */
};

/* Ended by a row without name. */
extern const struct recipe train_recipes[], source_recipes[], use_recipes[];

/* What aenc_fit is called with, and the model: rows of recipes_fit.c. */
struct fit_recipe;
size_t fit_recipe_count(void);
const char *fit_recipe_name(size_t index);
void fit_recipe_run(struct recipe_run *run, size_t index);

#endif
