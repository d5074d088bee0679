/* SPDX-License-Identifier: Apache-2.0
 *
 * From dump files to printed trees, for `spanshim tree` and `spanshim run --tree`: reads what can
 * be read, prints it, and says at the end what could not.
 */
#ifndef SS_TREE_SHOW_H
#define SS_TREE_SHOW_H

struct ss_tree_options;
struct ss_tree_style;

/* Prints the spans of all files as trees. command: for messages on stderr. Returns enum ss_exit:
 * OK, FINDINGS when a line or span could not be read, USAGE when a file could not be opened. */
int ss_tree_show(const char *command, char *const *paths, int count,
		 const struct ss_tree_options *options, const struct ss_tree_style *style);

#endif
