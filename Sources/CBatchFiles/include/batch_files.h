// The system calls of a batch that Swift's Glibc module does not show: files without a name, and a gate that tells
// when a descriptor can be read or written.
#pragma once

#include <stdint.h>

// Opens a file without a name in `directory`, for reading and writing. 0, or an errno.
int open_unlinked_file(const char *_Nonnull directory, int *_Nonnull descriptor);

// Opens a file in memory. 0, or an errno.
int open_memory_file(const char *_Nonnull name, int *_Nonnull descriptor);

// What a gate waits for.
enum gate_side { GATE_READING = 1, GATE_WRITING = 2 };

// Creates a gate: a descriptor that itself polls readable once a descriptor it waits for is ready. 0, or an errno.
int open_gate(int *_Nonnull gate);

// Waits, once, for `descriptor`. 0, or an errno: EPERM for a regular file, which is always ready.
int gate_wait(int gate, int descriptor, enum gate_side side);

// Takes what the gate has to tell, so that it is no longer readable.
void gate_clear(int gate);

// Whether `descriptor` is ready at this moment.
int is_ready(int descriptor, enum gate_side side);

// The width of the terminal on `descriptor` in columns; 0 where there is none.
int terminal_columns(int descriptor);
