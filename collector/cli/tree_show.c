/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cli/cli.h"
#include "collector/cli/progress.h"
#include "collector/cli/tree_json.h"

int ss_tree_show_trouble(struct ss_tree_show *show, const char *path, uint64_t number,
			 const char *what)
{
	char text[1024];
	int length = snprintf(text, sizeof(text), "%.800s:%" PRIu64 ": %s", path, number, what);
	const char *copy;

	if (show->trouble_count++ >= SS_TREE_TROUBLES_SHOWN)
		return 0;
	copy = ss_bump_text(&show->tree.memory, text, length);
	if (!copy)
		return -ENOMEM;
	show->troubles[show->trouble_count - 1] = copy;
	return 0;
}

void ss_tree_show_fail(struct ss_tree_show *show, const char *what, int error)
{
	ss_cli_error(show->command, "%s: %s", what, strerror(-error));
	show->status = SS_EXIT_USAGE;
}

int ss_tree_show_line(struct ss_tree_show *show, uint16_t source, const struct ss_dump_line *line,
		      uint64_t at)
{
	const char *path = show->sources.list[source]->path;
	const struct ss_tree_slice text = { line->text, line->bytes };
	char what[80];
	size_t byte;
	int r;

	if (line->too_long)
		return ss_tree_show_trouble(show, path, line->number, "line too long to be read");
	r = ss_tree_add(&show->tree, text, source, at, &byte);
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
	return ss_tree_show_trouble(show, path, line->number, what);
}

static void read_file(struct ss_tree_show *show, const char *path)
{
	struct ss_progress progress = { 0 };
	struct ss_tree_source *source;
	struct ss_dump_line line;
	uint64_t at = 0;
	int r = ss_tree_source_open(&show->sources, path, false, &source);

	if (r) {
		ss_tree_show_fail(show, path, r);
		return;
	}
	ss_progress_start(&progress, path, source->reader.fd);
	while ((r = ss_tree_source_next(source, false, &line, &at)) == 1) {
		r = ss_tree_show_line(show, show->sources.count - 1, &line, at);
		if (r)
			break;
		ss_progress_show(&progress, source->reader.bytes);
	}
	ss_progress_end(&progress);
	ss_tree_source_finish(source, false);
	if (r)
		ss_tree_show_fail(show, path, r);
}

/* Nothing was printed: why? */
static void say_nothing(const struct ss_tree_show *show)
{
	if (show->tree.found)
		ss_cli_error(show->command, "none of %" PRIu64 " span%s matches", show->tree.found,
			     show->tree.found == 1 ? "" : "s");
	else if (show->tree.options.trace_digits)
		ss_cli_error(show->command, "no trace has such an id");
	else if (!show->trouble_count)
		ss_cli_error(show->command, "there are no spans");
}

static void show_files(struct ss_tree_show *show, char *const *paths, int count)
{
	int i, r;

	for (i = 0; i < count; i++)
		read_file(show, paths[i]);
	r = ss_tree_link(&show->tree);
	if (r)
		ss_tree_show_fail(show, "cannot make trees", r);
	else if (show->style->json)
		ss_tree_json_print(&show->tree, &show->contents, show->style->file);
	else
		ss_tree_print(&show->printer);
	if (!r && !show->tree.order_count && show->status == SS_EXIT_OK)
		say_nothing(show);
}

/* JSON has no place for them. */
static void print_troubles(struct ss_tree_show *show)
{
	FILE *file = show->style->json ? stderr : show->style->file;
	uint64_t i, more = 0;

	if (show->trouble_count > SS_TREE_TROUBLES_SHOWN)
		more = show->trouble_count - SS_TREE_TROUBLES_SHOWN;
	if (show->trouble_count && show->printer.any && file != stderr)
		fputc('\n', file);
	for (i = 0; i < show->trouble_count - more; i++)
		fprintf(file, "%s\n", show->troubles[i]);
	if (more)
		fprintf(file, "%" PRIu64 " more lines that could not be read\n", more);
}

int ss_tree_show(const char *command, char *const *paths, int count,
		 const struct ss_tree_options *options, const struct ss_tree_style *style)
{
	struct ss_tree_show *show = calloc(1, sizeof(*show));
	int status;

	if (!show) {
		ss_cli_error(command, "%s", strerror(ENOMEM));
		return SS_EXIT_USAGE;
	}
	show->command = command;
	show->style = style;
	show->tree.options = *options;
	show->contents.tree = &show->tree;
	show->contents.sources = &show->sources;
	ss_tree_printer_init(&show->printer, style, &show->tree, &show->contents);
	if (style->follow)
		ss_tree_follow(show, paths, count);
	else
		show_files(show, paths, count);
	if (!style->json)
		ss_tree_print_end(&show->printer);
	print_troubles(show);
	status =
		show->status == SS_EXIT_OK && show->trouble_count ? SS_EXIT_FINDINGS : show->status;
	ss_tree_contents_deinit(&show->contents);
	ss_tree_sources_deinit(&show->sources);
	ss_tree_deinit(&show->tree);
	free(show);
	return status;
}
