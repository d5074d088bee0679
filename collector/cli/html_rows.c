/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/html_rows.h"

#include <errno.h>
#include <string.h>

#include "collector/cli/tree_content.h"
#include "collector/cli/tree_generation.h"
#include "collector/cli/tree_line.h"
#include "collector/cli/tree_model.h"
#include "collector/cli/tree_walk.h"

#define BLOCK_ROWS  2048u
#define BLOCK_SPANS 256u
#define BLOCK_BYTES (256u << 10)
#define NAME_CHARS  512u
#define TICKS_MAX   1000u /* of one span: a bar has no more pixels */

/* What a row says of its span, in html/data.js by the same names. */
enum row_flag {
	ROW_ERROR = 1,
	ROW_UNFINISHED = 2,
	ROW_MISSING = 4,
	ROW_REMOTE = 8,
	ROW_CONTEXT = 16,
	ROW_CONCURRENT = 32,
	ROW_GENERATION = 64,
	ROW_LEFT_OUT = 128, /* no span, but the number of those that are not on the page */
};

enum tick { TICK_CHUNK, TICK_OTHER, TICK_BAD };

int ss_html_rows_init(struct ss_html_rows *rows, struct ss_tree_reading *reading,
		      const struct ss_html_cut *cut, struct ss_html_pack *pack)
{
	memset(rows, 0, sizeof(*rows));
	rows->reading = reading;
	rows->cut = cut;
	rows->pack = pack;
	rows->style.utf8 = true;
	ss_tree_printer_init(&rows->printer, &rows->style, &reading->tree, &reading->contents);
	if (ss_json_init(&rows->rows, SS_JSON_BYTES_MIN))
		return -ENOMEM;
	return ss_json_init(&rows->spans, 2 * BLOCK_BYTES);
}

void ss_html_rows_deinit(struct ss_html_rows *rows)
{
	ss_json_deinit(&rows->rows);
	ss_json_deinit(&rows->spans);
}

static void finish_rows(struct ss_html_rows *rows)
{
	ss_json_raw(&rows->rows, "]");
	ss_html_pack_block(rows->pack, "rows", rows->count - rows->rows_waiting, &rows->rows);
	rows->rows_waiting = 0;
}

static void finish_spans(struct ss_html_rows *rows)
{
	ss_html_pack_block(rows->pack, "spans", rows->count - rows->spans_waiting, &rows->spans);
	rows->spans_waiting = 0;
}

void ss_html_rows_flush(struct ss_html_rows *rows)
{
	if (rows->rows_waiting)
		finish_rows(rows);
	if (rows->spans_waiting)
		finish_spans(rows);
}

/* --- spans, as they stand in the dump --- */

static void add_text(struct ss_html_rows *rows, const struct ss_tree_span *span)
{
	const struct ss_tree_source *source = rows->reading->sources.list[span->source];
	size_t left = ss_tree_text_bytes(span), bytes;
	uint64_t at = ss_tree_text_offset(span);

	for (; left; left -= bytes, at += bytes) {
		bytes = left < SS_JSON_BYTES_MIN ? left : SS_JSON_BYTES_MIN;
		ss_json_need(&rows->spans, bytes);
		if (ss_tree_source_read(source, at, rows->spans.p, bytes))
			return;
		rows->spans.p += bytes;
	}
}

/* A line for each row, so that its number is enough to find it. */
static void add_span(struct ss_html_rows *rows, const struct ss_tree_span *span, bool readable)
{
	if (readable)
		add_text(rows, span);
	ss_json_raw(&rows->spans, "\n");
	if (++rows->spans_waiting == BLOCK_SPANS || ss_json_length(&rows->spans) >= BLOCK_BYTES)
		finish_spans(rows);
}

/* --- rows --- */

/* [depth, start, duration, flags, group, "name", "words", what the kind of row needs...] */
static void begin_row(struct ss_html_rows *rows, const struct ss_tree_span *span, unsigned depth,
		      unsigned flags)
{
	struct ss_json *json = &rows->rows;

	ss_json_raw(json, rows->rows_waiting ? ",\n[" : "[[");
	ss_json_uint(json, depth);
	ss_json_raw(json, ",");
	ss_json_uint(json, span->start_ns - rows->trace->start_ns);
	ss_json_raw(json, ",");
	ss_json_uint(json, span->duration_ns);
	ss_json_raw(json, ",");
	ss_json_uint(json, flags);
	ss_json_raw(json, ",");
	ss_json_int(json, span->group == SS_TREE_NONE ? -1 : (int64_t)span->group);
	ss_json_raw(json, ",");
}

static void end_row(struct ss_html_rows *rows)
{
	ss_json_raw(&rows->rows, "]");
	rows->count++;
	if (++rows->rows_waiting == BLOCK_ROWS)
		finish_rows(rows);
}

static void add_string(struct ss_json *json, const char *text)
{
	ss_json_string(json, text, strlen(text), NAME_CHARS);
}

/* A change of colour is a control character, which words have none of otherwise. */
static void add_words(struct ss_html_rows *rows)
{
	static const char *const marks[SS_COLOUR_COUNT] = {
		[SS_COLOUR_NONE] = "\\u0001",
		[SS_COLOUR_RED] = "\\u0002",
		[SS_COLOUR_YELLOW] = "\\u0003",
		[SS_COLOUR_DIM] = "\\u0004",
	};
	const struct ss_text_line *line = &rows->printer.line;
	struct ss_json *json = &rows->rows;
	size_t from = 0, to;
	unsigned i;

	ss_json_raw(json, "\"");
	for (i = 0; i <= line->colour_count; i++) {
		to = i < line->colour_count ? line->colours[i].from : line->bytes;
		to = to < line->bytes ? to : line->bytes;
		if (to > from)
			ss_json_escaped(json, line->text + from, to - from);
		from = to > from ? to : from;
		if (i < line->colour_count)
			ss_json_bytes(json, marks[line->colours[i].colour], 6);
	}
	ss_json_raw(json, "\"");
}

/* A check that failed says so in one of two ways. */
static bool is_bad(const struct ss_dump_event *event)
{
	const struct cJSON *cursor = NULL;
	struct ss_dump_attr attr;

	if (!strcmp(event->name, "exception") || !strcmp(event->name, "error"))
		return true;
	while (ss_dump_read_attr(event->attributes, &cursor, &attr))
		if (attr.type == SS_DUMP_BOOL && !attr.integer &&
		    (strstr(attr.key, "passed") || strstr(attr.key, "success")))
			return true;
	return false;
}

static bool is_chunk(const char *name)
{
	return !strcmp(name, "chunk") || !strcmp(name, "chunk_processed") || !strcmp(name, "row");
}

/* [when, enum tick, when, enum tick...], counted from the span's start. */
static void add_ticks(struct ss_html_rows *rows, const struct ss_dump_span *span)
{
	const struct cJSON *cursor = NULL;
	struct ss_json *json = &rows->rows;
	struct ss_dump_event event;
	unsigned count = 0;

	ss_json_raw(json, ",[");
	while (count < TICKS_MAX && ss_dump_read_event(span->events, &cursor, &event)) {
		ss_json_raw(json, count++ ? "," : "");
		ss_json_uint(json,
			     event.time_ns > span->start_ns ? event.time_ns - span->start_ns : 0);
		ss_json_raw(json, ",");
		ss_json_uint(json, is_bad(&event)         ? TICK_BAD
				   : is_chunk(event.name) ? TICK_CHUNK
							  : TICK_OTHER);
	}
	ss_json_raw(json, "]");
}

static void add_first_chunk(struct ss_html_rows *rows, const struct ss_tree_content *content)
{
	struct ss_dump_attr attr;
	double ns = 0;

	if (ss_tree_content_attr(content, "gen_ai.response.time_to_first_chunk", &attr))
		ns = attr.type == SS_DUMP_INT ? (double)attr.integer * 1e9 : attr.number * 1e9;
	ss_json_raw(&rows->rows, ",");
	ss_json_uint(&rows->rows, ns > 0 && ns < 1e18 ? (uint64_t)ns : 0);
}

static unsigned row_flags(const struct ss_tree_span *span, const struct ss_tree_content *content)
{
	unsigned flags = 0;

	flags |= span->flags & SS_TREE_ERROR ? ROW_ERROR : 0;
	flags |= span->flags & SS_TREE_UNFINISHED ? ROW_UNFINISHED : 0;
	flags |= span->flags & SS_TREE_MISSING ? ROW_MISSING : 0;
	flags |= span->flags & SS_TREE_REMOTE ? ROW_REMOTE : 0;
	flags |= span->flags & (SS_TREE_MATCHED | SS_TREE_MISSING) ? 0 : ROW_CONTEXT;
	flags |= span->flags & SS_TREE_CONCURRENT ? ROW_CONCURRENT : 0;
	flags |= content->span.name && ss_tree_is_generation(content) ? ROW_GENERATION : 0;
	return flags;
}

static void on_span(void *data, uint32_t at, unsigned depth)
{
	struct ss_html_rows *rows = data;
	const struct ss_tree_span *span = &rows->reading->tree.spans[at];
	const struct ss_tree_content *content =
		ss_tree_content_get(&rows->reading->contents, at, depth);
	bool readable = content->span.name != NULL;
	struct ss_json *json = &rows->rows;

	begin_row(rows, span, depth, row_flags(span, content));
	add_string(json, readable ? content->span.name : "");
	ss_json_raw(json, ",");
	ss_text_line_reset(&rows->printer.line);
	if (readable)
		ss_tree_line_words(&rows->printer, span, content, depth);
	add_words(rows);
	ss_json_raw(json, ",\"");
	ss_json_hex(json, span->span_id);
	ss_json_raw(json, "\"");
	if (readable) {
		add_first_chunk(rows, content);
		add_ticks(rows, &content->span);
	}
	end_row(rows);
	add_span(rows, span, readable);
}

/* [..., "", "", spans, errors] */
static void add_left_out(struct ss_html_rows *rows, const struct ss_tree_span *like, unsigned depth,
			 uint64_t count, uint64_t errors)
{
	begin_row(rows, like, depth, ROW_LEFT_OUT);
	ss_json_raw(&rows->rows, "\"\",\"\",");
	ss_json_uint(&rows->rows, count);
	ss_json_raw(&rows->rows, ",");
	ss_json_uint(&rows->rows, errors);
	end_row(rows);
	add_span(rows, like, false);
}

static void on_end(void *data, uint32_t at, unsigned depth)
{
	struct ss_html_rows *rows = data;
	const uint32_t *left = rows->cut->of_span;

	if (left && left[at])
		add_left_out(rows, &rows->reading->tree.spans[at], depth + 1, left[at], 0);
}

/* Of a span, all siblings after it, and what is below them. Recurses nowhere. */
static uint64_t count_from(const struct ss_html_rows *rows, uint32_t at, uint64_t *ret_errors)
{
	const struct ss_tree_span *spans = rows->reading->tree.spans;
	uint32_t above = spans[at].parent;
	uint64_t count = 0;

	*ret_errors = 0;
	for (;;) {
		count += !(spans[at].flags & SS_TREE_MISSING);
		*ret_errors += (spans[at].flags & SS_TREE_ERROR) != 0;
		count += rows->cut->of_span ? rows->cut->of_span[at] : 0;
		if (spans[at].first != SS_TREE_NONE) {
			at = spans[at].first;
			continue;
		}
		while (spans[at].next == SS_TREE_NONE) {
			at = spans[at].parent;
			if (at == above)
				return count;
		}
		at = spans[at].next;
	}
}

static void on_more(void *data, uint32_t at, unsigned depth)
{
	struct ss_html_rows *rows = data;
	uint64_t errors, count = count_from(rows, at, &errors);

	add_left_out(rows, &rows->reading->tree.spans[at], depth, count, errors);
}

uint32_t ss_html_rows_trace(struct ss_html_rows *rows, uint32_t trace)
{
	const struct ss_tree_visitor visitor = { on_span, on_end, on_more, rows };
	struct ss_tree *tree = &rows->reading->tree;

	uint64_t before = rows->count;

	rows->trace = &tree->traces[trace];
	ss_tree_walk(tree, rows->trace, &visitor);
	if (rows->cut->of_trace && rows->cut->of_trace[trace])
		add_left_out(rows, &tree->spans[rows->trace->first], 0, rows->cut->of_trace[trace],
			     0);
	return (uint32_t)(rows->count - before);
}
