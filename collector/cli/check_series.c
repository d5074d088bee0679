/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/check_series.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/cli/check_shape.h"
#include "collector/dump.h"
#include "collector/dump_metrics.h"

struct ss_check_known_series {
	uint64_t start_ns, time_ns, count, line;
	double sum;
	uint64_t *buckets;
	uint32_t bound_count, file;
};

struct adding {
	struct ss_check_series *series;
	struct ss_check_seen *seen;
	const struct ss_check_sink *sink;
	uint64_t line;
	uint32_t file;
};

static void report(const struct adding *adding, const struct ss_dump_point *point, const char *key,
		   const char *text)
{
	char path[200];

	snprintf(path, sizeof(path),
		 "resourceMetrics[%u].scopeMetrics[%u].metrics[%u].%s.dataPoints[%u]%s%s",
		 point->resource, point->scope, point->metric, ss_dump_metric_names[point->kind],
		 point->point, *key ? "." : "", key);
	adding->sink->finding(adding->sink->data, path, text);
}

static void compare_numbers(const struct adding *adding, const struct ss_check_known_series *before,
			    const struct ss_dump_point *point)
{
	char text[160];

	if (!point->monotonic || !(point->sum < before->sum))
		return;
	snprintf(text, sizeof(text), "%.17g, expected no less than on line %" PRIu64 ": %.17g",
		 point->sum, before->line, before->sum);
	report(adding, point, "", text);
}

static void compare_histograms(const struct adding *adding,
			       const struct ss_check_known_series *before,
			       const struct ss_dump_point *point)
{
	char text[160], key[48];
	uint32_t i;

	if (point->count < before->count) {
		snprintf(text, sizeof(text),
			 "%" PRIu64 ", expected no less than on line %" PRIu64 ": %" PRIu64,
			 point->count, before->line, before->count);
		report(adding, point, "count", text);
	}
	if (!point->buckets || !before->buckets || point->bound_count != before->bound_count)
		return;
	for (i = 0; i <= point->bound_count; i++) {
		if (point->buckets[i] >= before->buckets[i])
			continue;
		snprintf(key, sizeof(key), "bucketCounts[%u]", i);
		snprintf(text, sizeof(text),
			 "%" PRIu64 ", expected no less than on line %" PRIu64 ": %" PRIu64,
			 point->buckets[i], before->line, before->buckets[i]);
		report(adding, point, key, text);
	}
}

static void compare(const struct adding *adding, const struct ss_check_known_series *before,
		    const struct ss_dump_point *point)
{
	if (before->line == adding->line && before->file == adding->file) {
		report(adding, point, "", "the series stands twice on one line");
		return;
	}
	if (!point->cumulative || !before->time_ns || point->start_ns != before->start_ns ||
	    point->time_ns < before->time_ns)
		return;
	if (point->kind == SS_DUMP_SUM)
		compare_numbers(adding, before, point);
	else
		compare_histograms(adding, before, point);
}

static int keep(const struct adding *adding, struct ss_check_known_series *known,
		const struct ss_dump_point *point)
{
	size_t bytes = (point->bound_count + 1) * sizeof(*point->buckets);

	if (point->buckets && (!known->buckets || known->bound_count != point->bound_count)) {
		known->buckets = ss_bump_alloc(&adding->series->memory, bytes);
		if (!known->buckets)
			return -ENOMEM;
	}
	if (point->buckets)
		memcpy(known->buckets, point->buckets, bytes);
	known->bound_count = point->bound_count;
	known->start_ns = point->start_ns;
	known->time_ns = point->time_ns;
	known->count = point->count;
	known->sum = point->sum;
	known->line = adding->line;
	known->file = adding->file;
	return 0;
}

static int find(struct ss_check_series *series, uint64_t key,
		struct ss_check_known_series **ret_known)
{
	uint32_t at = series->count;
	int r;

	if (series->count == series->capacity) {
		uint32_t capacity = series->capacity ? 2 * series->capacity : 64;
		void *wider = realloc(series->known, capacity * sizeof(*series->known));

		if (!wider)
			return -ENOMEM;
		series->known = wider;
		series->capacity = capacity;
	}
	r = ss_span_index_add(&series->by_key, key, series->count, &at);
	if (r && r != -EEXIST)
		return r;
	if (!r)
		series->known[series->count++] = (struct ss_check_known_series){ 0 };
	*ret_known = &series->known[at];
	return 0;
}

static int on_point(void *data, const struct ss_dump_point *point)
{
	struct adding *adding = data;
	uint64_t name =
		ss_dump_hash_text(ss_dump_hash_text(SS_DUMP_HASH, point->scope_name), point->name);
	uint64_t key = ss_span_index_key(point->series_key, point->resource_key, 0);
	struct ss_check_known_series *known;
	uint32_t found;
	int r = ss_span_index_add(&adding->seen->metrics, name, 0, &found);

	if (!r || r == -EEXIST)
		r = ss_span_index_add(&adding->seen->series, key, 0, &found);
	if (!r || r == -EEXIST)
		r = find(adding->series, key, &known);
	if (r)
		return r;
	if (known->line)
		compare(adding, known, point);
	/* Of an older point, written late, the next one is none the worse. */
	return point->time_ns < known->time_ns ? 0 : keep(adding, known, point);
}

static void on_resource(void *data, const struct cJSON *attributes)
{
}

int ss_check_series_add(struct ss_check_series *series, const struct cJSON *json, uint32_t file,
			uint64_t line, struct ss_check_seen *seen, const struct ss_check_sink *sink)
{
	struct adding adding = { series, seen, sink, line, file };
	const struct ss_dump_metrics_visitor visitor = { on_resource, on_point, &adding };
	int r = ss_dump_walk_metrics(json, &visitor);

	return r < 0 && r != -EBADMSG ? r : 0;
}

void ss_check_series_deinit(struct ss_check_series *series)
{
	free(series->known);
	ss_span_index_deinit(&series->by_key);
	ss_bump_deinit(&series->memory);
	*series = (struct ss_check_series){ 0 };
}

void ss_check_seen_deinit(struct ss_check_seen *seen)
{
	ss_span_index_deinit(&seen->metrics);
	ss_span_index_deinit(&seen->series);
}
