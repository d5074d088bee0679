/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/check_shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/cli/check_rule.h"
#include "collector/dump.h"

/* --- attributes --- */

static void check_value(struct ss_check_rule *at, const cJSON *item);
static void check_attributes(struct ss_check_rule *at, const cJSON *item);

static void check_value_array(struct ss_check_rule *at, const cJSON *item)
{
	ss_check_rule_array(at, item, check_value);
}

static void check_array_value(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = { { "values", check_value_array, false },
							{ 0 } };

	ss_check_rule_object(at, item, fields);
}

static void check_kvlist_value(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = { { "values", check_attributes, false },
							{ 0 } };

	ss_check_rule_object(at, item, fields);
}

static void check_value(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "stringValue", ss_check_rule_string, false },
		{ "boolValue", ss_check_rule_bool, false },
		{ "intValue", ss_check_rule_int, false },
		{ "doubleValue", ss_check_rule_double, false },
		{ "arrayValue", check_array_value, false },
		{ "kvlistValue", check_kvlist_value, false },
		{ "bytesValue", ss_check_rule_bytes, false },
		{ 0 },
	};

	if (ss_check_rule_object(at, item, fields) && cJSON_GetArraySize(item) != 1)
		ss_check_rule_finding(at,
				      "expected exactly one of stringValue, boolValue, intValue, "
				      "doubleValue, arrayValue, kvlistValue, bytesValue");
}

static void check_attribute(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "key", ss_check_rule_name, true },
		{ "value", check_value, true },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}

struct keyed {
	const char *key;
	unsigned index;
};

static int compare_keyed(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

static void report_twice(struct ss_check_rule *at, const struct keyed *attribute)
{
	char text[256];
	size_t before = ss_check_rule_enter(at, attribute->index);

	snprintf(text, sizeof(text), "attribute \"%s\" stands twice in one list", attribute->key);
	ss_check_rule_finding_at(at, "key", text);
	ss_check_rule_leave(at, before);
}

static void check_attributes(struct ss_check_rule *at, const cJSON *list)
{
	struct keyed *keys;
	const cJSON *item;
	unsigned count = 0, index = 0, i;

	if (!ss_check_rule_array(at, list, check_attribute))
		return;
	keys = calloc(cJSON_GetArraySize(list) + 1, sizeof(*keys));
	if (!keys)
		return;
	for (item = list->child; item; item = item->next, index++) {
		const cJSON *key = cJSON_GetObjectItemCaseSensitive(item, "key");

		if (cJSON_IsString(key))
			keys[count++] = (struct keyed){ key->valuestring, index };
	}
	qsort(keys, count, sizeof(*keys), compare_keyed);
	for (i = 1; i < count; i++)
		if (!strcmp(keys[i - 1].key, keys[i].key))
			report_twice(at, &keys[i]);
	free(keys);
}

/* --- the messages, innermost first --- */

static void check_event(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "timeUnixNano", ss_check_rule_time, true },
		{ "name", ss_check_rule_name, true },
		{ "attributes", check_attributes, false },
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
		{ "attributes", check_attributes, false },
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
		{ "attributes", check_attributes, false },
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

static void check_scope(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "name", ss_check_rule_string, false },
		{ "version", ss_check_rule_string, false },
		{ "attributes", check_attributes, false },
		{ "droppedAttributesCount", ss_check_rule_uint32, false },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}

static void check_scope_spans(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "scope", check_scope, false },
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

static void check_resource(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "attributes", check_attributes, false },
		{ "droppedAttributesCount", ss_check_rule_uint32, false },
		{ 0 },
	};

	ss_check_rule_object(at, item, fields);
}

static void check_resource_spans(struct ss_check_rule *at, const cJSON *item)
{
	static const struct ss_check_field fields[] = {
		{ "resource", check_resource, false },
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

unsigned ss_check_shape(const struct cJSON *json, const struct ss_check_sink *sink)
{
	static const struct ss_check_field fields[] = {
		{ "resourceSpans", check_resource_list, true },
		{ "resourceMetrics", check_other_signal, false },
		{ "resourceLogs", check_other_signal, false },
		{ "resourceProfiles", check_other_signal, false },
		{ 0 },
	};
	struct ss_check_rule at = { .sink = sink };

	ss_check_rule_object(&at, json, fields);
	return at.findings;
}
