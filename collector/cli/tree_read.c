/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "collector/cli/cli.h"
#include "collector/cli/progress.h"

void ss_tree_read_init(struct ss_tree_reading *reading, const char *command,
		       const struct ss_tree_options *options)
{
	reading->command = command;
	reading->tree.options = *options;
	reading->contents.tree = &reading->tree;
	reading->contents.sources = &reading->sources;
}

void ss_tree_read_deinit(struct ss_tree_reading *reading)
{
	ss_tree_contents_deinit(&reading->contents);
	ss_tree_sources_deinit(&reading->sources);
	ss_tree_deinit(&reading->tree);
}

int ss_tree_read_trouble(struct ss_tree_reading *reading, const char *path, uint64_t number,
			 const char *what)
{
	char text[1024];
	int length = snprintf(text, sizeof(text), "%.800s:%" PRIu64 ": %s", path, number, what);
	const char *copy;

	if (reading->trouble_count++ >= SS_TREE_TROUBLES_SHOWN)
		return 0;
	copy = ss_bump_text(&reading->tree.memory, text, length);
	if (!copy)
		return -ENOMEM;
	reading->troubles[reading->trouble_count - 1] = copy;
	return 0;
}

void ss_tree_read_fail(struct ss_tree_reading *reading, const char *what, int error)
{
	ss_cli_error(reading->command, "%s: %s", what, strerror(-error));
	reading->status = SS_EXIT_USAGE;
}

int ss_tree_read_line(struct ss_tree_reading *reading, uint16_t source,
		      const struct ss_dump_line *line, uint64_t at)
{
	const char *path = reading->sources.list[source]->path;
	const struct ss_tree_slice text = { line->text, line->bytes };
	char what[80];
	size_t byte;
	int r;

	if (line->too_long)
		return ss_tree_read_trouble(reading, path, line->number,
					    "line too long to be read");
	r = ss_tree_add(&reading->tree, text, source, at, &byte);
	if (r == 0 || r == -ENOMEM)
		return r;
	if (r == -EBADMSG && !line->ended)
		snprintf(what, sizeof(what), "the last line is cut off");
	else if (r == -EBADMSG)
		snprintf(what, sizeof(what), "not JSON at byte %zu", byte + 1);
	else if (r == -EXDEV)
		snprintf(what, sizeof(what), "metrics, not spans: see 'spanshim stats'");
	else if (r < 0)
		snprintf(what, sizeof(what), "no resourceSpans");
	else
		snprintf(what, sizeof(what), "%d span%s without a proper name, id or time", r,
			 r == 1 ? "" : "s");
	return ss_tree_read_trouble(reading, path, line->number, what);
}

void ss_tree_read_file(struct ss_tree_reading *reading, const char *path)
{
	struct ss_progress progress = { 0 };
	struct ss_tree_source *source;
	struct ss_dump_line line;
	uint64_t at = 0;
	int r = ss_tree_source_open(&reading->sources, path, false, &source);

	if (r) {
		ss_tree_read_fail(reading, path, r);
		return;
	}
	ss_progress_start(&progress, path, source->reader.fd);
	while ((r = ss_tree_source_next(source, false, &line, &at)) == 1) {
		r = ss_tree_read_line(reading, reading->sources.count - 1, &line, at);
		if (r)
			break;
		ss_progress_show(&progress, source->reader.bytes);
	}
	ss_progress_end(&progress);
	ss_tree_source_finish(source, false);
	if (r)
		ss_tree_read_fail(reading, path, r);
}

void ss_tree_read_say_nothing(const struct ss_tree_reading *reading)
{
	if (reading->tree.found)
		ss_cli_error(reading->command, "none of %" PRIu64 " span%s matches",
			     reading->tree.found, reading->tree.found == 1 ? "" : "s");
	else if (reading->tree.options.trace_digits)
		ss_cli_error(reading->command, "no trace has such an id");
	else if (!reading->trouble_count)
		ss_cli_error(reading->command, "there are no spans");
}

uint64_t ss_tree_read_more_troubles(const struct ss_tree_reading *reading)
{
	return reading->trouble_count > SS_TREE_TROUBLES_SHOWN
		       ? reading->trouble_count - SS_TREE_TROUBLES_SHOWN
		       : 0;
}

int ss_tree_read_status(const struct ss_tree_reading *reading)
{
	return reading->status == SS_EXIT_OK && reading->trouble_count ? SS_EXIT_FINDINGS
								       : reading->status;
}
