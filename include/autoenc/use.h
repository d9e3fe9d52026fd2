/* use.h - what is done with a trained model, and the linear one beside it. autoenc.h includes it, and says what holds for
 * every call.
 *
 *   anomalies   metrics, thresholds, a detector for tables
 *   codes       between them, their neighbours, groups, maps and labels; how large they must be
 *   stacks      layers trained one by one, deeper models, distillation
 *   classes     what a classifier makes of rows
 *   pca         principal components as a model, and angles between encoders
 */
#ifndef AUTOENC_USE_H
#define AUTOENC_USE_H

#include <autoenc/autoenc.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Anomalies: what scores are worth, and where to draw the line (docs/anomaly.md) ----
 *
 * A score is larger the less a row belongs. Labels are 1 for what should be found, 0 for the rest. A score that is not
 * finite is AENC_ERR_NONFINITE with its index, data that cannot answer (one kind of label, equal scores, too few) are
 * AENC_ERR_ARGUMENT; then *out is NaN. */

/* Area under the ROC curve: the chance that a row of kind 1 scores above one of kind 0, ties counted half. */
AENC_API aenc_status aenc_roc_auc(aenc_context *ctx, const float *score, const uint8_t *label, size_t count,
                                  double *out);
/* Average precision: precision summed over the steps of recall, as scikit-learn's average_precision_score. */
AENC_API aenc_status aenc_average_precision(aenc_context *ctx, const float *score, const uint8_t *label, size_t count,
                                            double *out);
/* A point of both curves: what is found when every row with at least that score is taken. */
typedef struct aenc_curve_point {
    double threshold;                               /* infinite at the first point, where nothing is taken */
    double true_positive_rate, false_positive_rate; /* the former is also the recall */
    double precision;                               /* 1 where nothing is taken */
} aenc_curve_point;
/* From the strictest point on, one for each distinct score: *points are needed. With out NULL nothing else happens;
 * capacity smaller than that is AENC_ERR_SHAPE. */
AENC_API aenc_status aenc_curve(aenc_context *ctx, const float *score, const uint8_t *label, size_t count,
                                aenc_curve_point *out, size_t capacity, size_t *points);
/* Precision and recall of taking every row with a score above the threshold. Either may be NULL. Precision of nothing is
 * 0, as is the recall where no label is 1. */
AENC_API aenc_status aenc_precision_recall(aenc_context *ctx, const float *score, const uint8_t *label, size_t count,
                                           double threshold, double *precision, double *recall);
/* The score above which a row is flagged, from the scores of normal rows. spec: "quantile:q=0.95", "mad:k=3",
 * "fpr:rate=0.01" (a further normal row is flagged with at most that probability), "pot:risk=1e-3,level=0.98" (the tail
 * above the level extrapolated; Siffer et al. 2017). NULL: "quantile". */
AENC_API aenc_status aenc_threshold(aenc_context *ctx, const char *spec, const float *score, size_t count, double *out);

/* A detector: a denoising or variational autoencoder of raw columns and what its scores mean. One seed, one result, whatever the number of
 * threads. Like a model, it belongs to the thread of its context. */
typedef struct aenc_detector aenc_detector;

typedef struct aenc_detector_options {
    size_t struct_size;
    /* as aenc_threshold, from the scores of the rows it is made from; NULL: "quantile:q=0.95" */
    const char *threshold;
    const char *scaling; /* of the columns, learned robustly; without a clip it gets one; NULL: "standard:clip=5" */
    double noise;        /* standard deviation of the corruption, in scaled units; 0: 1, or none with a bottleneck */
    int64_t steps;       /* of training, 128 rows each; 0: 1000 */
    /* after each step: its epoch is the pass over the rows. Positive: the detector is made of what it has learned so far */
    aenc_progress_callback progress;
    void *progress_user;
    /* A variational autoencoder, such as "gaussian:units=4,beta=0.5"; NULL: a denoising one. What follows goes with it
     * alone. */
    const char *bottleneck;
    const char *likelihood; /* a loss that is one, with one value for each column; NULL: "gaussian:learned=one" */
    const char *score; /* "elbo", "reconstruction", "kl", "typicality", "likelihood" (docs/anomaly.md); NULL: "elbo" */
    size_t samples;    /* draws of the code for a row's elbo, reconstruction or likelihood; 0: 16, at most 10000 */
} aenc_detector_options;

/* Learns what rows like those of x are; some of them may be anomalies. Columns raw, x->cols of them; options may be NULL. */
AENC_API aenc_status aenc_detector_create(aenc_context *ctx, const aenc_matrix *x, const aenc_detector_options *options,
                                          aenc_detector **out);
AENC_API void aenc_detector_free(aenc_detector *detector);
/* How unlikely a row is: minus its log density of the corrupted data, up to a constant, or the score of the options; never below 0
 * (but from files of format 1), and growing with the distance of each cell that lies beyond its column's bounds. The scores of a row's features
 * add up to the row's. Room for rows, for rows * cols floats. */
AENC_API aenc_status aenc_detector_score(aenc_detector *detector, const aenc_matrix *x, float *out, size_t out_floats);
AENC_API aenc_status aenc_detector_score_features(aenc_detector *detector, const aenc_matrix *x, float *out,
                                                  size_t out_floats);
/* In [0, 1): 0 up to an ordinary row, towards 1 the further beyond (Kriegel et al. 2011). */
AENC_API aenc_status aenc_detector_probability(aenc_detector *detector, const aenc_matrix *x, float *out,
                                               size_t out_floats);
/* 1 where the score is above the threshold, else 0; room for rows bytes. */
AENC_API aenc_status aenc_detector_flag(aenc_detector *detector, const aenc_matrix *x, uint8_t *out, size_t out_bytes);
/* As it was found, rounded down to a float, which flags the same rows; or as set. NaN for NULL. */
AENC_API double aenc_detector_threshold(const aenc_detector *detector);
/* How the threshold was found, "quantile:q=0.95" and the like. NULL: by aenc_detector_set_threshold, or a file does not
 * state it. The detector's; good until the threshold is set. */
AENC_API const char *aenc_detector_threshold_spec(const aenc_detector *detector);
/* Rows that it was made from; 0 where a file does not state it, and for NULL. */
AENC_API size_t aenc_detector_rows(const aenc_detector *detector);
/* Such as aenc_threshold finds from scores of rows that are known to be normal. */
AENC_API aenc_status aenc_detector_set_threshold(aenc_detector *detector, double threshold);
/* Its model, kept alive by the detector alone. NULL for NULL. */
AENC_API aenc_model *aenc_detector_model(aenc_detector *detector);
/* A model file with the threshold in its metadata: aenc_model_load reads it too. AENC_ERR_FORMAT for a file without. */
AENC_API aenc_status aenc_detector_save(aenc_detector *detector, const char *path);
AENC_API aenc_status aenc_detector_load(aenc_context *ctx, const char *path, aenc_detector **out);
/* The same bytes to a callback, and in memory, as aenc_model_write, aenc_model_save_memory and aenc_model_load_memory do it. */
AENC_API aenc_status aenc_detector_write(aenc_detector *detector, aenc_write_callback write, void *user);
AENC_API aenc_status aenc_detector_save_memory(aenc_detector *detector, void *bytes, size_t capacity, size_t *size);
AENC_API aenc_status aenc_detector_load_memory(aenc_context *ctx, const void *bytes, size_t size, aenc_detector **out);

/* ---- Codes: between them, along them, around them (docs/codes.md) ----
 *
 * A code is a row of numbers, from aenc_encode or from anywhere: calls that take a context want no model. Labels are any
 * int32_t, one per row. Results are exact and have the same bits on any number of threads. */

enum { AENC_INTERPOLATE_LINEAR = 10, AENC_INTERPOLATE_SPHERICAL = 20 }; /* ways from one code to another; 0: linear */
/* 0: euclidean; cosine: 1 - a.b / (|a| |b|), 1 for a row of zeros */
enum { AENC_DISTANCE_EUCLIDEAN = 10, AENC_DISTANCE_COSINE = 20 };

/* `steps` codes (at least 2) from each row of a to the same row of b, both ends included: (rows * steps, cols).
 * AENC_INTERPOLATE_LINEAR: (1 - t) a + t b. AENC_INTERPOLATE_SPHERICAL: (sin((1 - t) w) a + sin(t w) b) / sin w with the angle w between them
 * (Shoemake 1985), which of parallel ones and of zeros is the linear way; AENC_ERR_ARGUMENT names the row where they point
 * in opposite directions, as no arc is the shortest then. */
AENC_API aenc_status aenc_codes_interpolate(aenc_context *ctx, const aenc_matrix *a, const aenc_matrix *b, size_t steps,
                                            int32_t way, float *out, size_t out_floats);
/* The same from data to data: rows of a and b are encoded, the codes between them decoded: (rows * steps, output). */
AENC_API aenc_status aenc_interpolate(aenc_model *model, const aenc_matrix *a, const aenc_matrix *b, size_t steps,
                                      int32_t way, float *out, size_t out_floats);
/* Sums of codes, row r with weights row r: weights (n, codes->rows) times codes: (n, codes->cols). */
AENC_API aenc_status aenc_codes_combine(aenc_context *ctx, const aenc_matrix *weights, const aenc_matrix *codes,
                                        float *out, size_t out_floats);
/* The direction of an attribute: the mean of the codes labelled `with` minus that of those labelled `without`: (cols). One
 * label for each row of codes: label_count is codes->rows.
 * AENC_ERR_ARGUMENT when no row has one of the labels. */
AENC_API aenc_status aenc_codes_attribute(aenc_context *ctx, const aenc_matrix *codes, const int32_t *labels,
                                          size_t label_count, int32_t without, int32_t with, float *out,
                                          size_t out_floats);
/* Quantiles of each column, shares from 0 to 1: (share_count, cols). Between order statistics in a line (type 7 of Hyndman
 * & Fan 1996, as NumPy). */
AENC_API aenc_status aenc_codes_quantiles(aenc_context *ctx, const aenc_matrix *codes, const double *shares,
                                          size_t share_count, float *out, size_t out_floats);
/* One code, its elements moved one at a time in `steps` (at least 2) from the first row of range (2, cols) to the second,
 * such as quantiles 0.05 and 0.95, the others left as they are: (cols * steps, cols), element by element. */
AENC_API aenc_status aenc_codes_traverse(aenc_context *ctx, const aenc_matrix *code, const aenc_matrix *range,
                                         size_t steps, float *out, size_t out_floats);
/* The same decoded: (cols * steps, output). */
AENC_API aenc_status aenc_traverse(aenc_model *model, const aenc_matrix *code, const aenc_matrix *range, size_t steps,
                                   float *out, size_t out_floats);

/* The k nearest rows of base for each row of query, the nearest first, of equally near ones the lower row: indices and
 * (NULL: not wanted) distances, (query->rows, k), each with room for `count`. query NULL: base, no row being its own
 * neighbour. Copies base; every distance that counts is computed in double from the rows as given. */
AENC_API aenc_status aenc_neighbours(aenc_context *ctx, const aenc_matrix *base, const aenc_matrix *query, size_t k,
                                     int32_t metric, int64_t *index, float *distance, size_t count);

typedef struct aenc_kmeans_options {
    size_t struct_size;
    int64_t clusters;   /* at least 1, at most the rows */
    int64_t restarts;   /* starts, of which the best counts; 0: 10 */
    int64_t iterations; /* at most, of each; 0: 300. It ends when no row changes its cluster */
    /* after each iteration, a step: the epoch is the start, train_loss the inertia. Positive: the best so far is the result */
    aenc_progress_callback progress;
    void *progress_user;
} aenc_kmeans_options;

/* Groups the rows of x (Lloyd 1982; k-means++ starts of Arthur & Vassilvitskii 2007, drawn from the context's seed) so that
 * *inertia (may be NULL), the sum of squared distances to the nearest center, is small. centers (clusters, cols). labels
 * (x->rows) from 0, or NULL: not wanted. */
AENC_API aenc_status aenc_kmeans(aenc_context *ctx, const aenc_matrix *x, const aenc_kmeans_options *options,
                                 float *centers, size_t center_floats, int32_t *labels, size_t label_count,
                                 double *inertia);

typedef struct aenc_tsne_options {
    size_t struct_size;
    double perplexity;  /* so many neighbours count, from 1 to less than the rows; 0: 30, of few rows a third */
    int64_t iterations; /* 0: 1000; the first 250 gather the groups */
    /* above 0: forces from far away are joined in a quadtree (Barnes & Hut 1986), at most 0.7; 0: 0.5 from 2000 rows on, below all
     * pairs */
    double theta;
    aenc_progress_callback progress; /* after each iteration, a step. Positive: the map so far is the result */
    void *progress_user;
} aenc_tsne_options;

/* A map of x in the plane in which near rows stay near: t-SNE (van der Maaten & Hinton 2008; van der Maaten 2014) from the
 * plane of the two principal components. Distances between groups, and sizes of groups, mean little in it. out (x->rows,
 * 2). *divergence (may be NULL): KL(p || q) in nats at the end. options NULL: all as usual. Time grows with rows x log rows (from 2000
 * rows on) and memory with rows x 3 perplexity. The same seed of the context gives the same bits on any number of threads. */
AENC_API aenc_status aenc_tsne(aenc_context *ctx, const aenc_matrix *x, const aenc_tsne_options *options, float *out,
                               size_t out_floats, double *divergence);
/* How far neighbours in a map (x->rows, any columns) are neighbours in x (Venna & Kaski 2001), in *out: 1 where the k nearest of each
 * row in the map are its k nearest in x, less by how far away in x they are; about 0.5 for a map at random. k from 1 to less
 * than half of the rows; 12 is usual. Time grows with rows^2. */
AENC_API aenc_status aenc_trustworthiness(aenc_context *ctx, const aenc_matrix *x, const aenc_matrix *map, size_t k,
                                          double *out);

/* What codes know about labels: the share of the test rows that a classifier trained on the train rows gets right, in
 * *accuracy, and its answers (predicted, room for test->rows; NULL: not wanted). probe: "softmax:l2=1e-4,iterations=500"
 * (softmax regression on standardised columns, to its optimum) or "knn:k=5,metric=euclidean"; NULL: softmax. One label for
 * each row: train_count is train->rows, test_count test->rows. */
AENC_API aenc_status aenc_probe(aenc_context *ctx, const char *probe, const aenc_matrix *train,
                                const int32_t *train_labels, size_t train_count, const aenc_matrix *test,
                                const int32_t *test_labels, size_t test_count, int32_t *predicted,
                                size_t predicted_count, double *accuracy);

/* A point of a curve. The caller sets struct_size in the first point of the array: it is the distance between points. */
typedef struct aenc_rate_point {
    size_t struct_size;
    double step;     /* of the quantiser, in units of the code */
    double bits;     /* per element of the code: empirical entropy, mean over the elements */
    double row_bits; /* per row: their sum */
    double mse;      /* of the decoded against x, per element */
    double psnr;     /* 10 log10(peak^2 / mse) in dB; infinite where mse is 0 */
} aenc_rate_point;

/* Encodes x, rounds the codes to multiples of each of the steps (above 0), and tells rate and distortion: out (count).
 * peak: the largest value that data can have; 0: 1. AENC_ERR_SHAPE where the output is not of the input's size. */
AENC_API aenc_status aenc_rate_distortion(aenc_model *model, const aenc_matrix *x, const double *steps, size_t count,
                                          double peak, aenc_rate_point *out);

/* Errors are mean squared errors per element; NaN where there are no such rows. */
typedef struct aenc_sweep_point {
    size_t struct_size;                    /* as aenc_rate_point's */
    size_t code;                           /* numbers of the code */
    double train, valid, test;             /* of the trained model */
    double pca_train, pca_valid, pca_test; /* of as many principal components of the train rows */
    size_t parameters;                     /* trained numbers */
    int64_t epochs;                        /* that the fit took */
} aenc_sweep_point;

typedef int (*aenc_sweep_callback)(void *user, const aenc_sweep_point *now);

typedef struct aenc_sweep_options {
    size_t struct_size;
    const size_t *codes; /* the sizes to try */
    size_t code_count;
    const aenc_model_options *model; /* encoder_widths without the code; widths only. NULL or no input: x's columns */
    const aenc_fit_options *fit;     /* valid in it is measured too; NULL: defaults */
    const aenc_matrix *test;         /* NULL: none */
    aenc_sweep_callback progress;    /* after each size */
    void *progress_user;
} aenc_sweep_options;

/* Trains a fresh model for each size on x and compares it with PCA: out, with room for out_count points, at least
 * code_count. */
AENC_API aenc_status aenc_sweep(aenc_context *ctx, const aenc_matrix *x, const aenc_sweep_options *options,
                                aenc_sweep_point *out, size_t out_count);

/* ---- Stacks (docs/stacks.md) ---- */

/* layers from 1 */
typedef int (*aenc_pretrain_callback)(void *user, int64_t layer, int64_t layers, const aenc_progress *now);

typedef struct aenc_pretrain_options {
    size_t struct_size;
    /* how each layer is trained; targets, labels and progress are refused. NULL: as aenc_fit's NULL */
    const aenc_fit_options *fit;
    const char *loss;             /* NULL: "bce" for sigmoid units that see numbers within [0, 1], else "mse" */
    const char *output;           /* activation of the reconstruction; NULL: "sigmoid" with that bce, else "identity" */
    const char *const *penalties; /* of each layer's autoencoder; NULL: the model's own */
    size_t penalty_count;
    const char *const *corruptions; /* of what each layer sees; NULL: the model's own */
    size_t corruption_count;
    int64_t tied;                    /* 1: a layer's decoder is the transpose of its encoder */
    int64_t first;                   /* the first layer to train, from 0; those below are taken as they are */
    int64_t count;                   /* how many; 0: all from first on */
    aenc_pretrain_callback progress; /* as a fit's */
    void *progress_user;
    double *losses; /* room for the last training loss of each layer, by its number; may be NULL */
    size_t loss_count;
} aenc_pretrain_options;

/* Trains the encoder greedily, layer by layer (Bengio et al. 2007; Vincent et al. 2010): each dense layer, with the activations
 * and norms behind it, becomes an autoencoder of what the layers below make of x, without corruption of theirs. What it has
 * learned goes into the encoder, and the other half into the mirrored decoder where that has a layer of the same shape; a head
 * of classes stays. aenc_fit then trains the whole. The codes of one layer are held in memory. A stop (callback, cancel) keeps
 * what the layer has learned so far, AENC_OK; after a failure the layers before it are trained. AENC_ERR_UNSUPPORTED for an
 * encoder that is not a sequence with dense layers. options may be NULL.
 *
 * With `checkpoint` in fit, layer K, from 1, keeps its place in the file of that name with ".layer-K" behind it. A call that
 * resumes goes through all layers again: the done ones are read back, the one that was broken off goes on, and the stack ends
 * with the same bits as one that was never interrupted. The files stay for the caller to remove; a call that does not resume
 * removes them first. */
AENC_API aenc_status aenc_pretrain(aenc_model *model, const aenc_matrix *x, const aenc_pretrain_options *options);
/* The same from a source, as aenc_fit_source takes it; its targets are not looked at. The layers below encode each batch when
 * its turn comes: memory is for batches, not for rows. Each layer begins a pass: a stream that ends and cannot seek serves one
 * layer, and is empty to the next. */
AENC_API aenc_status aenc_pretrain_source(aenc_model *model, aenc_source *source, const aenc_pretrain_options *options);

/* Creates a deeper model: layers (one, or a "sequential") are appended to the encoder, and their mirror is put in front of the
 * decoder. All other layers are copied with their parameters. A new dense layer without init in its spec starts as the identity
 * if it has at least as many units as the old code has elements and no activation (or relu, on a code that is relu's): then the
 * new model computes the same function at first. In front of a head of classes no mirror is put; a head that no longer fits is
 * initialised anew. Moments and history are not copied. */
AENC_API aenc_status aenc_model_grow(aenc_model *model, const aenc_layer *layers, aenc_model **out);

typedef struct aenc_distill_options {
    size_t struct_size;
    const aenc_fit_options *fit; /* targets and labels are refused; the teacher answers for valid too */
    double output_weight;        /* of the student's loss against the teacher's output ... */
    double code_weight;          /* ... and of the codes' mean squared distance; both 0: 1 and 1 */
    /* room for what each is over x in the end, NaN of a stream and after a stop in between; may be NULL */
    double *output_loss;
    double *code_loss; /* NaN also where the codes have different sizes */
} aenc_distill_options;

/* Trains student on what teacher makes of x: its output as the target, its code as that of the code (Hinton et al. 2015; Romero
 * et al. 2015). Inputs and outputs must have equal sizes, codes too unless code_weight is 0 and output_weight is not: else
 * AENC_ERR_SHAPE. The teacher's answers for all rows are held in memory. Models of classes are AENC_ERR_UNSUPPORTED. Penalties
 * and corruption of the student's own take part; the teacher sees clean rows. options may be NULL. */
AENC_API aenc_status aenc_distill(aenc_model *student, aenc_model *teacher, const aenc_matrix *x,
                                  const aenc_distill_options *options);
/* The same from a source, as aenc_fit_source takes it; its targets are not looked at. The teacher answers batch by batch, every
 * epoch again. */
AENC_API aenc_status aenc_distill_source(aenc_model *student, aenc_model *teacher, aenc_source *source,
                                         const aenc_distill_options *options);

/* ---- The code of a variational model: what it keeps of the rows (docs/variational.md) ---- */

typedef struct aenc_posterior_options {
    size_t struct_size;
    uint64_t seed; /* of the draws; 0: the model's */
    size_t pairs;  /* rows, spread evenly, of whose pairs the mutual information is estimated; 0: 4096, or all */
    /* By element, with room for `units` doubles, at least the code's elements; NULL: not wanted. */
    double *mean, *variance; /* of the aggregate posterior: the mean over the rows of q(z | x) */
    double *kl;              /* mean over the rows of KL(q(z | x) | p(z)), nats */
    double *marginal_kl;     /* KL of the normal distribution with that mean and variance to the prior, nats */
    size_t units;
} aenc_posterior_options;

typedef struct aenc_posterior {
    size_t struct_size;
    double rate;               /* mean over the rows of KL(q(z | x) | p(z)), nats */
    double mutual_information; /* of row and code under q, estimated; at most the logarithm of the rows of the pairs */
    double marginal_kl;        /* KL(q(z) | p(z)) of the aggregate posterior, estimated: the rate without that */
    double active_units;       /* elements whose mean varies by more than 0.01 (Burda et al. 2016) */
} aenc_posterior;

/* Measures the posteriors of rows, which `in` has with the fields that the encoder reads, against the prior (Hoffman & Johnson
 * 2016). Of a Gaussian code with diagonal covariance and a standard normal prior; AENC_ERR_UNSUPPORTED for others.
 * out->struct_size must be set. The time goes with the square of the pairs; memory does not grow with the other rows. options may
 * be NULL. */
AENC_API aenc_status aenc_posterior_measure(aenc_model *model, const aenc_posterior_options *options,
                                            const struct aenc_array *const *in, size_t in_count, aenc_posterior *out);

/* ---- Classes: models whose loss is "cross_entropy:classes=10" (docs/stacks.md) ----
 *
 * Such a model's decoder is a head: what it puts out are the classes' logits, and its target one number, the class from 0,
 * for each set of logits: mostly one per row. Without a decoder of yours it is one dense layer on the code. Other losses: AENC_ERR_UNSUPPORTED by name. */

AENC_API size_t aenc_model_class_count(const aenc_model *model); /* 0: the loss has none; 0 for NULL */
/* Labels of one row: 1, or as many as its output has sets of logits ("dense 20, reshape 2x10" with 10 classes: 2). 0: the
 * loss has no classes; 0 for NULL. */
AENC_API size_t aenc_model_label_size(const aenc_model *model);
/* The most probable class; of several the first. count: room in labels, at least the rows times the labels of a row. */
AENC_API aenc_status aenc_classify(aenc_model *model, const aenc_matrix *x, int32_t *labels, size_t count);
/* The softmax of the output: the probability of each class, for each label of a row. Room as above, times classes. */
AENC_API aenc_status aenc_class_probabilities(aenc_model *model, const aenc_matrix *x, float *out, size_t out_floats);
/* The share of the labels that are the most probable class. count: rows times the labels of a row. */
AENC_API aenc_status aenc_accuracy(aenc_model *model, const aenc_matrix *x, const int32_t *labels, size_t count,
                                   double *share);

/* ---- PCA: principal components as a model (docs/pca.md) ---- */

typedef struct aenc_pca_options {
    size_t struct_size;
    int64_t components; /* how many; 0: as many as share asks for, or the lesser of rows and columns */
    double share;       /* in (0, 1]: as few components as explain so much of the variance; 0: components */
    int64_t whiten;     /* 1: codes have variance 1, and the decoder undoes it; 0: the variance of their component */
    const char *method; /* "covariance", "gram", "incremental"; NULL: "auto", by the sizes */
    size_t cols;        /* with x NULL: floats of a row; else 0, or as many as there are */
    /* after each piece of the rows, a step; steps is 0 where a stream does not state its rows. Positive: AENC_ERR_CANCELLED */
    aenc_progress_callback progress;
    void *progress_user;
} aenc_pca_options;

/* The linear autoencoder of least squared error, in closed form: every call on models works on it. States beside its
 * parameters say what was found: "pca.mean", "pca.explained_variance", "pca.explained_variance_ratio",
 * "pca.noise_variance", "pca.total_variance", "pca.rows" (two numbers to be added). Of each component the largest element
 * is positive. aenc_fit and aenc_fit_source (its source must end) fit it anew with as many components; aenc_partial_fit
 * takes more rows in, and keeps 8 cols^2 bytes for that until aenc_model_forget_optimizer; a stop (progress, cancel) leaves the
 * model as it was. Gradients are AENC_ERR_UNSUPPORTED.
 * x NULL: a model that has seen no rows, for aenc_partial_fit. Otherwise at least 2 rows. options may be NULL. */
AENC_API aenc_status aenc_pca_create(aenc_context *ctx, const aenc_matrix *x, const aenc_pca_options *options,
                                     aenc_model **out);
/* The same from one pass over a source, which may be larger than memory and must end. Targets are not looked at. */
AENC_API aenc_status aenc_pca_create_source(aenc_context *ctx, aenc_source *source, const aenc_pca_options *options,
                                            aenc_model **out);

/* Principal angles, in radians, ascending, between the subspaces of the input that two linear encoders see: dense layers
 * without activation, to any depth, and what else is linear in evaluation. There are as many as the lesser code has
 * numbers; count, the room in out, is at least that. AENC_ERR_UNSUPPORTED names the layer that is not linear,
 * AENC_ERR_ARGUMENT the row of an encoder that depends on others. Accurate for small angles, as far as float32 goes. */
AENC_API aenc_status aenc_subspace_angles(aenc_context *ctx, aenc_model *a, aenc_model *b, double *out, size_t count);
/* The same between the spans of the rows of two matrices. */
AENC_API aenc_status aenc_matrix_angles(aenc_context *ctx, const aenc_matrix *a, const aenc_matrix *b, double *out,
                                        size_t count);

#ifdef __cplusplus
}
#endif

#endif
