/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that is handed out piece by piece and given back all at once: the trees of large dumps are
 * millions of small things that die together. One thread.
 */
#ifndef SS_BUMP_H
#define SS_BUMP_H

#include <stddef.h>

struct ss_bump_chunk;

struct ss_bump { /* all zero: empty */
	struct ss_bump_chunk *newest;
};

/* Zeroed, aligned for any struct; NULL when memory is gone. */
void *ss_bump_alloc(struct ss_bump *bump, size_t bytes);

/* A copy of the first `bytes` bytes of text, NUL-terminated; NULL when memory is gone. */
char *ss_bump_text(struct ss_bump *bump, const char *text, size_t bytes);

void ss_bump_deinit(struct ss_bump *bump);

#endif
