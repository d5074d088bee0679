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

struct ss_plugins; /* plugins.c; wherever one is taken, NULL is, and stands for none */

/* Loads and initialises what image->plugins_str lists; what cannot be used is said on the log and
 * left out. NULL when there is none, or no memory. image->in_plugin is SS_PLUGIN_NONE after it. */
struct ss_plugins *ss_plugins_new(const struct ss_image_view *view, ss_open_fn open, ss_log_fn log);

/* On the thread that takes the place of the one that has called them so far. */
void ss_plugins_succeed(const struct ss_plugins *plugins);

/* Takes in every event of a batch from now on. 0 or -ENOSPC. */
int ss_plugins_subscribe(struct ss_plugins *plugins, struct ss_dispatch *dispatch);

/* So many events wait for the plugins that no more should be read before some are delivered. */
bool ss_plugins_full(const struct ss_plugins *plugins);

/* End of one or several batches, the last one `whole` (struct ss_drain): what was taken in before
 * these may be delivered. */
void ss_plugins_settle(struct ss_plugins *plugins, bool whole);

enum ss_plugins_rest {
	SS_PLUGINS_IDLE, /* no event waits */
	SS_PLUGINS_HELD, /* the next batch settles what waits */
	SS_PLUGINS_BUSY, /* more could be delivered at once */
};

/* Calls the plugins with the events that may go, for two milliseconds, or longer while they are
 * full; less when the host begins to wait. `host_waits`: it does already; for a second at most. */
enum ss_plugins_rest ss_plugins_deliver(struct ss_plugins *plugins, bool host_waits);

/* Everything that is left, within a second; then the plugins' ends, and what is to be said of
 * them. */
void ss_plugins_finish(struct ss_plugins *plugins);
void ss_plugins_free(struct ss_plugins *plugins);

#endif
