/* SPDX-License-Identifier: Apache-2.0
 *
 * Users' plugins (spanshim/plugin.h): loading them, bringing the events of all rings into one order
 * for them, calling them. Live processes only; `recover` calls none. Drain thread only. A plugin
 * is somebody else's code: what it says is checked, what it changes on this thread is put back, and
 * one that breaks its contract gets no more events. Must not: let a plugin's slowness reach the
 * host: the drain falls behind, rings drop and count, exits wait a bounded time.
 */
#ifndef SS_PLUGINS_H
#define SS_PLUGINS_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/collector.h"
#include "collector/dispatch.h"
#include "collector/image.h"
#include "collector/span.h"

struct ss_plugins; /* plugins.c */

/* Loads and initialises what image->plugins_str lists; what cannot be used is said on the log and
 * left out. NULL when there is none, or no memory. `spans`: where an event's span, and so its
 * correlation id, is looked up. */
struct ss_plugins *ss_plugins_new(const struct ss_image_view *view, struct ss_spans *spans,
				  ss_log_fn log);

/* Takes in every event of a batch (a subscriber of all hooks whose self is the plugins). NULL
 * plugins: nothing is added. 0 or -ENOSPC. */
int ss_plugins_subscribe(struct ss_plugins *plugins, struct ss_dispatch *dispatch);

/* End of a batch, after its commit and after a waiting host was served. Calls the plugins with the
 * events of the batch before, in the order of their times but each span's opening one first.
 * Returns true while events are held back for the next batch. */
bool ss_plugins_deliver(struct ss_plugins *plugins);

/* True when events wait for a next batch. */
bool ss_plugins_waiting(const struct ss_plugins *plugins);

/* Everything that is left, within a bounded time, then the plugins' ends. NULL is allowed. */
void ss_plugins_finish(struct ss_plugins *plugins);
void ss_plugins_free(struct ss_plugins *plugins);

#endif
