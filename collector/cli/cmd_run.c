/* SPDX-License-Identifier: Apache-2.0
 *
 * `spanshim run`: checks what it is given, prepares a private directory and the environment, runs
 * the program (launch.h), and cleans up after it (run_report.h). Must not: say anything on stdout,
 * or on stderr when all is well.
 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cli/cli.h"
#include "collector/cli/executable.h"
#include "collector/cli/launch.h"
#include "collector/cli/run_export.h"
#include "collector/cli/run_report.h"
#include "collector/cli/run_setup.h"

static const char help[] =
	"Usage: spanshim run [OPTION...] [--] COMMAND [ARGUMENT...]\n"
	"\n"
	"Runs a program with the shim preloaded; the programs that it starts are traced, too. Spans\n"
	"are appended to a file as OTLP/JSON lines. What processes that were killed left behind is\n"
	"recovered when the program has ended.\n"
	"\n"
	"Options:\n"
	"  -o, --out PATTERN      file for the spans: %p pid, %e program, %n image nonce; -: stderr\n"
	"                         (default: SPANSHIM_OUT, or spanshim-%e-%p.jsonl)\n"
	"  -m, --metrics PATTERN  file for the metrics, in the same way (default:\n"
	"                         SPANSHIM_METRICS_OUT, or no metrics)\n"
	"  -b, --bindings LIST    built-in names or files, colon-separated (default:\n"
	"                         SPANSHIM_BINDINGS, or all built-in ones)\n"
	"  -p, --plugin FILE      a plugin to load; may be given several times (default:\n"
	"                         SPANSHIM_PLUGINS)\n"
	"      --dir DIR          where to make the private directory for the event rings (default:\n"
	"                         SPANSHIM_DIR, or /dev/shm/spanshim-UID)\n"
	"      --content          record content: responses, tool arguments and results; of declared\n"
	"                         functions what bindings mark (statements, ...)\n"
	"      --stacks MODE      which spans carry a stack trace: off, error, all\n"
	"      --on-full MODE     when a ring is full: drop the event and count it, or block\n"
	"      --log FILE         the shim's log (default: printed when the program has ended)\n"
	"  -e, --export URL       send spans and metrics to the collector there while the program runs,\n"
	"                         see 'spanshim export'; env: as OTEL_EXPORTER_OTLP_* say. Waits up to\n"
	"                         10 s at the end for one that cannot be reached, then says what remains\n"
	"      --separate-traces  each root span a trace of its own, not the whole run one trace\n"
	"  -t, --tree             show the run's spans as trees on stderr afterwards\n"
	"  -v, --verbose          say where spans and metrics are and what was recovered\n"
	"  -h, --help             show this\n"
	"\n"
	"Exit status: the program's; 128 + N when signal N killed it; 127 when it is not found, 126\n"
	"when it cannot be executed; 2 for usage errors.\n"
	"\n"
	"Example:\n"
	"  spanshim run --bindings sqlite3 --out trace.jsonl -- sqlite3 my.db 'select 1'\n";

static void warn_of_obstacle(const char *path)
{
	const char *obstacle = ss_executable_obstacle(path);

	if (obstacle)
		ss_cli_error("run", "%s %s: the loader preloads nothing, it cannot be traced", path,
			     obstacle);
}

/* ASAN_OPTIONS for a program that is linked to AddressSanitizer's library: that wants to be the
 * first of all libraries, and ends the program when it is not. Being second does it no harm.
 * malloc'ed; NULL: as it is. */
static char *asan_options(const char *path)
{
	const char *options = getenv("ASAN_OPTIONS");
	char *value;

	if (!ss_executable_needs(path, "libasan.so") ||
	    asprintf(&value, "%s%sverify_asan_link_order=0", options ? options : "",
		     options && *options ? ":" : "") < 0)
		return NULL;
	return value;
}

static void report(const struct ss_run_setup *run)
{
	const struct ss_run_dumps dumps = {
		.pattern = run->out_pattern,
		.started_ns = run->started_ns,
		.trace_hi = run->trace[0],
		.trace_lo = run->trace[1],
		.tree = run->tree,
		.verbose = run->verbose,
	};

	ss_run_report_recover(run->run_directory, run->verbose);
	if (run->log_ours)
		ss_run_report_log(run->log_pattern);
	if ((run->tree || run->verbose) && strcmp(run->out_pattern, "-") != 0)
		ss_run_report_dumps(&dumps);
	if (run->verbose && run->metrics_pattern && strcmp(run->metrics_pattern, "-") != 0)
		ss_run_report_metrics(run->metrics_pattern, run->started_ns);
}

static int launch(struct ss_run_setup *run, char **argv)
{
	char path[PATH_MAX], *asan = NULL;
	bool found = !ss_executable_find(argv[0], path, sizeof(path));
	struct ss_launch_variable variables[13] = {
		{ "LD_PRELOAD", run->preload },
		{ "SPANSHIM_OUT", run->out_pattern },
		{ "SPANSHIM_DIR", run->run_directory },
		{ "SPANSHIM_LOG", run->log_pattern },
		{ "SPANSHIM_TRACE_ID", *run->trace_id ? run->trace_id : NULL },
	};
	size_t count = 5;
	int status;

	if (run->metrics_pattern)
		variables[count++] =
			(struct ss_launch_variable){ "SPANSHIM_METRICS_OUT", run->metrics_pattern };
	if (run->binding_list)
		variables[count++] =
			(struct ss_launch_variable){ "SPANSHIM_BINDINGS", run->binding_list };
	if (run->plugin_list)
		variables[count++] =
			(struct ss_launch_variable){ "SPANSHIM_PLUGINS", run->plugin_list };
	if (run->stacks)
		variables[count++] = (struct ss_launch_variable){ "SPANSHIM_STACKS", run->stacks };
	if (run->on_full)
		variables[count++] =
			(struct ss_launch_variable){ "SPANSHIM_ON_FULL", run->on_full };
	if (run->content)
		variables[count++] = (struct ss_launch_variable){ "MELLEA_TRACES_CONTENT", "true" };
	if (found) {
		asan = asan_options(path);
		warn_of_obstacle(path);
	}
	if (asan)
		variables[count++] = (struct ss_launch_variable){ "ASAN_OPTIONS", asan };
	status = ss_launch(argv, variables);
	free(asan);
	if (status >= 0)
		return status;
	ss_cli_error("run", "%s: %s", argv[0], strerror(-status));
	return SS_EXIT_USAGE;
}

/* The program runs whether or not this works. */
static pid_t start_export(const struct ss_run_setup *run)
{
	pid_t pid = ss_run_export_start(run);

	if (pid < 0)
		ss_cli_error("run", "cannot start the export: %s", strerror(-pid));
	return pid;
}

static bool parse_option(struct ss_run_setup *run, int option)
{
	switch (option) {
	case 'o':
		run->out = optarg;
		return true;
	case 'm':
		run->metrics = optarg;
		return true;
	case 'b':
		run->bindings = optarg;
		return true;
	case 'p':
		return ss_run_setup_add_plugin(run, optarg) == 0;
	case 'd':
		run->directory = optarg;
		return true;
	case 'c':
		run->content = true;
		return true;
	case 's':
		run->stacks = optarg;
		return true;
	case 'f':
		run->on_full = optarg;
		return true;
	case 'l':
		run->log = optarg;
		return true;
	case 'e':
		run->export = optarg;
		return true;
	case 'S':
		run->separate_traces = true;
		return true;
	case 't':
		run->tree = true;
		return true;
	case 'v':
		run->verbose = true;
		return true;
	default:
		return false;
	}
}

int ss_cmd_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "out", required_argument, NULL, 'o' },
		{ "metrics", required_argument, NULL, 'm' },
		{ "bindings", required_argument, NULL, 'b' },
		{ "plugin", required_argument, NULL, 'p' },
		{ "dir", required_argument, NULL, 'd' },
		{ "content", no_argument, NULL, 'c' },
		{ "stacks", required_argument, NULL, 's' },
		{ "on-full", required_argument, NULL, 'f' },
		{ "log", required_argument, NULL, 'l' },
		{ "export", required_argument, NULL, 'e' },
		{ "separate-traces", no_argument, NULL, 'S' },
		{ "tree", no_argument, NULL, 't' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct ss_run_setup run = { .directory_fd = -1 };
	int option, status;

	/* "+": the command's own options are its own. */
	while ((option = getopt_long(argc, argv, "+o:m:b:p:e:tvh", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return SS_EXIT_OK;
		}
		if (!parse_option(&run, option))
			return ss_cli_usage("run", NULL);
	}
	if (optind == argc)
		return ss_cli_usage("run", "no command given");
	status = ss_run_setup_prepare(&run);
	if (!status && run.export)
		status = ss_run_export_check(&run);
	if (!status) {
		pid_t exporter = run.export ? start_export(&run) : 0;

		status = launch(&run, argv + optind);
		report(&run);
		if (exporter > 0)
			ss_run_export_finish(&run, exporter);
	}
	ss_run_setup_deinit(&run);
	return status;
}
