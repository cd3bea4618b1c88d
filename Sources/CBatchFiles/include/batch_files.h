// A gate that tells when a descriptor can be read or written.
#pragma once

#include <stdint.h>

// What a gate waits for.
enum gate_side { GATE_READING = 1, GATE_WRITING = 2 };

// Creates a gate: a descriptor that itself polls readable once a descriptor it waits for is ready. 0, or an errno.
int open_gate(int *_Nonnull gate);

// Waits, once, for `descriptor`. 0, or an errno: EPERM for a regular file, which is always ready.
int gate_wait(int gate, int descriptor, enum gate_side side);

// Takes what the gate has to tell, so that it is no longer readable.
void gate_clear(int gate);
