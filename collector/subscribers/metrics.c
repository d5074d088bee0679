/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/subscribers/metrics.h"

int ss_metrics_subscribe(struct ss_dispatch *dispatch, struct ss_metrics_subscriber *self)
{
	return 0;
}
