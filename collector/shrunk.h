/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a mapped file that another process may cut off meanwhile: the kernel answers a touch of
 * the missing pages with SIGBUS. For the command alone, one thread. Must not: be used in a host.
 */
#ifndef SS_SHRUNK_H
#define SS_SHRUNK_H

#include <stdbool.h>

/* From now on pages that are missing read as zeros, for ever (the reader checks what it reads). */
void ss_shrunk_watch(void);

/* Whether that has happened since the last call. */
bool ss_shrunk_happened(void);

#endif
