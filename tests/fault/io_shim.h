/* io_shim.h - how a test tells the preloaded shim which call of the system fails. */
#ifndef AENC_TESTS_FAULT_IO_SHIM_H
#define AENC_TESTS_FAULT_IO_SHIM_H

#include <stdbool.h>

struct io_shim {
    bool armed;    /* calls are counted, and fail as below */
    long fail_at;  /* the call that fails, from 1; 0: none */
    bool for_good; /* and every call after it */
    int error;     /* errno; 0: the call does half of what it should (write, read) */
    bool nothing;  /* instead: it does nothing and answers 0 (write, read) */
    bool late;     /* it does what it should, and fails then (rename) */
    long calls;    /* so far */
    long fired;
    const char *name; /* of the first call that failed */
    bool scrap;       /* an unlink failed: what it should have removed is still there */
};

/* The one that the shim looks at; a test finds it with dlsym. */
struct io_shim *io_shim_state(void);

#endif
