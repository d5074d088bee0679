/* SPDX-License-Identifier: Apache-2.0
 *
 * `spanshim tree`: the options; the rest is in tree_*. From file to line: tree_source reads,
 * tree_scan finds the spans, tree_model holds them, tree_link orders them, tree_print (or
 * tree_json) shows them, with what tree_content reads again.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cli/cli.h"
#include "collector/cli/tree_json.h"
#include "collector/cli/tree_model.h"
#include "collector/cli/tree_options.h"
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
	"What to show:\n" SS_TREE_OPTION_HELP "\n"
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
		style->write = ss_tree_json_print;
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
		return ss_tree_options_parse("tree", option, options);
	}
}

int ss_cmd_tree(int argc, char **argv)
{
	static const struct option long_options[] = {
		SS_TREE_OPTION_LONG,
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

	while ((option = getopt_long(argc, argv, SS_TREE_OPTION_LETTERS "aefw:h", long_options,
				     NULL)) != -1) {
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
	if (style.follow && style.write)
		return ss_cli_usage("tree",
				    "--json shows whole trees: it does not go with --follow");
	return ss_tree_show("tree", argv + optind, argc - optind, &options, &style);
}
