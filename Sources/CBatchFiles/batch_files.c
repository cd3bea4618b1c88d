#define _GNU_SOURCE
#include "batch_files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

int open_unlinked_file(const char *directory, int *descriptor) {
  *descriptor = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (*descriptor >= 0) return 0;
  // Some network file systems have no O_TMPFILE: a name that is removed at once is nearly as good.
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT) return errno;
  char name[4096];
  int length = snprintf(name, sizeof name, "%s/.algo-run-XXXXXX", directory);
  if (length < 0 || (size_t)length >= sizeof name) return ENAMETOOLONG;
  *descriptor = mkostemp(name, O_CLOEXEC);
  if (*descriptor < 0) return errno;
  unlink(name);
  return 0;
}

int open_memory_file(const char *name, int *descriptor) {
  *descriptor = memfd_create(name, MFD_CLOEXEC);
  return *descriptor >= 0 ? 0 : errno;
}

int open_gate(int *gate) {
  *gate = epoll_create1(EPOLL_CLOEXEC);
  return *gate >= 0 ? 0 : errno;
}

// EPOLLONESHOT: a descriptor that stays ready while nobody wants it must not wake the loop again and again.
int gate_wait(int gate, int descriptor, enum gate_side side) {
  struct epoll_event event = {
      .events = (side == GATE_READING ? EPOLLIN : EPOLLOUT) | EPOLLONESHOT,
      .data.fd = descriptor,
  };
  if (epoll_ctl(gate, EPOLL_CTL_MOD, descriptor, &event) == 0) return 0;
  if (errno == ENOENT && epoll_ctl(gate, EPOLL_CTL_ADD, descriptor, &event) == 0) return 0;
  return errno;
}

void gate_clear(int gate) {
  struct epoll_event events[4];
  while (epoll_wait(gate, events, 4, 0) == 4) continue;
}

int is_ready(int descriptor, enum gate_side side) {
  struct pollfd entry = {.fd = descriptor, .events = side == GATE_READING ? POLLIN : POLLOUT};
  return poll(&entry, 1, 0) != 0;
}

int terminal_columns(int descriptor) {
  struct winsize size;
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}
