/* SPDX-License-Identifier: Apache-2.0
 *
 * `spanshim tree`: the options; the rest is in tree_show, tree_model and tree_print.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cli/cli.h"
#include "collector/cli/tree_model.h"
#include "collector/cli/tree_print.h"
#include "collector/cli/tree_show.h"
#include "shim/config.h"

static const char help[] =
	"Usage: spanshim tree [OPTION...] FILE...\n"
	"\n"
	"Shows the traces of dump files ('-': standard input) as trees: a header per trace, then a\n"
	"line per span with its duration, name, error, attributes that its parent has not, and how\n"
	"many events of which name it has. Spans of one trace may be spread over files. What was\n"
	"lost, and lines that cannot be read, are reported at the end.\n"
	"\n"
	"Options:\n"
	"  -a, --attributes   show all attributes, one a line\n"
	"  -e, --events       show each event on a line of its own\n"
	"  -n, --name GLOB    only spans whose name matches, and what is above them\n"
	"      --errors       only spans that ended with an error, and what is above them\n"
	"      --trace ID     only the trace with that id (32 hex digits)\n"
	"  -l, --limit N      at most N children of each span, and N roots of each trace\n"
	"  -w, --width N      cut lines at N columns; 0: not at all; default: the terminal's width,\n"
	"                     or COLUMNS\n"
	"      --color WHEN   auto (default: on a terminal, unless NO_COLOR is set), always, never\n"
	"  -h, --help         show this\n"
	"\n"
	"Exit status: 0 fine, 1 a line could not be read, 2 usage error or unreadable file.\n"
	"\n"
	"Example:\n"
	"  spanshim tree --errors trace.jsonl\n";

static int parse_trace(const char *text, struct ss_tree_options *options)
{
	uint64_t trace[2];

	if (ss_config_parse_trace_id(text, trace))
		return ss_cli_usage("tree", "--trace %s: expected 32 lowercase hex digits", text);
	options->trace_hi = trace[0];
	options->trace_lo = trace[1];
	return 0;
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
		style->attributes = options->long_values = true;
		return 0;
	case 'e':
		style->events = options->single_events = true;
		return 0;
	case 'n':
		options->name = optarg;
		return 0;
	case 'E':
		options->errors = true;
		return 0;
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
		{ "attributes", no_argument, NULL, 'a' },
		{ "events", no_argument, NULL, 'e' },
		{ "name", required_argument, NULL, 'n' },
		{ "errors", no_argument, NULL, 'E' },
		{ "trace", required_argument, NULL, 't' },
		{ "limit", required_argument, NULL, 'l' },
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

	while ((option = getopt_long(argc, argv, "aen:l:w:h", long_options, NULL)) != -1) {
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
	return ss_tree_show("tree", argv + optind, argc - optind, &options, &style);
}
