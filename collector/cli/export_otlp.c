/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_otlp.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cli/cli.h"
#include "collector/cli/export_batch.h"
#include "collector/cli/export_file.h"
#include "collector/cli/export_files.h"
#include "collector/cli/export_report.h"
#include "collector/cli/export_send.h"
#include "collector/cli/progress.h"
#include "collector/clock.h"
#include "collector/dump.h"

#define POLL_MS         100
#define ROUNDS_PER_LOOK 5u /* for files that are new */
#define TROUBLES_SHOWN  10u

struct exporter {
	const struct ss_export_otlp *options;
	struct ss_export_file_options file_options;
	struct ss_export_sender sender;
	struct ss_export_batch batch;
	struct ss_export_file *file; /* whose lines are in the batch */
	struct ss_progress progress;
	uint64_t troubles;
	int status;
};

static void say(void *data, const char *text)
{
	struct exporter *exporter = data;

	ss_progress_clear(&exporter->progress);
	ss_cli_error("export", "%s", text);
}

static void notice(struct exporter *exporter, const struct ss_export_file *file, const char *what)
{
	ss_progress_clear(&exporter->progress);
	ss_cli_error("export", "%s: %s", file->path, what);
}

static void remember(struct exporter *exporter, const struct ss_export_place *place)
{
	int r = ss_export_file_done(exporter->file, place);

	if (!r)
		return;
	/* Once: the rest is sent all the same. */
	notice(exporter, exporter->file, "cannot remember what was sent");
	notice(exporter, exporter->file, strerror(-r));
	ss_export_state_deinit(&exporter->file->state);
}

static void on_done(void *data, const struct ss_export_piece *last)
{
	const struct ss_export_place place = { last->after, last->line };

	remember(data, &place);
}

static void trouble(struct exporter *exporter, const struct ss_dump_line *line, const char *what)
{
	if (exporter->troubles++ >= TROUBLES_SHOWN)
		return;
	ss_progress_clear(&exporter->progress);
	ss_cli_error("export", "%s:%" PRIu64 ": %s", exporter->file->path, line->number, what);
}

static int flush(struct exporter *exporter)
{
	return ss_export_send(&exporter->sender, &exporter->batch, exporter->file->path);
}

static bool is_blank(const struct ss_dump_line *line)
{
	size_t i;

	for (i = 0; i < line->bytes; i++)
		if (!strchr(" \t\r", line->text[i]) || !line->text[i])
			return false;
	return !line->too_long;
}

static int take_line(struct exporter *exporter, const struct ss_dump_line *line)
{
	const struct ss_tree_slice text = { line->text, line->bytes };
	const struct ss_export_place place = ss_export_file_place(exporter->file);
	struct ss_export_line parsed;
	char what[64];
	size_t byte;
	int r;

	if (is_blank(line))
		return 0;
	if (line->too_long) {
		trouble(exporter, line, "line too long to be read");
		return 0;
	}
	r = ss_export_line_read(text, &parsed, &byte);
	if (r == -EBADMSG) {
		snprintf(what, sizeof(what), "not JSON at byte %zu", byte + 1);
		trouble(exporter, line, line->ended ? what : "the last line is cut off");
	} else if (r) {
		trouble(exporter, line, "neither resourceSpans nor resourceMetrics");
	}
	if (r || !parsed.elements.bytes)
		return 0;
	if (!ss_export_batch_fits(&exporter->batch, &parsed)) {
		r = flush(exporter);
		if (r)
			return r;
	}
	return ss_export_batch_add(&exporter->batch, &parsed, line->number, place.offset);
}

/* Lines that were nothing to send are done with as well; one without its end may get it yet. */
static void end_reading(struct exporter *exporter, const struct ss_dump_line *last)
{
	const struct ss_export_place place = ss_export_file_place(exporter->file);

	if (!last->text || last->ended)
		remember(exporter, &place);
}

/* All that is there now. */
static int send_file(struct exporter *exporter, struct ss_export_file *file)
{
	struct ss_dump_line line = { 0 };
	int r;

	exporter->file = file;
	ss_progress_start(&exporter->progress, file->path, file->reader.fd);
	while ((r = ss_export_file_next(file, exporter->options->follow, &line)) == 1) {
		r = take_line(exporter, &line);
		if (r)
			break;
		ss_progress_show(&exporter->progress, file->reader.bytes);
	}
	if (!r)
		r = flush(exporter);
	ss_progress_end(&exporter->progress);
	if (!r)
		end_reading(exporter, &line);
	else
		ss_export_batch_empty(&exporter->batch);
	return r;
}

/* Under the lock, if it is to be had and there is anything new. */
static int send_new(struct exporter *exporter, struct ss_export_file *file)
{
	int r = ss_export_file_begin(file, &exporter->file_options);

	if (r)
		return r == -EALREADY || r == -EWOULDBLOCK ? 0 : r;
	r = send_file(exporter, file);
	ss_export_file_end(file);
	/* What was read and not sent is to be read again. */
	if (r)
		ss_export_file_rewind(file);
	return r;
}

static void fail_file(struct exporter *exporter, struct ss_export_file *file, int error)
{
	notice(exporter, file,
	       error == -EINVAL ? "only regular files can be followed" : strerror(-error));
	file->failed = true;
	exporter->status = SS_EXIT_USAGE;
}

/* Returns 0 as well when the file is not there yet. */
static int open_file(struct exporter *exporter, struct ss_export_file *file)
{
	const char *what;
	int r = ss_export_file_open(file, &exporter->file_options, &what);

	if (!r && what)
		notice(exporter, file, what);
	if (r && !(r == -ENOENT && exporter->options->follow))
		fail_file(exporter, file, r);
	return r;
}

static int visit(struct exporter *exporter, struct ss_export_file *file)
{
	const char *what;
	int r;

	if (file->failed || (!file->open && open_file(exporter, file)))
		return 0;
	r = send_new(exporter, file);
	while (!r && exporter->options->follow && ss_export_file_changed(file, &what)) {
		notice(exporter, file, what);
		if (open_file(exporter, file))
			return 0;
		r = send_new(exporter, file);
	}
	/* Trouble of the file's own is no reason to leave out the others. */
	if (!r || *exporter->sender.trouble || r == -ENOMEM)
		return r;
	fail_file(exporter, file, r);
	return 0;
}

/* Returns -EBUSY when another exporter was at one of them. */
static int visit_all(struct exporter *exporter, struct ss_export_files *files)
{
	bool busy = false;
	uint32_t i;
	int r = 0;

	for (i = 0; !r && i < files->count; i++) {
		struct ss_export_file *file = files->list[i];

		if (file->done)
			continue;
		r = visit(exporter, file);
		busy |= file->busy;
		/* Sent as a whole, its descriptor is of no more use; else it is to be counted. */
		file->done = !r && !file->busy && !exporter->options->follow;
		if (file->done)
			ss_export_file_close(file);
	}
	return !r && busy ? -EBUSY : r;
}

/* All that is there, waiting for other exporters to end if it must be. */
static int visit_all_now(struct exporter *exporter, struct ss_export_files *files)
{
	uint64_t end_ns = ss_clock_monotonic_ns() + exporter->sender.wait_ns;
	int r;

	while ((r = visit_all(exporter, files)) == -EBUSY && ss_clock_monotonic_ns() < end_ns &&
	       ss_export_sender_signals() < 2)
		poll(NULL, 0, POLL_MS);
	if (r == -EBUSY)
		snprintf(exporter->sender.trouble, sizeof(exporter->sender.trouble),
			 "another export of the same file is going on");
	return r;
}

/* Beside a program nobody is to be told in between, and what cannot be sent now may be in the end.
 */
static void hold(void)
{
	while (!ss_export_sender_signals())
		poll(NULL, 0, POLL_MS);
}

/* What came before the signal is sent after it. */
static int follow(struct exporter *exporter, struct ss_export_files *files)
{
	bool stopping;
	uint32_t i;
	unsigned round = 0;
	int r = 0;

	do {
		stopping = ss_export_sender_signals() > 0;
		if (stopping || round++ % ROUNDS_PER_LOOK == 0)
			r = ss_export_files_look(files, exporter->options->since_ns);
		if (!r)
			r = stopping ? visit_all_now(exporter, files) : visit_all(exporter, files);
		if (!stopping && (r == -EBUSY || exporter->options->quiet)) {
			if (r && r != -EBUSY)
				hold();
			r = 0;
		}
		if (!r && !stopping && !ss_export_sender_signals())
			poll(NULL, 0, POLL_MS);
	} while (!r && !stopping);
	for (i = 0; !r && i < files->count; i++) {
		const struct ss_export_file *file = files->list[i];

		if (file->open && ss_export_file_is_cut_off(file)) {
			notice(exporter, file, "the last line is cut off");
			exporter->troubles++;
		}
	}
	return r;
}

static int export_all(struct exporter *exporter, char *const *paths, int count)
{
	struct ss_export_files files = { 0 };
	int r = ss_export_files_init(&files, paths, count, exporter->options->follow);

	if (!r && exporter->options->follow) {
		ss_export_sender_catch_signals();
		r = follow(exporter, &files);
	} else if (!r) {
		r = visit_all_now(exporter, &files);
	}
	ss_progress_end(&exporter->progress);
	if (r) {
		ss_cli_error("export", "%s",
			     *exporter->sender.trouble ? exporter->sender.trouble : strerror(-r));
		ss_export_report_unsent(&files, &exporter->file_options,
					exporter->options->endpoint.endpoint);
		exporter->status = SS_EXIT_USAGE;
	}
	ss_export_files_deinit(&files);
	return r;
}

static int status_of(const struct exporter *exporter)
{
	uint64_t findings = exporter->troubles;
	unsigned signal;

	for (signal = 0; signal < SS_EXPORT_SIGNALS; signal++)
		findings += exporter->sender.counts[signal].refused;
	if (exporter->status != SS_EXIT_OK)
		return exporter->status;
	return findings ? SS_EXIT_FINDINGS : SS_EXIT_OK;
}

static uint64_t hash_endpoint(const struct ss_export_settings *settings)
{
	uint64_t hash = SS_DUMP_HASH;
	unsigned signal;

	for (signal = 0; signal < SS_EXPORT_SIGNALS; signal++)
		hash = ss_dump_hash_text(hash, settings->targets[signal].url);
	return hash;
}

int ss_export_otlp(const struct ss_export_otlp *options, char *const *paths, int count)
{
	struct exporter *exporter = calloc(1, sizeof(*exporter));
	int status;

	if (!exporter) {
		ss_cli_error("export", "%s", strerror(ENOMEM));
		return SS_EXIT_USAGE;
	}
	exporter->options = options;
	exporter->batch.limit_bytes = options->batch_bytes;
	exporter->sender.wait_ns = (uint64_t)options->wait_s * 1000000000;
	exporter->sender.follow = options->follow;
	exporter->sender.quiet = options->quiet;
	exporter->sender.say = say;
	exporter->sender.done = on_done;
	exporter->sender.data = exporter;
	status = ss_export_settings_read(&exporter->sender.settings, &options->endpoint, "export");
	if (!status) {
		exporter->file_options = (struct ss_export_file_options){
			.endpoint = hash_endpoint(&exporter->sender.settings),
			.from_start = options->from_start,
			.follow = options->follow,
		};
		export_all(exporter, paths, count);
		if (exporter->troubles > TROUBLES_SHOWN)
			ss_cli_error("export", "%" PRIu64 " more lines that could not be read",
				     exporter->troubles - TROUBLES_SHOWN);
		if (!options->quiet)
			ss_export_report_sent(&exporter->sender);
		status = status_of(exporter);
	}
	ss_export_batch_deinit(&exporter->batch);
	ss_export_sender_deinit(&exporter->sender);
	free(exporter);
	return status;
}
