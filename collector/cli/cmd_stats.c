/* SPDX-License-Identifier: Apache-2.0
 *
 * `spanshim stats`: the options; the rest is in stats_read, stats_model and stats_print.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "collector/cli/cli.h"
#include "collector/cli/stats_model.h"
#include "collector/cli/stats_print.h"
#include "collector/cli/stats_read.h"
#include "collector/cli/stats_table.h"

static const char help[] =
	"Usage: spanshim stats [OPTION...] FILE...\n"
	"\n"
	"Adds up dump files ('-': standard input), of spans and of metrics, also together. Spans: a\n"
	"table of durations by span name, one of calls, tokens and time to the first chunk by model,\n"
	"and how often sampling, requirements, checks of streams and tools succeeded. Metrics: the\n"
	"last values of each process, added up. Files may be larger than memory. Percentiles of\n"
	"spans are within 1 %; those of metrics are upper bounds, from buckets.\n"
	"\n"
	"count, errors and durations are those of spans that finished; totals are the sum of their\n"
	"durations. tokens/s: output tokens by the time from the first chunk, or the start, to the\n"
	"end. What was lost, and lines that cannot be read, are reported at the end.\n"
	"\n"
	"Options:\n"
	"  -n, --name GLOB   only spans and metrics whose name matches\n"
	"  -s, --sort KEY    order of spans and models: total (default), name, count, errors, p99, max\n"
	"  -j, --json        one JSON object instead of tables\n"
	"  -h, --help        show this\n"
	"\n"
	"Keys of the JSON object; null where a number is not known:\n"
	"  spans        [{name, count, errors, unfinished, duration_ns}]\n"
	"  models       [{model, count, errors, unfinished, duration_ns, input_tokens, output_tokens,\n"
	"               tokens_per_second, time_to_first_chunk_ns}]\n"
	"               ..._ns: {count, total, min, p50, p95, p99, max}\n"
	"  outcomes     [{source: spans|metrics, kind: sampling|requirement|quick_check|\n"
	"               full_validation|tool, name, passed, total, rate}]\n"
	"  metrics      [{name, unit, kind, attributes, resources}, and: value; or count, sum, mean,\n"
	"               min, max, p50_at_most, p95_at_most, p99_at_most]\n"
	"  lost         {reason: events}\n"
	"  left_out     data points beyond the number of series that are kept\n"
	"  unreadable_lines; unreadable [{file, line, what}], the first ten of them\n"
	"\n"
	"Exit status: 0 fine, 1 a line could not be read, 2 usage error or unreadable file.\n"
	"\n"
	"Example:\n"
	"  spanshim stats --sort p99 trace.jsonl\n";

static int parse_sort(const char *text, enum ss_stats_sort *ret_sort)
{
	unsigned i;

	for (i = 0; i < SS_STATS_SORTS; i++) {
		if (!strcmp(text, ss_stats_sort_names[i])) {
			*ret_sort = i;
			return 0;
		}
	}
	return ss_cli_usage("stats", "--sort %s: expected total, name, count, errors, p99 or max",
			    text);
}

static int fail(const char *what, int error, int status)
{
	if (!error)
		return status;
	ss_cli_error("stats", "%s%s%s", what, *what ? ": " : "", strerror(-error));
	return SS_EXIT_USAGE;
}

static int run(struct ss_stats *stats, char *const *paths, int count, enum ss_stats_sort sort,
	       bool json)
{
	const struct ss_stats_style style = {
		.file = stdout,
		.colour = ss_cli_colour(stdout),
		.utf8 = ss_cli_utf8(),
		.width = ss_cli_width(stdout),
	};
	int status = SS_EXIT_OK, i, r, unread = 0;

	for (i = 0; i < count; i++) {
		r = ss_stats_read(stats, paths[i]);
		unread += r != 0;
		status = fail(paths[i], r, status);
	}
	if (unread == count)
		return status;
	r = ss_stats_finish(stats);
	if (!r) {
		ss_stats_order(stats, sort);
		r = json ? ss_stats_print_json(stats, stdout) : ss_stats_print(stats, &style);
	}
	status = fail("", r, status);
	return stats->trouble_count && status == SS_EXIT_OK ? SS_EXIT_FINDINGS : status;
}

int ss_cmd_stats(int argc, char **argv)
{
	static const struct option options[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "sort", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	enum ss_stats_sort sort = SS_STATS_BY_TOTAL;
	struct ss_stats stats = { 0 };
	bool json = false;
	int option, status;

	while ((option = getopt_long(argc, argv, "n:s:jh", options, NULL)) != -1) {
		switch (option) {
		case 'n':
			stats.name = optarg;
			break;
		case 's':
			status = parse_sort(optarg, &sort);
			if (status)
				return status;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(help, stdout);
			return SS_EXIT_OK;
		default:
			return ss_cli_usage("stats", NULL);
		}
	}
	if (optind == argc)
		return ss_cli_usage("stats", "no file given");
	status = run(&stats, argv + optind, argc - optind, sort, json);
	ss_stats_deinit(&stats);
	return status;
}
