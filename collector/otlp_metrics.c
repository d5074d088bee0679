/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/otlp_metrics.h"

#include <errno.h>
#include <string.h>

#include "collector/otlp.h"
#include "collector/resource.h"

/* What is open, innermost last, and how it ends. */
#define METRIC_END "]}}"
#define SCOPE_END  METRIC_END "]}"
#define LINE_END   SCOPE_END "]}]}\n"

struct writer {
	const struct ss_otlp_metrics *what;
	struct ss_json *json;
	const struct ss_instrument *open; /* whose data points come next; NULL: no line was begun */
};

static void begin_line(struct writer *writer)
{
	const struct ss_losses *losses = writer->what->losses;
	struct ss_json *json = writer->json;
	bool ignored;
	uint32_t i;

	json->p = ss_json_text(json);
	ss_json_raw(json, "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[");
	ss_resource_write(json, writer->what->view, &ignored);
	for (i = 0; losses != NULL && i < losses->count; i++) {
		ss_json_raw(json, ",");
		ss_resource_int(json, losses->counts[i].key, (int64_t)losses->counts[i].value);
	}
	ss_json_raw(json, "]},\"scopeMetrics\":[");
}

static void begin_scope(struct writer *writer, const struct ss_instrument *instrument)
{
	const struct ss_image *image = writer->what->view->image;
	const char *version = instrument->is_framework ? image->framework_version : SS_VERSION;
	size_t bytes = strnlen(version, sizeof(image->framework_version));
	struct ss_json *json = writer->json;

	ss_json_raw(json, "{\"scope\":{\"name\":");
	ss_json_string(json, instrument->scope, strlen(instrument->scope), UINT32_MAX);
	if (bytes > 0) {
		ss_json_raw(json, ",\"version\":");
		ss_json_string(json, version, bytes, UINT32_MAX);
	}
	ss_json_raw(json, "},\"metrics\":[");
}

static void write_text(struct ss_json *json, const char *text)
{
	ss_json_string(json, text, strlen(text), UINT32_MAX);
}

static void begin_metric(struct ss_json *json, const struct ss_instrument *instrument)
{
	ss_json_raw(json, "{\"name\":");
	write_text(json, instrument->name);
	ss_json_raw(json, ",\"description\":");
	write_text(json, instrument->description);
	ss_json_raw(json, ",\"unit\":");
	write_text(json, instrument->unit);
	/* AGGREGATION_TEMPORALITY_CUMULATIVE */
	if (instrument->kind == SS_INSTRUMENT_HISTOGRAM)
		ss_json_raw(json, ",\"histogram\":{\"aggregationTemporality\":2,\"dataPoints\":[");
	else
		ss_json_raw(json, ",\"sum\":{\"aggregationTemporality\":2,\"isMonotonic\":true,"
				  "\"dataPoints\":[");
}

/* All that stands before the data point. */
static void lead_up(struct writer *writer, const struct ss_instrument *instrument)
{
	const struct ss_instrument *open = writer->open;
	struct ss_json *json = writer->json;

	if (open == instrument) {
		ss_json_raw(json, ",");
		return;
	}
	if (open == NULL)
		begin_line(writer);
	else if (open->scope == instrument->scope)
		ss_json_raw(json, METRIC_END ",");
	else
		ss_json_raw(json, SCOPE_END ",");
	if (open == NULL || open->scope != instrument->scope)
		begin_scope(writer, instrument);
	begin_metric(json, instrument);
	writer->open = instrument;
}

static void write_labels(struct ss_json *json, const struct ss_metric_series *series)
{
	uint32_t i;

	for (i = 0; i < series->label_count; i++) {
		const struct ss_label *label = &series->labels[i];

		ss_json_raw(json, i > 0 ? ",{\"key\":" : "{\"key\":");
		write_text(json, label->key);
		if (label->type == SS_LABEL_STRING) {
			ss_json_raw(json, ",\"value\":{\"stringValue\":");
			ss_json_string(json, label->text, label->bytes, UINT32_MAX);
		} else if (label->flag) {
			ss_json_raw(json, ",\"value\":{\"boolValue\":true");
		} else {
			ss_json_raw(json, ",\"value\":{\"boolValue\":false");
		}
		ss_json_raw(json, "}}");
	}
}

static void write_histogram(struct ss_json *json, const struct ss_instrument *instrument,
			    const struct ss_metric_value *value)
{
	uint32_t i;

	ss_json_raw(json, "\",\"count\":\"");
	ss_json_uint(json, value->count);
	ss_json_raw(json, "\",\"sum\":");
	ss_json_double(json, value->sum);
	ss_json_raw(json, ",\"min\":");
	ss_json_double(json, value->min);
	ss_json_raw(json, ",\"max\":");
	ss_json_double(json, value->max);
	ss_json_raw(json, ",\"bucketCounts\":[");
	for (i = 0; i <= instrument->bound_count; i++) {
		ss_json_raw(json, i > 0 ? ",\"" : "\"");
		ss_json_uint(json, value->buckets[i]);
		ss_json_raw(json, "\"");
	}
	ss_json_raw(json, "],\"explicitBounds\":[");
	for (i = 0; i < instrument->bound_count; i++) {
		if (i > 0)
			ss_json_raw(json, ",");
		ss_json_double(json, instrument->bounds[i]);
	}
	ss_json_raw(json, "]}");
}

static void write_sum(struct ss_json *json, const struct ss_instrument *instrument,
		      const struct ss_metric_value *value)
{
	if (instrument->kind == SS_INSTRUMENT_COUNTER_DOUBLE) {
		ss_json_raw(json, "\",\"asDouble\":");
		ss_json_double(json, value->sum);
		ss_json_raw(json, "}");
		return;
	}
	ss_json_raw(json, "\",\"asInt\":\"");
	/* A damaged ring file's may be anything. */
	ss_json_int(json, value->sum >= 0 && value->sum < 0x1p63 ? (int64_t)value->sum : 0);
	ss_json_raw(json, "\"}");
}

static void write_point(struct writer *writer, const struct ss_instrument *instrument,
			const struct ss_metric_series *series)
{
	struct ss_json *json = writer->json;

	lead_up(writer, instrument);
	ss_json_raw(json, "{\"attributes\":[");
	write_labels(json, series);
	ss_json_raw(json, "],\"startTimeUnixNano\":\"");
	ss_json_uint(json, writer->what->view->image->start_ns);
	ss_json_raw(json, "\",\"timeUnixNano\":\"");
	ss_json_uint(json, writer->what->time_ns);
	if (instrument->kind == SS_INSTRUMENT_HISTOGRAM)
		write_histogram(json, instrument, series->value);
	else
		write_sum(json, instrument, series->value);
}

static bool fits(const struct ss_json *json)
{
	return ss_json_length(json) + sizeof(LINE_END) <= SS_LINE_MAX;
}

static void end_line(struct writer *writer)
{
	struct ss_json *json = writer->json;

	if (writer->open == NULL)
		return;
	ss_json_raw(json, LINE_END);
	if (!json->failed)
		writer->what->line(writer->what->context, ss_json_text(json), ss_json_length(json));
	writer->open = NULL;
}

/* A point that does not fit goes to a line of its own. */
static int add_point(struct writer *writer, const struct ss_metric_series *series)
{
	const struct ss_instrument *instrument = &ss_instruments[series->instrument];
	const struct ss_instrument *open = writer->open;
	struct ss_json *json = writer->json;
	size_t before = open != NULL ? ss_json_length(json) : 0;

	write_point(writer, instrument, series);
	if (json->failed)
		return -ENOMEM;
	if (fits(json))
		return 0;
	json->p = ss_json_text(json) + before;
	writer->open = open;
	if (open == NULL)
		return -EMSGSIZE;
	end_line(writer);
	return add_point(writer, series);
}

static bool is_wanted(const struct writer *writer, const struct ss_metric_series *series)
{
	const struct ss_instrument *instrument = &ss_instruments[series->instrument];

	/* Partner: the adapter, when it finds that the framework's own metrics are on. */
	if (instrument->is_framework &&
	    __atomic_load_n(&writer->what->view->image->own_metrics, __ATOMIC_RELAXED))
		return false;
	return instrument->kind != SS_INSTRUMENT_HISTOGRAM || series->value->count > 0;
}

int ss_otlp_metrics_write(const struct ss_otlp_metrics *what)
{
	struct writer writer = { .what = what, .json = what->json };
	struct ss_metric_series series;
	uint64_t cursor = 0;
	int rc = 0;

	while (ss_metrics_next(what->metrics, &cursor, &series)) {
		int added = is_wanted(&writer, &series) ? add_point(&writer, &series) : 0;

		if (added != 0)
			rc = added;
		if (what->json->failed)
			break;
	}
	end_line(&writer);
	what->json->failed = false;
	return rc;
}
