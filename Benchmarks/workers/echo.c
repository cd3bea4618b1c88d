// SPDX-License-Identifier: Apache-2.0
// The least that a worker can do: protocol 1 (docs/worker-protocol.md) over the same descriptors, each request's bytes
// as its result. The cost of a binding is the distance to this. Expects algo-run, and checks little.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char buffer[1 << 20];
static size_t start, end;

static int fill(void) {
  if (start > 0) { memmove(buffer, buffer + start, end - start); end -= start; start = 0; }
  ssize_t count = read(4, buffer + end, sizeof buffer - end);
  if (count <= 0) return 0;
  end += (size_t)count;
  return 1;
}

// Every request comes with a descriptor, which is taken and reported to once as the bindings' workers of this benchmark
// do.
static void report(void) {
  char byte, control[CMSG_SPACE(sizeof(int))];
  struct iovec piece = {&byte, 1};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  if (recvmsg(6, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message)) exit(1);
  int descriptor;
  memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof descriptor);
  if (write(descriptor, "{\"n\": 1}\n", 9) != 9) exit(1);
  close(descriptor);
}

int main(void) {
  if (write(5, "ready 1 0 language=c descriptors=socket\n", 40) != 40) return 1;
  for (;;) {
    char *newline;
    while (!(newline = memchr(buffer + start, '\n', end - start)))
      if (!fill()) return 0;
    unsigned long number, bytes;
    if (sscanf(buffer + start, "run %lu %lu", &number, &bytes) != 2) return 1;
    start = (size_t)(newline - buffer) + 1;
    while (end - start < bytes)
      if (!fill()) return 1;
    report();
    static char answer[sizeof buffer + 64];
    size_t length = (size_t)sprintf(answer, "done %lu %lu\n", number, bytes);
    memcpy(answer + length, buffer + start, bytes);
    if (write(5, answer, length + bytes) != (ssize_t)(length + bytes)) return 1;
    start += bytes;
  }
}
