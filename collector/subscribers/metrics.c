/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/subscribers/metrics.h"

static const struct ss_subscriber *const families[] = {
	&ss_metrics_tokens,   &ss_metrics_latency,      &ss_metrics_errors, &ss_metrics_cost,
	&ss_metrics_sampling, &ss_metrics_requirements, &ss_metrics_tools,  &ss_metrics_adapter,
};

int ss_metrics_subscribe(struct ss_dispatch *dispatch, struct ss_metrics_subscriber *self)
{
	uint32_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(families) / sizeof(*families); i++)
		rc = ss_dispatch_add(dispatch, families[i], self);
	return rc;
}
