/* SPDX-License-Identifier: Apache-2.0
 *
 * Growable memory straight from the kernel. The collector lives in someone else's process: a host
 * that crashed inside malloc must still get its spans written, and the host's heap must not show
 * our use. Drain thread (or the command) only.
 */
#ifndef SS_BUFFER_H
#define SS_BUFFER_H

#include <stddef.h>

/* All zero is an empty buffer. */
struct ss_buffer {
	void *base;
	size_t bytes; /* capacity, whole pages */
};

/* Makes room for at least `bytes`, at least doubling; content stays, new memory is zero, the
 * address may change. 0, or -ENOMEM with the buffer as it was. */
int ss_buffer_reserve(struct ss_buffer *buffer, size_t bytes);

/* Gives the memory back; the buffer is empty afterwards. */
void ss_buffer_free(struct ss_buffer *buffer);

#endif
