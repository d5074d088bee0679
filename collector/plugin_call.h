/* SPDX-License-Identifier: Apache-2.0
 *
 * Calling a plugin's functions and living with what they do: image->in_plugin is set meanwhile, so
 * that nobody waits long; the time is taken; what the call changed on this thread is put back; a
 * plugin that breaks its contract, or would end the thread, is called no more. What cannot be
 * contained in a shared address space: faults, exceptions, exit. Drain thread only.
 */
#ifndef SS_PLUGIN_CALL_H
#define SS_PLUGIN_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/collector.h"
#include "collector/image.h"
#include "collector/include/spanshim/plugin.h"

#define SS_PLUGIN_SLOW_NS 100000000ull /* a call that takes longer is told */

struct ss_plugin {
	struct spanshim_host host; /* first: what the plugin's log calls come with */
	const struct spanshim_plugin *own;
	struct ss_image *image;
	ss_log_fn log;
	void *state; /* the plugin's */
	const char *file;
	char name[64];
	bool over; /* it is called no more */
	bool told_slow, told_errors, told_changes;
	uint32_t lines;  /* logged by itself */
	uint64_t events; /* delivered */
	uint64_t errors; /* of them, not handled */
	uint64_t spent_ns, longest_ns;
};

/* One line: "plugin NAME: what". */
void ss_plugin_say(const struct ss_plugin *plugin, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* host->log. */
void ss_plugin_log(const struct spanshim_host *host, const char *line);

/* Once on each thread, before any call: what it is to stay like. Its cancellation is off from here.
 */
void ss_plugin_call_prepare(void);

/* False: it is not to be used; told. */
bool ss_plugin_call_init(struct ss_plugin *plugin);
/* *now_ns: the time before, and then after. */
void ss_plugin_call_event(struct ss_plugin *plugin, const struct spanshim_event *event,
			  uint64_t *now_ns);
void ss_plugin_call_fini(struct ss_plugin *plugin);

/* Puts back what is too dear to look at after each call: the thread's name. */
void ss_plugin_call_restore(void);

#endif
