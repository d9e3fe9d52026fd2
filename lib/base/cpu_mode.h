/* cpu_mode.h - how this thread rounds, what traps, and what denormal numbers are.
 *
 * A program may run with another rounding mode than to nearest, and with floating-point exceptions that end it.
 * Results must not depend on the one, and a NaN that is looked for must not cause the other: so whatever computes
 * does so in a mode of its own, rounding to nearest, with every exception masked. CPU_MODE_EXACT takes denormal
 * numbers for what they are, as a program expects. CPU_MODE_FAST, for the loops, takes them as zero: they cost up to
 * a hundred times a normal operation and mean nothing there; moments that decay towards zero would slow training
 * down by half.
 *
 * cpu_mode_set puts this thread into a mode and returns what was there, which cpu_mode_restore takes. Setting the
 * mode that is there already costs about 3 ns. A function that begins with
 *     CPU_MODE_RESTORED struct cpu_mode before = cpu_mode_set(CPU_MODE_EXACT);
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
enum { CPU_SSE_MASKED = 0x1F80, CPU_SSE_FAST = 0x8040, CPU_SSE_FLAGS = 0x3F, CPU_X87_DEFAULT = 0x37F };
static inline void cpu_mode_load(unsigned sse, unsigned short x87) {
    /* what has happened, and is about to be unmasked, would trap at the next instruction: "fnclex" forgets it */
    __asm__ volatile("fnclex\n\tfldcw %0" : : "m"(x87) : "memory");
    __asm__ volatile("ldmxcsr %0" : : "m"(sse) : "memory");
}
static inline struct cpu_mode cpu_mode_set(enum cpu_mode_kind kind) {
    unsigned wanted = kind == CPU_MODE_FAST ? (unsigned)CPU_SSE_MASKED | CPU_SSE_FAST : CPU_SSE_MASKED;
    struct cpu_mode before = {0, 0, true};
    __asm__ volatile("stmxcsr %0" : "=m"(before.sse) : : "memory");
    __asm__ volatile("fnstcw %0" : "=m"(before.x87) : : "memory");
    if ((before.sse & ~(unsigned)CPU_SSE_FLAGS) == wanted && before.x87 == CPU_X87_DEFAULT)
        before.changed = false;
    else if (before.x87 == CPU_X87_DEFAULT)
        __asm__ volatile("ldmxcsr %0" : : "m"(wanted) : "memory");
    else
        cpu_mode_load(wanted, CPU_X87_DEFAULT);
    return before;
}
static inline void cpu_mode_restore(const struct cpu_mode *before) {
    if (!before->changed) return;
    if (before->x87 == CPU_X87_DEFAULT)
        __asm__ volatile("ldmxcsr %0" : : "m"(before->sse) : "memory");
    else
        cpu_mode_load(before->sse, before->x87);
}
#elif defined(__aarch64__) && defined(__GNUC__)
struct cpu_mode {
    uint64_t fpcr;
    bool changed;
};
static inline struct cpu_mode cpu_mode_set(enum cpu_mode_kind kind) {
    uint64_t wanted = kind == CPU_MODE_FAST ? UINT64_C(1) << 24 : 0; /* FZ */
    struct cpu_mode before = {0, false};
    __asm__ volatile("mrs %0, fpcr" : "=r"(before.fpcr) : : "memory");
    before.changed = before.fpcr != wanted;
    if (before.changed) __asm__ volatile("msr fpcr, %0" : : "r"(wanted) : "memory");
    return before;
}
static inline void cpu_mode_restore(const struct cpu_mode *before) {
    if (before->changed) __asm__ volatile("msr fpcr, %0" : : "r"(before->fpcr) : "memory");
}
#else
/* Denormal numbers stay what they are. */
struct cpu_mode {
    fenv_t environment;
};
static inline struct cpu_mode cpu_mode_set(enum cpu_mode_kind kind) {
    struct cpu_mode before;
    (void)kind;
    feholdexcept(&before.environment);
#if defined(FE_TONEAREST)
    fesetround(FE_TONEAREST);
#endif
    return before;
}
static inline void cpu_mode_restore(const struct cpu_mode *before) { fesetenv(&before->environment); }
#endif

#if defined(__GNUC__)
static inline void cpu_mode_leave(struct cpu_mode *before) { cpu_mode_restore(before); }
#define CPU_MODE_RESTORED __attribute__((unused, cleanup(cpu_mode_leave)))
#else
#error "a compiler with the attribute cleanup is needed"
#endif

#endif
