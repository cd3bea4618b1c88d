// SPDX-License-Identifier: Apache-2.0
// Joining with a deadline, which POSIX does not have.
#define _GNU_SOURCE
#include "CPlatform.h"

#include <pthread.h>
#include <time.h>

int32_t join_thread_until(unsigned long thread, int64_t nanoseconds) {
  struct timespec end = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &end);
}
