/* SPDX-License-Identifier: Apache-2.0
 *
 * Chats: one request to a model; what arrives meanwhile is an event on it. And batches of prompts.
 * Mellea 0.7 names neither the model nor the kind of the provider.
 * Drain only.
 */
#include "collector/subscribers/tracing.h"

#define BIT(hook) (1ull << SS_HOOK_##hook)
#define HOOKS                                                                           \
	(BIT(GENERATION_PRE_CALL) | BIT(GENERATION_POST_CALL) | BIT(GENERATION_ERROR) | \
	 BIT(GENERATION_EVENT) | BIT(GENERATION_BATCH_PRE_CALL) |                       \
	 BIT(GENERATION_BATCH_POST_CALL) | BIT(GENERATION_BATCH_ERROR))

static const struct ss_tracing_span spans[] = {
	{ .hook = SS_HOOK_GENERATION_PRE_CALL,
	  .has_client = true,
	  .scope = ss_tracing_backend,
	  .names = { "chat", "chat" },
	  .name_fields = { 0, SS_FIELD_MODEL } },
	{ .hook = SS_HOOK_GENERATION_BATCH_PRE_CALL,
	  .has_client = true,
	  .scope = ss_tracing_backend,
	  .names = { "text_completion", "text_completion" },
	  .name_fields = { 0, SS_FIELD_MODEL } },
};

const struct ss_tracing ss_tracing_generation = {
	.subscriber = { "tracing.generation", HOOKS, ss_tracing_event },
	.spans = spans,
	.span_count = sizeof(spans) / sizeof(*spans),
};
