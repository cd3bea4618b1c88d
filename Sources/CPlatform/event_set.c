// SPDX-License-Identifier: Apache-2.0
// epoll, with interests and reports as small integers.
#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>

static struct epoll_event as_epoll(int32_t interest, uint64_t key) {
  struct epoll_event event = {.events = 0, .data.u64 = key};
  if (interest & EVENT_READ) event.events |= EPOLLIN | EPOLLRDHUP;
  if (interest & EVENT_WRITE) event.events |= EPOLLOUT;
  if (interest & EVENT_HANGUP) event.events |= EPOLLRDHUP;
  if (interest & EVENT_ONCE) event.events |= EPOLLONESHOT;
  return event;
}

int32_t event_set_open(int32_t *set) {
  int opened = epoll_create1(EPOLL_CLOEXEC);
  return opened < 0 ? errno : move_high(opened, set);
}

int32_t event_set_add(int32_t set, int32_t descriptor, int32_t interest, uint64_t key) {
  struct epoll_event event = as_epoll(interest, key);
  return epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : errno;
}

int32_t event_set_change(int32_t set, int32_t descriptor, int32_t interest, uint64_t key) {
  struct epoll_event event = as_epoll(interest, key);
  return epoll_ctl(set, EPOLL_CTL_MOD, descriptor, &event) == 0 ? 0 : errno;
}

void event_set_remove(int32_t set, int32_t descriptor) { epoll_ctl(set, EPOLL_CTL_DEL, descriptor, NULL); }

int32_t event_set_wait(int32_t set, struct ready_event *reports, int32_t capacity, int32_t milliseconds) {
  struct epoll_event ready[64];
  if (capacity > 64) capacity = 64;
  int count = epoll_wait(set, ready, capacity, milliseconds);
  // The process was stopped and continued: report events before the clock is read, or a child that ended in time
  // would seem to have exceeded its time limit.
  if (count < 0 && errno == EINTR) count = epoll_wait(set, ready, capacity, 0);
  for (int i = 0; i < count; i++) {
    uint32_t events = ready[i].events;
    reports[i].key = ready[i].data.u64;
    reports[i].interest = (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? EVENT_READ : 0) |
                          (events & (EPOLLOUT | EPOLLHUP | EPOLLERR) ? EVENT_WRITE : 0);
  }
  return count < 0 ? 0 : count;
}
