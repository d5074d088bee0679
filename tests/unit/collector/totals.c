/* SPDX-License-Identifier: Apache-2.0 */
#include "totals.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "fixture.h"
#include "output.h"

static const char *string(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsString(item) ? item->valuestring : "";
}

static const cJSON *attribute(const cJSON *object, const char *key)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, cJSON_GetObjectItem(object, "attributes")) {
		if (strcmp(string(item, "key"), key) == 0)
			return cJSON_GetObjectItem(item, "value");
	}
	return NULL;
}

static uint64_t number(const cJSON *object, const char *key)
{
	return strtoull(string(object, key), NULL, 10);
}

static void add(struct totals *totals, const cJSON *from, uint64_t count, double seconds)
{
	const char *type = string(attribute(from, "error.type"), "stringValue");
	const char *function = string(attribute(from, "code.function.name"), "stringValue");
	uint32_t i = 0;
	char key[128];

	snprintf(key, sizeof(key), "%s%s%s", function, *type && seconds < 0 ? " " : "",
		 seconds < 0 ? type : "");
	while (i < totals->count && strcmp(totals->list[i].key, key) < 0)
		i++;
	if (i == totals->count || strcmp(totals->list[i].key, key) != 0) {
		cr_assert_lt(totals->count, TOTALS_MAX);
		memmove(&totals->list[i + 1], &totals->list[i],
			(totals->count++ - i) * sizeof(*totals->list));
		totals->list[i] = (struct total){ 0 };
		strcpy(totals->list[i].key, key);
	}
	totals->list[i].count += count;
	totals->list[i].seconds += seconds < 0 ? 0 : seconds;
}

void totals_of_spans(struct totals *totals, const char *path)
{
	char *text = fixture_output(path);
	static struct output output;
	uint32_t i;

	*totals = (struct totals){ 0 };
	output_read(&output, text);
	for (i = 0; i < output.span_count; i++) {
		const cJSON *span = output.spans[i].span;
		uint64_t ns = number(span, "endTimeUnixNano") - number(span, "startTimeUnixNano");

		if (attribute(span, "error.type") != NULL)
			add(totals, span, 1, -1);
		if (attribute(span, "spanshim.unfinished") == NULL)
			add(totals, span, 1, (double)ns / 1e9);
	}
	output_free(&output);
	free(text);
}

static uint64_t read_points(struct totals *totals, const cJSON *metric, const char *kind)
{
	const cJSON *body = cJSON_GetObjectItem(metric, kind), *point;
	bool errors = strcmp(kind, "sum") == 0;
	uint64_t time = 0;

	cJSON_ArrayForEach (point, cJSON_GetObjectItem(body, "dataPoints")) {
		const cJSON *sum = cJSON_GetObjectItem(point, "sum");

		add(totals, point, number(point, errors ? "asInt" : "count"),
		    errors ? -1 : sum->valuedouble);
		time = number(point, "timeUnixNano");
	}
	return time;
}

static uint64_t read_line(struct totals *totals, const char *line)
{
	cJSON *json = cJSON_Parse(line);
	const cJSON *resource, *scope, *metric;
	uint64_t time = 0, at;

	cr_assert_not_null(json, "%.200s", line);
	*totals = (struct totals){ 0 };
	resource = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "resourceMetrics"), 0);
	scope = cJSON_GetArrayItem(cJSON_GetObjectItem(resource, "scopeMetrics"), 0);
	cJSON_ArrayForEach (metric, cJSON_GetObjectItem(scope, "metrics")) {
		at = read_points(totals, metric, "histogram");
		time = at > time ? at : time;
		at = read_points(totals, metric, "sum");
		time = at > time ? at : time;
	}
	cJSON_Delete(json);
	return time;
}

static uint64_t sum_of(const struct totals *totals)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < totals->count; i++)
		sum += totals->list[i].count;
	return sum;
}

void totals_of_metrics(struct totals *totals, const char *path)
{
	char *text = fixture_output(path), *rest = text, *line;
	uint64_t time = 0, sum = 0;

	*totals = (struct totals){ 0 };
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		uint64_t now = read_line(totals, line);

		cr_assert_geq(now, time);
		cr_assert_geq(sum_of(totals), sum);
		time = now;
		sum = sum_of(totals);
	}
	free(text);
}

void totals_expect_same(const struct totals *spans, const struct totals *metrics, const char *what)
{
	uint32_t i;

	cr_assert_eq(spans->count, metrics->count, "%s: %u keys of spans, %u of metrics", what,
		     spans->count, metrics->count);
	for (i = 0; i < spans->count; i++) {
		const struct total *a = &spans->list[i], *b = &metrics->list[i];

		cr_assert_str_eq(a->key, b->key, "%s", what);
		cr_assert_eq(a->count, b->count, "%s: %s: %llu spans, %llu in metrics", what,
			     a->key, (unsigned long long)a->count, (unsigned long long)b->count);
		cr_assert_float_eq(a->seconds, b->seconds, 1e-12, "%s: %s: %.17g, %.17g", what,
				   a->key, a->seconds, b->seconds);
	}
}
