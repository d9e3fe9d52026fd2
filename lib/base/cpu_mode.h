/* cpu_mode.h - how this thread rounds, what traps, and what denormal numbers are.
 *
 * A program may run with another rounding mode than to nearest, and with floating-point exceptions that end it.
 * Results must not depend on the one, and a NaN that is looked for must not cause the other: so whatever computes
 * does so in a mode of its own, rounding to nearest, with every exception masked. CPU_MODE_EXACT takes denormal
 * numbers for what they are, as a program expects. CPU_MODE_FAST, for the loops, takes them as zero: they cost up to
 * a hundred times a normal operation and mean nothing there; moments that decay towards zero would slow training
 * down by half.
 *
 * aenc_cpu_mode_set puts this thread into a mode and returns what was there, which aenc_cpu_mode_restore takes. Setting the
 * mode that is there already costs about 3 ns. A function that begins with
 *     CPU_MODE_RESTORED struct cpu_mode before = aenc_cpu_mode_set(CPU_MODE_EXACT);
 * restores it on every way out; so do all public functions that return a status. Callbacks that are called between
 * computations (progress, sources) see the program's own mode: aenc_context.caller_mode is what it called in. */
#ifndef AENC_BASE_CPU_MODE_H
#define AENC_BASE_CPU_MODE_H

#include <fenv.h>
#include <stdbool.h>
#include <stdint.h>

enum cpu_mode_kind { CPU_MODE_EXACT, CPU_MODE_FAST };

#if defined(__SSE__) && defined(__GNUC__)
struct cpu_mode {
    unsigned sse;       /* MXCSR */
    unsigned short x87; /* control word: printf and strtod round as it says */
    bool changed;
};
#elif defined(__aarch64__) && defined(__GNUC__)
struct cpu_mode {
    uint64_t fpcr;
    bool changed;
};
#else
/* Denormal numbers stay what they are. */
struct cpu_mode {
    fenv_t environment;
};
#endif

struct cpu_mode aenc_cpu_mode_set(enum cpu_mode_kind kind);
void aenc_cpu_mode_restore(const struct cpu_mode *before);

#if defined(__GNUC__)
static inline void cpu_mode_leave(struct cpu_mode *before) { aenc_cpu_mode_restore(before); }
#define CPU_MODE_RESTORED __attribute__((unused, cleanup(cpu_mode_leave)))
#else
#error "a compiler with the attribute cleanup is needed"
#endif

#endif
