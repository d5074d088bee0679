/* SPDX-License-Identifier: Apache-2.0
 *
 * `spanshim tree --follow`: looks at each file a few times a second, so that it works on every file
 * system, and prints what is new as a view of its own. A file may not be there yet, may be replaced
 * by another one of its name, and may be truncated.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/cli/cli.h"
#include "collector/cli/tree_screen.h"
#include "collector/cli/tree_show.h"

#define POLL_MS     100
#define BATCH_SPANS 20000u /* printed before more is read */

struct followed {
	const char *path;
	struct ss_tree_source *source; /* NULL: not there (yet) */
	uint16_t number;
	int error; /* said last; 0: none */
	bool ended;
};

struct follow {
	struct ss_tree_show *show;
	struct ss_tree_screen screen;
	struct followed *files;
	int count;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	stopped = 1;
}

static void catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal }, old;
	unsigned i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		/* nohup's wish is kept. */
		if (!sigaction(numbers[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
}

/* On stderr, which may be the same screen. */
static void say(struct follow *follow, const char *path, const char *what)
{
	ss_tree_screen_let_go(&follow->screen);
	ss_cli_error(follow->show->reading.command, "%s %s", path, what);
}

static void open_file(struct follow *follow, struct followed *file)
{
	struct ss_tree_sources *sources = &follow->show->reading.sources;
	int r = ss_tree_source_open(sources, file->path, true, &file->source);

	if (r == -ENOENT && r != file->error)
		say(follow, file->path, "is not there yet");
	else if (r && r != -ENOENT)
		ss_tree_read_fail(&follow->show->reading, file->path, r);
	file->ended = r && r != -ENOENT;
	file->error = r;
	file->number = (uint16_t)(sources->count - 1);
}

/* The file of that name is another one, or was emptied: from its beginning, then. */
static void look_again(struct follow *follow, struct followed *file)
{
	struct ss_tree_source *source = file->source;
	bool same, is_input = !strcmp(file->path, "-");
	struct stat info;

	file->ended = is_input && !source->regular;
	if (is_input || !source->regular || stat(file->path, &info))
		return;
	same = info.st_dev == source->device && info.st_ino == source->inode;
	if (same && (uint64_t)info.st_size >= source->reader.bytes)
		return;
	say(follow, file->path, same ? "was truncated" : "was replaced");
	ss_tree_source_finish(source, same);
	file->source = NULL;
	open_file(follow, file);
}

/* A last line that nobody will finish. */
static void end_file(const struct follow *follow, const struct followed *file)
{
	const struct ss_dump_reader *reader = &file->source->reader;

	if (reader->used > reader->start)
		ss_tree_read_trouble(&follow->show->reading, file->path, reader->number + 1,
				     "the last line is cut off");
}

/* Up to a full batch, which means that there may be more at once. */
static void read_new(struct follow *follow, struct followed *file)
{
	struct ss_tree_show *show = follow->show;
	struct ss_dump_line line;
	uint64_t at = 0;
	int r = 1;

	if (!file->source && !file->ended)
		open_file(follow, file);
	if (!file->source || file->ended)
		return;
	while (show->reading.tree.fresh_count < BATCH_SPANS && !stopped &&
	       (r = ss_tree_source_next(file->source, true, &line, &at)) == 1) {
		r = ss_tree_read_line(&show->reading, file->number, &line, at);
		if (r)
			break;
	}
	if (r == 0)
		look_again(follow, file);
	if (r >= 0 || r == -EAGAIN)
		return;
	ss_tree_read_fail(&show->reading, file->path, r);
	file->ended = true;
}

static int print_new(struct follow *follow)
{
	struct ss_tree_show *show = follow->show;
	int r;

	if (show->reading.tree.fresh_count == follow->screen.kept)
		return 0;
	ss_tree_screen_begin(&follow->screen);
	r = ss_tree_link(&show->reading.tree);
	if (r)
		return r;
	/* What was missing may be there by now. */
	ss_tree_contents_reset(&show->reading.contents);
	ss_tree_print(&show->printer);
	fflush(show->style->file);
	ss_tree_screen_end(&follow->screen);
	if (show->reading.tree.span_count < ss_tree_span_max(&show->reading.tree) / 2)
		return 0;
	/* A program may run for months: whatever is still open will be pending again. */
	ss_tree_screen_let_go(&follow->screen);
	ss_tree_forget(&show->reading.tree);
	show->printer.last = show->printer.last_trace = SS_TREE_NONE;
	return 0;
}

/* Also ends when nobody reads what we print. */
static void wait_a_little(const struct ss_tree_show *show)
{
	struct pollfd output = { .fd = fileno(show->style->file) };

	if (poll(&output, 1, POLL_MS) > 0)
		stopped = 1;
}

static int follow_files(struct follow *follow)
{
	int i, r, open;
	bool full;

	do {
		for (i = open = 0; i < follow->count; i++) {
			read_new(follow, &follow->files[i]);
			open += !follow->files[i].ended;
		}
		full = follow->show->reading.tree.fresh_count >= BATCH_SPANS;
		r = print_new(follow);
		if (!r && !full && open && !stopped)
			wait_a_little(follow->show);
	} while (!r && !stopped && open);
	for (i = 0; i < follow->count; i++)
		if (follow->files[i].source)
			end_file(follow, &follow->files[i]);
	return r;
}

void ss_tree_follow(struct ss_tree_show *show, char *const *paths, int count)
{
	struct follow follow = { .show = show, .count = count };
	int i, r = -ENOMEM;

	follow.files = calloc(count, sizeof(*follow.files));
	ss_tree_screen_init(&follow.screen, &show->reading.tree, &show->printer);
	catch_signals();
	for (i = 0; i < count && follow.files; i++)
		follow.files[i].path = paths[i];
	if (follow.files)
		r = follow_files(&follow);
	if (r)
		ss_tree_read_fail(&show->reading, "cannot follow", r);
	free(follow.files);
}
