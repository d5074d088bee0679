/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

void ss_arena_init(struct ss_arena *arena, struct ss_image_view *view)
{
	*arena = (struct ss_arena){ .view = view, .free = SS_NO_BLOCK };
	arena->epoch = view->image->batch + 1;
}

static struct ss_block *map_chunk(struct ss_arena *arena, uint32_t number, int fd)
{
	off_t offset = (off_t)(arena->view->image->arena_off + (uint64_t)number * SS_CHUNK_BYTES);

	return mmap(NULL, SS_CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
}

int ss_arena_load(struct ss_arena *arena, struct ss_image_view *view)
{
	const struct ss_image *image = view->image;
	uint64_t bytes = image->arena_bytes;
	uint32_t i, count = (uint32_t)(bytes / SS_CHUNK_BYTES);

	if (bytes % SS_CHUNK_BYTES != 0 || bytes > (uint64_t)SS_CHUNKS_MAX * SS_CHUNK_BYTES ||
	    bytes > view->mapped_bytes - image->arena_off)
		return -EINVAL;
	ss_arena_init(arena, view);
	for (i = 0; i < count; i++) {
		struct ss_block *chunk = map_chunk(arena, i, view->fd);

		if (chunk == MAP_FAILED) {
			ss_arena_deinit(arena);
			return -ENOMEM;
		}
		arena->chunks[i] = chunk;
		arena->chunk_count++;
	}
	return 0;
}

void ss_arena_deinit(struct ss_arena *arena)
{
	uint32_t i;

	for (i = 0; i < arena->chunk_count; i++)
		munmap(arena->chunks[i], SS_CHUNK_BYTES);
	arena->chunk_count = 0;
	ss_buffer_free(&arena->pending);
}

/* The file grows before it is mapped, and arena_bytes only after, so that nobody touches a hole. */
static struct ss_block *grow_file(struct ss_arena *arena)
{
	struct ss_image *image = arena->view->image;
	off_t offset = (off_t)(image->arena_off + (uint64_t)arena->chunk_count * SS_CHUNK_BYTES);
	struct ss_block *chunk = MAP_FAILED;
	int fd = ss_image_reopen(arena->view);

	if (fd < 0)
		return MAP_FAILED;
	if (posix_fallocate(fd, offset, SS_CHUNK_BYTES) == 0)
		chunk = map_chunk(arena, arena->chunk_count, fd);
	close(fd);
	if (chunk != MAP_FAILED) {
		ss_arena_order();
		image->arena_bytes = (uint64_t)(arena->chunk_count + 1) * SS_CHUNK_BYTES;
	}
	return chunk;
}

static bool grow(struct ss_arena *arena)
{
	struct ss_block *chunk = MAP_FAILED;
	uint32_t i, first = ss_arena_count(arena);

	if (arena->chunk_count == SS_CHUNKS_MAX)
		return false;
	if (!arena->anonymous)
		chunk = grow_file(arena);
	if (chunk == MAP_FAILED) {
		arena->anonymous = true;
		chunk = mmap(NULL, SS_CHUNK_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
	if (chunk == MAP_FAILED)
		return false;
	arena->chunks[arena->chunk_count++] = chunk;
	for (i = SS_CHUNK_BLOCKS; i-- > 0;)
		ss_arena_reclaim(arena, first + i);
	return true;
}

uint32_t ss_arena_take(struct ss_arena *arena, uint32_t kind)
{
	struct ss_block *block;
	uint32_t index;

	if (arena->free == SS_NO_BLOCK && !grow(arena))
		return SS_NO_BLOCK;
	index = arena->free;
	block = ss_arena_block(arena, index);
	arena->free = block->next;
	block->born = arena->epoch;
	ss_arena_order();
	block->freed = 0;
	block->next = SS_NO_BLOCK;
	block->kind = kind;
	return index;
}

void ss_arena_reclaim(struct ss_arena *arena, uint32_t index)
{
	struct ss_block *block = ss_arena_block(arena, index);

	block->born = 0;
	ss_arena_order();
	block->next = arena->free;
	arena->free = index;
}

void ss_arena_give(struct ss_arena *arena, uint32_t index)
{
	struct ss_block *block = ss_arena_block(arena, index);
	uint32_t *pending;

	if (block->born == arena->epoch) {
		ss_arena_reclaim(arena, index);
		return;
	}
	block->freed = arena->epoch;
	/* Without memory to note it the block stays unused until the process ends. */
	if (ss_buffer_reserve(&arena->pending, (arena->pending_count + 1) * sizeof(*pending)) != 0)
		return;
	pending = arena->pending.base;
	pending[arena->pending_count++] = index;
}

void ss_arena_commit(struct ss_arena *arena)
{
	const uint32_t *pending = arena->pending.base;
	uint32_t i;

	for (i = 0; i < arena->pending_count; i++)
		ss_arena_reclaim(arena, pending[i]);
	arena->pending_count = 0;
	arena->epoch++;
}
