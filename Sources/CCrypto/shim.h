// SPDX-License-Identifier: Apache-2.0
// SHA-256 of OpenSSL's libcrypto. These functions link five objects (25 KB), which cost 0.04 ms at start: they ask the
// processor what it can do. The EVP interface, which OpenSSL prefers, would link most of the library.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/opensslv.h>
#include <openssl/sha.h>
