#include "tls_probe.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

// The few functions of OpenSSL (1.1 and 3) that are used. They are declared here by hand, so that its headers are not
// needed: every type is opaque.
typedef struct {
  const void *(*TLS_client_method)(void);
  void *(*SSL_CTX_new)(const void *);
  void (*SSL_CTX_free)(void *);
  int (*SSL_CTX_load_verify_locations)(void *, const char *, const char *);
  int (*SSL_CTX_set_default_verify_paths)(void *);
  void *(*SSL_new)(void *);
  void (*SSL_free)(void *);
  int (*SSL_set_fd)(void *, int);
  long (*SSL_ctrl)(void *, int, long, void *);
  int (*SSL_set1_host)(void *, const char *);
  void *(*SSL_get0_param)(void *);
  int (*SSL_connect)(void *);
  int (*SSL_get_error)(const void *, int);
  int (*SSL_shutdown)(void *);
  long (*SSL_get_verify_result)(const void *);
  void *(*SSL_get_peer_certificate)(const void *);
  int (*X509_VERIFY_PARAM_set1_ip_asc)(void *, const char *);
  const char *(*X509_verify_cert_error_string)(long);
  void *(*X509_get_subject_name)(const void *);
  char *(*X509_NAME_oneline)(const void *, char *, int);
  const void *(*X509_get0_notAfter)(const void *);
  int (*ASN1_TIME_to_tm)(const void *, struct tm *);
  void (*X509_free)(void *);
  unsigned long (*ERR_get_error)(void);
  const char *(*ERR_reason_error_string)(unsigned long);
} openssl;

static int look_up(openssl *ssl) {
  static const char *const pairs[][2] = {
      {"libssl.so.3", "libcrypto.so.3"}, {"libssl.so.1.1", "libcrypto.so.1.1"}, {"libssl.so", "libcrypto.so"}};
  void *tls = NULL, *crypto = NULL;
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0] && !(tls && crypto); i++) {
    tls = dlopen(pairs[i][0], RTLD_LAZY | RTLD_LOCAL);
    crypto = tls ? dlopen(pairs[i][1], RTLD_LAZY | RTLD_LOCAL) : NULL;
  }
  if (!tls || !crypto) return 0;
#define FROM(library, name)                                                                                            \
  if (!(ssl->name = (__typeof__(ssl->name))dlsym(library, #name))) return 0;
  FROM(tls, TLS_client_method) FROM(tls, SSL_CTX_new) FROM(tls, SSL_CTX_free) FROM(tls, SSL_CTX_load_verify_locations)
  FROM(tls, SSL_CTX_set_default_verify_paths) FROM(tls, SSL_new) FROM(tls, SSL_free) FROM(tls, SSL_set_fd)
  FROM(tls, SSL_ctrl) FROM(tls, SSL_set1_host) FROM(tls, SSL_get0_param) FROM(tls, SSL_connect)
  FROM(tls, SSL_get_error) FROM(tls, SSL_shutdown) FROM(tls, SSL_get_verify_result)
  FROM(crypto, X509_VERIFY_PARAM_set1_ip_asc) FROM(crypto, X509_verify_cert_error_string)
  FROM(crypto, X509_get_subject_name) FROM(crypto, X509_NAME_oneline) FROM(crypto, X509_get0_notAfter)
  FROM(crypto, ASN1_TIME_to_tm) FROM(crypto, X509_free) FROM(crypto, ERR_get_error)
  FROM(crypto, ERR_reason_error_string)
  // Renamed in 3.0; the old name is a macro there.
  ssl->SSL_get_peer_certificate = (void *(*)(const void *))dlsym(tls, "SSL_get1_peer_certificate");
  if (!ssl->SSL_get_peer_certificate) FROM(tls, SSL_get_peer_certificate)
  return 1;
}

static void describe(const openssl *ssl, void *session, char *subject, size_t subject_size, char *expiry,
                     size_t expiry_size) {
  void *certificate = ssl->SSL_get_peer_certificate(session);
  if (!certificate) return;
  ssl->X509_NAME_oneline(ssl->X509_get_subject_name(certificate), subject, (int)subject_size);
  struct tm end;
  if (ssl->ASN1_TIME_to_tm(ssl->X509_get0_notAfter(certificate), &end)) {
    strftime(expiry, expiry_size, "%Y-%m-%dT%H:%M:%SZ", &end);
  }
  ssl->X509_free(certificate);
}

enum { SSL_CTRL_SET_TLSEXT_HOSTNAME = 55, SSL_ERROR_WANT_READ = 2, SSL_ERROR_WANT_WRITE = 3, SSL_ERROR_SYSCALL = 5 };

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

// Shakes hands as the socket allows; the time is that of all waits together, because the other side may send byte by byte.
// Returns 1 for success, else 0 with `kind` SSL_get_error's number, WANT_READ or WANT_WRITE when the time is over.
static int shake_hands(const openssl *ssl, void *session, int descriptor, int milliseconds, int *kind, int *reason) {
  long long end = now() + milliseconds;
  while (1) {
    errno = 0;
    int status = ssl->SSL_connect(session);
    *reason = errno;
    if (status == 1) return 1;
    *kind = ssl->SSL_get_error(session, status);
    if (*kind != SSL_ERROR_WANT_READ && *kind != SSL_ERROR_WANT_WRITE) return 0;
    long long left = end - now();
    struct pollfd watched = {.fd = descriptor, .events = *kind == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT};
    if (left <= 0 || poll(&watched, 1, (int)left) == 0) return 0;
  }
}

tls_probe_result tls_probe(int descriptor, int milliseconds, const char *host, const char *ca_file, long *verify_code,
                           char *text, size_t text_size, char *subject, size_t subject_size, char *expiry,
                           size_t expiry_size) {
  *verify_code = 0;
  text[0] = subject[0] = expiry[0] = '\0';
  openssl ssl;
  if (!look_up(&ssl)) {
    snprintf(text, text_size, "OpenSSL (libssl.so.3) is not installed");
    return TLS_PROBE_UNAVAILABLE;
  }
  void *context = ssl.SSL_CTX_new(ssl.TLS_client_method());
  if (!context) return TLS_PROBE_UNAVAILABLE;
  int roots = ca_file ? ssl.SSL_CTX_load_verify_locations(context, ca_file, NULL)
                      : ssl.SSL_CTX_set_default_verify_paths(context);
  if (roots != 1) {
    snprintf(text, text_size, "%s", ca_file ? "the CA file holds no certificate" : "the system has no roots");
    ssl.SSL_CTX_free(context);
    return TLS_PROBE_UNAVAILABLE;
  }
  void *session = ssl.SSL_new(context);
  struct in_addr v4;
  struct in6_addr v6;
  if (inet_pton(AF_INET, host, &v4) == 1 || inet_pton(AF_INET6, host, &v6) == 1) {
    ssl.X509_VERIFY_PARAM_set1_ip_asc(ssl.SSL_get0_param(session), host);
  } else {
    ssl.SSL_set1_host(session, host);
    ssl.SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, 0, (void *)host);
  }
  ssl.SSL_set_fd(session, descriptor);

  // OpenSSL writes to the socket with write(2): one that the broker has closed would raise SIGPIPE.
  sigset_t pipe_signal, before;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  // Nothing is verified during the handshake, so that it completes and leaves its verdict to be read.
  int kind = 0, reason = 0;
  tls_probe_result result = TLS_PROBE_OK;
  if (!shake_hands(&ssl, session, descriptor, milliseconds, &kind, &reason)) {
    const char *words = ssl.ERR_reason_error_string(ssl.ERR_get_error());
    if (!words && kind == SSL_ERROR_SYSCALL && reason) words = strerror(reason);
    snprintf(text, text_size, "%s", words ? words : "the other side closed the connection");
    result = kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE ? TLS_PROBE_SILENT : TLS_PROBE_HANDSHAKE;
  } else {
    *verify_code = ssl.SSL_get_verify_result(session);
    describe(&ssl, session, subject, subject_size, expiry, expiry_size);
    if (*verify_code != 0) {
      snprintf(text, text_size, "%s", ssl.X509_verify_cert_error_string(*verify_code));
      result = TLS_PROBE_CERTIFICATE;
    }
    ssl.SSL_shutdown(session);
  }
  struct timespec at_once = {0, 0};
  sigtimedwait(&pipe_signal, NULL, &at_once);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  ssl.SSL_free(session);
  ssl.SSL_CTX_free(context);
  return result;
}
