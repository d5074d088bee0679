/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "collector/cli/stats_model.h"
#include "collector/cli/stats_print.h"
#include "collector/json.h"

const char *const ss_stats_outcome_keys[SS_STATS_OUTCOMES] = {
	[SS_STATS_SAMPLING] = "sampling",
	[SS_STATS_REQUIREMENT] = "requirement",
	[SS_STATS_QUICK_CHECK] = "quick_check",
	[SS_STATS_FULL_VALIDATION] = "full_validation",
	[SS_STATS_TOOL] = "tool",
};

static void key(struct ss_json *json, const char *name)
{
	char before = ss_json_length(json) ? json->p[-1] : '{';

	if (before != '{' && before != '[')
		ss_json_raw(json, ",");
	ss_json_raw(json, "\"");
	ss_json_bytes(json, name, strlen(name));
	ss_json_raw(json, "\":");
}

/* Each element on a line of its own. */
static void element(struct ss_json *json)
{
	ss_json_raw(json, json->p[-1] == '[' ? "\n  {" : ",\n  {");
}

static void text(struct ss_json *json, const char *name, const char *value)
{
	key(json, name);
	ss_json_string(json, value, strlen(value), UINT32_MAX);
}

static void count(struct ss_json *json, const char *name, uint64_t value)
{
	key(json, name);
	ss_json_uint(json, value);
}

static void number(struct ss_json *json, const char *name, double value, bool known)
{
	key(json, name);
	if (known)
		ss_json_double(json, value);
	else
		ss_json_raw(json, "null");
}

static void durations(struct ss_json *json, const char *name,
		      const struct ss_stats_histogram *histogram)
{
	key(json, name);
	if (!histogram->count) {
		ss_json_raw(json, "null");
		return;
	}
	ss_json_raw(json, "{");
	count(json, "count", histogram->count);
	count(json, "total", ss_stats_histogram_total(histogram));
	count(json, "min", histogram->min);
	count(json, "p50", ss_stats_histogram_percentile(histogram, 50));
	count(json, "p95", ss_stats_histogram_percentile(histogram, 95));
	count(json, "p99", ss_stats_histogram_percentile(histogram, 99));
	count(json, "max", histogram->max);
	ss_json_raw(json, "}");
}

static void row(struct ss_json *json, const struct ss_stats_row *from)
{
	count(json, "count", from->count);
	count(json, "errors", from->errors);
	count(json, "unfinished", from->unfinished);
	durations(json, "duration_ns", &from->duration);
}

static void names(struct ss_json *json, const struct ss_stats_set *set)
{
	uint32_t i;

	key(json, "spans");
	ss_json_raw(json, "[");
	for (i = 0; i < set->count; i++) {
		const struct ss_stats_row *from = set->rows[i];

		element(json);
		text(json, "name", from->name);
		row(json, from);
		ss_json_raw(json, "}");
	}
	ss_json_raw(json, "]");
}

static void models(struct ss_json *json, const struct ss_stats_set *set)
{
	uint32_t i;

	key(json, "models");
	ss_json_raw(json, "[");
	for (i = 0; i < set->count; i++) {
		const struct ss_stats_row *from = set->rows[i];
		double speed = ss_stats_speed(from);

		element(json);
		text(json, "model", from->name);
		row(json, from);
		count(json, "input_tokens", from->input_tokens);
		count(json, "output_tokens", from->output_tokens);
		number(json, "tokens_per_second", speed, speed > 0);
		durations(json, "time_to_first_chunk_ns", &from->first_chunk);
		ss_json_raw(json, "}");
	}
	ss_json_raw(json, "]");
}

static void outcomes(struct ss_json *json, const struct ss_stats_set *set, const char *source)
{
	uint32_t i;

	for (i = 0; i < set->count; i++) {
		const struct ss_stats_outcome *from = set->rows[i];

		element(json);
		text(json, "source", source);
		text(json, "kind", ss_stats_outcome_keys[from->kind]);
		text(json, "name", from->name);
		count(json, "passed", from->passed);
		count(json, "total", from->total);
		number(json, "rate", from->total ? (double)from->passed / (double)from->total : 0,
		       from->total);
		ss_json_raw(json, "}");
	}
}

static void labels(struct ss_json *json, const struct ss_stats_series *series)
{
	uint32_t i;

	key(json, "attributes");
	ss_json_raw(json, "{");
	for (i = 0; i < series->label_count; i++) {
		const struct ss_stats_label *label = &series->labels[i];

		if (i)
			ss_json_raw(json, ",");
		ss_json_string(json, label->key, strlen(label->key), UINT32_MAX);
		ss_json_raw(json, ":");
		if (label->quoted)
			ss_json_string(json, label->text, strlen(label->text), UINT32_MAX);
		else
			ss_json_bytes(json, label->text, strlen(label->text));
	}
	ss_json_raw(json, "}");
}

static void distribution(struct ss_json *json, const struct ss_stats_series *series)
{
	static const char *const at_most[] = { "p50_at_most", "p95_at_most", "p99_at_most" };
	static const double percents[] = { 50, 95, 99 };
	double value = 0;
	unsigned i;
	bool known;

	count(json, "count", series->count);
	number(json, "sum", series->sum, series->has_sum);
	number(json, "mean", series->count ? series->sum / (double)series->count : 0,
	       series->has_sum && series->count);
	number(json, "min", series->min, series->has_min);
	number(json, "max", series->max, series->has_max);
	for (i = 0; i < 3; i++) {
		known = ss_stats_series_percentile(series, percents[i], &value);
		number(json, at_most[i], value, known);
	}
}

static void metrics(struct ss_json *json, const struct ss_stats_set *set)
{
	uint32_t i;

	key(json, "metrics");
	ss_json_raw(json, "[");
	for (i = 0; i < set->count; i++) {
		const struct ss_stats_series *series = set->rows[i];

		if (!series->resources)
			continue;
		element(json);
		text(json, "name", series->name);
		text(json, "unit", series->unit);
		text(json, "kind", ss_dump_metric_names[series->kind]);
		labels(json, series);
		count(json, "resources", series->resources);
		if (series->kind == SS_DUMP_SUM || series->kind == SS_DUMP_GAUGE)
			number(json, "value", series->sum, true);
		else
			distribution(json, series);
		ss_json_raw(json, "}");
	}
	ss_json_raw(json, "]");
}

static void losses(struct ss_json *json, const struct ss_stats_loss *loss)
{
	key(json, "lost");
	ss_json_raw(json, "{");
	for (; loss; loss = loss->next) {
		if (json->p[-1] != '{')
			ss_json_raw(json, ",");
		ss_json_string(json, loss->what, strlen(loss->what), UINT32_MAX);
		ss_json_raw(json, ":");
		ss_json_uint(json, loss->count);
	}
	ss_json_raw(json, "}");
}

static void troubles(struct ss_json *json, const struct ss_stats *stats)
{
	uint64_t i;

	count(json, "unreadable_lines", stats->trouble_count);
	key(json, "unreadable");
	ss_json_raw(json, "[");
	for (i = 0; i < stats->trouble_count && i < SS_STATS_TROUBLES_MAX; i++) {
		element(json);
		text(json, "file", stats->troubles[i].file);
		count(json, "line", stats->troubles[i].line);
		text(json, "what", stats->troubles[i].what);
		ss_json_raw(json, "}");
	}
	ss_json_raw(json, "]");
}

int ss_stats_print_json(const struct ss_stats *stats, FILE *file)
{
	struct ss_json json;
	int r = ss_json_init(&json, SS_JSON_BYTES_MIN);

	if (r)
		return r;
	ss_json_raw(&json, "{");
	names(&json, &stats->names);
	models(&json, &stats->models);
	key(&json, "outcomes");
	ss_json_raw(&json, "[");
	outcomes(&json, &stats->outcomes, "spans");
	outcomes(&json, &stats->metric_outcomes, "metrics");
	ss_json_raw(&json, "]");
	metrics(&json, &stats->series);
	losses(&json, stats->losses);
	count(&json, "left_out", stats->left_out);
	troubles(&json, stats);
	ss_json_raw(&json, "}\n");
	r = json.failed ? -ENOMEM : 0;
	if (!r)
		fwrite(ss_json_text(&json), 1, ss_json_length(&json), file);
	ss_json_deinit(&json);
	return r;
}
