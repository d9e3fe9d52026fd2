/* thread.c - the system's threads. */
#define _POSIX_C_SOURCE 200809L

#include "base/thread.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

enum { STACK_LEAST = 1 << 20 };

pid_t aenc_process(void) { return getpid(); }

static int stack_raise(pthread_attr_t *attributes) {
    size_t size = 0;
    int error = pthread_attr_getstacksize(attributes, &size);
    return error == 0 && size < STACK_LEAST ? pthread_attr_setstacksize(attributes, STACK_LEAST) : error;
}

int aenc_thread_start(pthread_t *thread, void *(*run)(void *), void *user) {
    pthread_attr_t attributes;
    sigset_t all, before;
    int error = pthread_attr_init(&attributes);
    if (error != 0) return error;
    error = stack_raise(&attributes);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (error == 0) error = pthread_create(thread, &attributes, run, user);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}
