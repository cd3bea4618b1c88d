// SPDX-License-Identifier: Apache-2.0
#include "assets.h"

// The rest of the C code is that of 2017.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char css[] = {
#embed "files/console.css"
};
static const unsigned char js[] = {
#embed "files/console.js"
};
static const unsigned char icon[] = {
#embed "files/icon.svg"
};

console_asset console_css(void) { return (console_asset){css, sizeof css}; }
console_asset console_js(void) { return (console_asset){js, sizeof js}; }
console_asset console_icon(void) { return (console_asset){icon, sizeof icon}; }
