/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_line.h"

#include <inttypes.h>
#include <string.h>

#include "collector/cli/tree_content.h"
#include "collector/cli/tree_generation.h"
#include "collector/cli/tree_model.h"
#include "collector/cli/tree_print.h"
#include "collector/cli/tree_words.h"

#define NAME_COLUMNS  80u
#define EVENT_COLUMNS 40u
#define EVENT_NAMES   8u

static void separate(struct ss_tree_printer *printer)
{
	ss_text_line_mark(&printer->line, " \xc2\xb7 ", " - ");
}

/* Events that say what the line says in better words. */
static bool is_told(const struct ss_tree_content *content, const char *event)
{
	struct ss_dump_attr attr;

	if (!strcmp(event, "exception"))
		return content->span.error;
	return !strcmp(event, "iteration") &&
	       ss_tree_content_attr(content, "mellea.sampling.iterations_used", &attr);
}

static void add_folded_events(struct ss_tree_printer *printer,
			      const struct ss_tree_content *content)
{
	struct ss_text_line *line = &printer->line;
	struct {
		const char *name;
		uint64_t count;
	} kinds[EVENT_NAMES];
	const struct cJSON *cursor = NULL;
	uint64_t dropped = content->span.dropped_events, more = 0;
	struct ss_dump_event event;
	unsigned count = 0, i;

	while (ss_dump_read_event(content->span.events, &cursor, &event)) {
		if (is_told(content, event.name))
			continue;
		for (i = 0; i < count && strcmp(kinds[i].name, event.name) != 0; i++)
			;
		if (i == EVENT_NAMES) {
			more++;
			continue;
		}
		if (i == count) {
			kinds[count].count = 0;
			kinds[count++].name = event.name;
		}
		kinds[i].count++;
	}
	if (!count && !dropped)
		return;
	separate(printer);
	for (i = 0; i < count; i++) {
		ss_text_line_add(line, i ? ", " : "", 0);
		ss_text_line_add(line, kinds[i].name, EVENT_COLUMNS);
		if (kinds[i].count > 1) {
			ss_text_line_mark(line, " \xc3\x97", " x");
			ss_text_line_format(line, "%" PRIu64, kinds[i].count);
		}
	}
	if (more)
		ss_text_line_format(line, ", %" PRIu64 " other event%s", more,
				    more == 1 ? "" : "s");
	if (dropped)
		ss_text_line_format(line, "%s%" PRIu64 " %s dropped", count ? ", " : "", dropped,
				    count          ? "more"
				    : dropped == 1 ? "event"
						   : "events");
}

static void add_status(struct ss_tree_printer *printer, const struct ss_tree_span *span,
		       const struct ss_tree_content *content)
{
	struct ss_text_line *line = &printer->line;
	char buffer[256];
	const char *type = ss_tree_content_text(content, "error.type", buffer, sizeof(buffer));
	const char *message = content->span.message;
	bool both;

	type = type ? type : "";
	both = *type && *message && strcmp(type, message) != 0;
	if (span->flags & SS_TREE_UNFINISHED) {
		separate(printer);
		ss_text_line_add(line, "unfinished", 0);
	}
	/* An unfinished span's own message says no more than that. */
	if (!content->span.error || ((span->flags & SS_TREE_UNFINISHED) && !*type))
		return;
	separate(printer);
	ss_text_line_format(line, "ERROR%s%s%s", *type || *message ? " " : "", type,
			    both ? ": " : "");
	if (both || !*type)
		ss_text_line_add(line, message, 0);
}

static void add_process(struct ss_tree_printer *printer, const struct ss_tree_span *span)
{
	const struct ss_tree_span *parent =
		span->parent == SS_TREE_NONE ? NULL : &printer->tree->spans[span->parent];
	const struct ss_tree_group *groups = printer->tree->groups;

	if (span->group == SS_TREE_NONE || !*groups[span->group].label)
		return;
	if (parent && parent->group != SS_TREE_NONE &&
	    groups[parent->group].process == groups[span->group].process)
		return;
	separate(printer);
	ss_text_line_add(&printer->line, groups[span->group].label, 0);
}

static void add_name(struct ss_tree_printer *printer, const struct ss_tree_span *span,
		     const struct ss_tree_content *content)
{
	if (content->span.name)
		ss_text_line_add(&printer->line, content->span.name, NAME_COLUMNS);
	else
		ss_text_line_format(&printer->line, "span %016" PRIx64 " (cannot be read again)",
				    span->span_id);
}

void ss_tree_line_missing(struct ss_tree_printer *printer, const struct ss_tree_span *span)
{
	struct ss_text_line *line = &printer->line;
	const char *what = span->flags & SS_TREE_REMOTE ? "remote"
			   : printer->style->follow     ? "pending"
							: "missing";

	ss_text_line_colour(line, (span->flags & SS_TREE_REMOTE) || (span->flags & SS_TREE_TOLD)
					  ? SS_COLOUR_DIM
					  : SS_COLOUR_YELLOW);
	ss_text_line_format(line, "%*s  span %016" PRIx64, SS_TREE_DURATION_COLUMNS, what,
			    span->span_id);
	ss_text_line_colour(line, SS_COLOUR_DIM);
	add_process(printer, span);
}

void ss_tree_line_context(struct ss_tree_printer *printer, const struct ss_tree_span *span,
			  const struct ss_tree_content *content)
{
	add_name(printer, span, content);
	add_process(printer, span);
}

static enum ss_colour severity(const struct ss_tree_span *span)
{
	return span->flags & SS_TREE_UNFINISHED ? SS_COLOUR_YELLOW
	       : span->flags & SS_TREE_ERROR    ? SS_COLOUR_RED
						: SS_COLOUR_NONE;
}

void ss_tree_line_span(struct ss_tree_printer *printer, const struct ss_tree_span *span,
		       const struct ss_tree_content *content, unsigned depth)
{
	ss_text_line_colour(&printer->line, severity(span));
	add_name(printer, span, content);
	ss_tree_line_words(printer, span, content, depth);
}

void ss_tree_line_words(struct ss_tree_printer *printer, const struct ss_tree_span *span,
			const struct ss_tree_content *content, unsigned depth)
{
	struct ss_text_line *line = &printer->line;
	bool brief = !printer->style->attributes && content->span.name;

	ss_text_line_colour(line, severity(span));
	if (content->span.name)
		add_status(printer, span, content);
	ss_text_line_colour(line, SS_COLOUR_NONE);
	if (brief && ss_tree_is_generation(content))
		ss_tree_generation_add(line, content);
	ss_text_line_colour(line, SS_COLOUR_DIM);
	add_process(printer, span);
	/* The reader knows it by its id, from when it was pending. */
	if (span->flags & SS_TREE_TOLD) {
		separate(printer);
		ss_text_line_format(line, "span %016" PRIx64, span->span_id);
	}
	if (brief)
		ss_tree_words_add(line, printer->contents, content, depth);
	if (!printer->style->events)
		add_folded_events(printer, content);
}
