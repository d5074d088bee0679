/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/check_shape.h"

#include <stdio.h>

#include <cjson/cJSON.h>

#include "collector/cli/check_common.h"
#include "collector/cli/check_metrics.h"
#include "collector/cli/check_rule.h"
#include "collector/dump.h"

/* --- the messages, innermost first --- */

static void check_event(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "timeUnixNano", ss_check_rule_time, true },
		{ "name", ss_check_rule_name, true },
		{ "attributes", ss_check_attributes, false },
		{ "droppedAttributesCount", ss_check_rule_uint32, false },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}

static void check_events(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, check_event);
}

static void check_link(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "traceId", ss_check_rule_trace_id, true },
		{ "spanId", ss_check_rule_span_id, true },
		{ "traceState", ss_check_rule_string, false },
		{ "attributes", ss_check_attributes, false },
		{ "droppedAttributesCount", ss_check_rule_uint32, false },
		{ "flags", ss_check_rule_uint32, false },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}

static void check_links(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, check_link);
}

static void check_status(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "message", ss_check_rule_string, false },
		{ "code", ss_check_rule_status_code, false },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}

/* Times that are themselves malformed were reported by their own rule. */
static void check_span_times(struct ss_check_rule *at, const cJSON *span)
{
	const cJSON *events = cJSON_GetObjectItemCaseSensitive(span, "events"), *event;
	uint64_t start_ns, end_ns, time_ns;
	unsigned index = 0;
	char key[64];

	if (ss_dump_parse_uint(cJSON_GetObjectItemCaseSensitive(span, "startTimeUnixNano"),
			       &start_ns) ||
	    ss_dump_parse_uint(cJSON_GetObjectItemCaseSensitive(span, "endTimeUnixNano"), &end_ns))
		return;
	if (end_ns < start_ns) {
		ss_check_rule_finding_at(at, "endTimeUnixNano", "the span ends before it starts");
		return;
	}
	for (event = cJSON_IsArray(events) ? events->child : NULL; event; event = event->next) {
		snprintf(key, sizeof(key), "events[%u].timeUnixNano", index++);
		if (ss_dump_parse_uint(cJSON_GetObjectItemCaseSensitive(event, "timeUnixNano"),
				       &time_ns))
			continue;
		if (time_ns < start_ns)
			ss_check_rule_finding_at(at, key, "the event is before its span's start");
		if (time_ns > end_ns)
			ss_check_rule_finding_at(at, key, "the event is after its span's end");
	}
}

static void check_span(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "traceId", ss_check_rule_trace_id, true },
		{ "spanId", ss_check_rule_span_id, true },
		{ "parentSpanId", ss_check_rule_parent_id, false },
		{ "traceState", ss_check_rule_string, false },
		{ "flags", ss_check_rule_uint32, false },
		{ "name", ss_check_rule_name, true },
		{ "kind", ss_check_rule_kind, false },
		{ "startTimeUnixNano", ss_check_rule_time, true },
		{ "endTimeUnixNano", ss_check_rule_time, true },
		{ "attributes", ss_check_attributes, false },
		{ "droppedAttributesCount", ss_check_rule_uint32, false },
		{ "events", check_events, false },
		{ "droppedEventsCount", ss_check_rule_uint32, false },
		{ "links", check_links, false },
		{ "droppedLinksCount", ss_check_rule_uint32, false },
		{ "status", check_status, false },
		{ 0 },
	};

	if (ss_check_rule_object(at, item, fields))
		check_span_times(at, item);
}

static void check_spans(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, check_span);
}

static void check_scope_spans(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "scope", ss_check_scope, false },
		{ "spans", check_spans, false },
		{ "schemaUrl", ss_check_rule_string, false },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}

static void check_scope_list(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, check_scope_spans);
}

static void check_resource_spans(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "resource", ss_check_resource, false },
		{ "scopeSpans", check_scope_list, false },
		{ "schemaUrl", ss_check_rule_string, false },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}

static void check_resource_list(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, check_resource_spans);
}

static void check_other_signal(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_finding(at, "a file holds one signal, and this one traces");
}

static void check_metrics_too(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_finding(at, "a file holds one signal, and this one metrics");
}

static void check_unknown_signal(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_finding(at, "neither traces nor metrics");
}

static const struct ss_check_field traces_fields[] = {
	{ "resourceSpans", check_resource_list, true },
	{ "resourceMetrics", check_other_signal, false },
	{ "resourceLogs", check_other_signal, false },
	{ "resourceProfiles", check_other_signal, false },
	{ 0 },
};

static const struct ss_check_field metrics_fields[] = {
	{ "resourceMetrics", ss_check_resource_metrics, true },
	{ "resourceSpans", check_metrics_too, false },
	{ "resourceLogs", check_metrics_too, false },
	{ "resourceProfiles", check_metrics_too, false },
	{ 0 },
};

static const struct ss_check_field unknown_fields[] = {
	{ "resourceLogs", check_unknown_signal, false },
	{ "resourceProfiles", check_unknown_signal, false },
	{ 0 },
};

unsigned ss_check_shape(const struct cJSON *json, enum ss_check_signal *signal,
			const struct ss_check_sink *sink)
{
	static const struct ss_check_field *const fields[] = {
		[SS_CHECK_UNKNOWN] = unknown_fields,
		[SS_CHECK_TRACES] = traces_fields,
		[SS_CHECK_METRICS] = metrics_fields,
	};
	struct ss_check_rule at = { .sink = sink };

	if (*signal == SS_CHECK_UNKNOWN && cJSON_HasObjectItem(json, "resourceSpans"))
		*signal = SS_CHECK_TRACES;
	else if (*signal == SS_CHECK_UNKNOWN && cJSON_HasObjectItem(json, "resourceMetrics"))
		*signal = SS_CHECK_METRICS;
	if (ss_check_rule_object(&at, json, fields[*signal]) && *signal == SS_CHECK_UNKNOWN)
		ss_check_rule_finding(&at, "expected resourceSpans or resourceMetrics");
	return at.findings;
}
