// SPDX-License-Identifier: Apache-2.0
// Where this program was built from. `make release` writes the header; other builds go without, because it could be old.
#include "CPlatform.h"

#if !DEBUG && __has_include("build_facts.h")
#include "build_facts.h"
#endif
#ifndef BUILD_COMMIT
#define BUILD_COMMIT "unknown"
#endif
#ifndef BUILD_SWIFT
#define BUILD_SWIFT "unknown"
#endif

const char *build_commit(void) { return BUILD_COMMIT; }
const char *build_swift(void) { return BUILD_SWIFT; }
