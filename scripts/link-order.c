// SPDX-License-Identifier: Apache-2.0
// Runs a program step by step and prints the addresses of its own instructions, each once, in the order of first use.
//
//     link-order PROGRAM [ARGUMENT]...
//
// For programs at fixed addresses below 4 GiB; those of shared libraries lie above. Children are not followed.
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HIGHEST = 64 << 20 };
static unsigned char seen[HIGHEST];

int main(int count, char **arguments) {
  if (count < 2) return 64;
  pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    execv(arguments[1], arguments + 1);
    _exit(127);
  }
  int status;
  if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) return 1;
  for (long signal = 0;;) {
    if (ptrace(PTRACE_SINGLESTEP, child, NULL, signal) != 0) return 1;
    if (waitpid(child, &status, 0) < 0) return 1;
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    if (!WIFSTOPPED(status)) return 1;
    signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
    unsigned long place = (unsigned long)ptrace(PTRACE_PEEKUSER, child, offsetof(struct user_regs_struct, rip), NULL);
    if (place >= HIGHEST || seen[place]) continue;
    seen[place] = 1;
    printf("%lx\n", place);
  }
}
