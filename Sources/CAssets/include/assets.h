// SPDX-License-Identifier: Apache-2.0
// The files of the web console, embedded when it is compiled.
#ifndef CASSETS_H
#define CASSETS_H

#include <stddef.h>

typedef struct {
  const unsigned char *_Nonnull bytes;
  size_t count;
} console_asset;

console_asset console_css(void);
console_asset console_js(void);
console_asset console_icon(void);

#endif
