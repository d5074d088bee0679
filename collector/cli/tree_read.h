/* SPDX-License-Identifier: Apache-2.0
 *
 * From dump files to the spans of a tree: reads what can be read and remembers what could not, for
 * every command that shows spans. One thread. Must not: print, but for what is wrong with a file.
 */
#ifndef SS_TREE_READ_H
#define SS_TREE_READ_H

#include <stdint.h>

#include "collector/cli/tree_content.h"
#include "collector/cli/tree_model.h"
#include "collector/cli/tree_source.h"

#define SS_TREE_TROUBLES_SHOWN 10

struct ss_tree_reading {
	const char *command; /* for messages on stderr */
	struct ss_tree tree;
	struct ss_tree_sources sources;
	struct ss_tree_contents contents;
	const char *troubles[SS_TREE_TROUBLES_SHOWN]; /* lines that could not be read, as text */
	uint64_t trouble_count;
	int status; /* enum ss_exit */
};

/* Of all zero: ready to read. What options point to must live on. */
void ss_tree_read_init(struct ss_tree_reading *reading, const char *command,
		       const struct ss_tree_options *options);
void ss_tree_read_deinit(struct ss_tree_reading *reading);

/* All of a file, with a progress bar. */
void ss_tree_read_file(struct ss_tree_reading *reading, const char *path);

/* A line that was read from a source. Returns 0 or -errno. */
int ss_tree_read_line(struct ss_tree_reading *reading, uint16_t source,
		      const struct ss_dump_line *line, uint64_t at);

/* "PATH:LINE: WHAT", to be told at the end. Returns 0 or -ENOMEM. */
int ss_tree_read_trouble(struct ss_tree_reading *reading, const char *path, uint64_t number,
			 const char *what);

/* Says why on stderr, for the exit status too. */
void ss_tree_read_fail(struct ss_tree_reading *reading, const char *what, int error);

/* Says on stderr why nothing is shown. */
void ss_tree_read_say_nothing(const struct ss_tree_reading *reading);

/* How many lines could not be read beyond those that are remembered. */
uint64_t ss_tree_read_more_troubles(const struct ss_tree_reading *reading);

/* enum ss_exit: OK, FINDINGS when a line or span could not be read, USAGE when a file could not. */
int ss_tree_read_status(const struct ss_tree_reading *reading);

#endif
