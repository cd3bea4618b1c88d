// One TLS handshake whose only purpose is to name what is wrong with a certificate.
//
// librdkafka says "certificate verify failed" whether the authority, the name or the date is wrong. OpenSSL knows which,
// so `connection test` asks it directly. libssl is loaded at run time, by that command alone.
#ifndef TLS_PROBE_H
#define TLS_PROBE_H

#include <stddef.h>

typedef enum {
  /// The handshake succeeded and the certificate is good.
  TLS_PROBE_OK = 0,
  /// The handshake succeeded, the certificate did not pass: `verify_code` is OpenSSL's X509_V_ERR code.
  TLS_PROBE_CERTIFICATE = 1,
  /// There was no handshake: the other side speaks no TLS, or closed.
  TLS_PROBE_HANDSHAKE = 2,
  /// No libssl, or the CA file cannot be read: nothing was probed.
  TLS_PROBE_UNAVAILABLE = 3,
  /// The other side did not answer, or not to the end, in time.
  TLS_PROBE_SILENT = 4,
} tls_probe_result;

/// Shakes hands on the connected, non-blocking socket `descriptor`, as a client of `host`, within `milliseconds`.
/// `ca_file` NULL means the system's roots. `text` tells in the library's words what was wrong; `subject` and `expiry`
/// describe the certificate shown, where there is one.
tls_probe_result tls_probe(int descriptor, int milliseconds, const char *_Nonnull host, const char *_Nullable ca_file,
                           long *_Nonnull verify_code, char *_Nonnull text, size_t text_size, char *_Nonnull subject,
                           size_t subject_size, char *_Nonnull expiry, size_t expiry_size);

#endif
