/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams: opened by their first event, closed by the last one or by the handle's end.
 * Drain only.
 */
#include "collector/span.h"
#include "collector/subscribers/tracing.h"

static void on_event(void *self, const struct ss_hook_event *event)
{
	ss_spans_apply(self, event);
}

const struct ss_subscriber ss_tracing_streaming = {
	.name = "tracing.streaming",
	.hooks = 1ull << SS_HOOK_STREAMING_START | 1ull << SS_HOOK_STREAMING_EVENT |
		 1ull << SS_HOOK_STREAMING_END,
	.on_event = on_event,
};
