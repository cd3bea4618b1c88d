// SPDX-License-Identifier: Apache-2.0
// Waiting for children and ending like them: what glibc does not wrap, or only variadically.
#define _GNU_SOURCE
#include "CProcessLaunch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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

bool is_leading_child(int32_t pid) {
  siginfo_t info;
  return pid > 1 && waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && getpgid(pid) == pid;
}

int64_t process_cpu_time(int32_t pid, int32_t clock) {
  // The kernel's encoding of a process's clocks (clock_getcpuclockid(3) gives only the exact one).
  struct timespec time;
  if (clock_gettime((clockid_t)(~(uint32_t)pid << 3 | (uint32_t)clock), &time) != 0) return -1;
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

bool read_memory(int32_t status, int64_t *peak, int64_t *resident) {
  char text[4096];
  ssize_t length = pread(status, text, sizeof text - 1, 0);
  if (length <= 0) return false;
  text[length] = 0;
  const char *mark = strstr(text, "VmHWM:");
  const char *now = mark ? strstr(mark, "VmRSS:") : NULL;
  if (!now) return false;
  *peak = strtoll(mark + 6, NULL, 10);
  *resident = strtoll(now + 6, NULL, 10);
  return true;
}

int64_t read_resident(int32_t statm) {
  char text[128];
  ssize_t length = pread(statm, text, sizeof text - 1, 0);
  if (length <= 0) return -1;
  text[length] = 0;
  const char *second = strchr(text, ' ');
  return second ? strtoll(second, NULL, 10) : -1;
}

int32_t become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0 ? 0 : errno; }

int32_t occupy_standard_descriptors(void) {
  for (int number = 0; number < 3; number++) {
    if (fcntl(number, F_GETFD) >= 0) continue;
    // The lowest free number is taken: this one, as those below it are open by now.
    if (open("/dev/null", O_RDWR | O_CLOEXEC) < 0) return errno;
  }
  // 3 is never the number of a descriptor of ours: while it is free, each new one would have to be moved away from it.
  if (fcntl(3, F_GETFD) < 0) open("/dev/null", O_RDONLY | O_CLOEXEC);
  return 0;
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
  // Reported later, it would be answered a second time and continue a child that was stopped again the meantime.
  bool continued = discard_signal(SIGCONT);
  sigprocmask(SIG_SETMASK, &before, NULL);
  return continued;
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
  // The name is in parentheses and may contain any of them itself.
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
  // Last, because a key that stops the whole group may have been pressed in the meantime.
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
