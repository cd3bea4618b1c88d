// SPDX-License-Identifier: Apache-2.0
#include "cmicrohttpd.h"

#include <dlfcn.h>
#include <linux/filter.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LIBRARY "libmicrohttpd.so.12"

// From microhttpd.h of 0.9.75; they are part of the library's interface and the same in 1.x.
enum { USE_ERROR_LOG = 1, USE_EPOLL = 512, ALLOW_SUSPEND_RESUME = 8192 | 1024 };
enum {
  OPTION_END = 0,
  OPTION_CONNECTION_MEMORY_LIMIT = 1,
  OPTION_CONNECTION_LIMIT = 2,
  OPTION_CONNECTION_TIMEOUT = 3,
  OPTION_NOTIFY_COMPLETED = 4,
  OPTION_URI_LOG_CALLBACK = 7,
  OPTION_LISTEN_SOCKET = 12,
  OPTION_EXTERNAL_LOGGER = 13,
  OPTION_ARRAY = 15,
  OPTION_UNESCAPE_CALLBACK = 16,
  OPTION_NOTIFY_CONNECTION = 27,
  OPTION_STRICT_FOR_CLIENT = 29,
};
enum { DAEMON_INFO_EPOLL_FD = 3 };
enum { CONNECTION_INFO_CONNECTION_FD = 6, CONNECTION_INFO_SOCKET_CONTEXT = 7, CONNECTION_INFO_HTTP_STATUS = 11 };
enum { HEADER_KIND = 1, CONNECTION_STARTED = 0, RESPONSE_MUST_COPY = 2 };

struct option {
  int option;
  intptr_t value;
  void *pointer;
};

typedef int (*handler)(void *, MHD_Connection *, const char *, const char *, const char *, const char *, size_t *,
                       void **);
typedef int (*visitor)(void *, int, const char *, size_t, const char *, size_t);

// Every function that is used, by its name in the library: result, name, parameters.
#define FUNCTIONS(F)                                                                                                   \
  F(const char *, MHD_get_version, (void))                                                                             \
  F(void, MHD_set_panic_func, (void (*)(void *, const char *, unsigned int, const char *), void *))                    \
  F(MHD_Daemon *, MHD_start_daemon, (unsigned int, uint16_t, void *, void *, handler, void *, ...))                    \
  F(int, MHD_quiesce_daemon, (MHD_Daemon *))                                                                           \
  F(void, MHD_stop_daemon, (MHD_Daemon *))                                                                             \
  F(int, MHD_run, (MHD_Daemon *))                                                                                      \
  F(int, MHD_get_timeout, (MHD_Daemon *, unsigned long long *))                                                        \
  F(const void *, MHD_get_daemon_info, (MHD_Daemon *, int, ...))                                                       \
  F(const void *, MHD_get_connection_info, (MHD_Connection *, int, ...))                                               \
  F(int, MHD_get_connection_values_n, (MHD_Connection *, int, visitor, void *))                                        \
  F(void, MHD_suspend_connection, (MHD_Connection *))                                                                  \
  F(void, MHD_resume_connection, (MHD_Connection *))                                                                   \
  F(MHD_Response *, MHD_create_response_from_buffer, (size_t, void *, int))                                            \
  F(MHD_Response *, MHD_create_response_from_callback, (uint64_t, size_t, cmhd_reader, void *, void (*)(void *)))      \
  F(int, MHD_add_response_header, (MHD_Response *, const char *, const char *))                                        \
  F(int, MHD_queue_response, (MHD_Connection *, unsigned int, MHD_Response *))                                         \
  F(void, MHD_destroy_response, (MHD_Response *))

#define POINTER(result, name, parameters) static result(*p_##name) parameters;
FUNCTIONS(POINTER)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool tried;
static const char *problem;

static void panic(void *context, const char *file, unsigned int line, const char *reason) {
  (void)context;
  fprintf(stderr, "algo-run: libmicrohttpd cannot go on: %s (%s:%u).\n", reason ? reason : "", file, line);
  abort();
}

static void load(void) {
  void *library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    problem = strdup(reason ? reason : "unknown reason");
    return;
  }
#define LOOK_UP(result, name, parameters)                                                                              \
  if (!problem && !(p_##name = (result(*) parameters)dlsym(library, #name)))                                           \
    problem = "it is too old: it has no " #name;
  FUNCTIONS(LOOK_UP)
  if (!problem) p_MHD_set_panic_func(panic, NULL);
}

const char *cmhd_load(void) {
  pthread_mutex_lock(&lock);
  if (!tried) load();
  tried = true;
  pthread_mutex_unlock(&lock);
  return problem;
}

const char *cmhd_version(void) { return p_MHD_get_version(); }

// One request of one connection, in the place that the library keeps for its owner.
struct request {
  void *object;
  char target[];
};

static void log_message(void *context, const char *format, va_list arguments) {
  const cmhd_callbacks *callbacks = context;
  char text[512];
  vsnprintf(text, sizeof text, format, arguments);
  callbacks->log(callbacks->context, text);
}

static void *keep_target(void *context, const char *target, MHD_Connection *connection) {
  (void)context, (void)connection;
  size_t size = strlen(target) + 1;
  struct request *request = malloc(sizeof *request + size);
  if (!request) return NULL;
  request->object = NULL;
  memcpy(request->target, target, size);
  return request;
}

static size_t keep_escapes(void *context, MHD_Connection *connection, char *text) {
  (void)context, (void)connection;
  return strlen(text);
}

static void *connection_object(MHD_Connection *connection) {
  void *const *context = p_MHD_get_connection_info(connection, CONNECTION_INFO_SOCKET_CONTEXT);
  return context ? *context : NULL;
}

static int handle(void *context, MHD_Connection *connection, const char *url, const char *method, const char *version,
                  const char *body, size_t *size, void **state) {
  (void)url;
  const cmhd_callbacks *callbacks = context;
  struct request *request = *state;
  if (!request) return 0;
  if (!request->object) {
    void *owner = connection_object(connection);
    if (!owner) return 0;
    request->object = callbacks->begin(owner, connection, method, request->target, version);
    return request->object ? callbacks->header(request->object) : 0;
  }
  if (*size == 0) return callbacks->ready(request->object);
  int result = callbacks->body(request->object, body, *size);
  *size = 0;
  return result;
}

static void complete(void *context, MHD_Connection *connection, void **state, int code) {
  const cmhd_callbacks *callbacks = context;
  struct request *request = *state;
  if (!request) return;
  *state = NULL;
  const unsigned int *known = p_MHD_get_connection_info(connection, CONNECTION_INFO_HTTP_STATUS);
  unsigned int status = known ? *known : 0;
  if (request->object)
    callbacks->end(request->object, code, status);
  else if (status)
    callbacks->refused(connection_object(connection), request->target, status);
  free(request);
}

static void notify(void *context, MHD_Connection *connection, void **object, int event) {
  const cmhd_callbacks *callbacks = context;
  if (event == CONNECTION_STARTED) {
    const int *descriptor = p_MHD_get_connection_info(connection, CONNECTION_INFO_CONNECTION_FD);
    *object = callbacks->connected(callbacks->context, descriptor ? *descriptor : -1);
  } else if (*object) {
    callbacks->disconnected(*object);
  }
}

MHD_Daemon *cmhd_start(int listening_socket, unsigned int connection_limit, const cmhd_callbacks *callbacks) {
  void *context = (void *)callbacks;
  // Deadlines are not the library's: its own counts inactivity, which one byte now and then resets.
  struct option options[] = {
      {OPTION_EXTERNAL_LOGGER, (intptr_t)log_message, context},
      {OPTION_LISTEN_SOCKET, listening_socket, NULL},
      {OPTION_CONNECTION_LIMIT, connection_limit, NULL},
      {OPTION_CONNECTION_TIMEOUT, 0, NULL},
      {OPTION_CONNECTION_MEMORY_LIMIT, 32768, NULL},
      {OPTION_NOTIFY_CONNECTION, (intptr_t)notify, context},
      {OPTION_NOTIFY_COMPLETED, (intptr_t)complete, context},
      {OPTION_URI_LOG_CALLBACK, (intptr_t)keep_target, context},
      {OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, context},
      {OPTION_STRICT_FOR_CLIENT, 1, NULL},
      {OPTION_END, 0, NULL},
  };
  return p_MHD_start_daemon(USE_ERROR_LOG | USE_EPOLL | ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, context,
                            OPTION_ARRAY, options, OPTION_END);
}

int cmhd_epoll_descriptor(MHD_Daemon *daemon) {
  const int *descriptor = p_MHD_get_daemon_info(daemon, DAEMON_INFO_EPOLL_FD);
  return descriptor ? *descriptor : -1;
}

void cmhd_run(MHD_Daemon *daemon) { p_MHD_run(daemon); }

int64_t cmhd_timeout(MHD_Daemon *daemon) {
  unsigned long long milliseconds = 0;
  return p_MHD_get_timeout(daemon, &milliseconds) ? (int64_t)(milliseconds & INT64_MAX) : -1;
}

void cmhd_refuse_clients(int listening_socket) {
  // TCP: drops a segment with SYN alone (byte 13 of its header). The client repeats it after a second, and is refused.
  struct sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),          BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
  };
  struct sock_fprog filter = {sizeof steps / sizeof *steps, steps};
  int domain = 0;
  socklen_t size = sizeof domain;
  if (getsockopt(listening_socket, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX)
    shutdown(listening_socket, SHUT_RD);
  else
    setsockopt(listening_socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

int cmhd_quiesce(MHD_Daemon *daemon) { return p_MHD_quiesce_daemon(daemon); }
void cmhd_stop(MHD_Daemon *daemon) { p_MHD_stop_daemon(daemon); }
void cmhd_suspend(MHD_Connection *connection) { p_MHD_suspend_connection(connection); }
void cmhd_resume(MHD_Connection *connection) { p_MHD_resume_connection(connection); }

struct visit {
  void *context;
  void (*visit)(void *, const char *, size_t, const char *, size_t);
};

static int visit_header(void *context, int kind, const char *name, size_t name_count, const char *value,
                        size_t value_count) {
  (void)kind;
  struct visit *visit = context;
  visit->visit(visit->context, name, name_count, value, value_count);
  return 1;
}

void cmhd_headers(MHD_Connection *connection, void *context,
                  void (*visit)(void *, const char *, size_t, const char *, size_t)) {
  struct visit each = {context, visit};
  p_MHD_get_connection_values_n(connection, HEADER_KIND, visit_header, &each);
}

MHD_Response *cmhd_response(const void *bytes, size_t count) {
  return p_MHD_create_response_from_buffer(count, (void *)(bytes ? bytes : ""), RESPONSE_MUST_COPY);
}

MHD_Response *cmhd_response_from_reader(uint64_t size, cmhd_reader read, void *context, void (*release)(void *)) {
  return p_MHD_create_response_from_callback(size, 65536, read, context, release);
}

bool cmhd_add_header(MHD_Response *response, const char *name, const char *value) {
  return p_MHD_add_response_header(response, name, value);
}

int cmhd_queue(MHD_Connection *connection, unsigned int status, MHD_Response *response) {
  int result = p_MHD_queue_response(connection, status, response);
  p_MHD_destroy_response(response);
  return result;
}
