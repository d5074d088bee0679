/* SPDX-License-Identifier: Apache-2.0
 *
 * A line on stderr that says how far a file is read: on a terminal and for regular files only. One
 * thread. Must not: leave anything on the terminal.
 */
#ifndef SS_PROGRESS_H
#define SS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/cli/text_line.h"

struct ss_progress {
	bool active;
	const char *name;
	uint64_t size, drawn, started_ns; /* drawn: bytes read when it was drawn last */
	struct ss_text_line line;
};

/* Of a file that is open; draws nothing yet. */
void ss_progress_start(struct ss_progress *progress, const char *name, int fd);

/* Of any other count of bytes; size 0: draws nothing. */
void ss_progress_start_size(struct ss_progress *progress, const char *name, uint64_t size);

/* Draws, once in a few megabytes. */
void ss_progress_show(struct ss_progress *progress, uint64_t bytes);

/* Clears what was drawn, to be drawn again: other lines are about to be printed. */
void ss_progress_clear(struct ss_progress *progress);

/* The same, for good. */
void ss_progress_end(struct ss_progress *progress);

#endif
