#define _GNU_SOURCE
#include "batch_files.h"

#include <errno.h>
#include <sys/epoll.h>

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
