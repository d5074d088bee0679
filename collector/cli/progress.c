/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/cli/cli.h"
#include "collector/clock.h"

#define STEP_BYTES  (4u << 20)
#define BAR_COLUMNS 24u

void ss_progress_start_size(struct ss_progress *progress, const char *name, uint64_t size)
{
	const char *term = getenv("TERM");

	progress->active =
		size && isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
	if (!progress->active)
		return;
	progress->name = name;
	progress->size = size;
	progress->drawn = 0;
	progress->started_ns = ss_clock_monotonic_ns();
	progress->line.utf8 = ss_cli_utf8();
}

void ss_progress_start(struct ss_progress *progress, const char *name, int fd)
{
	struct stat info;
	bool regular = !fstat(fd, &info) && S_ISREG(info.st_mode);

	ss_progress_start_size(progress, name, regular ? (uint64_t)info.st_size : 0);
}

static void draw(struct ss_progress *progress, uint64_t bytes)
{
	struct ss_text_line *line = &progress->line;
	double seconds = (double)(ss_clock_monotonic_ns() - progress->started_ns) / 1e9;
	uint64_t done = bytes < progress->size ? bytes : progress->size;
	unsigned width = ss_cli_width(stderr), full, i;

	full = (unsigned)((double)done / (double)progress->size * BAR_COLUMNS);
	ss_text_line_reset(line);
	line->width = width > 1 ? width - 1 : 0; /* the last column may wrap */
	ss_text_line_format(line, "%3.0f%% ", 100 * (double)done / (double)progress->size);
	for (i = 0; i < BAR_COLUMNS; i++)
		ss_text_line_mark(line, i < full ? "\xe2\x94\x81" : "\xe2\x94\x80",
				  i < full ? "#" : "-");
	ss_text_line_format(line, " %.0f of %.0f MB", (double)done / 1e6,
			    (double)progress->size / 1e6);
	if (seconds > 0)
		ss_text_line_format(line, ", %.0f MB/s", (double)done / 1e6 / seconds);
	ss_text_line_add(line, "  ", 0);
	ss_text_line_add(line, progress->name, 0);
	fprintf(stderr, "\r\033[K%.*s", (int)line->bytes, line->text);
	fflush(stderr);
}

void ss_progress_show(struct ss_progress *progress, uint64_t bytes)
{
	if (!progress->active || bytes - progress->drawn < STEP_BYTES)
		return;
	draw(progress, bytes);
	progress->drawn = bytes;
}

void ss_progress_clear(struct ss_progress *progress)
{
	if (progress->active && progress->drawn)
		fputs("\r\033[K", stderr);
}

void ss_progress_end(struct ss_progress *progress)
{
	ss_progress_clear(progress);
	progress->active = false;
}
