/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/subscribers/metrics.h"

void ss_metrics_native(struct ss_metrics_subscriber *self, const struct ss_span_view *span)
{
}
