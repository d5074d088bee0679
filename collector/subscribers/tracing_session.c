/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions: a span from a handle's first call to its last, or from a session's entry to its exit; a
 * reset is an event on it. Before it, `start_session`: its construction.
 * Drain only.
 */
#include "collector/subscribers/tracing.h"

#define BIT(hook) (1ull << SS_HOOK_##hook)
#define HOOKS                                                                                \
	(BIT(SESSION_PRE_INIT) | BIT(SESSION_POST_INIT) | BIT(SESSION_RESET) |               \
	 BIT(SESSION_CLEANUP) | BIT(STARTUP_BEGIN) | BIT(STARTUP_END) | BIT(SESSION_ENTER) | \
	 BIT(SESSION_EXIT))

static const struct ss_tracing_span spans[] = {
	{ .hook = SS_HOOK_STARTUP_BEGIN,
	  .scope = ss_tracing_application,
	  .names = { "start_session", "start_session" } },
	{ .hook = SS_HOOK_SESSION_ENTER,
	  .scope = ss_tracing_application,
	  .names = { "session", "session" } },
};

const struct ss_tracing ss_tracing_session = {
	.subscriber = { "tracing.session", HOOKS, ss_tracing_event },
	.spans = spans,
	.span_count = sizeof(spans) / sizeof(*spans),
};
