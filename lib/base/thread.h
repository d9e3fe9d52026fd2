/* thread.h - starting threads, and finding out that they are in another process. */
#ifndef AENC_BASE_THREAD_H
#define AENC_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

/* Starts a thread with every signal blocked, as signals are for the program's own threads, and a stack of the system's
 * default size, but at least 1 MiB: some systems give 128 KiB, less than a job may need. Returns the system's
 * error. */
int aenc_thread_start(pthread_t *thread, void *(*run)(void *), void *user);

/* A fork copies the memory of a process and the calling thread alone: in the child, threads that were started before
 * do not exist, and locks that they held stay locked. Who starts threads notes the process and compares before it
 * waits for one. */
pid_t aenc_process(void);
static inline bool aenc_process_is(pid_t started) { return aenc_process() == started; }

#endif
