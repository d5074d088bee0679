/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_json.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/cli/plain_json.h"
#include "collector/cli/tree_content.h"
#include "collector/cli/tree_model.h"
#include "collector/cli/tree_walk.h"

struct output {
	const struct ss_tree *tree;
	struct ss_tree_contents *contents;
	FILE *file;
	bool comma; /* something stands before */
};

static const cJSON *member(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

static void put_key(struct output *output, const char *key)
{
	if (output->comma)
		putc(',', output->file);
	ss_plain_string(output->file, key);
	putc(':', output->file);
	output->comma = true;
}

static void put_text(struct output *output, const char *key, const char *text)
{
	put_key(output, key);
	ss_plain_string(output->file, text);
}

/* Times are strings, as in OTLP: many readers take numbers for doubles. */
static void put_time(struct output *output, const char *key, uint64_t ns)
{
	put_key(output, key);
	fprintf(output->file, "\"%" PRIu64 "\"", ns);
}

static void put_number(struct output *output, const char *key, uint64_t number)
{
	put_key(output, key);
	fprintf(output->file, "%" PRIu64, number);
}

static void put_true(struct output *output, const char *key)
{
	put_key(output, key);
	fputs("true", output->file);
}

static void put_attributes(struct output *output, const cJSON *list)
{
	put_key(output, "attributes");
	ss_plain_object(output->file, list);
}

/* --- spans --- */

static void put_events(struct output *output, const cJSON *list)
{
	const cJSON *cursor = NULL;
	struct ss_dump_event event;

	put_key(output, "events");
	putc('[', output->file);
	output->comma = false;
	while (ss_dump_read_event(list, &cursor, &event)) {
		fputs(output->comma ? ",{" : "{", output->file);
		output->comma = false;
		put_text(output, "name", event.name);
		put_time(output, "timeUnixNano", event.time_ns);
		put_attributes(output, event.attributes);
		putc('}', output->file);
		output->comma = true;
	}
	putc(']', output->file);
	output->comma = true;
}

static void put_links(struct output *output, const cJSON *list)
{
	const cJSON *item;

	if (!list || !list->child)
		return;
	put_key(output, "links");
	putc('[', output->file);
	cJSON_ArrayForEach (item, list) {
		const char *trace = cJSON_GetStringValue((cJSON *)member(item, "traceId"));
		const char *span = cJSON_GetStringValue((cJSON *)member(item, "spanId"));

		putc('{', output->file);
		output->comma = false;
		put_text(output, "traceId", trace ? trace : "");
		put_text(output, "spanId", span ? span : "");
		put_attributes(output, member(item, "attributes"));
		fputs(item->next ? "}," : "}", output->file);
	}
	putc(']', output->file);
	output->comma = true;
}

/* Of a span whose process or scope is not its parent's. */
static void put_group(struct output *output, const struct ss_tree_span *span)
{
	const struct ss_tree_group *group, *groups = output->tree->groups;
	const char *name, *version;
	cJSON *resource, *scope;

	if (span->group == SS_TREE_NONE || (span->parent != SS_TREE_NONE &&
					    output->tree->spans[span->parent].group == span->group))
		return;
	group = &groups[span->group];
	resource = cJSON_Parse(group->resource);
	scope = cJSON_Parse(group->scope);
	name = cJSON_GetStringValue((cJSON *)member(scope, "name"));
	version = cJSON_GetStringValue((cJSON *)member(scope, "version"));
	put_key(output, "resource");
	ss_plain_object(output->file, member(resource, "attributes"));
	put_key(output, "scope");
	putc('{', output->file);
	output->comma = false;
	put_text(output, "name", name ? name : "");
	put_text(output, "version", version ? version : "");
	putc('}', output->file);
	output->comma = true;
	cJSON_Delete(resource);
	cJSON_Delete(scope);
}

static void put_count_of(struct output *output, const cJSON *json, const char *key)
{
	const cJSON *item = member(json, key);

	if (cJSON_IsNumber(item) && item->valuedouble > 0)
		put_number(output, key, (uint64_t)item->valuedouble);
}

static void put_content(struct output *output, const struct ss_tree_content *content)
{
	static const char *const kinds[] = { "unspecified", "internal", "server",
					     "client",      "producer", "consumer" };
	const cJSON *json = content->json, *kind = member(json, "kind");
	unsigned number = cJSON_IsNumber(kind) && kind->valuedouble >= 0 && kind->valuedouble <= 5
				  ? (unsigned)kind->valuedouble
				  : 0;

	put_text(output, "name", content->span.name);
	put_text(output, "kind", kinds[number]);
	put_time(output, "startTimeUnixNano", content->span.start_ns);
	put_time(output, "endTimeUnixNano", content->span.end_ns);
	put_number(output, "durationNs",
		   content->span.end_ns > content->span.start_ns
			   ? content->span.end_ns - content->span.start_ns
			   : 0);
	put_text(output, "status", content->span.error ? "error" : "ok");
	if (*content->span.message)
		put_text(output, "message", content->span.message);
	put_attributes(output, content->span.attributes);
	put_events(output, content->span.events);
	put_links(output, member(json, "links"));
	put_count_of(output, json, "droppedAttributesCount");
	put_count_of(output, json, "droppedEventsCount");
	put_count_of(output, json, "droppedLinksCount");
}

static void on_span(void *data, uint32_t at, unsigned depth)
{
	struct output *output = data;
	const struct ss_tree_span *span = &output->tree->spans[at];
	const struct ss_tree_content *content = ss_tree_content_get(output->contents, at, depth);

	fputs(output->comma ? ",{" : "{", output->file);
	output->comma = false;
	put_key(output, "spanId");
	fprintf(output->file, "\"%016" PRIx64 "\"", span->span_id);
	if (span->parent != SS_TREE_NONE) {
		put_key(output, "parentSpanId");
		fprintf(output->file, "\"%016" PRIx64 "\"",
			output->tree->spans[span->parent].span_id);
	}
	if (span->flags & SS_TREE_MISSING)
		put_true(output, "missing");
	if (span->flags & SS_TREE_UNFINISHED)
		put_true(output, "unfinished");
	if (!(span->flags & (SS_TREE_MATCHED | SS_TREE_MISSING)))
		put_true(output, "context");
	if (content->span.name)
		put_content(output, content);
	put_group(output, span);
	put_key(output, "children");
	putc('[', output->file);
	output->comma = false;
}

static void on_end(void *data, uint32_t at, unsigned depth)
{
	struct output *output = data;

	fputs("]}", output->file);
	output->comma = true;
}

/* Beyond the limit: in the place of the spans, how many they are. */
static void on_more(void *data, uint32_t at, unsigned depth)
{
	struct output *output = data;
	uint64_t errors, count = ss_tree_more(output->tree, at, &errors);

	fputs(output->comma ? ",{" : "{", output->file);
	output->comma = false;
	put_number(output, "more", count);
	put_number(output, "errors", errors);
	putc('}', output->file);
	output->comma = true;
}

int ss_tree_json_print(const struct ss_tree *tree, struct ss_tree_contents *contents, FILE *file)
{
	struct output output = { .tree = tree, .contents = contents, .file = file };
	const struct ss_tree_visitor visitor = { on_span, on_end, on_more, &output };
	uint32_t i;

	for (i = 0; i < tree->shown_trace_count; i++) {
		const struct ss_tree_trace *trace = &tree->traces[tree->shown_traces[i]];

		output.comma = false;
		putc('{', file);
		put_key(&output, "traceId");
		fprintf(file, "\"%016" PRIx64 "%016" PRIx64 "\"", trace->hi, trace->lo);
		put_number(&output, "spans", trace->spans);
		put_number(&output, "errors", trace->errors);
		put_number(&output, "unfinished", trace->unfinished);
		put_number(&output, "missing", trace->missing);
		put_time(&output, "startTimeUnixNano", trace->start_ns);
		put_time(&output, "endTimeUnixNano", trace->end_ns);
		put_key(&output, "roots");
		putc('[', file);
		output.comma = false;
		ss_tree_walk(tree, trace, &visitor);
		fputs("]}\n", file);
	}
	return 0;
}
