/* SPDX-License-Identifier: Apache-2.0
 *
 * `spanshim tree`: the options; the rest is in tree_*. From file to line: tree_source reads,
 * tree_scan finds the spans, tree_model holds them, tree_link orders them, tree_print (or
 * tree_json) shows them, with what tree_content reads again.
 */
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cli/cli.h"
#include "collector/cli/tree_model.h"
#include "collector/cli/tree_print.h"
#include "collector/cli/tree_show.h"

static const char help[] =
	"Usage: spanshim tree [OPTION...] FILE...\n"
	"\n"
	"Shows the traces of dump files ('-': standard input) as trees: a header per trace, then a\n"
	"line per span with its duration, name, error, what matters most of its attributes, and its\n"
	"events by name. Spans of one trace may be spread over files. Siblings that overlap in time\n"
	"hang on a double line. A parent that is in none of the files is 'missing', or 'remote' if\n"
	"it is another program's. What was lost or cannot be read is said at the end.\n"
	"\n"
	"What to show:\n"
	"  -n, --name PATTERN       spans with that in their name, or matching it if it has *, ? or [\n"
	"      --errors             spans that ended with an error, or not at all\n"
	"  -m, --min-duration TIME  spans that took as long: 250us, 10ms, 1.5s, 2m, 1h\n"
	"  -t, --trace ID           the traces whose id begins like that\n"
	"  -l, --limit N            at most N children of each span, and N roots of each trace\n"
	"      Spans above a match stay, in brief.\n"
	"\n"
	"How:\n"
	"  -a, --attributes         all attributes, one a line\n"
	"  -e, --events             each event on a line of its own, with its time after the start\n"
	"  -f, --follow             go on as the files are written, until Ctrl-C; they need not be\n"
	"                           there yet. Spans come as they end; parents that have not ended\n"
	"                           are 'pending', and repeated when they are out of sight\n"
	"      --json               one JSON object a line for each trace; see below\n"
	"  -w, --width N            cut lines at N columns; 0: not at all; default: the terminal's\n"
	"                           width, or COLUMNS\n"
	"      --color WHEN         auto (default: on a terminal, unless NO_COLOR is set), always,\n"
	"                           never\n"
	"  -h, --help               show this\n"
	"\n"
	"Colours: red errors; yellow what has not ended, failed a check or was cut short.\n"
	"\n"
	"JSON: a trace has traceId, spans, errors, unfinished, missing (counts), startTimeUnixNano,\n"
	"endTimeUnixNano and roots. A root or child has spanId, parentSpanId, name, kind,\n"
	"startTimeUnixNano, endTimeUnixNano, durationNs, status ('ok', 'error'), message, attributes\n"
	"and events[].attributes as plain objects, links, dropped...Count, children; resource and\n"
	"scope where they are not the parent's; unfinished, missing, context (above a match) only\n"
	"when true. Times are strings, in nanoseconds. Keys may be added, but none will change.\n"
	"\n"
	"Exit status: 0 fine, 1 a line could not be read, 2 usage error or unreadable file.\n"
	"\n"
	"Examples:\n"
	"  spanshim tree trace.jsonl\n"
	"  spanshim tree --errors --events trace.jsonl\n"
	"  spanshim tree --follow trace.jsonl\n"
	"  spanshim tree --json trace.jsonl | jq '.. | objects | select(.status == \"error\") | .name'\n";

/* The beginning of a trace id. */
static int parse_trace(const char *text, struct ss_tree_options *options)
{
	uint64_t trace[2] = { 0, 0 };
	unsigned digits = 0;

	for (; text[digits] && digits < 32 && isxdigit((unsigned char)text[digits]); digits++) {
		char c = text[digits] | 0x20;
		unsigned digit = c <= '9' ? c - '0' : c - 'a' + 10;

		trace[digits / 16] |= (uint64_t)digit << (60 - 4 * (digits % 16));
	}
	if (!digits || text[digits])
		return ss_cli_usage("tree", "--trace %s: expected up to 32 hex digits", text);
	options->trace_hi = trace[0];
	options->trace_lo = trace[1];
	options->trace_digits = digits;
	return 0;
}

static int parse_duration(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "ns", 1 },  { "us", 1e3 }, { "\xc2\xb5s", 1e3 }, { "ms", 1e6 },
		      { "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 } };
	char *end;
	double value = strtod(text, &end);
	unsigned i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		double ns = value * units[i].ns;

		if (end == text || strcmp(end, units[i].unit) != 0 || !(ns >= 0 && ns < 1e18))
			continue;
		*ret_ns = (uint64_t)ns;
		return 0;
	}
	return ss_cli_usage(
		"tree", "--min-duration %s: expected a time with its unit, as 10ms or 1.5s", text);
}

static int parse_colour(const char *text, bool *ret_colour)
{
	if (!strcmp(text, "always"))
		*ret_colour = true;
	else if (!strcmp(text, "never"))
		*ret_colour = false;
	else if (strcmp(text, "auto"))
		return ss_cli_usage("tree", "--color %s: expected auto, always or never", text);
	return 0;
}

static int parse_option(int option, struct ss_tree_options *options, struct ss_tree_style *style)
{
	unsigned long number;

	switch (option) {
	case 'a':
		style->attributes = true;
		return 0;
	case 'e':
		style->events = true;
		return 0;
	case 'f':
		style->follow = true;
		return 0;
	case 'j':
		style->json = true;
		return 0;
	case 'n':
		options->name = optarg;
		return 0;
	case 'E':
		options->errors = true;
		return 0;
	case 'm':
		return parse_duration(optarg, &options->min_duration_ns);
	case 't':
		return parse_trace(optarg, options);
	case 'l':
		if (ss_cli_parse_count(optarg, UINT32_MAX, &number) || !number)
			return ss_cli_usage("tree", "--limit %s: expected a number above 0",
					    optarg);
		options->limit = number;
		return 0;
	case 'w':
		if (ss_cli_parse_count(optarg, 65535, &number))
			return ss_cli_usage("tree", "--width %s: expected a number up to 65535",
					    optarg);
		style->width = number;
		return 0;
	case 'c':
		return parse_colour(optarg, &style->colour);
	default:
		return ss_cli_usage("tree", NULL);
	}
}

int ss_cmd_tree(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "errors", no_argument, NULL, 'E' },
		{ "min-duration", required_argument, NULL, 'm' },
		{ "trace", required_argument, NULL, 't' },
		{ "limit", required_argument, NULL, 'l' },
		{ "attributes", no_argument, NULL, 'a' },
		{ "events", no_argument, NULL, 'e' },
		{ "follow", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ "width", required_argument, NULL, 'w' },
		{ "color", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct ss_tree_style style = {
		.file = stdout,
		.colour = ss_cli_colour(stdout),
		.utf8 = ss_cli_utf8(),
		.width = ss_cli_width(stdout),
	};
	struct ss_tree_options options = { 0 };
	int option, r;

	while ((option = getopt_long(argc, argv, "n:m:t:l:aefw:h", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return SS_EXIT_OK;
		}
		r = parse_option(option, &options, &style);
		if (r)
			return r;
	}
	if (optind == argc)
		return ss_cli_usage("tree", "no file given");
	if (style.follow && style.json)
		return ss_cli_usage("tree",
				    "--json shows whole trees: it does not go with --follow");
	return ss_tree_show("tree", argv + optind, argc - optind, &options, &style);
}
