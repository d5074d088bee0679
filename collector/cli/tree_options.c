/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/tree_options.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cli/cli.h"
#include "collector/cli/tree_model.h"

/* The beginning of a trace id. */
static int parse_trace(const char *command, const char *text, struct ss_tree_options *options)
{
	uint64_t trace[2] = { 0, 0 };
	unsigned digits = 0;

	for (; text[digits] && digits < 32 && isxdigit((unsigned char)text[digits]); digits++) {
		char c = text[digits] | 0x20;
		unsigned digit = c <= '9' ? c - '0' : c - 'a' + 10;

		trace[digits / 16] |= (uint64_t)digit << (60 - 4 * (digits % 16));
	}
	if (!digits || text[digits])
		return ss_cli_usage(command, "--trace %s: expected up to 32 hex digits", text);
	options->trace_hi = trace[0];
	options->trace_lo = trace[1];
	options->trace_digits = digits;
	return 0;
}

static int parse_duration(const char *command, const char *text, uint64_t *ret_ns)
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
		command, "--min-duration %s: expected a time with its unit, as 10ms or 1.5s", text);
}

int ss_tree_options_parse(const char *command, int option, struct ss_tree_options *options)
{
	unsigned long number;

	switch (option) {
	case 'n':
		options->name = optarg;
		return 0;
	case 'E':
		options->errors = true;
		return 0;
	case 'm':
		return parse_duration(command, optarg, &options->min_duration_ns);
	case 't':
		return parse_trace(command, optarg, options);
	case 'l':
		if (ss_cli_parse_count(optarg, UINT32_MAX, &number) || !number)
			return ss_cli_usage(command, "--limit %s: expected a number above 0",
					    optarg);
		options->limit = number;
		return 0;
	default:
		return ss_cli_usage(command, NULL);
	}
}
