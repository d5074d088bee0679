/* SPDX-License-Identifier: Apache-2.0
 *
 * A dump that is being exported: read from where the last export stopped, line by line, also while
 * it grows, is truncated or replaced. One thread.
 */
#ifndef SS_EXPORT_FILE_H
#define SS_EXPORT_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "collector/cli/export_state.h"
#include "collector/dump.h"

struct ss_export_file { /* all zero but the path: not open */
	char *path;     /* malloc'ed */
	struct ss_dump_reader reader;
	bool open, regular;
	bool failed; /* and said so: it is not tried again */
	bool read;   /* to its end, once */
	bool done;   /* all of it was sent, and it is not followed */
	bool busy;   /* it was another exporter's turn when we looked last */
	dev_t device;
	ino_t inode;
	struct ss_export_state state;
	struct ss_export_place sent; /* what is done with */
};

struct ss_export_file_options {
	uint64_t endpoint; /* hash, for the state */
	bool from_start;   /* whatever the state says */
	bool follow;       /* reading does not wait for more to be written */
};

/* Opens, and goes to where the last export stopped. Returns 0 or -errno. *ret_notice: what the user
 * should know, valid for ever, or NULL. */
int ss_export_file_open(struct ss_export_file *file, const struct ss_export_file_options *options,
			const char **ret_notice);

/* Before lines are read and sent: keeps other exporters off the file, and goes on behind what these
 * have sent. Returns 0, -EALREADY when nothing new is there, or -EWOULDBLOCK when it is another
 * one's turn. */
int ss_export_file_begin(struct ss_export_file *file, const struct ss_export_file_options *options);
void ss_export_file_end(struct ss_export_file *file);

/* Next line. Returns 1, 0 at the end, or -errno. follow: a line without its newline is left for
 * later.
 */
int ss_export_file_next(struct ss_export_file *file, bool follow, struct ss_dump_line *ret_line);

/* Behind the last line that was read. */
struct ss_export_place ss_export_file_place(const struct ss_export_file *file);

/* All up to there is done with: remembered, on disk as well. Returns 0 or -errno. */
int ss_export_file_done(struct ss_export_file *file, const struct ss_export_place *place);

/* At its end: whether the file of that name is another one by now, or shorter than what was read.
 * Then it is closed, to be opened again, and *ret_notice says what happened. */
bool ss_export_file_changed(struct ss_export_file *file, const char **ret_notice);

/* Something stands at the end without a newline. */
bool ss_export_file_is_cut_off(const struct ss_export_file *file);

/* Goes back to what is not done with, to count it. Returns 0 or -errno. */
int ss_export_file_rewind(struct ss_export_file *file);

void ss_export_file_close(struct ss_export_file *file);

#endif
