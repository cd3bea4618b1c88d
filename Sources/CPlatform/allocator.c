// SPDX-License-Identifier: Apache-2.0
#include "CPlatform.h"

#include <malloc.h>

void merge_small_blocks(void) { mallopt(M_MXFAST, 0); }
