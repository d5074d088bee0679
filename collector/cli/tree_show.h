/* SPDX-License-Identifier: Apache-2.0
 *
 * From dump files to printed trees, for `spanshim tree` and `spanshim run --tree`: reads what can
 * be read, prints it, and says at the end what could not.
 */
#ifndef SS_TREE_SHOW_H
#define SS_TREE_SHOW_H

#include <stdint.h>

#include "collector/cli/tree_content.h"
#include "collector/cli/tree_model.h"
#include "collector/cli/tree_print.h"
#include "collector/cli/tree_source.h"

#define SS_TREE_TROUBLES_SHOWN 10

struct ss_tree_show {
	const char *command;
	const struct ss_tree_style *style;
	struct ss_tree tree;
	struct ss_tree_sources sources;
	struct ss_tree_contents contents;
	struct ss_tree_printer printer;
	const char *troubles[SS_TREE_TROUBLES_SHOWN]; /* lines that could not be read, as text */
	uint64_t trouble_count;
	int status; /* enum ss_exit */
};

/* Prints the spans of all files as trees. command: for messages on stderr. Returns enum ss_exit:
 * OK, FINDINGS when a line or span could not be read, USAGE when a file could not be opened. */
int ss_tree_show(const char *command, char *const *paths, int count,
		 const struct ss_tree_options *options, const struct ss_tree_style *style);

/* --- for tree_follow.c --- */

/* A line that was read from a source. Returns 0 or -errno. */
int ss_tree_show_line(struct ss_tree_show *show, uint16_t source, const struct ss_dump_line *line,
		      uint64_t at);

/* "PATH:LINE: WHAT", to be printed at the end. Returns 0 or -ENOMEM. */
int ss_tree_show_trouble(struct ss_tree_show *show, const char *path, uint64_t number,
			 const char *what);

/* Says why on stderr, for the exit status too. */
void ss_tree_show_fail(struct ss_tree_show *show, const char *what, int error);

/* Shows files as they are written, until SIGINT, SIGTERM or SIGHUP, or until the standard input
 * ends and nothing else is followed. */
void ss_tree_follow(struct ss_tree_show *show, char *const *paths, int count);

#endif
