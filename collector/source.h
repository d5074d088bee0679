/* SPDX-License-Identifier: Apache-2.0
 *
 * The rings from the reader's end: heads, sound events, torn ones, and giving space back. Drain
 * only. Must not: believe an event's own sizes before they were held against the ring's.
 */
#ifndef SS_SOURCE_H
#define SS_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "collector/drain.h"

/* One source per ring of the image, starting at the committed tails. Returns how many rings of a
 * dead image make no sense (they are passed over). */
uint32_t ss_source_init(struct ss_source *sources, const struct ss_image_view *view,
			const struct ss_commit *commit);

/* Reads all heads twice; whatever happened before an event below a first head lies below the second
 * ones. */
void ss_source_look(struct ss_source *sources, const struct ss_image_view *view);

/* The position after a torn event: the next sound one below `end`, or `end`. */
uint64_t ss_source_skip(const struct ss_image_view *view, const struct ss_source *source,
			uint64_t position, uint64_t end);

/* Gives what was read back to the producers, and rings whose thread is gone to new threads. */
void ss_source_publish(struct ss_source *sources, uint32_t count);

/* Makes pages present ahead of each owner's head, so that the host's threads need not fault them
 * in. */
void ss_source_populate(struct ss_source *sources, const struct ss_image_view *view);

/* The committed, sound event at `position`, or NULL. */
static inline const struct ss_event *ss_source_peek(const struct ss_image_view *view,
						    const struct ss_source *source,
						    uint64_t position, uint64_t end)
{
	const struct ss_event *event =
		(const struct ss_event *)((const char *)view->image + source->data_off) +
		(position & source->mask);

	/* Partner: the release store in ss_ring_commit (shim/hot.h): the event is filled. */
	if (__atomic_load_n(&event->commit, __ATOMIC_ACQUIRE) != (uint32_t)(position + 1))
		return NULL;
	if (event->records == 0 || event->records > SS_EVENT_RECORDS_MAX ||
	    event->records > end - position ||
	    event->payload_bytes > (event->records - 1) * SS_RECORD_BYTES ||
	    event->kind == SS_EVENT_NONE || event->kind >= SS_EVENT_KINDS ||
	    event->hook >= SS_HOOK_COUNT)
		return NULL;
	/* What is for hook subscribers only need not belong to a span. */
	if (event->span_id == 0 &&
	    !(event->kind == SS_EVENT_POINT && (event->flags & SS_EVENT_OBSERVED)))
		return NULL;
	return event;
}

#endif
