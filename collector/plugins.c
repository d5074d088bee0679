/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/plugins.h"

#include <stddef.h>

struct ss_plugins *ss_plugins_new(const struct ss_image_view *view, struct ss_spans *spans,
				  ss_log_fn log)
{
	return NULL;
}

int ss_plugins_subscribe(struct ss_plugins *plugins, struct ss_dispatch *dispatch)
{
	return 0;
}

bool ss_plugins_deliver(struct ss_plugins *plugins)
{
	return false;
}

bool ss_plugins_waiting(const struct ss_plugins *plugins)
{
	return false;
}

void ss_plugins_finish(struct ss_plugins *plugins)
{
}

void ss_plugins_free(struct ss_plugins *plugins)
{
}
