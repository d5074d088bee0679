/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands of `spanshim`, one file each, and the little that all of them share: messages,
 * colour, locale. Single-threaded; main.c calls exactly one command per process.
 * Must not: print on stdout anything but what the user asked for; messages go to stderr.
 */
#ifndef SS_CLI_H
#define SS_CLI_H

#include <stdbool.h>
#include <stdio.h>

enum ss_exit { /* `run` alone ends with its child's status instead */
	       SS_EXIT_OK = 0,
	       SS_EXIT_FINDINGS = 1, /* the data has problems, all of them reported */
	       SS_EXIT_USAGE = 2,    /* bad option, or a file that cannot be opened */
};

/* One command: argv[0] is "spanshim NAME". Returns the exit status. */
int ss_cmd_run(int argc, char **argv);
int ss_cmd_tree(int argc, char **argv);
int ss_cmd_html(int argc, char **argv);
int ss_cmd_check(int argc, char **argv);
int ss_cmd_stats(int argc, char **argv);
int ss_cmd_export(int argc, char **argv);
int ss_cmd_recover(int argc, char **argv);
int ss_cmd_bindings(int argc, char **argv);
int ss_cmd_env(int argc, char **argv);

/* Prints "spanshim COMMAND: ..." and a newline on stderr, as ss_cli_print does. */
void ss_cli_error(const char *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints text that may be anybody's, such as names found in files: line by line, nothing in it
 * reaches a terminal as an escape sequence. A last newline is added if there is none. */
void ss_cli_print(FILE *file, const char *text);

/* As ss_cli_error, then where help is. Returns SS_EXIT_USAGE. For bad options, after getopt_long's
 * own message, format may be NULL. */
int ss_cli_usage(const char *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether escape sequences for colour may go to file: a terminal, TERM not "dumb" or unset,
 * NO_COLOR unset or empty (no-color.org). */
bool ss_cli_colour(FILE *file);

/* Whether the locale's characters are UTF-8 (after setlocale in main.c): else plain ASCII. */
bool ss_cli_utf8(void);

/* Columns that a line on file may have: COLUMNS if set, else the terminal's, else 0 (no limit). */
unsigned ss_cli_width(FILE *file);

/* Parses a whole decimal number up to max. Returns 0, or -EINVAL. */
int ss_cli_parse_count(const char *text, unsigned long max, unsigned long *ret_value);

/* Lets this process have as many files open as the system allows. */
void ss_cli_raise_file_limit(void);

/* path made absolute with the current directory, malloc'ed; NULL when memory or the directory is
 * gone. The file need not exist. */
char *ss_cli_absolute(const char *path);

#endif
