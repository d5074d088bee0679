/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/bump.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (256u << 10)

struct ss_bump_chunk {
	struct ss_bump_chunk *older;
	size_t used, capacity;
	_Alignas(max_align_t) char data[];
};

static struct ss_bump_chunk *add_chunk(struct ss_bump *bump, size_t bytes)
{
	size_t capacity = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
	struct ss_bump_chunk *chunk = calloc(1, sizeof(*chunk) + capacity);

	if (!chunk)
		return NULL;
	chunk->capacity = capacity;
	chunk->older = bump->newest;
	bump->newest = chunk;
	return chunk;
}

static void *take(struct ss_bump *bump, size_t bytes, size_t alignment)
{
	struct ss_bump_chunk *chunk = bump->newest;
	void *piece;

	if (chunk)
		chunk->used = (chunk->used + alignment - 1) & ~(alignment - 1);
	if (!chunk || chunk->used > chunk->capacity || chunk->capacity - chunk->used < bytes)
		chunk = add_chunk(bump, bytes);
	if (!chunk)
		return NULL;
	piece = chunk->data + chunk->used;
	chunk->used += bytes;
	return piece;
}

void *ss_bump_alloc(struct ss_bump *bump, size_t bytes)
{
	return take(bump, bytes, _Alignof(max_align_t));
}

char *ss_bump_text(struct ss_bump *bump, const char *text, size_t bytes)
{
	char *copy = take(bump, bytes + 1, 1);

	if (copy)
		memcpy(copy, text, bytes);
	return copy;
}

void ss_bump_deinit(struct ss_bump *bump)
{
	while (bump->newest) {
		struct ss_bump_chunk *chunk = bump->newest;

		bump->newest = chunk->older;
		free(chunk);
	}
}
