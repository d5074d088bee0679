/* SPDX-License-Identifier: Apache-2.0
 *
 * How fast one core drains: rings are filled by hand, drained to /dev/null, over and over. Prints
 * spans per second for small spans and for spans with 10 attributes and 2 events, from one ring and
 * from two, with metrics and without, the drain's time only, median of the rounds; and what was
 * resident at the end. `drain-bench ROW ROUNDS OUT` (each may be left out, from the right) drains
 * one row, counted from 0, so many times, into a file.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/drain.h"
#include "tests/unit/collector/fixture.h"

#define RING_BYTES (1u << 20)
#define ROUNDS_MAX 200u

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

struct row {
	const char *name;
	bool large, metrics;
	uint32_t rings, entry;
	const char *out; /* NULL: a file of its own */
};

static const struct row rows[] = {
	{ "small, 1 ring", false, false, 1, FIX_CALL, "/dev/null" },
	{ "small, 1 ring, metrics", false, true, 1, FIX_CALL, "/dev/null" },
	{ "small, 2 rings", false, false, 2, FIX_CALL, "/dev/null" },
	{ "small, 2 rings, with events", false, false, 2, FIX_ACTION, "/dev/null" },
	{ "10 attributes, 2 events, 1 ring", true, false, 1, FIX_ACTION, "/dev/null" },
	{ "10 attributes, 2 events, metrics", true, true, 1, FIX_ACTION, "/dev/null" },
	{ "10 attributes, 2 events, 2 rings", true, false, 2, FIX_ACTION, "/dev/null" },
	{ "small, 1 ring, to a file", false, false, 1, FIX_CALL, NULL },
};
#define ROWS (sizeof(rows) / sizeof(*rows))

static void bench(const struct row *row, uint32_t rounds, const char *out)
{
	static struct ss_drain drain;
	struct fixture fixture;
	struct ss_image_view view;
	double rates[ROUNDS_MAX];
	const char *reason;
	uint32_t round, ring;

	fixture_make_out(&fixture, row->rings, RING_BYTES, out);
	if (row->metrics)
		fixture_metrics(&fixture, "/dev/null");
	if (ss_image_attach(fixture.image, &view, &reason) != 0 ||
	    ss_drain_init(&drain, &view) != 0)
		abort();
	for (round = 0; round < rounds; round++) {
		uint64_t before = drain.spans_written, start;

		/* As in a live process, where a batch's events are younger than the last one. */
		fixture.now = ss_clock_monotonic_ns();
		for (ring = 0; ring < row->rings; ring++) {
			while (has_room(&view.rings[ring])) {
				if (row->large)
					put_large(&fixture, ring, row->entry);
				else
					put_small(&fixture, ring, row->entry);
			}
		}
		start = ss_clock_monotonic_ns();
		ss_drain_batch(&drain);
		rates[round] = (double)(drain.spans_written - before) * 1e3 /
			       (double)(ss_clock_monotonic_ns() - start);
	}
	qsort(rates, rounds, sizeof(*rates), compare);
	printf("%-34s %6.2f M spans/s (%.2f-%.2f), %llu spans, %llu events lost, arena %llu KiB\n",
	       row->name, rates[rounds / 2], rates[0], rates[rounds - 1],
	       (unsigned long long)drain.spans_written,
	       (unsigned long long)(drain.spans_lost + drain.torn + drain.spans.orphans),
	       (unsigned long long)fixture.image->arena_bytes >> 10);
	ss_drain_deinit(&drain);
	fixture_remove(&fixture);
}

int main(int argc, char **argv)
{
	uint32_t first = argc > 1 ? (uint32_t)atoi(argv[1]) : 0;
	uint32_t rounds = argc > 2 ? (uint32_t)atoi(argv[2]) : ROUNDS_MAX, i;

	if (first >= ROWS || rounds == 0 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "drain-bench: no such row, or not 1 to %u rounds\n", ROUNDS_MAX);
		return 2;
	}
	for (i = first; i < (argc > 1 ? first + 1 : ROWS); i++)
		bench(&rows[i], rounds, argc > 3 ? argv[3] : rows[i].out);
	return 0;
}
