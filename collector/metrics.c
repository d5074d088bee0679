/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/metrics.h"

struct ss_metrics *ss_metrics_new(struct ss_arena *arena)
{
	return NULL;
}

void ss_metrics_free(struct ss_metrics *metrics)
{
}

void ss_metrics_add(struct ss_metrics *metrics, enum ss_instrument_id instrument,
		    const struct ss_label *labels, uint32_t label_count, double value)
{
}

void ss_metrics_commit(struct ss_metrics *metrics)
{
}

bool ss_metrics_next(const struct ss_metrics *metrics, uint64_t *cursor,
		     struct ss_metric_series *ret_series)
{
	return false;
}

bool ss_metrics_changed(struct ss_metrics *metrics, bool clear)
{
	return false;
}

uint64_t ss_metrics_lost(const struct ss_metrics *metrics)
{
	return 0;
}
