// SPDX-License-Identifier: Apache-2.0
// libmicrohttpd alone, with the flags of `serve`: answers each body with itself. The limit of what is built on it.
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct body {
  size_t size;
  char bytes[4096];
};

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *size, void **state) {
  (void)context, (void)url, (void)method, (void)version;
  struct body *body = *state;
  if (!body) {
    *state = calloc(1, sizeof *body);
    return *state ? MHD_YES : MHD_NO;
  }
  if (*size) {
    if (body->size + *size > sizeof body->bytes) return MHD_NO;
    memcpy(body->bytes + body->size, data, *size);
    body->size += *size;
    *size = 0;
    return MHD_YES;
  }
  struct MHD_Response *response =
      MHD_create_response_from_buffer(body->size, body->bytes, MHD_RESPMEM_MUST_COPY);
  MHD_add_response_header(response, "Content-Type", "application/json");
  enum MHD_Result result = MHD_queue_response(connection, 200, response);
  MHD_destroy_response(response);
  return result;
}

static void ended(void *context, struct MHD_Connection *connection, void **state,
                  enum MHD_RequestTerminationCode code) {
  (void)context, (void)connection, (void)code;
  free(*state);
}

int main(int count, char **arguments) {
  if (count != 2) return 64;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  struct MHD_Daemon *daemon = MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, NULL, MHD_OPTION_SOCK_ADDR, &address,
      MHD_OPTION_NOTIFY_COMPLETED, ended, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)32768, MHD_OPTION_END);
  if (!daemon) return 1;
  pause();
}
