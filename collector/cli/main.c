/* SPDX-License-Identifier: Apache-2.0
 *
 * The command's entry: finds the subcommand, hands over, and makes sure that what was printed
 * really left. Must not: know anything about any one subcommand but its name and its one-line
 * summary.
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "collector/cli/cli.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

static const struct command commands[] = {
	{ "run", ss_cmd_run, "run a program with the shim preloaded" },
	{ "tree", ss_cmd_tree, "show the traces of dump files as trees" },
	{ "html", ss_cmd_html, "make a page of dump files, for a browser" },
	{ "check", ss_cmd_check, "validate dump files" },
	{ "stats", ss_cmd_stats, "add up dump files: durations, errors, tokens, metrics" },
	{ "export", ss_cmd_export,
	  "send dump files to a collector, or make a Chrome trace of them" },
	{ "recover", ss_cmd_recover, "write the spans that dead processes left in their rings" },
	{ "bindings", ss_cmd_bindings, "list, explain and validate bindings" },
	{ "env", ss_cmd_env, "show the environment variables and their values" },
};
#define COMMANDS     (sizeof(commands) / sizeof(commands[0]))
#define NAME_MAX_LEN 16

static void print_help(FILE *file)
{
	size_t i;

	fputs("Usage: spanshim COMMAND [OPTION...] [ARGUMENT...]\n"
	      "       spanshim --help | --version\n"
	      "\n"
	      "Traces unmodified programs: preloads a shim that turns calls of session, act and\n"
	      "stream functions into OpenTelemetry spans, written as OTLP/JSON lines.\n"
	      "\n"
	      "Commands:\n",
	      file);
	for (i = 0; i < COMMANDS; i++)
		fprintf(file, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\n"
	      "'spanshim COMMAND --help' explains a command.\n"
	      "\n"
	      "Exit status: 0 fine, 1 problems in the data, 2 usage or input error;\n"
	      "'run' exits with the program's own status.\n"
	      "\n"
	      "Example:\n"
	      "  spanshim run --out trace.jsonl -- sqlite3 my.db 'select 1'\n"
	      "  spanshim tree trace.jsonl\n",
	      file);
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/* Levenshtein's edit distance; names longer than any command are far from all of them. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_LEN + 1], i, j;
	size_t b_length = strlen(b);

	if (b_length > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (j = 0; j <= b_length; j++)
		row[j] = j;
	for (i = 1; a[i - 1]; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (j = 1; j <= b_length; j++) {
			unsigned above = row[j];

			row[j] = smallest(row[j] + 1, row[j - 1] + 1,
					  diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_length];
}

static int unknown_command(const char *name)
{
	const struct command *nearest = NULL;
	unsigned least = 3;
	size_t i;

	for (i = 0; i < COMMANDS; i++) {
		unsigned d = distance(commands[i].name, name);

		if (d < least) {
			least = d;
			nearest = &commands[i];
		}
	}
	fprintf(stderr, "spanshim: there is no %s '%s'", *name == '-' ? "option" : "command", name);
	if (nearest)
		fprintf(stderr, "; did you mean '%s'?", nearest->name);
	fputs("\nTry 'spanshim --help'.\n", stderr);
	return SS_EXIT_USAGE;
}

/* argv[0] becomes "spanshim NAME": what getopt_long begins its messages with. */
static int run_command(const char *name, int argc, char **argv)
{
	const struct command *command = find_command(name);
	static char title[sizeof("spanshim ") + NAME_MAX_LEN];

	if (!command)
		return unknown_command(name);
	snprintf(title, sizeof(title), "spanshim %s", command->name);
	argv[0] = title;
	return command->run(argc, argv);
}

static int dispatch(int argc, char **argv)
{
	char help[] = "--help", *help_argv[] = { NULL, help, NULL };

	if (argc < 2) {
		print_help(stderr);
		return SS_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("spanshim " SS_VERSION);
		return SS_EXIT_OK;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
	    (!strcmp(argv[1], "help") && argc == 2)) {
		print_help(stdout);
		return SS_EXIT_OK;
	}
	if (!strcmp(argv[1], "help"))
		return run_command(argv[2], 2, help_argv);
	return run_command(argv[1], argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int status;

	setlocale(LC_CTYPE, "");
	status = dispatch(argc, argv);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "spanshim: cannot write the output: %s\n", strerror(errno));
		return status ? status : SS_EXIT_USAGE;
	}
	return status;
}
