/* cpu.h - what the processor reports of itself; with cpu.c and cpu_mode.h the only home of architecture guards. */
#ifndef AENC_BASE_CPU_H
#define AENC_BASE_CPU_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)

/* Tells the core that this is a spin loop. */
static inline void cpu_relax(void) { __builtin_ia32_pause(); }

#else

static inline void cpu_relax(void) {}

#endif

/* What -mavx2 -mfma may emit. */
bool aenc_cpu_has_avx2(void);
/* What -march=x86-64-v4 may emit; every processor with these has the small rest (lzcnt, movbe, f16c) too. */
bool aenc_cpu_has_avx512(void);

/* Numbers of 64 bits, as many as a register holds, and the products of their lower halves: one instruction, which
 * gcc does not find by itself. */
#if defined(__AVX512F__)
enum { CPU_LANES = 8 };
typedef uint64_t cpu_lanes __attribute__((vector_size(64)));
#define CPU_LANES_PRODUCT(a, b) ((cpu_lanes)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
#elif defined(__AVX2__)
enum { CPU_LANES = 4 };
typedef uint64_t cpu_lanes __attribute__((vector_size(32)));
#define CPU_LANES_PRODUCT(a, b) ((cpu_lanes)_mm256_mul_epu32((__m256i)(a), (__m256i)(b)))
#elif defined(__SSE2__)
enum { CPU_LANES = 2 };
typedef uint64_t cpu_lanes __attribute__((vector_size(16)));
#define CPU_LANES_PRODUCT(a, b) ((cpu_lanes)_mm_mul_epu32((__m128i)(a), (__m128i)(b)))
#else
enum { CPU_LANES = 1 };
typedef uint64_t cpu_lanes;
#define CPU_LANES_PRODUCT(a, b) ((uint64_t)(uint32_t)(a) * (uint32_t)(b))
#endif

/* Whether a 32-bit integer argument arrives in the lower half of a 64-bit register whose upper half the callee must
 * ignore (elsewhere, as on RISC-V, the callee may count on sign extension). */
#if defined(__x86_64__) && !defined(__ILP32__)
enum { CPU_IGNORES_UPPER_HALF = 1 };
#elif defined(__aarch64__) && !defined(__ILP32__)
enum { CPU_IGNORES_UPPER_HALF = 1 };
#else
enum { CPU_IGNORES_UPPER_HALF = 0 };
#endif

#endif
