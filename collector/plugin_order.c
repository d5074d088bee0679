/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/plugin_order.h"

#include <string.h>
#include <sys/mman.h>

#define CHUNK_BYTES (256u << 10)

/* Events lie in chunks; one is given back when all its events have gone. */
struct ss_plugin_chunk {
	struct ss_plugin_chunk *next; /* of the spare ones */
	uint32_t used;
	uint32_t live; /* events, and 1 while it is being filled */
	char data[CHUNK_BYTES - 16];
};
_Static_assert(sizeof(struct ss_plugin_chunk) == CHUNK_BYTES, "whole pages");

struct ss_plugin_kept {
	struct ss_plugin_chunk *chunk;
	struct ss_hook_event event;
	bool gone; /* delivered before its turn */
};
_Static_assert(sizeof(struct ss_plugin_kept) % 8 == 0, "the payload behind it is 8-aligned");

int ss_plugin_order_init(struct ss_plugin_order *order)
{
	*order = (struct ss_plugin_order){ 0 };
	return ss_plugin_spans_init(&order->spans);
}

static struct ss_plugin_ref *refs(const struct ss_plugin_order *order)
{
	return order->refs.base;
}

static void leave_chunk(struct ss_plugin_order *order, struct ss_plugin_chunk *chunk)
{
	if (chunk == NULL || --chunk->live > 0)
		return;
	if (order->spare != NULL) {
		munmap(chunk, sizeof(*chunk));
		return;
	}
	chunk->next = NULL;
	order->spare = chunk;
}

void ss_plugin_order_deinit(struct ss_plugin_order *order)
{
	uint32_t i;

	for (i = order->next; i < order->count; i++)
		leave_chunk(order, refs(order)[i].kept->chunk);
	leave_chunk(order, order->last != NULL ? order->last->chunk : NULL);
	leave_chunk(order, order->filling);
	if (order->spare != NULL)
		munmap(order->spare, sizeof(*order->spare));
	ss_buffer_free(&order->refs);
	ss_buffer_free(&order->merged);
	ss_plugin_spans_deinit(&order->spans);
}

static struct ss_plugin_chunk *new_chunk(struct ss_plugin_order *order)
{
	struct ss_plugin_chunk *chunk = order->spare;

	order->spare = NULL;
	if (chunk == NULL)
		chunk = mmap(NULL, sizeof(*chunk), PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (chunk == MAP_FAILED)
		return NULL;
	chunk->used = 0;
	chunk->live = 1;
	return chunk;
}

static struct ss_plugin_kept *keep(struct ss_plugin_order *order, const struct ss_hook_event *event,
				   uint32_t payload_bytes)
{
	uint32_t bytes = (uint32_t)sizeof(struct ss_plugin_kept) + ((payload_bytes + 7) & ~7u);
	struct ss_plugin_chunk *chunk = order->filling;
	struct ss_plugin_kept *kept;
	char *payload;

	if (chunk == NULL || bytes > sizeof(chunk->data) - chunk->used) {
		leave_chunk(order, chunk);
		chunk = order->filling = new_chunk(order);
		if (chunk == NULL)
			return NULL;
	}
	kept = (struct ss_plugin_kept *)(chunk->data + chunk->used);
	payload = (char *)(kept + 1);
	chunk->used += bytes;
	chunk->live++;
	kept->chunk = chunk;
	kept->gone = false;
	kept->event = *event;
	kept->event.payload = payload;
	kept->event.payload_bytes = payload_bytes;
	memcpy(payload, event->payload, payload_bytes);
	return kept;
}

static uint64_t bytes_of(const struct ss_plugin_kept *kept)
{
	return sizeof(*kept) + kept->event.payload_bytes;
}

static uint32_t rank(const struct ss_plugin_kept *kept)
{
	switch (kept->event.kind) {
	case SS_EVENT_OPEN:
		return 0;
	case SS_EVENT_CLOSE:
	case SS_EVENT_DISCARD:
		return 2;
	default:
		return 1;
	}
}

static bool is_after(const struct ss_plugin_ref *a, const struct ss_plugin_ref *b)
{
	if (a->time_ns != b->time_ns)
		return a->time_ns > b->time_ns;
	return rank(a->kept) > rank(b->kept);
}

void ss_plugin_order_take(struct ss_plugin_order *order, const struct ss_hook_event *event,
			  bool whole)
{
	struct ss_plugin_kept *kept = NULL;
	struct ss_plugin_ref *ref;

	if (ss_buffer_reserve(&order->refs, (order->count + 1ull) * sizeof(*ref)) == 0)
		kept = keep(order, event, whole ? event->payload_bytes : 0);
	if (kept == NULL) {
		order->lost++;
		return;
	}
	ref = refs(order) + order->count;
	*ref = (struct ss_plugin_ref){ event->time_ns, kept };
	/* One busy thread, the common case: nothing to sort. */
	if (order->sorted == order->count &&
	    (order->sorted == order->next || !is_after(ref - 1, ref)))
		order->sorted++;
	order->count++;
	order->bytes += bytes_of(kept);
	if (event->time_ns > order->newest_ns)
		order->newest_ns = event->time_ns;
	if (event->kind == SS_EVENT_OPEN)
		ss_plugin_spans_add(&order->spans, event, kept);
}

/* End of the ordered run that starts at `from`. */
static uint32_t run_end(const struct ss_plugin_ref *from, uint32_t at, uint32_t count)
{
	for (at++; at < count && !is_after(&from[at - 1], &from[at]); at++)
		;
	return at;
}

static void merge(const struct ss_plugin_ref *from, uint32_t a, uint32_t middle, uint32_t end,
		  struct ss_plugin_ref *to)
{
	uint32_t b = middle, at;

	for (at = a; at < end; at++) {
		bool second = a == middle || (b < end && is_after(&from[a], &from[b]));

		to[at] = from[second ? b++ : a++];
	}
}

/* Merges neighbouring runs, stable: what one thread did at one time stays as it was. Returns the
 * number of runs there were. */
static uint32_t merge_runs(const struct ss_plugin_ref *from, uint32_t count,
			   struct ss_plugin_ref *to)
{
	uint32_t at, middle, end, runs = 0;

	for (at = 0; at < count; at = end) {
		middle = run_end(from, at, count);
		end = middle < count ? run_end(from, middle, count) : middle;
		merge(from, at, middle, end, to);
		runs += 1 + (end > middle);
	}
	return runs;
}

/* Those from order->next, which is 0. Without memory for it they stay as they were read: openings
 * still go first. */
static void sort(struct ss_plugin_order *order)
{
	uint32_t count = order->count;
	struct ss_buffer swap;

	while (order->sorted < count &&
	       ss_buffer_reserve(&order->merged, count * sizeof(struct ss_plugin_ref)) == 0 &&
	       merge_runs(refs(order), count, order->merged.base) > 1) {
		swap = order->refs;
		order->refs = order->merged;
		order->merged = swap;
	}
	order->sorted = count;
}

void ss_plugin_order_settle(struct ss_plugin_order *order)
{
	uint32_t count = ss_plugin_order_waiting(order);

	if (order->next > 0) {
		memmove(refs(order), refs(order) + order->next, count * sizeof(*refs(order)));
		order->sorted = order->sorted > order->next ? order->sorted - order->next : 0;
		order->next = 0;
		order->count = count;
	}
	sort(order);
	order->settled_ns = order->held_ns;
	order->held_ns = order->newest_ns;
}

/* The opening event of kept's span, if that still waits; else kept itself. */
static struct ss_plugin_kept *opening_first(struct ss_plugin_order *order,
					    struct ss_plugin_kept *kept,
					    struct ss_plugin_span *span)
{
	struct ss_plugin_kept *opening;

	if (span == NULL || span->opening == NULL)
		return kept;
	opening = (struct ss_plugin_kept *)span->opening;
	span->opening = NULL;
	if (opening == kept)
		return kept;
	opening->gone = true;
	return opening;
}

static void release_last(struct ss_plugin_order *order)
{
	struct ss_plugin_kept *last = order->last;

	order->last = NULL;
	if (last == NULL)
		return;
	if (last->event.kind == SS_EVENT_CLOSE || last->event.kind == SS_EVENT_DISCARD)
		ss_plugin_spans_forget(&order->spans, last->event.span_id);
	leave_chunk(order, last->chunk);
}

const struct ss_hook_event *ss_plugin_order_next(struct ss_plugin_order *order,
						 const struct ss_plugin_span **ret_span)
{
	release_last(order);
	while (order->next < order->sorted) {
		struct ss_plugin_kept *kept = refs(order)[order->next].kept, *chosen;
		struct ss_plugin_span *span;

		if (kept->event.time_ns > order->settled_ns)
			break;
		span = ss_plugin_spans_find(&order->spans, kept->event.span_id);
		chosen = kept->gone ? kept : opening_first(order, kept, span);
		if (chosen == kept) {
			order->next++;
			order->bytes -= bytes_of(kept);
			order->last = kept;
		}
		if (kept->gone) {
			release_last(order);
			continue;
		}
		*ret_span = span;
		return &chosen->event;
	}
	return NULL;
}
