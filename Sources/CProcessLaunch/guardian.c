// SPDX-License-Identifier: Apache-2.0
// The guardian: kills the groups that a supervisor leaves behind when it is itself killed.
#define _GNU_SOURCE
#include "CProcessLaunch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "CPlatform.h"

// The groups to kill, in shared pages: a child that has a copy of the supervisor's memory enters its group here itself.
enum { GROUPS_IN_PAGE = 1022 };
struct groups {
  struct groups *next;
  volatile int32_t numbers[GROUPS_IN_PAGE];
};
static struct groups *first_groups;

static volatile int32_t *find_group(int32_t number) {
  for (struct groups *page = first_groups; page; page = page->next)
    for (int i = 0; i < GROUPS_IN_PAGE; i++)
      if (page->numbers[i] == number) return &page->numbers[i];
  return NULL;
}

volatile int32_t *guardian_free_slot(void) {
  volatile int32_t *slot = find_group(0);
  if (slot) return slot;
  struct groups *page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return NULL;
  page->next = first_groups;
  first_groups = page;
  return &page->numbers[0];
}

void guardian_enter(int32_t group) {
  volatile int32_t *slot = guardian_free_slot();
  if (slot) *slot = group;
}

void guardian_forget(int32_t group) {
  volatile int32_t *slot = find_group(group);
  if (slot) *slot = 0;
}

// A system call that leaves errno alone, which the guardian shares with the supervisor.
static long quiet_call(long number, long first, long second, long third) {
#if defined(__x86_64__)
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(first), "S"(second), "d"(third)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = first;
  register long x1 __asm__("x1") = second;
  register long x2 __asm__("x2") = third;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
#else
  return syscall(number, first, second, third);
#endif
}

// Runs in the guardian, which has the supervisor's memory, but a stack and descriptors of its own. It must not call
// into libc, whose state the supervisor continues changing.
static int guard(void *argument) {
  long reader = (long)argument;
  // Its own group, all signals blocked: neither Ctrl-C nor a signal to the supervisor's group is meant for it.
  quiet_call(SYS_setpgid, 0, 0, 0);
  quiet_call(SYS_prctl, PR_SET_NAME, (long)"algo-run-guard", 0);
  // It holds no descriptor of the supervisor's, or a pipe that the supervisor wrote to would not end with it.
  quiet_call(SYS_dup3, reader, 0, 0);
  if (quiet_call(SYS_close_range, 1, ~0U, 0) < 0)
    for (int descriptor = 1; descriptor < 65536; descriptor++) quiet_call(SYS_close, descriptor, 0, 0);
  quiet_call(SYS_chdir, (long)"/", 0, 0);
  // Nothing is ever written to the pipe. It ends with the supervisor, and not before a child that the supervisor has
  // just launched has entered its group: until its exec that child holds the writing end as well.
  char byte;
  quiet_call(SYS_read, 0, (long)&byte, 1);
  for (struct groups *page = first_groups; page; page = page->next)
    for (int i = 0; i < GROUPS_IN_PAGE; i++)
      if (page->numbers[i] > 0) quiet_call(SYS_kill, -page->numbers[i], SIGKILL, 0);
  quiet_call(SYS_exit_group, 0, 0, 0);
  return 0;
}

int32_t guardian_start(int32_t *writer, int32_t *pid) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  // A reader that is itself descriptor 0 would not survive the closing of the others.
  int32_t reader;
  int32_t error = move_high(ends[0], &reader);
  if (error) {
    close(ends[1]);
    return error;
  }
  error = move_high(ends[1], writer);
  if (error) {
    close(reader);
    return error;
  }
  enum { STACK_SIZE = 16384 };
  char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) {
    error = errno;
  } else {
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    // With the supervisor's memory: a copy would cost as much as the launch of the child, and each page that the
    // supervisor writes to afterwards would be copied once more.
    *pid = clone(guard, stack + STACK_SIZE, CLONE_VM | SIGCHLD, (void *)(long)reader);
    error = *pid < 0 ? errno : 0;
    sigprocmask(SIG_SETMASK, &before, NULL);
  }
  close(reader);
  if (error) close(*writer);
  return error;
}

void guardian_dismiss(int32_t pid) { kill(pid, SIGKILL); }

void guardian_reap(int32_t pid) {
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
}
