/* SPDX-License-Identifier: Apache-2.0
 *
 * `spanshim export`: the options; what it does is in export_otlp (to a collector: export_* from
 * file to batch to request) and export_chrome (a trace for viewers).
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/cli/cli.h"
#include "collector/cli/export_chrome.h"
#include "collector/cli/export_otlp.h"

#define WAIT_S        30u
#define WAIT_S_FOLLOW 10u
#define WAIT_S_MAX    86400u

static const char help[] =
	"Usage: spanshim export [OPTION...] FILE...\n"
	"       spanshim export --format chrome [-o FILE] FILE...\n"
	"\n"
	"Sends dumps and metrics files ('-': standard input) to an OpenTelemetry collector, as OTLP over\n"
	"HTTP in JSON; or makes a trace of dumps that Perfetto and chrome://tracing open.\n"
	"\n"
	"Sending goes on where it stopped, also after a crash: each span arrives at least once. What has\n"
	"been sent is remembered by file and endpoint below $XDG_STATE_HOME/spanshim/export\n"
	"(~/.local/state). Lost connections, status 429, 502, 503 and 504 are tried again, later and\n"
	"later, or when the server says. When a server refuses data, it is sent in smaller pieces, and\n"
	"the lines that are to blame are named and passed over.\n"
	"\n"
	"Options:\n"
	"      --format FORMAT     otlp (the default), or chrome, also called perfetto\n"
	"  -h, --help              show this\n"
	"\n"
	"To a collector:\n"
	"  -e, --endpoint URL      its address, to which /v1/traces and /v1/metrics are added\n"
	"      --compression KIND  gzip or none\n"
	"      --batch-bytes N     longest request, before compression (default: 1048576)\n"
	"      --wait SECONDS      how long to try again when the collector cannot be reached or is busy\n"
	"                          (default: 30; with --follow: 10, after the signal to stop)\n"
	"      --from-start        whatever was sent before\n"
	"  -f, --follow            go on as the files are written, until SIGINT or SIGTERM; then send what\n"
	"                          is there. They need not be there yet; *, ? and [ in a quoted name\n"
	"                          stand for all files that match, those to come as well\n"
	"      --since NS          following, only files written to since then (nanoseconds since 1970)\n"
	"  -q, --quiet             say only what went wrong; following, what ends the export at its end\n"
	"      OTEL_EXPORTER_OTLP_ENDPOINT, _HEADERS, _TIMEOUT, _COMPRESSION, _CERTIFICATE,\n"
	"      _CLIENT_KEY, _CLIENT_CERTIFICATE, _PROTOCOL, and each with TRACES_ or METRICS_ before\n"
	"      the last part, mean what OpenTelemetry has them mean; options go before them.\n"
	"\n"
	"To a Chrome trace:\n"
	"  -o, --output FILE       where to (default: standard output)\n"
	"\n"
	"Exit status: 0 all was sent; 1 lines could not be read, or the server refused some;\n"
	"2 usage error, unreadable file, or not all could be sent: what remains is said.\n"
	"\n"
	"Examples:\n"
	"  spanshim export --endpoint http://localhost:4318 trace.jsonl metrics.jsonl\n"
	"  spanshim export --follow 'traces/*.jsonl'\n"
	"  spanshim export --format chrome -o trace.json trace.jsonl\n";

enum format { FORMAT_OTLP, FORMAT_CHROME };

struct arguments {
	struct ss_export_otlp otlp;
	const char *output;
	enum format format;
	const char *otlp_option; /* one that was given */
	bool wait_given;
};

static int parse_format(const char *text, enum format *ret_format)
{
	if (!strcmp(text, "otlp"))
		*ret_format = FORMAT_OTLP;
	else if (!strcmp(text, "chrome") || !strcmp(text, "perfetto"))
		*ret_format = FORMAT_CHROME;
	else
		return ss_cli_usage("export", "--format %s: expected otlp, chrome or perfetto",
				    text);
	return 0;
}

static int parse_number(const char *option, unsigned long min, unsigned long max,
			unsigned long *ret_number)
{
	if (ss_cli_parse_count(optarg, max, ret_number) || *ret_number < min)
		return ss_cli_usage("export", "%s %s: expected a number from %lu to %lu", option,
				    optarg, min, max);
	return 0;
}

static int parse_option(int option, struct arguments *arguments)
{
	struct ss_export_otlp *otlp = &arguments->otlp;
	unsigned long number = 0;
	int r = 0;

	switch (option) {
	case 'F':
		return parse_format(optarg, &arguments->format);
	case 'o':
		arguments->output = optarg;
		return 0;
	case 'e':
		otlp->endpoint.endpoint = optarg;
		otlp->endpoint.endpoint_option = "--endpoint";
		break;
	case 'c':
		otlp->endpoint.compression = optarg;
		break;
	case 'b':
		r = parse_number("--batch-bytes", 1, 1ul << 30, &number);
		otlp->batch_bytes = number;
		break;
	case 'w':
		arguments->wait_given = true;
		r = parse_number("--wait", 0, WAIT_S_MAX, &otlp->wait_s);
		break;
	case 's':
		otlp->from_start = true;
		break;
	case 'f':
		otlp->follow = true;
		break;
	case 'S':
		r = parse_number("--since", 0, INT64_MAX, &number);
		otlp->since_ns = number;
		break;
	case 'q':
		otlp->quiet = true;
		break;
	default:
		return ss_cli_usage("export", NULL);
	}
	arguments->otlp_option = "--endpoint, --follow and the like";
	return r;
}

/* From a shell with the shim in LD_PRELOAD we would trace our own requests: once more, without. */
static void step_out_of_the_shim(int argc, char **argv)
{
	const char *preload = getenv("LD_PRELOAD"), *disable = getenv("SPANSHIM_DISABLE");
	char name[] = "spanshim", command[] = "export", **again;

	if (!preload || !strstr(preload, "libspanshim") || (disable && *disable))
		return;
	again = calloc(argc + 2, sizeof(*again));
	if (!again || setenv("SPANSHIM_DISABLE", "1", 1))
		return;
	again[0] = name;
	again[1] = command;
	memcpy(again + 2, argv + 1, argc * sizeof(*again));
	execv("/proc/self/exe", again);
	free(again);
}

int ss_cmd_export(int argc, char **argv)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, 'F' },
		{ "output", required_argument, NULL, 'o' },
		{ "endpoint", required_argument, NULL, 'e' },
		{ "compression", required_argument, NULL, 'c' },
		{ "batch-bytes", required_argument, NULL, 'b' },
		{ "wait", required_argument, NULL, 'w' },
		{ "from-start", no_argument, NULL, 's' },
		{ "follow", no_argument, NULL, 'f' },
		{ "since", required_argument, NULL, 'S' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct arguments arguments = { .otlp.batch_bytes = SS_EXPORT_BATCH_BYTES };
	int option, r;

	while ((option = getopt_long(argc, argv, "o:e:fqh", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return SS_EXIT_OK;
		}
		r = parse_option(option, &arguments);
		if (r)
			return r;
	}
	if (optind == argc)
		return ss_cli_usage("export", "no file given");
	if (arguments.format == FORMAT_CHROME && arguments.otlp_option)
		return ss_cli_usage("export", "%s do not go with --format chrome",
				    arguments.otlp_option);
	if (arguments.format == FORMAT_CHROME)
		return ss_export_chrome(argv + optind, argc - optind, arguments.output);
	if (arguments.output)
		return ss_cli_usage("export", "--output goes with --format chrome");
	if (!arguments.wait_given)
		arguments.otlp.wait_s = arguments.otlp.follow ? WAIT_S_FOLLOW : WAIT_S;
	step_out_of_the_shim(argc, argv);
	return ss_export_otlp(&arguments.otlp, argv + optind, argc - optind);
}
