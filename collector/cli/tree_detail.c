/* SPDX-License-Identifier: Apache-2.0
 *
 * What --attributes and --events show below a span's line.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/cli/tree_content.h"
#include "collector/cli/tree_model.h"
#include "collector/cli/tree_print.h"
#include "collector/cli/tree_words.h"

#define LIST_BYTES    65536u
#define EVENT_COLUMNS 60u

struct place {
	struct ss_tree_printer *printer;
	uint32_t span;
	unsigned depth;
};

static void begin(const struct place *place, const char *indent)
{
	ss_tree_print_below(place->printer, place->span, place->depth);
	ss_text_line_add(&place->printer->line, indent, 0);
}

/* On as many lines as it takes: long texts and texts of several lines go on below. */
static void print_value(const struct place *place, const char *indent, const char *value)
{
	struct ss_text_line *line = &place->printer->line;
	bool below = false;

	for (;;) {
		const char *rest = ss_text_line_fill(line, value);

		/* A terminal so narrow that nothing fits gets an ellipsis. */
		if (rest == value && below) {
			ss_text_line_add(line, value, 0);
			rest = NULL;
		}
		ss_tree_print_line(place->printer);
		if (!rest || !*rest)
			return;
		begin(place, indent);
		/* What did not fit stands further right than the next line of the text. */
		if (rest > value && rest[-1] != '\n')
			ss_text_line_add(line, "    ", 0);
		value = rest;
		below = true;
	}
}

static void print_attribute(const struct place *place, const struct ss_dump_attr *attr,
			    const char *indent, const char *indent_below)
{
	struct ss_text_line *line = &place->printer->line;
	char *buffer = NULL, number[64];
	const char *text;

	if (attr->values)
		buffer = malloc(LIST_BYTES);
	text = ss_tree_value_text(attr, buffer ? buffer : number,
				  buffer ? LIST_BYTES : sizeof(number));
	begin(place, indent);
	ss_text_line_colour(line, SS_COLOUR_DIM);
	ss_text_line_add(line, attr->key, 0);
	ss_text_line_add(line, ": ", 0);
	ss_text_line_colour(line, SS_COLOUR_NONE);
	print_value(place, indent_below, text);
	free(buffer);
}

/* What is no attribute: by which other tools know the span. */
static void print_identity(const struct place *place, const struct ss_tree_content *content)
{
	struct ss_text_line *line = &place->printer->line;
	const cJSON *links = cJSON_GetObjectItemCaseSensitive(content->json, "links"), *link;

	begin(place, "  ");
	ss_text_line_colour(line, SS_COLOUR_DIM);
	ss_text_line_format(line, "span %016" PRIx64, content->span.span_id);
	ss_tree_print_line(place->printer);
	cJSON_ArrayForEach (link, links) {
		const cJSON *trace = cJSON_GetObjectItemCaseSensitive(link, "traceId");
		const cJSON *span = cJSON_GetObjectItemCaseSensitive(link, "spanId");

		if (!cJSON_IsString(trace) || !cJSON_IsString(span))
			continue;
		begin(place, "  ");
		ss_text_line_colour(line, SS_COLOUR_DIM);
		ss_text_line_format(line, "link to span %s of trace %s", span->valuestring,
				    trace->valuestring);
		ss_tree_print_line(place->printer);
	}
}

static void print_event(const struct place *place, const struct ss_dump_event *event,
			uint64_t start_ns)
{
	struct ss_text_line *line = &place->printer->line;
	const struct cJSON *cursor = NULL;
	struct ss_dump_attr attr;
	bool all = place->printer->style->attributes;

	begin(place, "  ");
	ss_text_line_colour(line, SS_COLOUR_DIM);
	ss_text_line_add(line, "+", 0);
	ss_text_line_duration(line, event->time_ns > start_ns ? event->time_ns - start_ns : 0, 0);
	ss_text_line_colour(line, SS_COLOUR_NONE);
	ss_text_line_add(line, " ", 0);
	ss_text_line_add(line, event->name, 0);
	ss_text_line_colour(line, SS_COLOUR_DIM);
	while (!all && ss_dump_read_attr(event->attributes, &cursor, &attr)) {
		if (!strcmp(attr.key, "exception.stacktrace") ||
		    !strcmp(attr.key, "exception.escaped"))
			continue;
		ss_text_line_add(line, " ", 0);
		ss_tree_words_pair(line, &attr, EVENT_COLUMNS, true);
	}
	ss_tree_print_line(place->printer);
	while (all && ss_dump_read_attr(event->attributes, &cursor, &attr))
		print_attribute(place, &attr, "    ", "      ");
}

static void print_events(const struct place *place, const struct ss_dump_span *span)
{
	struct ss_text_line *line = &place->printer->line;
	const struct cJSON *cursor = NULL;
	struct ss_dump_event event;
	bool any = false;

	while (ss_dump_read_event(span->events, &cursor, &event)) {
		print_event(place, &event, span->start_ns);
		any = true;
	}
	if (!span->dropped_events)
		return;
	begin(place, "  ");
	ss_text_line_format(line, "%" PRIu64 " %s dropped", span->dropped_events,
			    any                         ? "more"
			    : span->dropped_events == 1 ? "event"
							: "events");
	ss_tree_print_line(place->printer);
}

void ss_tree_print_details(struct ss_tree_printer *printer, uint32_t at, unsigned depth)
{
	const struct place place = { printer, at, depth };
	const struct ss_tree_content *content = ss_tree_content_get(printer->contents, at, depth);
	uint32_t i;

	if (printer->style->attributes)
		print_identity(&place, content);
	for (i = 0; printer->style->attributes && i < content->attr_count; i++)
		print_attribute(&place, &content->attrs[i], "  ", "    ");
	if (printer->style->events)
		print_events(&place, &content->span);
}
