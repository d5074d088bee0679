/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics subscribers, one per family, as Mellea's own plugins are
 * (mellea/telemetry/metrics_plugins.py): each reads what it needs from the fields of one event
 * (field.h) and adds to the instruments of the event's dialect. Events that no hook told
 * (SS_EVENT_INFERRED) are none of theirs. `self` is a struct ss_metrics_subscriber. Drain only.
 * Must not: need a second event; what a metric needs, the adapter tells in the event itself.
 */
#ifndef SS_METRICS_SUBSCRIBERS_H
#define SS_METRICS_SUBSCRIBERS_H

#include "collector/dispatch.h"
#include "collector/metrics.h"
#include "collector/parts.h"
#include "collector/span.h"

struct ss_metrics_subscriber {
	struct ss_metrics *metrics;
	const struct ss_image_view *view;
	struct ss_parts *parts;     /* scratch, to read a failed span with */
	struct ss_buffer durations; /* uint32_t[]: each entry's series plus 1; 0: not known */
};

extern const struct ss_subscriber ss_metrics_tokens;
extern const struct ss_subscriber ss_metrics_latency;
extern const struct ss_subscriber ss_metrics_errors;
extern const struct ss_subscriber ss_metrics_cost;
extern const struct ss_subscriber ss_metrics_sampling;
extern const struct ss_subscriber ss_metrics_requirements;
extern const struct ss_subscriber ss_metrics_tools;
extern const struct ss_subscriber ss_metrics_adapter;

/* Adds all families to the dispatch. 0 or -ENOSPC. */
int ss_metrics_subscribe(struct ss_dispatch *dispatch, struct ss_metrics_subscriber *self);

/* Gives back what the families keep in it. */
void ss_metrics_unsubscribe(struct ss_metrics_subscriber *self);

/* A natively declared entry's span (or a user's Python one) is complete: its duration, unless its
 * process ended before it, and its error.type, if it has one. Spans of a dialect are passed over.
 */
void ss_metrics_native(struct ss_metrics_subscriber *self, const struct ss_span_view *span);

#endif
