/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/recover.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/drain.h"
#include "collector/losses.h"
#include "collector/shrunk.h"
#include "collector/testpoint.h"

#define SUFFIX ".ring"

/* The process named in "PID-NONCE.ring" is gone: nobody will finish the file. */
static bool maker_gone(const char *path)
{
	const char *name = strrchr(path, '/');
	unsigned long pid = strtoul(name != NULL ? name + 1 : path, NULL, 10);
	char proc[40];

	snprintf(proc, sizeof(proc), "/proc/%lu", pid);
	return pid != 0 && access(proc, F_OK) != 0 && errno == ENOENT;
}

/* Ours alone, its process dead, and still the file that the path names. */
static int claim(const struct ss_image_view *view, const char **ret_reason)
{
	struct stat status;

	*ret_reason = "someone else is recovering it";
	if (flock(view->fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	*ret_reason = "it is gone";
	if (fstat(view->fd, &status) != 0 || status.st_nlink == 0)
		return -ENOENT;
	*ret_reason = "its process is alive";
	return ss_image_alive(view) ? -EBUSY : 0;
}

static void fill_stats(struct ss_recover_stats *stats, const struct ss_drain *drain,
		       uint64_t before)
{
	const struct ss_image_view *view = drain->view;

	stats->spans = drain->spans_written - before;
	stats->unfinished = drain->unfinished;
	stats->torn = drain->torn;
	stats->lost = ss_losses_total(view);
	stats->spans_lost = drain->spans_lost;
	stats->orphans = drain->spans.orphans;
	stats->unreadable = drain->unreadable_rings + drain->spans_unreadable +
			    drain->spans.series_damaged + view->names_damaged;
	if (drain->metrics != NULL)
		stats->unreadable += ss_metrics_lost(drain->metrics);
}

static int drain_dead(struct ss_image_view *view, struct ss_recover_stats *stats)
{
	struct ss_buffer memory = { 0 };
	struct ss_drain *drain;
	uint64_t before, lost;
	int rc = ss_buffer_reserve(&memory, sizeof(*drain));

	if (rc != 0)
		return rc;
	drain = memory.base;
	stats->reason = "its open spans are damaged";
	rc = ss_drain_init(drain, view);
	if (rc != 0)
		goto out;
	before = drain->spans_written;
	lost = drain->spans_lost;
	ss_drain_finish(drain);
	fill_stats(stats, drain, before);
	if (drain->too_much) {
		stats->reason = "it makes more than any process would have written";
		rc = -EINVAL;
	} else if (drain->spans_lost > lost) {
		stats->reason = "its spans cannot be written";
		stats->write_error = drain->sink_error;
		rc = -EIO;
	} else if (drain->metrics_error != 0) {
		stats->reason = "its metrics cannot be written";
		stats->write_error = drain->metrics_error;
		snprintf(stats->out, sizeof(stats->out), "%s", drain->metrics_sink.path);
		rc = -EIO;
	} else {
		view->image->state = SS_IMAGE_FINISHED;
	}
	ss_drain_deinit(drain);
out:
	ss_buffer_free(&memory);
	return rc;
}

static int recover(const char *path, struct ss_recover_stats *stats)
{
	struct ss_image_view view;
	int rc;

	ss_shrunk_watch();
	rc = ss_image_open(path, &view, &stats->reason);
	if (rc == -ENODATA && maker_gone(path)) {
		stats->never_finished = true;
		return unlink(path) == 0 ? 0 : -errno;
	}
	if (rc != 0)
		return rc;
	rc = claim(&view, &stats->reason);
	if (rc != 0)
		goto out;
	stats->pid = view.image->pid;
	snprintf(stats->program, sizeof(stats->program), "%s",
		 ss_image_string(&view, view.image->program_str));
	snprintf(stats->out, sizeof(stats->out), "%s", ss_image_string(&view, view.image->out_str));
	if (view.image->state != SS_IMAGE_FINISHED)
		rc = drain_dead(&view, stats);
	if (ss_shrunk_happened()) {
		stats->reason = "it was cut off while it was read";
		rc = -EIO;
	}
	ss_testpoint("before unlink");
	if (rc == 0 && unlink(path) != 0)
		rc = -errno;
out:
	ss_image_close(&view);
	return rc;
}

int ss_recover_file(const char *path, struct ss_recover_stats *ret_stats)
{
	struct ss_recover_stats stats = { 0 };
	int rc = recover(path, &stats);

	if (rc == 0)
		stats.reason = NULL;
	*ret_stats = stats;
	return rc;
}

void ss_recover_explain(const struct ss_recover_stats *stats, int rc, char *text, size_t bytes)
{
	const char *reason = stats->reason != NULL ? stats->reason : strerror(-rc);

	if (stats->write_error == 0)
		snprintf(text, bytes, "%s", reason);
	else
		snprintf(text, bytes, "%s: %s: %s", reason, stats->out,
			 strerror(-stats->write_error));
}

int ss_recover_dir(const char *path, ss_recover_fn report, void *context)
{
	DIR *directory = opendir(path);
	struct ss_recover_stats stats;
	const struct dirent *entry;
	char file[PATH_MAX];

	if (directory == NULL)
		return -errno;
	while ((entry = readdir(directory)) != NULL) {
		size_t length = strlen(entry->d_name);
		int rc;

		if (length <= strlen(SUFFIX) ||
		    strcmp(entry->d_name + length - strlen(SUFFIX), SUFFIX) != 0)
			continue;
		if ((size_t)snprintf(file, sizeof(file), "%s/%s", path, entry->d_name) >=
		    sizeof(file))
			continue;
		rc = ss_recover_file(file, &stats);
		report(context, file, rc, &stats);
	}
	closedir(directory);
	return 0;
}
