// SPDX-License-Identifier: Apache-2.0
// Descriptors above 3: none can be the target of a dup2 in a child.
#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

// Descriptors 0 to 3 are a child's: none of ours has such a number, or the dup2 of another would overwrite it. No more
// is left free than that, so that a low limit of open files suffices.
enum { LOWEST = 4 };

int32_t duplicate_high(int32_t descriptor, int32_t *copy) {
  *copy = fcntl(descriptor, F_DUPFD_CLOEXEC, LOWEST);
  // A limit of 4 or less makes the number itself invalid.
  return *copy >= 0 ? 0 : errno == EINVAL ? EMFILE : errno;
}

int32_t move_high(int32_t descriptor, int32_t *high) {
  if (descriptor >= LOWEST) {
    *high = descriptor;
    return 0;
  }
  int32_t error = duplicate_high(descriptor, high);
  close(descriptor);
  return error;
}

int32_t open_writer(int32_t folder, int32_t reader, int32_t *writer) {
  char name[16];
  snprintf(name, sizeof name, "%d", reader);
  int opened = openat(folder, name, O_WRONLY | O_CLOEXEC);
  return opened < 0 ? errno : move_high(opened, writer);
}

int32_t open_pipe(int32_t *reader, int32_t *writer) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  int32_t error = move_high(ends[0], reader);
  if (error) {
    close(ends[1]);
    return error;
  }
  error = move_high(ends[1], writer);
  if (error) {
    close(*reader);
    return error;
  }
  if (fcntl(*reader, F_SETFL, O_NONBLOCK) == 0) return 0;
  error = errno;
  close(*reader);
  close(*writer);
  return error;
}

int32_t open_message_sockets(int32_t *one, int32_t *other) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return errno;
  int32_t error = move_high(ends[0], one);
  if (error) {
    close(ends[1]);
    return error;
  }
  error = move_high(ends[1], other);
  if (error) close(*one);
  return error;
}

int32_t send_descriptor(int32_t socket, int32_t descriptor) {
  char byte = 0;
  struct iovec bytes = {.iov_base = &byte, .iov_len = 1};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control = {{0}};
  struct msghdr message = {
      .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  ssize_t sent;
  do {
    sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : 0;
}

int32_t set_blocking(int32_t descriptor, bool is_blocking) {
  int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0) return errno;
  flags = is_blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
  return fcntl(descriptor, F_SETFL, flags) == 0 ? 0 : errno;
}

int32_t unread_bytes(int32_t descriptor) {
  int count = 0;
  return ioctl(descriptor, FIONREAD, &count) == 0 ? count : 0;
}

int32_t enlarge_pipe(int32_t descriptor, int32_t size) {
  return fcntl(descriptor, F_SETPIPE_SZ, size) >= 0 ? 0 : errno;
}

int32_t open_high(const char *path, int32_t flags, uint32_t mode, int32_t *descriptor) {
  int opened;
  do {
    opened = open(path, flags | O_CLOEXEC, mode);
  } while (opened < 0 && errno == EINTR);
  return opened < 0 ? errno : move_high(opened, descriptor);
}

int32_t open_event_counter(int32_t *descriptor) {
  int opened = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return opened < 0 ? errno : move_high(opened, descriptor);
}

int32_t open_unnamed_file(const char *directory, int32_t *descriptor) {
  if (access("/proc/self/fd", X_OK) != 0) return errno;
  int opened = open(directory, O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
  return opened < 0 ? errno : move_high(opened, descriptor);
}

int32_t link_file(int32_t descriptor, const char *path) {
  char name[64];
  snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
  return linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

int32_t open_anonymous_file(const char *directory, int32_t *descriptor) {
  int opened = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (opened >= 0) return move_high(opened, descriptor);
  // Some network file systems have no O_TMPFILE: a name that is removed immediately is nearly as good.
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT) return errno;
  char name[4096];
  int length = snprintf(name, sizeof name, "%s/.algo-run-XXXXXX", directory);
  if (length < 0 || (size_t)length >= sizeof name) return ENAMETOOLONG;
  opened = mkostemp(name, O_CLOEXEC);
  if (opened < 0) return errno;
  unlink(name);
  return move_high(opened, descriptor);
}

int32_t open_memory_file(const char *name, int32_t *descriptor) {
  int opened = memfd_create(name, MFD_CLOEXEC);
  return opened < 0 ? errno : move_high(opened, descriptor);
}

int32_t terminal_columns(int32_t descriptor) {
  struct winsize size;
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
