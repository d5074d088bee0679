/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether memory can be read, asked of the kernel: what a program passes to a wrapped call may
 * point anywhere. Other threads may change the answer at any time. Must not: call libc or touch
 * vector registers (hot side), nor change errno.
 */
#ifndef SS_PROBE_H
#define SS_PROBE_H

#include <stdbool.h>
#include <stdint.h>

extern bool ss_probe_valgrind; /* the program runs on valgrind(1), which watches system calls */

/* Whether the 8 bytes at `address` can be read; no, once no system call may be made. */
bool ss_probe_word(uintptr_t address);

#endif
