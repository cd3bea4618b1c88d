// SPDX-License-Identifier: Apache-2.0
// The command line as the C library passed it to this program.
#include "CPlatform.h"

static char **arguments;
static int count;

// glibc calls constructors with the arguments of main.
__attribute__((constructor)) static void keep_arguments(int argc, char **argv) {
  count = argc;
  arguments = argv;
}

int32_t process_argument_count(void) { return count; }
const char *process_argument(int32_t index) { return arguments[index]; }

// Swift's runtime asks these two functions for the command line. Its own look for it on the stack, by way of
// /proc/self/maps and the environment, at every start: without /proc, or if a preloaded library has changed the
// environment, they find nothing. With both defined here, the linker leaves the runtime's out.
char **_swift_stdlib_getUnsafeArgvArgc(int *argc) {
  *argc = count;
  return arguments;
}

void _swift_stdlib_overrideUnsafeArgvArgc(char **argv, int argc) {
  count = argc;
  arguments = argv;
}
