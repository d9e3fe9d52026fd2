/* blas.c - the only file that names CBLAS.
 *
 * Providers' headers differ in name and place, their binary interface does not: so the prototypes stand here, with the
 * enumerations as the integers that they are. What a provider offers beyond CBLAS is declared weak and asked for at run
 * time: the library that was loaded may be another than the one that was linked against.
 */
#include "math/blas.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/cpu.h"

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };

void cblas_sgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha, const float *a, int lda,
                 const float *b, int ldb, float beta, float *c, int ldc);
void cblas_dgemm(int order, int transpose_a, int transpose_b, int m, int n, int k, double alpha, const double *a,
                 int lda, const double *b, int ldb, double beta, double *c, int ldc);
double cblas_ddot(int n, const double *x, int step_x, const double *y, int step_y);
void cblas_daxpy(int n, double alpha, const double *x, int step_x, double *y, int step_y);
void cblas_drot(int n, double *x, int step_x, double *y, int step_y, double c, double s);
/* Its first argument is an int; declared wider for the probe below. */
double cblas_dasum(int64_t n, const double *x, int64_t step);

char *openblas_get_config(void) __attribute__((weak));
char *openblas_get_corename(void) __attribute__((weak));
int openblas_get_num_threads(void) __attribute__((weak));
void openblas_set_num_threads(int threads) __attribute__((weak));
int openblas_get_parallel(void) __attribute__((weak));
char *bli_info_get_version_str(void) __attribute__((weak));
intptr_t bli_thread_get_num_threads(void) __attribute__((weak));
void bli_thread_set_num_threads(intptr_t threads) __attribute__((weak));
int MKL_Get_Max_Threads(void) __attribute__((weak));
void MKL_Set_Num_Threads(int threads) __attribute__((weak));

static void scale_rows(int64_t m, int64_t n, num beta, num *c, int64_t ldc) {
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
}

/* Shards, tiles and some columns: where our own panels beat a CBLAS, whose copying of both operands does not pay for
 * so few rows or columns. A right operand that does not stay in the second cache is left to a CBLAS. */
enum { PANEL_ROWS_LEAST = 8, PANEL_ROWS_MOST = 1024, PANEL_COLUMNS_LEAST = 16, PANEL_COLUMNS_FEW = 64 };
enum { PANEL_NUMBERS_MOST = 1 << 18 };

static bool panels_suit(int64_t m, int64_t n, num beta) {
    return aenc_kernels()->product->gemm_packed != NULL && m >= PANEL_ROWS_LEAST && n >= PANEL_COLUMNS_LEAST &&
           (beta == 0 || beta == 1);
}

/* k is at least 1. */
static void cblas_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const num *a, int64_t lda,
                       const num *b, int64_t ldb, num beta, num *c, int64_t ldc) {
    _Generic((num)0, float
             : cblas_sgemm, double
             : cblas_dgemm)(ROW_MAJOR, transpose_a ? TRANSPOSED : PLAIN, transpose_b ? TRANSPOSED : PLAIN, (int)m,
                            (int)n, (int)k, 1, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

void aenc_blas_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const num *a, int64_t lda,
                    const num *b, int64_t ldb, num beta, num *c, int64_t ldc) {
    if (m == 0 || n == 0) return;
    if (k == 0) {
        scale_rows(m, n, beta, c, ldc);
        return;
    }
    bool small = n <= PANEL_COLUMNS_FEW || n <= PANEL_NUMBERS_MOST / k;
    bool panels = m <= PANEL_ROWS_MOST && small && panels_suit(m, n, beta);
    matrix_product *product = panels ? aenc_kernels()->product->gemm_packed : cblas_gemm;
    product(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

/* Beside a slow CBLAS both operands may be of any size. */
static void panels_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const num *a, int64_t lda,
                        const num *b, int64_t ldb, num beta, num *c, int64_t ldc) {
    if (k > 0 && panels_suit(m, n, beta))
        aenc_kernels()->product->gemm_packed(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
    else
        aenc_blas_gemm(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, beta, c, ldc);
}

matrix_product *aenc_blas_product(void) {
    struct blas_info info;
    aenc_blas_describe(&info);
    return info.warning == NULL ? aenc_blas_gemm : panels_gemm;
}

void aenc_blas_dgemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const double *a, int64_t lda,
                     const double *b, int64_t ldb, double beta, double *c, int64_t ldc) {
    cblas_dgemm(ROW_MAJOR, transpose_a ? TRANSPOSED : PLAIN, transpose_b ? TRANSPOSED : PLAIN, (int)m, (int)n, (int)k,
                1, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
}

double aenc_blas_dot(const double *x, const double *y, int64_t n) { return cblas_ddot((int)n, x, 1, y, 1); }

void aenc_blas_axpy(double *y, const double *x, double scale, int64_t n) { cblas_daxpy((int)n, scale, x, 1, y, 1); }

void aenc_blas_rotate(double *x, double *y, double c, double s, int64_t n) { cblas_drot((int)n, x, 1, y, 1, c, -s); }

bool aenc_blas_fits(int64_t size) { return size >= 0 && size <= INT32_MAX; }

/* ---- Which kernels run, and which could ---- */

enum level { LEVEL_OLD, LEVEL_AVX2, LEVEL_AVX512, LEVEL_UNKNOWN };

struct core {
    const char *name; /* openblas_get_corename() */
    enum level level;
};

/* OpenBLAS's x86 kernels. Zen's are Haswell's. */
static const struct core cores[] = {
    {"SapphireRapids", LEVEL_AVX512},
    {"Cooperlake", LEVEL_AVX512},
    {"SkylakeX", LEVEL_AVX512},
    {"Haswell", LEVEL_AVX2},
    {"Zen", LEVEL_AVX2},
    {"Excavator", LEVEL_OLD},
    {"Steamroller", LEVEL_OLD},
    {"Piledriver", LEVEL_OLD},
    {"Bulldozer", LEVEL_OLD},
    {"Sandybridge", LEVEL_OLD},
    {"Nehalem", LEVEL_OLD},
    {"Dunnington", LEVEL_OLD},
    {"Penryn", LEVEL_OLD},
    {"Core2", LEVEL_OLD},
    {"Prescott", LEVEL_OLD},
    {"Northwood", LEVEL_OLD},
    {"Banias", LEVEL_OLD},
    {"Katmai", LEVEL_OLD},
    {"Coppermine", LEVEL_OLD},
    {"Atom", LEVEL_OLD},
    {"Nano", LEVEL_OLD},
    {"Bobcat", LEVEL_OLD},
    {"Barcelona", LEVEL_OLD},
    {"Opteron", LEVEL_OLD},
    {"Opteron_SSE3", LEVEL_OLD},
    {"Athlon", LEVEL_OLD},
    {"Generic", LEVEL_OLD},
};

static bool same_letters(const char *a, const char *b) {
    for (; *a != '\0' && *b != '\0'; a++, b++)
        if ((*a | 0x20) != (*b | 0x20)) return false;
    return *a == *b;
}

static enum level core_level(const char *name) {
    for (size_t i = 0; i < sizeof cores / sizeof *cores; i++)
        if (same_letters(cores[i].name, name)) return cores[i].level;
    return LEVEL_UNKNOWN;
}

/* NULL, or what is slower than it could be and what to do. A library built for one kind of core cannot be told at run
 * time to use another. */
static const char *openblas_warning(const char *config, const char *core) {
    enum level has = aenc_cpu_has_avx512() ? LEVEL_AVX512 : aenc_cpu_has_avx2() ? LEVEL_AVX2 : LEVEL_OLD;
    bool chooses = config != NULL && strstr(config, "DYNAMIC_ARCH") != NULL;
    if (core == NULL || core_level(core) >= has) return NULL;
    if (!chooses) return "OpenBLAS was built for an older processor; one built with DYNAMIC_ARCH would be faster";
    if (has == LEVEL_AVX512)
        return "OpenBLAS runs without this processor's AVX-512; set OPENBLAS_CORETYPE=SkylakeX in the environment";
    return "OpenBLAS runs without this processor's AVX2; set OPENBLAS_CORETYPE=Haswell in the environment";
}

/* dasum of n <= 0 elements is 0 and not an error. n = -2^32 + 1 is 1 to a CBLAS with 32-bit integers, which sees the
 * lower half alone, and negative to one with 64 bits. */
static bool has_wide_integers(void) {
    const double one = 1;
    const int64_t probe = -(INT64_C(1) << 32) + 1;
    return CPU_IGNORES_UPPER_HALF && cblas_dasum(probe, &one, 1) == 0;
}

static void describe_openblas(struct blas_info *out) {
    out->provider = "OpenBLAS";
    out->config = openblas_get_config();
    if (openblas_get_corename != NULL) out->kernels = openblas_get_corename();
    if (openblas_get_num_threads != NULL) out->threads = openblas_get_num_threads();
    /* 0: built without threads */
    if (openblas_get_parallel != NULL && openblas_get_parallel() == 0) out->threads = 1;
    out->warning = openblas_warning(out->config, out->kernels);
}

static void describe_blis(struct blas_info *out) {
    out->provider = "BLIS";
    out->config = bli_info_get_version_str();
    if (bli_thread_get_num_threads != NULL) out->threads = (int)bli_thread_get_num_threads();
}

static void describe_mkl(struct blas_info *out) {
    out->provider = "MKL";
    out->threads = MKL_Get_Max_Threads();
}

void aenc_blas_describe(struct blas_info *out) {
    *out = (struct blas_info){.provider = "reference or other"};
    if (openblas_get_config != NULL)
        describe_openblas(out);
    else if (bli_info_get_version_str != NULL)
        describe_blis(out);
    else if (MKL_Get_Max_Threads != NULL)
        describe_mkl(out);
    else
        out->warning = "this CBLAS is not known as a fast one; the reference BLAS is many times slower than OpenBLAS";
    if ((out->config != NULL && strstr(out->config, "USE64BITINT") != NULL) || has_wide_integers())
        out->refusal = "this CBLAS takes 64-bit integers (ILP64); the library needs one with 32-bit integers (LP64)";
}

bool aenc_blas_single_thread(void) {
    if (openblas_set_num_threads != NULL)
        openblas_set_num_threads(1);
    else if (bli_thread_set_num_threads != NULL)
        bli_thread_set_num_threads(1);
    else if (MKL_Set_Num_Threads != NULL)
        MKL_Set_Num_Threads(1);
    else
        return false;
    return true;
}
