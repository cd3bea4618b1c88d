// SPDX-License-Identifier: Apache-2.0
#include "cdocuments.h"

// The rest of the C code is that of 2017.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char openapi[] = {
#embed "../../docs/openapi.json"
};
const unsigned char *const cdocuments_openapi = openapi;
const size_t cdocuments_openapi_size = sizeof openapi;
