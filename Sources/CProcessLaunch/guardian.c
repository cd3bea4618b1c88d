// The guardian: kills what a supervisor that was itself killed can no longer kill.
#define _GNU_SOURCE
#include "CProcessLaunch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// A batch runs at most this many children at once; group numbers fit in two pages.
enum { MAXIMUM_GROUPS = 2048 };

// Positive numbers register a group, negative ones remove it; end of file means that every writer is gone.
static void guard(int reader) {
  static int32_t groups[MAXIMUM_GROUPS];
  int count = 0;
  int32_t message;
  for (;;) {
    ssize_t got = read(reader, &message, sizeof message);
    if (got < 0 && errno == EINTR) continue;
    if (got != sizeof message) break;
    if (message > 0 && count < MAXIMUM_GROUPS) groups[count++] = message;
    for (int i = 0; message < 0 && i < count; i++)
      if (groups[i] == -message) groups[i--] = groups[--count];
  }
  for (int i = 0; i < count; i++) kill(-groups[i], SIGKILL);
}

int32_t guardian_start(int32_t reader, int32_t *pid) {
  // The reader is non-blocking as all are; this process waits.
  fcntl(reader, F_SETFL, 0);
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t child = _Fork();
  if (child == 0) {
    // Its own group, all signals blocked: Ctrl-C and a signal to the supervisor's group are not meant for it.
    setpgid(0, 0);
    prctl(PR_SET_NAME, "algo-run-guard");
    // It holds nothing of the supervisor's, or a pipe that the supervisor wrote to would not end with it.
    if (reader != 0) dup2(reader, 0);
    close_range(1, ~0U, 0);
    if (chdir("/") != 0) { /* It only pins a directory. */ }
    guard(0);
    _exit(0);
  }
  int32_t error = child < 0 ? errno : 0;
  sigprocmask(SIG_SETMASK, &before, NULL);
  if (!error) *pid = child;
  return error;
}

int32_t guardian_make_writable(int32_t writer) { return fcntl(writer, F_SETFL, O_NONBLOCK) == 0 ? 0 : errno; }

void guardian_forget(int32_t descriptor, int32_t group) {
  int32_t message = -group;
  while (write(descriptor, &message, sizeof message) < 0 && errno == EINTR) {}
}

void guardian_dismiss(int32_t pid) { kill(pid, SIGKILL); }

void guardian_reap(int32_t pid) {
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
}
