/* SPDX-License-Identifier: Apache-2.0
 *
 * `spanshim html`: the options, and where the page goes; the rest is in html_*. From dump to page:
 * tree_read reads, html_cut chooses what a page can hold, tree_link orders, html_rows says what is
 * to be seen of each span, html_page puts it together.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/cli/cli.h"
#include "collector/cli/html_cut.h"
#include "collector/cli/html_page.h"
#include "collector/cli/text_line.h"
#include "collector/cli/tree_model.h"
#include "collector/cli/tree_options.h"
#include "collector/cli/tree_read.h"
#include "collector/cli/whole_file.h"

#define SPANS_DEFAULT 200000u
#define FILTERS_MAX   16u

static const char help[] =
	"Usage: spanshim html [OPTION...] FILE... -o PAGE\n"
	"\n"
	"Writes the traces of dump files ('-': standard input) as one HTML page that needs nothing\n"
	"else: no server, no network. Browsers from 2024 on show it: the tree, bars over\n"
	"time, the details of a span; it can be searched, filtered and linked to. '?' on the page\n"
	"lists its keys.\n"
	"\n"
	"Where to:\n"
	"  -o, --output PAGE        the file; replaced only once the page is complete. '-', and the\n"
	"                           default if it is no terminal: standard output\n"
	"      --title TEXT         title of the page; default: the name of the first file\n"
	"\n"
	"What to show:\n" SS_TREE_OPTION_HELP
	"      --spans N            at most N spans; default: 200000; 0: all. Those with errors and\n"
	"                           those that are unfinished stay, then the longest, each with the\n"
	"                           spans above it; what is left out is told here and on the page\n"
	"\n"
	"  -h, --help               show this\n"
	"\n"
	"Exit status: 0 fine, 1 a line could not be read, but the page has all others, 2 usage error,\n"
	"unreadable file, or the page could not be written.\n"
	"\n"
	"Examples:\n"
	"  spanshim html trace.jsonl -o trace.html\n"
	"  spanshim html --errors --min-duration 10ms traces/*.jsonl -o slow-errors.html\n";

struct options {
	struct ss_tree_options tree;
	const char *output, *title;
	unsigned long spans;
	const char *filters[FILTERS_MAX]; /* for the page: how spans were chosen */
	char texts[FILTERS_MAX][128];
	unsigned filter_count;
};

static int parse_option(int option, struct options *options, const char *long_name)
{
	switch (option) {
	case 'o':
		options->output = optarg;
		return 0;
	case 'T':
		options->title = optarg;
		return 0;
	case 's':
		if (ss_cli_parse_count(optarg, UINT32_MAX, &options->spans))
			return ss_cli_usage("html", "--spans %s: expected a number", optarg);
		return 0;
	}
	if (option != '?' && options->filter_count < FILTERS_MAX) {
		char *text = options->texts[options->filter_count];

		snprintf(text, sizeof(options->texts[0]), "--%s%s%s", long_name, optarg ? " " : "",
			 optarg ? optarg : "");
		options->filters[options->filter_count++] = text;
	}
	return ss_tree_options_parse("html", option, &options->tree);
}

static int parse(int argc, char **argv, struct options *options)
{
	static const struct option long_options[] = {
		SS_TREE_OPTION_LONG,
		{ "output", required_argument, NULL, 'o' },
		{ "title", required_argument, NULL, 'T' },
		{ "spans", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const struct option *known;
	int option, r;

	while ((option = getopt_long(argc, argv, SS_TREE_OPTION_LETTERS "o:h", long_options,
				     NULL)) != -1) {
		if (option == 'h')
			return 'h';
		for (known = long_options; known->name && known->val != option; known++)
			;
		r = parse_option(option, options, known->name);
		if (r)
			return r;
	}
	if (optind == argc)
		return ss_cli_usage("html", "no file given");
	return 0;
}

/* Where the page would go is one of the dumps, or a terminal. */
static int refuse(const char *output, char *const *paths, int count)
{
	struct stat page, dump;
	int i;

	if (!output && isatty(STDOUT_FILENO))
		return ss_cli_usage("html",
				    "the page is nothing for a terminal: name a file for it "
				    "with --output");
	if (!output || stat(output, &page) || !S_ISREG(page.st_mode))
		return 0;
	for (i = 0; i < count; i++)
		if (!stat(paths[i], &dump) && dump.st_dev == page.st_dev &&
		    dump.st_ino == page.st_ino)
			return ss_cli_usage("html", "--output %s: that is one of the dumps",
					    output);
	return 0;
}

static void say_cut(const struct ss_html_cut *cut, const struct ss_tree *tree)
{
	struct ss_text_line longest = { .utf8 = ss_cli_utf8() };

	if (tree->left_out)
		ss_cli_error("html",
			     "%" PRIu64 " spans are left out, to save memory: --trace looks at one "
			     "trace",
			     tree->left_out);
	if (!cut->spans)
		return;
	ss_text_line_duration(&longest, cut->longest_ns, 0);
	ss_cli_error("html",
		     "%" PRIu64 " of %" PRIu64 " spans are left out, %" PRIu64
		     " of them with errors; none took longer than %.*s: --trace, --errors, "
		     "--min-duration or --name choose, --spans 0 takes all",
		     cut->spans, tree->found, cut->errors, (int)longest.bytes, longest.text);
}

static int print_troubles(const struct ss_tree_reading *reading)
{
	uint64_t more = ss_tree_read_more_troubles(reading), i;

	for (i = 0; i < reading->trouble_count - more; i++)
		ss_cli_print(stderr, reading->troubles[i]);
	if (more)
		fprintf(stderr, "%" PRIu64 " more lines that could not be read\n", more);
	return ss_tree_read_status(reading);
}

static int write_page(struct ss_tree_reading *reading, const struct options *options,
		      const struct ss_html_about *about)
{
	const char *output =
		options->output && strcmp(options->output, "-") ? options->output : NULL;
	struct ss_whole_file whole = { .file = stdout };
	struct ss_html_cut cut = { 0 };
	int r = output ? ss_whole_file_open(&whole, output) : 0;

	if (!r) {
		r = ss_html_cut_choose(&cut, &reading->tree, (uint32_t)options->spans);
		if (!r)
			r = ss_tree_link(&reading->tree);
		if (!r)
			r = ss_html_page_write(reading, &cut, about, whole.file);
		if (!r && output)
			r = ss_whole_file_finish(&whole);
		else if (output)
			ss_whole_file_discard(&whole);
	}
	if (r)
		ss_tree_read_fail(reading, output ? output : "the page", r);
	else
		say_cut(&cut, &reading->tree);
	ss_html_cut_deinit(&cut);
	return r;
}

int ss_cmd_html(int argc, char **argv)
{
	static struct options options = { .spans = SPANS_DEFAULT };
	struct ss_tree_reading reading = { 0 };
	struct ss_html_about about;
	int r = parse(argc, argv, &options), i;

	if (r == 'h') {
		fputs(help, stdout);
		return SS_EXIT_OK;
	}
	if (!r)
		r = refuse(options.output, argv + optind, argc - optind);
	if (r)
		return r;
	about = (struct ss_html_about){ .title = options.title,
					.filters = options.filters,
					.filter_count = options.filter_count };
	if (!about.title)
		about.title = strcmp(argv[optind], "-") ? basename(argv[optind]) : "standard input";
	ss_tree_read_init(&reading, "html", &options.tree);
	for (i = optind; i < argc; i++)
		ss_tree_read_file(&reading, argv[i]);
	/* Of what is there: but a page without any file would only replace one that has. */
	if (reading.sources.count)
		write_page(&reading, &options, &about);
	if (reading.status == SS_EXIT_OK && !reading.tree.order_count)
		ss_tree_read_say_nothing(&reading);
	r = print_troubles(&reading);
	ss_tree_read_deinit(&reading);
	return r;
}
