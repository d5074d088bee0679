/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/cli/cli.h"
#include "collector/cli/tree_model.h"
#include "collector/cli/tree_print.h"
#include "collector/dump.h"

#define TROUBLES_SHOWN 10

struct show {
	struct ss_tree tree;
	const char *troubles[TROUBLES_SHOWN]; /* lines that could not be read, as text */
	uint64_t trouble_count;
};

static int note_trouble(struct show *show, const char *path, const struct ss_dump_line *line,
			const char *what)
{
	char text[1024];
	int length =
		snprintf(text, sizeof(text), "%.800s:%" PRIu64 ": %s", path, line->number, what);
	const char *copy;

	if (show->trouble_count++ >= TROUBLES_SHOWN)
		return 0;
	copy = ss_bump_text(&show->tree.memory, text, length);
	if (!copy)
		return -ENOMEM;
	show->troubles[show->trouble_count - 1] = copy;
	return 0;
}

static int read_line(struct show *show, const char *path, const struct ss_dump_line *line)
{
	cJSON *json;
	char what[80];
	size_t byte;
	int r;

	if (line->too_long)
		return note_trouble(show, path, line, "line too long to be read");
	if (ss_dump_parse(line, &json, &byte)) {
		if (!line->ended)
			return note_trouble(show, path, line, "the last line is cut off");
		snprintf(what, sizeof(what), "not JSON at byte %zu", byte + 1);
		return note_trouble(show, path, line, what);
	}
	r = ss_tree_add(&show->tree, json);
	cJSON_Delete(json);
	if (r == -EBADMSG)
		return note_trouble(show, path, line, "no resourceSpans");
	if (r <= 0)
		return r;
	snprintf(what, sizeof(what), "%d span%s without a proper name, id or time", r,
		 r == 1 ? "" : "s");
	return note_trouble(show, path, line, what);
}

static int read_file(struct show *show, const char *path)
{
	struct ss_dump_reader reader;
	struct ss_dump_line line;
	int r = ss_dump_open(path, &reader);

	if (r)
		return r;
	while ((r = ss_dump_next(&reader, &line)) == 1) {
		r = read_line(show, path, &line);
		if (r)
			break;
	}
	ss_dump_close(&reader);
	return r;
}

static void print_troubles(const struct show *show, const struct ss_tree_style *style)
{
	uint64_t i, more = 0;

	if (show->trouble_count > TROUBLES_SHOWN)
		more = show->trouble_count - TROUBLES_SHOWN;
	if (show->trouble_count && show->tree.span_count)
		fputc('\n', style->file);
	for (i = 0; i < show->trouble_count - more; i++)
		fprintf(style->file, "%s\n", show->troubles[i]);
	if (more)
		fprintf(style->file, "%" PRIu64 " more lines that could not be read\n", more);
}

int ss_tree_show(const char *command, char *const *paths, int count,
		 const struct ss_tree_options *options, const struct ss_tree_style *style)
{
	struct show show = { .tree = { .options = *options } };
	int status = SS_EXIT_OK, i, r;

	for (i = 0; i < count; i++) {
		r = read_file(&show, paths[i]);
		if (r) {
			ss_cli_error(command, "%s: %s", paths[i], strerror(-r));
			status = SS_EXIT_USAGE;
		}
	}
	r = ss_tree_link(&show.tree);
	if (r) {
		ss_cli_error(command, "%s", strerror(-r));
		status = SS_EXIT_USAGE;
	} else {
		ss_tree_print(&show.tree, style);
		print_troubles(&show, style);
	}
	if (show.trouble_count && status == SS_EXIT_OK)
		status = SS_EXIT_FINDINGS;
	ss_tree_deinit(&show.tree);
	return status;
}
