/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the readers of dumps, from bytes to what `check` and `stats` show of them: nothing
 * that a terminal would obey. With clang's -fsanitize=fuzzer it searches; with replay.c it runs the
 * corpus as an ordinary test.
 */
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/cli/cli.h"
#include "collector/cli/stats_model.h"
#include "collector/cli/stats_print.h"
#include "collector/cli/stats_read.h"
#include "collector/cli/stats_table.h"
#include "collector/cli/text_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Nothing but text and newlines. */
static void check_screen(const char *text)
{
	uint32_t code;

	while (*text) {
		size_t bytes = ss_text_decode(text, &code);

		if (*text != '\n' && ss_text_unsafe(code))
			abort();
		text += bytes;
	}
}

static void check(char *path)
{
	char *argv[] = { "spanshim check", path, NULL }, *text = NULL;
	FILE *screen = stdout;
	size_t bytes;
	int status;

	stdout = open_memstream(&text, &bytes);
	if (!stdout)
		abort();
	optind = 0;
	status = ss_cmd_check(2, argv);
	fclose(stdout);
	stdout = screen;
	if (status != SS_EXIT_OK && status != SS_EXIT_FINDINGS)
		abort();
	check_screen(text);
	free(text);
}

static void stats(const char *path, FILE *null)
{
	char *text = NULL;
	size_t bytes;
	FILE *screen = open_memstream(&text, &bytes);
	const struct ss_stats_style style = { .file = screen, .utf8 = true, .width = 80 };
	struct ss_stats stats = { 0 };

	if (!screen || ss_stats_read(&stats, path) || ss_stats_finish(&stats))
		abort();
	ss_stats_order(&stats, SS_STATS_BY_P99);
	if (ss_stats_print(&stats, &style) || ss_stats_print_json(&stats, null))
		abort();
	ss_stats_deinit(&stats);
	fclose(screen);
	check_screen(text);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	int fd = memfd_create("dump", MFD_CLOEXEC);
	FILE *null = fopen("/dev/null", "we");
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (null && write(fd, data, bytes) == (ssize_t)bytes) {
		check(path);
		stats(path, null);
	}
	if (null)
		fclose(null);
	close(fd);
	return 0;
}
