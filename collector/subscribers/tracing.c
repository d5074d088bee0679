/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/subscribers/tracing.h"

#include "collector/span.h"

const char ss_tracing_application[] = "mellea.application";
const char ss_tracing_backend[] = "mellea.backend";

static const struct ss_tracing *const families[] = {
	&ss_tracing_session,  &ss_tracing_component,  &ss_tracing_generation, &ss_tracing_streaming,
	&ss_tracing_sampling, &ss_tracing_validation, &ss_tracing_tool,       &ss_tracing_adapter,
};
#define FAMILIES (sizeof(families) / sizeof(*families))

int ss_tracing_subscribe(struct ss_dispatch *dispatch, void *spans)
{
	uint32_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < FAMILIES; i++)
		rc = ss_dispatch_add(dispatch, &families[i]->subscriber, spans);
	return rc;
}

const struct ss_tracing_span *ss_tracing_span_of(uint8_t hook)
{
	uint32_t i, k;

	for (i = 0; i < FAMILIES; i++) {
		for (k = 0; k < families[i]->span_count; k++) {
			if (families[i]->spans[k].hook == hook)
				return &families[i]->spans[k];
		}
	}
	return NULL;
}

void ss_tracing_event(void *self, const struct ss_hook_event *event)
{
	ss_spans_apply(self, event);
}
