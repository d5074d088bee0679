/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/losses.h"

#include <stdio.h>
#include <string.h>

#define PREFIX    "spanshim.dropped."
#define KEY_BYTES 64
#define KEYS_MAX  (SS_DROP_REASONS * SS_EVENT_KINDS + 1)

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

void ss_losses_write(struct ss_otlp *otlp, const struct ss_image_view *view, uint64_t spans_lost)
{
	struct ss_otlp_count counts[KEYS_MAX];
	char keys[KEYS_MAX][KEY_BYTES];
	uint32_t reason, kind, used = 0;

	for (reason = 0; reason < SS_DROP_REASONS; reason++) {
		for (kind = 0; kind < SS_EVENT_KINDS; kind++) {
			uint64_t value = count_of(view, reason, kind);

			if (value == 0)
				continue;
			snprintf(keys[used], KEY_BYTES, PREFIX "%s.%s", reasons[reason],
				 kinds[kind]);
			counts[used] = (struct ss_otlp_count){ keys[used], value };
			used++;
		}
	}
	if (spans_lost > 0)
		counts[used++] = (struct ss_otlp_count){ PREFIX "sink.span", spans_lost };
	if (used > 0)
		ss_otlp_counts(otlp, counts, used);
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
