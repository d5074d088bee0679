/* SPDX-License-Identifier: Apache-2.0
 *
 * `spanshim check`: reads dumps line by line, prints one line per finding and one per file. Owns
 * the counting and the printing; what is right and wrong is in check_text, check_shape, check_spans
 * and check_series.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "collector/cli/check_series.h"
#include "collector/cli/check_shape.h"
#include "collector/cli/check_spans.h"
#include "collector/cli/check_text.h"
#include "collector/cli/cli.h"
#include "collector/cli/text_line.h"
#include "collector/dump.h"

#define LOSS_PREFIX "spanshim.dropped."

static const char help[] =
	"Usage: spanshim check [OPTION...] FILE...\n"
	"\n"
	"Validates dumps, '-' being the standard input: each line one OTLP/JSON TracesData, or each\n"
	"one MetricsData, of at most 1 MiB with no unknown key, ids, times, numbers and enums in\n"
	"their right form. Traces: spans that end after they start, ids used once, parents of the\n"
	"same trace that started first; give all files of one trace together. Metrics: buckets that\n"
	"add up, cumulative series that never decrease. Prints 'FILE:LINE: WHERE: WHAT' per finding\n"
	"and a summary per file.\n"
	"\n"
	"Options:\n"
	"  --strict                 losses and missing parents are findings, not warnings\n"
	"  --allow-missing-parents  say nothing about parents that are in none of the files\n"
	"  -q, --quiet              print findings and warnings only, no summary of a sound file\n"
	"  -h, --help               show this\n"
	"\n"
	"Exit status: 0 sound (warnings allowed), 1 findings, 2 usage error or unreadable file.\n"
	"\n"
	"Example:\n"
	"  spanshim check --strict trace.jsonl\n";

struct file {
	const char *name;
	uint64_t lines, spans, findings, warnings;
	uint32_t traces, metrics, series;
	enum ss_check_signal signal;
	bool read; /* to its end */
};

struct check {
	struct file *files;
	struct file *current;
	uint64_t line;
	struct ss_check_spans spans;
	struct ss_check_series series;
	bool strict, allow_missing_parents, quiet;
};

/* What stands in a dump may hold escape sequences; a terminal must not obey them. */
static void print_safely(const char *text)
{
	uint32_t code;
	size_t bytes;

	for (; *text; text += bytes) {
		bytes = ss_text_decode(text, &code);
		if (code < 0x80 && ss_text_unsafe(code))
			printf("\\x%02x", code);
		else if (ss_text_unsafe(code) || (code == 0xfffd && bytes == 1))
			putchar('?');
		else
			fwrite(text, 1, bytes, stdout);
	}
}

static void report(struct check *check, struct file *file, uint64_t line, const char *path,
		   const char *text, bool warning)
{
	warning = warning && !check->strict;
	if (warning)
		file->warnings++;
	else
		file->findings++;
	print_safely(file->name);
	printf(":%" PRIu64 ": ", line);
	print_safely(path);
	printf("%s%s", *path ? ": " : "", warning ? "warning: " : "");
	print_safely(text);
	putchar('\n');
}

static void on_finding(void *data, const char *path, const char *text)
{
	struct check *check = data;

	report(check, check->current, check->line, path, text, false);
}

static void on_relation(void *data, const struct ss_check_place *place, const char *key,
			const char *text, bool warning)
{
	struct check *check = data;
	char path[160];

	if (warning && check->allow_missing_parents)
		return;
	snprintf(path, sizeof(path), "resourceSpans[%u].scopeSpans[%u].spans[%u].%s",
		 place->resource, place->scope, place->span, key);
	report(check, &check->files[place->file], place->line, path, text, warning);
}

static void report_losses(struct check *check, const cJSON *list)
{
	const cJSON *item;
	struct ss_dump_attr attr;
	char text[160];

	cJSON_ArrayForEach (item, list) {
		const cJSON *resource = cJSON_GetObjectItemCaseSensitive(item, "resource");
		const cJSON *attributes = cJSON_GetObjectItemCaseSensitive(resource, "attributes");
		const cJSON *cursor = NULL;

		while (ss_dump_read_attr(attributes, &cursor, &attr)) {
			if (strncmp(attr.key, LOSS_PREFIX, strlen(LOSS_PREFIX)) != 0 ||
			    attr.type != SS_DUMP_INT || !attr.integer)
				continue;
			snprintf(text, sizeof(text), "events lost: %s %" PRId64,
				 attr.key + strlen(LOSS_PREFIX), attr.integer);
			report(check, check->current, check->line, "", text, true);
		}
	}
}

struct seen { /* in one file */
	struct ss_span_index traces;
	struct ss_check_seen metrics;
};

static int check_line(struct check *check, const struct ss_dump_line *line, struct seen *seen)
{
	const struct ss_check_sink sink = { on_finding, check };
	const struct ss_check_relation_sink relations = { on_relation, check };
	uint32_t file = check->current - check->files;
	cJSON *json = NULL;
	char text[80];
	size_t byte;
	int r;

	check->line = line->number;
	if (!ss_check_text_line(line, &sink))
		return 0;
	if (ss_dump_parse(line, &json, &byte)) {
		snprintf(text, sizeof(text), "not JSON at byte %zu", byte + 1);
		on_finding(check, "", text);
		return 0;
	}
	ss_check_shape(json, &check->current->signal, &sink);
	report_losses(check, cJSON_GetObjectItemCaseSensitive(json, "resourceSpans"));
	report_losses(check, cJSON_GetObjectItemCaseSensitive(json, "resourceMetrics"));
	r = ss_check_spans_add(&check->spans, json, file, line->number, &seen->traces, &relations);
	if (r >= 0) {
		check->current->spans += r;
		r = ss_check_series_add(&check->series, json, file, line->number, &seen->metrics,
					&sink);
	}
	cJSON_Delete(json);
	return r;
}

static int check_file(struct check *check, struct file *file)
{
	struct seen seen = { 0 };
	struct ss_dump_reader reader;
	struct ss_dump_line line;
	int r = ss_dump_open(file->name, &reader);

	if (r)
		return r;
	check->current = file;
	while ((r = ss_dump_next(&reader, &line)) == 1) {
		file->lines++;
		r = check_line(check, &line, &seen);
		if (r < 0)
			break;
	}
	file->traces = seen.traces.count;
	file->metrics = seen.metrics.metrics.count;
	file->series = seen.metrics.series.count;
	file->read = r == 0;
	ss_span_index_deinit(&seen.traces);
	ss_check_seen_deinit(&seen.metrics);
	ss_dump_close(&reader);
	return r;
}

static void print_count(uint64_t count, const char *what, const char *before)
{
	bool plural = count != 1 && what[strlen(what) - 1] != 's';

	printf("%s%" PRIu64 " %s%s", before, count, what, plural ? "s" : "");
}

static void print_summary(const struct check *check, const struct file *file)
{
	if (!file->read || (check->quiet && !file->findings))
		return;
	print_safely(file->name);
	printf(": ");
	if (file->signal == SS_CHECK_METRICS) {
		print_count(file->metrics, "metric", "");
		print_count(file->series, "series", ", ");
	} else {
		print_count(file->spans, "span", "");
		print_count(file->traces, "trace", " in ");
	}
	print_count(file->lines, "line", ", ");
	printf(": ");
	if (file->findings)
		printf("%" PRIu64 " finding%s", file->findings, file->findings == 1 ? "" : "s");
	else
		printf("ok");
	if (file->warnings)
		printf(", %" PRIu64 " warning%s", file->warnings, file->warnings == 1 ? "" : "s");
	putchar('\n');
}

static int check_files(struct check *check, char **names, int count)
{
	const struct ss_check_relation_sink relations = { on_relation, check };
	int status = SS_EXIT_OK, i, r;

	check->files = calloc(count, sizeof(*check->files));
	if (!check->files) {
		ss_cli_error("check", "%s", strerror(ENOMEM));
		return SS_EXIT_USAGE;
	}
	for (i = 0; i < count; i++) {
		check->files[i].name = names[i];
		r = check_file(check, &check->files[i]);
		if (r) {
			ss_cli_error("check", "%s: %s", names[i], strerror(-r));
			status = SS_EXIT_USAGE;
		}
	}
	ss_check_spans_finish(&check->spans, &relations);
	for (i = 0; i < count; i++) {
		print_summary(check, &check->files[i]);
		if (check->files[i].findings && status == SS_EXIT_OK)
			status = SS_EXIT_FINDINGS;
	}
	ss_check_spans_deinit(&check->spans);
	ss_check_series_deinit(&check->series);
	free(check->files);
	return status;
}

int ss_cmd_check(int argc, char **argv)
{
	static const struct option options[] = {
		{ "strict", no_argument, NULL, 's' },
		{ "allow-missing-parents", no_argument, NULL, 'm' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct check check = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
		switch (option) {
		case 's':
			check.strict = true;
			break;
		case 'm':
			check.allow_missing_parents = true;
			break;
		case 'q':
			check.quiet = true;
			break;
		case 'h':
			fputs(help, stdout);
			return SS_EXIT_OK;
		default:
			return ss_cli_usage("check", NULL);
		}
	}
	if (optind == argc)
		return ss_cli_usage("check", "no file given");
	return check_files(&check, argv + optind, argc - optind);
}
