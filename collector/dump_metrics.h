/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics half of the dump reader: OTLP/JSON lines with one MetricsData each, data point by
 * data point, in the same way and under the same rules as spans (dump.h).
 */
#ifndef SS_DUMP_METRICS_H
#define SS_DUMP_METRICS_H

#include <stdbool.h>
#include <stdint.h>

struct cJSON;

#define SS_DUMP_BOUNDS_MAX 256u /* of a histogram with more, the buckets are left out */

enum ss_dump_metric {
	SS_DUMP_SUM,
	SS_DUMP_GAUGE,
	SS_DUMP_HISTOGRAM,
	SS_DUMP_EXPONENTIAL, /* count, sum, min and max alone */
	SS_DUMP_SUMMARY,     /* count and sum alone */
	SS_DUMP_METRICS,
};

struct ss_dump_point {
	uint32_t resource, scope, metric, point; /* indices on the line */
	enum ss_dump_metric kind;
	bool cumulative, monotonic;           /* gauges: neither */
	bool has_sum, has_min, has_max;       /* of a sum or gauge, `sum` is the value */
	const char *scope_name, *name, *unit; /* "" when absent */
	const struct cJSON *attributes;       /* array, or NULL */
	uint64_t resource_key; /* the same for the same resource: that of one process image, where
				  the resource says which, else all of its attributes */
	uint64_t series_key;   /* the same for the same scope, name, kind and attributes */
	uint64_t start_ns, time_ns; /* start_ns 0: not known */
	uint64_t count;
	double sum, min, max;
	uint32_t bound_count;    /* HISTOGRAM; with no buckets at all, `buckets` is NULL */
	const double *bounds;    /* upper ones, inclusive */
	const uint64_t *buckets; /* one more than bounds; valid during the call only */
};

/* The same for resources of the same process image, or with the same attributes. */
uint64_t ss_dump_resource_key(const struct cJSON *attributes);

/* The metric's key of that name in OTLP/JSON: "sum", "gauge" ... */
extern const char *const ss_dump_metric_names[SS_DUMP_METRICS];

/* Calls resource(data, attributes) and point(data, point) for all of them. Points that cannot be
 * read are left out. Returns how many those were, or -EBADMSG when this is no MetricsData at all; a
 * negative result of point() ends the walk and is returned. */
struct ss_dump_metrics_visitor {
	void (*resource)(void *data, const struct cJSON *attributes);
	int (*point)(void *data, const struct ss_dump_point *point);
	void *data;
};
int ss_dump_walk_metrics(const struct cJSON *json, const struct ss_dump_metrics_visitor *visitor);

#endif
