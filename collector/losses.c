/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/losses.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "spanshim.dropped."

static const char *const reasons[SS_DROP_REASONS] = {
	[SS_DROP_RING_FULL] = "ring_full", [SS_DROP_NO_RING] = "no_ring",
	[SS_DROP_DEPTH] = "depth",         [SS_DROP_HANDLES] = "handles",
	[SS_DROP_ASSEMBLY] = "assembly",
};
static const char *const kinds[SS_EVENT_KINDS] = {
	[SS_EVENT_NONE] = "event",  [SS_EVENT_OPEN] = "open", [SS_EVENT_CLOSE] = "close",
	[SS_EVENT_POINT] = "point", [SS_EVENT_ATTR] = "attr", [SS_EVENT_DISCARD] = "discard",
};

static uint64_t count_of(const struct ss_image_view *view, uint32_t reason, uint32_t kind)
{
	uint64_t count = __atomic_load_n(&view->image->dropped[reason][kind], __ATOMIC_RELAXED);
	uint32_t i;

	for (i = 0; i < view->ring_count; i++)
		count += __atomic_load_n(&view->rings[i].dropped[reason][kind], __ATOMIC_RELAXED);
	return count;
}

uint64_t ss_losses_total(const struct ss_image_view *view)
{
	uint64_t total = 0;
	uint32_t reason, kind;

	for (reason = 0; reason < SS_DROP_REASONS; reason++) {
		for (kind = 0; kind < SS_EVENT_KINDS; kind++)
			total += count_of(view, reason, kind);
	}
	return total;
}

void ss_losses_add(struct ss_losses *losses, const char *reason, const char *kind, uint64_t value)
{
	char *key = losses->keys[losses->count];

	if (value == 0)
		return;
	snprintf(key, SS_LOSSES_KEY_MAX, PREFIX "%s.%s", reason, kind);
	losses->counts[losses->count++] = (struct ss_otlp_count){ key, value };
}

void ss_losses_read(struct ss_losses *losses, const struct ss_image_view *view)
{
	uint32_t reason, kind;

	losses->count = 0;
	for (reason = 0; reason < SS_DROP_REASONS; reason++) {
		for (kind = 0; kind < SS_EVENT_KINDS; kind++)
			ss_losses_add(losses, reasons[reason], kinds[kind],
				      count_of(view, reason, kind));
	}
}

void ss_losses_write(struct ss_otlp *otlp, const struct ss_image_view *view, uint64_t spans_lost)
{
	struct ss_losses losses;

	ss_losses_read(&losses, view);
	ss_losses_add(&losses, "sink", "span", spans_lost);
	if (losses.count > 0)
		ss_otlp_counts(otlp, losses.counts, losses.count);
}

void ss_losses_describe(const struct ss_image_view *view, char *text, size_t bytes)
{
	uint32_t reason, kind;
	size_t used = 0;

	text[0] = '\0';
	for (reason = 0; reason < SS_DROP_REASONS; reason++) {
		for (kind = 0; kind < SS_EVENT_KINDS; kind++) {
			uint64_t value = count_of(view, reason, kind);
			int length;

			if (value == 0)
				continue;
			length = snprintf(text + used, bytes - used, "%s%s.%s %llu",
					  used ? ", " : "", reasons[reason], kinds[kind],
					  (unsigned long long)value);
			if (length < 0 || (size_t)length >= bytes - used)
				return;
			used += (size_t)length;
		}
	}
}
