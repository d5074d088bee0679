/* SPDX-License-Identifier: Apache-2.0
 *
 * The options by which commands that show trees choose spans: one spelling for all of them.
 */
#ifndef SS_TREE_OPTIONS_H
#define SS_TREE_OPTIONS_H

#include <getopt.h>

struct ss_tree_options;

#define SS_TREE_OPTION_LETTERS "n:m:t:l:"
#define SS_TREE_OPTION_LONG                                                             \
	{ "name", required_argument, NULL, 'n' }, { "errors", no_argument, NULL, 'E' }, \
		{ "min-duration", required_argument, NULL, 'm' },                       \
		{ "trace", required_argument, NULL, 't' },                              \
	{                                                                               \
		"limit", required_argument, NULL, 'l'                                   \
	}

/* What their help says. */
#define SS_TREE_OPTION_HELP                                                                        \
	"  -n, --name PATTERN       spans with that in their name, or matching it if it has *, ? " \
	"or [\n"                                                                                   \
	"      --errors             spans that ended with an error, or not at all\n"               \
	"  -m, --min-duration TIME  spans that took as long: 250us, 10ms, 1.5s, 2m, 1h\n"          \
	"  -t, --trace ID           the traces whose id begins like that\n"                        \
	"  -l, --limit N            at most N children of each span, and N roots of each trace\n"  \
	"      Spans above a match stay, in brief.\n"

/* One of them, with its argument in optarg; text arguments must live on. Anything else is a usage
 * error that getopt_long has told. Returns 0 or SS_EXIT_USAGE. */
int ss_tree_options_parse(const char *command, int option, struct ss_tree_options *options);

#endif
