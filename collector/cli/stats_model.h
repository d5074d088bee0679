/* SPDX-License-Identifier: Apache-2.0
 *
 * What `spanshim stats` adds up while it reads: rows by span name, by model, by outcome, by series.
 * Memory does not grow with the number of spans and lines, and only up to a limit with that of
 * names, models and series. stats_spans.c fills it from spans, stats_series.c from metrics,
 * stats_read.c drives both. Must not: print.
 */
#ifndef SS_STATS_MODEL_H
#define SS_STATS_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/cli/bump.h"
#include "collector/cli/stats_histogram.h"
#include "collector/cli/stats_set.h"
#include "collector/dump_metrics.h"

struct ss_dump_span;

#define SS_STATS_NAMES_MAX    1000u   /* span names; models; outcomes; more are "(other)" */
#define SS_STATS_SERIES_MAX   10000u  /* series over all resources */
#define SS_STATS_POINTS_MAX   200000u /* of one series and resource, the last one each */
#define SS_STATS_TROUBLES_MAX 10u

struct ss_stats_row { /* a span name, or a model */
	const char *name;
	uint64_t count, errors; /* of spans that finished; so are all durations */
	uint64_t unfinished;
	struct ss_stats_histogram duration; /* ns */
	/* of a model */
	struct ss_stats_histogram first_chunk; /* ns */
	uint64_t with_tokens;                  /* spans that say how many */
	uint64_t input_tokens, output_tokens;
	uint64_t timed_tokens; /* output tokens of the spans in generating_s */
	double generating_s;   /* from their first chunk on, where it is known */
};

enum ss_stats_outcome_kind {
	SS_STATS_SAMPLING,    /* sampling loops and streams, by strategy */
	SS_STATS_REQUIREMENT, /* requirements checked */
	SS_STATS_QUICK_CHECK, /* checks of a stream's chunk, all requirements at once */
	SS_STATS_FULL_VALIDATION,
	SS_STATS_TOOL, /* by the tool's name */
	SS_STATS_OUTCOMES,
};

struct ss_stats_outcome {
	enum ss_stats_outcome_kind kind;
	const char *name; /* "": all of the kind */
	uint64_t passed, total;
};

struct ss_stats_label {
	const char *key, *text;
	bool quoted; /* the value was a string */
};

struct ss_stats_series { /* over all resources */
	const char *name, *unit;
	enum ss_dump_metric kind;
	struct ss_stats_label *labels;
	uint32_t label_count, resources;
	uint64_t count, time_ns;
	double sum, min, max; /* min, max: of those that say */
	bool has_sum, has_min, has_max;
	bool mixed; /* not all have the same bounds: no buckets */
	uint32_t bound_count;
	double *bounds; /* NULL: no buckets */
	uint64_t *buckets;
};

struct ss_stats_loss { /* "ring_full.open" */
	const char *what;
	uint64_t count;
	struct ss_stats_loss *next;
};

struct ss_stats_trouble { /* a line that could not be read */
	const char *file, *what;
	uint64_t line;
};

struct ss_stats {         /* all zero but the options: empty */
	const char *name; /* only spans and instruments whose name matches this shell pattern */
	struct ss_bump memory;
	struct ss_stats_set names, models, outcomes;   /* ss_stats_row, _row, _outcome */
	struct ss_stats_set metric_outcomes;           /* ss_stats_outcome, told by metrics */
	struct ss_stats_set series, points, resources; /* ss_stats_series; stats_series.c's own */
	struct ss_stats_set reported;                  /* stats_read.c's own */
	struct ss_stats_loss *losses;
	uint64_t spans, errors, unfinished; /* spans: all */
	uint64_t start_ns, end_ns;          /* of all spans */
	uint64_t left_out;                  /* data points beyond a limit */
	uint64_t lines, trouble_count;
	struct ss_stats_trouble troubles[SS_STATS_TROUBLES_MAX];
};

/* Take over one span, one data point. Return 0, or -ENOMEM. */
int ss_stats_add_span(struct ss_stats *stats, const struct ss_dump_span *span);
int ss_stats_add_point(struct ss_stats *stats, const struct ss_dump_point *point);

/* Counts `passed` of `total` more for an outcome in one of the sets. Returns 0, or -ENOMEM. */
int ss_stats_add_outcome(struct ss_stats *stats, struct ss_stats_set *set,
			 enum ss_stats_outcome_kind kind, const char *name, uint64_t passed,
			 uint64_t total);

/* After the last line: works out the outcomes that counters tell. Returns 0, or -ENOMEM. */
int ss_stats_finish(struct ss_stats *stats);

/* Output tokens a second, 0 when not known. */
static inline double ss_stats_speed(const struct ss_stats_row *row)
{
	return row->generating_s > 0 ? (double)row->timed_tokens / row->generating_s : 0;
}

/* The least bound that `percent` % of a histogram's values do not exceed, or max if that is less.
 * False when there are no buckets to tell, or nothing but the last one and no max. */
bool ss_stats_series_percentile(const struct ss_stats_series *series, double percent,
				double *ret_value);

void ss_stats_deinit(struct ss_stats *stats);

#endif
