/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams: opened by their first event, closed by the last one or by the handle's end; or one
 * streaming run. Mellea 0.7 has only the kind with chunking, and names it so.
 * Drain only.
 */
#include "collector/subscribers/tracing.h"

#define BIT(hook) (1ull << SS_HOOK_##hook)
#define HOOKS                                                               \
	(BIT(STREAMING_START) | BIT(STREAMING_EVENT) | BIT(STREAMING_END) | \
	 BIT(STREAMING_ORCHESTRATION_START) | BIT(STREAMING_ORCHESTRATION_END))

static const struct ss_tracing_span spans[] = {
	{ .hook = SS_HOOK_STREAMING_START,
	  .scope = ss_tracing_application,
	  .names = { "stream_with_chunking", "stream" } },
};

const struct ss_tracing ss_tracing_streaming = {
	.subscriber = { "tracing.streaming", HOOKS, ss_tracing_event },
	.spans = spans,
	.span_count = sizeof(spans) / sizeof(*spans),
};
