/* SPDX-License-Identifier: Apache-2.0
 *
 * The per-thread, single-producer rings of a ring file (image.h), and how to read them. Written by
 * their owners (records, head) and by the drain thread (tail).
 * Must not: call libc in the inline functions; they run on the host's hot path.
 */
#ifndef SS_RING_H
#define SS_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image.h"

#define SS_RING_BYTES_MIN 4096u

/* CLAIMED: a thread is preparing it; readers pass over it as over a FREE one */
enum ss_ring_state { SS_RING_FREE, SS_RING_OWNED, SS_RING_RETIRED, SS_RING_CLAIMED };

struct ss_ring {
	/* producer's line */
	_Alignas(64) uint64_t head; /* next position to reserve, in records; never wraps */
	uint64_t seen_tail;  /* the owner's last look at tail: saves it the drain's cache line */
	uint32_t wake_level; /* set by the drain: wake it when head - tail reaches this */
	uint32_t mask;       /* capacity in records - 1 */
	uint64_t data_off;   /* of record 0 in the file */
	uint64_t padding[4];
	/* losses, by the owner only: [reason][event kind] */
	_Alignas(64) uint64_t dropped[SS_DROP_REASONS][SS_EVENT_KINDS];
	/* drain's line */
	_Alignas(64) uint64_t tail;  /* positions below are free again */
	_Alignas(64) uint32_t state; /* enum ss_ring_state */
	uint32_t tid;
};

/* Where ring i's records lie when all rings together get `total` bytes: the first two threads get a
 * quarter each, four a sixteenth each, all others a 64th each (a program's first threads are its
 * busy ones). Sizes are powers of two. Offset is relative to data_off. */
static inline uint64_t ss_ring_geometry(uint64_t total, uint32_t i, uint64_t *ret_bytes)
{
	uint64_t big = total / 4, mid = total / 16, small = total / 64;

	if (small < SS_RING_BYTES_MIN)
		big = mid = small = SS_RING_BYTES_MIN;
	if (i < 2) {
		*ret_bytes = big;
		return i * big;
	}
	if (i < 6) {
		*ret_bytes = mid;
		return 2 * big + (i - 2) * mid;
	}
	*ret_bytes = small;
	return 2 * big + 4 * mid + (uint64_t)(i - 6) * small;
}

/* The drain asks this of rings that are just being placed (mask 0 until then), too. */
static inline uint64_t ss_ring_capacity(const struct ss_ring *ring)
{
	return (uint64_t)__atomic_load_n(&ring->mask, __ATOMIC_RELAXED) + 1;
}

/* The last quarter of a ring is for closing events only: a span that was let in can always end. */
static inline uint64_t ss_ring_headroom(const struct ss_ring *ring)
{
	return ss_ring_capacity(ring) / 4;
}

static inline struct ss_event *ss_ring_record(struct ss_image *image, const struct ss_ring *ring,
					      uint64_t position)
{
	return (struct ss_event *)((char *)image + ring->data_off) + (position & ring->mask);
}

/* Reader's side: the committed event at `position`, or NULL. Partner: ss_ring_commit (hot.h). The
 * event's records are contiguous modulo the ring: record k is at ss_ring_record(position + k). */
static inline struct ss_event *ss_ring_peek(struct ss_image *image, const struct ss_ring *ring,
					    uint64_t position)
{
	struct ss_event *event = ss_ring_record(image, ring, position);

	return __atomic_load_n(&event->commit, __ATOMIC_ACQUIRE) == (uint32_t)(position + 1) ? event
											     : NULL;
}

#endif
