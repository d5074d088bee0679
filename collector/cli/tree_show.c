/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_show.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cli/cli.h"

static void show_files(struct ss_tree_show *show, char *const *paths, int count)
{
	struct ss_tree_reading *reading = &show->reading;
	int i, r;

	for (i = 0; i < count; i++)
		ss_tree_read_file(reading, paths[i]);
	r = ss_tree_link(&reading->tree);
	if (!r && show->style->write)
		r = show->style->write(&reading->tree, &reading->contents, show->style->file);
	else if (!r)
		ss_tree_print(&show->printer);
	if (r)
		ss_tree_read_fail(reading, "cannot make trees", r);
	else if (!reading->tree.order_count && reading->status == SS_EXIT_OK)
		ss_tree_read_say_nothing(reading);
}

/* Other formats have no place for them. */
static void print_troubles(struct ss_tree_show *show)
{
	FILE *file = show->style->write ? stderr : show->style->file;
	const struct ss_tree_reading *reading = &show->reading;
	uint64_t i, more = ss_tree_read_more_troubles(reading);

	if (reading->trouble_count && show->printer.any && file != stderr)
		fputc('\n', file);
	for (i = 0; i < reading->trouble_count - more; i++)
		ss_cli_print(file, reading->troubles[i]);
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
	show->style = style;
	ss_tree_read_init(&show->reading, command, options);
	ss_tree_printer_init(&show->printer, style, &show->reading.tree, &show->reading.contents);
	if (style->follow)
		ss_tree_follow(show, paths, count);
	else
		show_files(show, paths, count);
	if (!style->write)
		ss_tree_print_end(&show->printer);
	print_troubles(show);
	status = ss_tree_read_status(&show->reading);
	ss_tree_read_deinit(&show->reading);
	free(show);
	return status;
}
