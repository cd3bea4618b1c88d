// SPDX-License-Identifier: Apache-2.0
// libmicrohttpd, loaded when it is needed and not before: libmicrohttpd.so.12 of Debian 11 to 14, versions 0.9.71 to
// 1.x.
//
// Its functions are declared here, as far as they are used, so that no header of it is needed to build. Variadic
// functions and the log callback with its va_list stay in C. None may be called before cmhd_load() has returned NULL.
#ifndef CMICROHTTPD_H
#define CMICROHTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct MHD_Daemon MHD_Daemon;
typedef struct MHD_Connection MHD_Connection;
typedef struct MHD_Response MHD_Response;

/// Loads the library, once. Returns NULL if it is there, else the reason, which lives as long as the process.
const char *_Nullable cmhd_load(void);
/// Such as `0.9.75`.
const char *_Nonnull cmhd_version(void);

/// The functions that a daemon calls. A connection is an object of the callee's, and so is a request on it. An int
/// result is 1 to continue, or 0 to close the connection.
typedef struct {
  void *_Nullable context;
  void (*_Nonnull log)(void *_Nullable context, const char *_Nonnull text);
  /// A client connected. Returns the connection's object.
  void *_Nullable (*_Nonnull connected)(void *_Nullable context, int descriptor);
  /// The connection was closed; its descriptor is still open.
  void (*_Nonnull disconnected)(void *_Nonnull connection);
  /// The header of a request was read. Returns the request's object.
  void *_Nullable (*_Nonnull begin)(void *_Nonnull connection, MHD_Connection *_Nonnull handle,
                                    const char *_Nonnull method, const char *_Nonnull target,
                                    const char *_Nonnull version);
  /// Called right after `begin`: a response may be queued, or the body is awaited.
  int (*_Nonnull header)(void *_Nonnull request);
  /// A piece of the body.
  int (*_Nonnull body)(void *_Nonnull request, const char *_Nonnull bytes, size_t count);
  /// The request is complete, or its connection was resumed: a response is queued, or the connection suspended.
  int (*_Nonnull ready)(void *_Nonnull request);
  /// The request is over; `code` is 0 if the whole response was sent, and `status` is 0 if there was none.
  void (*_Nonnull end)(void *_Nonnull request, int code, unsigned int status);
  /// The library refused a request of which `begin` was not called, and the request is over.
  void (*_Nonnull refused)(void *_Nullable connection, const char *_Nonnull target, unsigned int status);
} cmhd_callbacks;

/// Starts a daemon on a listening socket, which it then owns. `callbacks` must outlive it. NULL on failure.
MHD_Daemon *_Nullable cmhd_start(int listening_socket, unsigned int connection_limit,
                                 const cmhd_callbacks *_Nonnull callbacks);
/// The descriptor that is ready when the daemon has work.
int cmhd_epoll_descriptor(MHD_Daemon *_Nonnull daemon);
/// Does all work that is due, without waiting.
void cmhd_run(MHD_Daemon *_Nonnull daemon);
/// Milliseconds until the next run is due even if the descriptor is not ready; -1 for none.
int64_t cmhd_timeout(MHD_Daemon *_Nonnull daemon);
/// Lets no further client connect to a listening socket of ours; those that the kernel has connected can be accepted.
void cmhd_refuse_clients(int listening_socket);
/// Stops accepting; returns the listening socket, which the caller owns from then on, or -1.
int cmhd_quiesce(MHD_Daemon *_Nonnull daemon);
/// Ends the daemon. No connection may be suspended.
void cmhd_stop(MHD_Daemon *_Nonnull daemon);

void cmhd_suspend(MHD_Connection *_Nonnull connection);
void cmhd_resume(MHD_Connection *_Nonnull connection);
/// Calls `visit` with each header line of the request.
void cmhd_headers(MHD_Connection *_Nonnull connection, void *_Nullable context,
                  void (*_Nonnull visit)(void *_Nullable context, const char *_Nonnull name, size_t name_count,
                                         const char *_Nullable value, size_t value_count));

/// A response whose body is a copy of `bytes`.
MHD_Response *_Nullable cmhd_response(const void *_Nullable bytes, size_t count);
/// Reads up to `count` bytes of a body at `position`; a negative result ends the connection.
typedef ssize_t (*cmhd_reader)(void *_Nullable context, uint64_t position, char *_Nonnull buffer, size_t count);
/// A response with a body of `size` bytes, read by `read`. `release` is called with `context` at its end.
MHD_Response *_Nullable cmhd_response_from_reader(uint64_t size, cmhd_reader _Nonnull read, void *_Nullable context,
                                                  void (*_Nonnull release)(void *_Nullable context));
/// Adds a header. False if it cannot be one.
bool cmhd_add_header(MHD_Response *_Nonnull response, const char *_Nonnull name, const char *_Nonnull value);
/// Sends the response, and releases it in any case. Returns the result for the callback.
int cmhd_queue(MHD_Connection *_Nonnull connection, unsigned int status, MHD_Response *_Nonnull response);

#endif
