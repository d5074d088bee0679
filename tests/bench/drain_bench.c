/* SPDX-License-Identifier: Apache-2.0
 *
 * How fast one core drains: rings are filled by hand, drained to /dev/null, over and over. Prints
 * spans per second for small spans and for spans with 10 attributes and 2 events, from one ring and
 * from two, with metrics and without, the drain's time only, median of the rounds; and what was
 * resident at the end.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/drain.h"
#include "tests/unit/collector/fixture.h"

#define RING_BYTES (1u << 20)
#define ROUNDS     200

static uint64_t next_id(void)
{
	static uint64_t state = 1;
	uint64_t z = (state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	return (z ^ (z >> 27)) * 0x94d049bb133111ebull;
}

static void put_small(struct fixture *f, uint32_t ring, uint32_t entry)
{
	uint64_t id = next_id();

	fixture_open(f, ring, entry, id, 42, NULL);
	fixture_close(f, ring, entry, id, SS_STATUS_OK, 0, NULL);
}

static void put_large(struct fixture *f, uint32_t ring, uint32_t entry)
{
	static const char *const texts[] = { "read", "worker-3", "/var/lib/app/data.bin",
					     "db-1.internal", "Resource temporarily unavailable" };
	struct payload payload = { 0 }, event = { 0 };
	uint64_t id = next_id();
	uint32_t i;

	for (i = 0; i < 5; i++)
		payload_text(&payload, f->key_text + i, texts[i], (uint32_t)strlen(texts[i]), 0);
	for (i = 0; i < 3; i++)
		payload_int(&payload, f->key_number + i, 12345 + i);
	payload_double(&payload, f->key_real, 0.25);
	payload_bool(&payload, f->key_flag, 1);
	payload_int(&event, f->key_number, 1);
	payload_text(&event, f->key_text, "EINTR", 5, 0);
	fixture_open(f, ring, entry, id, 42, &payload);
	fixture_point(f, ring, id, &event);
	fixture_point(f, ring, id, &event);
	fixture_close(f, ring, entry, id, SS_STATUS_OK, 0, NULL);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static bool has_room(const struct ss_ring *ring)
{
	return ring->head - ring->tail + 32 < (uint64_t)ring->mask + 1;
}

static void bench(const char *name, bool large, uint32_t rings, uint32_t entry, const char *out,
		  bool metrics)
{
	static struct ss_drain drain;
	struct fixture fixture;
	struct ss_image_view view;
	double rates[ROUNDS];
	const char *reason;
	uint32_t round, ring;

	fixture_make_out(&fixture, rings, RING_BYTES, out);
	if (metrics)
		fixture_metrics(&fixture, "/dev/null");
	if (ss_image_attach(fixture.image, &view, &reason) != 0 ||
	    ss_drain_init(&drain, &view) != 0)
		abort();
	for (round = 0; round < ROUNDS; round++) {
		uint64_t before = drain.spans_written, start;

		for (ring = 0; ring < rings; ring++) {
			while (has_room(&view.rings[ring])) {
				if (large)
					put_large(&fixture, ring, entry);
				else
					put_small(&fixture, ring, entry);
			}
		}
		start = ss_clock_monotonic_ns();
		ss_drain_batch(&drain);
		rates[round] = (double)(drain.spans_written - before) * 1e3 /
			       (double)(ss_clock_monotonic_ns() - start);
	}
	qsort(rates, ROUNDS, sizeof(*rates), compare);
	printf("%-34s %6.2f M spans/s (%.2f-%.2f), %llu spans, %llu events lost, arena %llu KiB\n",
	       name, rates[ROUNDS / 2], rates[0], rates[ROUNDS - 1],
	       (unsigned long long)drain.spans_written,
	       (unsigned long long)(drain.spans_lost + drain.torn + drain.spans.orphans),
	       (unsigned long long)fixture.image->arena_bytes >> 10);
	ss_drain_deinit(&drain);
	fixture_remove(&fixture);
}

int main(void)
{
	bench("small, 1 ring", false, 1, FIX_CALL, "/dev/null", false);
	bench("small, 1 ring, metrics", false, 1, FIX_CALL, "/dev/null", true);
	bench("small, 2 rings", false, 2, FIX_CALL, "/dev/null", false);
	bench("small, 2 rings, with events", false, 2, FIX_ACTION, "/dev/null", false);
	bench("10 attributes, 2 events, 1 ring", true, 1, FIX_ACTION, "/dev/null", false);
	bench("10 attributes, 2 events, metrics", true, 1, FIX_ACTION, "/dev/null", true);
	bench("10 attributes, 2 events, 2 rings", true, 2, FIX_ACTION, "/dev/null", false);
	bench("small, 1 ring, to a file", false, 1, FIX_CALL, NULL, false);
	return 0;
}
