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
#include "collector/labels.h"

#define SS_SERIES_MAX 2000u /* per instrument */

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

/* First block of a series: what it is of, its labels behind (in a chain of blocks, as a span's
 * log). Its value is in the one live SS_BLOCK_VALUE whose `next` it is: replaced at the first
 * change of an epoch, so that recovery finds the old one or the new one. */
struct ss_series_block {
	uint64_t born, freed; /* as struct ss_block, up to kind */
	uint32_t next;
	uint32_t kind;
	uint32_t instrument;
	uint32_t bytes; /* of the labels */
	char data[SS_BLOCK_BYTES - 32];
};
_Static_assert(sizeof(struct ss_series_block) == SS_BLOCK_BYTES, "a series starts as one block");
_Static_assert(sizeof(struct ss_metric_value) <= sizeof(((struct ss_block *)0)->data),
	       "a value is one block");

#define SS_SERIES_HEAD_BYTES ((uint32_t)sizeof(((struct ss_series_block *)0)->data))

struct ss_metrics; /* metrics.c */

/* `arena`: of the drain's spans, restored already if the image is a dead one's; then its series are
 * found in it. Memory is the collector's own (buffer.h). NULL: no memory. */
struct ss_metrics *ss_metrics_new(struct ss_arena *arena);
void ss_metrics_free(struct ss_metrics *metrics);

/* The series of an instrument and its labels, in the order in which they are written: a number good
 * for as long as the metrics. SS_NO_SERIES: no memory. */
#define SS_NO_SERIES 0xffffffffu
uint32_t ss_metrics_series(struct ss_metrics *metrics, enum ss_instrument_id instrument,
			   const struct ss_label *labels, uint32_t label_count);

/* Adds to a counter, or records in a histogram. What cannot be kept (SS_NO_SERIES, no memory) is
 * counted in ss_metrics_lost; below 0, infinite or NaN is no measurement. */
void ss_metrics_record(struct ss_metrics *metrics, uint32_t series, double value);

/* Both. */
static inline void ss_metrics_add(struct ss_metrics *metrics, enum ss_instrument_id instrument,
				  const struct ss_label *labels, uint32_t label_count, double value)
{
	ss_metrics_record(metrics, ss_metrics_series(metrics, instrument, labels, label_count),
			  value);
}

/* Series in the order of their instruments; start with *cursor 0. False at the end. */
bool ss_metrics_next(const struct ss_metrics *metrics, uint64_t *cursor,
		     struct ss_metric_series *ret_series);

/* True when something was added since the last call that cleared it, or restored. */
bool ss_metrics_changed(struct ss_metrics *metrics, bool clear);
uint64_t ss_metrics_lost(const struct ss_metrics *metrics);

#endif
