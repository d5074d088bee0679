/* SPDX-License-Identifier: Apache-2.0
 *
 * Room for what is too large for the stack of whoever calls: the host may load, look up and end
 * threads (for which libc loads the unwinder) on the smallest stacks that there are.
 * Any thread; may change errno.
 */
#ifndef SS_SCRATCH_H
#define SS_SCRATCH_H

#include <stddef.h>
#include <sys/mman.h>

/* Zeroed; NULL: no memory. */
static inline void *ss_scratch_new(size_t bytes)
{
	void *scratch =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return scratch == MAP_FAILED ? NULL : scratch;
}

static inline void ss_scratch_free(void *scratch, size_t bytes)
{
	munmap(scratch, bytes);
}

#endif
