// SPDX-License-Identifier: Apache-2.0
// Documents that the server sends, as bytes in the program.
#ifndef CDOCUMENTS_H
#define CDOCUMENTS_H

#include <stddef.h>

/// The first byte of docs/openapi.json.
extern const unsigned char *_Nonnull const cdocuments_openapi;
/// Its size in bytes.
extern const size_t cdocuments_openapi_size;

#endif
