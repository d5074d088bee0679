/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plugin that does nothing costs the drain: nanoseconds per event without and with it, rings
 * filled by hand, drained to /dev/null, over and over, in turns. The plugin is this program itself.
 * Usage: plugin-bench [TURNS [ROUNDS]]
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/drain.h"
#include "collector/include/spanshim/plugin.h"
#include "collector/plugins.h"
#include "tests/unit/collector/fixture.h"

#define RING_BYTES (1u << 20)

static int ignore(void *state, const struct spanshim_event *event)
{
	return 0;
}

const struct spanshim_plugin spanshim_plugin = {
	SPANSHIM_PLUGIN_ABI,
	sizeof(spanshim_plugin),
	"nothing",
	SPANSHIM_ALL_HOOKS,
	NULL,
	ignore,
	NULL,
};

static void *open_self(const char *file, int mode)
{
	return dlopen(NULL, mode);
}

static void log_line(const char *line)
{
	fprintf(stderr, "%s\n", line);
}

static uint64_t next_id(void)
{
	static uint64_t state = 1;
	uint64_t z = (state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	return (z ^ (z >> 27)) * 0x94d049bb133111ebull;
}

static void put_span(struct fixture *f, bool large)
{
	struct payload payload = { 0 };
	uint64_t id = next_id();
	uint32_t i;

	for (i = 0; large && i < 5; i++) {
		payload_text(&payload, f->key_text + i, "/var/lib/app/data.bin", 21, 0);
		payload_int(&payload, f->key_number + i, 12345 + i);
	}
	fixture_open(f, 0, FIX_CALL, id, 42, large ? &payload : NULL);
	fixture_close(f, 0, FIX_CALL, id, SS_STATUS_OK, 0, NULL);
}

static double event_ns(bool large, bool plugin, uint32_t rounds)
{
	static struct ss_drain drain;
	struct ss_plugins *plugins = NULL;
	struct fixture fixture;
	struct ss_image_view view;
	uint64_t start, spent = 0, events = 0;
	const char *reason;
	uint32_t round;

	fixture_make_out(&fixture, 1, RING_BYTES, "/dev/null");
	if (ss_image_attach(fixture.image, &view, &reason) != 0 ||
	    ss_drain_init(&drain, &view) != 0)
		abort();
	if (plugin) {
		fixture.image->plugins_str = fixture.image->program_str;
		plugins = ss_plugins_new(&view, open_self, log_line);
		if (plugins == NULL || ss_plugins_subscribe(plugins, &drain.dispatch) != 0)
			abort();
	}
	for (round = 0; round < rounds; round++) {
		while (view.rings[0].head - view.rings[0].tail + 32 < view.rings[0].mask)
			put_span(&fixture, large);
		start = ss_clock_monotonic_ns();
		events += ss_drain_batch(&drain);
		ss_plugins_settle(plugins, drain.whole);
		while (ss_plugins_deliver(plugins, false) == SS_PLUGINS_BUSY)
			;
		spent += ss_clock_monotonic_ns() - start;
	}
	ss_plugins_finish(plugins);
	ss_plugins_free(plugins);
	ss_drain_deinit(&drain);
	fixture_remove(&fixture);
	return (double)spent / (double)events;
}

static void bench(const char *name, bool large, int turns, uint32_t rounds)
{
	double without = 1e9, with = 1e9, now;
	int turn;

	for (turn = 0; turn < turns; turn++) {
		now = event_ns(large, false, rounds);
		without = now < without ? now : without;
		now = event_ns(large, true, rounds);
		with = now < with ? now : with;
	}
	printf("%-34s %3.0f ns an event, %3.0f with a plugin that does nothing: %.2f times\n", name,
	       without, with, with / without);
}

int main(int argc, char **argv)
{
	int turns = argc > 1 ? atoi(argv[1]) : 5;
	uint32_t rounds = argc > 2 ? (uint32_t)atoi(argv[2]) : 200;

	bench("small spans", false, turns, rounds);
	bench("spans of 10 attributes", true, turns, rounds);
	return 0;
}
