/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_print.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "collector/cli/text_line.h"
#include "collector/cli/tree_generation.h"
#include "collector/cli/tree_model.h"

#define DURATION_COLUMNS 9
#define LEVELS_DRAWN     24u /* nearer ones; of deeper spans the rest is a number */
#define BRIEF_ATTRS      6u
#define BRIEF_COLUMNS    40u

struct printer {
	const struct ss_tree_style *style;
	const struct ss_tree_trace *trace;
	struct ss_text_line line;
};

static void end_line(struct printer *printer)
{
	ss_text_line_print(&printer->line, printer->style->colour, printer->style->file);
	ss_text_line_reset(&printer->line);
}

static void separate(struct printer *printer)
{
	ss_text_line_mark(&printer->line, " \xc2\xb7 ", " - ");
}

/* --- the columns at the left --- */

static void add_margin(struct printer *printer)
{
	ss_text_line_format(&printer->line, "%*s  ", DURATION_COLUMNS, "");
}

static const struct ss_tree_list *siblings(const struct printer *printer,
					   const struct ss_tree_span *span)
{
	return span->parent ? &span->parent->children : &printer->trace->roots;
}

/* Whether the line of span's siblings goes on below it. */
static bool goes_on(const struct printer *printer, const struct ss_tree_span *span)
{
	return span->next || siblings(printer, span)->more;
}

/* The lines that pass by a span of that depth on their way down, its own excluded. */
static void add_lines(struct printer *printer, const struct ss_tree_span *span, unsigned depth)
{
	const struct ss_tree_span *ancestors[LEVELS_DRAWN];
	struct ss_text_line *line = &printer->line;
	unsigned count = 0;

	for (; count < LEVELS_DRAWN && span->parent && span->parent->parent; span = span->parent)
		ancestors[count++] = span->parent;
	if (depth > LEVELS_DRAWN + 1)
		ss_text_line_format(line, "(%u more) ", depth - LEVELS_DRAWN - 1);
	while (count--)
		ss_text_line_mark(line,
				  goes_on(printer, ancestors[count]) ? "\xe2\x94\x82  " : "   ",
				  goes_on(printer, ancestors[count]) ? "|  " : "   ");
}

static void add_branch(struct printer *printer, bool last)
{
	if (last)
		ss_text_line_mark(&printer->line, "\xe2\x94\x94\xe2\x94\x80 ", "`- ");
	else
		ss_text_line_mark(&printer->line, "\xe2\x94\x9c\xe2\x94\x80 ", "|- ");
}

/* Start of a line that belongs to the span above it. */
static void add_below(struct printer *printer, const struct ss_tree_span *span, unsigned depth)
{
	bool on = span->parent && goes_on(printer, span);

	add_margin(printer);
	add_lines(printer, span, depth);
	if (span->parent)
		ss_text_line_mark(&printer->line, on ? "\xe2\x94\x82  " : "   ",
				  on ? "|  " : "   ");
	on = span->children.count > 0;
	ss_text_line_mark(&printer->line, on ? "\xe2\x94\x82    " : "     ",
			  on ? "|    " : "     ");
}

/* --- what is said of a span --- */

static void add_value(struct printer *printer, const struct ss_tree_attr *attr, unsigned columns)
{
	bool quote = attr->text && (!*attr->value || strpbrk(attr->value, " \t\n\""));

	ss_text_line_format(&printer->line, "%s=%s", attr->key, quote ? "\"" : "");
	ss_text_line_add(&printer->line, attr->value, columns);
	ss_text_line_mark(&printer->line, quote ? "\"" : "", quote ? "\"" : "");
}

/* Said elsewhere on the line, of no interest to most readers, or the parent's too. */
static bool is_brief(const struct ss_tree_span *span, const struct ss_tree_attr *attr)
{
	static const char *const aside[] = {
		"thread.",
		"code.",
		"spanshim.",
		"error.type",
		"gen_ai.operation.name",
		"gen_ai.conversation.id",
		"gen_ai.response.id",
		"gen_ai.tool.name",
	};
	const struct ss_tree_span *parent = span->parent;
	uint32_t i;

	for (i = 0; i < sizeof(aside) / sizeof(aside[0]); i++)
		if (!strncmp(attr->key, aside[i], strlen(aside[i])))
			return false;
	if (ss_tree_generation_tells(span, attr->key))
		return false;
	for (i = 0; parent && i < parent->attr_count; i++)
		if (!strcmp(attr->key, parent->attrs[i].key) &&
		    !strcmp(attr->value, parent->attrs[i].value))
			return false;
	return true;
}

static void add_brief_attrs(struct printer *printer, const struct ss_tree_span *span)
{
	uint32_t i, shown = 0;

	for (i = 0; i < span->attr_count && shown < BRIEF_ATTRS; i++) {
		if (!is_brief(span, &span->attrs[i]))
			continue;
		if (shown++)
			ss_text_line_add(&printer->line, " ", 0);
		else
			separate(printer);
		add_value(printer, &span->attrs[i], BRIEF_COLUMNS);
	}
}

static void add_folded_events(struct printer *printer, const struct ss_tree_span *span)
{
	struct ss_text_line *line = &printer->line;
	uint32_t i;

	if (span->event_count || span->dropped_events)
		separate(printer);
	for (i = 0; i < span->event_count; i++) {
		const struct ss_tree_event *event = &span->events[i];

		ss_text_line_add(line, i ? ", " : "", 0);
		ss_text_line_add(line, event->name, BRIEF_COLUMNS);
		if (event->count > 1) {
			ss_text_line_mark(line, " \xc3\x97", " x");
			ss_text_line_format(line, "%" PRIu64, event->count);
		}
	}
	if (span->dropped_events)
		ss_text_line_format(line, "%s%" PRIu64 " %s dropped", span->event_count ? ", " : "",
				    span->dropped_events,
				    span->event_count           ? "more"
				    : span->dropped_events == 1 ? "event"
								: "events");
}

static void add_status(struct printer *printer, const struct ss_tree_span *span)
{
	struct ss_text_line *line = &printer->line;
	bool both = *span->error_type && *span->message && strcmp(span->error_type, span->message);

	if (span->unfinished) {
		separate(printer);
		ss_text_line_add(line, "unfinished", 0);
	}
	/* An unfinished span's own message says no more than that. */
	if (!span->error || (span->unfinished && !*span->error_type))
		return;
	separate(printer);
	ss_text_line_format(line, "ERROR%s%s%s", *span->error_type || *span->message ? " " : "",
			    span->error_type, both ? ": " : "");
	if (both || !*span->error_type)
		ss_text_line_add(line, span->message, 0);
}

static void print_span(struct printer *printer, const struct ss_tree_span *span, unsigned depth)
{
	struct ss_text_line *line = &printer->line;

	ss_text_line_duration(line, span->end_ns - span->start_ns, DURATION_COLUMNS);
	ss_text_line_add(line, "  ", 0);
	if (span->parent) {
		add_lines(printer, span, depth);
		add_branch(printer, !goes_on(printer, span));
	}
	if (span->error || span->unfinished)
		ss_text_line_colour(line, span->unfinished ? SS_COLOUR_YELLOW : SS_COLOUR_RED);
	ss_text_line_add(line, span->name, 0);
	if (*span->process && (!span->parent || span->parent->process != span->process)) {
		separate(printer);
		ss_text_line_add(line, span->process, 0);
	}
	if (span->parent_id && !span->parent) {
		separate(printer);
		ss_text_line_format(line, "%sparent %016" PRIx64 " is not here",
				    span->parent_remote ? "remote " : "", span->parent_id);
	}
	if (!printer->style->attributes)
		ss_tree_generation_add(line, span);
	add_status(printer, span);
	if (!printer->style->attributes)
		add_brief_attrs(printer, span);
	if (!printer->style->events)
		add_folded_events(printer, span);
	end_line(printer);
}

/* Values of several lines (stacks) go on below their key. */
static void print_attributes(struct printer *printer, const struct ss_tree_span *span,
			     unsigned depth)
{
	uint32_t i;

	for (i = 0; i < span->attr_count; i++) {
		const char *value = span->attrs[i].value, *newline;

		add_below(printer, span, depth);
		ss_text_line_format(&printer->line, "%s: ", span->attrs[i].key);
		while ((newline = strchr(value, '\n'))) {
			ss_text_line_format(&printer->line, "%.*s", (int)(newline - value), value);
			end_line(printer);
			add_below(printer, span, depth);
			ss_text_line_add(&printer->line, "  ", 0);
			value = newline + 1;
		}
		ss_text_line_add(&printer->line, value, 0);
		end_line(printer);
	}
}

static void print_events(struct printer *printer, const struct ss_tree_span *span, unsigned depth)
{
	struct ss_text_line *line = &printer->line;
	uint32_t i, k;

	for (i = 0; i < span->event_count; i++) {
		const struct ss_tree_event *event = &span->events[i];
		uint64_t after =
			event->time_ns > span->start_ns ? event->time_ns - span->start_ns : 0;

		add_below(printer, span, depth);
		ss_text_line_add(line, "+", 0);
		ss_text_line_duration(line, after, 0);
		ss_text_line_add(line, " ", 0);
		ss_text_line_add(line, event->name, 0);
		for (k = 0; k < event->attr_count; k++) {
			ss_text_line_add(line, " ", 0);
			add_value(printer, &event->attrs[k], BRIEF_COLUMNS);
		}
		end_line(printer);
	}
	if (span->dropped_events) {
		add_below(printer, span, depth);
		ss_text_line_format(line, "%" PRIu64 " %s dropped", span->dropped_events,
				    span->event_count           ? "more"
				    : span->dropped_events == 1 ? "event"
								: "events");
		end_line(printer);
	}
}

/* --- whole trees --- */

/* What the limit left out, as if it were the last one of the list. `sibling` is the one before. */
static void print_more(struct printer *printer, const struct ss_tree_span *sibling, unsigned depth)
{
	const struct ss_tree_list *list = siblings(printer, sibling);
	struct ss_text_line *line = &printer->line;

	add_margin(printer);
	if (sibling->parent) {
		add_lines(printer, sibling, depth);
		add_branch(printer, true);
	}
	ss_text_line_format(line, "%" PRIu64 " more", list->more);
	if (list->more_errors)
		ss_text_line_format(line, ", %" PRIu64 " error%s", list->more_errors,
				    list->more_errors == 1 ? "" : "s");
	end_line(printer);
}

static void print_spans(struct printer *printer)
{
	const struct ss_tree_span *span = printer->trace->roots.first;
	unsigned depth = 0;

	while (span) {
		print_span(printer, span, depth);
		if (printer->style->attributes)
			print_attributes(printer, span, depth);
		if (printer->style->events)
			print_events(printer, span, depth);
		if (span->children.first) {
			span = span->children.first;
			depth++;
			continue;
		}
		while (span && !span->next) {
			if (siblings(printer, span)->more)
				print_more(printer, span, depth);
			span = span->parent;
			depth--;
		}
		if (span)
			span = span->next;
	}
}

static void add_count(struct printer *printer, uint64_t count, const char *what, const char *plural)
{
	if (count)
		ss_text_line_format(&printer->line, ", %" PRIu64 " %s%s", count, what,
				    count == 1 ? "" : plural);
}

static void print_header(struct printer *printer)
{
	const struct ss_tree_trace *trace = printer->trace;
	time_t seconds = trace->start_ns / 1000000000;
	struct ss_text_line *line = &printer->line;
	char when[64] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	ss_text_line_format(line, "trace %016" PRIx64 "%016" PRIx64, trace->hi, trace->lo);
	separate(printer);
	ss_text_line_add(line, when, 0);
	separate(printer);
	ss_text_line_format(line, "%" PRIu64 " span%s", trace->spans, trace->spans == 1 ? "" : "s");
	add_count(printer, trace->errors, "error", "s");
	add_count(printer, trace->unfinished, "unfinished", "");
	end_line(printer);
}

static void print_losses(struct printer *printer, const struct ss_tree *tree)
{
	const struct ss_tree_loss *loss;

	for (loss = tree->losses; loss; loss = loss->next) {
		ss_text_line_colour(&printer->line, SS_COLOUR_RED);
		ss_text_line_format(&printer->line, "events lost: %s %" PRIu64, loss->what,
				    loss->count);
		end_line(printer);
	}
	if (tree->duplicates) {
		ss_text_line_format(&printer->line,
				    "spans that stand in the dumps more than once: %" PRIu64,
				    tree->duplicates);
		end_line(printer);
	}
}

void ss_tree_print(const struct ss_tree *tree, const struct ss_tree_style *style)
{
	struct printer printer = { .style = style };
	bool any = false;
	uint32_t i;

	printer.line.utf8 = style->utf8;
	printer.line.width = style->width;
	for (i = 0; i < tree->trace_count; i++) {
		printer.trace = &tree->traces[i];
		if (!printer.trace->roots.count)
			continue;
		if (any)
			fputc('\n', style->file);
		any = true;
		print_header(&printer);
		print_spans(&printer);
	}
	if (any && (tree->losses || tree->duplicates))
		fputc('\n', style->file);
	print_losses(&printer, tree);
}
