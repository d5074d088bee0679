/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/run_report.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "collector/cli/cli.h"
#include "collector/cli/tree_model.h"
#include "collector/cli/tree_print.h"
#include "collector/cli/tree_show.h"
#include "collector/recover.h"

#define MESSAGES_MAX 64 /* different ones; more are only counted */

/* The message of a log line "spanshim[PID]: message". */
static char *message_of(char *line)
{
	char *message = NULL;

	line[strcspn(line, "\n")] = '\0';
	if (!strncmp(line, "spanshim[", strlen("spanshim[")))
		message = strstr(line, "]: ");
	return message ? message + strlen("]: ") : line;
}

static bool said_before(char *const *messages, unsigned count, const char *message)
{
	while (count--)
		if (!strcmp(messages[count], message))
			return true;
	return false;
}

void ss_run_report_log(const char *path)
{
	char *messages[MESSAGES_MAX], *line = NULL, *message;
	unsigned count = 0, more = 0;
	size_t capacity = 0;
	FILE *log = fopen(path, "re");

	if (!log)
		return;
	while (getline(&line, &capacity, log) > 0) {
		message = message_of(line);
		if (said_before(messages, count, message))
			continue;
		if (count == MESSAGES_MAX || !(messages[count] = strdup(message))) {
			more++;
			continue;
		}
		fputs("spanshim: ", stderr);
		ss_cli_print(stderr, messages[count++]);
	}
	if (more)
		fprintf(stderr, "spanshim: %u more lines on the log\n", more);
	while (count)
		free(messages[--count]);
	free(line);
	fclose(log);
}

static void on_ring(void *context, const char *path, int rc, const struct ss_recover_stats *stats)
{
	const bool *verbose = context;
	char reason[640];

	/* Alive, or gone in the meantime: nothing is wrong. */
	if (rc == -EBUSY || rc == -ENODATA || rc == -ENOENT)
		return;
	if (rc) {
		ss_recover_explain(stats, rc, reason, sizeof(reason));
		ss_cli_error("run", "%s cannot be recovered: %s", path, reason);
		return;
	}
	if (*verbose && !stats->never_finished)
		ss_cli_error("run",
			     "%s[%u] ended early: %" PRIu64 " spans recovered, %" PRIu64
			     " unfinished",
			     stats->program, stats->pid, stats->spans, stats->unfinished);
	if (stats->unreadable)
		ss_cli_error("run", "%s[%u]: %" PRIu64 " damaged spans or rings could not be read",
			     stats->program, stats->pid, stats->unreadable);
}

void ss_run_report_recover(const char *directory, bool verbose)
{
	int r = ss_recover_dir(directory, on_ring, &verbose);

	if (r)
		ss_cli_error("run", "%s: %s", directory, strerror(-r));
}

char *ss_run_report_glob(const char *pattern)
{
	char *result = malloc(2 * strlen(pattern) + 1), *end = result;

	if (!result)
		return NULL;
	for (; *pattern; pattern++) {
		if (*pattern == '%' && pattern[1] && strchr("pen", pattern[1])) {
			*end++ = '*';
			pattern++;
			continue;
		}
		if (*pattern == '%' && pattern[1] == '%')
			pattern++;
		if (strchr("*?[\\", *pattern))
			*end++ = '\\';
		*end++ = *pattern;
	}
	*end = '\0';
	return result;
}

static bool written_since(const char *path, uint64_t started_ns)
{
	struct stat info;

	if (stat(path, &info))
		return false;
	return (uint64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec >= started_ns;
}

/* Also when a sampler left everything out. */
static void say_nothing(void)
{
	const char *sampler = getenv("OTEL_TRACES_SAMPLER");

	if (sampler && *sampler && strcmp(sampler, "always_on") != 0 &&
	    strcmp(sampler, "parentbased_always_on") != 0)
		ss_cli_error("run", "nothing was written (OTEL_TRACES_SAMPLER=%s)", sampler);
	else
		ss_cli_error("run", "nothing was traced");
}

static void show(const struct ss_run_dumps *dumps, char **paths, int count)
{
	struct ss_tree_style style = {
		.file = stderr,
		.colour = ss_cli_colour(stderr),
		.utf8 = ss_cli_utf8(),
		.width = ss_cli_width(stderr),
	};
	struct ss_tree_options options = {
		.trace_hi = dumps->trace_hi,
		.trace_lo = dumps->trace_lo,
		.since_ns = dumps->started_ns,
	};
	int i;

	if (!count)
		say_nothing();
	for (i = 0; i < count && dumps->verbose; i++)
		ss_cli_error("run", "spans are in %s", paths[i]);
	if (count && dumps->tree)
		ss_tree_show("run", paths, count, &options, &style);
}

/* The first *ret_count paths: what pattern stands for and was written since then. globfree frees.
 */
static void find_written(const char *pattern, uint64_t started_ns, glob_t *ret_found,
			 size_t *ret_count)
{
	char *shell_pattern = ss_run_report_glob(pattern);
	size_t i, count = 0;

	*ret_found = (glob_t){ 0 };
	if (shell_pattern && !glob(shell_pattern, 0, NULL, ret_found)) {
		for (i = 0; i < ret_found->gl_pathc; i++) {
			char *path = ret_found->gl_pathv[i];

			if (!written_since(path, started_ns))
				continue;
			ret_found->gl_pathv[i] = ret_found->gl_pathv[count];
			ret_found->gl_pathv[count++] = path;
		}
	}
	free(shell_pattern);
	*ret_count = count;
}

void ss_run_report_dumps(const struct ss_run_dumps *dumps)
{
	size_t count;
	glob_t found;

	find_written(dumps->pattern, dumps->started_ns, &found, &count);
	show(dumps, found.gl_pathv, count);
	globfree(&found);
}

void ss_run_report_metrics(const char *pattern, uint64_t started_ns)
{
	size_t count, i;
	glob_t found;

	find_written(pattern, started_ns, &found, &count);
	for (i = 0; i < count; i++)
		ss_cli_error("run", "metrics are in %s", found.gl_pathv[i]);
	globfree(&found);
}
