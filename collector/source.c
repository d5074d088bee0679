/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/source.h"

#include <sys/mman.h>
#include <unistd.h>

#define POPULATE_BYTES (256u << 10) /* kept present ahead of a head */

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* A ring gets its place when the first thread claims it; from then on it stays. */
static bool place(struct ss_source *source, const struct ss_image_view *view)
{
	const struct ss_ring *ring = source->ring;
	uint64_t mask = ring->mask, bytes = (mask + 1) * SS_RECORD_BYTES, offset = ring->data_off;

	if (mask == 0 || (mask & (mask + 1)) != 0 || offset % SS_RECORD_BYTES != 0 ||
	    offset > view->image->arena_off || bytes > view->image->arena_off - offset ||
	    view->image->arena_off > view->mapped_bytes)
		return false;
	source->data_off = offset;
	source->mask = mask;
	return true;
}

static uint64_t head_of(const struct ss_source *source)
{
	/* Partner: the producer's reservation; what lies below was reserved, perhaps not committed.
	 */
	return __atomic_load_n(&source->ring->head, __ATOMIC_ACQUIRE);
}

uint32_t ss_source_init(struct ss_source *sources, const struct ss_image_view *view,
			const struct ss_commit *commit)
{
	uint32_t i, bad = 0;

	for (i = 0; i < view->ring_count; i++) {
		struct ss_source *source = &sources[i];

		*source = (struct ss_source){ .ring = &view->rings[i], .tail = commit->tails[i] };
		if (view->live || (source->ring->mask == 0 && source->ring->head == 0))
			continue;
		if (place(source, view) && head_of(source) >= source->tail &&
		    head_of(source) - source->tail <= source->mask + 1)
			continue;
		source->mask = 0;
		bad++;
	}
	return bad;
}

void ss_source_look(struct ss_source *sources, const struct ss_image_view *view)
{
	uint32_t i, state;

	for (i = 0; i < view->ring_count; i++) {
		struct ss_source *source = &sources[i];

		/* Partner: the owner's release stores when it claims and retires the ring. */
		state = __atomic_load_n(&source->ring->state, __ATOMIC_ACQUIRE);
		if (source->mask == 0 && (!view->live || state == SS_RING_FREE ||
					  state == SS_RING_CLAIMED || !place(source, view)))
			continue;
		source->retired = state == SS_RING_RETIRED;
		source->first = head_of(source);
	}
	for (i = 0; i < view->ring_count; i++) {
		if (sources[i].mask != 0)
			sources[i].second = head_of(&sources[i]);
	}
}

uint64_t ss_source_skip(const struct ss_image_view *view, const struct ss_source *source,
			uint64_t position, uint64_t end)
{
	do {
		position++;
	} while (position < end && ss_source_peek(view, source, position, end) == NULL);
	return position;
}

void ss_source_publish(struct ss_source *sources, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		struct ss_source *source = &sources[i];

		if (source->mask == 0)
			continue;
		/* Partner: the producer's acquire load when its ring seems full. */
		if (source->ring->tail != source->tail)
			__atomic_store_n(&source->ring->tail, source->tail, __ATOMIC_RELEASE);
		/* Partner: the compare-and-exchange that claims a free ring. */
		if (source->retired && source->tail == head_of(source))
			__atomic_store_n(&source->ring->state, SS_RING_FREE, __ATOMIC_RELEASE);
	}
}

void ss_source_populate(struct ss_source *sources, const struct ss_image_view *view)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint32_t i;

	for (i = 0; i < view->ring_count; i++) {
		struct ss_source *source = &sources[i];
		uint64_t bytes = (source->mask + 1) * SS_RECORD_BYTES, from, to;

		if (source->mask == 0 || source->populated >= bytes)
			continue;
		from = source->data_off + source->populated;
		to = head_of(source) * SS_RECORD_BYTES + POPULATE_BYTES;
		if (to <= source->populated)
			continue;
		source->populated = to < bytes ? to : bytes;
		from &= ~(page - 1);
		to = (source->data_off + source->populated) & ~(page - 1);
		/* A kernel before 5.14 refuses; then the host's threads fault pages in themselves.
		 */
		if (to > from)
			madvise((char *)view->image + from, to - from, MADV_POPULATE_WRITE);
	}
}
