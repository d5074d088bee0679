/* SPDX-License-Identifier: Apache-2.0
 *
 * Metrics -> OTLP/JSON lines: one MetricsData a line (opentelemetry-proto JSON mapping, cumulative
 * temporality). All series are written each time; where they do not fit in SS_LINE_MAX, in several
 * lines of the same time. Drain only.
 */
#ifndef SS_OTLP_METRICS_H
#define SS_OTLP_METRICS_H

#include <stdint.h>

#include "collector/image.h"
#include "collector/json.h"
#include "collector/losses.h"
#include "collector/metrics.h"

/* A finished line, newline included. */
typedef void (*ss_metrics_line_fn)(void *context, const char *line, size_t bytes);

struct ss_otlp_metrics {
	const struct ss_image_view *view;
	const struct ss_metrics *metrics;
	uint64_t time_ns;               /* unix: when they were so */
	const struct ss_losses *losses; /* told by the resource; NULL: not yet */
	struct ss_json *json;           /* scratch, initialised; its memory is reused */
	ss_metrics_line_fn line;
	void *context;
};

/* Writes all series, except the framework's where it records its own. Calls `line` for each line,
 * not at all without series. 0; -ENOMEM or -EMSGSIZE: not all were written. */
int ss_otlp_metrics_write(const struct ss_otlp_metrics *what);

#endif
