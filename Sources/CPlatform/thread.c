// SPDX-License-Identifier: Apache-2.0
// Joining with a deadline and the priority of one thread, which POSIX does not have.
#define _GNU_SOURCE
#include "CPlatform.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int32_t join_thread_until(unsigned long thread, int64_t nanoseconds) {
  struct timespec end = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
  return pthread_clockjoin_np(thread, NULL, CLOCK_MONOTONIC, &end);
}

void yield_to_others(void) {
  struct sched_param none = {.sched_priority = 0};
  // A thread of this class gives the processor up when another wakes; one with a high nice value ends its slice first.
  if (sched_setscheduler(0, SCHED_IDLE, &none) != 0) setpriority(PRIO_PROCESS, 0, 19);
  // The class would also mean the disk only while it is idle, and a wait for the disk may hold a lock: best effort, lowest.
  syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 7);
}
