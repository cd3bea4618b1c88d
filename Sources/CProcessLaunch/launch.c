// SPDX-License-Identifier: Apache-2.0
// The code between fork and exec. Where an order matters, numbered reasons say why.
#define _GNU_SOURCE
#include "CPlatform.h"
#include "CProcessLaunch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

// The child's report to the supervisor, on the one page that both have. The supervisor sleeps in the meantime.
struct launch_failure {
  volatile int error;
  volatile int stage;
  // Peak memory that the kernel counts for the child before its program runs, in kilobytes.
  volatile int64_t floor;
};

static void fail(struct launch_failure *failure, int stage, int error) {
  failure->stage = stage;
  failure->error = error;
  _exit(127);
}

// Gives up the controlling terminal, for this process and for those it starts. Unlike setsid it keeps the session,
// which the kernel's scheduler takes for a unit: `nice` in front of a batch continues counting for its children.
static void leave_terminal(void) {
  // Non-blocking: opening a serial line would wait for its carrier.
  int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (terminal < 0) return;
  ioctl(terminal, TIOCNOTTY);
  close(terminal);
}

// For kernels before 5.11 and sandboxes that do not know close_range's flag.
static void mark_one_by_one(unsigned first) {
  long limit = sysconf(_SC_OPEN_MAX);
  for (long descriptor = first; descriptor < limit; descriptor++) fcntl((int)descriptor, F_SETFD, FD_CLOEXEC);
}

// Runs in the child. Only async-signal-safe calls: other threads of the supervisor may have held any lock.
// The soft limit of open files that children get; 0 for the supervisor's.
static rlim_t child_file_limit;

int64_t raise_file_limit(int64_t wanted) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
  rlim_t before = limit.rlim_cur;
  rlim_t target = (rlim_t)wanted < limit.rlim_max ? (rlim_t)wanted : limit.rlim_max;
  if (target <= before) return (int64_t)(before > INT64_MAX ? INT64_MAX : before);
  limit.rlim_cur = target;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return (int64_t)before;
  child_file_limit = before;
  return (int64_t)target;
}

static void run_child(const struct launch_request *request, pid_t supervisor, volatile int32_t *slot,
                      struct launch_failure *failure) {
  // 1. The group first: whatever reaches the group from here on reaches this child.
  setpgid(0, 0);
  // 2. The child enters its group itself, before the program runs: a supervisor that is killed right after the launch
  //    would not have had the time.
  if (slot) *slot = getpid();
  // 3. Death with the supervisor; the check closes the gap in which it died before the call.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != supervisor) _exit(127);
  // 4. Without the terminal, a read from /dev/tty fails. With it, SIGTTIN would stop the child, and no shell knows it.
  if (request->leaves_terminal) leave_terminal();
  // 5. The directory before the descriptors, so that a message can still name what failed.
  if (request->directory && chdir(request->directory) != 0) fail(failure, LAUNCH_DIRECTORY, errno);
  // 6. A source with the number of a target moves out of the way first, or a dup2 would overwrite it while it is still
  //    needed. dup2 clears close-on-exec.
  int sources[LAUNCH_DESCRIPTOR_COUNT];
  unsigned first = 3;
  for (int target = 0; target < LAUNCH_DESCRIPTOR_COUNT; target++) {
    sources[target] = request->descriptors[target];
    if (sources[target] < 0) continue;
    if (target >= 3) first = target + 1;
    if (sources[target] < LAUNCH_DESCRIPTOR_COUNT && request->descriptors[sources[target]] >= 0) {
      sources[target] = fcntl(sources[target], F_DUPFD_CLOEXEC, LAUNCH_DESCRIPTOR_COUNT);
      if (sources[target] < 0) fail(failure, LAUNCH_DESCRIPTORS, errno);
    }
  }
  for (int target = 0; target < LAUNCH_DESCRIPTOR_COUNT; target++)
    if (sources[target] >= 0 && dup2(sources[target], target) < 0) fail(failure, LAUNCH_DESCRIPTORS, errno);
  // 7. Nothing above the child's own descriptors. Close-on-exec rather than close: 127 means a failed exec, and what
  //    others left open without the mark is caught as well.
  if (close_range(first, ~0U, CLOSE_RANGE_CLOEXEC) != 0) mark_one_by_one(first);
  if (request->is_batch && sched_getscheduler(0) == SCHED_OTHER)
    sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
  // The only disposition that the supervisor changed for itself.
  if (signal_was_ignored(SIGCHLD)) signal(SIGCHLD, SIG_IGN);
  // 8. The mask last: from here on a signal to the group acts as it would on any program.
  restore_inherited_mask();
  // A program that uses select(2) breaks with descriptors from 1,024 on, so the limit is a promise to it.
  struct rlimit files;
  if (child_file_limit && getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = child_file_limit;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  // 9. The kernel counts the memory of before the exec into the peak of the program: record it.
  struct rusage before;
  if (getrusage(RUSAGE_SELF, &before) == 0) failure->floor = before.ru_maxrss;
  // As execvp does: a candidate that is missing or forbidden gives way to the next, and forbidden is remembered.
  int remembered = ENOENT;
  for (const char *const *candidate = request->candidates; *candidate; candidate++) {
    execve(*candidate, request->arguments, request->environment);
    if (errno == EACCES) remembered = EACCES;
    else if (errno != ENOENT && errno != ENOTDIR) fail(failure, LAUNCH_EXEC, errno);
  }
  fail(failure, LAUNCH_EXEC, remembered);
}

int32_t launch_child(const struct launch_request *request, struct launched_child *launched) {
  // One page for the life of the process; launches happen on one thread, one after the other.
  static struct launch_failure *shared;
  if (!shared) {
    void *page = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
      launched->failed_stage = LAUNCH_FORK;
      return errno;
    }
    shared = page;
  }
  *shared = (struct launch_failure){0, 0, 0};
  volatile int32_t *slot = request->is_guarded ? guardian_free_slot() : NULL;
  // Every signal stays blocked until the child has set its own mask: none is to reach it as a copy of the supervisor.
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t supervisor = getpid();
  // A fork that waits for the exec as vfork does, but with memory of its own. vfork would be cheaper by a tenth of a
  // millisecond, and would give every child the supervisor's peak memory to begin with (the kernel counts the memory
  // map that an exec leaves behind): a copy holds only the few pages that cannot be mapped again from files.
  pid_t child = (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) run_child(request, supervisor, slot, shared);
  int fork_error = errno;
  sigprocmask(SIG_SETMASK, &before, NULL);
  launched->pid = child;
  launched->failed_stage = child < 0 ? LAUNCH_FORK : shared->stage;
  launched->floor_kilobytes = shared->floor;
  if (child < 0) return fork_error;
  if (shared->error == 0) return 0;
  guardian_forget(child);
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
  return shared->error;
}
