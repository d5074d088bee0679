/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/race/signals.h"

#include <signal.h>
#include <string.h>

#define PLACES_MAX 65536u

static uint64_t low, high; /* the shim's code */

void signals_find_shim(pid_t pid, const char *path)
{
	char name[64], line[4500];
	FILE *maps;

	snprintf(name, sizeof(name), "/proc/%d/maps", (int)pid);
	maps = fopen(name, "re");
	REQUIRE(maps, "%s", name);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, path) && strstr(line, "r-xp"))
			REQUIRE(sscanf(line, "%lx-%lx", &low, &high) == 2, "%s", line);
	fclose(maps);
	REQUIRE(high, "%s is not there", path);
}

static bool in_shim(uint64_t place)
{
	return place - low < high - low;
}

/* The handler, to its mark, and back to where the thread was. */
static void interrupt(struct trace *trace, pid_t tid)
{
	uint64_t place = trace_place(tid);

	REQUIRE(trace_step(trace, tid, SIGUSR1) == TRACE_STEP, "no handler");
	REQUIRE(trace_run(trace, tid) == TRACE_MARK, "the handler does not end");
	REQUIRE(trace_run_to(trace, tid, place) == TRACE_STEP, "the handler does not come back");
}

uint32_t signals_everywhere(struct trace *trace, pid_t tid, uint32_t every, void (*check)(void))
{
	uint32_t count = 0, number = 0;

	do {
		if (!in_shim(trace_place(tid)) || !trace_takes(tid, SIGUSR1) || number++ % every)
			continue;
		check();
		interrupt(trace, tid);
		check();
		count++;
	} while (trace_step(trace, tid, 0) == TRACE_STEP);
	return count;
}

uint32_t signals_places(struct trace *trace, pid_t tid, uint64_t **ret_places)
{
	static uint64_t places[PLACES_MAX];
	static bool known[1 << 20];
	uint32_t count = 0;

	REQUIRE(high - low <= sizeof(known), "so much code");
	do {
		uint64_t place = trace_place(tid);

		if (!in_shim(place) || known[place - low] || !trace_takes(tid, SIGUSR1) ||
		    count == PLACES_MAX)
			continue;
		known[place - low] = true;
		places[count++] = place;
	} while (trace_step(trace, tid, 0) == TRACE_STEP);
	*ret_places = places;
	return count;
}

bool signals_at(struct trace *trace, pid_t tid, uint64_t place)
{
	if (trace_run_to(trace, tid, place) != TRACE_STEP)
		return false;
	interrupt(trace, tid);
	REQUIRE(trace_run(trace, tid) == TRACE_END, "the thread goes on");
	return true;
}
