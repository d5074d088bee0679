/* SPDX-License-Identifier: Apache-2.0
 *
 * From dump files to printed trees, for `spanshim tree` and `spanshim run --tree`: reads what can
 * be read, prints it, and says at the end what could not.
 */
#ifndef SS_TREE_SHOW_H
#define SS_TREE_SHOW_H

#include "collector/cli/tree_model.h"
#include "collector/cli/tree_print.h"
#include "collector/cli/tree_read.h"

struct ss_tree_show {
	const struct ss_tree_style *style;
	struct ss_tree_reading reading;
	struct ss_tree_printer printer;
};

/* Prints the spans of all files as trees. command: for messages on stderr. Returns enum ss_exit:
 * OK, FINDINGS when a line or span could not be read, USAGE when a file could not be opened. */
int ss_tree_show(const char *command, char *const *paths, int count,
		 const struct ss_tree_options *options, const struct ss_tree_style *style);

/* Shows files as they are written, until SIGINT, SIGTERM or SIGHUP, or until the standard input
 * ends and nothing else is followed. */
void ss_tree_follow(struct ss_tree_show *show, char *const *paths, int count);

#endif
