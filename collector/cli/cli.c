/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/cli.h"

#include <errno.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "collector/cli/text_line.h"

void ss_cli_print(FILE *file, const char *text)
{
	struct ss_text_line line = { .utf8 = ss_cli_utf8() };

	do {
		ss_text_line_reset(&line);
		text = ss_text_line_fill(&line, text);
		ss_text_line_print(&line, false, file);
	} while (text && *text);
}

static void print_message(const char *command, const char *format, va_list args)
{
	char *text = NULL;
	size_t bytes;
	FILE *message = open_memstream(&text, &bytes);

	if (!message)
		return;
	fprintf(message, "spanshim %s: ", command);
	vfprintf(message, format, args);
	fclose(message);
	fflush(stdout);
	ss_cli_print(stderr, text);
	free(text);
}

void ss_cli_error(const char *command, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_message(command, format, args);
	va_end(args);
}

int ss_cli_usage(const char *command, const char *format, ...)
{
	va_list args;

	if (format) {
		va_start(args, format);
		print_message(command, format, args);
		va_end(args);
	}
	fprintf(stderr, "Try 'spanshim %s --help'.\n", command);
	return SS_EXIT_USAGE;
}

bool ss_cli_colour(FILE *file)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (no_color && *no_color)
		return false;
	return term && *term && strcmp(term, "dumb") != 0 && isatty(fileno(file));
}

bool ss_cli_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

unsigned ss_cli_width(FILE *file)
{
	const char *columns = getenv("COLUMNS");
	unsigned long width;
	struct winsize size;

	if (columns && !ss_cli_parse_count(columns, 65535, &width) && width)
		return width;
	if (isatty(fileno(file)) && !ioctl(fileno(file), TIOCGWINSZ, &size))
		return size.ws_col;
	return 0;
}

int ss_cli_parse_count(const char *text, unsigned long max, unsigned long *ret_value)
{
	unsigned long value;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || value > max)
		return -EINVAL;
	*ret_value = value;
	return 0;
}

void ss_cli_raise_file_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

char *ss_cli_absolute(const char *path)
{
	char *directory, *absolute = NULL;

	if (*path == '/')
		return strdup(path);
	directory = getcwd(NULL, 0);
	if (directory && asprintf(&absolute, "%s/%s", directory, path) < 0)
		absolute = NULL;
	free(directory);
	return absolute;
}
