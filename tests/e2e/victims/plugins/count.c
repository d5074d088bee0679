/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin that counts what comes of tests/e2e/load and keeps account of what is open. At the end
 * one JSON line in the file that COUNT_OUT names: opens, closes, closes of what was not open, the
 * sum of load.sequence, events whose time was before their predecessor's.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <spanshim/plugin.h>

#define PLACES 4096 /* more than are open at a time */

static uint64_t opened[PLACES], opens, closes, strays, sum, backwards, last_ns;

static uint64_t *place(uint64_t id, uint64_t content)
{
	uint64_t i, at;

	for (i = 0; i < PLACES; i++) {
		at = (id + i) % PLACES;
		if (opened[at] == content)
			return &opened[at];
	}
	return NULL;
}

static int on_event(void *state, const struct spanshim_event *event)
{
	uint64_t *at;

	(void)state;
	backwards += event->time_ns < last_ns;
	last_ns = event->time_ns;
	if (event->kind == SPANSHIM_OPEN) {
		opens++;
		sum += (uint64_t)spanshim_int(spanshim_named(event, "load.sequence"), 0);
		at = place(event->span_id, 0);
		if (at)
			*at = event->span_id;
	} else if (event->kind == SPANSHIM_CLOSE) {
		closes++;
		at = place(event->span_id, event->span_id);
		strays += !at;
		if (at)
			*at = 0;
	}
	return 0;
}

static void fini(void *state)
{
	int fd = open(getenv("COUNT_OUT"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	dprintf(fd,
		"{\"opens\":%llu,\"closes\":%llu,\"strays\":%llu,\"sum\":%llu,\"backwards\":%llu}\n",
		(unsigned long long)opens, (unsigned long long)closes, (unsigned long long)strays,
		(unsigned long long)sum, (unsigned long long)backwards);
	close(fd);
}

const struct spanshim_plugin spanshim_plugin = {
	SPANSHIM_PLUGIN_ABI,
	sizeof(struct spanshim_plugin),
	"count",
	SPANSHIM_ALL_HOOKS,
	NULL,
	on_event,
	fini,
};
