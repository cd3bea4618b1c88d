// SPDX-License-Identifier: Apache-2.0
// Signals as data: blocked, and read from a descriptor. Nothing ever runs in a signal handler.
#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int watched[] = {SIGINT,  SIGTERM, SIGHUP,   SIGQUIT, SIGUSR1, SIGUSR2,
                              SIGWINCH, SIGCHLD, SIGCONT};
static sigset_t inherited;
static bool is_inherited_known;
static sigset_t reported;
static bool ignored[_NSIG];

void restore_inherited_mask(void) { sigprocmask(SIG_SETMASK, &inherited, NULL); }
bool signal_was_ignored(int32_t signal) { return signal > 0 && signal < _NSIG && ignored[signal]; }

// Keeps the mask of before the first call: that is the one that children get.
static int block(const sigset_t *signals) {
  if (sigprocmask(SIG_BLOCK, signals, is_inherited_known ? NULL : &inherited) != 0) return errno;
  is_inherited_known = true;
  return 0;
}

void block_size_limit_signal(void) {
  sigset_t limit;
  sigemptyset(&limit);
  sigaddset(&limit, SIGXFSZ);
  block(&limit);
}

int32_t open_signal_queue(int32_t *descriptor) {
  sigset_t set;
  sigemptyset(&set);
  for (unsigned i = 0; i < sizeof watched / sizeof *watched; i++) {
    struct sigaction action;
    sigaction(watched[i], NULL, &action);
    ignored[watched[i]] = action.sa_handler == SIG_IGN;
    // An ignored SIGCHLD would make the kernel reap children by itself: their end would be lost. Each child gets it
    // ignored again.
    if (watched[i] == SIGCHLD && ignored[SIGCHLD]) {
      action.sa_handler = SIG_DFL;
      sigaction(SIGCHLD, &action, NULL);
    }
    // A blocked signal is queued even if it is ignored, so an ignored one must not be in the set.
    if (!ignored[watched[i]] || watched[i] == SIGCHLD) sigaddset(&set, watched[i]);
  }
  // Blocked but not watched: a write to a closed pipe, a terminal or a full quota is to fail with an errno here, and
  // to act in the child as it would without a supervisor. Blocking, unlike ignoring, is undone for the child with the
  // mask alone.
  sigset_t blocked = set;
  sigaddset(&blocked, SIGPIPE);
  sigaddset(&blocked, SIGTTOU);
  sigaddset(&blocked, SIGXFSZ);
  int error = block(&blocked);
  if (error != 0) return error;
  reported = set;
  int opened = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return opened < 0 ? errno : move_high(opened, descriptor);
}

static const int stop_requests[] = {SIGTSTP, SIGTTIN, SIGTTOU};

void watch_stop_requests(int32_t descriptor) {
  sigset_t stops;
  sigemptyset(&stops);
  for (unsigned i = 0; i < sizeof stop_requests / sizeof *stop_requests; i++) {
    struct sigaction action;
    sigaction(stop_requests[i], NULL, &action);
    if (action.sa_handler == SIG_IGN) continue;
    sigaddset(&stops, stop_requests[i]);
    sigaddset(&reported, stop_requests[i]);
  }
  if (sigprocmask(SIG_BLOCK, &stops, NULL) == 0) signalfd(descriptor, &reported, 0);
}

void ignore_stop_requests(int32_t descriptor) {
  sigset_t stops;
  sigemptyset(&stops);
  for (unsigned i = 0; i < sizeof stop_requests / sizeof *stop_requests; i++) {
    sigdelset(&reported, stop_requests[i]);
    // Stays blocked: a message on a terminal with `tostop` must not stop this process.
    if (stop_requests[i] != SIGTTOU && !sigismember(&inherited, stop_requests[i])) sigaddset(&stops, stop_requests[i]);
  }
  signalfd(descriptor, &reported, 0);
  sigprocmask(SIG_UNBLOCK, &stops, NULL);
}

struct received_signal next_signal(int32_t descriptor) {
  struct signalfd_siginfo info;
  ssize_t got;
  do {
    got = read(descriptor, &info, sizeof info);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof info) return (struct received_signal){0, false};
  return (struct received_signal){(int32_t)info.ssi_signo, info.ssi_code == SI_KERNEL};
}
