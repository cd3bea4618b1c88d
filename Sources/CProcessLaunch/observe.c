// Waiting, signals and descriptors: what glibc does not wrap, or only variadically.
#define _GNU_SOURCE
#include "CPlatform.h"
#include "CProcessLaunch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int32_t wait_any(struct child_change *change, int options) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  int result;
  do {
    result = waitid(P_ALL, 0, &info, options | WNOHANG);
  } while (result != 0 && errno == EINTR);
  change->pid = 0;
  if (result != 0) return errno == ECHILD ? 0 : errno;
  change->pid = info.si_pid;
  change->code = info.si_code;
  change->status = info.si_status;
  return 0;
}

int32_t peek_ended_child(struct child_change *change) { return wait_any(change, WEXITED | WNOWAIT); }
int32_t take_stopped_child(struct child_change *change) { return wait_any(change, WSTOPPED); }

int32_t reap_child(int32_t pid, struct child_usage *usage) {
  struct rusage resources;
  memset(&resources, 0, sizeof resources);
  int result;
  do {
    result = wait4(pid, NULL, 0, &resources);
  } while (result < 0 && errno == EINTR);
  if (result < 0) return errno;
  usage->user_microseconds = resources.ru_utime.tv_sec * 1000000LL + resources.ru_utime.tv_usec;
  usage->system_microseconds = resources.ru_stime.tv_sec * 1000000LL + resources.ru_stime.tv_usec;
  usage->peak_kilobytes = resources.ru_maxrss;
  return 0;
}

int32_t become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 ? 0 : errno; }

int32_t occupy_standard_descriptors(void) {
  for (int number = 0; number < 3; number++) {
    if (fcntl(number, F_GETFD) >= 0) continue;
    // The lowest free number is taken: this one, as those below it are open by now.
    if (open("/dev/null", O_RDWR | O_CLOEXEC) < 0) return errno;
  }
  return 0;
}

int32_t open_ready_set(int32_t *descriptor) {
  int opened = epoll_create1(EPOLL_CLOEXEC);
  return opened < 0 ? errno : move_high(opened, descriptor);
}

int32_t add_to_ready_set(int32_t set, int32_t descriptor, uint64_t key) {
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = key};
  return epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : errno;
}

int32_t wait_for_ready_set(int32_t set, uint64_t *keys, int32_t capacity, int32_t milliseconds) {
  struct epoll_event ready[32];
  if (capacity > 32) capacity = 32;
  int count = epoll_wait(set, ready, capacity, milliseconds);
  // Stopped and continued: what came meanwhile is told before anybody looks at the clock, or a child that ended in time
  // would be found to have run out of it.
  if (count < 0 && errno == EINTR) count = epoll_wait(set, ready, capacity, 0);
  for (int i = 0; i < count; i++) keys[i] = ready[i].data.u64;
  return count < 0 ? 0 : count;
}

static const int watched[] = {SIGINT,  SIGTERM, SIGHUP,   SIGQUIT, SIGUSR1, SIGUSR2,
                              SIGWINCH, SIGCHLD, SIGCONT};
static sigset_t inherited;
static sigset_t told;
static bool ignored[_NSIG];

const sigset_t *inherited_mask(void) { return &inherited; }
bool signal_was_ignored(int32_t signal) { return signal > 0 && signal < _NSIG && ignored[signal]; }

int32_t watch_signals(int32_t *descriptor) {
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
    // A blocked signal is queued even where it is ignored, so an ignored one must not be in the set.
    if (!ignored[watched[i]] || watched[i] == SIGCHLD) sigaddset(&set, watched[i]);
  }
  // Blocked but not watched: a write to a closed pipe, a terminal or a full quota is to fail with an errno here, and
  // to act in the child as it would without a supervisor. Blocking, unlike ignoring, is undone for the child with the
  // mask alone.
  sigset_t blocked = set;
  sigaddset(&blocked, SIGPIPE);
  sigaddset(&blocked, SIGTTOU);
  sigaddset(&blocked, SIGXFSZ);
  if (sigprocmask(SIG_BLOCK, &blocked, &inherited) != 0) return errno;
  told = set;
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
    sigaddset(&told, stop_requests[i]);
  }
  if (sigprocmask(SIG_BLOCK, &stops, NULL) == 0) signalfd(descriptor, &told, 0);
}

void ignore_stop_requests(int32_t descriptor) {
  sigset_t stops;
  sigemptyset(&stops);
  for (unsigned i = 0; i < sizeof stop_requests / sizeof *stop_requests; i++) {
    sigdelset(&told, stop_requests[i]);
    // Stays blocked: a message on a terminal with `tostop` must not stop this process.
    if (stop_requests[i] != SIGTTOU && !sigismember(&inherited, stop_requests[i])) sigaddset(&stops, stop_requests[i]);
  }
  signalfd(descriptor, &told, 0);
  sigprocmask(SIG_UNBLOCK, &stops, NULL);
}

// Takes off a pending signal, so that the descriptor does not report it.
static bool discard_signal(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  struct timespec at_once = {0, 0};
  return sigtimedwait(&set, NULL, &at_once) == signal;
}

bool stop_process(int32_t signal, bool whole_group) {
  sigset_t stop, blocked, before;
  sigemptyset(&stop);
  sigaddset(&stop, signal);
  blocked = stop;
  sigaddset(&blocked, SIGCONT);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  // The kernel drops a pending SIGCONT as it sends the stop, so one that is pending afterwards ended this stop.
  kill(whole_group ? 0 : getpid(), signal);
  // It takes effect here, and the call returns when the process is continued.
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
  // Reported later, it would be answered a second time and continue a child that was stopped again meanwhile.
  bool continued = discard_signal(SIGCONT);
  sigprocmask(SIG_SETMASK, &before, NULL);
  return continued;
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

void end_by_signal(int32_t signal) {
  // The core that matters is the child's. The size limit of core files would not do: a core that goes to a program
  // ignores it.
  prctl(PR_SET_DUMPABLE, 0);
  struct sigaction standard = {.sa_handler = SIG_DFL};
  sigaction(signal, &standard, NULL);
  kill(getpid(), signal);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
}

// The state letter and the group of a process, from /proc/PID/stat; 0 if there is no such process.
static char process_state(const char *pid, int *group) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
  int64_t length = read_small_file(path, text, sizeof text - 1);
  if (length <= 0) return 0;
  text[length] = 0;
  // The name stands in parentheses and may contain any of them itself.
  const char *rest = strrchr(text, ')');
  char state;
  int parent;
  return rest && sscanf(rest + 1, " %c %d %d", &state, &parent, group) == 3 ? state : 0;
}

bool only_members_are_stopped(int32_t leader) {
  DIR *processes = opendir("/proc");
  if (!processes) return false;
  bool found = false;
  int group;
  struct dirent *entry;
  while (!found && (entry = readdir(processes)))
    if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
      found = process_state(entry->d_name, &group) == 'T' && group == leader;
  closedir(processes);
  // Last, because a key that stops the whole group may have been pressed meanwhile.
  char number[16];
  snprintf(number, sizeof number, "%d", leader);
  return found && process_state(number, &group) != 'T';
}

int64_t read_small_file(const char *path, char *buffer, int64_t capacity) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  int64_t length = 0;
  ssize_t got;
  while (length < capacity && (got = read(file, buffer + length, capacity - length)) > 0) length += got;
  close(file);
  return length;
}
