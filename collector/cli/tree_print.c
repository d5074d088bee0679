/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_print.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "collector/cli/tree_content.h"
#include "collector/cli/tree_line.h"
#include "collector/cli/tree_model.h"
#include "collector/cli/tree_walk.h"

#define LEVELS_DRAWN 24u /* nearer ones; of deeper spans the rest is a number */
#define LEVELS_LEAST 3u
#define TEXT_LEAST   40u /* columns that drawn levels leave to the text */

void ss_tree_print_line(struct ss_tree_printer *printer)
{
	ss_text_line_print(&printer->line, printer->style->colour, printer->style->file);
	ss_text_line_reset(&printer->line);
	printer->lines++;
}

static void separate(struct ss_tree_printer *printer)
{
	ss_text_line_mark(&printer->line, " \xc2\xb7 ", " - ");
}

/* --- the columns at the left --- */

static const struct ss_tree_span *parent_of(const struct ss_tree *tree,
					    const struct ss_tree_span *span)
{
	return span->parent == SS_TREE_NONE ? NULL : &tree->spans[span->parent];
}

/* Whether the line of span's siblings goes on below it: of a parent that is open, more may come. */
static bool goes_on(const struct ss_tree_printer *printer, const struct ss_tree_span *span)
{
	const struct ss_tree_span *parent = parent_of(printer->tree, span);

	if (printer->style->follow && parent && (parent->flags & SS_TREE_MISSING))
		return true;
	return span->next != SS_TREE_NONE && !(span->flags & SS_TREE_MORE);
}

static unsigned levels_drawn(const struct ss_tree_printer *printer)
{
	unsigned width = printer->line.width, levels = LEVELS_DRAWN;

	if (width && width < TEXT_LEAST + 3 * levels)
		levels = width > TEXT_LEAST ? (width - TEXT_LEAST) / 3 : 0;
	return levels > LEVELS_LEAST ? levels : LEVELS_LEAST;
}

/* The lines that pass by a span of that depth on their way down, its own excluded. */
static void add_lines(struct ss_tree_printer *printer, const struct ss_tree_span *span,
		      unsigned depth)
{
	const struct ss_tree_span *ancestors[LEVELS_DRAWN], *parent;
	unsigned count = 0, most = levels_drawn(printer);

	while (count < most && (parent = parent_of(printer->tree, span)) &&
	       parent->parent != SS_TREE_NONE) {
		ancestors[count++] = parent;
		span = parent;
	}
	if (depth > count + 1)
		ss_text_line_format(&printer->line, "(%u more) ", depth - count - 1);
	while (count--) {
		bool on = goes_on(printer, ancestors[count]);

		ss_text_line_mark(&printer->line, on ? "\xe2\x94\x82  " : "   ",
				  on ? "|  " : "   ");
	}
}

static void add_branch(struct ss_tree_printer *printer, bool last, bool concurrent)
{
	if (concurrent)
		ss_text_line_mark(&printer->line,
				  last ? "\xe2\x95\x98\xe2\x95\x90 " : "\xe2\x95\x9e\xe2\x95\x90 ",
				  last ? "`= " : "|= ");
	else
		ss_text_line_mark(&printer->line,
				  last ? "\xe2\x94\x94\xe2\x94\x80 " : "\xe2\x94\x9c\xe2\x94\x80 ",
				  last ? "`- " : "|- ");
}

void ss_tree_print_below(struct ss_tree_printer *printer, uint32_t at, unsigned depth)
{
	const struct ss_tree_span *span = &printer->tree->spans[at];
	struct ss_text_line *line = &printer->line;
	bool on = goes_on(printer, span);

	ss_text_line_colour(line, SS_COLOUR_DIM);
	ss_text_line_format(line, "%*s  ", SS_TREE_DURATION_COLUMNS, "");
	add_lines(printer, span, depth);
	if (span->parent != SS_TREE_NONE)
		ss_text_line_mark(line, on ? "\xe2\x94\x82  " : "   ", on ? "|  " : "   ");
	on = span->first != SS_TREE_NONE;
	ss_text_line_mark(line, on ? "\xe2\x94\x82  " : "   ", on ? "|  " : "   ");
	ss_text_line_colour(line, SS_COLOUR_NONE);
}

/* Duration, box lines and branch. */
static void add_left(struct ss_tree_printer *printer, const struct ss_tree_span *span,
		     unsigned depth, enum ss_colour colour)
{
	ss_text_line_colour(&printer->line, colour);
	ss_text_line_duration(&printer->line, span->duration_ns, SS_TREE_DURATION_COLUMNS);
	ss_text_line_add(&printer->line, "  ", 0);
	ss_text_line_colour(&printer->line, SS_COLOUR_DIM);
	if (span->parent == SS_TREE_NONE)
		return;
	add_lines(printer, span, depth);
	add_branch(printer, !goes_on(printer, span), span->flags & SS_TREE_CONCURRENT);
}

/* --- whole trees --- */

static void add_count(struct ss_tree_printer *printer, uint64_t count, const char *what,
		      const char *plural, enum ss_colour colour)
{
	if (!count)
		return;
	ss_text_line_add(&printer->line, ", ", 0);
	ss_text_line_colour(&printer->line, colour);
	ss_text_line_format(&printer->line, "%" PRIu64 " %s%s", count, what,
			    count == 1 ? "" : plural);
	ss_text_line_colour(&printer->line, SS_COLOUR_NONE);
}

static void print_header(struct ss_tree_printer *printer)
{
	const struct ss_tree_trace *trace = printer->trace;
	time_t seconds = trace->start_ns / 1000000000;
	struct ss_text_line *line = &printer->line;
	char when[64] = "";
	struct tm tm;

	if (printer->any)
		fputc('\n', printer->style->file);
	printer->any_before = printer->any;
	printer->lines = printer->any;
	printer->headed = printer->any = true;
	if (gmtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	ss_text_line_format(line, "trace %016" PRIx64 "%016" PRIx64, trace->hi, trace->lo);
	if (!printer->style->follow) {
		separate(printer);
		ss_text_line_format(line, "%u span%s", trace->spans, trace->spans == 1 ? "" : "s");
		add_count(printer, trace->errors, "error", "s", SS_COLOUR_RED);
		add_count(printer, trace->unfinished, "unfinished", "", SS_COLOUR_YELLOW);
		add_count(printer, trace->missing, "missing", "", SS_COLOUR_NONE);
		ss_text_line_colour(line, SS_COLOUR_DIM);
		separate(printer);
		ss_text_line_duration(line, trace->end_ns - trace->start_ns, 0);
	}
	ss_text_line_colour(line, SS_COLOUR_DIM);
	separate(printer);
	ss_text_line_add(line, when, 0);
	ss_tree_print_line(printer);
}

/* Whether the reader sees the span right above: it, or something below it, was printed last. */
static bool is_in_sight(const struct ss_tree_printer *printer, uint32_t at)
{
	uint32_t last = printer->last;

	if (!(printer->tree->spans[at].flags & SS_TREE_TOLD))
		return false;
	while (last != SS_TREE_NONE && last != at)
		last = printer->tree->spans[last].parent;
	return last == at;
}

static void on_span(void *data, uint32_t at, unsigned depth)
{
	struct ss_tree_printer *printer = data;
	struct ss_tree_span *span = &printer->tree->spans[at];
	const struct ss_tree_content *content;
	bool chosen = (span->flags & SS_TREE_NEW) && (span->flags & SS_TREE_MATCHED);

	if (!chosen && is_in_sight(printer, at))
		return;
	printer->last = at;
	content = ss_tree_content_get(printer->contents, at, depth);
	if (span->flags & SS_TREE_MISSING) {
		ss_tree_line_missing(printer, span);
	} else {
		add_left(printer, span, depth, chosen ? SS_COLOUR_NONE : SS_COLOUR_DIM);
		if (chosen)
			ss_tree_line_span(printer, span, content, depth);
		else
			ss_tree_line_context(printer, span, content);
	}
	ss_tree_print_line(printer);
	span->flags |= SS_TREE_TOLD;
	if (chosen && content->span.name)
		ss_tree_print_details(printer, at, depth);
}

static void on_more(void *data, uint32_t at, unsigned depth)
{
	struct ss_tree_printer *printer = data;
	const struct ss_tree_span *span = &printer->tree->spans[at];
	struct ss_text_line *line = &printer->line;
	uint64_t errors, count = ss_tree_more(printer->tree, at, &errors);

	ss_text_line_colour(line, SS_COLOUR_DIM);
	ss_text_line_format(line, "%*s  ", SS_TREE_DURATION_COLUMNS, "");
	if (span->parent != SS_TREE_NONE) {
		add_lines(printer, span, depth);
		add_branch(printer, true, false);
	}
	ss_text_line_format(line, "%" PRIu64 " more", count);
	if (errors)
		ss_text_line_format(line, ", %" PRIu64 " error%s", errors, errors == 1 ? "" : "s");
	ss_tree_print_line(printer);
}

void ss_tree_printer_init(struct ss_tree_printer *printer, const struct ss_tree_style *style,
			  struct ss_tree *tree, struct ss_tree_contents *contents)
{
	memset(printer, 0, sizeof(*printer));
	printer->style = style;
	printer->tree = tree;
	printer->contents = contents;
	printer->last = printer->last_trace = SS_TREE_NONE;
	printer->line.utf8 = style->utf8;
	printer->line.width = style->width;
}

void ss_tree_print(struct ss_tree_printer *printer)
{
	const struct ss_tree_visitor visitor = { on_span, NULL, on_more, printer };
	struct ss_tree *tree = printer->tree;
	uint32_t i;

	printer->headed = false;
	for (i = 0; i < tree->shown_trace_count; i++) {
		printer->trace = &tree->traces[tree->shown_traces[i]];
		if (printer->last_trace != tree->shown_traces[i]) {
			print_header(printer);
			printer->last = SS_TREE_NONE;
		}
		printer->last_trace = tree->shown_traces[i];
		ss_tree_walk(tree, printer->trace, &visitor);
	}
}

/* Parents that have not ended: of what was followed. */
static uint64_t count_pending(const struct ss_tree_printer *printer)
{
	uint64_t count = 0;
	uint32_t i;

	for (i = 0; printer->style->follow && i < printer->tree->span_count; i++)
		count += (printer->tree->spans[i].flags & (SS_TREE_MISSING | SS_TREE_REMOTE)) ==
			 SS_TREE_MISSING;
	return count;
}

static void begin_end(struct ss_tree_printer *printer)
{
	if (printer->any)
		fputc('\n', printer->style->file);
	printer->any = false;
}

void ss_tree_print_end(struct ss_tree_printer *printer)
{
	const struct ss_tree *tree = printer->tree;
	struct ss_text_line *line = &printer->line;
	uint64_t pending = count_pending(printer);
	const struct ss_tree_loss *loss;

	if (pending || tree->losses || tree->duplicates || tree->left_out ||
	    printer->contents->unread)
		begin_end(printer);
	if (pending) {
		ss_text_line_colour(line, SS_COLOUR_YELLOW);
		ss_text_line_format(line, "spans still pending: %" PRIu64, pending);
		ss_tree_print_line(printer);
	}
	for (loss = tree->losses; loss; loss = loss->next) {
		ss_text_line_colour(line, SS_COLOUR_RED);
		ss_text_line_format(line, "events lost: %s %" PRIu64, loss->what, loss->count);
		ss_tree_print_line(printer);
	}
	if (tree->duplicates) {
		ss_text_line_format(line, "spans that stand in the dumps more than once: %" PRIu64,
				    tree->duplicates);
		ss_tree_print_line(printer);
	}
	if (tree->left_out) {
		ss_text_line_colour(line, SS_COLOUR_YELLOW);
		ss_text_line_format(line,
				    "spans left out, to save memory: %" PRIu64
				    "; --trace looks at one trace",
				    tree->left_out);
		ss_tree_print_line(printer);
	}
	if (printer->contents->unread) {
		ss_text_line_colour(line, SS_COLOUR_YELLOW);
		ss_text_line_format(line,
				    "spans whose file has changed since it was read: %" PRIu64,
				    printer->contents->unread);
		ss_tree_print_line(printer);
	}
}
