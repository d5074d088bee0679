/* SPDX-License-Identifier: Apache-2.0
 *
 * Fixed-size blocks in the ring file, behind header.arena_off: what the drain knows of spans that
 * are not written yet survives the process there. Changes belong to the batch being built (the
 * epoch, image->batch + 1) and are undone by recovery when that batch was never committed: a block
 * born in it does not exist, one freed in it still lives. So blocks born in this epoch are reused
 * at once (the common span never leaves the cache), older ones only after the commit. Drain only.
 * Must not: touch file pages that were not allocated before (SIGBUS when the disk is full).
 */
#ifndef SS_ARENA_H
#define SS_ARENA_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/buffer.h"
#include "collector/image.h"

#define SS_BLOCK_BYTES  256u
#define SS_CHUNK_BLOCKS 1024u
#define SS_CHUNK_BYTES  (SS_CHUNK_BLOCKS * SS_BLOCK_BYTES)
#define SS_CHUNKS_MAX   1024u /* 256 MiB, a million open spans */
#define SS_NO_BLOCK     0xffffffffu

enum ss_block_kind {
	SS_BLOCK_DATA, /* more of a span or series */
	SS_BLOCK_SPAN,
	SS_BLOCK_SERIES, /* metrics.h; in use for ever */
	SS_BLOCK_VALUE,  /* ... its value; `next` is the series */
};

struct ss_block {
	uint64_t born;  /* epoch; 0: free */
	uint64_t freed; /* epoch; 0: not */
	uint32_t next;  /* of its chain, or of the free list */
	uint32_t kind;  /* enum ss_block_kind */
	char data[SS_BLOCK_BYTES - 24];
};
_Static_assert(sizeof(struct ss_block) == SS_BLOCK_BYTES, "blocks tile pages");

struct ss_arena {
	struct ss_image_view *view;
	uint64_t epoch;
	uint32_t free; /* list through `next` */
	uint32_t chunk_count;
	bool anonymous; /* the file cannot grow: from here on plain memory, lost in a crash */
	uint32_t pending_count;   /* blocks older than the epoch and freed in it */
	struct ss_buffer pending; /* uint32_t[] */
	struct ss_block *chunks[SS_CHUNKS_MAX];
};

/* An empty arena behind a live image. */
void ss_arena_init(struct ss_arena *arena, struct ss_image_view *view);

/* Maps what a dead process left; blocks are neither free nor checked yet (restore.h). 0, -ENOMEM,
 * or -EINVAL when the header claims more than the file has. */
int ss_arena_load(struct ss_arena *arena, struct ss_image_view *view);

/* Unmaps; the file keeps its bytes. */
void ss_arena_deinit(struct ss_arena *arena);

/* A new block of `kind`, born in this epoch, or SS_NO_BLOCK: the limit is reached, or no memory. */
uint32_t ss_arena_take(struct ss_arena *arena, uint32_t kind);

/* Frees a block of this or an older epoch. */
void ss_arena_give(struct ss_arena *arena, uint32_t index);

/* Free for good, whatever its past: recovery's way to fill the free list. */
void ss_arena_reclaim(struct ss_arena *arena, uint32_t index);

/* The epoch was committed: what it freed may be reused, and the next one begins. */
void ss_arena_commit(struct ss_arena *arena);

static inline uint32_t ss_arena_count(const struct ss_arena *arena)
{
	return arena->chunk_count * SS_CHUNK_BLOCKS;
}

static inline struct ss_block *ss_arena_block(const struct ss_arena *arena, uint32_t index)
{
	return &arena->chunks[index / SS_CHUNK_BLOCKS][index % SS_CHUNK_BLOCKS];
}

/* Keeps the compiler from moving stores: a process may be killed between any two. */
static inline void ss_arena_order(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

#endif
