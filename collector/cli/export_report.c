/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/cli/export_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "collector/cli/cli.h"

static const char *const names[SS_EXPORT_SIGNALS] = { "span", "data point" };

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* Requests of which none was answered as hoped for. */
static void report_none(const struct ss_export_counts *counts, const char *shown)
{
	printf("nothing sent to %s; %" PRIu64 " attempt%s\n", shown, counts->requests,
	       plural(counts->requests));
}

void ss_export_report_sent(const struct ss_export_sender *sender)
{
	bool any = false;
	unsigned signal;

	for (signal = 0; signal < SS_EXPORT_SIGNALS; signal++) {
		const struct ss_export_counts *counts = &sender->counts[signal];

		if (!counts->requests)
			continue;
		any = true;
		if (!counts->sent && !counts->refused) {
			report_none(counts, sender->settings.targets[signal].shown);
			continue;
		}
		printf("%" PRIu64 " %s%s sent to %s in %" PRIu64 " request%s", counts->sent,
		       names[signal], plural(counts->sent), sender->settings.targets[signal].shown,
		       counts->requests, plural(counts->requests));
		if (counts->retries)
			printf(", %" PRIu64 " of them again", counts->retries);
		if (counts->refused)
			printf("; %" PRIu64 " refused", counts->refused);
		putchar('\n');
	}
	if (!any && !*sender->trouble)
		puts("nothing to send that was not sent before");
}

/* Adds up what is left, by signal. */
static void count_left(struct ss_export_file *file, const struct ss_export_file_options *options,
		       uint64_t left[SS_EXPORT_SIGNALS])
{
	struct ss_export_line parsed;
	struct ss_dump_line line;
	const char *what;
	size_t byte;

	if (file->open ? ss_export_file_rewind(file) : ss_export_file_open(file, options, &what))
		return;
	while (ss_export_file_next(file, false, &line) == 1) {
		const struct ss_tree_slice text = { line.text, line.bytes };

		if (!line.too_long && !ss_export_line_read(text, &parsed, &byte))
			left[parsed.signal] += parsed.items;
	}
}

/* Returns whether there is something left that the command below can send. */
static bool report_left(struct ss_export_file *file, const struct ss_export_file_options *options)
{
	uint64_t left[SS_EXPORT_SIGNALS] = { 0 }, line;
	bool any = false;
	unsigned signal;

	if (file->failed || file->done)
		return false;
	count_left(file, options, left);
	line = file->sent.line + 1;
	for (signal = 0; signal < SS_EXPORT_SIGNALS; signal++) {
		if (!left[signal])
			continue;
		any = true;
		ss_cli_error("export", "%s: %" PRIu64 " %s%s not sent, from line %" PRIu64 " on",
			     file->path, left[signal], names[signal], plural(left[signal]), line);
	}
	return any && file->regular;
}

/* As a word that a shell reads. */
static void print_word(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-+=.,:/@%";

	putc(' ', stderr);
	if (word[strspn(word, plain)] == '\0' && *word) {
		fputs(word, stderr);
		return;
	}
	putc('\'', stderr);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", stderr);
		else
			putc(*word, stderr);
	}
	putc('\'', stderr);
}

void ss_export_report_unsent(struct ss_export_files *files,
			     const struct ss_export_file_options *options, const char *endpoint)
{
	uint32_t i, left = 0;

	/* Those to go on with come to the front. */
	for (i = 0; i < files->count; i++) {
		struct ss_export_file *file = files->list[i];

		if (!report_left(file, options))
			continue;
		files->list[i] = files->list[left];
		files->list[left++] = file;
	}
	if (!left)
		return;
	fputs("spanshim export: to go on: spanshim export", stderr);
	if (endpoint) {
		fputs(" --endpoint", stderr);
		print_word(endpoint);
	}
	for (i = 0; i < left; i++)
		print_word(files->list[i]->path);
	putc('\n', stderr);
}
