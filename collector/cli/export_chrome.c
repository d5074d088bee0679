/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_chrome.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cjson/cJSON.h>

#include "collector/cli/cli.h"
#include "collector/cli/export_lanes.h"
#include "collector/cli/plain_json.h"
#include "collector/cli/progress.h"
#include "collector/cli/text_line.h"
#include "collector/cli/tree_content.h"
#include "collector/cli/tree_model.h"
#include "collector/cli/tree_show.h"

struct writing {
	const struct ss_tree *tree;
	struct ss_tree_contents *contents;
	struct ss_export_lanes lanes;
	struct ss_progress progress;
	const char **lane_names; /* of the first span on each; in the tree's memory */
	struct ss_bump names;
	FILE *file;
	uint64_t base_ns; /* times are counted from there: a double would not hold them */
	uint64_t bytes;   /* of the spans written so far, as they stand in the dumps */
	bool comma;
};

/* --- parts of events --- */

/* Viewers take a thread whose number is its process's for the main one: all numbers differ. */
static uint32_t process_number(const struct ss_export_lane *lane)
{
	return lane->process + 1;
}

static uint32_t track_number(const struct writing *writing, uint32_t lane)
{
	return writing->lanes.process_count + lane + 1;
}

static void begin(struct writing *writing, const char *phase)
{
	fprintf(writing->file, "%s{\"ph\":\"%s\"", writing->comma ? ",\n" : "\n", phase);
	writing->comma = true;
}

static void put_track(struct writing *writing, uint32_t lane)
{
	fprintf(writing->file, ",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32,
		process_number(&writing->lanes.list[lane]), track_number(writing, lane));
}

/* Microseconds, with the nanoseconds behind the point. */
static void put_us(struct writing *writing, const char *key, uint64_t ns)
{
	fprintf(writing->file, ",\"%s\":%" PRIu64 ".%03u", key, ns / 1000, (unsigned)(ns % 1000));
}

static void put_time(struct writing *writing, uint64_t ns)
{
	put_us(writing, "ts", ns > writing->base_ns ? ns - writing->base_ns : 0);
}

static void put_text(struct writing *writing, const char *key, const char *text)
{
	fprintf(writing->file, ",\"%s\":", key);
	ss_plain_string(writing->file, text);
}

/* --- spans --- */

static void put_category(struct writing *writing, const struct ss_tree_span *span)
{
	if (span->flags & SS_TREE_UNFINISHED)
		fputs(",\"cat\":\"span,unfinished\",\"cname\":\"bad\"", writing->file);
	else if (span->flags & SS_TREE_ERROR)
		fputs(",\"cat\":\"span,error\",\"cname\":\"terrible\"", writing->file);
	else
		fputs(",\"cat\":\"span\"", writing->file);
}

static void put_args(struct writing *writing, const struct ss_tree_span *span,
		     const struct ss_tree_content *content)
{
	const struct ss_tree_trace *trace = &writing->tree->traces[span->trace];
	FILE *file = writing->file;

	fputs(",\"args\":{", file);
	if (ss_plain_members(file, content->span.attributes))
		putc(',', file);
	fprintf(file, "\"span.trace_id\":\"%016" PRIx64 "%016" PRIx64 "\"", trace->hi, trace->lo);
	fprintf(file, ",\"span.id\":\"%016" PRIx64 "\"", span->span_id);
	if (content->span.parent_id)
		fprintf(file, ",\"span.parent_id\":\"%016" PRIx64 "\"", content->span.parent_id);
	fprintf(file, ",\"span.status\":\"%s\"", content->span.error ? "ERROR" : "OK");
	if (*content->span.message)
		put_text(writing, "span.message", content->span.message);
	putc('}', file);
}

static void put_span(struct writing *writing, const struct ss_tree_span *span, uint32_t lane,
		     const struct ss_tree_content *content)
{
	begin(writing, "X");
	put_track(writing, lane);
	put_time(writing, span->start_ns);
	put_us(writing, "dur", span->duration_ns);
	put_text(writing, "name", content->span.name);
	put_category(writing, span);
	put_args(writing, span, content);
	putc('}', writing->file);
}

static void put_events(struct writing *writing, uint32_t lane,
		       const struct ss_tree_content *content)
{
	const cJSON *cursor = NULL;
	struct ss_dump_event event;

	while (ss_dump_read_event(content->span.events, &cursor, &event)) {
		begin(writing, "i");
		put_track(writing, lane);
		put_time(writing, event.time_ns);
		put_text(writing, "name", event.name);
		fputs(",\"cat\":\"event\",\"s\":\"t\",\"args\":", writing->file);
		ss_plain_object(writing->file, event.attributes);
		putc('}', writing->file);
	}
}

/* An end of an arrow, which is bound to the span that begins there and then. */
static void put_arrow(struct writing *writing, const char *phase, uint32_t lane, uint64_t ns,
		      uint32_t child)
{
	begin(writing, phase);
	put_track(writing, lane);
	put_time(writing, ns);
	fprintf(writing->file, ",\"id\":%" PRIu32 ",\"name\":\"child\",\"cat\":\"parent\"%s}",
		child + 1, *phase == 'f' ? ",\"bp\":\"e\"" : "");
}

static void put_arrows(struct writing *writing, uint32_t at, uint32_t lane)
{
	const struct ss_tree_span *spans = writing->tree->spans, *span = &spans[at];
	const uint32_t *lane_of = writing->lanes.of_span;
	uint32_t child;

	if (span->parent != SS_TREE_NONE && lane_of[span->parent] != SS_TREE_NONE &&
	    lane_of[span->parent] != lane)
		put_arrow(writing, "f", lane, span->start_ns, at);
	for (child = span->first; child != SS_TREE_NONE; child = spans[child].next)
		if (lane_of[child] != lane && lane_of[child] != SS_TREE_NONE)
			put_arrow(writing, "s", lane, span->start_ns, child);
}

static int write_span(struct writing *writing, uint32_t at)
{
	const struct ss_tree_span *span = &writing->tree->spans[at];
	const struct ss_tree_content *content;
	uint32_t lane = writing->lanes.of_span[at];

	if (lane == SS_TREE_NONE)
		return 0;
	content = ss_tree_content_get(writing->contents, at, 0);
	writing->bytes += ss_tree_text_bytes(span);
	ss_progress_show(&writing->progress, writing->bytes);
	if (!content->span.name)
		return 0; /* counted by contents */
	if (writing->lanes.list[lane].first == at) {
		writing->lane_names[lane] = ss_bump_text(&writing->names, content->span.name,
							 strlen(content->span.name));
		if (!writing->lane_names[lane])
			return -ENOMEM;
	}
	put_span(writing, span, lane, content);
	put_arrows(writing, at, lane);
	put_events(writing, lane, content);
	return 0;
}

/* --- names of processes and tracks --- */

static void put_name(struct writing *writing, const char *what, const char *name)
{
	put_text(writing, "name", what);
	fputs(",\"args\":{\"name\":", writing->file);
	ss_plain_string(writing->file, name);
	fputs("}}", writing->file);
}

static void write_process_names(struct writing *writing)
{
	bool *named = calloc(writing->lanes.process_count, sizeof(*named));
	uint32_t i;

	for (i = 0; named && i < writing->tree->group_count; i++) {
		const struct ss_tree_group *group = &writing->tree->groups[i];

		if (named[group->process] || !writing->lanes.processes[group->process].count)
			continue;
		named[group->process] = true;
		begin(writing, "M");
		fprintf(writing->file, ",\"pid\":%" PRIu32, group->process + 1);
		put_name(writing, "process_name", *group->label ? group->label : "unknown");
	}
	free(named);
}

static void write_track_names(struct writing *writing)
{
	uint32_t i;

	for (i = 0; i < writing->lanes.count; i++) {
		begin(writing, "M");
		put_track(writing, i);
		put_name(writing, "thread_name",
			 writing->lane_names[i] ? writing->lane_names[i] : "");
		begin(writing, "M");
		put_track(writing, i);
		fprintf(writing->file,
			",\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":%" PRIu32 "}}",
			i);
	}
}

/* --- all of it --- */

static void write_head(struct writing *writing)
{
	const struct ss_tree_loss *loss;

	fprintf(writing->file,
		"{\"displayTimeUnit\":\"ns\",\"otherData\":{\"writer\":\"spanshim " SS_VERSION
		"\",\"startTimeUnixNano\":\"%" PRIu64 "\"",
		writing->base_ns);
	for (loss = writing->tree->losses; loss; loss = loss->next) {
		putc(',', writing->file);
		ss_plain_string(writing->file, loss->what);
		fprintf(writing->file, ":\"%" PRIu64 " events lost\"", loss->count);
	}
	fputs("},\"traceEvents\":[", writing->file);
}

static uint64_t first_start(const struct ss_tree *tree, uint64_t *ret_bytes)
{
	uint64_t first = UINT64_MAX, bytes = 0;
	uint32_t i;

	for (i = 0; i < tree->order_count; i++) {
		const struct ss_tree_span *span = &tree->spans[tree->order[i]];

		if (span->flags & SS_TREE_MISSING)
			continue;
		if (span->start_ns < first)
			first = span->start_ns;
		bytes += ss_tree_text_bytes(span);
	}
	*ret_bytes = bytes;
	return first == UINT64_MAX ? 0 : first;
}

/* What is named comes from a dump: no terminal may obey it. */
static void tell(struct ss_text_line *line, const char *what, const char *of, uint64_t count)
{
	if (!count)
		return;
	line->utf8 = ss_cli_utf8();
	ss_text_line_reset(line);
	ss_text_line_add(line, "spanshim export: ", 0);
	ss_text_line_add(line, what, 0);
	ss_text_line_add(line, of, 0);
	ss_text_line_format(line, ": %" PRIu64, count);
	ss_text_line_print(line, false, stderr);
}

static void tell_all(const struct ss_tree *tree, const struct ss_tree_contents *contents)
{
	const struct ss_tree_loss *loss;
	struct ss_text_line line = { .utf8 = false };

	for (loss = tree->losses; loss; loss = loss->next)
		tell(&line, "events lost: ", loss->what, loss->count);
	tell(&line, "spans left out, to save memory", "", tree->left_out);
	tell(&line, "spans that stand in the dumps more than once", "", tree->duplicates);
	tell(&line, "spans whose file has changed since it was read", "", contents->unread);
}

static int write_trace(const struct ss_tree *tree, struct ss_tree_contents *contents, FILE *file)
{
	struct writing writing = { .tree = tree, .contents = contents, .file = file };
	uint64_t bytes;
	uint32_t i;
	int r = ss_export_lanes_make(&writing.lanes, tree);

	writing.base_ns = first_start(tree, &bytes);
	writing.lane_names = calloc(writing.lanes.count + 1, sizeof(*writing.lane_names));
	if (!r && !writing.lane_names)
		r = -ENOMEM;
	if (!r) {
		ss_progress_start_size(&writing.progress, "written", bytes);
		write_head(&writing);
		for (i = 0; !r && i < tree->order_count; i++)
			r = write_span(&writing, tree->order[i]);
		write_process_names(&writing);
		write_track_names(&writing);
		fputs("\n]}\n", file);
		ss_progress_end(&writing.progress);
		tell_all(tree, contents);
	}
	free(writing.lane_names);
	ss_bump_deinit(&writing.names);
	ss_export_lanes_deinit(&writing.lanes);
	return r;
}

/* Spans are read while the trace is written. */
static bool is_input(const char *output, char *const *paths, int count)
{
	struct stat target, input;
	int i;

	for (i = 0; !stat(output, &target) && i < count; i++)
		if (!stat(paths[i], &input) && input.st_dev == target.st_dev &&
		    input.st_ino == target.st_ino && S_ISREG(input.st_mode))
			return true;
	return false;
}

int ss_export_chrome(char *const *paths, int count, const char *output)
{
	struct ss_tree_style style = { .file = stdout, .write = write_trace };
	const struct ss_tree_options options = { 0 };
	int status;

	if (!output || !strcmp(output, "-"))
		return ss_tree_show("export", paths, count, &options, &style);
	if (is_input(output, paths, count))
		return ss_cli_usage("export", "--output %s is one of the files to read", output);
	style.file = fopen(output, "we");
	if (!style.file) {
		ss_cli_error("export", "%s: %s", output, strerror(errno));
		return SS_EXIT_USAGE;
	}
	status = ss_tree_show("export", paths, count, &options, &style);
	if (ferror(style.file) | fclose(style.file)) {
		ss_cli_error("export", "%s: %s", output, strerror(errno ? errno : EIO));
		status = SS_EXIT_USAGE;
	}
	return status;
}
