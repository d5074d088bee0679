/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/buffer.h"

#include <errno.h>
#include <sys/mman.h>

#define PAGE 4096u

int ss_buffer_reserve(struct ss_buffer *buffer, size_t bytes)
{
	size_t grown = buffer->bytes * 2;
	void *base;

	if (bytes <= buffer->bytes)
		return 0;
	if (bytes > (size_t)1 << 40)
		return -ENOMEM;
	if (grown < bytes)
		grown = (bytes + PAGE - 1) & ~(size_t)(PAGE - 1);
	if (buffer->base == NULL)
		base = mmap(NULL, grown, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
	else
		base = mremap(buffer->base, buffer->bytes, grown, MREMAP_MAYMOVE);
	if (base == MAP_FAILED)
		return -ENOMEM;
	buffer->base = base;
	buffer->bytes = grown;
	return 0;
}

void ss_buffer_free(struct ss_buffer *buffer)
{
	if (buffer->base != NULL)
		munmap(buffer->base, buffer->bytes);
	*buffer = (struct ss_buffer){ 0 };
}
