/* SPDX-License-Identifier: Apache-2.0
 *
 * `spanshim env`: the table of shim/config.h, and what else is read, with the values now in the
 * environment; and what a shell needs to trace without the launcher. docs/ENVIRONMENT.md has the
 * same rows, which a test compares.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/cli/cli.h"
#include "collector/cli/preload.h"
#include "shim/config.h"

static const char help[] =
	"Usage: spanshim env [OPTION]\n"
	"\n"
	"Shows the environment variables that spanshim reads: value, type, default and meaning.\n"
	"\n"
	"Options:\n"
	"      --preload   print only the absolute path of the object to preload\n"
	"      --shell     print lines for a shell to evaluate: from then on its programs are traced\n"
	"  -h, --help      show this\n"
	"\n"
	"Exit status: 0 fine, 1 a value is not valid (its default is in force), 2 usage error or the\n"
	"object to preload is missing.\n"
	"\n"
	"Examples:\n"
	"  LD_PRELOAD=$(spanshim env --preload) sqlite3 my.db 'select 1'\n"
	"  eval \"$(spanshim env --shell)\"\n";

static const char *const types[] = {
	[SS_ENV_STRING] = "text",          [SS_ENV_BYTES] = "size",
	[SS_ENV_COUNT] = "number",         [SS_ENV_CHOICE] = "choice",
	[SS_ENV_RATIO] = "ratio",          [SS_ENV_FLAG] = "yes/no",
	[SS_ENV_OTEL_FLAG] = "true/false", [SS_ENV_CONTENT] = "yes/no",
	[SS_ENV_TRACE_ID] = "trace id",    [SS_ENV_TRACEPARENT] = "traceparent",
};

struct other {
	const char *name, *type, *meaning;
};

static const struct other of_commands[] = {
	{ "COLUMNS", "number", "width of what tree and stats print; default the terminal's" },
	{ "NO_COLOR", "text", "with any value: no colour" },
	{ "TERM", "text", "dumb or unset: no colour, no progress bar" },
	{ "LC_ALL", "text", "a locale with UTF-8: lines and signs beyond ASCII" },
	{ "LC_CTYPE", "text", "as LC_ALL, which goes before" },
	{ "LANG", "text", "as LC_CTYPE, which goes before" },
	{ "TMPDIR", "text", "where tree keeps what comes through a pipe; default /tmp" },
	{ "PATH", "text", "where run looks for the program" },
	{ "LD_PRELOAD", "text", "what run and env --shell put the shim in front of" },
	{ "ASAN_OPTIONS", "text",
	  "run: added to for a program that is linked to AddressSanitizer's library" },
	{ "OTEL_EXPORTER_OTLP_ENDPOINT", "text",
	  "export: the collector's address; /v1/traces or /v1/metrics is added; default http://localhost:4318" },
	{ "OTEL_EXPORTER_OTLP_PROTOCOL", "text",
	  "export: http/json is what there is; grpc is refused" },
	{ "OTEL_EXPORTER_OTLP_HEADERS", "text",
	  "export: name=value,... (percent-encoded) sent with each request" },
	{ "OTEL_EXPORTER_OTLP_TIMEOUT", "number",
	  "export: longest time for a request, in milliseconds; default 10000" },
	{ "OTEL_EXPORTER_OTLP_COMPRESSION", "text", "export: gzip or none, the default" },
	{ "OTEL_EXPORTER_OTLP_CERTIFICATE", "text",
	  "export: file with certificates to trust (PEM)" },
	{ "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "text",
	  "export: file with our own certificate (PEM)" },
	{ "OTEL_EXPORTER_OTLP_CLIENT_KEY", "text", "export: file with its key (PEM)" },
	{ "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "text", "export: the address for spans, as it is" },
	{ "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "text",
	  "as OTEL_EXPORTER_OTLP_PROTOCOL, for spans alone" },
	{ "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "text",
	  "as OTEL_EXPORTER_OTLP_HEADERS, for spans alone" },
	{ "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "number",
	  "as OTEL_EXPORTER_OTLP_TIMEOUT, for spans alone" },
	{ "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "text",
	  "as OTEL_EXPORTER_OTLP_COMPRESSION, for spans alone" },
	{ "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "text",
	  "as OTEL_EXPORTER_OTLP_CERTIFICATE, for spans alone" },
	{ "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "text",
	  "as OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, for spans alone" },
	{ "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "text",
	  "as OTEL_EXPORTER_OTLP_CLIENT_KEY, for spans alone" },
	{ "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "text",
	  "export: the address for metrics, as it is" },
	{ "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "text",
	  "as OTEL_EXPORTER_OTLP_PROTOCOL, for metrics alone" },
	{ "OTEL_EXPORTER_OTLP_METRICS_HEADERS", "text",
	  "as OTEL_EXPORTER_OTLP_HEADERS, for metrics alone" },
	{ "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "number",
	  "as OTEL_EXPORTER_OTLP_TIMEOUT, for metrics alone" },
	{ "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "text",
	  "as OTEL_EXPORTER_OTLP_COMPRESSION, for metrics alone" },
	{ "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "text",
	  "as OTEL_EXPORTER_OTLP_CERTIFICATE, for metrics alone" },
	{ "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE", "text",
	  "as OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE, for metrics alone" },
	{ "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", "text",
	  "as OTEL_EXPORTER_OTLP_CLIENT_KEY, for metrics alone" },
	{ "XDG_STATE_HOME", "text",
	  "export: where it keeps what was sent; default ~/.local/state" },
	{ "HOME", "text", "export: where ~ is" },
};

static const struct other of_mellea[] = {
	{ "MELLEA_TRACES_ENABLED", "yes/no",
	  "Mellea writes its own spans: spanshim leaves them to it" },
	{ "MELLEA_METRICS_ENABLED", "yes/no",
	  "Mellea writes its own metrics: spanshim leaves them to it" },
	{ "MELLEA_PRICING_ENABLED", "yes/no",
	  "Mellea looks up prices (with litellm): there is a metric of cost" },
	{ "MELLEA_PRICING_FILE", "text", "further prices of Mellea's" },
	{ "MELLEA_GENERATION_CHUNK_EVENTS", "yes/no",
	  "chat spans have an event for each chunk (Mellea 0.8)" },
};

struct complaint {
	const char *name;
	char expected[SS_CONFIG_PHRASE_BYTES];
};

/* ss_config_complaint has no context argument. */
static struct complaint complaints[64];
static size_t complaint_count;

static void note_complaint(const char *name, const char *value, const char *expected)
{
	struct complaint *complaint = &complaints[complaint_count];

	if (complaint_count == sizeof(complaints) / sizeof(complaints[0]))
		return;
	complaint->name = name;
	snprintf(complaint->expected, sizeof(complaint->expected), "%s", expected);
	complaint_count++;
}

static void print_head(const char *name, const char *type)
{
	const char *value = getenv(name);

	printf("%s\n", name);
	if (value && *value)
		printf("    value    %s\n", value);
	printf("    type     %s\n", type);
}

static void print_row(const struct ss_env_row *row)
{
	size_t i;

	print_head(row->name, types[row->type]);
	for (i = 0; i < complaint_count; i++)
		if (!strcmp(complaints[i].name, row->name))
			printf("    invalid  expected %s; the default is in force\n",
			       complaints[i].expected);
	if (*row->fallback)
		printf("    default  %s\n", row->fallback);
	if (row->choices)
		printf("    choices  %s\n", row->choices);
	printf("    meaning  %s\n", row->meaning);
}

static void print_others(const char *title, const struct other *rows, size_t count)
{
	printf("# %s\n", title);
	for (size_t i = 0; i < count; i++) {
		print_head(rows[i].name, rows[i].type);
		printf("    meaning  %s\n", rows[i].meaning);
	}
}

static int print_table(void)
{
	struct ss_config config;
	size_t i;

	ss_config_read(&config, environ, note_complaint);
	for (i = 0; i < ss_env_rows; i++)
		print_row(&ss_env_table[i]);
	print_others("read by the commands", of_commands,
		     sizeof(of_commands) / sizeof(of_commands[0]));
	print_others("Mellea's own, which spanshim goes by", of_mellea,
		     sizeof(of_mellea) / sizeof(of_mellea[0]));
	return complaint_count ? SS_EXIT_FINDINGS : SS_EXIT_OK;
}

static void print_quoted(const char *value)
{
	putchar('\'');
	for (; *value; value++) {
		if (*value == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*value);
	}
	putchar('\'');
}

static int print_shell(const char *object)
{
	char *value = ss_preload_value(object, getenv("LD_PRELOAD"));

	if (!value) {
		ss_cli_error("env", "%s", strerror(ENOMEM));
		return SS_EXIT_USAGE;
	}
	fputs("LD_PRELOAD=", stdout);
	print_quoted(value);
	puts("; export LD_PRELOAD");
	free(value);
	return SS_EXIT_OK;
}

static int print_preload(bool shell)
{
	char *object = NULL;
	int r = ss_preload_find(&object), status = SS_EXIT_OK;

	if (r) {
		ss_cli_error("env", "%s: %s", object ? object : "libspanshim.so",
			     ss_preload_error(r));
		status = SS_EXIT_USAGE;
	} else if (shell) {
		status = print_shell(object);
	} else {
		puts(object);
	}
	free(object);
	return status;
}

int ss_cmd_env(int argc, char **argv)
{
	static const struct option options[] = {
		{ "preload", no_argument, NULL, 'p' },
		{ "shell", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	bool preload = false, shell = false;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			preload = true;
			break;
		case 's':
			shell = true;
			break;
		case 'h':
			fputs(help, stdout);
			return SS_EXIT_OK;
		default:
			return ss_cli_usage("env", NULL);
		}
	}
	if (optind < argc)
		return ss_cli_usage("env", "'%s' is not expected", argv[optind]);
	if (preload && shell)
		return ss_cli_usage("env", "--preload and --shell exclude each other");
	return preload || shell ? print_preload(shell) : print_table();
}
