/* SPDX-License-Identifier: Apache-2.0
 *
 * The values of all metrics: one series per instrument and set of labels, cumulative since the
 * image began. Drain only. They live in the arena like open spans, under the same commit: what an
 * event added counts if and only if that event's consumption was committed, so that recovery goes
 * on from there with the events that are left, and nothing is lost or counted twice. Must not:
 * grow without bound; beyond SS_SERIES_MAX of an instrument all goes to the one labelled
 * otel.metric.overflow=true (OpenTelemetry specification, metrics/sdk.md, "Cardinality limits").
 */
#ifndef SS_METRICS_H
#define SS_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/arena.h"
#include "collector/buffer.h"
#include "collector/instruments.h"

#define SS_SERIES_MAX     2000u /* per instrument */
#define SS_LABELS_MAX     8u
#define SS_LABEL_TEXT_MAX 1024u /* bytes of one label's text; cut at a character */

enum ss_label_type { SS_LABEL_STRING, SS_LABEL_BOOL };

/* An attribute of a measurement. `text` need not end in NUL and lives during the call only. */
struct ss_label {
	const char *key; /* constant data: a literal of the collector's */
	const char *text;
	uint32_t bytes;
	uint8_t type; /* enum ss_label_type */
	uint8_t flag; /* BOOL */
};

/* A series' value. Counters use `sum` alone. */
struct ss_metric_value {
	uint64_t count;
	double sum, min, max;
	uint64_t buckets[SS_BOUNDS_MAX + 1]; /* [i]: <= bounds[i]; the last: above all */
};

/* One series, as the writer sees it; valid until the next change. */
struct ss_metric_series {
	uint32_t instrument;
	uint32_t label_count;
	struct ss_label labels[SS_LABELS_MAX];
	const struct ss_metric_value *value;
};

struct ss_metrics; /* metrics.c */

/* `arena`: of the drain's spans, restored already if the image is a dead one's; then its series are
 * found in it. Memory is the collector's own (buffer.h). NULL: no memory. */
struct ss_metrics *ss_metrics_new(struct ss_arena *arena);
void ss_metrics_free(struct ss_metrics *metrics);

/* Adds to a counter, or records in a histogram. Labels in the order in which they are written. A
 * value that cannot be kept (no memory) is counted in ss_metrics_lost. */
void ss_metrics_add(struct ss_metrics *metrics, enum ss_instrument_id instrument,
		    const struct ss_label *labels, uint32_t label_count, double value);

/* The batch was committed: call right after ss_spans_commit. */
void ss_metrics_commit(struct ss_metrics *metrics);

/* Series in the order of their instruments; start with *cursor 0. False at the end. */
bool ss_metrics_next(const struct ss_metrics *metrics, uint64_t *cursor,
		     struct ss_metric_series *ret_series);

/* True when something was added since the last call that cleared it. */
bool ss_metrics_changed(struct ss_metrics *metrics, bool clear);
uint64_t ss_metrics_lost(const struct ss_metrics *metrics);

/* Label with a text that ends in NUL. */
static inline struct ss_label ss_label_text(const char *key, const char *text)
{
	return (struct ss_label){ .key = key,
				  .text = text,
				  .bytes = (uint32_t)__builtin_strlen(text) };
}

#endif
