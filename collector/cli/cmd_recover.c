/* SPDX-License-Identifier: Apache-2.0
 *
 * `spanshim recover`: finds the rings of dead processes and says what became of them; the recovery
 * itself is collector/recover.h.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "collector/cli/cli.h"
#include "collector/cli/run_directory.h"
#include "collector/image.h"
#include "collector/recover.h"
#include "collector/shrunk.h"

static const char help[] =
	"Usage: spanshim recover [OPTION...] [DIR|RING...]\n"
	"\n"
	"Writes the spans and metrics that processes left in their ring files when they were killed,\n"
	"to the files that they would have written, and removes the ring files. Spans that\n"
	"were open end with the process and are marked unfinished. Rings of living processes are\n"
	"left alone. Interrupted, it can be run again: nothing is lost, nothing doubled.\n"
	"\n"
	"Without arguments: the rings in SPANSHIM_DIR, or else in /dev/shm/spanshim-UID. With a\n"
	"directory goes what 'spanshim run' left in its run-* directories.\n"
	"\n"
	"Options:\n"
	"      --dir DIR   the same as the argument DIR\n"
	"  -n, --dry-run   list the rings and whether their process is alive, change nothing\n"
	"  -h, --help      show this\n"
	"\n"
	"Exit status: 0 fine, 1 something could not be recovered, 2 usage error or no such file.\n"
	"\n"
	"Example:\n"
	"  spanshim recover --dry-run\n";

struct recovery {
	bool dry_run;
	int status;
	uint64_t rings;
};

static void worsen(struct recovery *recovery, int status)
{
	if (status > recovery->status)
		recovery->status = status;
}

static void add_count(FILE *line, uint64_t count, const char *what)
{
	if (count)
		fprintf(line, ", %" PRIu64 " %s", count, what);
}

static void describe(FILE *line, const struct ss_recover_stats *stats)
{
	if (stats->never_finished) {
		fputs("nothing was ever in it", line);
		return;
	}
	fprintf(line, "%s[%u]: %" PRIu64 " span%s", stats->program, stats->pid, stats->spans,
		stats->spans == 1 ? "" : "s");
	add_count(line, stats->unfinished, "unfinished");
	add_count(line, stats->torn, "torn events");
	add_count(line, stats->lost, "events lost");
	add_count(line, stats->orphans, "without an opening event");
	add_count(line, stats->unreadable, "damaged");
	if (stats->spans)
		fprintf(line, " -> %s", stats->out);
}

static void report(void *context, const char *path, int rc, const struct ss_recover_stats *stats)
{
	struct recovery *recovery = context;
	char reason[640], *text = NULL;
	size_t bytes;
	FILE *line = open_memstream(&text, &bytes);

	recovery->rings++;
	if (rc && rc != -EBUSY && rc != -ENODATA && rc != -ENOENT)
		worsen(recovery, SS_EXIT_FINDINGS);
	if (!rc && stats->unreadable)
		worsen(recovery, SS_EXIT_FINDINGS);
	if (!line)
		return;
	fprintf(line, "%s: ", path);
	if (rc) {
		ss_recover_explain(stats, rc, reason, sizeof(reason));
		fprintf(line, "%s: %s", rc == -EBUSY ? "left alone" : "not recovered", reason);
	} else {
		describe(line, stats);
	}
	fclose(line);
	ss_cli_print(stdout, text);
	free(text);
}

static void list_ring(struct recovery *recovery, const char *path)
{
	struct ss_image_view view;
	const char *reason = NULL;
	char *text = NULL;
	int r, n;

	ss_shrunk_watch();
	r = ss_image_open(path, &view, &reason);
	recovery->rings++;
	if (r) {
		n = asprintf(&text, "%s: not readable: %s", path, reason ? reason : strerror(-r));
	} else {
		n = asprintf(&text, "%s: %s[%u]: %s", path,
			     ss_image_string(&view, view.image->program_str), view.image->pid,
			     ss_image_alive(&view) ? "alive" : "dead");
		ss_image_close(&view);
	}
	if (n < 0)
		return;
	ss_cli_print(stdout, text);
	free(text);
}

static void do_ring(struct recovery *recovery, const char *path)
{
	struct ss_recover_stats stats = { 0 };
	int r;

	if (recovery->dry_run) {
		list_ring(recovery, path);
		return;
	}
	r = ss_recover_file(path, &stats);
	report(recovery, path, r, &stats);
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name), suffix_length = strlen(suffix);

	return length > suffix_length && !strcmp(name + length - suffix_length, suffix);
}

static void do_directory(struct recovery *recovery, const char *path, bool with_runs)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort), i;
	char *below;

	if (count < 0) {
		ss_cli_error("recover", "%s: %s", path, strerror(errno));
		worsen(recovery, SS_EXIT_USAGE);
		return;
	}
	for (i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		bool run = with_runs &&
			   !strncmp(name, SS_RUN_DIRECTORY_PREFIX, strlen(SS_RUN_DIRECTORY_PREFIX));

		if ((run || has_suffix(name, ".ring")) &&
		    asprintf(&below, "%s/%s", path, name) > 0) {
			if (run)
				do_directory(recovery, below, false);
			else
				do_ring(recovery, below);
			if (run && !recovery->dry_run)
				ss_run_directory_remove(below, -1);
			free(below);
		}
		free(entries[i]);
	}
	free(entries);
}

static void do_path(struct recovery *recovery, const char *path)
{
	struct stat info;

	if (stat(path, &info)) {
		ss_cli_error("recover", "%s: %s", path, strerror(errno));
		worsen(recovery, SS_EXIT_USAGE);
	} else if (S_ISDIR(info.st_mode)) {
		do_directory(recovery, path, true);
	} else {
		do_ring(recovery, path);
	}
}

/* That there is no directory yet only means that nothing was ever traced. */
static void do_default(struct recovery *recovery)
{
	char *base = ss_run_directory_base(NULL);
	struct stat info;

	if (!base)
		worsen(recovery, SS_EXIT_USAGE);
	else if (!stat(base, &info) || errno != ENOENT)
		do_path(recovery, base);
	free(base);
}

int ss_cmd_recover(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct recovery recovery = { 0 };
	const char *directory = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "nh", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			directory = optarg;
			break;
		case 'n':
			recovery.dry_run = true;
			break;
		case 'h':
			fputs(help, stdout);
			return SS_EXIT_OK;
		default:
			return ss_cli_usage("recover", NULL);
		}
	}
	if (directory)
		do_path(&recovery, directory);
	else if (optind == argc)
		do_default(&recovery);
	for (; optind < argc; optind++)
		do_path(&recovery, argv[optind]);
	if (!recovery.rings && recovery.status == SS_EXIT_OK)
		puts("nothing to recover");
	return recovery.status;
}
