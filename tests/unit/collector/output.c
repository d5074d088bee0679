/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char text[65536];
static size_t used;

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void add(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	used += (size_t)vsnprintf(text + used, sizeof(text) - used, format, list);
	va_end(list);
	cr_assert_lt(used, sizeof(text));
}

static const char *string(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsString(item) ? item->valuestring : "";
}

static void check_unique(const cJSON *list)
{
	const cJSON *a, *b;

	/* "": an offset that leads nowhere, in a damaged file. */
	cJSON_ArrayForEach (a, list) {
		for (b = a->next; b != NULL; b = b->next)
			cr_assert(!*string(a, "key") ||
					  strcmp(string(a, "key"), string(b, "key")) != 0,
				  "%s stands twice", string(a, "key"));
	}
}

static void read_span(struct output *output, const struct output_span *at)
{
	const cJSON *event;

	cr_assert_lt(output->span_count, OUTPUT_SPANS);
	output->spans[output->span_count] = *at;
	output->spans[output->span_count++].id = strtoull(string(at->span, "spanId"), NULL, 16);
	check_unique(cJSON_GetObjectItem(at->span, "attributes"));
	cJSON_ArrayForEach (event, cJSON_GetObjectItem(at->span, "events"))
		check_unique(cJSON_GetObjectItem(event, "attributes"));
}

static void read_line(struct output *output, const char *line)
{
	struct output_span at = { .line = output->line_count };
	cJSON *json = cJSON_Parse(line);
	const cJSON *resource, *scope;

	cr_assert_not_null(json, "%.200s", line);
	cr_assert_lt(output->line_count, OUTPUT_LINES);
	output->lines[output->line_count++] = json;
	resource = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "resourceSpans"), 0);
	cr_assert_not_null(resource);
	at.resource = cJSON_GetObjectItem(resource, "resource");
	check_unique(cJSON_GetObjectItem(at.resource, "attributes"));
	cJSON_ArrayForEach (scope, cJSON_GetObjectItem(resource, "scopeSpans")) {
		at.scope = cJSON_GetObjectItem(scope, "scope");
		cJSON_ArrayForEach (at.span, cJSON_GetObjectItem(scope, "spans"))
			read_span(output, &at);
		at.scope_index++;
	}
}

void output_read(struct output *output, const char *all)
{
	char *copy = strdup(all), *rest = copy, *line;

	*output = (struct output){ 0 };
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0')
		read_line(output, line);
	free(copy);
}

void output_free(struct output *output)
{
	uint32_t i;

	for (i = 0; i < output->line_count; i++)
		cJSON_Delete(output->lines[i]);
}

const struct output_span *output_span(const struct output *output, uint64_t id)
{
	const struct output_span *found = NULL;
	uint32_t i;

	for (i = 0; i < output->span_count; i++) {
		if (output->spans[i].id != id)
			continue;
		cr_assert_null(found, "span %llu stands twice", (unsigned long long)id);
		found = &output->spans[i];
	}
	cr_assert_not_null(found, "span %llu is missing", (unsigned long long)id);
	return found;
}

static void add_value(const cJSON *any)
{
	const cJSON *value = any->child, *item;

	if (strcmp(value->string, "arrayValue") == 0) {
		add("[");
		cJSON_ArrayForEach (item, cJSON_GetObjectItem(value, "values")) {
			add("%s", item->prev->next ? "," : "");
			add_value(item);
		}
		add("]");
	} else if (strcmp(value->string, "stringValue") == 0) {
		add("\"%s\"", value->valuestring);
	} else if (strcmp(value->string, "intValue") == 0) {
		add("%s", value->valuestring);
	} else if (strcmp(value->string, "boolValue") == 0) {
		add("%s", cJSON_IsTrue(value) ? "true" : "false");
	} else {
		cr_assert_str_eq(value->string, "doubleValue");
		add("%gf", value->valuedouble);
	}
}

static void add_attributes(const cJSON *list)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, list) {
		add(" %s=", string(item, "key"));
		add_value(cJSON_GetObjectItem(item, "value"));
	}
}

static void add_dropped(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItem(object, key);

	if (item != NULL)
		add(" (%d dropped)", item->valueint);
}

const char *output_text(const struct output *output, uint64_t id)
{
	const struct output_span *found = output_span(output, id);
	const cJSON *event, *status = cJSON_GetObjectItem(found->span, "status");

	used = 0;
	add("%s %d %s %s", string(found->span, "name"),
	    cJSON_GetObjectItem(found->span, "kind")->valueint, string(found->scope, "name"),
	    string(found->scope, "version"));
	add_attributes(cJSON_GetObjectItem(found->span, "attributes"));
	add_dropped(found->span, "droppedAttributesCount");
	cJSON_ArrayForEach (event, cJSON_GetObjectItem(found->span, "events")) {
		add(" | %s", string(event, "name"));
		add_attributes(cJSON_GetObjectItem(event, "attributes"));
		add_dropped(event, "droppedAttributesCount");
	}
	add_dropped(found->span, "droppedEventsCount");
	if (cJSON_GetObjectItem(status, "code") != NULL) {
		cr_assert_eq(cJSON_GetObjectItem(status, "code")->valueint, 2);
		add(" | ERROR");
		if (cJSON_GetObjectItem(status, "message") != NULL)
			add(" %s", string(status, "message"));
	}
	return text;
}

const char *output_resource(const struct output_span *span, const char *key)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, cJSON_GetObjectItem(span->resource, "attributes")) {
		if (strcmp(string(item, "key"), key) == 0)
			return string(cJSON_GetObjectItem(item, "value"), "stringValue");
	}
	return "";
}
