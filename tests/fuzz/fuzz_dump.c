/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the readers of dumps, from bytes to what `check` and `stats` make of them. With
 * clang's -fsanitize=fuzzer it searches; with replay.c it runs the corpus as an ordinary test.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "collector/cli/check_series.h"
#include "collector/cli/check_shape.h"
#include "collector/cli/check_text.h"
#include "collector/cli/stats_model.h"
#include "collector/cli/stats_print.h"
#include "collector/cli/stats_read.h"
#include "collector/cli/stats_table.h"
#include "collector/dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void on_finding(void *data, const char *path, const char *text)
{
	*(unsigned *)data += *text != '\0';
}

static void check(const char *path)
{
	enum ss_check_signal signal = SS_CHECK_UNKNOWN;
	struct ss_check_series series = { 0 };
	struct ss_check_seen seen = { 0 };
	struct ss_dump_reader reader;
	struct ss_dump_line line;
	unsigned findings = 0;
	const struct ss_check_sink sink = { on_finding, &findings };
	cJSON *json;
	size_t byte;

	if (ss_dump_open(path, &reader))
		return;
	while (ss_dump_next(&reader, &line) == 1) {
		if (!ss_check_text_line(&line, &sink) || ss_dump_parse(&line, &json, &byte))
			continue;
		ss_check_shape(json, &signal, &sink);
		if (ss_check_series_add(&series, json, 0, line.number, &seen, &sink))
			abort();
		cJSON_Delete(json);
	}
	ss_check_series_deinit(&series);
	ss_check_seen_deinit(&seen);
	ss_dump_close(&reader);
}

static void stats(const char *path, FILE *null)
{
	const struct ss_stats_style style = { .file = null, .utf8 = true, .width = 80 };
	struct ss_stats stats = { 0 };

	if (ss_stats_read(&stats, path) || ss_stats_finish(&stats))
		abort();
	ss_stats_order(&stats, SS_STATS_BY_P99);
	if (ss_stats_print(&stats, &style) || ss_stats_print_json(&stats, null))
		abort();
	ss_stats_deinit(&stats);
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
