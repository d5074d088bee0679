/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/otlp_metrics.h"

void ss_otlp_metrics_write(struct ss_json *json, const struct ss_image_view *view,
			   const struct ss_metrics *metrics, uint64_t time_ns,
			   ss_metrics_line_fn line, void *context)
{
}
